//! How [`Contents`] are written to be read again.
//!
//! ```text
//! magic `bantamco`, version (u32, little endian)
//! directories: their number, then each as a string
//! packages: likewise
//! files: their number; of each: its name as a string, its directory, how many packages have it, each package
//! ```
//!
//! Numbers are LEB128. A string is how many bytes it shares with the one before it in its list, how many more it has,
//! and those. Directories and packages are given by their place in their lists. All lists are in order, and nothing is
//! in one twice. A change to any of this is a change of the version.

use super::{Contents, File, Span};

const MAGIC: &[u8; 8] = b"bantamco";
const VERSION: u32 = 1;
/// The longest name that is read, in bytes.
const MAX_NAME: usize = 4096;
/// The most bytes of all names.
const MAX_TEXT: usize = 256 << 20;

/// Bytes are no [`Contents`] of this version, whole and undamaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no contents of version {VERSION}, or damaged")]
pub struct DecodeError;

impl Contents {
    /// Writes them, to be read again with [`from_bytes`](Self::from_bytes). The same contents give the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(VERSION.to_le_bytes());
        for list in [&self.dirs, &self.packages] {
            put(&mut out, list.len());
            let mut last = "";
            for name in list {
                put_text(&mut out, &mut last, self.text(*name));
            }
        }
        put(&mut out, self.files.len());
        let mut last = "";
        for file in &self.files {
            put_text(&mut out, &mut last, self.text(file.name));
            put(&mut out, file.dir as usize);
            put(&mut out, file.owners.len as usize);
            for owner in self.owners.get(file.owners.range()).unwrap_or_default() {
                put(&mut out, *owner as usize);
            }
        }
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// When it is of another version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes = bytes.strip_prefix(MAGIC).ok_or(DecodeError)?;
        let bytes = bytes.strip_prefix(&VERSION.to_le_bytes()).ok_or(DecodeError)?;
        let mut reader = Reader { bytes };
        let mut contents = Contents::default();
        contents.dirs = reader.list(&mut contents)?;
        contents.packages = reader.list(&mut contents)?;
        let count = reader.count()?;
        contents.files.reserve_exact(count);
        let mut last = Span::of(0, 0);
        for _ in 0..count {
            let name = reader.text(&mut contents, last)?;
            let dir = reader.below(contents.dirs.len())?;
            let start = contents.owners.len();
            let mut least = 0;
            for _ in 0..reader.count()? {
                let owner = reader.below(contents.packages.len())?;
                if owner < least {
                    return Err(DecodeError);
                }
                least = owner + 1;
                contents.owners.push(owner);
            }
            let before = contents.files.last().map(|file| (contents.text(file.name), file.dir));
            if before.is_some_and(|before| before >= (contents.text(name), dir)) {
                return Err(DecodeError);
            }
            let owners = Span::of(start, contents.owners.len() - start);
            contents.files.push(File { name, dir, owners });
            last = name;
        }
        if reader.bytes.is_empty() { Ok(contents) } else { Err(DecodeError) }
    }
}

fn put(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_text<'a>(out: &mut Vec<u8>, last: &mut &'a str, text: &'a str) {
    let same = last.bytes().zip(text.bytes()).take_while(|(one, other)| one == other).count();
    put(out, same);
    put(out, text.len() - same);
    out.extend(text.bytes().skip(same));
    *last = text;
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    /// A list of names in order, each there once.
    fn list(&mut self, contents: &mut Contents) -> Result<Vec<Span>, DecodeError> {
        let count = self.count()?;
        let mut list = Vec::with_capacity(count);
        let mut last = Span::of(0, 0);
        for at in 0..count {
            let name = self.text(contents, last)?;
            if at > 0 && contents.text(last) >= contents.text(name) {
                return Err(DecodeError);
            }
            list.push(name);
            last = name;
        }
        Ok(list)
    }

    /// A name, which shares its start with the last one. One that is all the same is not stored again.
    fn text(&mut self, contents: &mut Contents, last: Span) -> Result<Span, DecodeError> {
        let (same, more) = (self.number()?, self.number()?);
        let last_len = last.len as usize;
        if same > last_len || same.saturating_add(more) > MAX_NAME {
            return Err(DecodeError);
        }
        if more == 0 && same == last_len {
            return Ok(last);
        }
        let (suffix, rest) = self.bytes.split_at_checked(more).ok_or(DecodeError)?;
        let suffix = std::str::from_utf8(suffix);
        let start = contents.text.len();
        let from = last.start as usize;
        // A name may be cut within a letter, and is put together from bytes then.
        if let Ok(suffix) = suffix
            && contents.text.is_char_boundary(from + same)
        {
            contents.text.extend_from_within(from..from + same);
            contents.text.push_str(suffix);
        } else {
            let prefix = contents.text.as_bytes().get(from..from + same).ok_or(DecodeError)?;
            let whole = [prefix, self.bytes.get(..more).unwrap_or_default()].concat();
            contents.text.push_str(std::str::from_utf8(&whole).map_err(|_| DecodeError)?);
        }
        self.bytes = rest;
        if contents.text.len() > MAX_TEXT {
            return Err(DecodeError);
        }
        Ok(Span::of(start, same + more))
    }

    /// How many things follow: each takes a byte, at least.
    fn count(&mut self) -> Result<usize, DecodeError> {
        let count = self.number()?;
        if count <= self.bytes.len() { Ok(count) } else { Err(DecodeError) }
    }

    /// A place in a list.
    fn below(&mut self, len: usize) -> Result<u32, DecodeError> {
        let number = self.number()?;
        if number < len { u32::try_from(number).map_err(|_| DecodeError) } else { Err(DecodeError) }
    }

    fn number(&mut self) -> Result<usize, DecodeError> {
        let mut number = 0;
        for shift in [0, 7, 14, 21, 28] {
            let (first, rest) = self.bytes.split_first().ok_or(DecodeError)?;
            self.bytes = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return usize::try_from(number).map_err(|_| DecodeError);
            }
        }
        Err(DecodeError)
    }
}
