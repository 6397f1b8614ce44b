//! How a run goes about its work: what every command can be told.

use crate::Locking;
use std::{num::NonZeroUsize, path::PathBuf};

/// What is the same for every command.
#[derive(Debug, Clone)]
pub struct Session {
    /// The folder of the cache. Images go there without a destination.
    pub cache: PathBuf,
    /// May locks change?
    pub locking: Locking,
    /// With [`Locking::Renew`]: the packages whose pins move; none: all.
    pub moved: Vec<String>,
    /// The lock, if it is not beside the spec.
    pub lock_file: Option<PathBuf>,
    /// How many threads work.
    pub jobs: NonZeroUsize,
    /// Is the network left alone?
    pub offline: bool,
    /// What registries and other places on the network are reached with.
    pub network: store::Network,
    /// The value of `BANTAM_MIRROR`: mirrors for specs that name none.
    pub mirrors: Option<String>,
    /// The root of the file system whose apt knows mirrors, and names and passwords for them; `/` is this machine's.
    pub apt_root: PathBuf,
}
