//! What an archive's index says of its packages.

use crate::{relation::Alternatives, version::Version};
use tree::Sha256Digest;

/// One package of an archive, as its index describes it.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// `amd64`, `all`, ….
    pub architecture: String,
    /// The field `Multi-Arch`.
    pub multi_arch: MultiArch,
    /// The field `Essential`.
    pub essential: bool,
    /// What it depends on: `Pre-Depends`, then `Depends`, in the order of the fields.
    pub depends: Vec<Alternatives>,
    /// `Conflicts` and `Breaks`.
    pub conflicts: Vec<crate::relation::Relation>,
    /// `Provides`.
    pub provides: Vec<crate::relation::Relation>,
    /// Where it is in the archive, relative to its root: `pool/main/z/zlib/zlib1g_….deb`.
    pub filename: String,
    /// The length of the `.deb` in bytes.
    pub size: u64,
    /// The digest of the `.deb`.
    pub sha256: Sha256Digest,
    /// Which of the archive's suites it is from, as an index into the list that the archive was opened with.
    pub suite: usize,
}

/// The field `Multi-Arch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum MultiArch {
    #[default]
    No,
    Same,
    Foreign,
    Allowed,
}
