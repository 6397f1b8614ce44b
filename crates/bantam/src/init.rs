//! A project's folder, looked at for the spec that it may have.

use crate::{Error, Problem, host_platform};
use plan::init::{Project, ProjectFile, Recognised, Wanted, recognise, wanted, why_not};
use source::{Found, NoMemory, SourceError, Step};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::{Path, PathBuf},
};
use tree::Content;

/// Larger texts are made by programs, and say nothing.
const MAX_TEXT: u64 = 256 << 10;
/// So many bytes of texts are read at most, of all files together.
const MAX_TEXTS: u64 = 32 << 20;
/// So many files are looked at, in the order of their paths.
const MAX_FILES: usize = 50_000;
/// Where a machine says which release it is of.
const OS_RELEASE: &str = "/etc/os-release";

/// What a folder is.
#[derive(Debug, Clone)]
pub struct Initialised {
    /// What its spec is made for.
    pub chosen: Recognised,
    /// What it is beside that.
    pub others: Vec<Recognised>,
}

/// Looks at a project. Nothing of it is run, and no link of it is followed.
///
/// # Errors
/// When it cannot be read, or is nothing that is known.
pub fn init(folder: &Path) -> Result<Initialised, Error> {
    let project = read(folder)?;
    let mut found = recognise(&project).into_iter();
    let none = || Error::NoProject { folder: folder.into(), why: why_not(&project) };
    let chosen = found.next().ok_or_else(none)?;
    Ok(Initialised { chosen, others: found.collect() })
}

/// Writes the spec of a folder, and gives its file. A spec that is there stays.
///
/// # Errors
/// When there is one, or it cannot be written.
pub fn write_spec(folder: &Path, text: &str) -> Result<PathBuf, Error> {
    let file = spec_of(folder);
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AlreadyExists => Error::SpecThere { file: file.clone() },
        _ => Error::Write { path: file.clone(), source },
    };
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut new = tempfile::Builder::new()
        .prefix(".bantam-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(place)
        .map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    new.persist_noclobber(&file).map_err(|error| failed(error.error))?;
    Ok(file)
}

/// Where the spec of a folder is.
fn spec_of(folder: &Path) -> PathBuf {
    if folder == Path::new(".") { "bantam.toml".into() } else { folder.join("bantam.toml") }
}

fn read(folder: &Path) -> Result<Project, Error> {
    let failed = |source| Error::Read { path: folder.into(), source };
    if !std::fs::metadata(folder).map_err(failed)?.is_dir() {
        return Err(failed(std::io::ErrorKind::NotADirectory.into()));
    }
    let found = walk(folder)?;
    let mut left = MAX_TEXTS;
    let mut files = BTreeMap::new();
    for one in found.into_iter().take(MAX_FILES) {
        let Some(content) = one.entry.content() else { continue };
        let file = match wanted(&one.path, false) {
            Wanted::Text => text(content, &mut left),
            Wanted::Manifest => jar(content),
            _ if one.entry.is_executable() => program(content),
            _ => None,
        };
        files.insert(one.path, file.unwrap_or(ProjectFile::Other));
    }
    let name = std::path::absolute(folder).map_err(failed)?;
    let name = name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let os_release = std::fs::read_to_string(OS_RELEASE).unwrap_or_default();
    let machine = host_platform().and_then(|platform| platform.architecture.machine());
    let workspace = language::workspace(folder);
    Ok(Project { name, files, release: release(&os_release), machine, workspace })
}

/// The files of a project. What is closed to this user, such as a database's folder, says nothing.
fn walk(folder: &Path) -> Result<Vec<Found>, Error> {
    let step = |path: &str, is_dir: bool| match (is_dir, wanted(path, is_dir)) {
        (_, Wanted::Nothing) => Step::Skip,
        (true, _) => Step::Pass,
        (false, _) => Step::Take,
    };
    let errors = match source::walk(folder, false, &NoMemory, &step) {
        Ok(found) => return Ok(found),
        Err(errors) => errors,
    };
    let path = |error: SourceError| match error {
        SourceError::Read { path, .. } | SourceError::NotUtf8 { path } => {
            Some(path.to_string_lossy().into_owned())
        }
        _ => None,
    };
    let closed: BTreeSet<String> = errors.into_iter().filter_map(path).collect();
    let open = |path: &str, is_dir: bool| match closed.contains(&*folder.join(path).to_string_lossy()) {
        true => Step::Skip,
        false => step(path, is_dir),
    };
    source::walk(folder, false, &NoMemory, &open).map_err(|errors| Error::Sources {
        shown: folder.display().to_string(),
        problems: errors.into_iter().map(Problem::Source).collect(),
    })
}

