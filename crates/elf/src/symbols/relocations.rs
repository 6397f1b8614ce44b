//! Which symbols the relocations of a file refer to, and what for: a loader looks up these and no
//! others.

use crate::image::{Entries, Image};
use crate::machine::EM_LOONGARCH;
use crate::{Abi, Class, ElfError, Machine};
use goblin::elf::dynamic::{
    DT_JMPREL, DT_PLTREL, DT_PLTRELSZ, DT_REL, DT_RELA, DT_RELACOUNT, DT_RELASZ, DT_RELCOUNT, DT_RELSZ,
};
use goblin::elf::header as eh;

/// The most bytes of relocations that are read of one file.
const MAX_RELOCATIONS: u64 = 1 << 30;
/// How much of them is read at a time: whole relocations of any size.
const STEP: u64 = 24 * 4096;

const TABLE: &str = "its relocations";

/// What refers to a symbol, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct References(u8);

impl References {
    /// Data, or a function whose address is taken.
    pub const DATA: References = References(1);
    /// Calls by way of a table, which may wait until the first call.
    pub const CALLS: References = References(2);
    /// A variable of each thread, or what else must be defined elsewhere than by an address that a
    /// program made up for a function it calls.
    pub const STRICT: References = References(4);
    /// A variable that a program has a copy of: its content comes from somebody else.
    pub const COPY: References = References(8);

    pub fn has(self, other: References) -> bool {
        self.0 & other.0 != 0
    }

    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    pub fn add(&mut self, other: References) {
        self.0 |= other.0;
    }
}

/// Reads what refers to each symbol, by its number. Symbols from `limit` on are not there.
pub(crate) fn read(
    image: &mut Image<'_>,
    entries: &Entries,
    limit: u64,
) -> Result<Vec<References>, ElfError> {
    let mut found = vec![];
    for (tag, size, count, has_addend) in
        [(DT_REL, DT_RELSZ, DT_RELCOUNT, false), (DT_RELA, DT_RELASZ, DT_RELACOUNT, true)]
    {
        let Some(vaddr) = entries.last(tag).filter(|vaddr| *vaddr != 0) else { continue };
        let size = entries.last(size).unwrap_or(0);
        // The first ones refer to no symbol, and are most of all.
        let skipped = entries.last(count).unwrap_or(0).saturating_mul(length(&image.machine, has_addend));
        let (Some(vaddr), Some(size)) = (vaddr.checked_add(skipped), size.checked_sub(skipped)) else {
            continue;
        };
        read_table(image, vaddr, size, has_addend, limit, &mut found)?;
    }
    if let (Some(vaddr), Some(size)) = (entries.last(DT_JMPREL), entries.last(DT_PLTRELSZ)) {
        let has_addend = entries.last(DT_PLTREL) == Some(DT_RELA);
        read_table(image, vaddr, size, has_addend, limit, &mut found)?;
    }
    Ok(found)
}

fn read_table(
    image: &mut Image<'_>,
    vaddr: u64,
    size: u64,
    has_addend: bool,
    limit: u64,
    found: &mut Vec<References>,
) -> Result<(), ElfError> {
    if size == 0 {
        return Ok(());
    }
    if size > MAX_RELOCATIONS {
        return Err(image.file.damaged(format!("{TABLE} have {size} bytes, more than {MAX_RELOCATIONS}")));
    }
    let (start, _) = image.range(vaddr, TABLE)?;
    let length = length(&image.machine, has_addend);
    let size = size - size % length;
    let mut at = 0;
    while at < size {
        let bytes = image.file.take(start + at, STEP.min(size - at), STEP, TABLE)?;
        at += bytes.len() as u64;
        for relocation in bytes.chunks_exact(usize::try_from(length).unwrap_or(8)) {
            let (symbol, kind) = parse(relocation, &image.machine);
            let Some(reference) = reference(&image.machine, kind).filter(|_| symbol != 0) else { continue };
            if u64::from(symbol) >= limit {
                return Err(image
                    .file
                    .damaged(format!("{TABLE} refer to a symbol {symbol} that is not there")));
            }
            let symbol = symbol as usize;
            if found.len() <= symbol {
                found.resize(symbol + 1, References::default());
            }
            found[symbol].add(reference);
        }
    }
    Ok(())
}

/// The bytes of one relocation.
fn length(machine: &Machine, has_addend: bool) -> u64 {
    let word = if machine.class == Class::Elf64 { 8 } else { 4 };
    if has_addend { 3 * word } else { 2 * word }
}

/// The number of the symbol, and the type.
fn parse(relocation: &[u8], machine: &Machine) -> (u32, u32) {
    let endian = machine.endian;
    match machine.class {
        Class::Elf32 => {
            let info = endian.u32(relocation, 4);
            (info >> 8, info & 0xff)
        }
        // Three types in one, the first of them in the last byte, whatever the byte order.
        Class::Elf64 if machine.machine == eh::EM_MIPS => {
            (endian.u32(relocation, 8), relocation.get(15).copied().unwrap_or(0).into())
        }
        Class::Elf64 => {
            let info = endian.u64(relocation, 8);
            ((info >> 32) as u32, info as u32)
        }
    }
}

/// What a relocation of this type looks its symbol up for; none if it does not look it up. The types
/// are those for which glibc's `elf_machine_type_class` gives anything but 0.
fn reference(machine: &Machine, kind: u32) -> Option<References> {
    use References as R;
    let (calls, copy, is_strict) = match machine.machine {
        eh::EM_X86_64 => (7, 5, matches!(kind, 16 | 17 | 18 | 36)),
        eh::EM_386 => (7, 5, matches!(kind, 14 | 35 | 36 | 37 | 41)),
        eh::EM_AARCH64 => (1026, 1024, matches!(kind, 1028..=1031)),
        eh::EM_ARM => (22, 20, matches!(kind, 13 | 17 | 18 | 19)),
        eh::EM_PPC => (21, 19, matches!(kind, 2 | 10 | 68..=78)),
        eh::EM_PPC64 if machine.abi == Abi::ElfV1 => (21, 19, true),
        eh::EM_PPC64 => (21, 19, matches!(kind, 2 | 67..=106 | 112..=115)),
        eh::EM_S390 => (11, 9, matches!(kind, 54..=56)),
        eh::EM_RISCV if machine.class == Class::Elf32 => (5, 4, matches!(kind, 6 | 8 | 10)),
        eh::EM_RISCV => (5, 4, matches!(kind, 7 | 9 | 11)),
        EM_LOONGARCH => (5, 4, false),
        // Data has its symbols in the global offset table.
        eh::EM_MIPS if matches!(kind, 3 | 18 | 51) => return None,
        eh::EM_MIPS => (127, 126, false),
        _ => (u32::MAX, u32::MAX, false),
    };
    Some(match kind {
        0 => return None,
        kind if kind == calls => R::CALLS,
        kind if kind == copy => R::COPY,
        _ if is_strict => R::STRICT,
        _ => R::DATA,
    })
}
