//! Which symbols are found, and which are not.

use super::{debian, path};
use crate::testing::{Elf, Symbol, tree};
use crate::{FactsMemo, Linker, Undefined};
use tree::Tree;

const LIB: &str = "/lib/x86_64-linux-gnu";

fn undefined(tree: &Tree, program: &str) -> Undefined {
    let memo = FactsMemo::default();
    let linker = Linker::new(tree, &memo);
    linker.undefined_symbols(&linker.closure(&path(program)).unwrap())
}

/// The symbols that a program does not find: `object: name@version`, with `?` for one that is looked up
/// late.
fn tell(tree: &Tree, program: &str) -> String {
    let found = undefined(tree, program);
    assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
    let lines = found.symbols.iter().map(|symbol| {
        let version = symbol.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        let late = if symbol.is_lazy { "?" } else { "" };
        format!("{}: {}{version}{late}", symbol.object, symbol.symbol)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a program with these symbols does not find in one library.
fn with_library(program: Elf, library: Elf) -> String {
    let program = program.needs(&["liba.so.1"]);
    tell(&debian(&[("/app", program), (&format!("{LIB}/liba.so.1"), library)]), "/app")
}

fn library() -> Elf {
    Elf::library("liba.so.1")
}

#[test]
fn a_symbol_may_be_anywhere_in_the_closure() {
    let files = |last: Elf| {
        debian(&[
            ("/app", Elf::program().needs(&["liba.so.1"]).imports(&["a", "b", "c"]).exports(&["of_program"])),
            (
                "/lib/x86_64-linux-gnu/liba.so.1",
                library().needs(&["libb.so.1"]).exports(&["a"]).imports(&["of_program", "of_nobody"]),
            ),
            ("/lib/x86_64-linux-gnu/libb.so.1", last),
        ])
    };
    let library = || Elf::library("libb.so.1").exports(&["b", "c"]);
    assert_eq!(tell(&files(library()), "/app"), format!("{LIB}/liba.so.1: of_nobody"));
    assert_eq!(tell(&files(library().sysv_hash()), "/app"), format!("{LIB}/liba.so.1: of_nobody"));
    assert_eq!(
        tell(&files(Elf::library("libb.so.1").exports(&["b"])), "/app"),
        format!("/app: c\n{LIB}/liba.so.1: of_nobody")
    );
}

#[test]
fn what_nothing_refers_to_and_what_is_weak_is_no_harm() {
    let program = Elf::program()
        .symbol(Symbol::undefined("unused").unused())
        .symbol(Symbol::undefined("nothing").relocated(0))
        .symbol(Symbol::undefined("weak").weak())
        .symbol(Symbol::undefined("local").binding(0))
        .symbol(Symbol::undefined("hidden").other(2))
        .symbol(Symbol::undefined("protected").other(3))
        .symbol(Symbol::undefined("called").called());
    assert_eq!(with_library(program.clone(), library()), "/app: protected\n/app: called?");
    // DT_BIND_NOW, DT_FLAGS and DT_FLAGS_1 all say that nothing is looked up late.
    for program in
        [program.clone().number(24, 0), program.clone().number(30, 8), program.flags_1(0x0800_0001)]
    {
        assert_eq!(with_library(program, library()), "/app: protected\n/app: called");
    }
}

#[test]
fn not_everything_of_the_name_is_a_definition() {
    for (symbol, is_found) in [
        (Symbol::defined("a"), true),
        (Symbol::defined("a").weak(), true),
        (Symbol::defined("a").binding(10), true),
        (Symbol::defined("a").kind(1), true),
        (Symbol::defined("a").kind(10), true),
        (Symbol::defined("a").other(3), true),
        (Symbol::defined("a").kind(6).at(5, 0), true),
        (Symbol::defined("a").at(0xfff1, 0), true),
        (Symbol::defined("a").at(5, 0), false),
        (Symbol::defined("a").binding(0), false),
        (Symbol::defined("a").kind(3), false),
        (Symbol::defined("a").other(1), false),
        (Symbol::defined("a").other(2), false),
        (Symbol::undefined("a"), false),
        (Symbol::defined("ab"), false),
    ] {
        for library in [library(), library().sysv_hash()] {
            let expected = if is_found { "" } else { "/app: a" };
            let found = with_library(Elf::program().imports(&["a"]), library.symbol(symbol.clone().unused()));
            assert_eq!(found, expected, "{symbol:?}");
        }
    }
}

#[test]
fn versions_must_fit() {
    let needs = |name: &str| Elf::program().needs_versions("liba.so.1", &["V1"]).imports(&[name]);
    let defines = |name: &str| library().defines(&["V1", "V2"]).exports(&[name]);
    for (needed, defined, is_found) in [
        ("a@V1", "a@@V1", true),
        ("a@V1", "a@V1", true),
        ("a@V1", "a@@V2", false),
        ("a@V1", "a", true),
        // Without a version: the first one of the library, or the only one that is no secret.
        ("a", "a@V1", true),
        ("a", "a@@V2", true),
        ("a", "a@V2", false),
    ] {
        let expected = if is_found { String::new() } else { format!("/app: {needed}") };
        assert_eq!(with_library(needs(needed), defines(defined)), expected, "{needed} of {defined}");
    }
    // A library without versions is as good as one with the right ones.
    assert_eq!(with_library(needs("a@V1"), library().exports(&["a"])), "");
    let two = library().defines(&["V1", "V2", "V3"]).exports(&["a@@V2", "a@@V3"]);
    assert_eq!(with_library(Elf::program().imports(&["a"]), two), "/app: a");
}

/// A program may give an address to a function it only calls: good enough for those who compare
/// addresses, not for those who call it.
#[test]
fn the_address_of_a_stub_is_no_function() {
    let program = |symbol: Symbol| {
        let program = Elf::program().fixed().symbol(symbol.at(0, 0x2000)).needs(&["liba.so.1"]);
        |library: Elf| debian(&[("/app", program), ("/lib/x86_64-linux-gnu/liba.so.1", library)])
    };
    let stub = Symbol::undefined("f").kind(2);
    assert_eq!(tell(&program(stub.clone().unused())(library().imports(&["f"])), "/app"), "");
    assert_eq!(
        tell(&program(stub.clone().called())(library().symbol(Symbol::undefined("f").called())), "/app"),
        format!("/app: f?\n{LIB}/liba.so.1: f?")
    );
    assert_eq!(tell(&program(stub.called())(library().exports(&["f"])), "/app"), "");
}

#[test]
fn a_copy_needs_an_original() {
    let program = || Elf::program().fixed().symbol(Symbol::defined("data").kind(1).copied());
    assert_eq!(with_library(program(), library()), "/app: data");
    assert_eq!(with_library(program(), library().symbol(Symbol::defined("data").kind(1))), "");
}

#[test]
fn a_symbol_of_no_address_is_looked_up_elsewhere() {
    let start = || Symbol::defined("start").at(1, 0).relocated(6);
    assert_eq!(with_library(Elf::program().symbol(start()), library()), "/app: start");
    assert_eq!(with_library(Elf::program().symbol(start()), library().exports(&["start"])), "");
}

/// What is loaded at start does not wait for what is loaded later, and finds nothing in it.
#[test]
fn what_is_loaded_by_name_has_a_wider_scope() {
    let tree = debian(&[
        ("/app", Elf::program().imports(&["of_plugin"]).exports(&["of_program"])),
        (
            "/p/plugin.so",
            Elf::library("").imports(&["of_program", "of_plugin", "of_other"]).exports(&["of_plugin"]),
        ),
        ("/p/other.so", Elf::library("").exports(&["of_other"])),
    ]);
    let memo = FactsMemo::default();
    let linker = Linker::new(&tree, &memo);
    let symbols = |plugins: &[&str]| {
        let plugins: Vec<String> = plugins.iter().map(ToString::to_string).collect();
        let found = linker.undefined_symbols(&linker.closure_with(&path("/app"), &plugins).unwrap());
        found.symbols.iter().map(|symbol| format!("{} {}", symbol.object, symbol.symbol)).collect::<Vec<_>>()
    };
    assert_eq!(symbols(&["/p/plugin.so"]), ["/app of_plugin", "/p/plugin.so of_other"]);
    assert_eq!(symbols(&["/p/plugin.so", "/p/other.so"]), ["/app of_plugin"]);
}

/// What is known from one program is not taken for true in another.
#[test]
fn each_program_has_its_own_scope() {
    let library = |name: &str| Elf::library(name);
    let tree = debian(&[
        ("/one", Elf::program().needs(&["liba.so.1", "libb.so.1"])),
        ("/two", Elf::program().needs(&["liba.so.1"])),
        ("/three", Elf::program().needs(&["liba.so.1"]).exports(&["b"])),
        ("/four", Elf::program().needs(&["liba.so.1"]).rpath("/other")),
        ("/lib/x86_64-linux-gnu/liba.so.1", library("liba.so.1").imports(&["b"])),
        ("/lib/x86_64-linux-gnu/libb.so.1", library("libb.so.1").exports(&["b"])),
        ("/other/liba.so.1", library("liba.so.1").imports(&["c"])),
    ]);
    let memo = FactsMemo::default();
    let linker = Linker::new(&tree, &memo);
    let count =
        |program: &str| linker.undefined_symbols(&linker.closure(&path(program)).unwrap()).symbols.len();
    assert_eq!(["/one", "/two", "/three", "/four", "/two", "/one"].map(count), [0, 1, 0, 1, 1, 0]);
}

#[test]
fn every_machine_has_its_own_tables() {
    for (uname, loader) in [
        ("x86_64", "/lib64/ld-linux-x86-64.so.2"),
        ("i686", "/lib/ld-linux.so.2"),
        ("aarch64", "/lib/ld-linux-aarch64.so.1"),
        ("armv7l", "/lib/ld-linux-armhf.so.3"),
        ("s390x", "/lib/ld64.so.1"),
        ("riscv64", "/lib/ld-linux-riscv64-lp64d.so.1"),
        ("ppc64le", "/lib64/ld64.so.2"),
        ("ppc64", "/lib64/ld64.so.1"),
    ] {
        for sysv in [false, true] {
            let elf = |elf: Elf| if sysv { elf.sysv_hash().on(uname) } else { elf.on(uname) };
            let program = Elf::program()
                .interpreter(loader)
                .needs(&["liba.so.1"])
                .imports(&["there", "absent"])
                .symbol(Symbol::undefined("late").called())
                .symbol(Symbol::defined("copied").copied());
            let tree = tree(&[
                ("/app", elf(program)),
                ("/lib/liba.so.1", elf(library().exports(&["other", "there"]))),
                (loader, Elf::glibc_loader("ld.so", &["/lib/", "/usr/lib/"]).on(uname)),
            ]);
            assert_eq!(tell(&tree, "/app"), "/app: absent\n/app: late?\n/app: copied", "{uname}, {sysv}");
        }
    }
}

/// On MIPS, the symbols of the global offset table are looked up without relocations.
#[test]
fn mips_has_its_symbols_in_the_global_offset_table() {
    const LOADER: &str = "/lib/ld.so.1";
    let of = |first: u64| {
        let program = Elf::program().interpreter(LOADER).needs(&["liba.so.1"]).sysv_hash().on("mipsel");
        let program = ["one", "two", "there"]
            .iter()
            .fold(program, |elf, name| elf.symbol(Symbol::undefined(name).unused()));
        let program = program.symbol(Symbol::undefined("stub").kind(2).at(0, 0x2000).unused());
        let program = program.number(0x7000_0011, 5).number(0x7000_0013, first);
        let stub = Symbol::undefined("stub").kind(2).at(0, 0x2000).unused();
        let library = library().sysv_hash().on("mipsel").exports(&["there"]).symbol(stub);
        let loader = Elf::glibc_loader("ld.so.1", &["/lib/"]).on("mipsel");
        tell(&tree(&[("/app", program), ("/lib/liba.so.1", library), (LOADER, loader)]), "/app")
    };
    assert_eq!(of(1), "/app: one\n/app: two\n/app: stub?");
    assert_eq!(of(2), "/app: two\n/app: stub?");
    assert_eq!(of(5), "");
}

#[test]
fn musl_does_not_know_versions() {
    const LOADER: &str = "/lib/ld-musl-x86_64.so.1";
    let found = |symbol: Symbol, needed: &str| {
        let program = Elf::program().interpreter(LOADER).needs(&["liba.so.1", "libc.so"]);
        let program = program.needs_versions("liba.so.1", &["V9"]).imports(&[needed]);
        let loader = Elf::musl_loader("x86_64").exports(&["open", "readdir_r"]);
        let library = library().defines(&["V1", "V2"]).symbol(symbol);
        tell(&tree(&[("/app", program), ("/lib/liba.so.1", library), (LOADER, loader)]), "/app")
    };
    assert_eq!(found(Symbol::defined("a@@V1"), "a@V9"), "");
    assert_eq!(found(Symbol::defined("a@V1"), "a"), "/app: a");
    assert_eq!(found(Symbol::defined("a").kind(10), "a"), "/app: a");
    assert_eq!(found(Symbol::defined("a").at(0xfff1, 0), "a"), "/app: a");
    assert_eq!(found(Symbol::defined("a").other(2), "a"), "");
    // Names that glibc has for files of more than 2 GB are taken for musl's own.
    assert_eq!(found(Symbol::defined("a"), "open64"), "");
    assert_eq!(found(Symbol::defined("a"), "readdir64_r"), "");
    assert_eq!(found(Symbol::defined("a"), "close64"), "/app: close64");
    assert_eq!(found(Symbol::defined("a"), "creat64"), "/app: creat64");
}

#[test]
fn symbols_that_make_no_sense_are_told() {
    let tree = debian(&[
        ("/app", Elf::program().needs(&["liba.so.1"]).imports(&["a"])),
        ("/lib/x86_64-linux-gnu/liba.so.1", library().number(23, 0).number(2, 24).exports(&["b"])),
    ]);
    let found = undefined(&tree, "/app");
    assert!(found.symbols.is_empty());
    let [(object, error)] = &found.unreadable[..] else { panic!("{found:?}") };
    assert_eq!(object, &path("/lib/x86_64-linux-gnu/liba.so.1"));
    insta::assert_snapshot!(error, @"/lib/x86_64-linux-gnu/liba.so.1 is a damaged ELF file: its relocations lie in no segment");
}
