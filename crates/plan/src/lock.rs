//! The lock: what a build took from outside of the project. `docs/lock.md` describes the file.

mod changes;
mod document;
mod image;
mod language;
mod packages;

pub use changes::{Change, LockChanges, diff};
pub use image::{LockedBase, LockedImage};
pub use language::{ArtifactKind, LockedArtifact, LockedLanguage};
pub use packages::{LockedPackage, LockedWhy, closure, united};

use crate::spec::Platform;
use std::collections::BTreeMap;
use tree::{Sha256Digest, TreePath};

/// The mode that a lock leaves out: that of most files.
const USUAL_MODE: u32 = 0o644;
/// The layout of the file that is written here, and the newest that can be read.
const VERSION: u32 = 1;

/// A lock: the files that a `host`, `rootfs` or `image` source gave, or the packages of an archive; and the images that
/// were built upon or taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The bytes contract that the image keeps.
    pub format: u32,
    /// `source` of the spec's `[runtime]`, as written there.
    pub source: String,
    /// The image to build upon.
    pub base: Option<LockedBase>,
    /// The runtime source of each platform, where that is a finished image.
    pub sources: BTreeMap<Platform, LockedImage>,
    /// The files of the source that each platform's image holds, by path, each once.
    pub images: BTreeMap<Platform, Vec<LockedFile>>,
    /// The packages that each platform's image is made of, by name, each once.
    pub packages: BTreeMap<Platform, Vec<LockedPackage>>,
    /// What languages brought to each platform's image.
    pub languages: BTreeMap<Platform, LockedLanguage>,
    /// The packages that build tools were made of, by the builder's platform.
    pub tools: BTreeMap<Platform, Vec<LockedPackage>>,
}

/// A file or symbolic link that was taken from the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedFile {
    /// Where it stands in the source and in the image, links resolved.
    pub path: TreePath,
    /// The digest of its content; of a link, of its target.
    pub sha256: Sha256Digest,
    /// Its mode in the image; 0777 is a link.
    pub mode: u32,
    /// The package that owns it, name and version apart by a space, where that is known.
    pub package: Option<String>,
}

/// A text is no lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// A merge left both sides in the file.
    #[error("line {line} of the lock is the mark of a merge conflict")]
    Conflict {
        /// The line of the first mark, from 1.
        line: usize,
    },
    /// The layout is newer than this version of bantam.
    #[error("the lock has version {found}, and the newest that this bantam reads is {VERSION}")]
    Version {
        /// The version in the file.
        found: i64,
    },
    /// The text is no TOML, or has keys and values that a lock has not.
    #[error("line {line} of the lock: {message}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    /// At the first thing that a lock cannot hold, with its line.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        document::read(text)
    }

    /// The file: the same text for the same lock, with a line for each locked file.
    pub fn to_text(&self) -> String {
        document::write(self)
    }
}

#[cfg(test)]
mod tests;
