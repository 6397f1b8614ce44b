//! The spec: what the user asked for, checked. `docs/spec.md` describes every key.
//!
//! Two stages: `raw` is the document as TOML has it, with a place for every value; the types here
//! are what it means, with everything decided that can be decided without looking at a file.

mod check;
mod error;
mod languages;
mod parse;
mod platform;
mod raw;
mod reference;
mod render;
mod schema;
mod shape;
mod teach;
mod types;
mod values;
mod words;

pub use error::{SpecError, SpecErrorCode};
pub(crate) use error::{toml_list, toml_text};
pub use languages::{Java, Modules, Node, Python, PythonDependencies, PythonSources, Shed, Stdlib};
pub(crate) use parse::conflict_mark;
pub use parse::parse;
pub use platform::{Architecture, Platform, PlatformError};
pub use render::render;
pub use schema::schema;
pub use types::*;
pub(crate) use words::{command_words, shell_syntax};

/// The bytes contract that this version of bantam keeps: what `format` says in a spec and a lock.
pub const FORMAT: u32 = 1;

/// Reads a size as a spec has it: `30 MB`, `1.5 GiB`, `4096`.
///
/// # Errors
/// What is wrong with it, and what to write.
pub fn size(text: &str) -> Result<u64, String> {
    values::size(text).map_err(|wrong| match wrong.help {
        Some(help) => format!("{}; {help}", wrong.message),
        None => wrong.message,
    })
}
