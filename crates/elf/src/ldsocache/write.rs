//! Writing a cache, byte for byte as `ldconfig` of glibc 2.33 and later does.

use super::{
    CacheEntry, EXTENSION_MAGIC, HWCAP_EXTENSION, NEW_ENTRY, NEW_HEADER, NEW_MAGIC, TAG_GENERATOR,
    TAG_HWCAPS, Variant, compare,
};
use crate::Endian;
use std::collections::{BTreeMap, BTreeSet};

/// The bytes of a cache with these entries, in the new format.
///
/// Entries of the same name and machine are found in the order given, so give them in the order of
/// their directories. `generator` is what the file says it was written by, such as
/// `ldconfig (GNU libc) stable release version 2.36`; the loader does not look at it.
pub fn write_cache(entries: &[CacheEntry], endian: Endian, generator: &str) -> Vec<u8> {
    let mut entries: Vec<&CacheEntry> = entries.iter().collect();
    entries.sort_by(|a, b| compare(a, b));
    let directories: BTreeSet<&str> = entries.iter().filter_map(|entry| directory(entry)).collect();

    let names = entries.iter().flat_map(|entry| [entry.soname.as_str(), entry.path.as_str()]);
    let (strings, offsets) = strings(names.chain(directories.iter().copied()).collect());
    let base = NEW_HEADER + entries.len() * NEW_ENTRY;
    let offset = |name: &str| number(base + offsets.get(name).copied().unwrap_or(0));
    let extensions = (base + strings.len()).next_multiple_of(4);

    let mut out = Writer { bytes: NEW_MAGIC.to_vec(), endian };
    out.u32(number(entries.len()));
    out.u32(number(strings.len()));
    out.bytes.extend([if endian == Endian::Little { 2 } else { 3 }, 0, 0, 0]);
    out.u32(number(extensions));
    out.bytes.extend([0; 12]);
    for entry in &entries {
        let hwcap = match &entry.variant {
            Variant::Baseline => 0,
            Variant::Legacy(bits) => *bits,
            Variant::Hwcaps { directory, isa_level } => {
                let index = directories.iter().position(|name| *name == directory.as_str()).unwrap_or(0);
                HWCAP_EXTENSION | u64::from(*isa_level) << 32 | index as u64
            }
        };
        out.u32(entry.flags);
        out.u32(offset(&entry.soname));
        out.u32(offset(entry.path.as_str()));
        out.u32(0);
        out.u64(hwcap);
    }
    out.bytes.extend(strings);
    out.bytes.resize(extensions, 0);

    let sections: u32 = if directories.is_empty() { 1 } else { 2 };
    let hwcaps_at = number(extensions) + 8 + sections * 16;
    let hwcaps_len = number(directories.len() * 4);
    out.u32(EXTENSION_MAGIC);
    out.u32(sections);
    for word in [TAG_GENERATOR, 0, hwcaps_at + hwcaps_len, number(generator.len())] {
        out.u32(word);
    }
    if !directories.is_empty() {
        for word in [TAG_HWCAPS, 0, hwcaps_at, hwcaps_len] {
            out.u32(word);
        }
    }
    for directory in &directories {
        out.u32(offset(directory));
    }
    out.bytes.extend(generator.as_bytes());
    out.bytes
}

struct Writer {
    bytes: Vec<u8>,
    endian: Endian,
}

impl Writer {
    fn u32(&mut self, number: u32) {
        self.bytes.extend(match self.endian {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        });
    }

    fn u64(&mut self, number: u64) {
        self.bytes.extend(match self.endian {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        });
    }
}

fn directory(entry: &CacheEntry) -> Option<&str> {
    match &entry.variant {
        Variant::Hwcaps { directory, .. } => Some(directory),
        _ => None,
    }
}

/// The table of strings, and where each is in it. A string that ends another shares its bytes: sorted
/// backwards and falling, each stands right behind the one it may share with.
fn strings(mut names: Vec<&str>) -> (Vec<u8>, BTreeMap<&str, usize>) {
    names.sort_by(|a, b| b.bytes().rev().cmp(a.bytes().rev()));
    names.dedup();
    let mut table: Vec<u8> = vec![];
    let mut offsets = BTreeMap::new();
    let mut previous = "";
    for name in names {
        if !previous.ends_with(name) || table.is_empty() {
            table.extend(name.as_bytes());
            table.push(0);
        }
        offsets.insert(name, table.len() - 1 - name.len());
        previous = name;
    }
    (table, offsets)
}

/// A size as the format has it. No tree has names enough to pass 4 GiB.
fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
