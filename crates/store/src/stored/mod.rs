//! Reading images from where they are.

mod blobs;
mod docker;
mod index;
mod tar;

use crate::daemon::Engine;
use crate::destination::{mismatch, unsupported};
use crate::error::StoreError;
use crate::network::Network;
use crate::reference::{RefName, Reference};
use blobs::Blobs;
use oci::{Blob, ConfigFile, Descriptor, Digest, Document, Image, ImageSource, Manifest, Platform};
use std::io::{self, Read};
use std::sync::Arc;

/// An image, or an index of several, at a place.
#[derive(Debug)]
pub struct Stored {
    place: String,
    document: Document,
    names: Vec<String>,
    images: Vec<StoredImage>,
}

/// One image at a place. Nothing of it was checked yet: [`StoredImage::load`] checks the documents,
/// [`oci::validate`] everything.
#[derive(Debug)]
pub struct StoredImage {
    place: String,
    descriptor: Descriptor,
    manifest: Vec<u8>,
    blobs: Arc<Blobs>,
}

/// Finds the image that a reference names.
///
/// # Errors
/// When the place cannot be read or is damaged, has no such image, or has several and none is named.
pub fn open(reference: &Reference, _network: &Network) -> Result<Stored, StoreError> {
    let place = reference.to_string();
    let name = reference.name();
    match reference {
        Reference::Layout { dir, .. } => index::open_layout(dir, name, place),
        Reference::OciArchive { file, .. } => index::open_archive(tar::Index::open(file)?, name, place),
        Reference::DockerArchive { file, .. } => docker::open(tar::Index::open(file)?, name, place),
        Reference::DockerDaemon { .. } => {
            let name = match name {
                None => return Err(StoreError::Missing { place, what: "name of an image".into() }),
                Some(RefName::Tag(name)) => format!("{name}:latest"),
                Some(RefName::Name(name)) if name.digest.is_some() => name.to_string(),
                Some(RefName::Name(name)) => name.with_tag(name.tag_or_latest()).to_string(),
            };
            let file = blobs::scratch(&place)?;
            Engine::from_env()?.save(&name, &mut &file)?;
            docker::open(tar::Index::of(file, place.as_ref())?, None, place)
        }
        Reference::Registry(_) | Reference::Object(_) => Err(unsupported(reference)),
    }
}

impl Stored {
    /// The manifest or index that the name leads to.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The names that it has there.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The images: one, or those of an index that are there. Attestations are none.
    pub fn images(&self) -> &[StoredImage] {
        &self.images
    }

    /// The image for a platform; without one, the only image.
    ///
    /// # Errors
    /// When there is none, or several and no platform is given.
    pub fn image(&self, wanted: Option<&Platform>) -> Result<&StoredImage, StoreError> {
        let known = || self.images.iter().map(StoredImage::platform_name).collect();
        match (wanted, &self.images[..]) {
            (None, [image]) => Ok(image),
            (None, []) => Err(StoreError::Missing { place: self.place.clone(), what: "image".into() }),
            (None, _) => Err(StoreError::SeveralPlatforms { place: self.place.clone(), known: known() }),
            (Some(wanted), images) => {
                let serves = |image: &&StoredImage| image.platform().is_some_and(|has| has.serves(wanted));
                images.iter().find(serves).ok_or_else(|| StoreError::NoPlatform {
                    place: self.place.clone(),
                    wanted: wanted.to_string(),
                    known: known(),
                })
            }
        }
    }
}

impl StoredImage {
    /// The image whose manifest `bytes` are. A platform that nobody told is that of the config.
    fn new(place: String, mut descriptor: Descriptor, bytes: Vec<u8>, blobs: Arc<Blobs>) -> Self {
        if descriptor.platform.is_none() {
            let config = Manifest::parse(&bytes).ok().and_then(|manifest| {
                let bytes = blobs.read_document(&manifest.config.digest).ok()?;
                ConfigFile::parse(&bytes).ok()
            });
            descriptor.platform = config.map(|config| config.platform());
        }
        StoredImage { place, descriptor, manifest: bytes, blobs }
    }

    /// What the image is for, if anything there says so.
    pub fn platform(&self) -> Option<&Platform> {
        self.descriptor.platform.as_ref()
    }

    /// Reads the documents, and checks that they are those that were named. Layers are checked while
    /// they are read.
    ///
    /// # Errors
    /// When a document is missing, damaged, or not that of an image.
    pub fn load(&self) -> Result<Image, StoreError> {
        let document = |source| StoreError::Document { place: self.place.clone(), source };
        check("the manifest", &self.descriptor, &self.manifest)?;
        let manifest = Manifest::parse(&self.manifest).map_err(document)?;
        let bytes = self
            .blobs
            .read_document(&manifest.config.digest)
            .map_err(|source| StoreError::Blob { digest: manifest.config.digest, source })?;
        check("the config", &manifest.config, &bytes)?;
        let config = ConfigFile::parse(&bytes).map_err(document)?;
        let layer = |descriptor: Descriptor| {
            let blob = StoredBlob { descriptor: descriptor.clone(), blobs: Arc::clone(&self.blobs) };
            (descriptor, Arc::new(blob) as Arc<dyn Blob>)
        };
        Ok(Image {
            manifest: Document {
                descriptor: Descriptor {
                    platform: None,
                    annotations: Default::default(),
                    ..self.descriptor.clone()
                },
                bytes: self.manifest.clone(),
            },
            config: Document { descriptor: manifest.config, bytes },
            layers: manifest.layers.into_iter().map(layer).collect(),
            platform: self.platform().cloned().unwrap_or_else(|| config.platform()),
        })
    }

    fn platform_name(&self) -> String {
        self.platform().map_or_else(|| "an unknown platform".into(), Platform::to_string)
    }
}

impl ImageSource for StoredImage {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    fn open(&self, descriptor: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        self.blobs.open(&descriptor.digest)
    }
}

/// A blob at a place, checked while it is read.
struct StoredBlob {
    descriptor: Descriptor,
    blobs: Arc<Blobs>,
}

impl Blob for StoredBlob {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let reader = self.blobs.open(&self.descriptor.digest)?;
        Ok(Box::new(blobs::Checked::new(reader, self.descriptor.digest, self.descriptor.size)))
    }
}

fn check(subject: &str, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), StoreError> {
    let (expected, found) = ((descriptor.digest, descriptor.size), (Digest::of(bytes), bytes.len() as u64));
    if expected == found { Ok(()) } else { Err(mismatch(subject, expected, found)) }
}
