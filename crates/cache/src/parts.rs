//! Files whose content is a part of one blob: how what was unpacked is kept, instead of as thousands of small files.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use tree::{Content, ContentHandle, FileId, Head, Known, ReadAt, Sha256Digest, TreePath};

/// A blob that has the content of files, one after the other. It is open for all of them.
#[derive(Clone)]
pub struct Parts(Arc<Blob>);

struct Blob {
    file: File,
    name: String,
    /// Stands for a device, so that hard links among the files are known as such. It reaches no image.
    device: u64,
}

/// Where the content of a file is in its blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartRange {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// How it begins.
    pub head: Head,
}

impl Parts {
    /// The files of a blob. `name` is what messages call what they are of, and `key` tells it from others of its kind.
    pub fn new(file: File, name: String, key: &Sha256Digest) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = key.0;
        Parts(Arc::new(Blob { file, name, device: u64::from_le_bytes([a, b, c, d, e, f, g, h]) }))
    }

    /// The content of the file with this number, which stands at `path`; files of one number are hard links.
    pub fn content(&self, number: u64, range: PartRange, path: &TreePath) -> Content {
        let part = Part { blob: Arc::clone(&self.0), range, number, path: path.clone() };
        Content::with_known(part, Known { head: Some(range.head), sha256: Some(range.sha256) })
    }
}

struct Part {
    blob: Arc<Blob>,
    range: PartRange,
    number: u64,
    path: TreePath,
}

impl ContentHandle for Part {
    fn size(&self) -> u64 {
        self.range.size
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(self))
    }

    fn origin(&self) -> String {
        format!("{} of {}", self.path, self.blob.name)
    }

    fn file_id(&self) -> Option<FileId> {
        Some(FileId { device: self.blob.device, inode: self.number })
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
