//! `/etc/ld.so.cache`: where glibc finds libraries by name without looking through directories.
//!
//! The file is a header, a table of entries sorted by name, and a table of strings. The formats are
//! the old one (`ld.so-1.7.0`), the new one (`glibc-ld.so.cache1.1`), and the new one put behind an
//! old one; glibc has written only the new one since 2.32.

use crate::{Abi, Class, Endian, Facts, Machine};
use goblin::elf::header as eh;
use std::cmp::Ordering;
use tree::TreePath;

mod index;
mod write;

pub use index::Cache;
pub use write::write_cache;

const OLD_MAGIC: &[u8] = b"ld.so-1.7.0";
const NEW_MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const OLD_HEADER: usize = 16;
const OLD_ENTRY: usize = 12;
const NEW_HEADER: usize = 48;
const NEW_ENTRY: usize = 24;
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
/// The extension with names of `glibc-hwcaps` directories, and the one with the writer's name.
const TAG_HWCAPS: u32 = 1;
const TAG_GENERATOR: u32 = 0;
/// The bit of an entry's `hwcap` that says: the rest is a level and the number of a directory.
const HWCAP_EXTENSION: u64 = 1 << 62;
const ISA_LEVEL_BITS: u64 = 0x3ff;
/// The longest path, in bytes.
const MAX_STRING: usize = 4096;

/// One library of a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// The name it is needed by.
    pub soname: String,
    /// Where it is.
    pub path: TreePath,
    /// What it was compiled for, as `ldconfig` numbers it: see [`cache_flags`].
    pub flags: u32,
    /// Which processors it is for.
    pub variant: Variant,
}

/// Which processors a library of a cache is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variant {
    /// All.
    Baseline,
    /// Those that this directory below `glibc-hwcaps` is for.
    Hwcaps {
        /// The name of the directory, such as `x86-64-v3`.
        directory: String,
        /// The instruction set level that the file needs.
        isa_level: u32,
    },
    /// Those that have these features or are of this platform: a mechanism that glibc dropped in
    /// version 2.37.
    Legacy(u64),
}

/// Why a file is no cache that the loader would use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// It starts otherwise.
    #[error("it does not start as a cache does")]
    Magic,
    /// It was written for machines of the other byte order.
    #[error("it is of the other byte order")]
    Endian,
    /// It ends before its table of entries does.
    #[error("it ends within its {0} entries")]
    Truncated(u32),
}

/// Reads a cache, as a loader of this byte order does. Entries that make no sense are left out.
///
/// # Errors
/// When the loader would not use the file at all.
pub fn read_cache(bytes: &[u8], endian: Endian) -> Result<Vec<CacheEntry>, CacheError> {
    if bytes.starts_with(NEW_MAGIC) {
        return new_entries(bytes, bytes, endian);
    }
    if !bytes.starts_with(OLD_MAGIC) {
        return Err(CacheError::Magic);
    }
    let count = endian.u32(bytes, 12);
    let table = table(bytes, OLD_HEADER, OLD_ENTRY, count)?;
    // The new format starts at the next multiple of 8, or of 4 where that is how numbers align.
    for align in [8, 4] {
        let start = (OLD_HEADER + table.len()).next_multiple_of(align);
        if let Some(new) = bytes.get(start..).filter(|new| new.starts_with(NEW_MAGIC)) {
            return new_entries(new, bytes, endian);
        }
    }
    let mut strings = Strings::new(&bytes[OLD_HEADER + table.len()..]);
    let entries = table.chunks_exact(OLD_ENTRY);
    Ok(entries.filter_map(|entry| basic_entry(entry, &mut strings, endian)).collect())
}

/// The flags by which `ldconfig` of a machine's kind marks a library; none if it passes it over.
pub fn cache_flags(facts: &Facts) -> Option<u32> {
    // Where libraries were not marked for their machine from the start, they are for the C library that they
    // need themselves.
    let is_libc6 = || {
        let knows =
            |interpreter: &String| interpreter.contains("/ld-linux") || interpreter.contains("/ld.so.1");
        facts.needed.iter().any(|name| name == "libc.so.6" || name == "libm.so.6")
            || facts.interpreter.as_ref().is_some_and(knows)
    };
    machine_flags(&facts.machine).map(|flags| if flags == LIBC6 && !is_libc6() { ELF } else { flags })
}

/// Any library, and one for glibc.
const ELF: u32 = 1;
const LIBC6: u32 = 3;

