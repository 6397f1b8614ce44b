//! A chunk of tar in, its compressed bytes out.
//!
//! What [`Codec::encode`] gives depends on the chunk, the compression and the level, and on nothing
//! that came before: a place that has the compressed bytes of a chunk may supply them instead.

use super::LayerError;
use super::buffer::Buffer;
use crate::Compression;
use flate2::{Compress, FlushCompress, Status};
use std::io;

/// The compressors by version: another one may write other bytes.
const ZLIB: &str = "zlib-rs 0.6.8";
const ZSTD: &str = "zstd-sys 2.1.2+zstd.1.5.7";

/// The longest stored block of deflate.
const STORED: usize = 0xffff;

/// A compression with its level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codec {
    compression: Compression,
    level: u32,
}

impl Codec {
    pub fn new(compression: Compression, level: Option<u32>) -> Result<Self, LayerError> {
        let (default, max) = match compression {
            Compression::None => return Ok(Codec { compression, level: 0 }),
            Compression::Gzip => (5, 9),
            Compression::Zstd => (3, 22),
        };
        let level = level.unwrap_or(default);
        if !(1..=max).contains(&level) {
            return Err(LayerError::Level { compression: compression.name(), level, max });
        }
        Ok(Codec { compression, level })
    }

    /// What the bytes of a chunk depend on beside the chunk: the compression, whoever does it, the level.
    pub fn id(self) -> String {
        let by = match self.compression {
            Compression::None => "none",
            Compression::Gzip => ZLIB,
            Compression::Zstd => ZSTD,
        };
        format!("{by} {}", self.level)
    }

    pub fn media_type(self) -> &'static str {
        self.compression.media_type()
    }

    /// What stands before the first chunk: gzip's header, without time, and with an unknown system.
    pub fn prologue(self) -> &'static [u8] {
        match self.compression {
            Compression::Gzip => &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff],
            Compression::None | Compression::Zstd => &[],
        }
    }

    /// Appends the bytes of one chunk, and counts it into its own checksum.
    pub fn encode(self, raw: &[u8], out: &mut Buffer) -> Result<crc32fast::Hasher, LayerError> {
        let mut crc = crc32fast::Hasher::new();
        match self.compression {
            Compression::None => out.push(raw),
            Compression::Zstd => zstd_frame(raw, self.level, out).map_err(LayerError::Compress)?,
            Compression::Gzip => {
                crc.update(raw);
                deflate(raw, self.level, out)?;
            }
        }
        Ok(crc)
    }

    /// What stands after the last chunk: for gzip an empty last block and the trailer.
    pub fn epilogue(self, crc: crc32fast::Hasher, tar_size: u64) -> Vec<u8> {
        match self.compression {
            Compression::None | Compression::Zstd => vec![],
            Compression::Gzip => {
                let mut end = vec![0x03, 0x00];
                end.extend_from_slice(&crc.finalize().to_le_bytes());
                // The length modulo 2^32, as RFC 1952 has it.
                end.extend_from_slice(&((tar_size & 0xffff_ffff) as u32).to_le_bytes());
                end
            }
        }
    }
}

/// Raw deflate that ends at a byte, with no last block: a sync flush. Where that saves nothing, the
/// chunk is stored.
fn deflate(raw: &[u8], level: u32, out: &mut Buffer) -> Result<(), LayerError> {
    let failed = |what: &str| LayerError::Compress(io::Error::other(what.to_string()));
    let start = out.len();
    let stored = raw.len() + raw.len().div_ceil(STORED) * 5;
    // A new state for each chunk, so that no earlier chunk can show.
    let mut state = Compress::new(flate2::Compression::new(level), false);
    let mut room = stored + 64;
    loop {
        let rest = usize::try_from(state.total_in()).ok().and_then(|done| raw.get(done..));
        let rest = rest.ok_or_else(|| failed("the compressor took more than it was given"))?;
        let before = (state.total_in(), state.total_out());
        let status = state.compress(rest, out.room(room), FlushCompress::Sync);
        let status = status.map_err(|error| LayerError::Compress(error.into()))?;
        let written = usize::try_from(state.total_out() - before.1).unwrap_or(room);
        out.add(written);
        room -= written;
        // Only spare room shows that the flush is whole.
        if state.total_in() == raw.len() as u64 && room > 0 {
            break;
        }
        if status == Status::BufError && before == (state.total_in(), state.total_out()) && room > 0 {
            return Err(failed("the compressor makes no progress"));
        }
        if room == 0 {
            room = stored / 8 + 64;
        }
    }
    if out.len() - start >= stored {
        out.truncate(start);
        store(raw, out);
    }
    Ok(())
}

