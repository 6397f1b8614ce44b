//! Takes from a program what only debuggers and linkers read of it.

use crate::{Class, ElfError, Endian, image::Image};
use goblin::elf::header as eh;
use goblin::elf::section_header::{
    SHF_ALLOC, SHF_INFO_LINK, SHN_XINDEX, SHT_NOBITS, SHT_NULL, SHT_REL, SHT_RELA, SHT_STRTAB, SHT_SYMTAB,
    SHT_SYMTAB_SHNDX,
};
use std::collections::BTreeSet;
use tree::Content;

/// The largest file that is stripped, in bytes.
pub const MAX_STRIPPED: u64 = 256 << 20;
/// The most sections that a file may have.
const MAX_SECTIONS: usize = 0xff00;
/// So much more than before may it take to keep what stays where its alignment wants it, in bytes.
const MAX_PADDING: usize = 1 << 20;
/// Sections that only debuggers read begin with these.
const OF_DEBUGGERS: [&[u8]; 6] =
    [b".debug", b".zdebug", b".stab", b".gdb_index", b".rel.debug", b".rela.debug"];

/// The file without its symbol table (`.symtab`, its strings) and the sections of debuggers. What is loaded stays as and
/// where it is, `.dynsym` with it: the program runs as before, and plugins find their symbols. The same bytes give the
/// same bytes on every machine. A file without section headers is given back as it is.
///
/// # Errors
/// When the file cannot be read, is larger than [`MAX_STRIPPED`], is no program or shared object, or its section headers
/// make no sense.
pub fn strip(content: &Content) -> Result<Vec<u8>, ElfError> {
    let damaged = |what: &str| ElfError::Damaged { origin: content.origin(), what: what.into() };
    let Some(image) = Image::open(content)? else {
        return Err(damaged("it does not begin as one"));
    };
    if !matches!(image.header.e_type, eh::ET_EXEC | eh::ET_DYN) {
        return Err(damaged("it is no program or shared object"));
    }
    let bytes = content.read(MAX_STRIPPED)?;
    let layout = Layout { class: image.machine.class, endian: image.machine.endian };
    let sections = layout.sections(&bytes).ok_or_else(|| damaged("its section headers make no sense"))?;
    let Some(names) = sections.names else { return Ok(bytes) };
    let mut loaded = layout.header_size() as u64;
    let table = u64::from(image.header.e_phentsize) * u64::from(image.header.e_phnum);
    let ends = [(image.header.e_phoff, table)]
        .into_iter()
        .chain(image.segments.iter().map(|segment| (segment.p_offset, segment.p_filesz)))
        .chain(sections.all.iter().filter(|section| section.is_loaded()).map(Section::place));
    for (start, len) in ends {
        let end = start.checked_add(len).filter(|end| *end <= bytes.len() as u64);
        loaded = loaded.max(end.ok_or_else(|| damaged("it ends before what it loads"))?);
    }
    let plan = Kept::of(&sections.all, names);
    layout
        .write(&bytes, loaded, &sections.all, &plan)
        .ok_or_else(|| damaged("its sections lie outside of it"))
}

/// How numbers stand in the file.
#[derive(Clone, Copy)]
struct Layout {
    class: Class,
    endian: Endian,
}

/// A section header. Its name is the bytes of it.
#[derive(Clone, Default)]
struct Section {
    name: Vec<u8>,
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: u32,
    info: u32,
    align: u64,
    entry: u64,
}

struct Sections {
    all: Vec<Section>,
    /// The section of their names; none where there are no sections.
    names: Option<usize>,
}

/// The sections that stay, by their old numbers; what becomes of the others.
struct Kept {
    /// Each section of the result: its old number, or none for one that is empty now.
    order: Vec<Option<usize>>,
    /// The new number of each old section; 0, which is none, for one that is gone.
    numbers: Vec<u32>,
    /// The number of the section of names in the result.
    names: usize,
}

impl Section {
    fn is_loaded(&self) -> bool {
        self.flags & u64::from(SHF_ALLOC) != 0
    }

    /// Where its bytes are, and how many.
    fn place(&self) -> (u64, u64) {
        if matches!(self.kind, SHT_NOBITS | SHT_NULL) { (0, 0) } else { (self.offset, self.size) }
    }

