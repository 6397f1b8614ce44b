//! Places images go to and come from: layout, archive, daemon.
