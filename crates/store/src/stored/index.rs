//! Images that an `index.json` names: layouts, and layouts in a tar.

use super::blobs::Blobs;
use super::{Stored, StoredImage, check, tar};
use crate::error::{StoreError, read_error};
use crate::layout::{BLOBS, FULL_NAME, INDEX, is_layout, read_document};
use crate::name::ImageName;
use crate::reference::RefName;
use oci::{Descriptor, Digest, Document, IndexFile, REF_NAME, media_type};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How deep an index may stand within others.
const MAX_DEPTH: usize = 4;
/// How many manifests an index may list, all levels together.
const MAX_MANIFESTS: usize = 1000;

pub(super) fn open_layout(dir: &Path, name: Option<&RefName>, place: String) -> Result<Stored, StoreError> {
    let path = dir.join(INDEX);
    let bytes = read_document(&path);
    // A directory that is no layout is told as such, not by what it lacks.
    if std::fs::metadata(dir).map_err(read_error(dir))?.is_dir() && !is_layout(dir)? {
        return Err(StoreError::Missing { place, what: "image: it is empty".into() });
    }
    select(&bytes?, Blobs::Layout(dir.into()), name, place)
}

pub(super) fn open_archive(
    archive: tar::Index,
    name: Option<&RefName>,
    place: String,
) -> Result<Stored, StoreError> {
    let Some(bytes) = archive.read(INDEX)? else {
        return Err(StoreError::Missing { place, what: INDEX.into() });
    };
    let blob = |(path, offset, size): (&tree::TreePath, u64, u64)| {
        let hex = path.relative().strip_prefix(BLOBS)?.strip_prefix('/')?;
        Some((format!("sha256:{hex}").parse::<Digest>().ok()?, (offset, size)))
    };
    let blobs: BTreeMap<_, _> = archive.files().filter_map(blob).collect();
    select(&bytes, Blobs::Archive(archive.file, blobs), name, place)
}

/// Finds what a name means in an index.
fn select(bytes: &[u8], blobs: Blobs, name: Option<&RefName>, place: String) -> Result<Stored, StoreError> {
    let document = |source| StoreError::Document { place: place.clone(), source };
    let index = IndexFile::parse(bytes).map_err(document)?;
    let mut matching: Vec<&Descriptor> =
        index.manifests.iter().filter(|entry| name.is_none_or(|name| is_called(entry, name))).collect();
    // The very text that an image is listed under says more than a tag among its names.
    let listed =
        |entry: &&Descriptor| entry.annotations.get(REF_NAME).cloned() == name.map(RefName::to_string);
    if let (Some(_), Some(exact)) = (name, matching.iter().copied().find(listed)) {
        matching = vec![exact];
    }
    let known = || index.manifests.iter().map(shown).collect::<Vec<_>>();
    let Some(found) = matching.first() else {
        let what = "image".into();
        return Err(match name {
            None => StoreError::Missing { place, what },
            Some(name) => {
                StoreError::NoImage { place: place.clone(), wanted: name.to_string(), known: known() }
            }
        });
    };
    if matching.iter().any(|entry| entry.digest != found.digest) {
        return Err(StoreError::SeveralImages { place: place.clone(), known: known() });
    }
    let blobs = Arc::new(blobs);
    let read = |descriptor: &Descriptor| {
        blobs
            .read_document(&descriptor.digest)
            .map_err(|source| StoreError::Blob { digest: descriptor.digest, source })
    };
    let bytes = read(found)?;
    let mut images = vec![];
    if media_type::is_index(&found.media_type) {
        let mut levels = vec![((*found).clone(), bytes.clone(), 1)];
        let mut listed = 0;
        while let Some((descriptor, bytes, depth)) = levels.pop() {
            check("the index", &descriptor, &bytes)?;
            let index = IndexFile::parse(&bytes).map_err(document)?;
            listed += index.manifests.len();
            if depth > MAX_DEPTH || listed > MAX_MANIFESTS {
                let what = format!("index of at most {MAX_DEPTH} levels and {MAX_MANIFESTS} manifests");
                return Err(StoreError::Missing { place, what });
            }
            for entry in index.manifests {
                let bytes = match blobs.read_document(&entry.digest) {
                    Ok(bytes) => bytes,
                    // An index may name images that were not copied with it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(source) => return Err(StoreError::Blob { digest: entry.digest, source }),
                };
                if media_type::is_index(&entry.media_type) {
                    levels.push((entry, bytes, depth + 1));
                } else if media_type::is_manifest(&entry.media_type) && !is_attestation(&entry) {
                    images.push(StoredImage::new(place.clone(), entry, bytes, Arc::clone(&blobs)));
                }
            }
        }
    } else {
        images.push(StoredImage::new(place.clone(), (*found).clone(), bytes.clone(), Arc::clone(&blobs)));
    }
    let names = index.manifests.iter().filter(|entry| entry.digest == found.digest).filter_map(name_of);
    let descriptor = Descriptor { annotations: BTreeMap::new(), platform: None, ..(*found).clone() };
    Ok(Stored { document: Document { descriptor, bytes }, names: names.collect(), images, place })
}

/// BuildKit lists what it attests beside the images, for an unknown platform.
fn is_attestation(entry: &Descriptor) -> bool {
    entry.annotations.contains_key("vnd.docker.reference.type")
        || entry.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
}

/// Is an entry called so? A tag may be that of its full name; a full name may be written in short.
fn is_called(entry: &Descriptor, name: &RefName) -> bool {
    let names = [REF_NAME, FULL_NAME].map(|key| entry.annotations.get(key));
    let text = name.to_string();
    if names.iter().flatten().any(|own| **own == text) {
        return true;
    }
    let mut parsed = names.iter().flatten().filter_map(|own| own.parse::<ImageName>().ok());
    match name {
        RefName::Tag(tag) => parsed.any(|own| own.tag.as_deref() == Some(tag)),
        RefName::Name(ImageName { digest: Some(digest), .. }) => entry.digest == *digest,
        RefName::Name(name) => parsed.any(|own| own.normalized() == name.normalized()),
    }
}

fn name_of(entry: &Descriptor) -> Option<String> {
    [FULL_NAME, REF_NAME].iter().find_map(|key| entry.annotations.get(*key)).cloned()
}

fn shown(entry: &Descriptor) -> String {
    name_of(entry).unwrap_or_else(|| entry.digest.to_string())
}