    fn bytes<'b>(&self, file: &'b [u8]) -> Option<&'b [u8]> {
        let (start, size) = self.place();
        let start = usize::try_from(start).ok()?;
        file.get(start..start.checked_add(usize::try_from(size).ok()?)?)
    }

    fn is_relocations(&self) -> bool {
        matches!(self.kind, SHT_REL | SHT_RELA)
    }
}

impl Kept {
    fn of(all: &[Section], names: usize) -> Self {
        let is_symbols = |number: u32| {
            all.get(number as usize).is_some_and(|section| section.kind == SHT_SYMTAB && !section.is_loaded())
        };
        let tables = all.iter().filter(|section| section.kind == SHT_SYMTAB && !section.is_loaded());
        let strings: BTreeSet<u32> = tables.map(|table| table.link).collect();
        let is_dropped = |(number, section): (usize, &Section)| {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let is_string_table = section.kind == SHT_STRTAB && strings.contains(&number);
            !section.is_loaded()
                && number as usize != names
                && section.kind != SHT_NULL
                && (is_symbols(number)
                    || is_string_table
                    || section.kind == SHT_SYMTAB_SHNDX
                    || (section.is_relocations() && is_symbols(section.link))
                    || OF_DEBUGGERS.iter().any(|start| section.name.starts_with(start)))
        };
        let dropped: Vec<bool> = all.iter().enumerate().map(is_dropped).collect();
        // Symbols that are loaded say of which section they are: those up to the last loaded one keep their numbers.
        let fixed = all.iter().rposition(Section::is_loaded).map_or(0, |last| last + 1);
        let (mut order, mut numbers) = (vec![], vec![0; all.len()]);
        for (old, dropped) in dropped.iter().enumerate() {
            match dropped {
                false => {
                    numbers[old] = u32::try_from(order.len()).unwrap_or(0);
                    order.push(Some(old));
                }
                true if old < fixed => order.push(None),
                true => {}
            }
        }
        let names = numbers.get(names).map_or(0, |number| *number as usize);
        Kept { order, numbers, names }
    }

    fn number(&self, old: u32) -> u32 {
        self.numbers.get(old as usize).copied().unwrap_or(0)
    }
}

impl Layout {
    fn header_size(self) -> usize {
        if self.class == Class::Elf64 { 64 } else { 52 }
    }

    fn section_size(self) -> usize {
        if self.class == Class::Elf64 { 64 } else { 40 }
    }

    /// A number as wide as an address.
    fn wide(self, bytes: &[u8], at: usize) -> u64 {
        match self.class {
            Class::Elf64 => self.endian.u64(bytes, at),
            Class::Elf32 => u64::from(self.endian.u32(bytes, at)),
        }
    }

    /// Where the header says: the place of the section headers; their size, their number, and the section of their names.
    fn fields(self) -> [usize; 4] {
        if self.class == Class::Elf64 { [0x28, 0x3a, 0x3c, 0x3e] } else { [0x20, 0x2e, 0x30, 0x32] }
    }

    /// Reads the section headers; none if they make no sense.
    fn sections(self, bytes: &[u8]) -> Option<Sections> {
        let none = Sections { all: vec![], names: None };
        let [place, size, count, names] = self.fields();
        let place = usize::try_from(self.wide(bytes, place)).ok()?;
        if place == 0 {
            return Some(none);
        }
        if usize::from(self.endian.u16(bytes, size)) != self.section_size() {
            return None;
        }
        let raw = |number: usize| {
            let start = place.checked_add(number.checked_mul(self.section_size())?)?;
            bytes.get(start..start.checked_add(self.section_size())?)
        };
        let first = self.section(raw(0)?);
        // Numbers that are too large for the header stand in the first section.
        let count = match usize::from(self.endian.u16(bytes, count)) {
            0 => usize::try_from(first.size).ok()?,
            count => count,
        };
        let names = match u32::from(self.endian.u16(bytes, names)) {
            SHN_XINDEX => first.link as usize,
            names => names as usize,
        };
        if count > MAX_SECTIONS || names == 0 || names >= count {
            return None;
        }
        let text = self.section(raw(names)?);
        let text = text.bytes(bytes)?;
        let mut all = vec![];
        for number in 0..count {
            let raw = raw(number)?;
            let name = text.get(self.endian.u32(raw, 0) as usize..)?;
            let end = name.iter().position(|byte| *byte == 0)?;
            // No name that counts is longer.
            if end > 1 << 10 {
                return None;
            }
            all.push(Section { name: name[..end].to_vec(), ..self.section(raw) });
        }
        Some(Sections { all, names: Some(names) })
    }