/// The flags of the libraries of a machine; none if `ldconfig` passes them over.
fn machine_flags(machine: &Machine) -> Option<u32> {
    let required = match (machine.machine, machine.class, machine.abi) {
        (eh::EM_X86_64, Class::Elf64, _) => 0x300,
        (eh::EM_X86_64, Class::Elf32, _) => 0x800,
        (eh::EM_S390, Class::Elf64, _) => 0x400,
        (eh::EM_PPC64, ..) => 0x500,
        (eh::EM_SPARCV9, ..) => 0x100,
        (eh::EM_ARM, _, Abi::HardFloat) => 0x900,
        (eh::EM_AARCH64, ..) => 0xa00,
        (eh::EM_ARM, _, Abi::SoftFloat) => 0xb00,
        (eh::EM_MIPS, _, Abi::N32) => {
            if machine.nan2008 {
                0xd00
            } else {
                0x600
            }
        }
        (eh::EM_MIPS, _, Abi::N64) => {
            if machine.nan2008 {
                0xe00
            } else {
                0x700
            }
        }
        (eh::EM_MIPS, ..) if machine.nan2008 => 0xc00,
        (eh::EM_RISCV, _, Abi::FloatNone) => 0xf00,
        (eh::EM_RISCV, _, Abi::FloatDouble) => 0x1000,
        (eh::EM_RISCV, ..) => return None,
        (crate::machine::EM_LOONGARCH, _, Abi::FloatNone) => 0x1100,
        (crate::machine::EM_LOONGARCH, _, Abi::FloatDouble) => 0x1200,
        (crate::machine::EM_LOONGARCH, ..) => return None,
        _ => 0,
    };
    Some(required | LIBC6)
}

/// The library that a loader of this machine takes for `soname`: the entry for all processors.
pub fn find_in_cache<'a>(
    entries: impl IntoIterator<Item = &'a CacheEntry>,
    soname: &str,
    machine: &Machine,
) -> Option<&'a CacheEntry> {
    let own = machine_flags(machine)?;
    // Machines whose libraries were not marked from the start take unmarked ones as well.
    let takes = |flags: u32| {
        flags == own || (machine.machine == eh::EM_ARM && flags == LIBC6) || (own == LIBC6 && flags == ELF)
    };
    let usable = entries
        .into_iter()
        .filter(|entry| entry.soname == soname && entry.variant == Variant::Baseline && takes(entry.flags));
    let mut best = None;
    for entry in usable {
        best = Some(entry);
        if entry.flags == own {
            break;
        }
    }
    best
}

/// How `ldconfig` orders the entries of a cache, among which the loader searches by halves: names
/// fall, with runs of digits compared as numbers; then flags fall; then come the variants by name.
pub(crate) fn compare(a: &CacheEntry, b: &CacheEntry) -> Ordering {
    compare_names(&b.soname, &a.soname).then(b.flags.cmp(&a.flags)).then_with(|| {
        match (&a.variant, &b.variant) {
            (Variant::Hwcaps { directory: a, .. }, Variant::Hwcaps { directory: b, .. }) => a.cmp(b),
            (Variant::Hwcaps { .. }, _) => Ordering::Less,
            (_, Variant::Hwcaps { .. }) => Ordering::Greater,
            (a, b) => {
                let bits = |variant: &Variant| match variant {
                    Variant::Legacy(bits) => (bits.count_ones(), *bits),
                    _ => (0, 0),
                };
                bits(b).cmp(&bits(a))
            }
        }
    })
}

/// Orders names with runs of digits compared as numbers: `libx.so.9` is below `libx.so.10`. A digit
/// is above everything else.
pub(crate) fn compare_names(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.split_first(), b.split_first()) {
            (Some((x, _)), Some((y, _))) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, y) = (digits(&mut a), digits(&mut b));
                let order = x.len().cmp(&y.len()).then(x.cmp(y));
                if order.is_ne() {
                    return order;
                }
            }
            (Some((x, _)), _) if x.is_ascii_digit() => return Ordering::Greater,
            (_, Some((y, _))) if y.is_ascii_digit() && !a.is_empty() => return Ordering::Less,
            (Some((x, after)), Some((y, rest))) if x == y => (a, b) = (after, rest),
            // Bytes compare as the plain `char` of C does, which is signed where ldconfig is x86's;
            // names beyond ASCII are not worth the difference.
            (x, y) => return x.map(|(byte, _)| byte).cmp(&y.map(|(byte, _)| byte)),
        }
    }
}

/// Takes the digits off the start, and gives them without leading zeros.
fn digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    *text = rest;
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    &digits[zeros..]
}

