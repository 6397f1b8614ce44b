//! The hash tables by which a loader finds a symbol by its name: GNU's with its filter, that of MIPS,
//! and the one of the gABI.

use crate::image::{Entries, Image};
use crate::{Class, ElfError, Endian, Machine};
use goblin::elf::dynamic::{DT_GNU_HASH, DT_HASH};
use goblin::elf::header::EM_MIPS;
use std::cell::OnceCell;

/// The largest hash table that is read, in bytes.
const MAX_HASH: u64 = 256 << 20;
/// GNU's table on MIPS, where the order of the symbols is not free: a further table leads from the
/// places of the chains to the symbols.
const DT_MIPS_XHASH: u64 = 0x7000_0036;
/// How many places of the last chain are read at a time.
const STEP: u64 = 64;

const TABLE: &str = "the hash table of its symbols";

/// A name that is looked for, with its hashes.
pub(crate) struct Name<'n> {
    pub text: &'n [u8],
    gnu: u32,
    sysv: OnceCell<u32>,
}

/// The hash table of a file.
pub(crate) enum Hash {
    /// Nothing is found in the file.
    None,
    Gnu(Gnu),
    Sysv(Sysv),
}

/// `DT_GNU_HASH` or `DT_MIPS_XHASH`.
pub(crate) struct Gnu {
    filter: Vec<u64>,
    shift: u32,
    /// The bits of a word of the filter.
    bits: u32,
    buckets: Vec<u32>,
    /// The number of the first symbol that the chains are about.
    first: u32,
    chains: Vec<u32>,
    /// On MIPS: which symbol stands for each place of the chains.
    translation: Option<Vec<u32>>,
}

/// `DT_HASH`.
pub(crate) struct Sysv {
    buckets: Vec<u32>,
    chains: Vec<u32>,
}

/// The symbols that may have a name, in the order in which a loader looks at them.
pub(crate) enum Candidates<'t> {
    None,
    Gnu { table: &'t Gnu, hash: u32, at: usize },
    Sysv { table: &'t Sysv, at: u32, left: usize },
}

impl<'n> Name<'n> {
    pub fn new(text: &'n [u8]) -> Self {
        let gnu = text.iter().fold(5381u32, |hash, byte| hash.wrapping_mul(33).wrapping_add((*byte).into()));
        Name { text, gnu, sysv: OnceCell::new() }
    }

    fn sysv(&self) -> u32 {
        *self.sysv.get_or_init(|| {
            self.text.iter().fold(0u32, |hash, byte| {
                let hash = (hash << 4).wrapping_add((*byte).into());
                (hash ^ ((hash >> 24) & 0xf0)) & 0x0fff_ffff
            })
        })
    }
}

impl Hash {
    /// Reads the table that a loader would use.
    pub fn read(
        image: &mut Image<'_>,
        entries: &Entries,
        mips_symbols: Option<u64>,
    ) -> Result<Self, ElfError> {
        let tag = if image.machine.machine == EM_MIPS { DT_MIPS_XHASH } else { DT_GNU_HASH };
        if let Some(vaddr) = entries.last(tag) {
            return Ok(Hash::Gnu(Gnu::read(image, vaddr, mips_symbols)?));
        }
        match entries.last(DT_HASH) {
            Some(vaddr) => Ok(Hash::Sysv(Sysv::read(image, vaddr)?)),
            None => Ok(Hash::None),
        }
    }

    /// The number after that of the last symbol the table is about.
    pub fn end(&self) -> u64 {
        match self {
            Hash::None => 0,
            Hash::Gnu(Gnu { translation: Some(symbols), .. }) => {
                symbols.iter().max().map_or(0, |last| u64::from(*last) + 1)
            }
            Hash::Gnu(gnu) => u64::from(gnu.first) + gnu.chains.len() as u64,
            Hash::Sysv(sysv) => sysv.chains.len() as u64,
        }
    }

    /// The symbols that may have the name.
    pub fn candidates(&self, name: &Name<'_>) -> Candidates<'_> {
        match self {
            Hash::Gnu(table) => match table.start(name.gnu) {
                Some(at) => Candidates::Gnu { table, hash: name.gnu, at },
                None => Candidates::None,
            },
            Hash::Sysv(table) if !table.buckets.is_empty() => {
                let bucket = name.sysv() as usize % table.buckets.len();
                let at = table.buckets.get(bucket).copied().unwrap_or(0);
                Candidates::Sysv { table, at, left: table.chains.len() }
            }
            _ => Candidates::None,
        }
    }
}

impl Iterator for Candidates<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Candidates::None => None,
            Candidates::Gnu { table, hash, at } => loop {
                let (place, entry) = (*at, *table.chains.get(*at)?);
                *at = if entry & 1 == 0 { place + 1 } else { usize::MAX };
                if (entry ^ *hash) >> 1 == 0 {
                    return match &table.translation {
                        Some(symbols) => symbols.get(place).copied(),
                        None => table.first.checked_add(u32::try_from(place).ok()?),
                    };
                }
            },
            Candidates::Sysv { table, at, left } => {
                let symbol = *at;
                *left = left.checked_sub(1).filter(|_| symbol != 0)?;
                *at = table.chains.get(symbol as usize).copied().unwrap_or(0);
                Some(symbol)
            }
        }
    }
}

