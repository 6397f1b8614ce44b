//! A stored image as one that can be published: everything that it names, with its bytes untouched.

use super::below::StoredPart;
use super::blobs::{Blobs, Checked};
use super::{Stored, StoredImage, check, own};
use crate::error::StoreError;
use crate::side_by_side::side_by_side;
use oci::{
    Artifact, Blob, ConfigFile, Descriptor, Document, Image, Index, Manifest, Origin, Part, Platform,
    media_type,
};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most that all documents of an image together may have, in bytes: they are held in memory.
const MAX_DOCUMENTS: u64 = 64 << 20;
/// How many documents are read at a time.
const AT_A_TIME: usize = 8;

impl Stored {
    /// Everything that the name leads to, byte for byte: of an index, all images, attestations, artifacts and inner
    /// indexes that are there. Layers are opened late, and checked while they are read.
    ///
    /// # Errors
    /// When a document is missing or damaged, or there are too many.
    pub fn artifact(&self) -> Result<Artifact, StoreError> {
        let below = &self.below;
        let manifests = below.images.iter().map(|image| &image.descriptor);
        let mut manifests = manifests.chain(below.parts.iter().map(|part| &part.descriptor));
        let budget = Budget(AtomicU64::new(0));
        manifests.try_for_each(|manifest| budget.spend(manifest.size, &self.place))?;
        let loaded = side_by_side(&below.images, AT_A_TIME, |image| image.load_as_it_is(&budget))?;
        if !media_type::is_index(&self.document.descriptor.media_type) {
            return loaded.into_iter().next().ok_or_else(|| self.missing("image"));
        }
        let (mut images, mut parts) = (vec![], vec![]);
        for loaded in loaded {
            match loaded {
                Artifact::Image(image) => images.push(image),
                Artifact::Other(part) => parts.push(part),
                Artifact::Index(_) => {}
            }
        }
        parts.extend(side_by_side(&below.parts, AT_A_TIME, |part| self.part(part))?);
        let blobs = below.blobs.iter().map(|blob| stored_blob(blob.clone(), &self.blobs)).collect();
        Ok(Artifact::Index(Index { document: self.document.clone(), images, parts, blobs }))
    }

    /// The image for one platform, with its digest; or a new index of those for several. Without any, it is
    /// [`artifact`](Self::artifact).
    ///
    /// # Errors
    /// As there; when there is no image for a platform.
    pub fn artifact_for(&self, platforms: &[Platform]) -> Result<Artifact, StoreError> {
        match platforms {
            [] => self.artifact(),
            [one] => self.image(Some(one))?.load().map(Artifact::Image),
            several => {
                let wanted: Vec<&StoredImage> =
                    several.iter().map(|wanted| self.image(Some(wanted))).collect::<Result<_, _>>()?;
                let images = side_by_side(&wanted, AT_A_TIME, |image| image.load())?;
                let index = Index::new(images, BTreeMap::new());
                let document = |source| StoreError::Document { place: self.place.clone(), source };
                index.map(Artifact::Index).map_err(document)
            }
        }
    }

    fn part(&self, part: &StoredPart) -> Result<Part, StoreError> {
        let document = read(&part.descriptor, &self.blobs)?;
        if media_type::is_index(&part.descriptor.media_type) {
            let blobs = part.blobs.iter().map(|blob| stored_blob(blob.clone(), &self.blobs)).collect();
            return Ok(Part { document, blobs });
        }
        let manifest = Manifest::parse(&document.bytes)
            .map_err(|source| StoreError::Document { place: self.place.clone(), source })?;
        Ok(manifest_part(document, manifest, &self.blobs))
    }

    fn missing(&self, what: &str) -> StoreError {
        StoreError::Missing { place: self.place.clone(), what: what.into() }
    }
}

