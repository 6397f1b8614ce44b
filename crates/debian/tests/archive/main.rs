//! Archives, as mirrors have them and have them not.

#![allow(clippy::unwrap_used, clippy::panic)]

mod mirrors;
mod open;
mod packages;
mod world;
