//! Records: small texts of whoever keeps them, with a head by which damage shows.
//!
//! The head is described in `docs/cache.md`; a change to it is a change of its version. A change to what
//! a kind of record means is a change of the name of its directory.

use sha2::{Digest as _, Sha256};
use tree::Sha256Digest;

/// The longest record, in bytes.
pub const MAX_RECORD: usize = 256 << 20;

const MAGIC: &[u8; 8] = b"bantamrc";
const VERSION: u32 = 1;
/// The length of the head: magic, version, kind, length, key, digest.
pub(crate) const HEAD: usize = 8 + 4 + 4 + 8 + 32 + 32;

/// The longest record with its head, in bytes.
pub const MAX_RECORD_FILE: u64 = (HEAD + MAX_RECORD) as u64;

/// The directory of the records.
pub(crate) const RECORDS: &str = "records";

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// What came of a layer: its key leads to its blob.
    Layer,
    /// Where in which blob chunks are that were compressed before.
    Chunks,
    /// What is known of files of this machine. Records of this kind are never shared with others.
    Facts,
    /// What is in a package that was unpacked into a blob.
    Packages,
    /// What archives of packages said: their releases, and which file has a digest of another sort.
    Archives,
    /// Which package of an archive has which file.
    Contents,
    /// What was found out about ELF files of this machine. Never shared either.
    Notes,
    /// What the plain tar of an image's layer is: which blob.
    Plain,
    /// What is in a tree that was made for images, and is kept in a blob: a wheel unpacked, modules installed.
    Trees,
}

impl RecordKind {
    /// All there are.
    pub const ALL: [RecordKind; 9] = [
        RecordKind::Layer,
        RecordKind::Chunks,
        RecordKind::Facts,
        RecordKind::Packages,
        RecordKind::Archives,
        RecordKind::Contents,
        RecordKind::Notes,
        RecordKind::Plain,
        RecordKind::Trees,
    ];

    /// Where a record is in a cache, as a path.
    pub fn path(self, key: &Sha256Digest) -> String {
        format!("{}{}", self.folder(), key.hex())
    }

    /// Where all records of a kind are, as a path that ends with a slash.
    pub fn folder(self) -> String {
        format!("{RECORDS}/{}/", self.dir())
    }

    /// The name of its directory. The number is the version of what is in the records.
    pub(crate) fn dir(self) -> &'static str {
        match self {
            RecordKind::Layer => "layers-1",
            RecordKind::Chunks => "chunks-2",
            RecordKind::Facts => "facts-2",
            RecordKind::Packages => "packages-2",
            RecordKind::Archives => "archives-1",
            RecordKind::Contents => "contents-1",
            RecordKind::Notes => "notes-1",
            RecordKind::Plain => "plain-1",
            RecordKind::Trees => "trees-2",
        }
    }

    /// Is it true on other machines, too?
    pub(crate) fn is_shared(self) -> bool {
        !matches!(self, RecordKind::Facts | RecordKind::Notes)
    }

    fn number(self) -> u32 {
        match self {
            RecordKind::Layer => 1,
            RecordKind::Chunks => 2,
            RecordKind::Facts => 3,
            RecordKind::Packages => 4,
            RecordKind::Archives => 5,
            RecordKind::Contents => 6,
            RecordKind::Notes => 7,
            RecordKind::Plain => 8,
            RecordKind::Trees => 9,
        }
    }
}

/// The head of the record with this payload.
pub(crate) fn head(kind: RecordKind, key: &Sha256Digest, payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD);
    head.extend(MAGIC);
    head.extend(VERSION.to_le_bytes());
    head.extend(kind.number().to_le_bytes());
    head.extend((payload.len() as u64).to_le_bytes());
    head.extend(key.0);
    let digest = Sha256::new().chain_update(&head).chain_update(payload).finalize();
    head.extend(digest);
    head
}

/// The payload of a record; nothing, if this is not the whole and undamaged record that is wanted.
pub(crate) fn payload(kind: RecordKind, key: &Sha256Digest, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (found, payload) = bytes.split_at_checked(HEAD)?;
    if found != head(kind, key, payload) {
        return None;
    }
    bytes.drain(..HEAD);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Sha256Digest = Sha256Digest([7; 32]);

    fn record() -> Vec<u8> {
        [&head(RecordKind::Layer, &KEY, b"payload")[..], b"payload"].concat()
    }

    #[test]
    fn a_record_is_read_by_its_kind_and_key_only() {
        let read = |kind, key: &Sha256Digest| payload(kind, key, record());
        assert_eq!(read(RecordKind::Layer, &KEY).unwrap(), b"payload");
        assert_eq!(read(RecordKind::Chunks, &KEY), None);
        assert_eq!(read(RecordKind::Layer, &Sha256Digest([8; 32])), None);
        assert_eq!(head(RecordKind::Layer, &KEY, b"").len(), HEAD);
        assert_eq!(payload(RecordKind::Facts, &KEY, head(RecordKind::Facts, &KEY, b"")).unwrap(), b"");
    }

    #[test]
    fn the_bytes_are_those_of_the_description() {
        let head = head(RecordKind::Chunks, &KEY, b"payload");
        assert_eq!(head[..8], *b"bantamrc");
        assert_eq!(head[8..24], [1, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(head[24..56], KEY.0);
        assert_eq!(head[56..], Sha256Digest::of(&[&head[..56], b"payload"].concat()).0);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_shows() {
        let whole = record();
        for bit in 0..whole.len() * 8 {
            let mut spoiled = whole.clone();
            spoiled[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(payload(RecordKind::Layer, &KEY, spoiled), None, "bit {bit}");
        }
        for len in 0..whole.len() {
            assert_eq!(payload(RecordKind::Layer, &KEY, whole[..len].to_vec()), None, "{len} bytes");
        }
        let longer = [&whole[..], b"\0"].concat();
        assert_eq!(payload(RecordKind::Layer, &KEY, longer), None);
    }
}
