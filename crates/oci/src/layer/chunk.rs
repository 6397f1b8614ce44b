//! The tar stream of a tree, cut into chunks where its content says so.
//!
//! Where a cut falls depends on the paths and sizes nearby and on nothing else, so that a change
//! moves the cuts around it only, and all other chunks are the bytes that they were. The rules are
//! in `docs/layer-format.md`.

use super::LayerError;
use super::buffer::Buffer;
use super::encode::Codec;
use super::key::{FileKey, Key};
use crate::read::WHITEOUT;
use crate::tar_entry::{TAR_END, TarEntry, TarKind, padding};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use tree::{Content, Entry, FileId, Kind, Meta, ReadError, Sha256Digest, Tree, TreePath};

/// A chunk ends where a path says so, but not before it has this many bytes.
pub(super) const MIN: usize = 256 << 10;
/// A chunk takes no further entry beyond this many bytes; a larger file is cut at every multiple.
pub(super) const MAX: usize = 1 << 20;

/// A part of the tar.
pub(super) struct Part {
    pub raw: Buffer,
    /// The key of what it is made of; none where that is not known without the bytes.
    pub source: Option<Sha256Digest>,
}

/// Why the stream ended early.
pub(super) enum Stop {
    /// The tree cannot be written.
    Error(LayerError),
    /// Nobody takes further chunks; whoever stopped knows why.
    Closed,
}

impl From<LayerError> for Stop {
    fn from(error: LayerError) -> Self {
        Stop::Error(error)
    }
}

/// Takes a full chunk and gives an empty buffer back, or none when no more are wanted.
pub(super) type Emit<'a> = dyn FnMut(Part) -> Option<Buffer> + 'a;

/// Writes the tar of `tree` chunk by chunk, and says how many bytes its files have.
pub(super) fn produce(tree: &Tree, codec: Codec, emit: &mut Emit<'_>) -> Result<u64, Stop> {
    let mut chunks = Chunks { buf: Buffer::default(), codec, key: Some(new_key(codec)), emit };
    let mut links = HardLinks::default();
    let mut unpacked_size = 0;
    let mut header = vec![];
    for (path, entry) in tree.iter().filter(|(path, _)| !path.is_root()) {
        let first = links.first_name(path, entry);
        let content = if first.is_none() { entry.content() } else { None };
        let size = content.map_or(0, Content::size);
        header.clear();
        TarEntry { name: path.relative(), kind: kind(path, entry, first)?, meta: &entry.meta }
            .write_header(&mut header);
        chunks.begin_entry(path, header.len() as u64, size)?;
        chunks.plain(&header);
        if let Some(content) = content {
            chunks.copy(path, content)?;
            unpacked_size += size;
        }
    }
    chunks.plain(&TAR_END);
    chunks.cut()?;
    Ok(unpacked_size)
}

/// The chunk that is being filled.
struct Chunks<'a, 'b> {
    buf: Buffer,
    codec: Codec,
    /// The key of what is in the buffer, until something comes in of which nothing is known.
    key: Option<Key>,
    emit: &'a mut Emit<'b>,
}

impl Chunks<'_, '_> {
    /// Cuts before the entry at `path` if the rules say so.
    fn begin_entry(&mut self, path: &TreePath, header: u64, size: u64) -> Result<(), Stop> {
        let here = self.buf.len();
        let whole = (here as u64).saturating_add(header).saturating_add(size);
        let full = whole > MAX as u64;
        if here > 0 && (full || (here >= MIN && is_boundary(path))) { self.cut() } else { Ok(()) }
    }

    fn cut(&mut self) -> Result<(), Stop> {
        let raw = std::mem::take(&mut self.buf);
        let key = self.key.replace(new_key(self.codec));
        let part = Part { raw, source: key.map(Key::finish) };
        self.buf = (self.emit)(part).ok_or(Stop::Closed)?;
        Ok(())
    }

    /// Appends bytes that are no file's.
    fn plain(&mut self, bytes: &[u8]) {
        self.buf.push(bytes);
        if let Some(key) = &mut self.key {
            key.bytes(bytes);
        }
    }

    /// Appends content and its padding. Content over [`MAX`] is cut at each multiple of it, and after.
    fn copy(&mut self, path: &TreePath, content: &Content) -> Result<(), Stop> {
        let size = content.size();
        let read_error = |source: ReadError| LayerError::Read { path: path.clone(), source };
        let id = FileKey::of(content);
        let file = content.open().map_err(read_error)?;
        let mut offset = 0;
        while offset < size {
            let step = usize::try_from(size - offset).unwrap_or(MAX).min(MAX);
            file.read_exact_at(self.buf.room(step), offset).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => changed(path, content),
                _ => read_error(content.error(error)),
            })?;
            self.buf.add(step);
            self.key = self.key.take().zip(id.as_ref()).map(|(mut key, id)| {
                key.file(id);
                key.number(offset);
                key.number(step as u64);
                key
            });
            offset += step as u64;
            if offset < size {
                self.cut()?;
            }
        }
        let longer = file.read_at(&mut [0], size).map_err(|error| read_error(content.error(error)))?;
        if longer > 0 {
            return Err(changed(path, content).into());
        }
        // How much that is follows from the size, which the header has.
        self.buf.push_zeros(padding(size));
        if size > MAX as u64 { self.cut() } else { Ok(()) }
    }
}

fn new_key(codec: Codec) -> Key {
    Key::new("source", codec)
}

/// Does a chunk end before the entry at this path? True for one path in sixteen.
fn is_boundary(path: &TreePath) -> bool {
    Sha256::digest(path.relative())[0] < 16
}

fn changed(path: &TreePath, content: &Content) -> LayerError {
    LayerError::Changed { path: path.clone(), origin: content.origin(), size: content.size() }
}

fn kind<'a>(
    path: &TreePath,
    entry: &'a Entry,
    first: Option<&'a TreePath>,
) -> Result<TarKind<'a>, LayerError> {
    let unwritable = |what: &str| LayerError::Unwritable { path: path.clone(), what: what.into() };
    if let Some(name) = entry.meta.xattrs.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        return Err(unwritable(&format!("an entry with the extended attribute {name:?}")));
    }
    if path.name().starts_with(WHITEOUT) {
        return Err(unwritable("an entry whose name means that another is gone"));
    }
    match (&entry.kind, first) {
        (_, Some(first)) => Ok(TarKind::HardLink(first.relative())),
        (Kind::Directory, _) => Ok(TarKind::Directory),
        (Kind::File(content), _) => Ok(TarKind::File(content.size())),
        (Kind::Symlink(target), _) if target.is_empty() || target.contains('\0') => {
            Err(unwritable(&format!("a symbolic link to {target:?}")))
        }
        (Kind::Symlink(target), _) => Ok(TarKind::Symlink(target)),
        (Kind::Special(what), _) => Err(unwritable(what)),
    }
}

/// The inodes that were met, with the first name of each.
#[derive(Default)]
pub(super) struct HardLinks<'a>(BTreeMap<FileId, Vec<(&'a Meta, &'a TreePath)>>);

impl<'a> HardLinks<'a> {
    /// The earlier name of the same file with the same metadata, if there is one.
    pub fn first_name(&mut self, path: &'a TreePath, entry: &'a Entry) -> Option<&'a TreePath> {
        let names = self.0.entry(entry.content()?.file_id()?).or_default();
        let first = names.iter().find(|(meta, _)| **meta == entry.meta).map(|(_, first)| *first);
        if first.is_none() {
            names.push((&entry.meta, path));
        }
        first
    }
}
