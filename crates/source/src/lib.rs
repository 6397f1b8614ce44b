//! Places files come from: the host, a root file system in a directory, the payload.
//!
//! [`Directory`] is a [`tree::View`] of a directory on disk and never leaves it, whatever its links
//! say. [`walk`] reads a payload: metadata now, content when a layer is written.

mod below;
mod directory;
mod error;
mod file;
mod identity;
mod payload;

pub use directory::Directory;
pub use error::SourceError;
pub use identity::{Memory, NoMemory};
pub use payload::{Found, Step, walk};