/// Stored blocks of deflate, none of them the last (RFC 1951, 3.2.4).
fn store(raw: &[u8], out: &mut Buffer) {
    for block in raw.chunks(STORED) {
        let len = block.len() as u16;
        out.push(&[0]);
        out.push(&len.to_le_bytes());
        out.push(&(!len).to_le_bytes());
        out.push(block);
    }
}

/// A frame with its content's size and without a checksum: the blob's digest is checked anyway.
fn zstd_frame(raw: &[u8], level: u32, out: &mut Buffer) -> io::Result<()> {
    let mut state = zstd::bulk::Compressor::new(level as i32)?;
    state.include_checksum(false)?;
    state.include_contentsize(true)?;
    let written = state.compress_to_buffer(raw, out.room(zstd::zstd_safe::compress_bound(raw.len())))?;
    out.add(written);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn compressors_are_known_by_version() {
        let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
        for compressor in [ZLIB, ZSTD] {
            let (name, version) = compressor.split_once(' ').unwrap();
            assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{compressor}");
        }
    }

    fn random(len: usize) -> Vec<u8> {
        let mut state = 1_u64;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(len)
        .collect()
    }

    fn gzip(chunks: &[&[u8]]) -> Vec<u8> {
        let codec = Codec::new(Compression::Gzip, None).unwrap();
        let mut out = Buffer::from(codec.prologue().to_vec());
        let mut crc = crc32fast::Hasher::new();
        for chunk in chunks {
            crc.combine(&codec.encode(chunk, &mut out).unwrap());
        }
        out.push(&codec.epilogue(crc, chunks.iter().map(|chunk| chunk.len() as u64).sum()));
        out.to_vec()
    }

    #[test]
    fn chunks_join_into_one_gzip_member() {
        let (noise, text) = (random(200_000), b"the same again; ".repeat(9_000));
        let mixed: [&[u8]; 5] = [&text, &noise, b"", b"x", &text];
        for chunks in [&[][..], &mixed[..1], &mixed[1..2], &mixed] {
            let gz = gzip(chunks);
            let mut plain = vec![];
            let mut decoder = flate2::bufread::GzDecoder::new(&gz[..]);
            decoder.read_to_end(&mut plain).unwrap();
            assert_eq!(plain, chunks.concat());
            assert!(decoder.into_inner().is_empty(), "more than one member");
        }
    }

    #[test]
    fn a_chunk_is_the_same_bytes_wherever_it_stands() {
        let text = b"the same again; ".repeat(9_000);
        let codec = Codec::new(Compression::Gzip, None).unwrap();
        let mut alone = Buffer::default();
        codec.encode(&text, &mut alone).unwrap();
        let joined = gzip(&[&random(70_000), &text, b"end"]);
        assert!(joined.windows(alone.len()).any(|window| *window == *alone));
        assert!(alone.ends_with(&[0, 0, 0xff, 0xff]));
    }

    #[test]
    fn a_chunk_that_does_not_shrink_is_stored() {
        let noise = random(100_000);
        let mut out = Buffer::default();
        Codec::new(Compression::Gzip, Some(9)).unwrap().encode(&noise, &mut out).unwrap();
        assert_eq!(out.len(), noise.len() + 10);
        assert_eq!(out[..5], [0, 0xff, 0xff, 0, 0]);
        assert_eq!(out[5..5 + STORED], noise[..STORED]);
        let rest = (noise.len() - STORED) as u16;
        assert_eq!(out[5 + STORED + 1..5 + STORED + 3], rest.to_le_bytes());
    }

    #[test]
    fn zstd_is_a_frame_a_chunk() {
        let codec = Codec::new(Compression::Zstd, None).unwrap();
        let mut out = Buffer::default();
        for chunk in [&b"one one one one"[..], &random(1000), b""] {
            codec.encode(chunk, &mut out).unwrap();
        }
        let want = [&b"one one one one"[..], &random(1000)].concat();
        assert_eq!(zstd::decode_all(&out[..]).unwrap(), want);
    }

    #[test]
    fn levels_are_checked() {
        for (compression, level) in
            [(Compression::Gzip, 0), (Compression::Gzip, 10), (Compression::Zstd, 0), (Compression::Zstd, 23)]
        {
            assert!(Codec::new(compression, Some(level)).is_err());
        }
        let error = Codec::new(Compression::Gzip, Some(11)).unwrap_err();
        assert_eq!(error.to_string(), "gzip has no level 11; its levels are 1 to 9");
        assert!(
            Codec::new(Compression::Gzip, Some(9)).is_ok() && Codec::new(Compression::Zstd, Some(22)).is_ok()
        );
    }
}
