//! Symbol versions: what a file needs of others, and what it defines itself.
//!
//! The tables are linked lists of records, as the gABI's GNU extension has them. The loader follows
//! the links and not the counts, and so is it done here.

use crate::window::{Strings, Window, file_range};
use crate::{ElfError, Endian, VersionNeed};
use goblin::elf::ProgramHeader;
use goblin::elf::symver::{VER_FLG_BASE, VER_FLG_WEAK};

/// The most records that are read of one table.
const MAX_RECORDS: usize = 1 << 16;

/// What is at hand to read a table of versions.
pub(crate) struct Tables<'f, 'a> {
    pub file: &'f mut Window<'a>,
    pub segments: &'f [ProgramHeader],
    pub strings: &'f Strings,
    pub endian: Endian,
}

impl Tables<'_, '_> {
    /// The versions needed, from the table at this address (`DT_VERNEED`), each with the number by
    /// which symbols name it.
    pub fn needs(&mut self, vaddr: u64) -> Result<Vec<(u16, VersionNeed)>, ElfError> {
        const TABLE: &str = "its table of needed versions";
        let mut found = vec![];
        let mut records = 0;
        let mut at = vaddr;
        loop {
            let [version, _, file, aux, next] = self.record(at, TABLE, &mut records, [2, 2, 4, 4, 4])?;
            self.check_version(version, TABLE)?;
            let mut aux_at = self.follow(at, aux, TABLE)?;
            loop {
                let [_, flags, index, name, next] =
                    self.record(aux_at, TABLE, &mut records, [4, 2, 2, 4, 4])?;
                found.push((index, file, name, flags & u32::from(VER_FLG_WEAK) != 0));
                if next == 0 {
                    break;
                }
                aux_at = self.follow(aux_at, next, TABLE)?;
            }
            if next == 0 {
                break;
            }
            at = self.follow(at, next, TABLE)?;
        }
        let mut needs = vec![];
        for (index, library, version, weak) in found {
            let library = self.name(library, "the library of a needed version")?;
            let version = self.name(version, "a needed version")?;
            needs.push((low(index), VersionNeed { library, version, weak }));
        }
        Ok(needs)
    }

    /// The versions defined, from the table at this address (`DT_VERDEF`), each with the number by
    /// which symbols name it. The one that is the file's own name is not among them.
    pub fn definitions(&mut self, vaddr: u64) -> Result<Vec<(u16, String)>, ElfError> {
        const TABLE: &str = "its table of defined versions";
        let mut found = vec![];
        let mut records = 0;
        let mut at = vaddr;
        loop {
            let [version, flags, index, _, _, aux, next] =
                self.record(at, TABLE, &mut records, [2, 2, 2, 2, 4, 4, 4])?;
            self.check_version(version, TABLE)?;
            if flags & u32::from(VER_FLG_BASE) == 0 {
                let aux_at = self.follow(at, aux, TABLE)?;
                let [name, _] = self.record(aux_at, TABLE, &mut records, [4, 4])?;
                found.push((index, name));
            }
            if next == 0 {
                break;
            }
            at = self.follow(at, next, TABLE)?;
        }
        let name = |(index, name)| Ok((low(index), self.name(name, "a defined version")?));
        found.into_iter().map(name).collect()
    }

    fn name(&mut self, offset: u32, what: &str) -> Result<String, ElfError> {
        self.strings.name(self.file, offset.into(), what)
    }

    /// The fields of the record at an address, each of as many bytes as `sizes` says.
    fn record<const N: usize>(
        &mut self,
        vaddr: u64,
        table: &str,
        records: &mut usize,
        sizes: [usize; N],
    ) -> Result<[u32; N], ElfError> {
        *records += 1;
        if *records > MAX_RECORDS {
            return Err(self.file.damaged(format!("{table} has more than {MAX_RECORDS} records")));
        }
        let Some((offset, _)) = file_range(self.segments, vaddr) else {
            return Err(self.file.damaged(format!("{table} lies in no segment")));
        };
        let bytes = self.file.get(offset, sizes.iter().sum(), table)?;
        let mut at = 0;
        Ok(sizes.map(|size| {
            let field = match size {
                2 => self.endian.u16(bytes, at).into(),
                _ => self.endian.u32(bytes, at),
            };
            at += size;
            field
        }))
    }

    fn follow(&self, from: u64, by: u32, table: &str) -> Result<u64, ElfError> {
        from.checked_add(by.into()).ok_or_else(|| self.file.damaged(format!("{table} lies in no segment")))
    }

    fn check_version(&self, version: u32, table: &str) -> Result<(), ElfError> {
        if version == 1 {
            return Ok(());
        }
        Err(self.file.damaged(format!("{table} is of the unknown version {version}")))
    }
}

/// A field of two bytes.
fn low(field: u32) -> u16 {
    u16::try_from(field).unwrap_or(u16::MAX)
}
