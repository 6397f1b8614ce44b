//! A finished image as a file tree, as a container sees it.
//!
//! Each layer is decompressed once, into a blob of the cache: its headers are read from there, and files where they are.

use crate::Error;
use cache::{Cache, RecordKind};
use oci::{Blob, Compression, Descriptor, Digest, EntryKind, Hashing, LayerEntry, ReadLayerError, Skip};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Write as _},
    os::unix::fs::FileExt,
    sync::Arc,
};
use tree::{
    Content, ContentHandle, Entry, FileId, FileIdentity, HEAD, Head, Kind, Known, ReadAt, Sha256Digest, Tree,
    TreePath,
};

/// How much of a layer is read at a time.
const STEP: usize = 128 << 10;

/// More than the layers of any image have together.
const LIMITS: Limits = Limits { layers: 1024, bytes: 1 << 36, entries: 4 << 20 };

/// How much an image may come to.
#[derive(Clone, Copy)]
struct Limits {
    layers: usize,
    /// Of all plain tars together.
    bytes: u64,
    entries: usize,
}

/// The layers of an image, base first: what names each, and its bytes.
pub(crate) type ImageLayers = [(Descriptor, Arc<dyn Blob>)];

/// An image's layers as a container sees them.
pub(crate) struct Unpacked {
    /// What stands at each path.
    pub tree: Tree,
    /// The layer that each path is from, counted from 0 at the base.
    pub layers: BTreeMap<TreePath, usize>,
    /// The bytes of all files of each layer, base first, those that upper layers hide among them.
    pub sizes: Vec<u64>,
}

/// Unpacks these layers, whose plain tars have the digests `diff_ids` where they are known.
///
/// # Errors
/// When a layer cannot be read, is not what the image says, or cannot be kept.
pub(crate) fn unpacked(image: &ImageLayers, diff_ids: &[Digest], cache: &Cache) -> Result<Unpacked, Error> {
    within(LIMITS, image, diff_ids, cache)
}

fn within(
    limits: Limits,
    image: &ImageLayers,
    diff_ids: &[Digest],
    cache: &Cache,
) -> Result<Unpacked, Error> {
    let mut plains = vec![];
    let mut left = limits;
    let mut heads = vec![];
    let mut layers = vec![];
    let mut sizes = vec![];
    for (number, (descriptor, blob)) in image.iter().enumerate() {
        let failed = |source| Error::ReadLayer { digest: descriptor.digest, source };
        if number == limits.layers {
            return Err(failed(too_much("layers", limits.layers as u64)));
        }
        let plain = match Plain::of(descriptor, &**blob, diff_ids.get(number), left.bytes, cache) {
            Err(ReadLayerError::TooMuch { what, .. }) => Err(too_much(what, limits.bytes)),
            other => other,
        };
        let plain = plain.map_err(failed)?;
        left.bytes = left.bytes.saturating_sub(plain.size);
        let listed = plain.list(left.entries).map_err(failed)?;
        let (entries, beginnings) =
            listed.ok_or_else(|| failed(too_much("entries", limits.entries as u64)))?;
        left.entries = left.entries.saturating_sub(entries.len());
        sizes.push(entries.iter().map(size).sum());
        layers.push(entries);
        heads.push(beginnings);
        plains.push((Arc::new(plain), descriptor.digest));
    }
    let listing = oci::merge(layers);
    let mut tree = Tree::new();
    let mut from = BTreeMap::new();
    for (path, listed) in &listing {
        // A link to nothing is no file.
        let Some((layer, content)) = listed.content() else { continue };
        let kind = match content {
            EntryKind::Directory => Kind::Directory,
            EntryKind::Symlink(target) => Kind::Symlink(target.clone()),
            EntryKind::File { size, offset, .. } => {
                let Some((plain, digest)) = plains.get(layer) else { continue };
                let origin = format!("{path} of the layer {digest}");
                let head = heads.get(layer).and_then(|heads| heads.get(offset)).copied();
                let file = LayerFile { plain: plain.clone(), offset: *offset, size: *size, origin };
                Kind::File(Content::with_known(file, Known { head, sha256: None }))
            }
            EntryKind::Special(word) => Kind::Special(word),
            _ => continue,
        };
        tree.insert(path.clone(), Entry { kind, meta: listed.entry.meta.clone() });
        from.insert(path.clone(), listed.layer);
    }
    tree.add_parents();
    Ok(Unpacked { tree, layers: from, sizes })
}

