//! A repository as a place that blobs come from, with those that mirror it.

use super::reader::BlobReader;
use super::remote::Remote;
use crate::error::StoreError;
use crate::stored::Blobs;
use oci::{Descriptor, Digest, MAX_DOCUMENT, Origin};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard};

/// The most that is kept of documents that were read, in bytes: who asks twice need not ask the registry twice.
const MAX_KEPT: usize = 64 << 20;

/// The blobs of a repository.
pub(super) struct RegistryBlobs {
    /// Where they are looked for, in order.
    remotes: Vec<Remote>,
    origin: Origin,
    documents: Mutex<BTreeMap<Digest, Vec<u8>>>,
}

impl RegistryBlobs {
    /// Those that can be had from `remotes`, of which the last is the repository itself.
    pub fn new(remotes: Vec<Remote>, origin: Origin) -> Self {
        RegistryBlobs { remotes, origin, documents: Mutex::default() }
    }

    /// Keeps a document that is there already.
    pub fn keep(&self, digest: Digest, bytes: &[u8]) {
        let mut documents = self.documents();
        let kept: usize = documents.values().map(Vec::len).sum();
        if kept + bytes.len() <= MAX_KEPT && Digest::of(bytes) == digest {
            documents.insert(digest, bytes.to_vec());
        }
    }

    /// Asks each place in turn, until one has it.
    fn first<T>(&self, ask: impl Fn(&Remote) -> Result<T, StoreError>) -> io::Result<(T, &Remote)> {
        let mut last = None;
        for remote in &self.remotes {
            match ask(remote) {
                Ok(found) => return Ok((found, remote)),
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(error @ StoreError::Absent { .. }) => io::Error::new(io::ErrorKind::NotFound, error),
            Some(error) => io::Error::other(error),
            None => io::ErrorKind::NotFound.into(),
        })
    }

    fn kept(&self, digest: Digest) -> Option<Vec<u8>> {
        self.documents().get(&digest).cloned()
    }

    fn documents(&self) -> MutexGuard<'_, BTreeMap<Digest, Vec<u8>>> {
        self.documents.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Blobs for RegistryBlobs {
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        let (reader, remote) = self.first(|remote| BlobReader::open(remote, blob))?;
        remote.known().add(&remote.repository, blob.digest);
        // Whoever reads on to the end must come to one.
        Ok(Box::new(reader.take(blob.size.saturating_add(1))))
    }

    fn has_manifest(&self, _: &Descriptor) -> bool {
        true
    }

    fn read_manifest(&self, manifest: &Descriptor) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.kept(manifest.digest) {
            return Ok(bytes);
        }
        let (bytes, _) = self.first(|remote| {
            let found = remote.wait(remote.manifest(manifest.digest, Some(&manifest.media_type)))?;
            let what = || format!("manifest {}", manifest.digest);
            let found = found.ok_or_else(|| StoreError::Absent { place: remote.place.clone(), what: what() });
            found.map(|document| document.bytes)
        })?;
        self.keep(manifest.digest, &bytes);
        Ok(bytes)
    }

    fn read_document(&self, document: &Descriptor) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.kept(document.digest) {
            return Ok(bytes);
        }
        let mut bytes = vec![];
        self.open(document)?.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
        self.keep(document.digest, &bytes);
        Ok(bytes)
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.origin)
    }
}

impl fmt::Debug for RegistryBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBlobs").field("origin", &self.origin).finish_non_exhaustive()
    }
}
