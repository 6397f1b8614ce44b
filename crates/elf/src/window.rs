//! Reading a few ranges of a file, by their place in it or by their address in memory.

use crate::{Class, ElfError, Endian};
use goblin::container::{Container, Ctx};
use goblin::elf::ProgramHeader;
use goblin::elf::program_header::PT_LOAD;
use std::cell::Cell;
use tree::{Content, ReadAt};

/// How much is read at once: neighbouring ranges then cost one read.
const STEP: usize = 4096;
/// String tables up to this size are read whole; of larger ones only the names that are asked for.
const WHOLE_STRINGS: u64 = 1 << 20;
/// The longest name that is read from a string table, in bytes.
const MAX_NAME: u64 = 4096;
/// The most bytes of names that are read of one file: names may stand in a table once, and be asked
/// for many times.
const MAX_NAMES: usize = 16 << 20;

/// A file of which ranges are read as they are asked for, with the last of them kept.
pub(crate) struct Window<'a> {
    content: &'a Content,
    file: Box<dyn ReadAt + 'a>,
    start: u64,
    bytes: Vec<u8>,
}

/// The names of a file, by their offset in its dynamic string table.
pub(crate) struct Strings {
    /// Where the table starts in the file, and where the segment that holds it ends.
    start: u64,
    end: u64,
    /// As much of the table as was read ahead.
    bytes: Vec<u8>,
    /// How many bytes of names were given out.
    given: Cell<usize>,
}

impl<'a> Window<'a> {
    pub fn open(content: &'a Content) -> Result<Self, ElfError> {
        Ok(Window { content, file: content.open()?, start: 0, bytes: vec![] })
    }

    pub fn size(&self) -> u64 {
        self.content.size()
    }

    /// The error that the file is damaged.
    pub fn damaged(&self, what: impl Into<String>) -> ElfError {
        ElfError::Damaged { origin: self.content.origin(), what: what.into() }
    }

    /// The bytes at `offset`. `what` says what they are, for the error that the file is too short.
    pub fn get(&mut self, offset: u64, len: usize, what: &str) -> Result<&[u8], ElfError> {
        let end = offset.checked_add(len as u64).filter(|end| *end <= self.size());
        let Some(end) = end else {
            return Err(self.damaged(format!("it ends within {what}")));
        };
        let held = self.start + self.bytes.len() as u64;
        if offset < self.start || end > held {
            let rest = usize::try_from(self.size() - offset).unwrap_or(usize::MAX);
            let mut bytes = vec![0; len.max(STEP).min(rest)];
            self.file
                .read_exact_at(&mut bytes, offset)
                .map_err(|error| ElfError::Read(self.content.error(error)))?;
            (self.start, self.bytes) = (offset, bytes);
        }
        let at = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        self.bytes.get(at..at + len).ok_or_else(|| self.damaged(format!("it ends within {what}")))
    }

    /// A range of the file on its own: not more than `limit` bytes.
    pub fn take(&mut self, offset: u64, len: u64, limit: u64, what: &str) -> Result<Vec<u8>, ElfError> {
        if offset.checked_add(len).is_none_or(|end| end > self.size()) {
            return Err(self.damaged(format!("it ends within {what}")));
        }
        if len > limit {
            return Err(self.damaged(format!("{what} have {len} bytes, more than {limit}")));
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        let read = self.file.read_exact_at(&mut bytes, offset);
        read.map_err(|error| ElfError::Read(self.content.error(error)))?;
        Ok(bytes)
    }
}

impl Strings {
    /// The table at the address `vaddr`. Its size as the file says it only decides how much is read
    /// ahead: the loader does not look at it.
    pub fn open(
        file: &mut Window<'_>,
        segments: &[ProgramHeader],
        vaddr: u64,
        size: u64,
    ) -> Result<Self, ElfError> {
        let Some((start, end)) = file_range(segments, vaddr) else {
            return Err(file.damaged("its string table lies in no segment"));
        };
        let end = end.min(file.size());
        let ahead = if size <= WHOLE_STRINGS { size.min(end.saturating_sub(start)) } else { 0 };
        let bytes = file.take(start, ahead, WHOLE_STRINGS, "its string table")?;
        Ok(Strings { start, end, bytes, given: Cell::new(0) })
    }

