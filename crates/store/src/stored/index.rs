//! Images that an `index.json` names: layouts, and layouts in a tar.

use super::blobs::{ArchiveBlobs, Blobs, LayoutBlobs};
use super::{Stored, tar};
use crate::error::{StoreError, read_error};
use crate::layout::{BLOBS, FULL_NAME, INDEX, is_layout, read_document};
use crate::name::ImageName;
use crate::reference::RefName;
use oci::{Descriptor, Digest, IndexFile, REF_NAME};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tree::TreePath;

pub(super) fn open_layout(dir: &Path, name: Option<&RefName>, place: String) -> Result<Stored, StoreError> {
    let path = dir.join(INDEX);
    let bytes = read_document(&path);
    // A directory that is no layout is told as such, not by what it lacks.
    if std::fs::metadata(dir).map_err(read_error(dir))?.is_dir() && !is_layout(dir)? {
        return Err(StoreError::Missing { place, what: "image: it is empty".into() });
    }
    select(&bytes?, Arc::new(LayoutBlobs(dir.into())), name, place)
}

pub(super) fn open_archive(
    archive: tar::Index,
    name: Option<&RefName>,
    place: String,
) -> Result<Stored, StoreError> {
    let Some(bytes) = archive.read(INDEX)? else {
        return Err(StoreError::Missing { place, what: INDEX.into() });
    };
    let ranges = ranges(archive.files());
    select(&bytes, Arc::new(ArchiveBlobs { file: archive.file, ranges, made: None }), name, place)
}

/// Where the blobs are among the files of an archive: offset and length of each.
pub(super) fn ranges<'a>(
    files: impl Iterator<Item = (&'a TreePath, u64, u64)>,
) -> BTreeMap<Digest, (u64, u64)> {
    let blob = |(path, offset, size): (&TreePath, u64, u64)| {
        let hex = path.relative().strip_prefix(BLOBS)?.strip_prefix('/')?;
        Some((format!("sha256:{hex}").parse::<Digest>().ok()?, (offset, size)))
    };
    files.filter_map(blob).collect()
}

/// Finds what a name means in an index.
pub(super) fn select(
    bytes: &[u8],
    blobs: Arc<dyn Blobs>,
    name: Option<&RefName>,
    place: String,
) -> Result<Stored, StoreError> {
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
    let bytes =
        blobs.read_manifest(found).map_err(|source| StoreError::Blob { digest: found.digest, source })?;
    let names = index.manifests.iter().filter(|entry| entry.digest == found.digest).filter_map(name_of);
    Stored::new(place, found, bytes, names.collect(), blobs)
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
