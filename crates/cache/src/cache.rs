//! The cache of a machine, with those that it shares.

use crate::error::{CacheError, read_error, write_error};
use crate::fresh::FreshFile;
use crate::place::Place;
use crate::prune::{self, Limits, Pruned};
use crate::record::{self, RecordKind};
use crate::scan::{Usage, scan};
use crate::shared::{Guarded, Shared};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tree::Sha256Digest;

/// Where files without a name are made.
pub(crate) const TMP: &str = "tmp";

/// A cache in a directory, and others that it takes from or gives to.
///
/// Reading never fails: what is not there, damaged or unreadable is a miss.
#[derive(Debug)]
pub struct Cache {
    own: Place,
    from: Vec<Guarded>,
    to: Vec<Guarded>,
    troubles: Mutex<Vec<CacheError>>,
}

impl Cache {
    /// A cache in `dir`, which is made when something is first written.
    pub fn new(dir: PathBuf) -> Self {
        Cache { own: Place::new(dir, true), from: vec![], to: vec![], troubles: Mutex::default() }
    }

    /// The same with others: those in `from` are asked for what it lacks, and never changed; those in
    /// `to` get all that is written to it or found by it, unless they have it. None has
    /// [`RecordKind::Facts`] or [`RecordKind::Notes`] of another machine.
    pub fn with_shared(self, from: Vec<Arc<dyn Shared>>, to: Vec<Arc<dyn Shared>>) -> Self {
        let guarded = |all: Vec<Arc<dyn Shared>>| all.into_iter().map(Guarded::new).collect();
        Cache { from: guarded(from), to: guarded(to), ..self }
    }

    /// Its own directory.
    pub fn dir(&self) -> &Path {
        &self.own.dir
    }

    pub(crate) fn own(&self) -> &Place {
        &self.own
    }

    /// Has it any record of this kind, or one that it takes from? Damage does not show here.
    pub fn has_any(&self, kind: RecordKind) -> bool {
        self.own.has_any(kind) || !self.recent(kind, 1).is_empty()
    }

    /// The payload of a record; nothing where there is none, or a damaged one, which goes away.
    pub fn record(&self, kind: RecordKind, key: &Sha256Digest) -> Option<Vec<u8>> {
        let own = self.own.record(kind, key);
        let payload = match own {
            Some(payload) => payload,
            None => {
                let payload = self.from(kind).find_map(|from| self.take_record(from, kind, key))?;
                let _ = self.own.put_record(kind, key, &payload);
                payload
            }
        };
        self.trouble(self.share_record(kind, key, &payload));
        Some(payload)
    }

    /// Writes a record, instead of one that may be there.
    ///
    /// # Errors
    /// When it cannot be written, here or to a directory that is shared; nothing of it is left there
    /// then, and what was there stays. A shared directory fails once, and is then left alone.
    pub fn put_record(&self, kind: RecordKind, key: &Sha256Digest, payload: &[u8]) -> Result<(), CacheError> {
        let own = self.own.put_record(kind, key, payload);
        own.and(self.share_record(kind, key, payload))
    }

    /// The keys of a kind, most recently used first, with the size of each payload in bytes; then those
    /// of the directories that it takes from, most recently written first. Damage does not show here.
    pub fn recent(&self, kind: RecordKind, limit: usize) -> Vec<(Sha256Digest, u64)> {
        let mut recent: Vec<_> = self.own.recent(kind).take(limit).collect();
        let mut seen: BTreeSet<Sha256Digest> = recent.iter().map(|(key, _)| *key).collect();
        for from in self.from(kind) {
            if recent.len() >= limit {
                break;
            }
            let listed = self.ask(from, |shared| shared.recent(kind, limit + seen.len())).unwrap_or_default();
            recent.extend(listed.into_iter().filter(|(key, _)| seen.insert(*key)));
        }
        recent.truncate(limit);
        recent
    }

    /// A blob, open to be read from its start: its content has this digest and size.
    ///
    /// It was read to know that, unless a note says that it was before, and that nobody has written to
    /// it since. What is there and is no such blob goes away. A blob of a shared directory is copied
    /// here, and the copy is read.
    pub fn blob(&self, digest: &Sha256Digest, size: u64) -> Option<File> {
        let own = self.own.blob(digest, size);
        let file = own.or_else(|| self.from.iter().find_map(|from| self.take_blob(from, digest, size)))?;
        self.trouble(self.share_blob(digest, &file));
        Some(file)
    }

