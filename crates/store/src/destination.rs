//! Where images go: the seam, and what every place needs of an image.

use crate::error::StoreError;
use crate::name::ImageName;
use crate::network::Network;
use crate::reference::{RefName, Reference};
use crate::{archive, daemon, layout, object, registry};
use oci::{Artifact, Blob, Compression, Descriptor, Digest, Document, Hashing, Image, media_type};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

/// A whole image with its names, to be published.
pub struct Publication<'a> {
    /// The image, or the index of several.
    pub artifact: &'a Artifact,
    /// What it calls itself: `name:tag` for each tag. A destination may name it otherwise.
    pub names: &'a [String],
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The digest of the manifest or index.
    pub digest: Digest,
    /// The names that it has there now.
    pub names: Vec<String>,
}

/// A place that images go to. An image is there whole, or not at all.
pub trait Destination: Send + Sync {
    /// Finds out whether the place is there and would take an image, as far as that can be known without writing.
    ///
    /// # Errors
    /// When it would not.
    fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Publishes an image.
    ///
    /// # Errors
    /// When the place cannot take the image; nothing of it is there then, and what was there stays.
    fn publish(&self, publication: &Publication<'_>) -> Result<Published, StoreError>;
}

/// The place that a reference names.
///
/// # Errors
/// When this version does not reach places of its kind, or its address is wrong.
pub fn destination(reference: &Reference, network: &Network) -> Result<Box<dyn Destination>, StoreError> {
    let place = reference.to_string();
    let name = reference.name().cloned();
    if let Some(RefName::Name(ImageName { digest: Some(_), .. })) = &name {
        return Err(StoreError::PublishDigest(place));
    }
    match reference {
        Reference::Layout { dir, .. } => Ok(Box::new(layout::Layout { dir: dir.clone(), name, place })),
        Reference::OciArchive { file, .. } => {
            Ok(Box::new(archive::Archive { file: file.clone(), name, place, flavour: archive::Flavour::Oci }))
        }
        Reference::DockerArchive { file, .. } => Ok(Box::new(archive::Archive {
            file: file.clone(),
            name,
            place,
            flavour: archive::Flavour::Docker,
        })),
        Reference::DockerDaemon { .. } => Ok(Box::new(daemon::Daemon::from_env(name, place)?)),
        Reference::Registry(ImageName { digest: Some(_), .. }) => Err(StoreError::PublishDigest(place)),
        Reference::Registry(name) => {
            Ok(Box::new(registry::Registry { name: name.clone(), place, network: network.clone() }))
        }
        Reference::Object { url, .. } if url.is_prefix() => {
            Ok(Box::new(object::ObjectLayout::open(url, name, place, network)?))
        }
        Reference::Object { url, .. } => {
            Ok(Box::new(object::ObjectArchive::open(url, name, place, network)?))
        }
    }
}

/// A name as a place records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// What finds the image in an index: a tag, or the text of the reference.
    pub ref_name: String,
    /// The full name; none if the image has a tag only.
    pub full: Option<ImageName>,
}

/// The names that an image gets at a place. A name of the reference counts, else what the image
/// calls itself.
pub(crate) fn names(
    reference: Option<&RefName>,
    own: &[String],
    place: &str,
) -> Result<Vec<Named>, StoreError> {
    let own: Vec<RefName> = own
        .iter()
        .map(|name| name.parse().map_err(|source| StoreError::Name { place: place.into(), source }))
        .collect::<Result<_, _>>()?;
    let tagged = |tag: &str| Named { ref_name: tag.into(), full: None };
    let named = |name: &ImageName| {
        let name = name.with_tag(name.tag_or_latest());
        Named { ref_name: name.tag_or_latest().into(), full: Some(name) }
    };
    Ok(match reference {
        None => own
            .iter()
            .map(|own| match own {
                RefName::Tag(tag) => tagged(tag),
                RefName::Name(name) => named(name),
            })
            .collect(),
        Some(RefName::Tag(tag)) => match own.first() {
            Some(RefName::Name(name)) => vec![named(&name.with_tag(tag))],
            _ => vec![tagged(tag)],
        },
        // skopeo finds an image by the very text that it was named with.
        Some(RefName::Name(name)) => vec![Named { ref_name: name.to_string(), ..named(name) }],
    })
}

impl Named {
    /// The full name if there is one, else the tag.
    pub fn text(&self) -> String {
        self.full.as_ref().map_or_else(|| self.ref_name.clone(), ToString::to_string)
    }
}

