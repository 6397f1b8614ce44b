//! The spec: what the user asked for, checked. `docs/spec.md` describes every key.
//!
//! Two stages: `raw` is the document as TOML has it, with a place for every value; the types here
//! are what it means, with everything decided that can be decided without looking at a file.

mod platform;
mod types;

pub use platform::{Architecture, Platform, PlatformError};
pub use types::*;
