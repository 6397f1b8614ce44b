//! Machines that share a cache.

use cache::{Cache, Shared};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use tempfile::TempDir;
use tree::Sha256Digest;

/// A machine with an empty cache of its own that takes from and gives to a shared one.
pub fn machine(shared: Arc<dyn Shared>) -> (TempDir, Cache) {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().into()).with_shared(vec![Arc::clone(&shared)], vec![shared]);
    (dir, cache)
}

/// Puts a blob into the cache of a machine.
pub fn give(cache: &Cache, bytes: &[u8]) -> Sha256Digest {
    let mut file = cache.new_file().unwrap();
    file.write_all(bytes).unwrap();
    let digest = Sha256Digest::of(bytes);
    cache.put_blob(&digest, &file).unwrap();
    digest
}

/// What is in a blob, if there is one.
pub fn read(file: Option<File>) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    file?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}
