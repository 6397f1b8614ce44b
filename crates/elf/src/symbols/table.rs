//! The dynamic symbol table of one file: what it defines, and what it needs of others.

use super::hash::{Candidates, Hash, Name};
use super::relocations::{self, References};
use crate::image::{Entries, Image};
use crate::versions::Tables;
use crate::window::Strings;
use crate::{Class, ElfError, Endian};
use goblin::elf::dynamic::{
    DF_1_NOW, DF_BIND_NOW, DT_BIND_NOW, DT_FLAGS, DT_FLAGS_1, DT_STRSZ, DT_STRTAB, DT_SYMTAB, DT_VERDEF,
    DT_VERNEED, DT_VERSYM,
};
use goblin::elf::header::EM_MIPS;
use tree::Content;

/// The most symbols that are read of one file.
const MAX_SYMBOLS: u64 = 1 << 23;
/// The most bytes of names that are read of one file.
const MAX_STRINGS: u64 = 512 << 20;
const DT_MIPS_SYMTABNO: u64 = 0x7000_0011;
const DT_MIPS_GOTSYM: u64 = 0x7000_0013;
const STO_MIPS_PLT: u8 = 8;

/// The dynamic symbols of a file, as much of them as decides which symbol is which.
pub(crate) struct SymbolTable {
    endian: Endian,
    class: Class,
    pub is_mips: bool,
    symbols: Vec<u8>,
    strings: Vec<u8>,
    hash: Hash,
    /// The numbers of the symbols' versions; empty if symbols have none.
    version_numbers: Vec<u8>,
    versions: Vec<Version>,
    /// What a loader looks up for this file, by number.
    pub imports: Vec<Import>,
    /// Are calls bound before the program starts?
    pub binds_now: bool,
}

/// A dynamic symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Symbol {
    name: u32,
    pub kind: u8,
    pub binding: u8,
    visibility: u8,
    /// Is it marked on MIPS as the address of a function elsewhere?
    pub is_mips_plt: bool,
    pub section: u16,
    pub value: u64,
}

/// The version of a symbol, needed or defined.
#[derive(Debug, Clone, Default)]
pub(crate) struct Version {
    /// Empty for the file's own name, and for none.
    pub name: String,
    /// Does a symbol without a version not do in its place?
    pub is_exact: bool,
    /// The library that it is needed of.
    pub library: Option<String>,
}

/// A symbol that a loader looks up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Import {
    pub symbol: u32,
    pub references: References,
}

/// `SHN_UNDEF` and `SHN_ABS`.
pub(crate) const UNDEFINED: u16 = 0;
pub(crate) const ABSOLUTE: u16 = 0xfff1;
/// `STT_TLS`.
pub(crate) const TLS: u8 = 6;
/// `STT_FUNC`, `STT_SECTION`.
const FUNCTION: u8 = 2;
const SECTION: u8 = 3;
/// `STB_LOCAL`, `STB_GLOBAL`, `STB_WEAK`, `STB_GNU_UNIQUE`.
pub(crate) const LOCAL: u8 = 0;
pub(crate) const GLOBAL: u8 = 1;
pub(crate) const WEAK: u8 = 2;
pub(crate) const UNIQUE: u8 = 10;

impl SymbolTable {
    /// Reads the table; none if the file has none.
    pub fn read(content: &Content) -> Result<Option<Self>, ElfError> {
        let Some(mut image) = Image::open(content)? else { return Ok(None) };
        let Some(entries) = image.entries()? else { return Ok(None) };
        let (Some(symbols_at), Some(strings_at)) = (entries.last(DT_SYMTAB), entries.last(DT_STRTAB)) else {
            return Ok(None);
        };
        let machine = image.machine;
        let size = if machine.class == Class::Elf64 { 24 } else { 16 };
        let (start, end) = image.range(symbols_at, "its symbols")?;
        let room = ((end - start) / size).min(MAX_SYMBOLS);

        let is_mips = machine.machine == EM_MIPS;
        let got = entries.last(DT_MIPS_SYMTABNO).zip(entries.last(DT_MIPS_GOTSYM)).filter(|_| is_mips);
        let hash = Hash::read(&mut image, &entries, got.map(|(end, _)| end))?;
        let mut references = relocations::read(&mut image, &entries, room)?;
        let count = hash.end().max(references.len() as u64).max(got.map_or(0, |(end, _)| end));
        if count > room {
            return Err(image.file.damaged(format!("it has {count} symbols, of which {room} are there")));
        }
        let symbols = image.file.take(start, count * size, MAX_SYMBOLS * size, "its symbols")?;
        let strings = Strings::whole(
            &mut image.file,
            &image.segments,
            strings_at,
            entries.last(DT_STRSZ).unwrap_or(0),
            MAX_STRINGS,
        )?;
        let versions = read_versions(&mut image, &entries, &strings)?;
        let version_numbers = match entries.last(DT_VERSYM) {
            Some(vaddr) => {
                let (start, _) = image.range(vaddr, "the versions of its symbols")?;
                image.file.take(start, count * 2, MAX_SYMBOLS * 2, "the versions of its symbols")?
            }
            None => vec![],
        };
        let flag = |tag, bit| entries.last(tag).unwrap_or(0) & bit != 0;
        let mut table = SymbolTable {
            endian: machine.endian,
            class: machine.class,
            is_mips,
            symbols,
            strings: strings.into_bytes(),
            hash,
            version_numbers,
            versions,
            imports: vec![],
            binds_now: entries.last(DT_BIND_NOW).is_some()
                || flag(DT_FLAGS, DF_BIND_NOW)
                || flag(DT_FLAGS_1, DF_1_NOW),
        };
        if let Some((end, first)) = got {
            table.refer_from_got(first, end, &mut references);
        }
        table.imports = table.imports_of(&references);
        Ok(Some(table))
    }

