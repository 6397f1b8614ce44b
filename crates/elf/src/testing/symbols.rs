//! The dynamic symbols of hand-made files, with the hash table and the relocations that refer to them.

use crate::{Class, Endian, Machine};

/// A dynamic symbol to be.
#[derive(Debug, Clone)]
pub struct Symbol {
    name: String,
    version: Option<String>,
    is_default: bool,
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    by: By,
}

/// What refers to a symbol.
#[derive(Debug, Clone, Copy)]
enum By {
    Nothing,
    Data,
    Call,
    Copy,
    Type(u32),
}

/// The tables, as bytes.
pub(super) struct Tables {
    pub symbols: Vec<u8>,
    pub hash: Vec<u8>,
    pub versions: Vec<u8>,
    pub relocations: Vec<u8>,
}

impl Symbol {
    /// A global function that is defined, with an address. `name@@V` has the version V; `name@V` has it
    /// for those who ask for it only.
    pub fn defined(name: &str) -> Self {
        let (name, version) =
            name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)));
        Symbol {
            name: name.into(),
            version: version.map(|version| version.trim_start_matches('@').into()),
            is_default: version.is_none_or(|version| version.starts_with('@')),
            info: 0x12,
            other: 0,
            section: 1,
            value: 0x1000,
            by: By::Nothing,
        }
    }

    /// A global symbol that is not defined, and that data refers to. `name@V` needs the version V.
    pub fn undefined(name: &str) -> Self {
        Symbol { section: 0, value: 0, info: 0x10, by: By::Data, is_default: true, ..Symbol::defined(name) }
    }

    /// The same, weak.
    pub fn weak(self) -> Self {
        self.binding(2)
    }

    /// The same with this binding.
    pub fn binding(self, binding: u8) -> Self {
        Symbol { info: binding << 4 | self.info & 0xf, ..self }
    }

    /// The same with this type.
    pub fn kind(self, kind: u8) -> Self {
        Symbol { info: self.info & 0xf0 | kind, ..self }
    }

    /// The same with these bits in `st_other`, the lowest two of which are its visibility.
    pub fn other(self, other: u8) -> Self {
        Symbol { other, ..self }
    }

    /// The same in this section with this value.
    pub fn at(self, section: u16, value: u64) -> Self {
        Symbol { section, value, ..self }
    }

    /// The same, and nothing refers to it.
    pub fn unused(self) -> Self {
        Symbol { by: By::Nothing, ..self }
    }

    /// The same, and a call refers to it.
    pub fn called(self) -> Self {
        Symbol { by: By::Call, ..self }
    }

    /// The same, and its content is copied from where it is defined else.
    pub fn copied(self) -> Self {
        Symbol { by: By::Copy, ..self }
    }

    /// The same, and a relocation of this type refers to it.
    pub fn relocated(self, kind: u32) -> Self {
        Symbol { by: By::Type(kind), ..self }
    }

    fn is_undefined(&self) -> bool {
        self.section == 0
    }

    fn relocation(&self, machine: &Machine) -> Option<u32> {
        let [data, call, copy] = match machine.machine {
            183 => [1025, 1026, 1024],
            40 => [21, 22, 20],
            22 => [10, 11, 9],
            243 => [2, 5, 4],
            21 => [38, 21, 19],
            8 => [3, 127, 126],
            _ => [6, 7, 5],
        };
        match self.by {
            By::Nothing => None,
            By::Data => Some(data),
            By::Call => Some(call),
            By::Copy => Some(copy),
            By::Type(kind) => Some(kind),
        }
    }
}

/// The tables of symbols: first those that are not defined, as hash tables have it. `name` puts a name
/// into the table of strings, `version` tells the number of a version.
pub(super) fn tables(
    symbols: &[Symbol],
    machine: &Machine,
    with_gnu_hash: bool,
    mut name: impl FnMut(&str) -> u64,
    version: impl Fn(&str) -> u16,
) -> Tables {
    if symbols.is_empty() {
        return Tables { symbols: vec![], hash: vec![], versions: vec![0; 2], relocations: vec![] };
    }
    let is_64 = machine.class == Class::Elf64;
    let out = |bytes: &mut Vec<u8>, number: u64, len: usize| match machine.endian {
        Endian::Little => bytes.extend(&number.to_le_bytes()[..len]),
        Endian::Big => bytes.extend(&number.to_be_bytes()[8 - len..]),
    };
    let (undefined, defined): (Vec<&Symbol>, Vec<&Symbol>) =
        symbols.iter().partition(|symbol| symbol.is_undefined() && (with_gnu_hash && symbol.value == 0));
    let first = undefined.len() + 1;
    let sorted: Vec<&Symbol> = undefined.into_iter().chain(defined).collect();

    let mut tables = Tables {
        symbols: vec![0; if is_64 { 24 } else { 16 }],
        hash: vec![],
        versions: vec![0; 2],
        relocations: vec![],
    };
    for (number, symbol) in (1u64..).zip(&sorted) {
        let table = &mut tables.symbols;
        out(table, name(&symbol.name), 4);
        if is_64 {
            table.extend([symbol.info, symbol.other]);
            out(table, symbol.section.into(), 2);
            out(table, symbol.value, 8);
            out(table, 0, 8);
        } else {
            out(table, symbol.value, 4);
            out(table, 0, 4);
            table.extend([symbol.info, symbol.other]);
            out(table, symbol.section.into(), 2);
        }
        let hidden = if symbol.is_default { 0 } else { 0x8000 };
        out(
            &mut tables.versions,
            symbol.version.as_deref().map_or(1, |name| version(name) | hidden).into(),
            2,
        );
        let Some(kind) = symbol.relocation(machine) else { continue };
        let table = &mut tables.relocations;
        if machine.machine == 8 && is_64 {
            out(table, 0x1000, 8);
            out(table, number, 4);
            table.extend([0, 0, 0, kind as u8]);
            out(table, 0, 8);
        } else if is_64 {
            out(table, 0x1000, 8);
            out(table, number << 32 | u64::from(kind), 8);
            out(table, 0, 8);
        } else {
            out(table, 0x1000, 4);
            out(table, number << 8 | u64::from(kind), 4);
        }
    }
    let hash = &mut tables.hash;
    if with_gnu_hash {
        let names: Vec<u32> = sorted[first - 1..].iter().map(|symbol| gnu_hash(&symbol.name)).collect();
        let (bits, len) = if is_64 { (64, 8) } else { (32, 4) };
        let filter =
            names.iter().fold(0u64, |word, hash| word | 1 << (hash % bits) | 1 << ((hash >> 5) % bits));
        for number in [1, first as u64, 1, 5] {
            out(hash, number, 4);
        }
        out(hash, filter, len);
        out(hash, if names.is_empty() { 0 } else { first as u64 }, 4);
        for (at, value) in names.iter().enumerate() {
            let end = u32::from(at + 1 == names.len());
            out(hash, (value & !1 | end).into(), 4);
        }
    } else {
        // One bucket, in which each symbol leads to the next.
        let len = if machine.machine == 22 && is_64 { 8 } else { 4 };
        let count = sorted.len() as u64 + 1;
        for number in [1, count, u64::from(count > 1), 0] {
            out(hash, number, len);
        }
        for number in 1..count {
            out(hash, if number + 1 == count { 0 } else { number + 1 }, len);
        }
    }
    tables
}

fn gnu_hash(name: &str) -> u32 {
    name.bytes().fold(5381, |hash: u32, byte| hash.wrapping_mul(33).wrapping_add(byte.into()))
}
