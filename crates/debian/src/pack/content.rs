//! The content of a file of a package: a part of the one file that has all.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use tree::{Content, ContentHandle, FileId, Known, ReadAt, TreePath};

use crate::deb::FileRange;

/// What the files of a package have in common.
pub(super) struct Blob {
    pub file: File,
    /// What messages call the package.
    pub package: String,
    /// Stands for a device, so that hard links of the package are known as such: packages that differ have
    /// others. It reaches no image.
    pub device: u64,
}

struct Part {
    blob: Arc<Blob>,
    range: FileRange,
    number: u32,
    path: TreePath,
}

/// The content of the file with this number, which stands at `path`.
pub(super) fn content(blob: &Arc<Blob>, number: u32, range: FileRange, path: &TreePath) -> Content {
    let part = Part { blob: Arc::clone(blob), range, number, path: path.clone() };
    Content::with_known(part, Known { head: None, sha256: Some(range.sha256) })
}

impl ContentHandle for Part {
    fn size(&self) -> u64 {
        self.range.size
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(self))
    }

    fn origin(&self) -> String {
        format!("{} of the package {}", self.path, self.blob.package)
    }

    fn file_id(&self) -> Option<FileId> {
        Some(FileId { device: self.blob.device, inode: self.number.into() })
    }

    /// The blob is under its digest in the cache, and nobody writes to it.
    fn may_change(&self) -> bool {
        false
    }
}

impl ReadAt for &Part {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.range.size.saturating_sub(offset);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        match buf.get_mut(..most) {
            Some(part @ [_, ..]) => self.blob.file.read_at(part, self.range.offset.saturating_add(offset)),
            _ => Ok(0),
        }
    }
}
