//! Bytes of any kind give a value or an error: no panic, no endless loop.

use crate::testing::{Elf, text};
use crate::{
    Endian, FactsMemo, Linker, Loader, env_program, ld_so_conf, read, read_cache, services, shebang,
    write_cache,
};
use proptest::prelude::*;
use tree::{Content, Entry, Tree, TreePath};

/// Files of four machines to spoil.
fn originals() -> Vec<Vec<u8>> {
    let elf = |uname| {
        Elf::program()
            .on(uname)
            .needs(&["liba.so.1"])
            .runpath("$ORIGIN")
            .needs_versions("liba.so.1", &["A_1", "A_2"])
            .defines(&["B_1"])
            .exports(&["b", "c@B_1"])
            .imports(&["a@A_1", "d"])
            .dlopen_note(r#"[{"soname":["libz.so.1"]}]"#)
    };
    let gnu = ["x86_64", "s390x"].map(|uname| elf(uname).build());
    let sysv = ["i686", "mips"].map(|uname| elf(uname).sysv_hash().build());
    gnu.into_iter().chain(sysv).collect()
}

/// Replaces bytes of `bytes`: each by a value that is likely to hurt.
fn spoil(
    mut bytes: Vec<u8>,
    changes: &[(prop::sample::Index, u8, usize)],
    end: prop::sample::Index,
) -> Vec<u8> {
    for (at, value, len) in changes {
        let at = at.index(bytes.len());
        let end = (at + len).min(bytes.len());
        bytes[at..end].fill(*value);
    }
    let end = end.index(bytes.len() + 1);
    if end > bytes.len() / 2 {
        bytes.truncate(end);
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, usize)>> {
    let value = prop_oneof![Just(0), Just(0xff), Just(0x7f), Just(0x80), Just(1), any::<u8>()];
    prop::collection::vec((any::<prop::sample::Index>(), value, 1usize..9), 1..12)
}

/// What a program of these bytes loads when it is also its own library.
fn load(bytes: Vec<u8>) {
    let content = Content::bytes(bytes, "the test");
    let mut tree = Tree::new();
    for name in ["app", "liba.so.1"] {
        tree.insert(TreePath::root().child(name), Entry::file(content.clone(), 0o755));
    }
    let memo = FactsMemo::default();
    let linker = Linker::new(&tree, &memo);
    if let Ok(closure) = linker.closure(&TreePath::root().child("app")) {
        assert_eq!(closure.program.as_str(), "/app");
        linker.undefined_symbols(&closure);
    }
}

/// Every number of a file, one at a time, is what is likely to hurt.
#[test]
fn any_number_of_an_elf_file_may_be_wrong() {
    for original in originals() {
        for at in (0..original.len() - 3).step_by(2) {
            for number in [0, 1, 0x7fff_ffff, u32::MAX, original.len() as u32 - 1] {
                for bytes in [number.to_le_bytes(), number.to_be_bytes()] {
                    let mut spoiled = original.clone();
                    spoiled[at..at + 4].copy_from_slice(&bytes);
                    load(spoiled);
                }
            }
        }
    }
}

/// A file may end anywhere: what is lost is told, or was not needed.
#[test]
fn an_elf_file_may_end_anywhere() {
    for original in originals() {
        (0..original.len()).for_each(|len| load(original[..len].to_vec()));
    }
}

fn read_everything(bytes: &[u8]) {
    let content = Content::bytes(bytes, "the test");
    let _ = read(&content);
    let path = TreePath::root().child("ld.so");
    let _ = Loader::read(&path, &content);
    for endian in [Endian::Little, Endian::Big] {
        let _ = read_cache(bytes, endian);
    }
    if let Some(found) = shebang(bytes) {
        let _ = env_program(&found);
    }
    let _ = services(&String::from_utf8_lossy(bytes));
    let mut tree = Tree::new();
    text(&mut tree, "/etc/ld.so.conf", bytes);
    let conf = TreePath::parse("/etc/ld.so.conf").unwrap();
    assert!(ld_so_conf(&tree, &conf).files.len() <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn spoiled_elf_files(original in 0usize..4, changes in changes(), end: prop::sample::Index) {
        let bytes = spoil(originals().swap_remove(original), &changes, end);
        read_everything(&bytes);
        load(bytes);
    }

    #[test]
    fn spoiled_caches(changes in changes(), end: prop::sample::Index) {
        let entries: Vec<_> = (0..20).map(|number| crate::CacheEntry {
            soname: format!("lib{number}.so.1"),
            path: TreePath::root().child("lib").child(&format!("lib{number}.so.1")),
            flags: 0x303,
            variant: if number % 3 == 0 {
                crate::Variant::Hwcaps { directory: format!("v{number}"), isa_level: number }
            } else {
                crate::Variant::Baseline
            },
        }).collect();
        read_everything(&spoil(write_cache(&entries, Endian::Little, "test"), &changes, end));
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), start in 0usize..6) {
        let starts: [&[u8]; 6] =
            [b"", b"\x7fELF\x02\x01", b"\x7fELF\x01\x02", b"ld.so-1.7.0", b"glibc-ld.so.cache1.1", b"#!"];
        read_everything(&[starts[start], &bytes].concat());
    }

    #[test]
    fn any_conf(lines in "([ -~äö\t]{0,12}(\\*|\\[|\\]|include |=|#|/|\\?|\n)){0,40}") {
        read_everything(lines.as_bytes());
    }
}
