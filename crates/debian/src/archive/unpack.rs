//! Files that are offered compressed.

use super::error::ArchiveError;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};

/// The most that a decoder may take of memory, in KiB.
const MAX_MEMORY: u32 = 512 << 10;
/// And the largest window of zstd: 128 MiB, as a power of two.
const MAX_WINDOW: u32 = 27;

/// How a file is compressed, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    Xz,
    Zstd,
    Gzip,
    Plain,
}

impl Packed {
    pub const ALL: [Packed; 4] = [Packed::Xz, Packed::Zstd, Packed::Gzip, Packed::Plain];

    /// How the names of such files end.
    pub fn ending(self) -> &'static str {
        match self {
            Packed::Xz => ".xz",
            Packed::Zstd => ".zst",
            Packed::Gzip => ".gz",
            Packed::Plain => "",
        }
    }

    /// The content of a file, from its start.
    pub fn reader(self, mut file: File) -> io::Result<Box<dyn Read + Send>> {
        file.rewind()?;
        let file = BufReader::with_capacity(256 << 10, file);
        Ok(match self {
            Packed::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, MAX_MEMORY)),
            Packed::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
                decoder.window_log_max(MAX_WINDOW)?;
                Box::new(decoder)
            }
            Packed::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            Packed::Plain => Box::new(file),
        })
    }

    /// The whole content as a text. What is no UTF-8 in it is replaced.
    pub fn text(self, file: File, limit: u64, origin: &str) -> Result<String, ArchiveError> {
        let failed = |source| ArchiveError::Unpack { origin: origin.into(), source };
        let mut bytes = vec![];
        let reader = self.reader(file).map_err(failed)?;
        reader.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit {
            return Err(ArchiveError::TooLong { origin: origin.into(), limit });
        }
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }
}
