//! An image layout as objects below a prefix.
//!
//! Blobs come first, and `index.json` last, on the condition that it is still the one that was read: of writers side by
//! side each adds to what the others left, and no tag is lost.

use super::bucket::{Bucket, If, Version};
use super::connect::{Patience, connect};
use super::read::ObjectReader;
use super::url::ObjectUrl;
use crate::destination::{Content, CopyError, Destination, Named, Publication, Published, contents, names};
use crate::error::StoreError;
use crate::layout::{BLOBS, INDEX, MARKER, check_version, enter, listed, marker};
use crate::network::Network;
use crate::reference::RefName;
use crate::side_by_side::side_by_side;
use oci::{Digest, IndexFile, MAX_DOCUMENT};

/// How often the index is written anew because another was faster.
const ATTEMPTS: usize = 100;
/// How many blobs are uploaded at a time. Each has several parts on their way.
const AT_A_TIME: usize = 2;
/// As much as is listed to find out whether there is anything.
const GLANCE: usize = 16;

/// A layout in an object store.
#[derive(Debug)]
pub(crate) struct ObjectLayout {
    pub(super) bucket: Bucket,
    /// Empty, or ends with a slash.
    pub(super) prefix: String,
    pub(super) name: Option<RefName>,
    pub(super) place: String,
}

impl ObjectLayout {
    /// The layout at `url`. `place` is what it is called in messages.
    ///
    /// # Errors
    /// As those of [`connect`].
    pub fn open(
        url: &ObjectUrl,
        name: Option<RefName>,
        place: String,
        network: &Network,
    ) -> Result<Self, StoreError> {
        let bucket = connect(url, network, Patience::Ample)?;
        Ok(ObjectLayout { bucket, prefix: url.key().into(), name, place })
    }

    /// Its `index.json`; nothing, if there is none.
    pub fn index(&self) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.bucket.get(&self.key(INDEX), MAX_DOCUMENT)
    }

    /// What it is called.
    pub fn shown(&self) -> String {
        self.bucket.shown(&self.prefix)
    }

    /// Opens a blob. What comes is not checked.
    pub fn open_blob(&self, digest: &Digest) -> Result<ObjectReader, StoreError> {
        ObjectReader::of(&self.bucket, &self.blob(digest))
    }

    /// Is it a layout of a version that is known? Not, if nothing is there.
    ///
    /// # Errors
    /// When it is a layout of another version, or something else is there.
    pub fn is_there(&self) -> Result<bool, StoreError> {
        let dir = self.shown().into();
        let key = self.key(MARKER);
        if let Some((bytes, _)) = self.bucket.get(&key, MAX_DOCUMENT)? {
            return check_version(&bytes, dir).map(|()| true);
        }
        let there = self.bucket.list(&self.prefix, GLANCE)?;
        // Another writer's marker may have come just now.
        let has_marker = there.iter().any(|meta| meta.location.as_ref() == key);
        if there.is_empty() || has_marker { Ok(has_marker) } else { Err(StoreError::NotALayout(dir)) }
    }

    /// Is a blob there?
    pub fn has_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        Ok(self.bucket.head(&self.blob(digest))?.is_some())
    }

    fn blob(&self, digest: &Digest) -> String {
        self.key(&format!("{BLOBS}/{}", digest.hex()))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Puts a blob, unless it is there.
    fn put(&self, content: &Content<'_>) -> Result<(), StoreError> {
        let descriptor = content.descriptor();
        let key = self.blob(&descriptor.digest);
        if self.bucket.head(&key)?.is_some_and(|meta| meta.size == descriptor.size) {
            return Ok(());
        }
        let mut upload = self.bucket.upload(&key, descriptor.size)?;
        match content.copy(&mut upload) {
            Ok(()) => upload.finish(),
            Err(CopyError::Store(error)) => Err(upload.abort(error)),
            Err(CopyError::Write(source)) => {
                let path = self.bucket.shown(&key).into();
                Err(upload.abort(StoreError::Write { path, source }))
            }
        }
    }

    /// Enters an image into the index, however often others do so meanwhile.
    fn list(&self, publication: &Publication<'_>, names: &[Named]) -> Result<(), StoreError> {
        let key = self.key(INDEX);
        let document = |source| StoreError::Document { place: self.bucket.shown(&key), source };
        for _ in 0..ATTEMPTS {
            let (mut index, condition) = match self.index()? {
                Some((bytes, version)) => (IndexFile::parse(&bytes).map_err(document)?, If::Still(version)),
                None => (IndexFile::new(vec![]), If::Absent),
            };
            enter(&mut index, &listed(publication.artifact), names);
            let bytes = index.document().map_err(document)?.bytes;
            if self.bucket.put_if(&key, bytes, condition)? {
                return Ok(());
            }
        }
        Err(StoreError::Contended { place: self.bucket.shown(&key), attempts: ATTEMPTS })
    }
}

impl Destination for ObjectLayout {
    fn probe(&self) -> Result<(), StoreError> {
        self.is_there().map(drop)
    }

    fn publish(&self, publication: &Publication<'_>) -> Result<Published, StoreError> {
        let names = names(self.name.as_ref(), publication.names, &self.place)?;
        if !self.is_there()? {
            // First, so that who comes at the same time knows blobs for those of a layout.
            self.bucket.put(&self.key(MARKER), marker())?;
        }
        let contents: Vec<Content<'_>> = contents(publication.artifact).into_values().collect();
        side_by_side(&contents, AT_A_TIME, |content| self.put(content))?;
        self.list(publication, &names)?;
        let digest = publication.artifact.document().descriptor.digest;
        Ok(Published { digest, names: names.iter().map(Named::text).collect() })
    }
}
