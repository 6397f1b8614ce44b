//! The facts of every ELF file below a directory, against a bare goblin lazy parse of the same files.
//!
//! `facts DIR` prints a line of numbers: files, their bytes, and the medians in seconds of both, which take turns. Both
//! open each file, and read ranges of it with `pread`. goblin is asked for what a loader looks up first: the headers,
//! the dynamic section, and the names in it. The facts are that and the rest: the path looked up in the view without
//! following links, the interpreter, versions needed and defined, and notes.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use goblin::container::{Container, Ctx, Endian};
use goblin::elf::dynamic::{DT_NEEDED, DT_STRSZ, DT_STRTAB, Dynamic};
use goblin::elf::header::{EI_CLASS, EI_DATA, ELFCLASS64, ELFDATA2LSB, ELFMAG, ET_DYN, ET_EXEC};
use goblin::elf::program_header::{PT_DYNAMIC, PT_LOAD};
use goblin::elf::{Elf, ProgramHeader};
use source::Directory;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tree::{TreePath, View};

/// How often each of the two is measured, after one round to warm up.
const ROUNDS: usize = 9;
/// As much as is read of the start of a file, and all that most need for their headers.
const HEAD: usize = 4096;
/// No name of a library is longer, in bytes.
const LONGEST: u64 = 256;

fn main() {
    let Some(dir) = std::env::args().nth(1).filter(|arg| !arg.starts_with('-')) else { return };
    let mut files = vec![];
    list(Path::new(&dir), &mut files);
    files.sort();
    let bytes: u64 = files.iter().map(|path| path.metadata().unwrap().len()).sum();

    let mut seconds: [Vec<f64>; 2] = Default::default();
    for round in 0..=ROUNDS {
        let start = Instant::now();
        let ours = facts(&files);
        let middle = Instant::now();
        let theirs = files.iter().map(|path| needed(path).unwrap_or_default()).sum::<usize>();
        let end = Instant::now();
        assert_eq!(ours, theirs, "both count the needed libraries");
        if round > 0 {
            seconds[0].push((middle - start).as_secs_f64());
            seconds[1].push((end - middle).as_secs_f64());
        }
    }
    let [facts, goblin] = seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2]
    });
    println!("{} {bytes} {facts} {goblin}", files.len());
}

/// How many libraries the files need, by their facts.
fn facts(files: &[PathBuf]) -> usize {
    let host = Directory::host().unwrap();
    let needed = |path: &PathBuf| {
        let entry = host.entry(&TreePath::parse(path.to_str()?).ok()?).ok()??;
        Some(elf::read(entry.content()?).ok()??.needed.len())
    };
    files.iter().filter_map(needed).sum()
}

/// How many libraries a file needs, by goblin.
fn needed(path: &Path) -> Option<usize> {
    let file = File::open(path).ok()?;
    let mut head = [0; HEAD];
    let got = file.read_at(&mut head, 0).ok()?;
    let head = head.get(..got)?;
    let header = Elf::parse_header(head).ok()?;
    if !matches!(header.e_type, ET_EXEC | ET_DYN) {
        return None;
    }
    let container = if header.e_ident[EI_CLASS] == ELFCLASS64 { Container::Big } else { Container::Little };
    let endian = if header.e_ident[EI_DATA] == ELFDATA2LSB { Endian::Little } else { Endian::Big };
    let ctx = Ctx::new(container, endian);
    let (at, count) = (header.e_phoff as usize, header.e_phnum as usize);
    let segments = if at + count * ProgramHeader::size(ctx) <= head.len() {
        ProgramHeader::parse(head, at, count, ctx).ok()?
    } else {
        let bytes = range(&file, at as u64, count * ProgramHeader::size(ctx))?;
        ProgramHeader::parse(&bytes, 0, count, ctx).ok()?
    };
    let segment = segments.iter().find(|segment| segment.p_type == PT_DYNAMIC)?;
    let bytes = range(&file, segment.p_offset, segment.p_filesz as usize)?;
    let alone = ProgramHeader { p_type: PT_DYNAMIC, p_filesz: segment.p_filesz, ..ProgramHeader::default() };
    let entries = Dynamic::parse(&bytes, &[alone], ctx).ok()??.dyns;
    let number = |tag| entries.iter().find(|entry| entry.d_tag == tag).map(|entry| entry.d_val);
    let needed = || entries.iter().filter(|entry| entry.d_tag == DT_NEEDED).map(|entry| entry.d_val);
    let (Some(first), Some(last)) = (needed().min(), needed().max()) else { return None };
    let vaddr = number(DT_STRTAB)? as usize;
    let load = segments.iter().find(|load| load.p_type == PT_LOAD && load.vm_range().contains(&vaddr))?;
    let table = load.p_offset + (vaddr as u64 - load.p_vaddr);
    // Not the whole table: some have megabytes.
    let end = number(DT_STRSZ)?.min(last + LONGEST);
    let strings = range(&file, table + first, (end - first) as usize)?;
    let names = needed().map(|at| {
        let name = strings.get((at - first) as usize..)?;
        let end = name.iter().position(|byte| *byte == 0)?;
        Some(std::str::from_utf8(&name[..end]).ok()?.to_owned())
    });
    Some(names.collect::<Option<Vec<String>>>()?.len())
}

fn range(file: &File, at: u64, len: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, at).ok()?;
    Some(bytes)
}

/// Adds every ELF file below a directory.
fn list(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = dir.read_dir() else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => list(&path, files),
            Ok(kind) if kind.is_file() && path.to_str().is_some() && is_elf(&path) => files.push(path),
            _ => {}
        }
    }
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut magic, 0));
    read.is_ok() && magic == *ELFMAG
}
