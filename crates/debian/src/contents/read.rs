//! Reads the text of a `Contents` file as it comes, and keeps little of it.

use super::select::select;
use super::{Contents, Kept};
use std::io::{self, Read};

/// How much is read at a time.
const STEP: usize = 256 << 10;
/// The longest line, in bytes: some files are in hundreds of packages.
const MAX_LINE: usize = 4 << 20;
/// The longest text, in bytes: ten times what the largest archive has.
const MAX_TEXT: u64 = 8 << 30;
/// The most names of files, directories and packages that are kept, in bytes.
const MAX_KEPT: usize = 128 << 20;

/// A `Contents` file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentsError {
    /// The bytes could not be had, or not decompressed.
    #[error("cannot read the Contents file")]
    Read(#[source] io::Error),
    /// More than any archive has.
    #[error("the Contents file has {what} of more than {limit} bytes")]
    TooMuch {
        /// What is too long.
        what: &'static str,
        /// How many bytes are taken.
        limit: u64,
    },
}

impl Contents {
    /// Reads the plain text of a `Contents` file: a line for each path, with the packages that have it. Lines that are
    /// none, such as the heads of old files, are passed over.
    ///
    /// # Errors
    /// When the reader fails, or has more than any archive.
    pub fn read(mut reader: impl Read) -> Result<Self, ContentsError> {
        let mut kept = Kept::default();
        let mut size = 0;
        let mut buf = vec![0; STEP];
        // So much of the buffer is the start of a line.
        let mut filled = 0;
        let mut total = 0;
        loop {
            let got = match reader.read(buf.get_mut(filled..).unwrap_or_default()) {
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ContentsError::Read(error)),
            };
            total += got as u64;
            if total > MAX_TEXT {
                return Err(ContentsError::TooMuch { what: "a text", limit: MAX_TEXT });
            }
            // What was there before has no end of a line.
            let fresh = buf.get(filled..filled + got).unwrap_or_default();
            let whole = match memchr::memrchr(b'\n', fresh) {
                _ if got == 0 => filled,
                Some(at) => filled + at + 1,
                None => 0,
            };
            for line in buf.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
                size += keep(&mut kept, line);
            }
            if size > MAX_KEPT {
                return Err(ContentsError::TooMuch { what: "names", limit: MAX_KEPT as u64 });
            }
            if got == 0 {
                return Ok(Contents::from_kept(&kept));
            }
            if whole > 0 {
                buf.copy_within(whole..filled + got, 0);
            }
            filled = filled + got - whole;
            if filled == buf.len() {
                if filled >= MAX_LINE {
                    return Err(ContentsError::TooMuch { what: "a line", limit: MAX_LINE as u64 });
                }
                buf.resize(filled * 2, 0);
            }
        }
    }
}

/// Keeps a line if its file matters: `path/with blanks   section/package,section/package`. How many bytes were kept is
/// the result.
fn keep(kept: &mut Kept, line: &[u8]) -> usize {
    // Most lines are of `usr/share` and `usr/include`.
    let below = line.strip_prefix(b"./").unwrap_or(line);
    let below = below.strip_prefix(b"usr/").unwrap_or(below);
    if ![&b"bin/"[..], b"sbin/", b"lib", b"games/"].iter().any(|top| below.starts_with(top)) {
        return 0;
    }
    let Ok(line) = std::str::from_utf8(line) else { return 0 };
    let Some((path, packages)) = line.trim_ascii_end().rsplit_once([' ', '\t']) else { return 0 };
    let path = path.trim_end_matches([' ', '\t']);
    let Some((dir, name)) = select(path.strip_prefix("./").unwrap_or(path)) else { return 0 };
    let size = dir.len() + name.len() + packages.len();
    let owners = kept.entry(name.into()).or_default().entry(dir).or_default();
    let packages =
        packages.split(',').map(|package| package.rsplit_once('/').map_or(package, |(_, name)| name));
    owners.extend(packages.filter(|package| !package.is_empty()).map(String::from));
    size
}