    /// The symbol of a number.
    pub fn symbol(&self, number: u32) -> Option<Symbol> {
        let (size, at) = match self.class {
            Class::Elf64 => (24, [4, 5, 6, 8]),
            Class::Elf32 => (16, [12, 13, 14, 4]),
        };
        let start = (number as usize).checked_mul(size)?;
        let bytes = self.symbols.get(start..start.checked_add(size)?)?;
        let [info, other, section, value] = at;
        let (info, other) = (bytes[info], bytes[other]);
        Some(Symbol {
            name: self.endian.u32(bytes, 0),
            kind: info & 0xf,
            binding: info >> 4,
            visibility: other & 3,
            is_mips_plt: other & STO_MIPS_PLT != 0,
            section: self.endian.u16(bytes, section),
            value: match self.class {
                Class::Elf64 => self.endian.u64(bytes, value),
                Class::Elf32 => self.endian.u32(bytes, value).into(),
            },
        })
    }

    /// The name of a symbol, empty where it lies outside of the table of names.
    pub fn name(&self, symbol: &Symbol) -> &[u8] {
        let rest = self.strings.get(symbol.name as usize..).unwrap_or(&[]);
        rest.split(|byte| *byte == 0).next().unwrap_or(&[])
    }

    /// Is that the name of the symbol?
    pub fn is_named(&self, symbol: &Symbol, name: &[u8]) -> bool {
        let rest = self.strings.get(symbol.name as usize..).unwrap_or(&[]);
        rest.get(name.len()) == Some(&0) && rest.starts_with(name)
    }

    /// The number of the version of a symbol, and whether it is not for those who ask for none; none
    /// if symbols have no versions.
    pub fn version_number(&self, symbol: u32) -> Option<(u16, bool)> {
        let at = (symbol as usize).checked_mul(2).filter(|at| at + 2 <= self.version_numbers.len())?;
        let number = self.endian.u16(&self.version_numbers, at);
        Some((number & 0x7fff, number & 0x8000 != 0))
    }

    /// Does the file define or need any versions?
    pub fn has_versions(&self) -> bool {
        !self.versions.is_empty()
    }

    /// The version of a number; none for a number that stands for no version.
    pub fn version(&self, number: u16) -> Option<&Version> {
        self.versions.get(usize::from(number)).filter(|version| !version.name.is_empty())
    }

    /// The version that is asked for when a symbol of this file is looked up.
    pub fn wanted_version(&self, symbol: u32) -> Option<&Version> {
        self.version(self.version_number(symbol)?.0)
    }

    /// The symbols that may have a name.
    pub fn candidates(&self, name: &Name<'_>) -> Candidates<'_> {
        self.hash.candidates(name)
    }

    /// How much memory it takes, roughly, in bytes.
    pub fn weight(&self) -> usize {
        2 * self.symbols.len() + self.strings.len()
    }

    /// On MIPS, all symbols of the global offset table are looked up.
    fn refer_from_got(&self, first: u64, end: u64, references: &mut Vec<References>) {
        let (first, end) = (u32::try_from(first).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(0));
        references.resize(references.len().max(end as usize), References::default());
        for number in first..end {
            let Some(symbol) = self.symbol(number) else { return };
            let is_stub = symbol.kind == FUNCTION && symbol.value != 0 && !symbol.is_mips_plt;
            references[number as usize].add(match symbol.section {
                UNDEFINED if is_stub => References::CALLS,
                UNDEFINED => References::DATA,
                _ if symbol.kind == SECTION => References::default(),
                _ => References::DATA,
            });
        }
    }

    /// What of the symbols that are referred to is not plainly this file's own.
    fn imports_of(&self, references: &[References]) -> Vec<Import> {
        let mut imports = vec![];
        for (number, references) in (0u32..).zip(references).filter(|(_, references)| !references.is_none()) {
            let Some(symbol) = self.symbol(number) else { continue };
            if symbol.binding == LOCAL || symbol.is_hidden() {
                continue;
            }
            let is_own = symbol.section != UNDEFINED && symbol.value != 0;
            if !is_own || references.has(References::COPY) {
                imports.push(Import { symbol: number, references: *references });
            }
        }
        imports
    }
}

impl Symbol {
    /// Is it seen in its own file only?
    pub fn is_hidden(&self) -> bool {
        matches!(self.visibility, 1 | 2)
    }
}

/// The versions of a file, by number.
fn read_versions(
    image: &mut Image<'_>,
    entries: &Entries,
    strings: &Strings,
) -> Result<Vec<Version>, ElfError> {
    let endian = image.machine.endian;
    let mut tables = Tables { file: &mut image.file, segments: &image.segments, strings, endian };
    let mut versions: Vec<Version> = vec![];
    let mut put = |number: u16, version| {
        let number = usize::from(number & 0x7fff);
        if versions.len() <= number {
            versions.resize(number + 1, Version::default());
        }
        versions[number] = version;
    };
    if let Some(at) = entries.last(DT_VERNEED) {
        for (number, need) in tables.needs(at)? {
            let is_exact = number & 0x8000 != 0;
            put(number, Version { name: need.version, is_exact, library: Some(need.library) });
        }
    }
    if let Some(at) = entries.last(DT_VERDEF) {
        for (number, name) in tables.definitions(at)? {
            put(number, Version { name, is_exact: false, library: None });
        }
    }
    Ok(versions)
}
