//! A shared cache in an object store: the same files as in a directory, each an object below a prefix.

use crate::error::StoreError;
use crate::object::{Bucket, ObjectReader};
use crate::positioned::PositionedFile;
use cache::{CacheError, MAX_RECORD_FILE, RecordKind, Shared, blob_path};
use oci::{Digest, Hashing};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};
use tree::Sha256Digest;

/// The most records of a kind that are looked through for the most recent ones.
const MAX_LISTED: usize = 20_000;
/// The length of a record's head, in bytes: what a record is longer than its payload.
const HEAD: u64 = 88;

/// A shared cache below a prefix.
#[derive(Debug)]
pub(super) struct SharedObjects {
    bucket: Bucket,
    /// Empty, or ends with a slash.
    prefix: String,
    /// What is known of what is there.
    known: Mutex<BTreeMap<String, Known>>,
}

/// What is known of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It is there: it is not asked for, or put, again.
    There,
    /// It is not what its name says: it is put again, whatever its size.
    Damaged,
}

impl SharedObjects {
    pub fn new(bucket: Bucket, prefix: String) -> Self {
        SharedObjects { bucket, prefix, known: Mutex::default() }
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    fn known(&self, key: &str) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn know(&self, key: String, what: Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, what);
    }

    fn failed(&self, source: StoreError) -> CacheError {
        CacheError::Shared { place: self.bucket.shown(&self.prefix), source: source.into() }
    }

    fn failed_to_copy(&self, key: &str, source: io::Error) -> CacheError {
        self.failed(StoreError::Read { path: self.bucket.shown(key).into(), source })
    }
}

