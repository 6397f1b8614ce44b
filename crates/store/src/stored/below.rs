//! What is below a manifest or an index.

use super::blobs::Blobs;
use super::{StoredImage, check};
use crate::error::StoreError;
use oci::{Descriptor, IndexFile, media_type};
use std::sync::Arc;

/// How deep an index may stand within others.
const MAX_DEPTH: usize = 4;
/// How many manifests an index may list, all levels together.
const MAX_MANIFESTS: usize = 1000;

/// What is below a manifest or an index, and there.
#[derive(Debug, Default)]
pub(super) struct Below {
    /// The images, in the index's order.
    pub images: Vec<StoredImage>,
    /// What is no image, each after what it names.
    pub parts: Vec<StoredPart>,
    /// What the outermost index lists and is no manifest.
    pub blobs: Vec<Descriptor>,
}

/// A manifest or an index that is no image.
#[derive(Debug)]
pub(super) struct StoredPart {
    pub descriptor: Descriptor,
    /// What an index lists and is no manifest. What a manifest names is read from it.
    pub blobs: Vec<Descriptor>,
}

/// Finds what is below `root`, whose bytes are given. An index may name images that were not copied with it: they are
/// left out.
pub(super) fn below(
    place: &str,
    root: &Descriptor,
    bytes: &[u8],
    blobs: &Arc<dyn Blobs>,
) -> Result<Below, StoreError> {
    let mut walk = Walk { place, blobs, listed: 0, below: Below::default() };
    if media_type::is_index(&root.media_type) {
        walk.below.blobs = walk.index(root, bytes, 1)?;
    } else {
        walk.image(root.clone());
    }
    Ok(walk.below)
}

struct Walk<'a> {
    place: &'a str,
    blobs: &'a Arc<dyn Blobs>,
    listed: usize,
    below: Below,
}

impl Walk<'_> {
    /// Takes what an index lists; gives what of it is no manifest.
    fn index(
        &mut self,
        descriptor: &Descriptor,
        bytes: &[u8],
        depth: usize,
    ) -> Result<Vec<Descriptor>, StoreError> {
        check("the index", descriptor, bytes)?;
        let index = IndexFile::parse(bytes)
            .map_err(|source| StoreError::Document { place: self.place.into(), source })?;
        self.listed += index.manifests.len();
        if depth > MAX_DEPTH || self.listed > MAX_MANIFESTS {
            let what = format!("index of at most {MAX_DEPTH} levels and {MAX_MANIFESTS} manifests");
            return Err(StoreError::Missing { place: self.place.into(), what });
        }
        let mut others = vec![];
        for entry in index.manifests {
            let is_index = media_type::is_index(&entry.media_type);
            if !is_index && !media_type::is_manifest(&entry.media_type) {
                others.push(entry);
            } else if !self.blobs.has_manifest(&entry) {
                continue;
            } else if is_index {
                let bytes = (self.blobs.read_manifest(&entry))
                    .map_err(|source| StoreError::Blob { digest: entry.digest, source })?;
                let blobs = self.index(&entry, &bytes, depth + 1)?;
                self.below.parts.push(StoredPart { descriptor: entry, blobs });
            } else if is_image(&entry) {
                self.image(entry);
            } else {
                self.below.parts.push(StoredPart { descriptor: entry, blobs: vec![] });
            }
        }
        Ok(others)
    }

    fn image(&mut self, descriptor: Descriptor) {
        self.below.images.push(StoredImage::new(self.place, descriptor, Arc::clone(self.blobs)));
    }
}

/// Is an entry an image, as far as it says? BuildKit lists what it attests beside the images, for an unknown platform.
fn is_image(entry: &Descriptor) -> bool {
    !entry.annotations.contains_key("vnd.docker.reference.type")
        && entry.platform.as_ref().is_none_or(|platform| platform.os != "unknown")
        && entry.artifact_type.as_deref().is_none_or(media_type::is_config)
}
