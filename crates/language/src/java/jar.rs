//! Jars, read with limits: what is in one may be hostile.

use super::manifest::Manifest;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use tree::{Content, ReadAt};
use zip::{ZipArchive, result::ZipError};

/// No jar is larger, in bytes.
const MAX_JAR: u64 = 1 << 30;
/// No jar has more entries.
const MAX_ENTRIES: usize = 200_000;
/// No entry is larger when it is unpacked, in bytes.
const MAX_ENTRY: u64 = 256 << 20;

/// No jar has more in it, in bytes.
const MAX_UNPACKED: u64 = 4 << 30;

/// A jar that is no good, in words.
#[derive(Debug)]
pub(super) struct Damaged(pub String);

/// Bytes that can be read from any place on.
pub(super) trait Bytes: Read + Seek {}
impl<T: Read + Seek> Bytes for T {}

/// A jar.
pub(super) struct Jar<'a> {
    archive: ZipArchive<Box<dyn Bytes + 'a>>,
    /// How much may still be unpacked, in bytes.
    left: u64,
}

/// An entry of a jar.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// What it is called: a path without a leading slash.
    pub name: String,
    /// Its place in the jar.
    pub index: usize,
}

impl<'a> Jar<'a> {
    /// Opens a jar.
    ///
    /// # Errors
    /// When it is none, or beyond the limits.
    pub fn open(content: &'a Content) -> Result<Self, Damaged> {
        if content.size() > MAX_JAR {
            return Err(Damaged(format!("{} bytes are more than any jar has", content.size())));
        }
        let file = content.open().map_err(|error| Damaged(words(&error)))?;
        Jar::new(Box::new(At { file, offset: 0, size: content.size() }))
    }

    /// A jar that is at hand.
    ///
    /// # Errors
    /// When it is none, or beyond the limits.
    pub fn of_bytes(bytes: Vec<u8>) -> Result<Self, Damaged> {
        Jar::new(Box::new(Cursor::new(bytes)))
    }

    fn new(bytes: Box<dyn Bytes + 'a>) -> Result<Self, Damaged> {
        let archive = ZipArchive::new(bytes)?;
        if archive.len() > MAX_ENTRIES {
            return Err(Damaged(format!("{} entries are more than any jar has", archive.len())));
        }
        Ok(Jar { archive, left: MAX_UNPACKED })
    }

    /// The files of it, in their order. Names that lead out of a jar are none.
    pub fn names(&self) -> Vec<Name> {
        let names = (0..self.archive.len()).filter_map(|index| {
            let name = self.archive.name_for_index(index)?.ok()?.into_owned();
            let good = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
            name.split('/').all(good).then_some(Name { name, index })
        });
        names.collect()
    }

    /// The content of an entry.
    ///
    /// # Errors
    /// When it is damaged, or larger than any entry is.
    pub fn read(&mut self, name: &Name) -> Result<Vec<u8>, Damaged> {
        let shown = |error: &dyn std::error::Error| Damaged(format!("{}: {}", name.name, words(error)));
        let entry = self.archive.by_index(name.index).map_err(|error| shown(&error))?;
        let most = self.left.min(MAX_ENTRY);
        let mut bytes = vec![];
        let read = entry.take(most + 1).read_to_end(&mut bytes);
        // What cannot be read to its end was work, too.
        let len = bytes.len() as u64;
        self.left = self.left.saturating_sub(len);
        read.map_err(|error| shown(&error))?;
        if len > most {
            return Err(Damaged(format!("{} is more than any jar has in it", name.name)));
        }
        Ok(bytes)
    }

    /// Does an entry begin so? One that cannot be read does not.
    pub fn begins(&mut self, name: &Name, start: &[u8]) -> bool {
        let Ok(mut entry) = self.archive.by_index(name.index) else { return false };
        let mut bytes = vec![0; start.len()];
        entry.read_exact(&mut bytes).is_ok() && bytes == start
    }

    /// The content of an entry by its name, if there is one.
    ///
    /// # Errors
    /// As those of [`read`](Self::read).
    pub fn read_named(&mut self, name: &str) -> Result<Option<Vec<u8>>, Damaged> {
        match self.archive.index_for_name(name) {
            Some(index) => self.read(&Name { name: name.into(), index }).map(Some),
            None => Ok(None),
        }
    }

    /// The manifest; an empty one where there is none.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn manifest(&mut self) -> Result<Manifest, Damaged> {
        let bytes = self.read_named("META-INF/MANIFEST.MF")?;
        Ok(bytes.map(|bytes| Manifest::parse(&bytes)).unwrap_or_default())
    }
}

impl From<ZipError> for Damaged {
    fn from(error: ZipError) -> Self {
        Damaged(words(&error))
    }
}

fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Content, read from a place on.
struct At<'a> {
    file: Box<dyn ReadAt + 'a>,
    offset: u64,
    size: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buf, self.offset)?;
        self.offset += got as u64;
        Ok(got)
    }
}

impl Seek for At<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.offset.checked_add_signed(offset),
        };
        self.offset = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.offset)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
pub(super) mod testing {
    use std::io::{Cursor, Write as _};
    use zip::{ZipWriter, write::SimpleFileOptions};

    /// A jar of these files.
    pub fn jar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(vec![]));
        for (name, content) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_of_a_jar_are_none() {
        let bytes =
            testing::jar(&[("a/b.class", b"x"), ("../c", b"y"), ("a//d", b""), ("/e", b""), ("f\\g", b"")]);
        let content = Content::bytes(bytes, "a test");
        let mut jar = Jar::open(&content).unwrap();
        let names = jar.names();
        assert_eq!(names.iter().map(|name| &*name.name).collect::<Vec<_>>(), ["a/b.class"]);
        assert_eq!(jar.read(&names[0]).unwrap(), b"x");
        assert_eq!(jar.manifest().unwrap(), Manifest::default());
    }

    #[test]
    fn what_is_no_jar_is_told() {
        let whole = testing::jar(&[("a.class", &[7; 4000])]);
        for bytes in [b"".to_vec(), b"hello".to_vec(), whole[..whole.len() - 30].to_vec()] {
            assert!(Jar::of_bytes(bytes).is_err());
        }
        let mut bad = whole;
        bad[36..46].fill(0xff);
        let mut jar = Jar::of_bytes(bad).unwrap();
        let name = &jar.names()[0];
        assert!(jar.read(name).err().unwrap().0.starts_with("a.class: "));
    }
}