impl Shared for SharedObjects {
    fn record(&self, kind: RecordKind, key: &Sha256Digest) -> Result<Option<Vec<u8>>, CacheError> {
        let object = self.key(&kind.path(key));
        match self.bucket.get(&object, MAX_RECORD_FILE) {
            Ok(found) => Ok(found.map(|(bytes, _)| {
                self.know(record_known(&object, &bytes), Known::There);
                bytes
            })),
            // Longer than any record: it is none.
            Err(StoreError::Mismatch { .. }) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn put_record(&self, kind: RecordKind, key: &Sha256Digest, record: &[u8]) -> Result<(), CacheError> {
        let object = self.key(&kind.path(key));
        let known = record_known(&object, record);
        if self.known(&known).is_some() {
            return Ok(());
        }
        if self.record(kind, key)?.as_deref() != Some(record) {
            self.bucket.put(&object, record.into()).map_err(|error| self.failed(error))?;
        }
        self.know(known, Known::There);
        Ok(())
    }

    fn recent(&self, kind: RecordKind, limit: usize) -> Result<Vec<(Sha256Digest, u64)>, CacheError> {
        let dir = self.key(&kind.folder());
        let mut listed = self.bucket.list(&dir, MAX_LISTED).map_err(|error| self.failed(error))?;
        listed.sort_by(|one, other| {
            other.last_modified.cmp(&one.last_modified).then_with(|| one.location.cmp(&other.location))
        });
        let record = |meta: object_store::ObjectMeta| {
            let key: Digest = format!("sha256:{}", meta.location.filename()?).parse().ok()?;
            Some((Sha256Digest(*key.bytes()), meta.size.checked_sub(HEAD)?))
        };
        Ok(listed.into_iter().filter_map(record).take(limit).collect())
    }

    fn blob(&self, digest: &Sha256Digest, size: u64, mut into: &File) -> Result<bool, CacheError> {
        let key = self.key(&blob_path(digest));
        let object = match ObjectReader::of(&self.bucket, &key) {
            Ok(object) => object,
            Err(error) if error.kind() == crate::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.failed(error)),
        };
        // One byte more shows that it is longer.
        let mut object = Hashing::new(io::Read::take(object, size + 1));
        io::copy(&mut object, &mut into).map_err(|error| self.failed_to_copy(&key, error))?;
        let (found, len) = object.finish();
        let is_sound = (found.bytes(), len) == (&digest.0, size);
        self.know(key, if is_sound { Known::There } else { Known::Damaged });
        Ok(is_sound)
    }

    fn put_blob(&self, digest: &Sha256Digest, size: u64, file: &File) -> Result<(), CacheError> {
        let key = self.key(&blob_path(digest));
        let is_there = match self.known(&key) {
            Some(Known::There) => return Ok(()),
            Some(Known::Damaged) => false,
            None => {
                let found = self.bucket.head(&key).map_err(|error| self.failed(error))?;
                found.is_some_and(|meta| meta.size == size)
            }
        };
        if !is_there {
            let mut upload = self.bucket.upload(&key, size).map_err(|error| self.failed(error))?;
            // Whoever else reads the file is not disturbed.
            match io::copy(&mut PositionedFile::range(file, 0, size), &mut upload) {
                Ok(_) => upload.finish().map_err(|error| self.failed(error))?,
                Err(source) => {
                    let path = self.bucket.shown(&key).into();
                    return Err(self.failed(upload.abort(StoreError::Write { path, source })));
                }
            }
        }
        self.know(key, Known::There);
        Ok(())
    }
}

/// By what it is known that a key has this very record: those of one key may differ.
fn record_known(key: &str, record: &[u8]) -> String {
    format!("{key} {}", Sha256Digest::of(record).hex())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::testing::{Store, bucket, get, keys, put};
    use crate::shared::testing::{self, give, read};
    use cache::Cache;
    use std::sync::Arc;
    use tempfile::TempDir;

    const KEY: Sha256Digest = Sha256Digest([7; 32]);

    /// A machine that shares its cache in the store.
    fn machine(store: &Arc<Store>) -> (TempDir, Cache) {
        testing::machine(Arc::new(SharedObjects::new(bucket(store), "ci/".into())))
    }

    #[test]
    fn what_one_machine_gives_another_has() {
        let store = Arc::new(Store::default());
        let (_dir, cache) = machine(&store);
        let digest = give(&cache, b"blob");
        cache.put_record(RecordKind::Layer, &KEY, b"record").unwrap();
        cache.put_record(RecordKind::Facts, &KEY, b"here only").unwrap();
        let hex = digest.hex();
        let blob = format!("ci/blobs/sha256/{}/{}", &hex[..2], &hex[2..]);
        assert_eq!(keys(&store), [blob, format!("ci/records/layers-1/{}", KEY.hex())]);
        let (_dir, other) = machine(&store);
        assert_eq!(other.recent(RecordKind::Layer, 9), [(KEY, 6)]);
        assert_eq!(other.record(RecordKind::Layer, &KEY).unwrap(), b"record");
        assert_eq!(read(other.blob(&digest, 4)).unwrap(), b"blob");
        assert_eq!(other.record(RecordKind::Facts, &KEY), None);
        assert!(cache.troubles().is_empty() && other.troubles().is_empty());
    }

    #[test]
    fn what_is_there_is_asked_for_once_and_not_put_again() {
        let store = Arc::new(Store::default());
        let (_dir, cache) = machine(&store);
        let digest = give(&cache, b"blob");
        cache.put_record(RecordKind::Layer, &KEY, b"record").unwrap();
        store.took();
        let (_dir, other) = machine(&store);
        for _ in 0..3 {
            other.record(RecordKind::Layer, &KEY).unwrap();
            other.blob(&digest, 4).unwrap();
            give(&other, b"blob");
        }
        let asked = store.took();
        assert!(asked.iter().all(|line| !line.starts_with("put")), "{asked:?}");
        assert_eq!(asked.len(), 2, "{asked:?}");
    }

    #[test]
    fn damage_is_ignored_and_mended() {
        let store = Arc::new(Store::default());
        let (_dir, cache) = machine(&store);
        let digest = give(&cache, b"blob");
        cache.put_record(RecordKind::Layer, &KEY, b"record").unwrap();
        for (damage, len) in [(&b"blow"[..], 4), (b"bl", 2), (b"blob and more", 13)] {
            for key in keys(&store) {
                put(&store, &key, damage);
            }
            let (_dir, other) = machine(&store);
            assert_eq!(other.record(RecordKind::Layer, &KEY), None, "{len} bytes");
            assert!(other.blob(&digest, 4).is_none(), "{len} bytes");
            other.put_record(RecordKind::Layer, &KEY, b"record").unwrap();
            give(&other, b"blob");
            assert_eq!(get(&store, &keys(&store)[0]), b"blob", "{len} bytes");
            assert_eq!(machine(&store).1.record(RecordKind::Layer, &KEY).unwrap(), b"record");
            assert!(other.troubles().is_empty());
        }
    }

    #[test]
    fn what_is_forbidden_is_told_once() {
        let store = Arc::new(Store { forbidden: true, ..Store::default() });
        let dir = tempfile::tempdir().unwrap();
        let shared = || Arc::new(SharedObjects::new(bucket(&store), "ci/".into())) as Arc<dyn Shared>;
        let cache = Cache::new(dir.path().into()).with_shared(vec![shared()], vec![shared()]);
        for _ in 0..3 {
            assert_eq!(cache.recent(RecordKind::Chunks, 9), []);
            assert_eq!(cache.record(RecordKind::Layer, &KEY), None);
        }
        let error = cache.put_record(RecordKind::Layer, &KEY, b"x").unwrap_err();
        assert_eq!(error.to_string(), "the shared cache s3://bucket/ci/ is left alone");
        assert_eq!(cache.record(RecordKind::Layer, &KEY).unwrap(), b"x");
        assert_eq!(cache.troubles().len(), 1);
        assert_eq!(store.took().len(), 2);
    }

    #[test]
    fn any_number_of_machines_give_at_once() {
        let store = Arc::new(Store::default());
        std::thread::scope(|scope| {
            for writer in 0..8u8 {
                let store = &store;
                scope.spawn(move || {
                    let (_dir, cache) = machine(store);
                    give(&cache, b"the same");
                    give(&cache, &[writer]);
                    cache.put_record(RecordKind::Chunks, &KEY, b"the same").unwrap();
                });
            }
        });
        let (_dir, cache) = machine(&store);
        for blob in (0..8u8).map(|writer| vec![writer]).chain([b"the same".to_vec()]) {
            assert_eq!(read(cache.blob(&Sha256Digest::of(&blob), blob.len() as u64)).unwrap(), blob);
        }
        assert_eq!(cache.record(RecordKind::Chunks, &KEY).unwrap(), b"the same");
        assert!(cache.troubles().is_empty());
    }
}
