//! Open files, read with `pread`.

use std::{fs::File, io, os::unix::fs::FileExt};
use tree::ReadAt;

/// A file on disk. Not mapped: one that shrinks under a map would be a signal, not an error.
pub(crate) struct OpenFile(pub File);

impl ReadAt for OpenFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}
