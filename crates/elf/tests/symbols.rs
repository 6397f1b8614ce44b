//! The undefined symbols of this machine's own programs and libraries, against what its loader says
//! when it binds all of them.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod said;

use elf::{FactsMemo, Linker, UndefinedSymbol};
use said::undefined;
use source::Directory;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tree::TreePath;

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
/// Libraries and plugins are judged as if they were programs: most plugins need symbols of the program
/// that loads them, so that there is much to be undefined.
const DIRS: [&str; 6] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/python3.11/lib-dynload",
    "/usr/lib/x86_64-linux-gnu/perl-base/auto",
    "/usr/lib/apache2/modules",
];

/// A symbol, its version, and the file that needs it.
type Symbol = (String, Option<String>, PathBuf);

/// Every tenth file, or with `BANTAM_ORACLE=all` every file.
#[test]
fn symbols_are_undefined_as_the_loader_says() {
    if !Path::new(LOADER).exists() {
        println!("SKIPPED: no {LOADER} on this machine");
        return;
    }
    let step = if std::env::var("BANTAM_ORACLE").is_ok_and(|value| value == "all") { 1 } else { 10 };
    let root = Directory::host().unwrap();
    let memo = FactsMemo::default();
    let linker = Linker::new(&root, &memo);
    let (mut compared, mut undefined, mut differ) = (0, 0, 0);
    for file in files().iter().step_by(step) {
        let Some(expected) = ask_the_loader(file) else { continue };
        compared += 1;
        undefined += expected.len();
        let found = symbols(&linker, file);
        if found != expected {
            differ += 1;
            println!("{}: loader alone {:?}", file.display(), expected.difference(&found));
            println!("  found alone {:?}", found.difference(&expected));
        }
    }
    println!("compared {compared} files with {undefined} undefined symbols, {differ} differ");
    assert!(compared > 100, "only {compared} files could be compared");
    assert_eq!(differ, 0);
}

/// The real files of the directories that start as ELF files, sorted, each once.
fn files() -> Vec<PathBuf> {
    let mut files = BTreeSet::new();
    let mut dirs: Vec<PathBuf> = DIRS.iter().map(PathBuf::from).collect();
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            if entry.file_type().unwrap().is_dir() && dir.ends_with("auto")
                || dir.iter().any(|name| name == "auto")
            {
                dirs.push(entry.path());
            }
            let Ok(path) = entry.path().canonicalize() else { continue };
            let mut magic = [0; 4];
            let file = std::fs::File::open(&path);
            let read = file.and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic));
            if read.is_ok() && magic == *b"\x7fELF" && path.to_str().is_some() {
                files.insert(path);
            }
        }
    }
    files.into_iter().collect()
}

/// The symbols that are not found for the file.
fn symbols(linker: &Linker<'_>, file: &Path) -> BTreeSet<Symbol> {
    let closure = linker.closure(&TreePath::parse(file.to_str().unwrap()).unwrap()).unwrap();
    let found = linker.undefined_symbols(&closure);
    assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
    let symbol =
        |undefined: UndefinedSymbol| (undefined.symbol, undefined.version, real(undefined.object.as_str()));
    found.symbols.into_iter().map(symbol).collect()
}

/// All symbols that the loader would not find for the file; none if it refuses the file, or does not
/// find a library.
fn ask_the_loader(file: &Path) -> Option<BTreeSet<Symbol>> {
    let mut command = Command::new(LOADER);
    command.env_clear().env("LD_TRACE_LOADED_OBJECTS", "1").env("LD_WARN", "yes").env("LD_BIND_NOW", "yes");
    let output = command.args(["--glibc-hwcaps-mask", "none"]).arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || text.contains("not found") || text.contains("statically linked") {
        return None;
    }
    Some(undefined(&text).map(|(symbol, version, object)| (symbol, version, real(object))).collect())
}

fn real(path: &str) -> PathBuf {
    Path::new(path).canonicalize().unwrap()
}
