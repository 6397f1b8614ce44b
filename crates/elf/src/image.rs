//! The headers of an ELF file, and its dynamic section: what leads to everything else that a loader
//! reads of it.

use crate::window::{Window, ctx, file_range};
use crate::{Class, ElfError, Endian, Machine};
use goblin::container::Ctx;
use goblin::elf::dynamic::{Dyn, Dynamic};
use goblin::elf::header::{self as eh, Header};
use goblin::elf::program_header::PT_DYNAMIC;
use goblin::elf::{Elf, ProgramHeader};
use tree::Content;

/// The largest table of program headers that Linux loads, in bytes.
const MAX_SEGMENT_TABLE: usize = 1 << 16;
/// The largest dynamic section that is read, in bytes.
const MAX_DYNAMIC: u64 = 1 << 18;

/// An ELF file that is being read.
pub(crate) struct Image<'a> {
    pub file: Window<'a>,
    pub header: Header,
    pub machine: Machine,
    pub ctx: Ctx,
    /// None for a file that is never loaded.
    pub segments: Vec<ProgramHeader>,
}

/// The entries of a dynamic section, in order.
#[derive(Default)]
pub(crate) struct Entries(Vec<Dyn>);

impl<'a> Image<'a> {
    /// Reads the headers; none if the content is no ELF file.
    pub fn open(content: &'a Content) -> Result<Option<Self>, ElfError> {
        if !content.starts_with(eh::ELFMAG)? {
            return Ok(None);
        }
        let mut file = Window::open(content)?;
        let (header, machine) = read_header(&mut file)?;
        let ctx = ctx(machine.class, machine.endian);
        let segments = match header.e_type {
            eh::ET_EXEC | eh::ET_DYN => read_segments(&mut file, &header, ctx)?,
            _ => vec![],
        };
        Ok(Some(Image { file, header, machine, ctx, segments }))
    }

    /// The first segment of a type.
    pub fn segment(&self, kind: u32) -> Option<&ProgramHeader> {
        self.segments.iter().find(|segment| segment.p_type == kind)
    }

    /// Where the bytes for an address are in the file, and where the bytes of its segment end. `what`
    /// says what they are, for the error that there are none.
    pub fn range(&self, vaddr: u64, what: &str) -> Result<(u64, u64), ElfError> {
        let found = file_range(&self.segments, vaddr);
        match found.map(|(start, end)| (start, end.min(self.file.size()))) {
            Some((start, end)) if start <= end => Ok((start, end)),
            _ => Err(self.file.damaged(format!("{what} lie in no segment"))),
        }
    }

    /// Reads the dynamic section; none if there is none.
    pub fn entries(&mut self) -> Result<Option<Entries>, ElfError> {
        let Some(segment) = self.segment(PT_DYNAMIC) else { return Ok(None) };
        let (offset, size) = (segment.p_offset, segment.p_filesz);
        if size > MAX_DYNAMIC {
            return Err(self.file.damaged(format!("its dynamic section has more than {MAX_DYNAMIC} bytes")));
        }
        let bytes = self.file.get(offset, usize::try_from(size).unwrap_or(0), "its dynamic section")?;
        let alone = ProgramHeader { p_type: PT_DYNAMIC, p_filesz: size, ..ProgramHeader::default() };
        let dynamic = Dynamic::parse(bytes, &[alone], self.ctx);
        let dynamic = dynamic.map_err(|error| self.file.damaged(error.to_string()))?;
        Ok(Some(Entries(dynamic.map(|dynamic| dynamic.dyns).unwrap_or_default())))
    }
}

impl Entries {
    /// The values of all entries with a tag.
    pub fn all(&self, tag: u64) -> impl DoubleEndedIterator<Item = u64> {
        self.0.iter().filter(move |entry| entry.d_tag == tag).map(|entry| entry.d_val)
    }

    /// The value of an entry that should be there once: the loader takes the last.
    pub fn last(&self, tag: u64) -> Option<u64> {
        self.all(tag).next_back()
    }
}

fn read_header(file: &mut Window<'_>) -> Result<(Header, Machine), ElfError> {
    let ident = file.get(0, eh::SIZEOF_IDENT, "its header")?;
    let (class, size) = match ident.get(eh::EI_CLASS) {
        Some(&eh::ELFCLASS32) => (Class::Elf32, eh::header32::SIZEOF_EHDR),
        Some(&eh::ELFCLASS64) => (Class::Elf64, eh::header64::SIZEOF_EHDR),
        _ => return Err(file.damaged("it is neither of 32 nor of 64 bits")),
    };
    let endian = match ident.get(eh::EI_DATA) {
        Some(&eh::ELFDATA2LSB) => Endian::Little,
        Some(&eh::ELFDATA2MSB) => Endian::Big,
        _ => return Err(file.damaged("it has no byte order")),
    };
    let header = Elf::parse_header(file.get(0, size, "its header")?);
    let header = header.map_err(|error| file.damaged(error.to_string()))?;
    let machine = Machine::from_header(class, endian, header.e_machine, header.e_flags);
    Ok((header, machine))
}

fn read_segments(file: &mut Window<'_>, header: &Header, ctx: Ctx) -> Result<Vec<ProgramHeader>, ElfError> {
    let (count, size) = (usize::from(header.e_phnum), ProgramHeader::size(ctx));
    if count == 0 {
        return Ok(vec![]);
    }
    if usize::from(header.e_phentsize) != size {
        return Err(file.damaged(format!("its program headers are not of {size} bytes")));
    }
    if count * size > MAX_SEGMENT_TABLE {
        return Err(file.damaged(format!("{count} program headers are more than Linux loads")));
    }
    let bytes = file.get(header.e_phoff, count * size, "its program headers")?;
    let segments = ProgramHeader::parse(bytes, 0, count, ctx);
    segments.map_err(|error| file.damaged(error.to_string()))
}
