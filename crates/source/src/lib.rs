//! Places files come from: a directory, the host, its package database.
