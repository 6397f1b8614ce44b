//! Chunks that were compressed before.

use super::encode::Codec;
use super::key::Key;
use tree::Sha256Digest;

/// Who may have the compressed bytes of a chunk.
pub trait Chunks: Sync {
    /// The chunk with this key, by either of its two.
    fn find(&self, key: &Sha256Digest) -> Option<StoredChunk>;
}

/// A chunk with its compressed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk {
    /// What it is.
    pub chunk: Chunk,
    /// Its bytes in the layer.
    pub bytes: Vec<u8>,
}

/// A chunk of a layer: which it is, and which part of the layer it became. The chunks of a layer stand in it one
/// after the other, behind what begins it ([`LayerOptions::prologue`](super::LayerOptions::prologue)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// The key of its bytes in the tar.
    pub raw: Sha256Digest,
    /// The key of the files that it was made of, where that is known without their bytes.
    pub source: Option<Sha256Digest>,
    /// How many bytes of tar it is.
    pub raw_len: u32,
    /// Their CRC-32, as gzip has it; 0 where the compression needs none.
    pub crc: u32,
    /// How many bytes of the layer it is.
    pub len: u32,
    /// The CRC-32 of those: damage is found when they are read again.
    pub check: u32,
}

/// The key of the bytes of a chunk. A digest of them by which registries know nothing, so it is one that is made several
/// times as fast.
pub(super) fn raw_key(codec: Codec, raw: &[u8]) -> Sha256Digest {
    let mut key = Key::new("chunk", codec);
    key.number(raw.len() as u64);
    key.bytes(blake3::hash(raw).as_bytes());
    key.finish()
}

const CHUNK_LEN: usize = 32 + 32 + 4 * 4;

impl Chunk {
    /// Are these the bytes that it became?
    pub fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.len as usize && crc32fast::hash(bytes) == self.check
    }

    /// Writes chunks as a cache keeps them: for each 80 bytes, numbers with the lowest byte first, and zeros where
    /// there is no key of the source.
    pub fn write_all(chunks: &[Chunk]) -> Vec<u8> {
        let mut out = Vec::with_capacity(chunks.len() * CHUNK_LEN);
        for chunk in chunks {
            out.extend_from_slice(&chunk.raw.0);
            out.extend_from_slice(&chunk.source.map_or([0; 32], |key| key.0));
            for number in [chunk.raw_len, chunk.crc, chunk.len, chunk.check] {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        out
    }

    /// Reads what [`write_all`](Chunk::write_all) wrote; none if it did not write this.
    pub fn read_all(bytes: &[u8]) -> Option<Vec<Chunk>> {
        let (records, []) = bytes.as_chunks::<CHUNK_LEN>() else { return None };
        records.iter().map(Chunk::read).collect()
    }

    fn read(record: &[u8; CHUNK_LEN]) -> Option<Chunk> {
        let key = |at: usize| Some(Sha256Digest(record.get(at..at + 32)?.try_into().ok()?));
        let number = |at: usize| Some(u32::from_le_bytes(record.get(at..at + 4)?.try_into().ok()?));
        Some(Chunk {
            raw: key(0)?,
            source: key(32).filter(|key| key.0 != [0; 32]),
            raw_len: number(64)?,
            crc: number(68)?,
            len: number(72)?,
            check: number(76)?,
        })
    }
}
