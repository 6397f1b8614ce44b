//! Images in an object store: an archive in an object, or a layout below a prefix.
//!
//! Of an archive, the headers are read one after the other, and then only what is wanted: to look at an image of many
//! gigabytes takes a few requests.

use super::blobs::{Blobs, scratch};
use super::index::{ranges, select};
use super::tar::{self, Contents};
use super::{Stored, docker};
use crate::error::{ErrorKind, StoreError, read_error};
use crate::layout::INDEX;
use crate::network::Network;
use crate::object::{Bucket, Object, ObjectLayout, ObjectUrl, Patience, connect};
use crate::reference::RefName;
use oci::{Compression, Descriptor, Digest, MAX_DOCUMENT};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The blobs of a layout, each an object.
#[derive(Debug)]
struct LayoutBlobs(ObjectLayout);

/// The blobs in an archive: offset and length of each.
#[derive(Debug)]
struct ArchiveBlobs(Object, BTreeMap<Digest, (u64, u64)>);

impl Blobs for LayoutBlobs {
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.0.open_blob(&blob.digest).map_err(as_io)?))
    }

    fn has_manifest(&self, manifest: &Descriptor) -> bool {
        // What cannot be told now is told when it is read.
        self.0.has_blob(&manifest.digest).unwrap_or(true)
    }
}

impl Blobs for ArchiveBlobs {
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        let (offset, len) = self.1.get(&blob.digest).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(self.0.part(*offset..offset.saturating_add(*len)).map_err(as_io)?))
    }

    fn has_manifest(&self, manifest: &Descriptor) -> bool {
        self.1.contains_key(&manifest.digest)
    }
}

/// Opens the layout below a prefix.
pub(super) fn open_layout(
    url: &ObjectUrl,
    name: Option<&RefName>,
    place: String,
    network: &Network,
) -> Result<Stored, StoreError> {
    let layout = ObjectLayout::open(url, name.cloned(), place.clone(), network)?;
    select_in(layout, name, place)
}

pub(crate) fn select_in(
    layout: ObjectLayout,
    name: Option<&RefName>,
    place: String,
) -> Result<Stored, StoreError> {
    let is_there = layout.is_there()?;
    match layout.index()? {
        Some((index, _)) if is_there => select(&index, Arc::new(LayoutBlobs(layout)), name, place),
        _ => Err(absent(layout.shown())),
    }
}

/// Opens the archive in an object. One that is compressed, or has no index, is fetched whole first.
pub(super) fn open_archive(
    url: &ObjectUrl,
    name: Option<&RefName>,
    place: String,
    network: &Network,
) -> Result<Stored, StoreError> {
    open_in(&connect(url, network, Patience::Ample)?, url.key(), name, place)
}

pub(crate) fn open_in(
    bucket: &Bucket,
    key: &str,
    name: Option<&RefName>,
    place: String,
) -> Result<Stored, StoreError> {
    let Some(object) = Object::find(bucket, key)? else {
        return Err(absent(bucket.shown(key)));
    };
    let path = PathBuf::from(object.shown());
    let mut cursor = object.cursor();
    let mut head = [0; 4];
    let got = cursor.read(&mut head).map_err(read_error(&path))?;
    if Compression::of_head(head.get(..got).unwrap_or_default()) != Compression::None {
        return docker::open(tar::Index::of_any(fetched(&object, &place)?, &path)?, name, place);
    }
    let contents = Contents::read(object.cursor(), &path)?;
    let Some((offset, size)) = contents.find(INDEX) else {
        return docker::open(tar::Index::of(fetched(&object, &place)?, &path)?, name, place);
    };
    let mut index = vec![];
    let end = offset.saturating_add(size.min(MAX_DOCUMENT + 1));
    object.part(offset..end)?.read_to_end(&mut index).map_err(read_error(&path))?;
    let ranges = ranges(contents.files());
    select(&index, Arc::new(ArchiveBlobs(object, ranges)), name, place)
}

/// The whole object in a file without a name.
fn fetched(object: &Object, place: &str) -> Result<File, StoreError> {
    let mut file = scratch(place)?;
    let copied = io::copy(&mut object.whole()?, &mut file).and_then(|_| file.rewind());
    copied.map_err(read_error(Path::new(&object.shown())))?;
    Ok(file)
}

/// An error as the readers of blobs have it. That one is not there may be no failure to them.
fn as_io(error: StoreError) -> io::Error {
    match error.kind() {
        ErrorKind::NotFound => io::Error::new(io::ErrorKind::NotFound, error),
        _ => io::Error::other(error),
    }
}

fn absent(object: String) -> StoreError {
    StoreError::Object { action: "read", object, kind: ErrorKind::NotFound, source: "it is not there".into() }
}