impl Gnu {
    fn read(image: &mut Image<'_>, vaddr: u64, mips_symbols: Option<u64>) -> Result<Self, ElfError> {
        let (start, end) = image.range(vaddr, TABLE)?;
        let endian = image.machine.endian;
        let header = image.file.take(start, 16, MAX_HASH, TABLE)?;
        let [buckets, first, words, shift] = [0, 4, 8, 12].map(|at| endian.u32(&header, at));
        let (word, bits) = if image.machine.class == Class::Elf64 { (8u64, 64) } else { (4, 32) };
        if !words.is_power_of_two() {
            return Err(image.file.damaged(format!("{TABLE} has a filter of {words} words")));
        }
        let filter_len = u64::from(words) * word;
        let chains_at = start + 16 + filter_len + u64::from(buckets) * 4;
        let bytes = image.file.take(start + 16, chains_at - start - 16, MAX_HASH, TABLE)?;
        let (filter, buckets) = bytes.split_at(usize::try_from(filter_len).unwrap_or(0));
        let filter = match word {
            8 => (0..words as usize).map(|at| endian.u64(filter, at * 8)).collect(),
            _ => numbers(filter, endian, 4).into_iter().map(u64::from).collect(),
        };
        let buckets = numbers(buckets, endian, 4);
        let mut gnu = Gnu { filter, shift, bits, buckets, first, chains: vec![], translation: None };
        if let Some(symbols) = mips_symbols {
            let count = symbols.saturating_sub(first.into());
            gnu.chains = read_numbers(image, chains_at, count, 4)?;
            gnu.translation = Some(read_numbers(image, chains_at + count * 4, count, 4)?);
            return Ok(gnu);
        }
        let Some(last) = gnu.buckets.iter().max().copied().filter(|last| *last >= first && *last != 0) else {
            return Ok(gnu);
        };
        // How long the last chain is only its end tells.
        let mut count = u64::from(last - first) + 1;
        gnu.chains = read_numbers(image, chains_at, count, 4)?;
        while gnu.chains.last().is_some_and(|entry| entry & 1 == 0) {
            let step = STEP.min(end.saturating_sub(chains_at + count * 4) / 4);
            let more = read_numbers(image, chains_at + count * 4, step, 4)?;
            let len = more.iter().position(|entry| entry & 1 != 0).map_or(more.len(), |at| at + 1);
            if len == 0 {
                return Err(image.file.damaged(format!("{TABLE} has no end")));
            }
            gnu.chains.extend(&more[..len]);
            count += len as u64;
        }
        Ok(gnu)
    }

    /// The place in the chains where symbols with such a hash are, if there may be any.
    fn start(&self, hash: u32) -> Option<usize> {
        let word = self.filter.get((hash / self.bits) as usize & (self.filter.len() - 1))?;
        let second = hash.checked_shr(self.shift).unwrap_or(0);
        if (word >> (hash % self.bits)) & (word >> (second % self.bits)) & 1 == 0 || self.buckets.is_empty() {
            return None;
        }
        let bucket = *self.buckets.get(hash as usize % self.buckets.len())?;
        bucket.checked_sub(self.first).filter(|_| bucket != 0).map(|at| at as usize)
    }
}

impl Sysv {
    fn read(image: &mut Image<'_>, vaddr: u64) -> Result<Self, ElfError> {
        let (start, _) = image.range(vaddr, TABLE)?;
        let word = word(&image.machine);
        let header = read_numbers(image, start, 2, word)?;
        let [buckets, chains] = [0, 1].map(|at| header.get(at).map_or(0, |count| u64::from(*count)));
        let start = start + 2 * word;
        let buckets_len = buckets * word;
        Ok(Sysv {
            buckets: read_numbers(image, start, buckets, word)?,
            chains: read_numbers(image, start + buckets_len, chains, word)?,
        })
    }
}

/// The size of an entry of `DT_HASH`: two machines have their own idea of it.
fn word(machine: &Machine) -> u64 {
    const EM_S390: u16 = 22;
    const EM_ALPHA: u16 = 0x9026;
    let long = matches!(machine.machine, EM_S390 | EM_ALPHA) && machine.class == Class::Elf64;
    if long { 8 } else { 4 }
}

fn read_numbers(image: &mut Image<'_>, offset: u64, count: u64, word: u64) -> Result<Vec<u32>, ElfError> {
    let bytes = image.file.take(offset, count.saturating_mul(word), MAX_HASH, TABLE)?;
    Ok(numbers(&bytes, image.machine.endian, word))
}

/// Numbers of 4 bytes, or of 8 of which the upper ones are not used.
fn numbers(bytes: &[u8], endian: Endian, word: u64) -> Vec<u32> {
    let number = |chunk: &[u8]| match chunk.len() {
        8 => u32::try_from(endian.u64(chunk, 0)).unwrap_or(u32::MAX),
        _ => endian.u32(chunk, 0),
    };
    bytes.chunks_exact(if word == 8 { 8 } else { 4 }).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_hashes_of_the_specifications() {
        for (name, gnu, sysv) in [
            ("", 0x1505, 0),
            ("printf", 0x156b_2bb8, 0x0779_05a6),
            ("exit", 0x7c96_7e3f, 0x0006_cf04),
            ("syscall", 0xbac2_12a0, 0x0b09_985c),
        ] {
            let name = Name::new(name.as_bytes());
            assert_eq!((name.gnu, name.sysv()), (gnu, sysv));
        }
    }
}
