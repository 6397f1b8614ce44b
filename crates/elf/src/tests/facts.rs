//! What is read of a file.

use crate::testing::Elf;
use crate::{Class, ElfError, Endian, Facts, Kind, VersionNeed, read};
use tree::Content;

fn facts(bytes: impl Into<Vec<u8>>) -> Result<Option<Facts>, ElfError> {
    read(&Content::bytes(bytes, "the test"))
}

fn damage(bytes: Vec<u8>) -> String {
    facts(bytes).unwrap_err().to_string()
}

fn full(uname: &str) -> Elf {
    Elf::library("libfull.so.1")
        .on(uname)
        .needs(&["liba.so.1", "libb.so.1"])
        .rpath("/r:$ORIGIN")
        .runpath("/one::/two:")
        .filters("libf.so")
        .auxiliary("libg.so")
        .flags_1(0x800)
        .needs_versions("liba.so.1", &["A_1", "A_2"])
        .wants_versions("libb.so.1", &["B_1"])
        .defines(&["FULL_1", "FULL_2"])
        .dlopen_note(r#"[{"soname":["libz.so.1"],"priority":"suggested"}]"#)
}

#[test]
fn everything_is_read_on_every_machine() {
    let machines = [("x86_64", Class::Elf64, Endian::Little), ("i686", Class::Elf32, Endian::Little)];
    let more = [("s390x", Class::Elf64, Endian::Big), ("mips", Class::Elf32, Endian::Big)];
    for (uname, class, endian) in machines.into_iter().chain(more) {
        let facts = facts(full(uname).build()).unwrap().unwrap();
        assert_eq!(
            (facts.machine.uname(), facts.machine.class, facts.machine.endian),
            (uname, class, endian)
        );
        assert_eq!(facts.kind, Kind::SharedObject);
        assert_eq!(facts.soname.as_deref(), Some("libfull.so.1"));
        assert_eq!(facts.needed, ["liba.so.1", "libb.so.1"]);
        assert_eq!(facts.rpath, ["/r", "$ORIGIN"]);
        assert_eq!(facts.runpath.unwrap(), ["/one", "", "/two", ""]);
        assert_eq!((facts.filters, facts.auxiliaries), (vec!["libf.so".into()], vec!["libg.so".into()]));
        assert!(facts.nodeflib && !facts.is_pie && facts.has_version_table);
        let need = |library: &str, version: &str, weak| VersionNeed {
            library: library.into(),
            version: version.into(),
            weak,
        };
        assert_eq!(
            facts.version_needs,
            [
                need("liba.so.1", "A_1", false),
                need("liba.so.1", "A_2", false),
                need("libb.so.1", "B_1", true)
            ]
        );
        assert_eq!(facts.version_definitions, ["FULL_1", "FULL_2"]);
        assert_eq!(facts.dlopen_notes.len(), 1);
    }
}

#[test]
fn kinds_are_told_apart() {
    let library = || Elf::library("lib.so");
    for (elf, kind) in [
        (Elf::program(), Kind::Executable),
        (Elf::program().fixed(), Kind::Executable),
        (Elf::program().flags_1(0), Kind::Executable),
        (Elf::program().number(14, 1).flags_1(0x0800_0000), Kind::Executable),
        (library().interpreter("/lib/ld.so"), Kind::SharedObject),
        (library(), Kind::SharedObject),
        (Elf::library(""), Kind::SharedObject),
        (Elf::static_program(), Kind::StaticExecutable),
        (Elf::program().no_interpreter(), Kind::StaticExecutable),
        (Elf::program().no_interpreter().needs(&["libc.so.6"]), Kind::SharedObject),
        (Elf::static_program().of_type(3), Kind::StaticExecutable),
        (library().of_type(1), Kind::Other("an object file")),
        (library().of_type(4), Kind::Other("a core dump")),
        (library().of_type(0xfe00), Kind::Other("an ELF file of an unknown type")),
    ] {
        assert_eq!(facts(elf.build()).unwrap().unwrap().kind, kind, "{elf:?}");
    }
}

/// Guile keeps its compiled code in such files, which look like shared objects but for that.
#[test]
fn a_file_for_no_machine_is_no_library() {
    let mut bytes = Elf::library("lib.so").build();
    bytes[18..20].fill(0);
    assert_eq!(facts(bytes).unwrap().unwrap().kind, Kind::Other("an ELF file for no machine"));
}

#[test]
fn other_files_are_none() {
    for bytes in [&b""[..], b"\x7fEL", b"#!/bin/sh\n", b"\x7fELG more"] {
        assert!(facts(bytes).unwrap().is_none());
    }
}

#[test]
fn an_interpreter_ends_at_its_first_nul() {
    let read = |path: &str| facts(Elf::program().interpreter(path).build()).unwrap().unwrap().interpreter;
    assert_eq!(read("/lib/ld64.so.1\0").as_deref(), Some("/lib/ld64.so.1"));
    assert_eq!(
        damage(Elf::program().interpreter("").build()),
        "the test is a damaged ELF file: the name of its interpreter is empty"
    );
}

/// The size of the string table is the one thing of the dynamic section that the loader ignores.
#[test]
fn the_size_of_the_string_table_may_lie() {
    for size in [0, 3, 1 << 20, 1 << 40, u64::MAX] {
        let facts = facts(full("x86_64").number(10, size).build()).unwrap().unwrap();
        assert_eq!(facts.needed, ["liba.so.1", "libb.so.1"], "{size}");
        assert_eq!(facts.version_definitions.len(), 2, "{size}");
    }
}

#[test]
fn damage_is_named() {
    let bytes = full("x86_64").build();
    let cut = |len: usize| damage(bytes[..len].to_vec());
    let patched = |at: usize, with: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        damage(bytes)
    };
    let number = |tag, value| damage(Elf::library("").number(tag, value).build());
    for (found, expected) in [
        (cut(20), "it ends within its header"),
        (cut(100), "it ends within its program headers"),
        (cut(bytes.len() - 8), "it ends within its dynamic section"),
        (patched(4, &[9]), "it is neither of 32 nor of 64 bits"),
        (patched(5, &[0]), "it has no byte order"),
        (patched(54, &[57]), "its program headers are not of 56 bytes"),
        (patched(56, &[0xff, 0xff]), "65535 program headers are more than Linux loads"),
        (number(1, 1 << 20), "the name of a needed library lies outside of its string table"),
        (number(0x6fff_fffe, 16), "its table of needed versions lies in no segment"),
        (number(0x6fff_fffc, 0x40_0000), "its table of defined versions is of the unknown version 17791"),
    ] {
        assert!(found.ends_with(expected), "{found:?} is not {expected:?}");
    }
    let utf8 = Elf::library("").needs(&["lib\u{fffd}.so"]).build();
    let at = utf8.windows(3).position(|bytes| bytes == "\u{fffd}".as_bytes()).unwrap();
    let mut latin = utf8.clone();
    latin[at] = 0xe4;
    latin[at + 1] = b'x';
    assert!(damage(latin).contains(r"is not UTF-8: lib\xe4x\xbd.so"));
}

