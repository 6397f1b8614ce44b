//! How records about trees are written: numbers with the lowest byte first, texts with their length before them, paths by
//! what they do not share with the one before.

use crate::parts::PartRange;
use tree::{HEAD, Head, Sha256Digest, TreePath};

/// What is written of a record.
#[derive(Default)]
pub struct Encoder {
    bytes: Vec<u8>,
    /// The path that was written last.
    last: String,
}

impl Encoder {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A byte.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// A number of four bytes.
    pub fn number(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }

    /// A number of eight bytes.
    pub fn long(&mut self, number: u64) {
        self.bytes.extend(number.to_le_bytes());
    }

    /// A digest.
    pub fn digest(&mut self, digest: &Sha256Digest) {
        self.bytes.extend(digest.0);
    }

    /// A text or other bytes, at most 4 GiB of them.
    pub fn text(&mut self, text: &[u8]) {
        self.number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.bytes.extend(text);
    }

    /// A path.
    pub fn path(&mut self, path: &TreePath) {
        let path = path.as_str();
        let shared = self.last.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
        let shared = path.floor_char_boundary(shared);
        self.number(u32::try_from(shared).unwrap_or(u32::MAX));
        self.text(path.get(shared..).unwrap_or_default().as_bytes());
        self.last.truncate(shared);
        self.last.push_str(path.get(shared..).unwrap_or_default());
    }

    /// Where a file is, and how it begins.
    pub fn part(&mut self, part: &PartRange) {
        self.long(part.offset);
        self.long(part.size);
        self.digest(&part.sha256);
        self.byte(u8::try_from(part.head.len()).unwrap_or(u8::MAX));
        self.bytes.extend(&*part.head);
    }

    /// All that was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// What is left of a record to read. Each method gives nothing where what it reads is not there.
pub struct Decoder<'a> {
    bytes: &'a [u8],
    /// The path that was read last.
    last: String,
}

impl<'a> Decoder<'a> {
    /// All of a record.
    pub fn new(bytes: &'a [u8]) -> Self {
        Decoder { bytes, last: String::new() }
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    /// A byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A number of four bytes.
    pub fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of eight bytes.
    pub fn long(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A digest.
    pub fn digest(&mut self) -> Option<Sha256Digest> {
        self.array().map(Sha256Digest)
    }

    /// Bytes with their length before them.
    pub fn text_bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.number()?;
        self.bytes(len.try_into().ok()?)
    }

    /// A text.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.text_bytes()?).ok()
    }

    /// A path, as it is written in one way only.
    pub fn path(&mut self) -> Option<TreePath> {
        let shared = usize::try_from(self.number()?).ok()?;
        let rest = self.text()?;
        self.last.get(..shared)?;
        self.last.truncate(shared);
        self.last.push_str(rest);
        let path = TreePath::parse(&self.last).ok()?;
        (path.as_str() == self.last).then_some(path)
    }

    /// Where a file is in a blob of this size, and how it begins.
    pub fn part(&mut self, blob: u64) -> Option<PartRange> {
        let (offset, size, sha256) = (self.long()?, self.long()?, self.digest()?);
        let len = usize::from(self.byte()?);
        let head = Head::of(self.bytes(len)?);
        let is_whole = len <= HEAD && len as u64 == size.min(HEAD as u64);
        let is_inside = offset.checked_add(size).is_some_and(|end| end <= blob);
        (is_whole && is_inside).then_some(PartRange { offset, size, sha256, head })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let part = |offset, size: u64, head: &[u8]| PartRange {
            offset,
            size,
            sha256: Sha256Digest([7; 32]),
            head: Head::of(head),
        };
        let parts = [part(0, 3, b"abc"), part(3, 0, b""), part(3, 97, &[b'x'; HEAD])];
        let paths = ["/", "/usr/é", "/usr/è", "/usr"].map(|path| TreePath::parse(path).unwrap());
        let mut out = Encoder::new();
        out.byte(1);
        out.number(2);
        out.long(3);
        out.text(b"four");
        paths.iter().for_each(|path| out.path(path));
        parts.iter().for_each(|part| out.part(part));
        let bytes = out.finish();
        let read = |bytes: &[u8], blob: u64| {
            let mut rest = Decoder::new(bytes);
            let numbers = (rest.byte()?, rest.number()?, rest.long()?, rest.text()?.to_owned());
            assert_eq!(numbers, (1, 2, 3, "four".into()));
            paths.iter().try_for_each(|path| rest.path().filter(|read| read == path).map(drop))?;
            parts.iter().try_for_each(|part| rest.part(blob).filter(|read| read == part).map(drop))?;
            Some(rest.left())
        };
        assert_eq!(read(&bytes, 100), Some(0));
        assert_eq!(read(&bytes, 99), None);
        for len in 17..bytes.len() {
            assert_eq!(read(&bytes[..len], 100), None, "{len} bytes");
        }
    }

    #[test]
    fn a_head_is_as_long_as_its_file_says() {
        let mut out = Encoder::new();
        out.part(&PartRange { offset: 0, size: 4, sha256: Sha256Digest([7; 32]), head: Head::of(b"abc") });
        assert_eq!(Decoder::new(&out.finish()).part(100), None);
    }
}
