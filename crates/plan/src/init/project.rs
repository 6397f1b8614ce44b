//! A project's folder, as far as it says what the project is.

use super::java;
use elf::Machine;
use std::collections::BTreeMap;

/// How deep files are looked at. Sources lie deeper only where a manifest above says all that matters.
const DEPTH: usize = 7;

/// Folders that hold nothing of the project's own; of a virtual environment its settings are looked at.
const FOREIGN: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".idea",
    ".vscode",
    ".gradle",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".cache",
    "__pycache__",
    "node_modules",
    "bower_components",
    ".svelte-kit",
    ".nuxt",
    "vendor",
    "third_party",
    "testdata",
    "CMakeFiles",
    "_deps",
    "subprojects",
    "site-packages",
    "incremental",
    "deps",
    "fingerprint",
    ".fingerprint",
];

/// Files whose text says what a project is.
const MANIFESTS: &[&str] = &[
    "go.mod",
    "Cargo.toml",
    "CMakeLists.txt",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "meson.build",
    "pyproject.toml",
    "Pipfile",
    "package.json",
    ".npmrc",
    ".nvmrc",
    ".node-version",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "gradle.properties",
    "Dockerfile",
    "Containerfile",
    "application.properties",
    "application.yml",
    "application.yaml",
    "next.config.js",
    "next.config.mjs",
    "next.config.ts",
];

/// Endings of sources that are looked into for where a program starts and which port it listens at.
const SOURCES: &[&str] = &["go", "rs", "py", "js", "mjs", "cjs", "ts", "java", "kt", "c", "cc", "cpp", "cxx"];

/// Endings of files that are looked into for keys.
const KEYS: &[&str] = &["asc", "key", "p8", "pem", "ppk"];

/// Folders of what builds wrote, not people.
const BUILDS: &[&str] = &[".next/", ".output/"];

/// A project's folder.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The folder's name.
    pub name: String,
    /// Its files by their paths, relative and apart by slashes.
    pub files: BTreeMap<String, ProjectFile>,
    /// The runtime source that this machine is of, as a spec names it: `debian:bookworm`. None where there is no such.
    pub release: Option<String>,
    /// What this machine runs, and so the image unless its spec says otherwise. None where that is not known.
    pub machine: Option<Machine>,
    /// The project of npm or pnpm above, of which this is a part. None where this has a lock of its own.
    pub workspace: Option<Workspace>,
}

/// A part of a larger project, whose lock is that of all its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The folder of the whole, seen from this one: `../..`.
    pub root: String,
    /// This folder, seen from there: `apps/api`.
    pub folder: String,
}

/// A file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectFile {
    /// One that was looked into.
    Text(String),
    /// An ELF program; one that is not static is loaded by a loader, with libraries.
    Program {
        /// Does the kernel start it without a loader?
        is_static: bool,
        /// What it was compiled for.
        machine: Machine,
    },
    /// A jar that a build made, by its manifest.
    Jar {
        /// Does it name a class that starts?
        has_main: bool,
        /// Does it name libraries?
        has_class_path: bool,
    },
    /// Anything else.
    Other,
}

/// What is to be known of something in a project's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Of a file, its text.
    Text,
    /// Of a file, whether it is an ELF program; of a directory, what is in it.
    Look,
    /// Of a jar, its manifest.
    Manifest,
    /// Nothing.
    Nothing,
}

