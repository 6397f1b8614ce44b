//! The loader itself as the judge: what it would open for a file is what `bantam deps` names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::workshop::Workshop;

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// Programs first; then libraries, most of which programs load too.
const FOLDERS: [&str; 3] = ["/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu"];

/// How many files one call is given.
const AT_ONCE: usize = 200;

#[test]
fn the_loader_opens_what_deps_names() {
    let answers: BTreeMap<PathBuf, BTreeSet<PathBuf>> =
        elf_files().into_iter().filter_map(|file| Some((file.clone(), opened_by_loader(&file)?))).collect();
    assert!(answers.len() > 100, "the loader answers for {} files only", answers.len());

    let files: Vec<&PathBuf> = answers.keys().collect();
    let named: BTreeMap<PathBuf, BTreeSet<PathBuf>> = files.chunks(AT_ONCE).flat_map(deps).collect();
    assert_eq!(named.len(), answers.len(), "files that deps is silent about");

    let mut differing = 0;
    for (file, opened) in &answers {
        let named = &named[file];
        if named != opened {
            differing += 1;
            let only =
                |a: &BTreeSet<PathBuf>, b: &BTreeSet<PathBuf>| a.difference(b).cloned().collect::<Vec<_>>();
            println!(
                "{}: only the loader: {:?}; only deps: {:?}",
                file.display(),
                only(opened, named),
                only(named, opened)
            );
        }
    }
    println!("{} files compared, {differing} differ", answers.len());
    assert_eq!(differing, 0);
}

/// Every ELF file of the folders, once, links aside.
fn elf_files() -> Vec<PathBuf> {
    let entries = FOLDERS.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let paths = entries.map(|entry| entry.unwrap()).filter(|entry| entry.file_type().unwrap().is_file());
    let mut files: Vec<PathBuf> = paths.map(|entry| entry.path()).filter(|path| is_elf(path)).collect();
    files.sort();
    files
}

fn is_elf(path: &Path) -> bool {
    use std::io::Read;
    let mut magic = [0; 4];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"\x7fELF"
}

/// The real files that the loader opens for `file`, itself and the loader aside; nothing if it refuses.
fn opened_by_loader(file: &Path) -> Option<BTreeSet<PathBuf>> {
    let mut command = Command::new(LOADER);
    command.args(["--glibc-hwcaps-mask", "none", "--list"]).arg(file).env_remove("LD_LIBRARY_PATH");
    let output = command.output().unwrap();
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    // Either `soname => path (address)` or `path (address)`; the kernel's own object has no path.
    let paths = text.lines().filter_map(|line| {
        let (named, _) = line.rsplit_once(" (")?;
        let path = named.rsplit_once(" => ").map_or(named, |(_, path)| path).trim();
        path.starts_with('/').then(|| PathBuf::from(path))
    });
    Some(real_files(paths))
}

/// What `bantam deps` says of each file.
fn deps(files: &[&PathBuf]) -> Vec<(PathBuf, BTreeSet<PathBuf>)> {
    let workshop = Workshop::new();
    let output = workshop.bantam().args(["deps", "--json"]).args(files).output().unwrap();
    let (text, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}: {said}", output.status);
    let objects = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}")));
    let read = |object: Value| {
        let libraries = object["libraries"].as_array().unwrap();
        let paths = libraries.iter().map(|library| PathBuf::from(library["path"].as_str().unwrap()));
        (PathBuf::from(object["program"].as_str().unwrap()), real_files(paths))
    };
    objects.map(read).collect()
}

fn real_files(paths: impl Iterator<Item = PathBuf>) -> BTreeSet<PathBuf> {
    let loader = fs::canonicalize(LOADER).unwrap();
    paths.map(|path| fs::canonicalize(&path).unwrap_or(path)).filter(|path| *path != loader).collect()
}