    /// As [`Strings::open`], with all of the table read ahead, if it is not more than `limit`.
    pub fn whole(
        file: &mut Window<'_>,
        segments: &[ProgramHeader],
        vaddr: u64,
        size: u64,
        limit: u64,
    ) -> Result<Self, ElfError> {
        let strings = Strings::open(file, segments, vaddr, 0)?;
        let size = size.min(strings.end.saturating_sub(strings.start));
        let bytes = file.take(strings.start, size, limit, "its string table")?;
        Ok(Strings { bytes, ..strings })
    }

    /// What was read ahead.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The name at `offset` of the table.
    pub fn name(&self, file: &mut Window<'_>, offset: u64, what: &str) -> Result<String, ElfError> {
        let ahead = usize::try_from(offset).ok().and_then(|at| self.bytes.get(at..)).unwrap_or(&[]);
        if let Some(len) = ahead.iter().position(|byte| *byte == 0) {
            return self.give(file, &ahead[..len], what);
        }
        let start = self.start.checked_add(offset).filter(|start| *start < self.end);
        let Some(start) = start else {
            return Err(file.damaged(format!("{what} lies outside of its string table")));
        };
        let len = usize::try_from((self.end - start).min(MAX_NAME)).unwrap_or(0);
        let bytes = file.get(start, len, what)?.to_vec();
        match bytes.iter().position(|byte| *byte == 0) {
            Some(len) => self.give(file, &bytes[..len], what),
            None => Err(file.damaged(format!("{what} has no end"))),
        }
    }

    fn give(&self, file: &Window<'_>, bytes: &[u8], what: &str) -> Result<String, ElfError> {
        self.given.set(self.given.get() + bytes.len());
        if self.given.get() > MAX_NAMES {
            return Err(file.damaged(format!("its names take more than {MAX_NAMES} bytes")));
        }
        text(file, bytes, what)
    }
}

/// Where the bytes for the address `vaddr` are in the file, and where the bytes of the segment end.
pub(crate) fn file_range(segments: &[ProgramHeader], vaddr: u64) -> Option<(u64, u64)> {
    segments.iter().filter(|segment| segment.p_type == PT_LOAD).find_map(|segment| {
        let within = vaddr.checked_sub(segment.p_vaddr).filter(|within| *within < segment.p_filesz)?;
        let start = segment.p_offset.checked_add(within)?;
        Some((start, segment.p_offset.checked_add(segment.p_filesz)?))
    })
}

/// `bytes` as text. The loader takes names as bytes, but no path of an image may be other than UTF-8.
pub(crate) fn text(file: &Window<'_>, bytes: &[u8], what: &str) -> Result<String, ElfError> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| file.damaged(format!("{what} is not UTF-8: {}", bytes.escape_ascii())))
}

/// How goblin is told the class and the byte order.
pub(crate) fn ctx(class: Class, endian: Endian) -> Ctx {
    let container = match class {
        Class::Elf32 => Container::Little,
        Class::Elf64 => Container::Big,
    };
    let le = match endian {
        Endian::Little => goblin::container::Endian::Little,
        Endian::Big => goblin::container::Endian::Big,
    };
    Ctx { container, le }
}

impl Endian {
    /// The two bytes at `at` as a number; 0 where there are none.
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let Some(&[a, b]) = bytes.get(at..at + 2) else { return 0 };
        match self {
            Endian::Little => u16::from_le_bytes([a, b]),
            Endian::Big => u16::from_be_bytes([a, b]),
        }
    }

    /// The four bytes at `at` as a number; 0 where there are none.
    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let Some(&[a, b, c, d]) = bytes.get(at..at + 4) else { return 0 };
        match self {
            Endian::Little => u32::from_le_bytes([a, b, c, d]),
            Endian::Big => u32::from_be_bytes([a, b, c, d]),
        }
    }

    /// The eight bytes at `at` as a number; 0 where there are none.
    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> u64 {
        let (first, second) = (u64::from(self.u32(bytes, at)), u64::from(self.u32(bytes, at + 4)));
        match self {
            Endian::Little => second << 32 | first,
            Endian::Big => first << 32 | second,
        }
    }
}
