//! The client of archives.

mod mirrors;
mod origin;

pub use mirrors::{MirrorError, Mirrors, Moment};
pub use origin::{Origin, Role};
