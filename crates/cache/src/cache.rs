//! The cache of a machine, with those that it shares.

use crate::blob::hash;
use crate::error::{CacheError, write_error};
use crate::fresh::FreshFile;
use crate::place::Place;
use crate::prune::{self, Limits, Pruned};
use crate::record::RecordKind;
use crate::scan::{Usage, scan};
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use tree::Sha256Digest;

/// Where files without a name are made.
pub(crate) const TMP: &str = "tmp";

/// A cache in a directory, and others that it takes from or gives to.
///
/// Reading never fails: what is not there, damaged or unreadable is a miss.
#[derive(Debug)]
pub struct Cache {
    own: Place,
    from: Vec<Place>,
    to: Vec<Shared>,
    troubles: Mutex<Vec<CacheError>>,
}

/// A directory that gets what is written; not any more, when it could not take something.
#[derive(Debug)]
struct Shared {
    place: Place,
    failed: AtomicBool,
}

impl Cache {
    /// A cache in `dir`, which is made when something is first written.
    pub fn new(dir: PathBuf) -> Self {
        Cache { own: Place::new(dir, true), from: vec![], to: vec![], troubles: Mutex::default() }
    }

    /// The same with others: those in `from` are asked for what it lacks, and never changed; those in
    /// `to` get all that is written to it or found by it, unless they have it. None has
    /// [`RecordKind::Facts`] or [`RecordKind::Notes`] of another machine.
    pub fn with_shared(self, from: Vec<PathBuf>, to: Vec<PathBuf>) -> Self {
        let shared = |dir| Shared { place: Place::new(dir, true), failed: false.into() };
        Cache {
            from: from.into_iter().map(|dir| Place::new(dir, false)).collect(),
            to: to.into_iter().map(shared).collect(),
            ..self
        }
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
        self.own.has_any(kind) || self.from(kind).any(|place| place.has_any(kind))
    }

    /// The payload of a record; nothing where there is none, or a damaged one, which goes away.
    pub fn record(&self, kind: RecordKind, key: &Sha256Digest) -> Option<Vec<u8>> {
        let own = self.own.record(kind, key);
        let payload = match own {
            Some(payload) => payload,
            None => {
                let payload = self.from(kind).find_map(|place| place.record(kind, key))?;
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
        let mut seen = BTreeSet::new();
        let mut recent = vec![];
        for place in std::iter::once(&self.own).chain(self.from(kind)) {
            let mut listed = place.listed(kind);
            listed.sort_by(|(key, _, used), (other_key, _, other)| other.cmp(used).then(key.cmp(other_key)));
            recent.extend(listed.into_iter().filter(|(key, ..)| seen.insert(*key)));
            if recent.len() >= limit {
                break;
            }
        }
        recent.into_iter().take(limit).map(|(key, size, _)| (key, size)).collect()
    }

    /// A blob, open to be read from its start: its content has this digest and size.
    ///
    /// It was read to know that, unless a note says that it was before, and that nobody has written to
    /// it since. What is there and is no such blob goes away. A blob of a shared directory is copied
    /// here, and the copy is read.
    pub fn blob(&self, digest: &Sha256Digest, size: u64) -> Option<File> {
        let own = self.own.blob(digest, size);
        let file = own.or_else(|| self.from.iter().find_map(|place| self.take_blob(place, digest, size)))?;
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

    /// What could not be given to shared directories while entries were read. It is told once.
    pub fn troubles(&self) -> Vec<CacheError> {
        std::mem::take(&mut self.troubles.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn from(&self, kind: RecordKind) -> impl Iterator<Item = &Place> {
        self.from.iter().filter(move |_| kind.is_shared())
    }

    fn take_blob(&self, place: &Place, digest: &Sha256Digest, size: u64) -> Option<File> {
        let (file, meta) = place.open(&place.blob_path(digest))?;
        if meta.len() != size {
            return None;
        }
        match self.own.put_checked(digest, &file) {
            Ok(()) => self.own.blob(digest, size),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            // A cache that cannot be written to keeps nobody from reading another.
            Err(_) => (hash(&file).ok()? == *digest).then_some(file),
        }
    }

    fn share_record(&self, kind: RecordKind, key: &Sha256Digest, payload: &[u8]) -> Result<(), CacheError> {
        if !kind.is_shared() {
            return Ok(());
        }
        self.share(|place| match place.record(kind, key) {
            Some(there) if there == payload => Ok(()),
            _ => place.put_record(kind, key, payload),
        })
    }

    fn share_blob(&self, digest: &Sha256Digest, file: &File) -> Result<(), CacheError> {
        self.share(|place| place.put_blob(digest, file))
    }

    /// Gives something to all shared directories; the first that fails is told.
    fn share(&self, give: impl Fn(&Place) -> Result<(), CacheError>) -> Result<(), CacheError> {
        let mut outcome = Ok(());
        for shared in self.to.iter().filter(|shared| !shared.failed.load(Relaxed)) {
            let given = give(&shared.place);
            shared.failed.fetch_or(given.is_err(), Relaxed);
            outcome = outcome.and(given);
        }
        outcome
    }

    fn trouble(&self, outcome: Result<(), CacheError>) {
        if let Err(error) = outcome {
            self.troubles.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        }
    }
}
