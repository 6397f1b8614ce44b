//! The files in an archive, found without reading through them.

use crate::error::{StoreError, read_error};
use crate::positioned::PositionedFile;
use oci::{Compression, EntryKind, MAX_DOCUMENT, ReadLayerError, Skip, TarReader, decompressed};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use tree::TreePath;

/// The longest plain tar that is unpacked from a compressed archive, in bytes.
const MAX_PLAIN: u64 = 1 << 37;
/// As many links as are followed within an archive.
const MAX_LINKS: usize = 8;

/// An archive with its table of contents.
pub(super) struct Index {
    pub file: File,
    pub path: PathBuf,
    contents: Contents,
}

/// What is where in an archive.
pub(super) struct Contents(BTreeMap<TreePath, Found>);

enum Found {
    File(u64, u64),
    Link(TreePath),
}

impl Index {
    /// Opens an archive. A compressed one is unpacked to a temporary file first.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Index::of_any(File::open(path).map_err(read_error(path))?, path)
    }

    /// As [`open`](Self::open), of a file that is open already.
    pub fn of_any(file: File, path: &Path) -> Result<Self, StoreError> {
        let mut head = [0; 4];
        let got = PositionedFile::new(&file).read(&mut head).map_err(read_error(path))?;
        let compression = Compression::of_head(head.get(..got).unwrap_or_default());
        if compression == Compression::None {
            return Index::of(file, path);
        }
        let archive = |source| StoreError::Archive { path: path.into(), source };
        let mut plain = super::blobs::scratch(&path.display().to_string())?;
        let reader = decompressed(BufReader::new(file), compression).map_err(archive)?;
        let size = io::copy(&mut reader.take(MAX_PLAIN + 1), &mut plain).map_err(read_error(path))?;
        if size > MAX_PLAIN {
            return Err(archive(ReadLayerError::TooMuch { what: "bytes", limit: MAX_PLAIN }));
        }
        Index::of(plain, path)
    }

    /// Reads the headers of a plain archive.
    pub fn of(file: File, path: &Path) -> Result<Self, StoreError> {
        let contents = Contents::read(PositionedFile::new(&file), path)?;
        Ok(Index { file, path: path.into(), contents })
    }

    /// Where a file is, links followed: its offset and length.
    pub fn find(&self, name: &str) -> Option<(u64, u64)> {
        self.contents.find(name)
    }

    /// The content of a short file; none if it is not there.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((offset, size)) = self.find(name) else { return Ok(None) };
        let mut bytes = vec![];
        PositionedFile::range(&self.file, offset, size.min(MAX_DOCUMENT + 1))
            .read_to_end(&mut bytes)
            .map_err(read_error(&self.path))?;
        Ok(Some(bytes))
    }

    /// Every file with its path, offset and length.
    pub fn files(&self) -> impl Iterator<Item = (&TreePath, u64, u64)> {
        self.contents.files()
    }
}

impl Contents {
    /// Reads the headers of a plain archive; `path` is for messages.
    pub fn read(archive: impl Skip, path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Archive { path: path.into(), source };
        let mut entries = BTreeMap::new();
        let mut tar = TarReader::new(archive);
        while let Some(entry) = tar.next_entry().map_err(failed)? {
            let found = match entry.kind {
                EntryKind::File { size, offset, .. } => Found::File(offset, size),
                EntryKind::HardLink(target) => Found::Link(target),
                EntryKind::Symlink(target) => {
                    let parent = entry.path.parent().unwrap_or_else(TreePath::root);
                    Found::Link(parent.join(&target).map_err(|source| failed(ReadLayerError::Path(source)))?)
                }
                _ => continue,
            };
            entries.insert(entry.path, found);
        }
        Ok(Contents(entries))
    }

    /// Where a file is, links followed: its offset and length.
    pub fn find(&self, name: &str) -> Option<(u64, u64)> {
        let mut path = TreePath::root().join(name).ok()?;
        for _ in 0..MAX_LINKS {
            match self.0.get(&path)? {
                Found::File(offset, size) => return Some((*offset, *size)),
                Found::Link(target) => path = target.clone(),
            }
        }
        None
    }

    /// Every file with its path, offset and length.
    pub fn files(&self) -> impl Iterator<Item = (&TreePath, u64, u64)> {
        self.0.iter().filter_map(|(path, found)| match found {
            Found::File(offset, size) => Some((path, *offset, *size)),
            Found::Link(_) => None,
        })
    }
}
