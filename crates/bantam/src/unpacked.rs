//! A finished image as a file tree, as a container sees it.

use crate::Error;
use oci::{Compression, EntryKind, Image, LayerEntry, ReadLayerError, media_type};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};
use tree::{Content, ContentHandle, Entry, Kind, ReadAt, Tree, TreePath};

/// How much of a layer is read at a time.
const STEP: usize = 128 << 10;

/// The tree of an image, and the layer that each path is from, counted from 0 at the base. The plain
/// layers are kept in files without a name below `scratch` while the tree is there.
///
/// # Errors
/// When a layer cannot be read, or not be kept.
pub(crate) fn unpacked(image: &Image, scratch: &Path) -> Result<(Tree, BTreeMap<TreePath, usize>), Error> {
    std::fs::create_dir_all(scratch).map_err(|source| Error::Write { path: scratch.into(), source })?;
    let mut files = vec![];
    let mut layers = vec![];
    for (descriptor, blob) in &image.layers {
        let failed = |source| Error::ReadLayer { digest: descriptor.digest, source };
        let file =
            tempfile::tempfile_in(scratch).map_err(|source| Error::Write { path: scratch.into(), source })?;
        let reader = blob.open().map_err(|error| failed(ReadLayerError::Read(error)))?;
        layers.push(read(reader, &file).map_err(failed)?);
        files.push((Arc::new(file), descriptor.digest.to_string()));
    }
    let listing = oci::merge(layers);
    let mut tree = Tree::new();
    let mut from = BTreeMap::new();
    for (path, listed) in &listing {
        // A hard link is the file that it names, whichever of them stands first.
        let target = match &listed.entry.kind {
            EntryKind::HardLink(target) => listing.get(target).unwrap_or(listed),
            _ => listed,
        };
        let kind = match &target.entry.kind {
            EntryKind::Directory => Kind::Directory,
            EntryKind::Symlink(target) => Kind::Symlink(target.clone()),
            EntryKind::File { size, offset, .. } => {
                let Some((file, layer)) = files.get(target.layer) else { continue };
                let origin = format!("{path} of the layer {layer}");
                let (file, offset, size) = (file.clone(), *offset, *size);
                Kind::File(Content::new(LayerFile { file, offset, size, origin }))
            }
            EntryKind::Special(word) => Kind::Special(word),
            // A link to a link, or to nothing, is no file.
            _ => continue,
        };
        tree.insert(path.clone(), Entry { kind, meta: listed.entry.meta.clone() });
        from.insert(path.clone(), listed.layer);
    }
    tree.add_parents();
    Ok((tree, from))
}

/// Reads a layer, and leaves its plain tar in `file`.
fn read(mut reader: impl Read, file: &File) -> Result<Vec<LayerEntry>, ReadLayerError> {
    let mut head = vec![];
    (&mut reader).take(4).read_to_end(&mut head).map_err(ReadLayerError::Read)?;
    let compression = Compression::of_head(&head);
    let reader = BufReader::with_capacity(STEP, io::Cursor::new(head).chain(reader));
    let plain = Tee { from: oci::decompressed(reader, compression)?, to: file };
    let mut entries = vec![];
    oci::read_layer(plain, media_type::LAYER, |entry| entries.push(entry))?;
    Ok(entries)
}

/// Whatever is read is written too.
struct Tee<'a, R> {
    from: R,
    to: &'a File,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(buf)?;
        self.to.write_all(buf.get(..got).unwrap_or_default())?;
        Ok(got)
    }
}

/// A file of a layer.
struct LayerFile {
    file: Arc<File>,
    offset: u64,
    size: u64,
    origin: String,
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
}

impl ReadAt for &LayerFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let step = left.min(buf.len());
        self.file.read_at(buf.get_mut(..step).unwrap_or_default(), self.offset.saturating_add(offset))
    }
}
