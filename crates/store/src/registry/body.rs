//! A blob, or a part of one, as the body of a request.

use crate::destination::{Content, CopyError};
use crate::error::StoreError;
use crate::positioned::PositionedFile;
use fetch::Body;
use oci::Blob;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// The bytes of a part of a blob. What its place says when it cannot be read, or is another, goes into `fault`.
pub(super) fn body(blob: &Arc<dyn Blob>, range: Range<u64>, fault: &Arc<Mutex<Option<StoreError>>>) -> Body {
    if range.is_empty() && range.start > 0 {
        return Body::Empty;
    }
    let (blob, fault) = (Arc::clone(blob), Arc::clone(fault));
    let len = range.end - range.start;
    let write = move |out: &mut dyn Write| match write_part(&blob, &range, out) {
        Ok(()) => Ok(()),
        Err(CopyError::Write(error)) => Err(error),
        Err(CopyError::Store(error)) => {
            *fault.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(error);
            Err(io::ErrorKind::InvalidData.into())
        }
    };
    Body::Stream { len, write: Arc::new(write) }
}

fn write_part(blob: &Arc<dyn Blob>, range: &Range<u64>, out: &mut dyn Write) -> Result<(), CopyError> {
    // Whoever gives a file has hashed it: it need not be read up to the part.
    if let Some(fd) = blob.fd().filter(|_| range.start > 0) {
        let mut part = PositionedFile::range(fd, range.start, range.end - range.start);
        let copied = io::copy(&mut part, out).map_err(CopyError::Write)?;
        let is_short = copied < range.end - range.start;
        return if is_short { Err(CopyError::Write(io::ErrorKind::UnexpectedEof.into())) } else { Ok(()) };
    }
    let mut window = Window {
        out,
        skip: range.start,
        left: range.end - range.start,
        is_part: range.end < blob.descriptor().size,
    };
    match Content::Blob(blob).copy(&mut window) {
        Err(CopyError::Write(_)) if window.is_part && window.left == 0 => Ok(()),
        copied => copied,
    }
}

/// Passes on a part of what is written, and refuses what comes after it.
struct Window<'a> {
    out: &'a mut dyn Write,
    skip: u64,
    left: u64,
    is_part: bool,
}

impl Write for Window<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(buf.len());
        self.skip -= skipped as u64;
        let rest = buf.get(skipped..).unwrap_or_default();
        let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
        self.out.write_all(rest.get(..taken).unwrap_or_default())?;
        self.left -= taken as u64;
        if self.is_part && self.left == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(buf.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci::MemoryBlob;

    #[test]
    fn parts_of_a_blob() {
        let blob: Arc<dyn Blob> = Arc::new(MemoryBlob::new("a/b", &b"0123456789"[..]));
        for (range, expected) in
            [(0..10, "0123456789"), (0..4, "0123"), (4..8, "4567"), (8..10, "89"), (10..10, "")]
        {
            let mut out = vec![];
            assert!(write_part(&blob, &range, &mut out).is_ok(), "{range:?}");
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{range:?}");
        }
    }
}