/// A text; none where it is none, or cannot be read.
fn text(content: &Content, left: &mut u64) -> Option<ProjectFile> {
    let size = content.size();
    if size > MAX_TEXT.min(*left) {
        return None;
    }
    *left -= size;
    let text = String::from_utf8(content.read(MAX_TEXT).ok()?).ok()?;
    Some(ProjectFile::Text(text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text)))
}

/// A jar, by its manifest; none where it is none.
fn jar(content: &Content) -> Option<ProjectFile> {
    let language::JarStart { has_main, has_class_path } = language::jar_start(content)?;
    Some(ProjectFile::Jar { has_main, has_class_path })
}

/// An ELF program; none where it is anything else.
fn program(content: &Content) -> Option<ProjectFile> {
    let facts = elf::read(content).ok()??;
    let is_static = match facts.kind {
        elf::Kind::StaticExecutable => true,
        elf::Kind::Executable => false,
        _ => return None,
    };
    Some(ProjectFile::Program { is_static, machine: facts.machine })
}

/// The release that a machine is of, as a spec names it; none where its packages are no release's.
fn release(os_release: &str) -> Option<String> {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches(['"', '\'']))
    };
    let distribution = value("ID").filter(|id| ["debian", "ubuntu"].contains(id))?;
    let suite = value("VERSION_CODENAME")?;
    let is_name = !suite.is_empty() && suite.bytes().all(|byte| byte.is_ascii_lowercase());
    is_name.then(|| format!("{distribution}:{suite}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use std::os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    };

    #[test]
    fn releases() {
        for (text, want) in [
            ("ID=debian\nVERSION_CODENAME=bookworm\n", Some("debian:bookworm")),
            ("PRETTY_NAME=\"x\"\nVERSION_CODENAME=noble\nID=\"ubuntu\"\n", Some("ubuntu:noble")),
            ("ID=linuxmint\nID_LIKE=ubuntu\nVERSION_CODENAME=wilma\n", None),
            ("ID=debian\n", None),
            ("ID=debian\nVERSION_CODENAME=\"a b\"\n", None),
            ("", None),
        ] {
            assert_eq!(release(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn a_folder_is_read_as_far_as_it_says_something() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: &[u8]| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("go.mod", b"\xef\xbb\xbfmodule shop\n");
        write("main.go", b"package main\n");
        write("latin.go", b"package \xe9\n");
        write("big.go", &vec![b'/'; 300 << 10]);
        write("node_modules/x/index.js", b"x");
        std::fs::copy("/proc/self/exe", dir.path().join("shop")).unwrap();
        write("script", b"#!/bin/sh\n");
        std::fs::set_permissions(dir.path().join("script"), PermissionsExt::from_mode(0o755)).unwrap();
        symlink("/etc/passwd", dir.path().join("requirements.txt")).unwrap();
        symlink(".", dir.path().join("loop")).unwrap();
        write("closed/x", b"x");
        std::fs::set_permissions(dir.path().join("closed"), PermissionsExt::from_mode(0o000)).unwrap();
        std::fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"\xe9.go")), "x").unwrap();

        let project = read(dir.path()).unwrap();
        let text = |text: &str| ProjectFile::Text(text.into());
        let machine = project.machine.unwrap();
        let want = [
            ("big.go", ProjectFile::Other),
            ("go.mod", text("module shop\n")),
            ("latin.go", ProjectFile::Other),
            ("main.go", text("package main\n")),
            ("script", ProjectFile::Other),
            ("shop", ProjectFile::Program { is_static: false, machine }),
        ];
        // Root reads what is closed.
        let files: BTreeMap<_, _> =
            project.files.into_iter().filter(|(path, _)| path != "closed/x").collect();
        assert_eq!(files, want.map(|(path, file)| (path.to_owned(), file)).into());
        assert!(matches!(read(&dir.path().join("go.mod")), Err(Error::Read { .. })));
    }

    #[test]
    fn a_spec_that_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = write_spec(dir.path(), "one").unwrap();
        assert!(matches!(write_spec(dir.path(), "two"), Err(Error::SpecThere { .. })));
        assert_eq!(std::fs::read_to_string(file).unwrap(), "one");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
