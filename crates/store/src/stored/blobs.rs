//! Blobs by digest, at one place.

use crate::error::{StoreError, read_error, write_error};
use crate::layout::BLOBS;
use crate::positioned::PositionedFile;
use oci::{Descriptor, Digest, Document, Hashing, MAX_DOCUMENT, Origin};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where the blobs of an image are. What comes from there is not checked; an error that is a [`StoreError`] may be
/// wrapped, and what is not there is [`io::ErrorKind::NotFound`].
pub(crate) trait Blobs: fmt::Debug + Send + Sync {
    /// Opens a blob.
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>>;

    /// Is a manifest there, as far as that is known without asking anybody?
    fn has_manifest(&self, manifest: &Descriptor) -> bool;

    /// Reads a manifest or an index, and no more of it than any has.
    fn read_manifest(&self, manifest: &Descriptor) -> io::Result<Vec<u8>> {
        self.read_document(manifest)
    }

    /// Reads a blob that is a document, and no more of it than any has.
    fn read_document(&self, document: &Descriptor) -> io::Result<Vec<u8>> {
        let mut bytes = vec![];
        self.open(document)?.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The repository that they are in, where it is one.
    fn origin(&self) -> Option<&Origin> {
        None
    }
}

/// The blobs of a layout.
#[derive(Debug)]
pub(super) struct LayoutBlobs(pub PathBuf);

/// The blobs in a tar.
#[derive(Debug)]
pub(super) struct ArchiveBlobs {
    /// The tar.
    pub file: File,
    /// Offset and length of each.
    pub ranges: BTreeMap<Digest, (u64, u64)>,
    /// A manifest that is not in the tar, but was made for what is.
    pub made: Option<Document>,
}

impl LayoutBlobs {
    fn path(&self, blob: &Descriptor) -> PathBuf {
        self.0.join(BLOBS).join(blob.digest.hex())
    }
}

impl Blobs for LayoutBlobs {
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(File::open(self.path(blob))?))
    }

    fn has_manifest(&self, manifest: &Descriptor) -> bool {
        self.path(manifest).exists()
    }
}

impl Blobs for ArchiveBlobs {
    fn open(&self, blob: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        if let Some(made) = self.made.as_ref().filter(|made| made.descriptor.digest == blob.digest) {
            return Ok(Box::new(&made.bytes[..]));
        }
        let (offset, len) = self.ranges.get(&blob.digest).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(PositionedFile::range(&self.file, *offset, *len)))
    }

    fn has_manifest(&self, manifest: &Descriptor) -> bool {
        self.ranges.contains_key(&manifest.digest)
    }
}

/// Fails at the end, if what was read is not what was named; and before, if it is longer.
pub(super) struct Checked<R> {
    inner: Option<Hashing<R>>,
    left: u64,
    expected: (Digest, u64),
}

impl<R: Read> Checked<R> {
    pub fn new(inner: R, digest: Digest, size: u64) -> Self {
        Checked { inner: Some(Hashing::new(inner)), left: size, expected: (digest, size) }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(inner) = self.inner.as_mut().filter(|_| !buf.is_empty()) else { return Ok(0) };
        let got = inner.read(buf)?;
        let (digest, size) = self.expected;
        let wrong = |found: String| io::Error::new(io::ErrorKind::InvalidData, found);
        self.left = (self.left.checked_sub(got as u64))
            .ok_or_else(|| wrong(format!("the bytes are more than the {size} of {digest}")))?;
        if got == 0 {
            let found = self.inner.take().map(Hashing::finish);
            if let Some((found, len)) = found.filter(|found| *found != self.expected) {
                return Err(wrong(format!(
                    "the bytes are {found} of {len} bytes, not {digest} of {size} bytes"
                )));
            }
        }
        Ok(got)
    }
}

/// A temporary file without a name.
pub(super) fn scratch(place: &str) -> Result<File, StoreError> {
    tempfile::tempfile().map_err(write_error(Path::new(place)))
}

/// The digest of a part of a file.
pub(super) fn hash(file: &File, path: &Path, offset: u64, len: u64) -> Result<Digest, StoreError> {
    let mut reader = Hashing::new(PositionedFile::range(file, offset, len));
    io::copy(&mut reader, &mut io::sink()).map_err(read_error(path))?;
    Ok(reader.finish().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_checked() {
        let read = |bytes: &[u8], digest: Digest, size: u64| {
            let mut out = vec![];
            Checked::new(bytes, digest, size)
                .read_to_end(&mut out)
                .map(|_| out)
                .map_err(|error| error.to_string())
        };
        let abc = Digest::of(b"abc");
        assert_eq!(read(b"abc", abc, 3).unwrap(), b"abc");
        assert!(read(b"abd", abc, 3).unwrap_err().starts_with("the bytes are sha256:"));
        assert!(read(b"ab", abc, 3).unwrap_err().contains("of 2 bytes, not"));
        assert!(read(b"abcd", abc, 3).unwrap_err().starts_with("the bytes are more than the 3 of"));
    }
}
