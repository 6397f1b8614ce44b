//! What the loader reads of one ELF file.

use crate::{Flavor, Machine};
use serde::{Deserialize, Serialize};

/// Everything about one ELF file that decides what it loads and what may load it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What it was compiled for.
    pub machine: Machine,
    /// What it is.
    pub kind: Kind,
    /// The loader it asks for (`PT_INTERP`). Some libraries have one too: those that can be run.
    pub interpreter: Option<String>,
    /// The name that others know it by (`DT_SONAME`).
    pub soname: Option<String>,
    /// The libraries it needs (`DT_NEEDED`), in order: sonames, or paths where there is a slash.
    pub needed: Vec<String>,
    /// Shared objects it stands for (`DT_FILTER`): loaded like needed ones, ahead of it.
    pub filters: Vec<String>,
    /// As `filters`, but they may be missing (`DT_AUXILIARY`).
    pub auxiliaries: Vec<String>,
    /// Directories from `DT_RPATH`, as written: `$ORIGIN` and the like stand unexpanded, and an
    /// empty one means the working directory. Ignored by glibc where there is a `runpath`.
    pub rpath: Vec<String>,
    /// Directories from `DT_RUNPATH`, as written; none where the file has no such entry.
    pub runpath: Option<Vec<String>>,
    /// Are the loader's built-in directories closed to what it needs (`DF_1_NODEFLIB`)?
    pub nodeflib: bool,
    /// Is it marked as a position independent executable (`DF_1_PIE`)? Those are no libraries.
    pub is_pie: bool,
    /// The symbol versions that it needs of others (`DT_VERNEED`).
    pub version_needs: Vec<VersionNeed>,
    /// The symbol versions that it defines (`DT_VERDEF`), without the one that is its own name.
    pub version_definitions: Vec<String>,
    /// Do its symbols have versions at all (`DT_VERSYM`)? glibc stops a program that needs a version
    /// of a library without.
    pub has_version_table: bool,
    /// What it says that it loads by name at run time (`.note.dlopen`).
    pub dlopen_notes: Vec<DlopenNote>,
    /// Why glibc loads no library with such a header, as a clause; none if it does. The kernel starts
    /// programs with it.
    #[serde(skip)]
    pub refused: Option<&'static str>,
    /// The x86-64 instruction set level it needs, as the cache of glibc counts; 0 for none.
    pub isa_level: u32,
}

/// What an ELF file is to a loader.
///
/// A file with an interpreter is a program, unless it has a soname and is not marked as a position
/// independent executable: then it is a library that can be run as well, as `libc.so.6` is. A
/// position independent file without an interpreter is a static program if it is marked as an
/// executable and needs no library, or has no dynamic section and an entry point; else a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A program that the kernel starts without a loader.
    StaticExecutable,
    /// A program that its interpreter loads.
    Executable,
    /// A library or plugin.
    SharedObject,
    /// Something that is never loaded, in words: `an object file`, `debug information`.
    #[serde(skip)]
    Other(#[serde(skip)] &'static str),
}

/// A symbol version that a file needs of a library.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VersionNeed {
    /// The library, by the name under which it is needed.
    pub library: String,
    /// The version, such as `GLIBC_2.34`.
    pub version: String,
    /// Is it no harm if the version is missing (`VER_FLG_WEAK`)?
    pub weak: bool,
}

/// A library that a file may load by name at run time, as it says itself:
/// <https://uapi-group.org/specifications/specs/elf_dlopen_metadata/>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DlopenNote {
    /// The names that are tried, in order; the first that is there is taken.
    pub sonames: Vec<String>,
    /// How much is lost without it.
    pub priority: Priority,
    /// What it is for, in a word.
    pub feature: Option<String>,
    /// What it is for, in a sentence.
    pub description: Option<String>,
}

/// How much a program loses without a library that it loads by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// The program does not work without.
    Required,
    /// Something that most would want does not work. The default of the specification.
    Recommended,
    /// Something that few would want does not work.
    Suggested,
}

impl Facts {
    /// The facts of a file that has nothing but a machine and a kind.
    pub fn bare(machine: Machine, kind: Kind) -> Self {
        Facts {
            machine,
            kind,
            interpreter: None,
            soname: None,
            needed: vec![],
            filters: vec![],
            auxiliaries: vec![],
            rpath: vec![],
            runpath: None,
            nodeflib: false,
            is_pie: false,
            version_needs: vec![],
            version_definitions: vec![],
            has_version_table: false,
            dlopen_notes: vec![],
            refused: None,
            isa_level: 0,
        }
    }

    /// Can it be started: with an interpreter, or without?
    pub fn is_program(&self) -> bool {
        matches!(self.kind, Kind::StaticExecutable | Kind::Executable)
    }

    /// The C library that it was linked with, as far as its loader or what it needs tells.
    pub fn libc(&self) -> Option<Flavor> {
        let names = || self.interpreter.iter().chain(&self.needed);
        if names().any(|name| name == "libc.so" || name.contains("libc.musl-") || name.contains("ld-musl-")) {
            return Some(Flavor::Musl);
        }
        let is_glibc = names().any(|name| name.starts_with("libc.so.") || name.contains("ld-linux"))
            || self.version_needs.iter().any(|need| need.version.starts_with("GLIBC_"));
        is_glibc.then_some(Flavor::Glibc)
    }

    /// Does it define this symbol version?
    pub fn defines(&self, version: &str) -> bool {
        self.version_definitions.iter().any(|defined| defined == version)
    }
}

impl Kind {
    /// The kind in words, for messages.
    pub fn word(&self) -> &'static str {
        match self {
            Kind::StaticExecutable => "a static program",
            Kind::Executable => "a program",
            Kind::SharedObject => "a shared object",
            Kind::Other(word) => word,
        }
    }
}

impl Priority {
    /// The word of the specification.
    pub fn as_str(self) -> &'static str {
        match self {
            Priority::Required => "required",
            Priority::Recommended => "recommended",
            Priority::Suggested => "suggested",
        }
    }
}
