//! A spec in, layers with reasons out.
pub mod spec;
