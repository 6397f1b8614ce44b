//! The rules of musl.

use super::{closure_of, path};
use crate::testing::{Elf, text, tree};
use crate::{FactsMemo, Linker};
use insta::assert_snapshot;
use tree::Tree;

const LOADER: &str = "/lib/ld-musl-x86_64.so.1";

fn alpine(files: &[(&str, Elf)]) -> Tree {
    let files: Vec<_> = files.iter().cloned().chain([(LOADER, Elf::musl_loader("x86_64"))]).collect();
    tree(&files)
}

fn program() -> Elf {
    Elf::program().interpreter(LOADER)
}

#[test]
fn libc_is_the_loader_itself() {
    let tree = alpine(&[
        (
            "/bin/app",
            program().needs(&["libc.musl-x86_64.so.1", "libz.so.1", "libpthread.so.0", "libcrypt.so.1"]),
        ),
        ("/usr/lib/libz.so.1", Elf::library("libz.so.1").needs(&["libc.so"])),
        ("/usr/local/lib/libz.so.1", Elf::library("libz.so.1").needs(&["libc.so"])),
    ]);
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    libc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (interpreter) < /bin/app /usr/local/lib/libz.so.1
    libz.so.1 => /usr/local/lib/libz.so.1 (default) < /bin/app
    missing libcrypt.so.1 < /bin/app
    ");
}

#[test]
fn both_paths_are_inherited_and_the_environment_comes_first() {
    let tree = alpine(&[
        ("/app/app", program().runpath("$ORIGIN/lib").needs(&["liba.so"])),
        ("/app/lib/liba.so", Elf::library("").rpath("/b").needs(&["libb.so", "libc1.so"])),
        ("/app/lib/libc1.so", Elf::library("")),
        ("/b/libb.so", Elf::library("")),
        ("/env/libb.so", Elf::library("")),
    ]);
    assert_snapshot!(closure_of(&tree, "/app/app"), @r"
    liba.so => /app/lib/liba.so (runpath) < /app/app
    libb.so => /b/libb.so (rpath) < /app/lib/liba.so
    libc1.so => /app/lib/libc1.so (runpath) < /app/lib/liba.so
    ");
    let memo = FactsMemo::default();
    let linker = Linker::new(&tree, &memo).ld_library_path("/env");
    let closure = linker.closure(&path("/app/app")).unwrap();
    assert_eq!(closure.libraries[1].path, path("/env/libb.so"));
}

#[test]
fn a_path_with_unknown_tokens_does_not_count() {
    let tree = alpine(&[
        ("/app/app", program().runpath("/opt:/opt/$LIB").needs(&["liba.so"])),
        ("/opt/liba.so", Elf::library("")),
    ]);
    assert_snapshot!(closure_of(&tree, "/app/app"), @"missing liba.so < /app/app");
}

#[test]
fn the_path_file_takes_the_place_of_built_in_directories() {
    let mut tree = alpine(&[
        ("/app", program().needs(&["liba.so", "libb.so"])),
        ("/opt/liba.so", Elf::library("")),
        ("/lib/libb.so", Elf::library("")),
    ]);
    text(&mut tree, "/etc/ld-musl-x86_64.path", "/opt:/opt/more\n");
    assert_snapshot!(closure_of(&tree, "/app"), @r"
    liba.so => /opt/liba.so (default) < /app
    missing libb.so < /app
    ");
}

/// What has the name is taken, and fails if it cannot be loaded; versions and sonames do not count.
#[test]
fn the_first_file_is_taken() {
    let mut tree = alpine(&[
        ("/app", program().needs(&["liba.so", "libb.so"]).needs_versions("liba.so", &["A_1"])),
        ("/usr/lib/liba.so", Elf::library("libb.so")),
        ("/usr/lib/libb.so", Elf::library("").on("i686")),
        ("/usr/local/lib/other", Elf::library("")),
    ]);
    assert_snapshot!(closure_of(&tree, "/app"), @r"
    liba.so => /usr/lib/liba.so (default) < /app
    missing libb.so < /app; /usr/lib/libb.so: it is for 32-bit x86
    ");
    text(&mut tree, "/usr/local/lib/liba.so", "text");
    assert_snapshot!(closure_of(&tree, "/app"), @r"
    missing liba.so < /app; /usr/local/lib/liba.so: it is not an ELF file
    missing libb.so < /app; /usr/lib/libb.so: it is for 32-bit x86
    ");
}

#[test]
fn a_program_that_gains_rights_may_not_name_its_own_place() {
    let found = |own: &str| {
        let tree = alpine(&[
            ("/app/app", program().runpath(own).needs(&["liba.so"])),
            ("/app/lib/liba.so", Elf::library("").runpath("$ORIGIN").needs(&["libb.so"])),
            ("/app/lib/libb.so", Elf::library("")),
        ]);
        let memo = FactsMemo::default();
        let linker = Linker::new(&tree, &memo).ld_library_path("/app/lib").secure();
        linker.closure(&path("/app/app")).unwrap().libraries.len()
    };
    assert_eq!(found("/app/lib"), 2);
    assert_eq!(found("$ORIGIN/lib"), 0);
    assert_eq!(found("/app/lib:$ORIGIN"), 0, "one such directory, and the path does not count");
}
