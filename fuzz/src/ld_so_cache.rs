//! `ld.so.cache`: what is read of any bytes can be looked up and written, and is then read the same again.

use crate::machine::files;
use elf::{CacheEntry, Endian, Machine, Variant, find_in_cache, read_cache, write_cache};
use tree::TreePath;

/// As many entries of the cache of the machine are a seed.
const REAL: usize = 20;

/// Reads the cache in both byte orders.
pub fn run(bytes: &[u8]) {
    for endian in [Endian::Little, Endian::Big] {
        let Ok(entries) = read_cache(bytes, endian) else { continue };
        for uname in ["x86_64", "i686", "armv7l", "riscv64"] {
            let Some(machine) = Machine::from_uname(uname) else { continue };
            for entry in entries.iter().take(4) {
                let found = find_in_cache(&entries, &entry.soname, &machine);
                assert!(found.is_none_or(|found| found.soname == entry.soname));
            }
        }
        let written = write_cache(&entries, endian, "fuzz");
        // Entries share strings, but when they are read only so far: what is beyond that is left out.
        let strings =
            |entry: &CacheEntry| entry.soname.len() + entry.path.as_str().len() + key(entry).3.len();
        if entries.iter().map(strings).sum::<usize>() > 8 * written.len() {
            continue;
        }
        let again = read_cache(&written, endian);
        let again = again.unwrap_or_else(|error| panic!("what was written cannot be read: {error}"));
        let sorted = |entries: &[CacheEntry]| {
            let mut keys: Vec<_> = entries.iter().map(key).map(|key| format!("{key:?}")).collect();
            keys.sort();
            keys
        };
        assert_eq!(sorted(&again), sorted(&entries));
        assert_eq!(write_cache(&again, endian, "fuzz"), written);
    }
}

fn key(entry: &CacheEntry) -> (&str, &str, u32, &str, u64) {
    let (directory, bits) = match &entry.variant {
        Variant::Hwcaps { directory, isa_level } => (directory.as_str(), u64::from(*isa_level)),
        Variant::Legacy(bits) => ("", *bits),
        _ => ("", 0),
    };
    (&entry.soname, entry.path.as_str(), entry.flags, directory, bits)
}

/// Caches with and without variants, an old one, and that of the machine.
pub fn seeds() -> Vec<Vec<u8>> {
    let entry = |name: &str, flags, variant| {
        let path = TreePath::root().child("lib").child(name);
        CacheEntry { soname: name.into(), path, flags, variant }
    };
    let v3 = || Variant::Hwcaps { directory: "x86-64-v3".into(), isa_level: 2 };
    let entries = [
        entry("libc.so.6", 0x303, Variant::Baseline),
        entry("libz.so.1", 0x303, Variant::Baseline),
        entry("libz.so.1", 0x303, v3()),
        entry("libz.so.10", 3, Variant::Baseline),
        entry("libm.so.6", 0x903, Variant::Legacy(0x8000)),
    ];
    let mut old = b"ld.so-1.7.0\0".to_vec();
    for word in [1u32, 3, 0, 4] {
        old.extend(word.to_le_bytes());
    }
    let both = [&old[..], &[0; 4], &write_cache(&entries, Endian::Little, "both")].concat();
    old.extend(b"a.so\0/lib/a.so\0");
    let mut seeds = vec![old, both];
    for endian in [Endian::Little, Endian::Big] {
        seeds.push(write_cache(&entries, endian, "test"));
        seeds.push(write_cache(&entries[..1], endian, ""));
    }
    let real = files(["/etc/ld.so.cache"], usize::MAX)
        .into_iter()
        .flat_map(|bytes| read_cache(&bytes, Endian::Little));
    seeds
        .extend(real.map(|entries| write_cache(&entries[..entries.len().min(REAL)], Endian::Little, "real")));
    seeds
}
