//! The loader itself as the judge: what it says of a file, and what it refuses, is what `bantam deps` says. For the
//! files of this machine, and of the packages of Debian for each architecture.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use elf::{FactsMemo, Linker, ld_so_conf, ldconfig, write_cache};
use source::Directory;
use tree::TreePath;

use crate::debian::{ARCHITECTURES, Architecture, Root, follow};
use crate::loader::{Loader, Said, deps};
use crate::refusals::check_packages;
use crate::workshop::{Workshop, at_hand, find, is_long, limited, ok, skipped};

/// How many files one call is given.
const AT_ONCE: usize = 200;
/// The emulator, inside of a root.
const EMULATOR: &str = "/.emulator";

/// How many of the architectures, the first ones, every run looks at.
const ALWAYS: usize = 2;

/// What comparing files came to.
#[derive(Default)]
struct Tally {
    compared: usize,
    refused_by_both: usize,
    /// Files of which loader and deps say different things, each with both.
    differing: Vec<String>,
    /// Differences that a reader accepts, by the reason.
    accepted: BTreeMap<&'static str, usize>,
}

#[test]
fn the_loader_of_this_machine_says_what_deps_says() {
    // Programs first; then libraries, most of which programs load too. A long test looks everywhere.
    let folders: &[&str] =
        if is_long() { &["/usr", "/opt"] } else { &["/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu"] };
    if !at_hand(&["perl", ARCHITECTURES[0].loader]) {
        return;
    }
    let loader = Loader { root: Path::new("/"), path: ARCHITECTURES[0].loader, emulator: None };
    let files = elf_files(&loader, folders, is_long());
    let tally = compare(&loader, &files);
    println!("this machine: {}", tally.line());
    assert!(tally.compared > 100 && tally.differing.is_empty());
}

#[test]
fn amd64() {
    judge("amd64");
}

#[test]
fn arm64() {
    judge("arm64");
}

#[test]
fn armhf() {
    judge("armhf");
}

#[test]
fn i386() {
    judge("i386");
}

#[test]
fn ppc64el() {
    judge("ppc64el");
}

#[test]
fn riscv64() {
    judge("riscv64");
}

#[test]
fn s390x() {
    judge("s390x");
}

