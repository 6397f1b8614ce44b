//! A file read at a place of its own.

use std::io;
use std::os::fd::AsFd;

/// A file read from its start, whoever else reads it.
pub(crate) struct PositionedFile<F> {
    file: F,
    offset: u64,
    end: u64,
}

impl<F: AsFd> PositionedFile<F> {
    pub fn new(file: F) -> Self {
        PositionedFile { file, offset: 0, end: u64::MAX }
    }

    /// The `len` bytes from `offset` on.
    pub fn range(file: F, offset: u64, len: u64) -> Self {
        PositionedFile { file, offset, end: offset.saturating_add(len) }
    }
}

impl<F: AsFd> io::Read for PositionedFile<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX).min(buf.len());
        let got = rustix::io::pread(&self.file, buf.get_mut(..left).unwrap_or_default(), self.offset)?;
        self.offset += got as u64;
        Ok(got)
    }
}

impl<F: AsFd> oci::Skip for PositionedFile<F> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let size = u64::try_from(rustix::fs::fstat(&self.file)?.st_size).unwrap_or(0);
        let target = self.offset.checked_add(bytes).filter(|offset| *offset <= size.min(self.end));
        self.offset = target.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    #[test]
    fn a_positioned_file_has_its_own_place_and_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let mut text = String::new();
        PositionedFile::range(&file, 3, 4).read_to_string(&mut text).unwrap();
        PositionedFile::new(&file).read_to_string(&mut text).unwrap();
        assert_eq!(text, "34560123456789");
        let mut reader = PositionedFile::new(&file);
        oci::Skip::skip(&mut reader, 8).unwrap();
        assert!(oci::Skip::skip(&mut reader, 3).is_err());
    }
}
