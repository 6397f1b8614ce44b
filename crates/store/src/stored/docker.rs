//! What `docker save` writes, of any version.
//!
//! Engines before 25 name a config and plain layers in `manifest.json`; an OCI manifest is made for
//! them here. Later ones write a layout as well, which is then read as such.

use super::blobs::{ArchiveBlobs, hash};
use super::{Stored, index, tar};
use crate::archive::{DOCKER_MANIFEST, DockerImage};
use crate::error::{StoreError, read_error};
use crate::layout::INDEX;
use crate::name::ImageName;
use crate::positioned::PositionedFile;
use crate::reference::RefName;
use oci::{Compression, Descriptor, DocumentError, Manifest, media_type};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

/// How many layers an image may have; runtimes take 127.
const MAX_LAYERS: usize = 1000;

pub(super) fn open(archive: tar::Index, name: Option<&RefName>, place: String) -> Result<Stored, StoreError> {
    if archive.find(INDEX).is_some() {
        return index::open_archive(archive, name, place);
    }
    let document = |source| StoreError::Document { place: place.clone(), source };
    let Some(bytes) = archive.read(DOCKER_MANIFEST)? else {
        return Err(StoreError::Missing { place, what: DOCKER_MANIFEST.into() });
    };
    let images: Vec<DockerImage> = serde_json::from_slice(&bytes)
        .map_err(|source| document(DocumentError::Json { subject: DOCKER_MANIFEST, source }))?;
    let mut matching = images.iter().filter(|image| name.is_none_or(|name| is_called(image, name)));
    let known = || images.iter().flat_map(|image| image.repo_tags.clone().unwrap_or_default()).collect();
    let image = match (matching.next(), matching.next(), name) {
        (Some(image), None, _) => image,
        (Some(_), Some(_), _) => {
            return Err(StoreError::SeveralImages { place: place.clone(), known: known() });
        }
        (None, _, None) => return Err(StoreError::Missing { place, what: "image".into() }),
        (None, _, Some(name)) => {
            return Err(StoreError::NoImage {
                place: place.clone(),
                wanted: name.to_string(),
                known: known(),
            });
        }
    };
    let missing = |what: &str| StoreError::Missing { place: place.clone(), what: what.into() };
    let mut ranges = BTreeMap::new();
    let mut blob = |name: &str| {
        let (offset, size) = archive.find(name).ok_or_else(|| missing(name))?;
        let digest = hash(&archive.file, &archive.path, offset, size)?;
        ranges.insert(digest, (offset, size));
        let mut head = [0; 4];
        let got = PositionedFile::range(&archive.file, offset, size).read(&mut head);
        let got = got.map_err(read_error(&archive.path))?;
        let compression = Compression::of_head(head.get(..got).unwrap_or_default());
        Ok(Descriptor::new(compression.media_type(), digest, size))
    };
    let layers = image.layers.as_deref().unwrap_or_default();
    if layers.len() > MAX_LAYERS {
        return Err(missing(&format!("image of at most {MAX_LAYERS} layers")));
    }
    let layers = layers.iter().map(|name| blob(name)).collect::<Result<_, StoreError>>()?;
    let config = Descriptor { media_type: media_type::CONFIG.into(), ..blob(&image.config)? };
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::MANIFEST.into()),
        artifact_type: None,
        config,
        layers,
        subject: None,
        annotations: BTreeMap::new(),
    }
    .document()
    .map_err(document)?;
    let names = image.repo_tags.clone().unwrap_or_default();
    let blobs = ArchiveBlobs { file: archive.file, ranges, made: Some(manifest.clone()) };
    Stored::new(place, &manifest.descriptor, manifest.bytes, names, Arc::new(blobs))
}

fn is_called(image: &DockerImage, name: &RefName) -> bool {
    let mut own = image.repo_tags.iter().flatten().filter_map(|tag| tag.parse::<ImageName>().ok());
    match name {
        RefName::Tag(tag) => own.any(|own| own.tag.as_deref() == Some(tag)),
        RefName::Name(name) => own.any(|own| own.normalized() == name.normalized()),
    }
}
