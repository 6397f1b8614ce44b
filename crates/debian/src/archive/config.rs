//! What an archive is opened for.

use super::mirrors::Mirrors;
use super::origin::Origin;

/// Which packages are wanted to choose from.
#[derive(Debug, Clone)]
pub struct ArchiveConfig {
    /// The distribution.
    pub origin: Origin,
    /// Its release: `bookworm`, `stable`, `noble`. The suites with its updates and security fixes belong to it.
    pub suite: String,
    /// The architecture, as Debian names it: `amd64`.
    pub architecture: String,
    /// Where it is to be had.
    pub mirrors: Mirrors,
    /// A keyring of who may sign the suites, instead of the distribution's.
    pub keyring: Option<Vec<u8>>,
    /// Further archives. Those that are for other architectures are left alone.
    pub repositories: Vec<Repository>,
}

/// An archive beside that of the distribution.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Its root.
    pub url: String,
    /// A suite below `dists/`, or a path that ends in `/`: a flat archive.
    pub suite: String,
    /// Its components; none for a flat archive.
    pub components: Vec<String>,
    /// A keyring of who may sign it.
    pub keyring: Vec<u8>,
    /// The architectures that it is for; none: all.
    pub architectures: Vec<String>,
}