/// Records that lead back to themselves or in circles come to an end.
#[test]
fn version_records_end() {
    let bytes = full("x86_64").build();
    let names = facts(bytes.clone()).unwrap().unwrap();
    assert_eq!(names.version_needs.len(), 3);
    for at in 0..bytes.len() - 4 {
        let mut patched = bytes.clone();
        patched[at..at + 4].copy_from_slice(&1u32.to_le_bytes());
        let _ = facts(patched);
    }
}

/// A file of debug information has the program headers of its original, but no bytes behind them.
#[test]
fn debug_information_is_no_program() {
    let mut bytes = Elf::program().needs(&["liba.so.1"]).build();
    let dynamic = 64 + 56;
    bytes[dynamic + 32..dynamic + 40].fill(0);
    let sections = bytes.len() as u64;
    bytes.extend([0; 2 * 64]);
    let text = bytes.len() - 64;
    // Without sections that say so, it is a program without libraries.
    assert_eq!(facts(bytes.clone()).unwrap().unwrap().kind, Kind::Executable);
    bytes[text + 4] = 8; // SHT_NOBITS
    bytes[text + 8] = 6; // SHF_ALLOC and SHF_EXECINSTR
    bytes[40..48].copy_from_slice(&sections.to_le_bytes());
    bytes[58..62].copy_from_slice(&[64, 0, 2, 0]);
    let facts = facts(bytes).unwrap().unwrap();
    assert_eq!(facts.kind, Kind::Other("debug information"));
    assert!(facts.needed.is_empty());
}

/// A table may be asked for one long name again and again.
#[test]
fn names_are_limited_in_sum() {
    let name = "x".repeat(4000);
    let elf = (0..5000).fold(Elf::library("").needs(&[&name]), |elf, _| elf.number(1, 1));
    assert_eq!(
        damage(elf.build()),
        "the test is a damaged ELF file: its names take more than 16777216 bytes"
    );
}
