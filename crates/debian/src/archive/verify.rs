//! Whose signature counts: what an archive's client needs to know of signed releases.

use super::origin::Origin;
use fetch::Digest;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Checks signed releases, and reads them.
pub trait Verify: Sync {
    /// What a release says, if somebody signed it who may.
    ///
    /// # Errors
    /// When nobody did, or it is not the one that was asked for, or is no longer valid, or cannot be read.
    fn verify(
        &self,
        signed: &Signed,
        asked: &Asked<'_>,
    ) -> Result<Listing, Box<dyn std::error::Error + Send + Sync>>;
}

/// A release with its signatures, as a mirror gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// `InRelease`.
    Inline(Vec<u8>),
    /// `Release` and `Release.gpg`.
    Detached {
        /// The text.
        text: Vec<u8>,
        /// Its signatures.
        signatures: Vec<u8>,
    },
}

/// What a release must be.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The suite that was asked for, by its code name or another; `./` for a flat archive, which may be any.
    pub suite: &'a str,
    /// Who may sign it.
    pub keys: &'a Keys,
    /// The time.
    pub now: SystemTime,
    /// Must it be valid now? What is of the past, or this machine's own, need not be.
    pub check_valid_until: bool,
}

/// Who may sign a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// The distribution.
    Builtin(Origin),
    /// Those in a keyring.
    Given(Vec<u8>),
}

/// What a release says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Its files, by their paths relative to it.
    pub files: BTreeMap<String, ListedFile>,
    /// `Acquire-By-Hash`.
    pub by_hash: bool,
    /// `Architectures`.
    pub architectures: Vec<String>,
    /// `No-Support-for-Architecture-all: Packages`: packages for all architectures are in the indexes of each.
    pub without_all: bool,
    /// Before which other suites its packages are taken, as in apt_preferences(5).
    pub priority: i32,
}

/// A file that a release lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedFile {
    /// Its length in bytes.
    pub size: u64,
    /// Its digest, the strongest there is.
    pub digest: Digest,
}