/// The entries of the new format, which starts at `cache` within the `file`. Strings count from the
/// start of the cache; what the extensions say counts from the start of the file, except for strings.
fn new_entries(cache: &[u8], file: &[u8], endian: Endian) -> Result<Vec<CacheEntry>, CacheError> {
    match (cache.get(28).unwrap_or(&0) & 3, endian) {
        (0, _) | (2, Endian::Little) | (3, Endian::Big) => {}
        _ => return Err(CacheError::Endian),
    }
    let table = table(cache, NEW_HEADER, NEW_ENTRY, endian.u32(cache, 20))?;
    let hwcaps = extension(cache, file, endian, TAG_HWCAPS).unwrap_or(&[]);
    let variant = |entry: &[u8], strings: &mut Strings<'_>| {
        let bits = endian.u64(entry, 16);
        if bits == 0 {
            return Some(Variant::Baseline);
        }
        if bits >> 32 & !ISA_LEVEL_BITS != HWCAP_EXTENSION >> 32 {
            return Some(Variant::Legacy(bits));
        }
        let index = usize::try_from(bits & 0xffff_ffff).ok()?.checked_mul(4)?;
        hwcaps.get(index..index.checked_add(4)?)?;
        let directory = strings.get(endian.u32(hwcaps, index))?;
        Some(Variant::Hwcaps { directory, isa_level: u32::try_from(bits >> 32 & ISA_LEVEL_BITS).ok()? })
    };
    let mut strings = Strings::new(cache);
    let entries = table.chunks_exact(NEW_ENTRY).filter_map(|entry| {
        let variant = variant(entry, &mut strings)?;
        Some(CacheEntry { variant, ..basic_entry(entry, &mut strings, endian)? })
    });
    Ok(entries.collect())
}

/// The part that entries of both formats start with.
fn basic_entry(entry: &[u8], strings: &mut Strings<'_>, endian: Endian) -> Option<CacheEntry> {
    let soname = strings.get(endian.u32(entry, 4))?;
    let path = TreePath::parse(&strings.get(endian.u32(entry, 8))?).ok()?;
    Some(CacheEntry { soname, path, flags: endian.u32(entry, 0), variant: Variant::Baseline })
}

/// The bytes of a table behind a header, if they are all there.
fn table(bytes: &[u8], header: usize, entry: usize, count: u32) -> Result<&[u8], CacheError> {
    let len = usize::try_from(count).ok().and_then(|count| count.checked_mul(entry));
    let end = len.and_then(|len| len.checked_add(header));
    end.and_then(|end| bytes.get(header..end)).ok_or(CacheError::Truncated(count))
}

/// The data of an extension of the new format. Damaged ones are as good as none.
fn extension<'a>(cache: &[u8], file: &'a [u8], endian: Endian, tag: u32) -> Option<&'a [u8]> {
    let at = usize::try_from(endian.u32(cache, 32)).ok().filter(|at| *at != 0 && at % 4 == 0)?;
    let directory = file.get(at..).filter(|bytes| endian.u32(bytes, 0) == EXTENSION_MAGIC)?;
    let sections = table(directory, 8, 16, endian.u32(directory, 4)).ok()?;
    let section = sections.chunks_exact(16).find(|section| endian.u32(section, 0) == tag)?;
    let number = |at| usize::try_from(endian.u32(section, at)).ok();
    file.get(number(8)?..)?.get(..number(12)?)
}