    /// Stores the blob that was written to `file`, by whoever has hashed it, and writes no more to it.
    ///
    /// A file without a name, as [`new_file`](Self::new_file) gives it, gets one here where it is on the same file
    /// system; others are copied, by sharing their blocks where that can be.
    ///
    /// # Errors
    /// As those of [`put_record`](Self::put_record).
    pub fn put_blob(&self, digest: &Sha256Digest, file: &File) -> Result<(), CacheError> {
        let own = self.own.put_blob(digest, file);
        own.and(self.share_blob(digest, file))
    }

    /// A file without a name on the file system of the cache, to write a blob to.
    ///
    /// # Errors
    /// When none can be made.
    pub fn new_file(&self) -> Result<File, CacheError> {
        let path = self.own.dir.join(TMP);
        let fresh = self.own.fresh(&path.join("-"));
        fresh.and_then(FreshFile::into_anonymous).map_err(write_error(&path))
    }

    /// What is in its own directory.
    ///
    /// # Errors
    /// When that cannot be read. That it is not there is no error.
    pub fn usage(&self) -> Result<Usage, CacheError> {
        Ok(Usage::of(&scan(&self.own.dir)?))
    }

    /// Removes from its own directory what was not used for long, and then the least recently used, until
    /// no more is left than the limits say. It is safe beside builds.
    ///
    /// # Errors
    /// When the directory cannot be read. What cannot be removed is told beside what was.
    pub fn prune(&self, limits: &Limits) -> Result<Pruned, CacheError> {
        prune::prune(&self.own.dir, limits)
    }

    /// What went wrong with what is shared while entries were read. It is told once.
    pub fn troubles(&self) -> Vec<CacheError> {
        std::mem::take(&mut self.troubles.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn from(&self, kind: RecordKind) -> impl Iterator<Item = &Guarded> {
        self.from.iter().filter(move |_| kind.is_shared())
    }

    /// Asks one that others share; what goes wrong is told later.
    fn ask<T>(&self, from: &Guarded, ask: impl FnOnce(&dyn Shared) -> Result<T, CacheError>) -> Option<T> {
        from.with(ask).unwrap_or_else(|error| {
            self.trouble(Err(error));
            None
        })
    }

    fn take_record(&self, from: &Guarded, kind: RecordKind, key: &Sha256Digest) -> Option<Vec<u8>> {
        record::payload(kind, key, self.ask(from, |shared| shared.record(kind, key))??)
    }

    fn take_blob(&self, from: &Guarded, digest: &Sha256Digest, size: u64) -> Option<File> {
        self.own.take_blob(digest, size, |into| {
            self.ask(from, |shared| shared.blob(digest, size, into)).unwrap_or_default()
        })
    }

    fn share_record(&self, kind: RecordKind, key: &Sha256Digest, payload: &[u8]) -> Result<(), CacheError> {
        if self.to.is_empty() || !kind.is_shared() {
            return Ok(());
        }
        let record = [&record::head(kind, key, payload)[..], payload].concat();
        self.share(|shared| shared.put_record(kind, key, &record))
    }

    fn share_blob(&self, digest: &Sha256Digest, file: &File) -> Result<(), CacheError> {
        if self.to.is_empty() {
            return Ok(());
        }
        let size = file.metadata().map_err(read_error(&self.own.blob_path(digest)))?.len();
        self.share(|shared| shared.put_blob(digest, size, file))
    }

    /// Gives something to all that are given to; the first error is told.
    fn share(&self, give: impl Fn(&dyn Shared) -> Result<(), CacheError>) -> Result<(), CacheError> {
        let given = self.to.iter().map(|to| to.with(&give).map(drop));
        // All of them, whether or not one fails.
        given.fold(Ok(()), Result::and)
    }

    fn trouble(&self, outcome: Result<(), CacheError>) {
        if let Err(error) = outcome {
            self.troubles.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        }
    }
}