/// All programs and libraries of Debian packages, by their own loader; and each package as an image of its own.
fn judge(name: &str) {
    let at = ARCHITECTURES.iter().position(|architecture| architecture.name == name).unwrap();
    let architecture = &ARCHITECTURES[at];
    if at >= ALWAYS && !is_long() {
        println!("{name}: in a long test only");
        return;
    }
    if !at_hand(&["perl", "apt-get", "dpkg-deb", "root", architecture.emulator.unwrap_or("perl")]) {
        return;
    }
    match Root::unpack(architecture) {
        Ok(root) => {
            let mut wrong = compare_root(&root, architecture);
            wrong.extend(refusals(&root, architecture));
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
        Err(why) => skipped(&why),
    }
}

/// Compares loader and deps in three states of a root: with a cache that its own ldconfig made, without one, and with
/// libraries that are damaged, lacking, or of another version. Gives what differs.
fn compare_root(root: &Root, architecture: &Architecture) -> Vec<String> {
    let mut wrong = vec![];
    let mut state = |name: &str, step: usize, prepare: &dyn Fn(&Root)| {
        let twin = root.twin(name);
        if let Some(emulator) = architecture.emulator {
            let inside = twin.path.join(EMULATOR.trim_start_matches('/'));
            fs::copy(find(emulator).unwrap(), &inside).unwrap();
        }
        remove_legacy_folders(&twin, architecture);
        prepare(&twin);
        let emulator = architecture.emulator.map(|_| EMULATOR);
        let loader = Loader { root: &twin.path, path: architecture.loader, emulator };
        let files: Vec<String> = elf_files(&loader, &["/"], true).into_iter().step_by(step).collect();
        let tally = compare(&loader, &files);
        let (machine, packages) = (architecture.name, root.packages.len());
        println!("{machine}, {packages} packages, {name}: {}", tally.line());
        if tally.compared < 100 {
            wrong.push(format!("{name}: only {} files compared", tally.compared));
        }
        wrong.extend(tally.differing);
    };
    // An emulator is slow: not every file is looked at in every state.
    let (most, part) = match (is_long(), architecture.emulator) {
        (true, None) => (1, 1),
        (true, Some(_)) => (1, 4),
        (false, None) => (1, 4),
        (false, Some(_)) => (2, 8),
    };
    state("cached", most, &|twin| compare_caches(twin, architecture));
    state("bare", part, &|twin| fs::remove_file(twin.path.join("etc/ld.so.conf")).unwrap());
    state("damaged", part, &|twin| {
        fs::remove_file(twin.path.join("etc/ld.so.conf")).unwrap();
        damage(twin, architecture);
    });
    wrong
}

/// Until glibc 2.37, libraries for some processors stood below folders with their names, and the loader looks there as
/// its processor has it. bantam takes nothing from there.
fn remove_legacy_folders(root: &Root, architecture: &Architecture) {
    for name in ["i686", "i586", "sse2", "neon", "vfp", "tls"] {
        let path = root.path.join("usr/lib").join(architecture.multiarch).join(name);
        if path.is_dir() {
            println!("{}: without {}", architecture.name, path.display());
            fs::remove_dir_all(path).unwrap();
        }
    }
}

/// Has the root's own ldconfig make a cache, which must be ours to the byte.
fn compare_caches(root: &Root, architecture: &Architecture) {
    let inside = Directory::open(&root.path).unwrap();
    let memo = FactsMemo::default();
    let path = |text: &str| TreePath::parse(text).unwrap();
    let (_, facts) = Linker::new(&inside, &memo).object(&path(architecture.loader)).unwrap();
    let loader = Linker::new(&inside, &memo).loader(&path(architecture.loader), &facts.machine);
    let mut dirs = ld_so_conf(&inside, &path("/etc/ld.so.conf")).dirs;
    dirs.extend(loader.builtin_dirs.iter().cloned());
    let found = ldconfig(&inside, &memo, &dirs, &facts.machine);

    let emulator = architecture.emulator.map(|_| EMULATOR);
    let chroot = || {
        let mut command = limited("chroot");
        command.arg(&root.path).args(emulator).arg("/sbin/ldconfig");
        command
    };
    ok(&mut chroot());
    let version = ok(chroot().arg("--version"));
    let (package, release) = version.lines().next().unwrap().rsplit_once(' ').unwrap();
    let generator = format!("{package} stable release version {release}");
    let ours = write_cache(&found.entries, facts.machine.endian, &generator);
    let theirs = fs::read(root.path.join("etc/ld.so.cache")).unwrap();
    println!("{}: the cache has {} entries", architecture.name, found.entries.len());
    assert!(ours == theirs, "{}: the cache is not that of ldconfig", architecture.name);
}

/// Puts in the way of programs what the proof tells: in libraries that many of them need.
fn damage(root: &Root, architecture: &Architecture) {
    let library = |name: &str| {
        let path = format!("/usr/lib/{}/{name}", architecture.multiarch);
        follow(&root.path, &path).unwrap_or_else(|| panic!("no {path}"))
    };
    // The roots share their files: what is changed must be another file.
    let replace = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = library(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    // A version that programs need is called otherwise.
    replace("libc.so.6", &|bytes| rename(bytes, b"\0GLIBC_2.34\0", b"\0GLIBC_0.34\0"));
    // A library without definitions of versions.
    replace("libz.so.1", &|bytes| drop_definitions(bytes));
    replace("libbz2.so.1.0", &|bytes| *bytes = b"no ELF file, but long enough to be one".repeat(10));
    replace("libselinux.so.1", &|bytes| bytes.truncate(40));
    // Of another machine: the Itanium.
    replace("liblzma.so.5", &|bytes| bytes[18..20].copy_from_slice(&[50, 50]));
    fs::remove_file(library("libexpat.so.1")).unwrap();
    let tinfo = library("libtinfo.so.6");
    fs::remove_file(&tinfo).unwrap();
    fs::create_dir(&tinfo).unwrap();
    let pcre = library("libpcre2-8.so.0");
    fs::remove_file(&pcre).unwrap();
    symlink("nowhere", &pcre).unwrap();
}

fn rename(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
}

/// Gives the entries of the dynamic section that lead to definitions of versions a tag that means nothing.
fn drop_definitions(bytes: &mut [u8]) {
    let (is_64, is_big) = (bytes[4] == 2, bytes[5] == 2);
    let word = |tag: u32| match (is_big, is_64) {
        (true, true) => u64::from(tag).to_be_bytes().to_vec(),
        (true, false) => tag.to_be_bytes().to_vec(),
        (false, true) => u64::from(tag).to_le_bytes().to_vec(),
        (false, false) => tag.to_le_bytes().to_vec(),
    };
    for (tag, nothing) in [(0x6fff_fffc, 0x6fff_0001), (0x6fff_fffd, 0x6fff_0002)] {
        rename(bytes, &word(tag), &word(nothing));
    }
}

/// Checks the packages of a root, prints what came of it, and gives what is refused and would start.
fn refusals(root: &Root, architecture: &Architecture) -> Vec<String> {
    // What packages depend on is checked with them; each for itself takes its time.
    let all = is_long() && architecture.emulator.is_none();
    let checked = check_packages(root, architecture, |package| all || package.is_named);
    let name = architecture.name;
    println!(
        "{name}: {} packages checked: {} want more kept or dropped, {} refused for what they recommend, {} wrongly; \
         warnings in {:?}",
        checked.packages,
        checked.helped.len(),
        checked.refused.len(),
        checked.wrongly.len(),
        checked.warned
    );
    for (package, done) in &checked.helped {
        println!("{name}: {package}: {}", done.join(", "));
    }
    for (package, sonames) in &checked.refused {
        println!("{name}: {package} is refused: plugins need {sonames:?}");
    }
    checked.wrongly
}

/// Compares what loader and deps say of the files.
fn compare(loader: &Loader<'_>, files: &[String]) -> Tally {
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    let work = || {
        let workshop = Workshop::new();
        loop {
            let start = next.fetch_add(AT_ONCE, Ordering::Relaxed);
            let Some(batch) = files.get(start..).map(|rest| &rest[..rest.len().min(AT_ONCE)]) else { break };
            let mut command = workshop.bantam();
            command.args(["deps", "--json"]).arg("--root").arg(loader.root).args(batch);
            let ours = deps(command, loader.path);
            for file in batch {
                let theirs = loader.ask(file);
                tally.lock().unwrap().add(file, &theirs, ours.get(file));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    tally.into_inner().unwrap()
}

impl Tally {
    fn add(&mut self, file: &str, theirs: &Result<Said, String>, ours: Option<&Said>) {
        self.compared += 1;
        match (theirs, ours) {
            (Ok(theirs), Some(ours)) if theirs == ours => {}
            (Err(_), None) => self.refused_by_both += 1,
            // The first library that cannot be loaded ends the loader's list.
            (Err(why), Some(ours)) if ours.missing.iter().any(|soname| names(why, soname)) => {
                self.refused_by_both += 1;
            }
            (Err(why), Some(ours)) if why.contains("signal") && *ours == Said::default() => {
                let reason = "static: the loader, which has no part in such programs, fails";
                *self.accepted.entry(reason).or_default() += 1;
            }
            _ => {
                let told = format!("{file}:\n  the loader: {theirs:?}\n  deps: {ours:?}");
                println!("{told}");
                self.differing.push(file.to_owned());
            }
        }
    }

    fn line(&self) -> String {
        let Tally { compared, refused_by_both, differing, accepted } = self;
        format!(
            "{compared} files compared, {refused_by_both} refused by both, {} differ, and {accepted:?}",
            differing.len()
        )
    }
}

/// Is the loader's complaint about the library of this name?
fn names(complaint: &str, soname: &str) -> bool {
    complaint
        .split_once("shared libraries: ")
        .and_then(|(_, about)| about.split(": ").next())
        .is_some_and(|about| about.rsplit('/').next() == Some(soname))
}

/// Every ELF file of the folders of a root that is of the loader's machine, once, links and the loader aside. Only those
/// right in the folders, or with `deep` those further below too.
fn elf_files(loader: &Loader<'_>, folders: &[&str], deep: bool) -> Vec<String> {
    let own = follow(loader.root, loader.path).unwrap();
    let machine = machine_of(&own).unwrap();
    let mut files = vec![];
    let mut folders: Vec<PathBuf> =
        folders.iter().map(|folder| loader.root.join(folder.trim_start_matches('/'))).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() && deep {
                folders.push(path);
            } else if kind.is_file() && path != own && machine_of(&path).as_ref() == Some(&machine) {
                let inside = path.strip_prefix(loader.root).unwrap();
                files.extend(inside.to_str().map(|inside| format!("/{inside}")));
            }
        }
    }
    files.retain(|file| file != EMULATOR);
    files.sort();
    files
}

/// Class, byte order and machine of an ELF file.
fn machine_of(path: &Path) -> Option<[u8; 4]> {
    let mut head = [0; 20];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    head.starts_with(b"\x7fELF").then_some([head[4], head[5], head[18], head[19]])
}
