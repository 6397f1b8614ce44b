//! Tests over hand-made files.

mod closure;
mod facts;
mod hostile;
mod musl;
mod notebook;
mod symbols;

use crate::testing::{Elf, put, tree};
use crate::{CachePolicy, Closure, FactsMemo, Linker};
use std::fmt::Write as _;
use tree::{Tree, TreePath};

/// A tree with these files and a glibc as Debian lays it out.
fn debian(files: &[(&str, Elf)]) -> Tree {
    let mut tree = tree(files);
    let dirs =
        ["/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/", "/lib/", "/usr/lib/"].map(String::from);
    let dirs = dirs.iter().map(String::as_str).collect::<Vec<_>>();
    put(&mut tree, "/lib64/ld-linux-x86-64.so.2", &Elf::glibc_loader("ld-linux-x86-64.so.2", &dirs));
    let libc = Elf::library("libc.so.6")
        .interpreter("/lib64/ld-linux-x86-64.so.2")
        .needs(&["ld-linux-x86-64.so.2"])
        .needs_versions("ld-linux-x86-64.so.2", &["GLIBC_PRIVATE"])
        .defines(&["GLIBC_2.2.5", "GLIBC_2.34"]);
    put(&mut tree, "/lib/x86_64-linux-gnu/libc.so.6", &libc);
    tree
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// The closure of a program of the tree, in words.
fn closure_of(tree: &Tree, program: &str) -> String {
    let memo = FactsMemo::default();
    tell(&Linker::new(tree, &memo).closure(&path(program)).unwrap())
}

/// The closure as in an image, where no `ld.so.conf` stands in for a cache.
fn closure_as_is(tree: &Tree, program: &str) -> String {
    let memo = FactsMemo::default();
    let linker = Linker::new(tree, &memo).cache_policy(CachePolicy::AsIs);
    tell(&linker.closure(&path(program)).unwrap())
}

/// A closure in words, a line for each thing in it.
fn tell(closure: &Closure) -> String {
    let list = |paths: &[TreePath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let mut text = String::new();
    match &closure.interpreter {
        Some(interpreter) if interpreter.is_found() => {}
        Some(interpreter) => {
            let why = interpreter.unusable.as_ref().map_or("nothing there".into(), ToString::to_string);
            let _ = writeln!(text, "interpreter {}: {why}", interpreter.written);
        }
        None => text.push_str("no interpreter\n"),
    }
    for library in &closure.libraries {
        let (path, real) = (&library.path, &library.resolution.path);
        let _ =
            write!(text, "{} => {path} ({}) < {}", library.soname, library.rule, list(&library.needed_by));
        let links = list(&library.resolution.links);
        text.push_str(&if links.is_empty() { "\n".into() } else { format!("; {links} -> {real}\n") });
    }
    for missing in &closure.missing {
        let _ = write!(text, "missing {} < {}", missing.soname, list(&missing.needed_by));
        let found = missing.found_but.as_ref().map(|(path, why)| format!("; {path}: {why}"));
        text.push_str(&(found.unwrap_or_default() + "\n"));
    }
    for lack in &closure.unsatisfied {
        let table = if lack.without_table { " without a table" } else { "" };
        let _ = writeln!(text, "no {} in {}{table} < {}", lack.version, lack.library, list(&lack.needed_by));
    }
    for lack in &closure.unversioned {
        let _ = writeln!(text, "no versions in {} < {}", lack.library, list(&lack.needed_by));
    }
    text
}
