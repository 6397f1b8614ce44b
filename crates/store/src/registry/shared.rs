//! A repository as a cache that machines share.
//!
//! Each entry has a tag, so that no registry takes its blob for something that nobody wants: `layers-1-KEY` and the like for a
//! record, `blob-DIGEST` for a blob. A tag is that of a small manifest which names the entry as its only layer; of one
//! entry any number of writers put the same. Records that are listed have a second tag with the month in which somebody
//! used them, for registries do not tell when a tag was put. `docs/cache.md` describes it all.

use super::reader::BlobReader;
use super::remote::{Remote, wait};
use super::repository::Repository;
use super::tags::tags_after;
use super::upload::{has_blob, upload};
use crate::error::StoreError;
use crate::name::ImageName;
use crate::network::Network;
use crate::spool::file_blob;
use auth::Action;
use cache::{CacheError, MAX_RECORD_FILE, RecordKind, Shared};
use oci::{Blob, Descriptor, Digest, Document, Hashing, Manifest, MemoryBlob, media_type};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};
use tree::Sha256Digest;

/// What a manifest of the cache is.
const ENTRY: &str = "application/vnd.bantam.cache.entry.v1";
/// A record.
const RECORD: &str = "application/vnd.bantam.cache.record.v1";
/// A blob.
const BLOB: &str = "application/vnd.bantam.cache.blob.v1";
/// How the tags begin by which records are listed.
const LISTED: &str = "used-";
/// What an artifact without a config has in its place.
const NO_CONFIG: &[u8] = b"{}";
/// How long a month is.
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A shared cache in a repository.
pub(crate) struct SharedRepository {
    network: Network,
    name: ImageName,
    /// As the user knows it, for messages.
    place: String,
    to_read: OnceLock<Remote>,
    to_write: OnceLock<Remote>,
    /// The tags that are known to be there, with the digest of what they name: they are asked for once.
    there: Mutex<BTreeSet<(String, Digest)>>,
}

impl fmt::Debug for SharedRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRepository").field("place", &self.place).finish_non_exhaustive()
    }
}

impl SharedRepository {
    pub fn new(name: ImageName, network: Network) -> Self {
        let place = format!("docker://{}", name.repository());
        let (to_read, to_write) = (OnceLock::new(), OnceLock::new());
        SharedRepository { network, name, place, to_read, to_write, there: Mutex::default() }
    }

    /// The repository, with the right to do so much there.
    fn remote(&self, action: Action) -> Result<&Remote, StoreError> {
        let known = match action {
            Action::Pull => &self.to_read,
            Action::PullPush => &self.to_write,
        };
        if let Some(remote) = known.get() {
            return Ok(remote);
        }
        let found = Remote::new(&self.network, Repository::of(&self.name), &self.place, action);
        let found = wait(&self.network, &self.place, found)?;
        Ok(known.get_or_init(|| found))
    }

