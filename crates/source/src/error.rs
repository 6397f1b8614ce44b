//! What can go wrong on a builder's disk.

use std::{io, path::PathBuf};

/// A place on the builder could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The operating system refused.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Nothing is there.
    #[error("{path} does not exist", path = path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// A link of the payload leads nowhere, and links are to be followed.
    #[error("{path} is a link to `{target}`, which does not exist", path = path.display())]
    Dangling {
        /// The link.
        path: PathBuf,
        /// Its target.
        target: String,
    },
    /// A directory is reached through a link in itself.
    #[error("{path} is a link to a directory that holds it", path = path.display())]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// A name that cannot stand in an image's documents.
    #[error("{path:?} has a name that is not UTF-8")]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// Something that is to be a file.
    #[error("{path} is no file", path = path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A root file system that is no directory.
    #[error("{path} is no directory", path = path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
}