    fn section(self, raw: &[u8]) -> Section {
        let kind = self.endian.u32(raw, 4);
        let step = if self.class == Class::Elf64 { 8 } else { 4 };
        let wide = |number: usize| self.wide(raw, 8 + number * step);
        let words = 8 + 4 * step;
        let after = |number: usize| self.wide(raw, words + 8 + number * step);
        Section {
            name: vec![],
            kind,
            flags: wide(0),
            address: wide(1),
            offset: wide(2),
            size: wide(3),
            link: self.endian.u32(raw, words),
            info: self.endian.u32(raw, words + 4),
            align: after(0),
            entry: after(1),
        }
    }

    /// Writes the result: all up to where what is loaded ends, the other sections that stay, and new headers.
    fn write(self, bytes: &[u8], loaded: u64, all: &[Section], kept: &Kept) -> Option<Vec<u8>> {
        let mut out = bytes.get(..usize::try_from(loaded).ok()?)?.to_vec();
        let mut names = vec![0];
        let mut headers: Vec<(u32, Section)> = vec![];
        for old in &kept.order {
            let Some(section) = old.and_then(|old| all.get(old)) else {
                headers.push((0, Section::default()));
                continue;
            };
            let name = if section.name.is_empty() { 0 } else { u32::try_from(names.len()).ok()? };
            if name > 0 {
                names.extend(&section.name);
                names.push(0);
            }
            headers.push((name, section.clone()));
        }
        for (number, (_, section)) in headers.iter_mut().enumerate() {
            let content = if number == kept.names { names.as_slice() } else { section.bytes(bytes)? };
            section.link = kept.number(section.link);
            if section.is_relocations() || section.flags & u64::from(SHF_INFO_LINK) != 0 {
                section.info = kept.number(section.info);
            }
            let is_below = section.offset.checked_add(content.len() as u64)? <= loaded;
            if matches!(section.kind, SHT_NULL | SHT_NOBITS) || (is_below && number != kept.names) {
                continue;
            }
            let align = usize::try_from(section.align.clamp(1, 1 << 12)).ok()?;
            out.resize(out.len().next_multiple_of(align), 0);
            section.offset = out.len() as u64;
            section.size = content.len() as u64;
            out.extend(content);
            // Sections that lie upon each other would become more with each.
            if out.len() > bytes.len() + MAX_PADDING {
                return None;
            }
        }
        // Those numbers stood here only where they are too large for the header.
        let count = u16::try_from(headers.len()).ok()?;
        if let Some((_, first)) = headers.first_mut() {
            (first.size, first.link) = (0, 0);
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let place = out.len() as u64;
        for (name, section) in &headers {
            self.write_section(&mut out, *name, section);
        }
        let [place_at, _, count_at, names_at] = self.fields();
        let mut wide = vec![];
        self.push(&mut wide, place);
        out.get_mut(place_at..place_at + wide.len())?.copy_from_slice(&wide);
        for (at, number) in [(count_at, count), (names_at, u16::try_from(kept.names).ok()?)] {
            let number = match self.endian {
                Endian::Little => number.to_le_bytes(),
                Endian::Big => number.to_be_bytes(),
            };
            out.get_mut(at..at + 2)?.copy_from_slice(&number);
        }
        Some(out)
    }

    fn write_section(self, out: &mut Vec<u8>, name: u32, section: &Section) {
        self.push_u32(out, name);
        self.push_u32(out, section.kind);
        for number in [section.flags, section.address, section.offset, section.size] {
            self.push(out, number);
        }
        self.push_u32(out, section.link);
        self.push_u32(out, section.info);
        self.push(out, section.align);
        self.push(out, section.entry);
    }

    /// A number as wide as an address. A file of 32 bits had it in as many.
    fn push(self, out: &mut Vec<u8>, number: u64) {
        match (self.class, self.endian) {
            (Class::Elf64, Endian::Little) => out.extend(number.to_le_bytes()),
            (Class::Elf64, Endian::Big) => out.extend(number.to_be_bytes()),
            (Class::Elf32, _) => self.push_u32(out, u32::try_from(number).unwrap_or(u32::MAX)),
        }
    }

    fn push_u32(self, out: &mut Vec<u8>, number: u32) {
        match self.endian {
            Endian::Little => out.extend(number.to_le_bytes()),
            Endian::Big => out.extend(number.to_be_bytes()),
        }
    }
}
