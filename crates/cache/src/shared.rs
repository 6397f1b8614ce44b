//! Caches that several machines take from and give to.

use crate::copy::copy;
use crate::error::CacheError;
use crate::place::Place;
use crate::record::{MAX_RECORD_FILE, RecordKind};
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use tree::Sha256Digest;

/// A cache that several machines take from and give to, wherever it is.
///
/// Nothing that it gives is believed: a [`Cache`](crate::Cache) checks every record and every blob. So it need not know
/// what they are, and whoever damages it costs time and nothing else. Any number of processes may use one at a time: what
/// two of them put under one name is the same, or as good.
pub trait Shared: fmt::Debug + Send + Sync {
    /// A record with its head; nothing, if there is none. No more than [`MAX_RECORD_FILE`] bytes are taken.
    ///
    /// # Errors
    /// When it cannot be told whether there is one. What is shared is then left alone.
    fn record(&self, kind: RecordKind, key: &Sha256Digest) -> Result<Option<Vec<u8>>, CacheError>;

    /// Puts a record with its head there, instead of another one that may be there.
    ///
    /// # Errors
    /// When it cannot be put there.
    fn put_record(&self, kind: RecordKind, key: &Sha256Digest, record: &[u8]) -> Result<(), CacheError>;

    /// The keys of a kind, most recently written first, with the size of each payload in bytes, as far as that is known.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn recent(&self, kind: RecordKind, limit: usize) -> Result<Vec<(Sha256Digest, u64)>, CacheError>;

    /// Writes a blob of this size into an empty file; says whether there is any.
    ///
    /// # Errors
    /// When it cannot be read, or not be written to the file.
    fn blob(&self, digest: &Sha256Digest, size: u64, into: &File) -> Result<bool, CacheError>;

    /// Puts a blob there, unless it is there. The place where `file` is read next may move.
    ///
    /// # Errors
    /// When it cannot be put there.
    fn put_blob(&self, digest: &Sha256Digest, size: u64, file: &File) -> Result<(), CacheError>;
}

/// A shared cache in a directory, with the same files as a cache of one's own.
#[derive(Debug)]
pub struct SharedDirectory {
    /// To be read: nothing there is believed, or changed.
    theirs: Place,
    /// To be written.
    ours: Place,
}

impl SharedDirectory {
    /// The shared cache in `dir`, which is made when something is first written.
    pub fn new(dir: PathBuf) -> Self {
        SharedDirectory { theirs: Place::new(dir.clone(), false), ours: Place::new(dir, true) }
    }
}

/// What cannot be read in a directory is not there.
impl Shared for SharedDirectory {
    fn record(&self, kind: RecordKind, key: &Sha256Digest) -> Result<Option<Vec<u8>>, CacheError> {
        let file = self.theirs.open(&self.theirs.record_path(kind, key));
        Ok(file.and_then(|(file, meta)| {
            let mut bytes = vec![];
            file.take(meta.len().min(MAX_RECORD_FILE)).read_to_end(&mut bytes).ok().map(|_| bytes)
        }))
    }

    fn put_record(&self, kind: RecordKind, key: &Sha256Digest, record: &[u8]) -> Result<(), CacheError> {
        self.ours.put_record_file(kind, key, record)
    }

    fn recent(&self, kind: RecordKind, limit: usize) -> Result<Vec<(Sha256Digest, u64)>, CacheError> {
        Ok(self.theirs.recent(kind).take(limit).collect())
    }

    fn blob(&self, digest: &Sha256Digest, size: u64, into: &File) -> Result<bool, CacheError> {
        let found = self.theirs.open(&self.theirs.blob_path(digest));
        Ok(found.is_some_and(|(file, meta)| meta.len() == size && copy(&file, into).is_ok()))
    }

    fn put_blob(&self, digest: &Sha256Digest, _size: u64, file: &File) -> Result<(), CacheError> {
        self.ours.put_blob(digest, file)
    }
}

/// A shared cache until it fails; then it is left alone.
#[derive(Debug)]
pub(crate) struct Guarded {
    shared: Arc<dyn Shared>,
    failed: AtomicBool,
}

impl Guarded {
    pub fn new(shared: Arc<dyn Shared>) -> Self {
        Guarded { shared, failed: AtomicBool::new(false) }
    }

    /// Does something with it; nothing, if it failed before. Of its errors the first is given and no other.
    pub fn with<T>(
        &self,
        work: impl FnOnce(&dyn Shared) -> Result<T, CacheError>,
    ) -> Result<Option<T>, CacheError> {
        if self.failed.load(Relaxed) {
            return Ok(None);
        }
        match work(&*self.shared) {
            Ok(done) => Ok(Some(done)),
            Err(_) if self.failed.swap(true, Relaxed) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
