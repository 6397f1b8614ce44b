//! The closure of this machine's own programs and libraries, against what its loader says.

#![allow(clippy::unwrap_used)]

use elf::{FactsMemo, Flavor, Linker, Rule};
use source::Directory;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tree::TreePath;

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
const DIRS: [&str; 3] = ["/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu"];

/// Every tenth file: the tests of the command ask about all.
#[test]
fn closures_are_those_of_the_loader() {
    if !Path::new(LOADER).exists() {
        println!("SKIPPED: no {LOADER} on this machine");
        return;
    }
    let root = Directory::host().unwrap();
    let memo = FactsMemo::default();
    let linker = Linker::new(&root, &memo);
    let (mut compared, mut differ) = (0, 0);
    for file in files().iter().step_by(10) {
        let Some(expected) = ask_the_loader(file) else { continue };
        compared += 1;
        let closure = linker.closure(&TreePath::parse(file.to_str().unwrap()).unwrap()).unwrap();
        let libraries = closure.libraries.iter().filter(|library| library.rule != Rule::Interpreter);
        let real: BTreeSet<PathBuf> =
            libraries.clone().map(|library| library.resolution.path.as_str().into()).collect();
        let expected_real: BTreeSet<PathBuf> =
            expected.iter().map(|(_, path)| Path::new(path.as_str()).canonicalize().unwrap()).collect();
        let opened: Vec<(String, TreePath)> =
            libraries.map(|library| (library.soname.clone(), library.path.clone())).collect();
        let complete = closure.missing.is_empty() && closure.unsatisfied.is_empty();
        if real != expected_real || opened != expected || !complete {
            differ += 1;
            println!("{}: loader alone {:?}", file.display(), expected_real.difference(&real));
            println!("  closure alone {:?}", real.difference(&expected_real));
            println!("  loader in order {expected:?}\n  closure in order {opened:?}");
            println!("  {:?} {:?}", closure.missing, closure.unsatisfied);
        }
    }
    println!("compared {compared}, differ {differ}");
    assert!(compared > 100, "only {compared} files could be compared");
    assert_eq!(differ, 0);
}

/// A program and two libraries made with `musl-gcc`, against what musl's loader says.
#[test]
fn a_closure_is_that_of_musl() {
    const MUSL: &str = "/lib/ld-musl-x86_64.so.1";
    let temp = tempfile::tempdir().unwrap();
    let compile = |args: &[&str]| {
        let args = ["-x", "c", "/dev/null", "-nostartfiles", "-Wl,--no-as-needed"].iter().chain(args);
        let output = Command::new("musl-gcc").current_dir(&temp).args(args).output();
        output.is_ok_and(|output| output.status.success())
    };
    std::fs::create_dir_all(temp.path().join("lib/inner")).unwrap();
    let compiled = Path::new(MUSL).exists()
        && compile(&["-shared", "-o", "lib/inner/libb.so", "-Wl,-soname,libb.so"])
        && compile(&["-shared", "-o", "lib/liba.so", "-Llib/inner", "-lb", "-Wl,-rpath,$ORIGIN/inner"])
        && compile(&[
            "-pie",
            "-o",
            "app",
            "-Llib",
            "-la",
            "-Wl,-rpath,$ORIGIN/lib",
            "-Wl,-rpath-link,lib/inner",
        ]);
    if !compiled {
        println!("SKIPPED: no musl-gcc and {MUSL}, or they do not work");
        return;
    }
    let app = temp.path().join("app").canonicalize().unwrap();
    let output = Command::new(MUSL).arg("--list").arg(&app).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut expected: Vec<(String, TreePath)> = vec![];
    for line in text.lines() {
        let Some((name, path)) = line.trim().split_once(" => ") else { continue };
        let path = path.rsplit_once(" (").unwrap().0;
        expected.push((name.into(), TreePath::parse(path).unwrap()));
    }
    let root = Directory::host().unwrap();
    let memo = FactsMemo::default();
    let closure =
        Linker::new(&root, &memo).closure(&TreePath::parse(app.to_str().unwrap()).unwrap()).unwrap();
    assert_eq!(closure.loader.as_ref().unwrap().flavor, Flavor::Musl);
    let opened: Vec<(String, TreePath)> =
        closure.libraries.iter().map(|library| (library.soname.clone(), library.path.clone())).collect();
    assert!(opened.len() >= 2 && closure.is_complete(), "{opened:?} {:?}", closure.missing);
    assert_eq!(opened, expected);
}

/// The real files of the directories that start as ELF files, sorted, each once.
fn files() -> Vec<PathBuf> {
    let mut files = BTreeSet::new();
    for dir in DIRS {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
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

/// All that the loader would load for the file without itself, in order, by the name it is needed by
/// and the path it is opened by; none if it refuses the file, or does not find something.
fn ask_the_loader(file: &Path) -> Option<Vec<(String, TreePath)>> {
    let output =
        Command::new(LOADER).args(["--glibc-hwcaps-mask", "none", "--list"]).arg(file).output().unwrap();
    if !output.status.success() {
        return None;
    }
    let loader = Path::new(LOADER).canonicalize().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut opened = vec![];
    for line in text.lines() {
        let line = line.trim();
        let Some(line) = line.rsplit_once(" (0x").map(|(line, _)| line) else {
            // `statically linked`, or a library that is not there.
            return (line == "statically linked").then_some(vec![]);
        };
        let (name, path) = line.rsplit_once(" => ").unwrap_or((line, line));
        if path.starts_with('/') && Path::new(path).canonicalize().unwrap() != loader {
            opened.push((name.into(), TreePath::parse(path).unwrap()));
        }
    }
    Some(opened)
}
