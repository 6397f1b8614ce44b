//! Reading images from where they are.

mod below;
mod blobs;
mod docker;
mod index;
pub(crate) mod object;
mod tar;
mod whole;

use crate::daemon::Engine;
use crate::destination::mismatch;
use crate::error::StoreError;
use crate::network::Network;
use crate::reference::{RefName, Reference};
use crate::registry;
use below::Below;
pub(crate) use blobs::Blobs;
use oci::{ConfigFile, Descriptor, Digest, Document, ImageSource, Manifest, Platform, media_type};
use std::io::{self, Read};
use std::sync::Arc;

/// An image, or an index of several, at a place.
#[derive(Debug)]
pub struct Stored {
    place: String,
    document: Document,
    names: Vec<String>,
    below: Below,
    blobs: Arc<dyn Blobs>,
}

/// One image at a place. Nothing of it was checked yet: [`StoredImage::load`] checks the documents,
/// [`oci::validate`] everything.
#[derive(Debug)]
pub struct StoredImage {
    place: String,
    descriptor: Descriptor,
    blobs: Arc<dyn Blobs>,
}

/// Finds the image that a reference names.
///
/// # Errors
/// When the place cannot be read or is damaged, has no such image, or has several and none is named.
pub fn open(reference: &Reference, network: &Network) -> Result<Stored, StoreError> {
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
        Reference::Registry(name) => registry::open(name, network, &place),
        Reference::Object { url, .. } if url.is_prefix() => object::open_layout(url, name, place, network),
        Reference::Object { url, .. } => object::open_archive(url, name, place, network),
    }
}

impl Stored {
    /// What a manifest or an index at a place stands for.
    pub(crate) fn new(
        place: String,
        root: &Descriptor,
        bytes: Vec<u8>,
        names: Vec<String>,
        blobs: Arc<dyn Blobs>,
    ) -> Result<Self, StoreError> {
        let below = below::below(&place, root, &bytes, &blobs)?;
        let document = Document { descriptor: own(root), bytes };
        Ok(Stored { place, document, names, below, blobs })
    }

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
        &self.below.images
    }

    /// The image for a platform; without one, the only image.
    ///
    /// # Errors
    /// When there is none, or several and no platform is given.
    pub fn image(&self, wanted: Option<&Platform>) -> Result<&StoredImage, StoreError> {
        let known = || self.images().iter().map(StoredImage::platform_name).collect();
        match (wanted, self.images()) {
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
    /// The image of a manifest. A platform that nobody told is that of the config.
    fn new(place: &str, mut descriptor: Descriptor, blobs: Arc<dyn Blobs>) -> Self {
        if descriptor.platform.is_none() {
            let manifest = blobs.read_manifest(&descriptor).ok();
            let config = manifest.and_then(|bytes| {
                let config = Manifest::parse(&bytes).ok()?.config;
                let config = Some(config).filter(|config| media_type::is_config(&config.media_type))?;
                ConfigFile::parse(&blobs.read_document(&config).ok()?).ok()
            });
            descriptor.platform = config.map(|config| config.platform());
        }
        StoredImage { place: place.into(), descriptor, blobs }
    }

    /// What the image is for, if anything there says so.
    pub fn platform(&self) -> Option<&Platform> {
        self.descriptor.platform.as_ref()
    }

    fn platform_name(&self) -> String {
        self.platform().map_or_else(|| "an unknown platform".into(), Platform::to_string)
    }
}

impl ImageSource for StoredImage {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn manifest(&self) -> io::Result<Vec<u8>> {
        self.blobs.read_manifest(&self.descriptor)
    }

    fn open(&self, descriptor: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        self.blobs.open(descriptor)
    }
}

/// The descriptor of a document without what an index says of it: annotations, a platform.
fn own(descriptor: &Descriptor) -> Descriptor {
    Descriptor::new(&descriptor.media_type, descriptor.digest, descriptor.size)
}

fn check(subject: &str, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), StoreError> {
    let (expected, found) = ((descriptor.digest, descriptor.size), (Digest::of(bytes), bytes.len() as u64));
    if expected == found { Ok(()) } else { Err(mismatch(subject, expected, found)) }
}
