//! Symbols that nothing defines, as whoever builds the image is told of them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use elf::testing::{Elf, Symbol};
use world::{World, bytes, glibc};

const FILES: &str = "
    config.entrypoint = [\"/app/one\"]
    [[files]]
    from = \"app/\"
    to = \"/app/\"
    ";

fn world() -> World {
    World::new(glibc())
}

fn program() -> Elf {
    Elf::program().needs(&["libc.so.6"])
}

#[test]
fn symbols_are_told_by_object_and_programs() {
    let library = Elf::library("liba.so.1").imports(&["a1", "a2", "a3", "a4"]);
    let other = Elf::library("libb.so.1").exports(&["only_in_b"]);
    let one = program().needs(&["liba.so.1"]).needs_versions("libc.so.6", &["GLIBC_2.34"]);
    let one = one.imports(&["gone@GLIBC_2.34"]).symbol(Symbol::undefined("maybe").weak());
    let two = program().needs(&["liba.so.1"]).symbol(Symbol::undefined("only_in_b").called());
    let three = program().needs(&["libb.so.1"]).imports(&["only_in_b"]);
    let image = world()
        .payload("app/one", bytes(&one.build(), 0o755))
        .payload("app/two", bytes(&two.build(), 0o755))
        .payload("app/three", bytes(&three.build(), 0o755))
        .source("/usr/lib/x86_64-linux-gnu/liba.so.1", bytes(&library.build(), 0o644))
        .source("/usr/lib/x86_64-linux-gnu/libb.so.1", bytes(&other.build(), 0o644))
        .plan(FILES);
    insta::assert_snapshot!(image.findings(), @r"
    warning B0112: /app/one needs the symbol gone@GLIBC_2.34, which no library that it loads defines: it ends at start
        build /app/one with the libraries that the image has, or take those it was built with
    warning B0112: /app/two needs the symbol only_in_b, which no library that it loads defines: it ends at the first call of it
        /usr/lib/x86_64-linux-gnu/libb.so.1 defines it, and is not among what /app/two needs: link /app/two with it
    warning B0112: /usr/lib/x86_64-linux-gnu/liba.so.1 needs the symbols a1, a2, a3 and 1 more, which nothing that /app/one, /app/two load defines: they end at start
        build /usr/lib/x86_64-linux-gnu/liba.so.1 with the libraries that the image has, or take those it was built with
    ");
}

/// Whoever is told that a library or a version is missing need not hear of each symbol of it.
#[test]
fn what_follows_from_something_missing_is_not_told() {
    let missing = program().needs(&["libgone.so.1"]).imports(&["gone"]);
    let old = program().needs_versions("libc.so.6", &["GLIBC_2.99"]).imports(&["new@GLIBC_2.99"]);
    let image = world()
        .payload("app/one", bytes(&missing.build(), 0o755))
        .payload("app/two", bytes(&old.build(), 0o755))
        .plan(FILES);
    insta::assert_snapshot!(image.findings(), @r#"
    error B0101: libgone.so.1 is not to be found; /app/one needs it
        name the file that is libgone.so.1 in [[files]]
        in [policy]: allow = ["unresolved:libgone.so.1"]
    error B0102: /app/two needs GLIBC_2.99 of /usr/lib/x86_64-linux-gnu/libc.so.6, which offers up to GLIBC_2.34; no release that bantam knows of has it
        build the program on the release that the image is made of
    "#);
}

/// A plugin that nobody is known to load has its symbols from whoever does; one of the spec's `dlopen`
/// from the program.
#[test]
fn plugins_are_judged_where_they_are_loaded() {
    let plugin = Elf::library("plugin.so").imports(&["of_program", "of_nobody"]);
    let world = world()
        .payload("app/one", bytes(&program().runpath("$ORIGIN").exports(&["of_program"]).build(), 0o755))
        .payload("app/plugin.so", bytes(&plugin.build(), 0o644));
    assert_eq!(world.plan(FILES).findings(), "");
    let loaded = format!("runtime.dlopen = [\"plugin.so\"]\n{FILES}");
    insta::assert_snapshot!(world.plan(&loaded).findings(), @r"
    warning B0112: /app/plugin.so needs the symbol of_nobody, which nothing that /app/one loads defines: it cannot be loaded
        build /app/plugin.so with the libraries that the image has, or take those it was built with
    ");
}

#[test]
fn symbols_that_make_no_sense_are_a_warning() {
    let library = Elf::library("liba.so.1").number(23, 0).number(2, 24).exports(&["a"]);
    let image = world()
        .payload("app/one", bytes(&program().needs(&["liba.so.1"]).imports(&["a"]).build(), 0o755))
        .source("/usr/lib/x86_64-linux-gnu/liba.so.1", bytes(&library.build(), 0o644))
        .plan(FILES);
    insta::assert_snapshot!(image.findings(), @r"
    warning B0106: /usr/lib/x86_64-linux-gnu/liba.so.1 is a damaged ELF file: its relocations lie in no segment
        build or copy the file again
    ");
}