/// Something that a place keeps under its digest.
pub(crate) enum Content<'a> {
    /// A document.
    Document(&'a Document),
    /// A layer.
    Blob(&'a Arc<dyn Blob>),
}

impl Content<'_> {
    pub fn descriptor(&self) -> &Descriptor {
        match self {
            Content::Document(document) => &document.descriptor,
            Content::Blob(blob) => blob.descriptor(),
        }
    }

    /// Copies the bytes to `out`, and checks that they are those that were named.
    pub fn copy(&self, out: &mut dyn Write) -> Result<(), CopyError> {
        let Descriptor { digest, size, .. } = self.descriptor();
        let mut bytes;
        let mut opened;
        let reader: &mut dyn Read = match self {
            Content::Document(document) => {
                bytes = &document.bytes[..];
                &mut bytes
            }
            Content::Blob(blob) => {
                opened = blob.open().map_err(|source| StoreError::Blob { digest: *digest, source })?;
                &mut opened
            }
        };
        // Hashing is most of the work of a copy: once is enough.
        if matches!(self, Content::Blob(blob) if blob.is_checked()) {
            return pass(reader, out, digest);
        }
        let mut out = Hashing::new(out);
        pass(reader, &mut out, digest)?;
        let found = out.finish();
        if found != (*digest, *size) {
            return Err(mismatch("the blob", (*digest, *size), found).into());
        }
        Ok(())
    }
}

/// Copies all bytes of a blob.
fn pass(reader: &mut dyn Read, out: &mut dyn Write, digest: &Digest) -> Result<(), CopyError> {
    let mut buf = vec![0; 128 << 10];
    loop {
        match reader.read(&mut buf) {
            Ok(0) => return Ok(()),
            Ok(got) => out.write_all(buf.get(..got).unwrap_or_default()).map_err(CopyError::Write)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(StoreError::Blob { digest: *digest, source }.into()),
        }
    }
}

/// Why a copy failed: where it came from, or where it went.
pub(crate) enum CopyError {
    Store(StoreError),
    Write(io::Error),
}

impl From<StoreError> for CopyError {
    fn from(error: StoreError) -> Self {
        CopyError::Store(error)
    }
}

impl CopyError {
    /// The error, if `write` is what a failed write means.
    pub fn or(self, write: impl FnOnce(io::Error) -> StoreError) -> StoreError {
        match self {
            CopyError::Store(error) => error,
            CopyError::Write(error) => write(error),
        }
    }
}

/// Everything of an image, each thing once, sorted by digest. Layers that others give out are there only if they are
/// where the image comes from.
pub(crate) fn contents<'a>(artifact: &'a Artifact) -> BTreeMap<Digest, Content<'a>> {
    let mut contents = blobs(artifact);
    contents.retain(|_, content| match content {
        Content::Blob(blob) if media_type::is_foreign(&blob.descriptor().media_type) => blob.open().is_ok(),
        _ => true,
    });
    for document in artifact.manifests() {
        contents.insert(document.descriptor.digest, Content::Document(document));
    }
    contents
}

/// Everything of an image but its manifests, each thing once, sorted by digest.
pub(crate) fn blobs<'a>(artifact: &'a Artifact) -> BTreeMap<Digest, Content<'a>> {
    let configs = artifact.images().iter().map(|image| Content::Document(&image.config));
    let all = configs.chain(artifact.blobs().map(Content::Blob));
    all.map(|content| (content.descriptor().digest, content)).collect()
}

/// The image, if Docker can take it: one platform, all its layers, no zstd.
pub(crate) fn docker_image<'a>(artifact: &'a Artifact, place: &str) -> Result<&'a Image, StoreError> {
    if let Artifact::Other(_) = artifact {
        return Err(StoreError::NoPlainImage { place: place.into() });
    }
    let [image] = artifact.images() else {
        return Err(StoreError::Platforms { place: place.into(), count: artifact.images().len() });
    };
    let mut layers = image.layers.iter();
    if let Some((layer, _)) = layers.find(|(layer, _)| media_type::is_foreign(&layer.media_type)) {
        return Err(StoreError::Foreign { place: place.into(), layer: layer.digest });
    }
    match zstd_layer(image) {
        Some(layer) => Err(StoreError::Zstd { place: place.into(), layer }),
        None => Ok(image),
    }
}

/// The first layer in zstd.
pub(crate) fn zstd_layer(image: &Image) -> Option<Digest> {
    let is_zstd =
        |layer: &Descriptor| Compression::of_media_type(&layer.media_type) == Some(Compression::Zstd);
    image.layers.iter().map(|(layer, _)| layer).find(|layer| is_zstd(layer)).map(|layer| layer.digest)
}

pub(crate) fn mismatch(subject: &str, expected: (Digest, u64), found: (Digest, u64)) -> StoreError {
    let text = |(digest, size): (Digest, u64)| format!("{digest} of {size} bytes");
    StoreError::Mismatch { subject: subject.into(), expected: text(expected), found: text(found) }
}
