//! The symbols of any file, as a library that a proper program looks them up in, and as the program that looks its own
//! up in a proper library.

use crate::machine::{UNAMES, files, list};
use elf::testing::{Elf, Symbol};
use elf::{CachePolicy, FactsMemo, Linker};
use tree::{Content, Entry, Tree, TreePath};

/// So many files of the machine are seeds.
const REAL: usize = 12;
/// The largest file of the machine that is a seed, in bytes.
const LARGEST: usize = 20 << 10;
/// What the programs look up, and the libraries have.
const NAMES: [&str; 4] = ["plain", "versioned@A_1", "data", "elsewhere"];

/// Looks for what nothing defines, with the file in both places.
pub fn run(bytes: &[u8]) {
    let content = Content::bytes(bytes, "the input");
    let Ok(Some(facts)) = elf::read(&content) else { return };
    let made = |elf: Elf| Content::bytes(elf.on(facts.machine.uname()).build(), "hand-made");
    let interpreter = facts.interpreter.clone().unwrap_or_else(|| "/lib/ld.so.1".into());
    let Ok(loader) = TreePath::root().join(&interpreter) else { return };
    let program = made(program().interpreter(&interpreter));
    for (program, library) in [(&program, &content), (&content, &made(library()))] {
        let mut tree = Tree::new();
        let mut put = |at: TreePath, content: &Content| tree.insert(at, Entry::file(content.clone(), 0o755));
        put(loader.clone(), &made(Elf::glibc_loader("ld.so.1", &["/lib/"])));
        put(path("/lib/liba.so.1"), library);
        put(path("/app"), program);
        tree.insert(TreePath::root(), Entry::directory(0o755));
        tree.add_parents();
        let memo = FactsMemo::default();
        let linker = Linker::new(&tree, &memo).cache_policy(CachePolicy::AsIs);
        let Ok(closure) = linker.closure(&path("/app")) else { continue };
        let undefined = linker.undefined_symbols(&closure);
        for symbol in &undefined.symbols {
            assert!(undefined.unreadable.is_empty(), "{:?}", undefined.unreadable);
            let is_object = |path: &TreePath| closure.libraries.iter().any(|library| library.path == *path);
            assert!(symbol.object == closure.program || is_object(&symbol.object), "{symbol:?}");
        }
        for symbol in undefined.symbols.iter().take(4) {
            let _ = linker.defines(&path("/lib/liba.so.1"), symbol);
        }
    }
}

/// Programs and libraries of many machines with both kinds of hash tables, and small files of this machine.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![];
    for uname in UNAMES {
        for elf in [program(), library()] {
            seeds.push(elf.clone().on(uname).build());
            seeds.push(elf.sysv_hash().on(uname).build());
        }
        seeds.push(Elf::musl_loader(uname).exports(&["plain", "data"]).on(uname).build());
    }
    let real =
        files([list("/usr/lib/x86_64-linux-gnu"), list("/usr/lib/aarch64-linux-gnu")].concat(), LARGEST);
    seeds.extend(real.into_iter().filter(|bytes| bytes.starts_with(b"\x7fELF")).take(REAL));
    seeds
}

fn program() -> Elf {
    Elf::program()
        .needs(&["liba.so.1"])
        .needs_versions("liba.so.1", &["A_1"])
        .imports(&NAMES)
        .symbol(Symbol::undefined("maybe").weak())
        .symbol(Symbol::undefined("called").called())
        .symbol(Symbol::undefined("copied").copied().kind(1))
}

fn library() -> Elf {
    Elf::library("liba.so.1")
        .defines(&["A_1", "A_2"])
        .exports(&["plain", "versioned@@A_1", "data", "called", "copied"])
        .symbol(Symbol::defined("hidden").other(2))
        .symbol(Symbol::defined("own@A_2").binding(10).kind(6))
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap_or_else(|_| TreePath::root())
}