/// What is to be known of a path, relative to the project.
pub fn wanted(path: &str, is_dir: bool) -> Wanted {
    let name = name_of(path);
    let depth = path.split('/').count();
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| name_of(parent));
    if is_dir {
        return if depth > DEPTH || FOREIGN.contains(&name) { Wanted::Nothing } else { Wanted::Look };
    }
    // Of a virtual environment nothing else is the project's.
    if [".venv", "venv", "env"]
        .iter()
        .any(|venv| path.strip_prefix(venv).is_some_and(|rest| rest.starts_with('/')))
    {
        return if name == "pyvenv.cfg" { Wanted::Look } else { Wanted::Nothing };
    }
    if java::may_be_program(path) {
        return Wanted::Manifest;
    }
    // Programs stand at the top of what Cargo makes for a profile.
    if path.starts_with("target/") && parent != "release" && !name.ends_with(".jar") {
        return Wanted::Nothing;
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_text = MANIFESTS.contains(&name)
        || SOURCES.contains(&ending)
        || name.starts_with("requirements") && ending == "txt";
    let is_made = BUILDS.iter().any(|folder| path.starts_with(folder)) && name != "package.json";
    if is_text && !is_test(path) && !is_made || KEYS.contains(&ending) { Wanted::Text } else { Wanted::Look }
}

impl Project {
    /// The text of a file that was looked into.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        match self.files.get(path)? {
            ProjectFile::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Is there a file?
    pub(super) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Is there a directory with a file in it?
    pub(super) fn has_dir(&self, path: &str) -> bool {
        let start = format!("{path}/");
        self.files.range(start.clone()..).next().is_some_and(|(found, _)| found.starts_with(&start))
    }

    /// The first of these files that is there.
    pub(super) fn first<'a>(&self, paths: &[&'a str]) -> Option<&'a str> {
        paths.iter().copied().find(|path| self.has(path))
    }

    /// The sources with one of these endings: path and text, those of the fewest directories first.
    pub(super) fn sources<'a>(&'a self, endings: &'a [&str]) -> Vec<(&'a str, &'a str)> {
        let mut sources: Vec<(&str, &str)> = self
            .files
            .iter()
            .filter(|(path, _)| path.rsplit_once('.').is_some_and(|(_, end)| endings.contains(&end)))
            .filter_map(|(path, _)| Some((path.as_str(), self.text(path)?)))
            .collect();
        sources.sort_by_key(|(path, _)| (path.matches('/').count(), *path));
        sources
    }

    /// The folders of virtual environments, whatever they are called.
    pub(super) fn venvs(&self) -> impl Iterator<Item = &str> {
        self.files.keys().filter_map(|path| path.strip_suffix("/pyvenv.cfg")).filter(|path| is_plain(path))
    }

    /// The ELF programs that this machine runs: path, and whether each is static.
    pub(super) fn programs(&self) -> impl Iterator<Item = (&str, bool)> {
        self.files.iter().filter_map(|(path, file)| match file {
            ProjectFile::Program { is_static, machine } if is_plain(path) && self.runs(machine) => {
                Some((path.as_str(), *is_static))
            }
            _ => None,
        })
    }

    /// The program of this name that lies in the first of these folders, an empty one being the project's own; else the
    /// one of this name anywhere.
    pub(super) fn program(&self, name: &str, folders: &[&str]) -> Option<(&str, bool)> {
        let in_folder = |folder: &str| {
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            self.programs().find(|(found, _)| *found == path)
        };
        let anywhere = || self.programs().find(|(path, _)| name_of(path) == name);
        folders.iter().find_map(|folder| in_folder(folder)).or_else(anywhere)
    }

    fn runs(&self, program: &Machine) -> bool {
        self.machine.is_none_or(|machine| machine.matches(program))
    }
}

/// The last name of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Can a spec name the path? Nobody calls a program otherwise.
fn is_plain(path: &str) -> bool {
    path.trim() == path && !path.contains(|letter: char| letter.is_control() || letter == '\\')
}

/// Is it a test, by the names that languages give them?
fn is_test(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let of_tests =
        |part: &str| ["test", "tests", "__tests__", "spec", "e2e", "examples", "benches"].contains(&part);
    let stem = name.split('.').next().unwrap_or(name);
    folder.split('/').any(of_tests)
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem == "conftest"
        || name.contains(".test.")
        || name.contains(".spec.")
}
