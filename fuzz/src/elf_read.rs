//! The facts of any file, and what a program loads when the file is the program, its libraries and its loader.

use crate::machine::{UNAMES, files, list};
use elf::testing::Elf;
use elf::{
    CachePolicy, Closure, Facts, FactsMemo, Linker, Loader, glibc_runtime_loads, hwcaps_variants, ldconfig,
};
use std::io;
use tree::{Content, ContentHandle, Entry, ReadAt, Tree, TreePath};

/// As many of the needed libraries are in the tree: enough for circles.
const LIBRARIES: usize = 8;
/// So many files of the machine are seeds.
const REAL: usize = 12;
/// The largest file of the machine that is a seed, in bytes.
const LARGEST: usize = 20 << 10;

/// Reads the file, whole and cut short while it is read, and follows what it needs.
pub fn run(bytes: &[u8]) {
    let _ = elf::read(&Content::new(Shrunk(bytes.to_vec())));
    let content = Content::bytes(bytes, "the input");
    let facts = match elf::read(&content) {
        Ok(Some(facts)) => facts,
        Ok(None) => return,
        Err(error) => return assert!(error.to_string().contains("the input"), "{error}"),
    };
    let loads = glibc_runtime_loads(None, &facts);
    assert!(loads.iter().any(|load| load.soname == "libgcc_s.so.1"));

    let app = path("/app");
    // Each file goes one of these ways; the fuzzer finds the others.
    let (own_loader, is_image) = (bytes.len() & 1 == 0, bytes.len() & 2 == 0);
    let tree = tree_around(&content, &facts, own_loader);
    let memo = FactsMemo::default();
    let policy = if is_image { CachePolicy::AsIs } else { CachePolicy::OrConf };
    let linker = Linker::new(&tree, &memo).ld_library_path("/opt:$ORIGIN/lib").cache_policy(policy);
    if let Ok(closure) = linker.closure_with(&app, &["libz.so.1".into(), "/lib/liba.so.1".into()]) {
        check(&closure, &tree);
        let undefined = linker.undefined_symbols(&closure);
        assert!(undefined.symbols.is_empty() || undefined.unreadable.is_empty());
    }
    let found = ldconfig(&tree, &memo, &[path("/lib"), path("/opt")], &facts.machine);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let loader = Loader::read(&app, &content).unwrap_or_else(|error| panic!("{error}"));
    assert!(loader.is_none_or(|loader| loader.path == app));
}

/// Hand-made files of many machines, and small ones of this one.
pub fn seeds() -> Vec<Vec<u8>> {
    let full = |elf: Elf| {
        elf.needs(&["liba.so.1", "libb.so.1"])
            .runpath("$ORIGIN/../lib:/opt")
            .filters("libf.so.1")
            .auxiliary("libg.so.1")
            .needs_versions("liba.so.1", &["A_1", "A_2"])
            .wants_versions("libb.so.1", &["B_1"])
            .defines(&["FULL_1", "FULL_2"])
            .dlopen_note(r#"[{"soname":["libz.so.1"],"priority":"suggested"}]"#)
            .exports(&["here", "old@FULL_1", "new@@FULL_2"])
            .imports(&["there@A_1", "elsewhere"])
    };
    let mut seeds = vec![];
    for uname in UNAMES {
        seeds.push(full(Elf::program()).on(uname).build());
        seeds.push(full(Elf::library("liba.so.1")).rpath("/r:$LIB").on(uname).build());
        seeds.push(Elf::static_program().on(uname).build());
        seeds.push(Elf::glibc_loader("ld.so.1", &["/lib/", "/usr/lib/"]).on(uname).build());
        seeds.push(Elf::musl_loader(uname).on(uname).build());
    }
    seeds.push(Elf::library("o").of_type(1).build());
    seeds.push(Elf::library("core").of_type(4).build());
    let real =
        files([list("/usr/lib/x86_64-linux-gnu"), list("/usr/lib/aarch64-linux-gnu")].concat(), LARGEST);
    seeds.extend(real.into_iter().filter(|bytes| bytes.starts_with(b"\x7fELF")).take(REAL));
    seeds
}

/// The file as `/app` and as the libraries that it needs first, with a loader that is the file too, or a proper one.
fn tree_around(content: &Content, facts: &Facts, own_loader: bool) -> Tree {
    let mut tree = Tree::new();
    let mut put = |at: TreePath, content: Content| tree.insert(at, Entry::file(content, 0o755));
    put(path("/app"), content.clone());
    let needed = facts.needed.iter().chain(&facts.filters).chain(&facts.auxiliaries);
    let named = needed.filter(|name| name.len() < 256 && !name.contains('\0'));
    let mut dirs = ["/lib", "/opt", "/usr/lib/glibc-hwcaps/x86-64-v3"].iter().cycle();
    for (name, dir) in named.take(LIBRARIES).zip(&mut dirs) {
        put(path(dir).join(name).unwrap_or_else(|_| path("/lib/liba.so.1")), content.clone());
    }
    let machine = facts.machine.uname();
    let made = |elf: Elf| Content::bytes(elf.on(machine).build(), "hand-made");
    put(path("/usr/lib/libz.so.1"), made(Elf::library("libz.so.1").defines(&["A_1"])));
    if let Some(at) = facts.interpreter.as_ref().and_then(|name| TreePath::root().join(name).ok()) {
        let loader = match at.as_str().contains("musl") {
            _ if own_loader => content.clone(),
            true => made(Elf::musl_loader(machine)),
            false => made(Elf::glibc_loader(at.name(), &["/lib/", "/usr/lib/"])),
        };
        put(at, loader);
    }
    tree.insert(TreePath::root(), Entry::directory(0o755));
    tree.add_parents();
    tree
}

fn check(closure: &Closure, tree: &Tree) {
    assert_eq!(closure.program.as_str(), "/app");
    let mut files: Vec<&TreePath> =
        closure.libraries.iter().map(|library| &library.resolution.path).collect();
    files.sort();
    let count = files.len();
    files.dedup();
    assert_eq!(files.len(), count, "a file is loaded twice");
    for library in &closure.libraries {
        assert!(tree.get(&library.resolution.path).is_some(), "{} is nowhere", library.path);
        assert!(hwcaps_variants(tree, &library.path).is_ok());
    }
    let loaded = |path: &TreePath| {
        *path == closure.program || closure.libraries.iter().any(|library| library.path == *path)
    };
    let needed_by = closure.libraries.iter().flat_map(|library| &library.needed_by);
    let needed_by = needed_by.chain(closure.missing.iter().flat_map(|missing| &missing.needed_by));
    assert!(needed_by.chain(closure.unsatisfied.iter().flat_map(|lack| &lack.needed_by)).all(loaded));
    assert!(closure.missing.iter().all(|missing| !missing.needed_by.is_empty()));
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap_or_else(|_| TreePath::root())
}

/// A file of which the end was cut off after its size was read.
struct Shrunk(Vec<u8>);

impl ContentHandle for Shrunk {
    fn size(&self) -> u64 {
        self.0.len() as u64 + 4096
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(&self.0[..]))
    }

    fn origin(&self) -> String {
        "a file that shrank".into()
    }
}
