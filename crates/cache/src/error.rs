//! What can go wrong with a cache that is written. What goes wrong with one that is read is a miss.

use std::io;
use std::path::{Path, PathBuf};

/// Something could not be written to a cache, or a cache not be looked through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// A file or directory could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file or directory could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file or directory could not be removed.
    #[error("cannot remove {}", path.display())]
    Remove {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A shared cache that is no directory could not be read or written.
    #[error("the shared cache {place} is left alone")]
    Shared {
        /// What it is called.
        place: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A record is longer than any that is read.
    #[error("{}: a record of {size} bytes is longer than {}", path.display(), crate::MAX_RECORD)]
    RecordSize {
        /// Where it was to be.
        path: PathBuf,
        /// Its size in bytes.
        size: usize,
    },
}

pub(crate) fn read_error(path: &Path) -> impl FnOnce(io::Error) -> CacheError + '_ {
    move |source| CacheError::Read { path: path.into(), source }
}

pub(crate) fn write_error(path: &Path) -> impl FnOnce(io::Error) -> CacheError + '_ {
    move |source| CacheError::Write { path: path.into(), source }
}
