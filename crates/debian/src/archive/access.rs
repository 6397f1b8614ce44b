//! How archives are reached, and who hears of it.

use cache::Cache;
use fetch::Client;

/// What fetches, what keeps, and who hears of it.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    /// What fetches. An offline one reads only what is kept, and mirrors that are directories of this machine.
    pub client: &'a Client,
    /// Where what was fetched is kept.
    pub cache: &'a Cache,
    /// How many packages are fetched at a time.
    pub jobs: usize,
    /// Hears how far each file is; it is called by several threads.
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
}

/// How far a file is that is being fetched. What is kept already is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file: a package relative to the archive's root, or an index relative to that of its suite.
    pub path: &'a str,
    /// The suite, by its name.
    pub suite: &'a str,
    /// Its length in bytes.
    pub size: u64,
    /// How many bytes of it are there. They may become fewer when it is tried again.
    pub received: u64,
}

impl<'a> Access<'a> {
    /// Access that nobody hears of, with a usual number of downloads at a time.
    pub fn new(client: &'a Client, cache: &'a Cache) -> Self {
        Access { client, cache, jobs: 4, progress: &|_| {} }
    }
}