/// The bytes of a file; a further name of one has none.
fn size(entry: &LayerEntry) -> u64 {
    match entry.kind {
        EntryKind::File { size, .. } => size,
        _ => 0,
    }
}

fn too_much(what: &'static str, limit: u64) -> ReadLayerError {
    ReadLayerError::TooMuch { what, limit }
}

/// The entries of a layer, and the first bytes of each file, by where it is.
type Listing = (Vec<LayerEntry>, BTreeMap<u64, Head>);

/// The plain tar of a layer.
struct Plain {
    file: File,
    digest: Digest,
    size: u64,
}

impl Plain {
    /// That of a layer: from the cache, or decompressed into it. It has the digest `expected` where that is known, and at
    /// most `most` bytes.
    fn of(
        descriptor: &Descriptor,
        blob: &dyn Blob,
        expected: Option<&Digest>,
        most: u64,
        cache: &Cache,
    ) -> Result<Self, ReadLayerError> {
        let fits = |found: &Digest, size| match expected.filter(|expected| *expected != found) {
            _ if size > most => Err(too_much("bytes", most)),
            Some(expected) => {
                Err(ReadLayerError::DiffId { expected: Box::new(*expected), found: Box::new(*found) })
            }
            None => Ok(()),
        };
        let key = Sha256Digest(*descriptor.digest.bytes());
        if let Some(plain) = Plain::kept(&key, cache) {
            fits(&plain.digest, plain.size)?;
            return Ok(plain);
        }
        // Without a cache, the file has no name anywhere.
        let file = cache.new_file().or_else(|_| tempfile::tempfile()).map_err(ReadLayerError::Read)?;
        let mut reader = blob.open().map_err(ReadLayerError::Read)?;
        let mut head = vec![];
        (&mut reader).take(4).read_to_end(&mut head).map_err(ReadLayerError::Read)?;
        let compression = Compression::of_head(&head);
        let reader = BufReader::with_capacity(STEP, io::Cursor::new(head).chain(reader));
        let mut plain = oci::decompressed(reader, compression)?.take(most.saturating_add(1));
        let mut out = Hashing::new(io::BufWriter::with_capacity(STEP, &file));
        io::copy(&mut plain, &mut out).and_then(|_| out.flush()).map_err(ReadLayerError::Read)?;
        let (digest, size) = out.finish();
        fits(&digest, size)?;
        // A cache that takes nothing costs time, and nothing else. The blob first: a record without it would be a lie.
        let record = [&digest.bytes()[..], &size.to_le_bytes()].concat();
        let _ = cache
            .put_blob(&Sha256Digest(*digest.bytes()), &file)
            .and_then(|()| cache.put_record(RecordKind::Plain, &key, &record));
        Ok(Plain { file, digest, size })
    }

    fn kept(key: &Sha256Digest, cache: &Cache) -> Option<Self> {
        let record = cache.record(RecordKind::Plain, key)?;
        let (digest, size) = record.split_first_chunk()?;
        let (digest, size) = (Sha256Digest(*digest), u64::from_le_bytes(size.try_into().ok()?));
        Some(Plain { file: cache.blob(&digest, size)?, digest: digest.into(), size })
    }

    /// What is in it; none where that is more than `most` entries.
    fn list(&self, most: usize) -> Result<Option<Listing>, ReadLayerError> {
        let mut entries = vec![];
        let mut count = 0;
        let mut heads = BTreeMap::new();
        let reader = Positioned { file: &self.file, at: 0, size: self.size };
        oci::list_layer(Seekable(BufReader::with_capacity(STEP, reader)), HEAD, |entry, head| {
            count += 1;
            if count > most {
                return;
            }
            if let EntryKind::File { offset, .. } = entry.kind {
                heads.insert(offset, Head::of(head));
            }
            entries.push(entry);
        })?;
        Ok((count <= most).then_some((entries, heads)))
    }
}

/// Reads a file from a place on without moving where others read it.
struct Positioned<'a> {
    file: &'a File,
    at: u64,
    size: u64,
}

impl Read for Positioned<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buf, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

impl io::Seek for Positioned<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let to = match to {
            io::SeekFrom::Start(to) => Some(to),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
            io::SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        self.at = to.filter(|to| *to <= self.size).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(self.at)
    }
}