    /// Reads a blob, if it is there.
    fn read(&self, blob: &Descriptor) -> Result<Option<BlobReader>, StoreError> {
        match BlobReader::open(self.remote(Action::Pull)?, blob) {
            Ok(reader) => Ok(Some(reader)),
            Err(StoreError::Absent { .. } | StoreError::Mismatch { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has an entry be there under its tag.
    fn put(&self, tag: &str, blob: &Arc<dyn Blob>) -> Result<Document, StoreError> {
        let remote = self.remote(Action::PullPush)?;
        let document = |source| StoreError::Document { place: self.place.clone(), source };
        let manifest = manifest(blob.descriptor()).document().map_err(document)?;
        let work = async {
            if !self.is_tagged(remote, tag, &manifest).await? {
                let config: Arc<dyn Blob> = Arc::new(MemoryBlob::new(media_type::EMPTY, NO_CONFIG));
                for blob in [blob, &config] {
                    if !has_blob(remote, blob.descriptor()).await? {
                        upload(remote, blob).await?;
                    }
                }
                remote.put(&manifest, tag).await?;
                self.know(tag, &manifest);
            }
            Ok(())
        };
        remote.wait(work).map(|()| manifest)
    }

    /// Gives what is there another tag.
    fn tag(&self, tag: &str, manifest: &Document) -> Result<(), StoreError> {
        let remote = self.remote(Action::PullPush)?;
        remote.wait(async {
            if !self.is_tagged(remote, tag, manifest).await? {
                remote.put(manifest, tag).await?;
                self.know(tag, manifest);
            }
            Ok(())
        })
    }

    async fn is_tagged(&self, remote: &Remote, tag: &str, manifest: &Document) -> Result<bool, StoreError> {
        let digest = manifest.descriptor.digest;
        if self.there.lock().unwrap_or_else(PoisonError::into_inner).contains(&(tag.to_owned(), digest)) {
            return Ok(true);
        }
        let is_there = remote.digest_of(tag).await? == Some(digest);
        if is_there {
            self.know(tag, manifest);
        }
        Ok(is_there)
    }

    fn know(&self, tag: &str, manifest: &Document) {
        let entry = (tag.to_owned(), manifest.descriptor.digest);
        self.there.lock().unwrap_or_else(PoisonError::into_inner).insert(entry);
    }

    fn find_record(&self, kind: RecordKind, key: &Sha256Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let remote = self.remote(Action::Pull)?;
        let tag = record_tag(kind, key);
        let Some(manifest) = remote.wait(remote.tagged(&tag))? else { return Ok(None) };
        let Some(record) = entry(&manifest, RECORD) else { return Ok(None) };
        if record.size > MAX_RECORD_FILE {
            return Ok(None);
        }
        let Some(reader) = self.read(&record)? else { return Ok(None) };
        let mut bytes = vec![];
        let read = reader.take(record.size).read_to_end(&mut bytes);
        read.map_err(|source| StoreError::Blob { digest: record.digest, source })?;
        if Digest::of(&bytes) == record.digest {
            self.know(&tag, &manifest);
        }
        Ok(Some(bytes))
    }

    fn find_recent(&self, kind: RecordKind, limit: usize) -> Result<Vec<(Sha256Digest, u64)>, StoreError> {
        let remote = self.remote(Action::Pull)?;
        let tags = remote.wait(tags_after(remote, LISTED))?;
        let mut listed: Vec<(u64, Sha256Digest)> = tags.iter().filter_map(|tag| listed(kind, tag)).collect();
        listed.sort_by(|(month, key), (other, other_key)| other.cmp(month).then(key.cmp(other_key)));
        let mut seen = BTreeSet::new();
        let each_once = listed.into_iter().map(|(_, key)| key).filter(|key| seen.insert(*key));
        // A list of tags tells no sizes.
        Ok(each_once.take(limit).map(|key| (key, 0)).collect())
    }

    fn find_blob(&self, digest: &Sha256Digest, size: u64, mut into: &File) -> Result<bool, StoreError> {
        let digest = Digest::from(*digest);
        let Some(reader) = self.read(&Descriptor::new(BLOB, digest, size))? else { return Ok(false) };
        let mut reader = Hashing::new(reader.take(size.saturating_add(1)));
        io::copy(&mut reader, &mut into).map_err(|source| StoreError::Blob { digest, source })?;
        Ok(reader.finish() == (digest, size))
    }

    fn failed(&self, source: StoreError) -> CacheError {
        CacheError::Shared { place: self.place.clone(), source: source.into() }
    }
}

impl Shared for SharedRepository {
    fn record(&self, kind: RecordKind, key: &Sha256Digest) -> Result<Option<Vec<u8>>, CacheError> {
        self.find_record(kind, key).map_err(|error| self.failed(error))
    }

    fn put_record(&self, kind: RecordKind, key: &Sha256Digest, record: &[u8]) -> Result<(), CacheError> {
        let blob: Arc<dyn Blob> = Arc::new(MemoryBlob::new(RECORD, record));
        let put = self.put(&record_tag(kind, key), &blob).and_then(|manifest| match kind {
            RecordKind::Chunks => self.tag(&listed_tag(kind, key, month(SystemTime::now())), &manifest),
            _ => Ok(()),
        });
        put.map_err(|error| self.failed(error))
    }

    fn recent(&self, kind: RecordKind, limit: usize) -> Result<Vec<(Sha256Digest, u64)>, CacheError> {
        self.find_recent(kind, limit).map_err(|error| self.failed(error))
    }

    fn blob(&self, digest: &Sha256Digest, size: u64, into: &File) -> Result<bool, CacheError> {
        self.find_blob(digest, size, into).map_err(|error| self.failed(error))
    }

    fn put_blob(&self, digest: &Sha256Digest, size: u64, file: &File) -> Result<(), CacheError> {
        let read = |source| StoreError::Blob { digest: Digest::from(*digest), source };
        let file = file.try_clone().map_err(|error| self.failed(read(error)))?;
        let blob = file_blob(file, Descriptor::new(BLOB, Digest::from(*digest), size));
        self.put(&format!("blob-{}", digest.hex()), &blob).map(drop).map_err(|error| self.failed(error))
    }
}

/// The manifest of an entry. It has nothing that differs between writers.
fn manifest(entry: &Descriptor) -> Manifest {
    Manifest {
        schema_version: 2,
        media_type: Some(media_type::MANIFEST.into()),
        artifact_type: Some(ENTRY.into()),
        config: Descriptor::of(media_type::EMPTY, NO_CONFIG),
        layers: vec![entry.clone()],
        subject: None,
        annotations: BTreeMap::new(),
    }
}

/// The entry that a manifest is about, if it is of this sort.
fn entry(document: &Document, sort: &str) -> Option<Descriptor> {
    let manifest = Manifest::parse(&document.bytes).ok()?;
    manifest.layers.into_iter().next().filter(|layer| layer.media_type == sort)
}

/// The tag of a record: `layers-1-KEY`.
fn record_tag(kind: RecordKind, key: &Sha256Digest) -> String {
    format!("{}{}", prefix(kind), key.hex())
}

/// The tag by which a record is listed: `used-000680-chunks-2-KEY`.
fn listed_tag(kind: RecordKind, key: &Sha256Digest, month: u64) -> String {
    format!("{LISTED}{month:06}-{}", record_tag(kind, key))
}

/// What a tag says of a record that is listed: the month, and its key.
fn listed(kind: RecordKind, tag: &str) -> Option<(u64, Sha256Digest)> {
    let (month, rest) = tag.strip_prefix(LISTED)?.split_once('-')?;
    let key: Digest = format!("sha256:{}", rest.strip_prefix(&prefix(kind))?).parse().ok()?;
    Some((month.parse().ok()?, Sha256Digest(*key.bytes())))
}

fn prefix(kind: RecordKind) -> String {
    let folder = kind.folder();
    let name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    format!("{name}-")
}

/// In which month of 30 days a moment is, counted from 1970.
fn month(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / MONTH.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::testing::{self, give, read};
    use crate::testing::MemoryRegistry;
    use auth::Keychain;
    use cache::Cache;
    use fetch::{Client, Options};
    use tempfile::TempDir;

    const KEY: Sha256Digest = Sha256Digest([7; 32]);

    fn shared(registry: &MemoryRegistry) -> Arc<dyn Shared> {
        let client = Client::new(Options { proxies: false, ..Options::default() });
        let name = format!("{}/acme/cache", registry.host()).parse().unwrap();
        Arc::new(SharedRepository::new(name, Network::new(client, Keychain::default())))
    }

    /// A machine that shares its cache in the registry.
    fn machine(registry: &MemoryRegistry) -> (TempDir, Cache) {
        testing::machine(shared(registry))
    }

    #[test]
    fn tags_say_what_is_listed() {
        let tag = listed_tag(RecordKind::Chunks, &KEY, 680);
        assert_eq!(tag, format!("used-000680-chunks-2-{}", KEY.hex()));
        assert_eq!(listed(RecordKind::Chunks, &tag), Some((680, KEY)));
        assert_eq!(listed(RecordKind::Layer, &tag), None);
        for other in ["latest", "used-", "used-1-chunks-2-ab", &record_tag(RecordKind::Chunks, &KEY)] {
            assert_eq!(listed(RecordKind::Chunks, other), None, "{other}");
        }
        assert_eq!(month(SystemTime::UNIX_EPOCH + MONTH * 680 + Duration::from_secs(1)), 680);
    }

    #[test]
    fn what_one_machine_gives_another_has() {
        let registry = MemoryRegistry::start();
        let (_dir, cache) = machine(&registry);
        assert_eq!(cache.recent(RecordKind::Chunks, 9), [], "there is no repository yet");
        let digest = give(&cache, b"blob");
        cache.put_record(RecordKind::Layer, &KEY, b"record").unwrap();
        cache.put_record(RecordKind::Chunks, &KEY, b"chunks").unwrap();
        cache.put_record(RecordKind::Facts, &KEY, b"here only").unwrap();
        let tags = registry.tags("acme/cache");
        let expected = [
            format!("blob-{}", digest.hex()),
            record_tag(RecordKind::Chunks, &KEY),
            record_tag(RecordKind::Layer, &KEY),
        ];
        assert!(expected.iter().all(|tag| tags.contains(tag)) && tags.len() == 4, "{tags:?}");
        let (_dir, other) = machine(&registry);
        assert_eq!(other.recent(RecordKind::Chunks, 9), [(KEY, 0)]);
        assert!(registry.requests().iter().any(|line| line.contains("last=used-")));
        assert_eq!(other.record(RecordKind::Layer, &KEY).unwrap(), b"record");
        assert_eq!(other.record(RecordKind::Chunks, &KEY).unwrap(), b"chunks");
        assert_eq!(read(other.blob(&digest, 4)).unwrap(), b"blob");
        assert_eq!(other.record(RecordKind::Facts, &KEY), None);
        assert!(cache.troubles().is_empty() && other.troubles().is_empty());
    }

    #[test]
    fn what_is_there_is_asked_for_once_and_not_put_again() {
        let registry = MemoryRegistry::start();
        let (_dir, cache) = machine(&registry);
        let digest = give(&cache, b"blob");
        cache.put_record(RecordKind::Layer, &KEY, b"record").unwrap();
        registry.forget_requests();
        let (_dir, other) = machine(&registry);
        for _ in 0..3 {
            other.record(RecordKind::Layer, &KEY).unwrap();
            other.blob(&digest, 4).unwrap();
            give(&other, b"blob");
        }
        let asked = registry.requests();
        assert!(asked.iter().all(|line| !line.starts_with("P")), "{asked:?}");
        assert!(asked.len() <= 4, "{asked:?}");
    }

    #[test]
    fn damage_is_ignored_and_mended() {
        let registry = MemoryRegistry::start();
        let (_dir, cache) = machine(&registry);
        let digest = give(&cache, b"blob");
        cache.put_record(RecordKind::Layer, &KEY, b"record").unwrap();
        registry.plant_blob("acme/cache", &format!("sha256:{}", digest.hex()), b"blow");
        let tag = record_tag(RecordKind::Layer, &KEY);
        registry.plant_manifest("acme/cache", &tag, media_type::MANIFEST, b"{}");
        let (_dir, other) = machine(&registry);
        assert_eq!(other.record(RecordKind::Layer, &KEY), None);
        assert!(other.blob(&digest, 4).is_none());
        other.put_record(RecordKind::Layer, &KEY, b"record").unwrap();
        assert_eq!(machine(&registry).1.record(RecordKind::Layer, &KEY).unwrap(), b"record");
        assert!(other.troubles().is_empty());
    }

    #[test]
    fn any_number_of_machines_give_at_once() {
        let registry = MemoryRegistry::start();
        std::thread::scope(|scope| {
            for writer in 0..8u8 {
                let registry = &registry;
                scope.spawn(move || {
                    let (_dir, cache) = machine(registry);
                    give(&cache, b"the same");
                    give(&cache, &[writer]);
                    cache.put_record(RecordKind::Chunks, &KEY, b"the same").unwrap();
                });
            }
        });
        let (_dir, cache) = machine(&registry);
        for blob in (0..8u8).map(|writer| vec![writer]).chain([b"the same".to_vec()]) {
            assert_eq!(read(cache.blob(&Sha256Digest::of(&blob), blob.len() as u64)).unwrap(), blob);
        }
        assert_eq!(cache.record(RecordKind::Chunks, &KEY).unwrap(), b"the same");
        assert!(cache.troubles().is_empty());
    }
}
