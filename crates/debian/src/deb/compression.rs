//! The plain bytes of a member, and no more of them than anything honest has.

use super::error::DebError;
use super::limits::Limits;
use std::io::{self, BufRead, Read};

/// The largest window of a zstd frame, as a power of two: what `zstd --ultra -22` takes.
const ZSTD_WINDOW: u32 = 27;

/// How a member is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberCompression {
    None,
    Gzip,
    Xz,
    Zstd,
    /// One that older packages have, and this program does not read.
    Foreign(&'static str),
}

/// More came out of a decompressor than may.
#[derive(Debug, thiserror::Error)]
#[error("more than {limit} bytes came out")]
pub struct TooLarge {
    pub limit: u64,
}

impl MemberCompression {
    /// That of the member `name`, if it is `stem` with a known ending.
    pub fn of(name: &str, stem: &str) -> Option<Self> {
        Some(match name.strip_prefix(stem)? {
            "" => MemberCompression::None,
            ".gz" => MemberCompression::Gzip,
            ".xz" => MemberCompression::Xz,
            ".zst" => MemberCompression::Zstd,
            ".bz2" => MemberCompression::Foreign("bzip2"),
            ".lzma" => MemberCompression::Foreign("lzma"),
            _ => return None,
        })
    }

    /// The plain bytes of the member `name` of `size` bytes. Reading more than the limits allow fails with
    /// [`TooLarge`].
    pub fn reader<'a>(
        self,
        reader: impl BufRead + 'a,
        (package, name): (&str, &str),
        size: u64,
        limits: &Limits,
    ) -> Result<Capped<Box<dyn Read + 'a>>, DebError> {
        let plain: Box<dyn Read + 'a> = match self {
            MemberCompression::None => Box::new(reader),
            MemberCompression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            MemberCompression::Xz => {
                Box::new(lzma_rust2::XzReader::new_mem_limit(reader, true, limits.memory))
            }
            MemberCompression::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(reader).and_then(|mut decoder| {
                    decoder.window_log_max(ZSTD_WINDOW)?;
                    Ok(decoder)
                });
                Box::new(decoder.map_err(|source| DebError::Decompress {
                    package: package.into(),
                    member: name.into(),
                    source,
                })?)
            }
            MemberCompression::Foreign(compression) => {
                return Err(DebError::Compression {
                    package: package.into(),
                    member: name.into(),
                    compression,
                });
            }
        };
        let limit = limits.of_member(size);
        Ok(Capped { inner: plain, left: limit, limit })
    }
}

/// A reader of which at most so much is read.
pub struct Capped<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Capped<R> {
    /// How much may come.
    pub fn limit(&self) -> u64 {
        self.limit
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf)?;
        match self.left.checked_sub(got as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(TooLarge { limit: self.limit })),
        }
        Ok(got)
    }
}