/// Passes over content without reading it.
struct Seekable<'a>(BufReader<Positioned<'a>>);

impl Read for Seekable<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Skip for Seekable<'_> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.0.seek_relative(i64::try_from(bytes).map_err(|_| io::ErrorKind::UnexpectedEof)?)
    }
}

/// A file of a layer.
struct LayerFile {
    plain: Arc<Plain>,
    offset: u64,
    size: u64,
    origin: String,
}

impl LayerFile {
    /// Stands for a device: layers that differ have others. It reaches no image.
    fn device(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *self.plain.digest.bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl ContentHandle for LayerFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(self))
    }

    fn origin(&self) -> String {
        self.origin.clone()
    }

    fn file_id(&self) -> Option<FileId> {
        Some(FileId { device: self.device(), inode: self.offset })
    }

    /// Which bytes of a tar with this digest.
    fn identity(&self) -> Option<FileIdentity> {
        let (_, rest) = self.plain.digest.bytes().split_first_chunk::<8>()?;
        let (mtime, rest) = rest.split_first_chunk()?;
        let ctime = u64::from_le_bytes(rest.try_into().ok()?);
        Some(FileIdentity {
            device: self.device(),
            inode: self.offset,
            size: self.size,
            mtime: i128::from_le_bytes(*mtime),
            ctime: ctime.into(),
        })
    }

    /// The tar is under its digest in the cache, or a file without a name: nobody writes to it.
    fn may_change(&self) -> bool {
        false
    }
}

impl ReadAt for &LayerFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let step = left.min(buf.len());
        self.plain.file.read_at(buf.get_mut(..step).unwrap_or_default(), self.offset.saturating_add(offset))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use oci::{LayerOptions, MemoryBlob, write_layer};
    use std::{error::Error as _, num::NonZeroUsize};

    fn layer(text: &str) -> ((Descriptor, Arc<dyn Blob>), Digest) {
        let options =
            LayerOptions { compression: Compression::Gzip, level: None, threads: NonZeroUsize::MIN };
        let mut bytes = vec![];
        let layer = write_layer(&Tree::from_lines(text).unwrap(), &options, &mut bytes, &|_| ()).unwrap();
        let blob = MemoryBlob::new(Compression::Gzip.media_type(), bytes);
        ((layer.descriptor, Arc::new(blob)), layer.diff_id)
    }

    #[test]
    fn an_image_comes_to_so_much_and_no_more() {
        let (layers, diff_ids): (Vec<_>, Vec<_>) =
            [layer("644 0:0 /a = a"), layer("644 0:0 /b = b")].into_iter().unzip();
        let enough = Limits { layers: 2, bytes: 1 << 20, entries: 10 };
        let one = {
            let dir = tempfile::tempdir().unwrap();
            let cache = Cache::new(dir.path().into());
            Plain::of(&layers[0].0, &*layers[0].1, None, 1 << 20, &cache).unwrap().size
        };
        for (limits, want) in [
            (enough, ""),
            (Limits { layers: 1, ..enough }, "layers"),
            (Limits { bytes: 2 * one - 1, ..enough }, "bytes"),
            (Limits { bytes: 2 * one, ..enough }, ""),
            (Limits { entries: 1, ..enough }, "entries"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let cache = Cache::new(dir.path().into());
            // Decompressed, and from the cache.
            for _ in 0..2 {
                let said = match within(limits, &layers, &diff_ids, &cache) {
                    Ok(_) => String::new(),
                    Err(error) => error.source().unwrap().to_string(),
                };
                assert_eq!((said.contains(want), said.is_empty()), (true, want.is_empty()), "{said}");
            }
        }
    }

    #[test]
    fn a_layer_that_is_another_than_the_config_says_is_not_kept() {
        let (one, diff_id) = layer("644 0:0 /a = a");
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().into());
        let key = Sha256Digest(*one.0.digest.bytes());
        let wrong = Digest::of(b"other");
        assert!(unpacked(std::slice::from_ref(&one), &[wrong], &cache).is_err());
        assert!(Plain::kept(&key, &cache).is_none());
        assert!(unpacked(std::slice::from_ref(&one), &[diff_id], &cache).is_ok());
        assert!(Plain::kept(&key, &cache).is_some());
        assert!(unpacked(std::slice::from_ref(&one), &[wrong], &cache).is_err());
    }
}