/// The strings of a cache. Entries share them, but not so much that all together are much longer than
/// the cache: what is beyond that is not given out.
struct Strings<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Strings<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Strings { bytes, left: bytes.len().saturating_mul(8) }
    }

    fn get(&mut self, at: u32) -> Option<String> {
        let bytes = self.bytes.get(usize::try_from(at).ok()?..)?;
        let len = bytes.iter().take(MAX_STRING).position(|byte| *byte == 0)?;
        self.left = self.left.checked_sub(len)?;
        String::from_utf8(bytes[..len].to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(soname: &str, path: &str, flags: u32) -> CacheEntry {
        let path = TreePath::parse(path).unwrap();
        CacheEntry { soname: soname.into(), path, flags, variant: Variant::Baseline }
    }

    fn sample() -> Vec<CacheEntry> {
        let v3 = Variant::Hwcaps { directory: "x86-64-v3".into(), isa_level: 2 };
        vec![
            entry("libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1", 0x303),
            CacheEntry { variant: v3, ..entry("libz.so.1", "/lib/glibc-hwcaps/x86-64-v3/libz.so.1", 0x303) },
            entry("libz.so.1", "/lib/i386-linux-gnu/libz.so.1", 3),
            entry("libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6", 0x303),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        for endian in [Endian::Little, Endian::Big] {
            let bytes = write_cache(&sample(), endian, "test");
            let read = read_cache(&bytes, endian).unwrap();
            let paths: Vec<&str> = read.iter().map(|entry| entry.path.as_str()).collect();
            assert_eq!(
                paths,
                [
                    "/lib/glibc-hwcaps/x86-64-v3/libz.so.1",
                    "/lib/x86_64-linux-gnu/libz.so.1",
                    "/lib/i386-linux-gnu/libz.so.1",
                    "/lib/x86_64-linux-gnu/libc.so.6"
                ]
            );
            assert_eq!(read[0].variant, sample()[1].variant);
            let other = if endian == Endian::Little { Endian::Big } else { Endian::Little };
            assert_eq!(read_cache(&bytes, other), Err(CacheError::Endian));
        }
    }

    #[test]
    fn a_machine_finds_its_own_baseline() {
        let entries = read_cache(&write_cache(&sample(), Endian::Little, ""), Endian::Little).unwrap();
        let find = |uname, soname| {
            find_in_cache(&entries, soname, &Machine::from_uname(uname).unwrap())
                .map(|entry| entry.path.to_string())
        };
        assert_eq!(find("x86_64", "libz.so.1").unwrap(), "/lib/x86_64-linux-gnu/libz.so.1");
        assert_eq!(find("i686", "libz.so.1").unwrap(), "/lib/i386-linux-gnu/libz.so.1");
        assert_eq!(find("i686", "libc.so.6"), None);
        assert_eq!(find("aarch64", "libz.so.1"), None);
    }

    #[test]
    fn arm_prefers_marked_libraries_and_takes_unmarked() {
        let entries = [entry("a.so", "/marked", 0x903), entry("a.so", "/plain", 3), entry("b.so", "/b", 3)];
        let arm = Machine::from_uname("armv7l").unwrap();
        let find = |soname| find_in_cache(&entries, soname, &arm).unwrap().path.to_string();
        assert_eq!((find("a.so"), find("b.so")), ("/marked".into(), "/b".into()));
    }

    /// The old format, alone and with a new one behind it.
    #[test]
    fn old_caches_are_read() {
        let strings = b"libz.so.1\0/lib/libz.so.1\0";
        let mut old = [OLD_MAGIC, &[0], &2u32.to_le_bytes()].concat();
        for (flags, key, value) in [(3u32, 0u32, 10u32), (3, 0, 999)] {
            old.extend([flags, key, value].map(u32::to_le_bytes).concat());
        }
        let alone = [&old[..], strings].concat();
        assert_eq!(read_cache(&alone, Endian::Little).unwrap(), [entry("libz.so.1", "/lib/libz.so.1", 3)]);
        let both = [&old[..], &write_cache(&sample()[..1], Endian::Little, "test")].concat();
        assert_eq!(read_cache(&both, Endian::Little).unwrap(), sample()[..1]);
    }

    #[test]
    fn damaged_caches_are_told() {
        assert_eq!(read_cache(b"", Endian::Little), Err(CacheError::Magic));
        let bytes = write_cache(&sample(), Endian::Little, "test");
        assert_eq!(read_cache(&bytes[..100], Endian::Little), Err(CacheError::Truncated(4)));
        assert_eq!(read_cache(&bytes[..20], Endian::Little), Err(CacheError::Truncated(0)));
        let mut many = bytes.clone();
        many[20..24].fill(0xff);
        assert_eq!(read_cache(&many, Endian::Little), Err(CacheError::Truncated(u32::MAX)));
        // Without the strings only the entries are gone.
        assert_eq!(read_cache(&bytes[..150], Endian::Little).unwrap(), []);
    }

    #[test]
    fn names_order_by_number() {
        use Ordering::{Equal, Greater, Less};
        for (a, b, order) in [
            ("libx.so.9", "libx.so.10", Less),
            ("libx.so.1", "libx.so.1", Equal),
            ("libx.so.01", "libx.so.1", Equal),
            ("libx1", "libxa", Greater),
            ("libxa", "libx1", Less),
            ("libx", "libx1", Less),
            ("libx1", "libx", Greater),
            ("liba", "libab", Less),
            ("", "", Equal),
            ("lib.99999999999999999999", "lib.100000000000000000000", Less),
        ] {
            assert_eq!(compare_names(a, b), order, "{a} {b}");
        }
    }
}