impl StoredImage {
    /// Reads the documents, and checks that they are those that were named. Layers are checked while
    /// they are read.
    ///
    /// # Errors
    /// When a document is missing, damaged, or not that of an image.
    pub fn load(&self) -> Result<Image, StoreError> {
        let document = read(&self.descriptor, &self.blobs)?;
        let manifest = self.parsed(&document)?;
        self.image(document, manifest)
    }

    /// As [`load`](Self::load), for what may turn out to be no image.
    fn load_as_it_is(&self, budget: &Budget) -> Result<Artifact, StoreError> {
        let document = read(&self.descriptor, &self.blobs)?;
        let manifest = self.parsed(&document)?;
        if media_type::is_config(&manifest.config.media_type) {
            budget.spend(manifest.config.size, &self.place)?;
            self.image(document, manifest).map(Artifact::Image)
        } else {
            Ok(Artifact::Other(manifest_part(document, manifest, &self.blobs)))
        }
    }

    fn parsed(&self, document: &Document) -> Result<Manifest, StoreError> {
        Manifest::parse(&document.bytes)
            .map_err(|source| StoreError::Document { place: self.place.clone(), source })
    }

    fn image(&self, document: Document, manifest: Manifest) -> Result<Image, StoreError> {
        let bytes = (self.blobs.read_document(&manifest.config))
            .map_err(|source| StoreError::Blob { digest: manifest.config.digest, source })?;
        check("the config", &manifest.config, &bytes)?;
        let config = ConfigFile::parse(&bytes)
            .map_err(|source| StoreError::Document { place: self.place.clone(), source })?;
        let layer = |descriptor: Descriptor| (descriptor.clone(), stored_blob(descriptor, &self.blobs));
        Ok(Image {
            manifest: document,
            config: Document { descriptor: manifest.config, bytes },
            layers: manifest.layers.into_iter().map(layer).collect(),
            platform: self.platform().cloned().unwrap_or_else(|| config.platform()),
        })
    }
}

/// What the documents of an image may have together.
struct Budget(AtomicU64);

impl Budget {
    fn spend(&self, bytes: u64, place: &str) -> Result<(), StoreError> {
        let before = self.0.fetch_add(bytes.min(MAX_DOCUMENTS), Ordering::Relaxed);
        if before.saturating_add(bytes) <= MAX_DOCUMENTS {
            return Ok(());
        }
        let what = format!("image whose documents have at most {MAX_DOCUMENTS} bytes together");
        Err(StoreError::Missing { place: place.into(), what })
    }
}

/// Reads a manifest or an index, and checks it.
fn read(descriptor: &Descriptor, blobs: &Arc<dyn Blobs>) -> Result<Document, StoreError> {
    let bytes = blobs
        .read_manifest(descriptor)
        .map_err(|source| StoreError::Blob { digest: descriptor.digest, source })?;
    let is_index = media_type::is_index(&descriptor.media_type);
    check(if is_index { "the index" } else { "the manifest" }, descriptor, &bytes)?;
    Ok(Document { descriptor: own(descriptor), bytes })
}

fn manifest_part(document: Document, manifest: Manifest, blobs: &Arc<dyn Blobs>) -> Part {
    let named = manifest.layers.into_iter().chain([manifest.config]);
    Part { document, blobs: named.map(|blob| stored_blob(blob, blobs)).collect() }
}

fn stored_blob(descriptor: Descriptor, blobs: &Arc<dyn Blobs>) -> Arc<dyn Blob> {
    Arc::new(StoredBlob { descriptor, blobs: Arc::clone(blobs) })
}

/// A blob at a place, checked while it is read.
struct StoredBlob {
    descriptor: Descriptor,
    blobs: Arc<dyn Blobs>,
}

impl Blob for StoredBlob {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let reader = self.blobs.open(&self.descriptor)?;
        Ok(Box::new(Checked::new(reader, self.descriptor.digest, self.descriptor.size)))
    }

    fn is_checked(&self) -> bool {
        true
    }

    fn origin(&self) -> Option<&Origin> {
        self.blobs.origin()
    }
}
