//! Everything that can be wrong with an image.

use super::Severity;
use crate::spec::Line;
use tree::TreePath;

/// What is wrong. Paths are those of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the texts below say each field")]
pub enum Problem {
    /// A library that is nowhere: `chain` leads from who needs it to what the user named.
    MissingLibrary {
        soname: String,
        needed_by: Vec<TreePath>,
        chain: Vec<TreePath>,
        packages: Vec<String>,
        unusable: Option<(TreePath, String)>,
    },
    /// A library that the payload or source has, but where no loader of the image looks.
    OffSearchPath { soname: String, path: TreePath, needed_by: Vec<TreePath> },
    /// A symbol version that the library in the image does not define.
    MissingVersion { version: String, library: TreePath, needed_by: Vec<TreePath> },
    /// A library of the spec's `dlopen` that is nowhere.
    MissingDlopen { soname: String, packages: Vec<String>, line: Line },
    /// A library that the C library loads by name while running.
    MissingRunTimeLoad { soname: String, purpose: String },
    /// The loader that an ELF file names.
    MissingInterpreter {
        program: TreePath,
        interpreter: String,
        unusable: Option<String>,
        hint: Option<String>,
    },
    /// A library of which versions are needed, and which defines none.
    Unversioned { library: TreePath, needed_by: Vec<TreePath> },
    /// An ELF file for another machine than the platform's.
    WrongMachine { path: TreePath, is: String, wanted: String },
    /// A file that starts like ELF and cannot be read as such.
    DamagedElf { path: TreePath, reason: String },
    /// A script whose `#!` leads nowhere.
    MissingScriptInterpreter { script: TreePath, interpreter: String, of_source: bool },
    /// Something that a profile stands for, and the source does not have.
    MissingOfProfile { profile: &'static str, what: String, purpose: &'static str },
    /// A script whose `#!/usr/bin/env X` leads nowhere on the image's PATH.
    MissingOnPath { script: TreePath, program: String, path: String },
    /// A program that needs files to start which no ELF file names.
    MissingCompanion { program: TreePath, files: String, purpose: &'static str },
    /// The process's program is not in the image.
    MissingProgram { program: String, line: Line, on_path: Option<String> },
    /// The process's program cannot be executed.
    NotExecutable { program: TreePath, why: String, line: Line },
    /// The process's user may not reach a path.
    NotAllowed { path: TreePath, at: TreePath, uid: u32, gid: u32, what: &'static str },
    /// Neither entrypoint nor cmd.
    NoProcess { line: Line },
    /// The working directory is not in the image.
    MissingWorkdir { path: TreePath, found: &'static str, line: Line },
    /// A name that no passwd or group of the image knows.
    UnknownUser { name: String, known: Vec<String>, line: Line },
    /// Something that looks like a secret.
    Secret { path: TreePath, why: &'static str },
    /// A device, socket or fifo.
    SpecialFile { path: TreePath, word: &'static str, from: String },
    /// Two different things for one path.
    Conflict { path: TreePath },
    /// Something below what is no directory.
    NotADirectory { path: TreePath, parent: TreePath, found: &'static str },
    /// A link that leads nowhere.
    DanglingLink { path: TreePath, target: String },
    /// A link in a payload that says `links = "error"`.
    LinkRefused { path: TreePath, target: String, line: Line },
    /// A `from` that takes nothing.
    NothingTaken { from: String, line: Line },
    /// A `keep` that matches nothing.
    NothingKept { glob: String, line: Line },
    /// `to` names one file, and `from` has several.
    ManyToOne { from: String, to: String, line: Line },
    /// A path of the spec that no image can have.
    BadPath { path: String, reason: String, line: Line },
    /// A shell in the image.
    Shell { path: TreePath, because: Option<TreePath> },
    /// A setuid or setgid program.
    Setuid { path: TreePath, mode: u32 },
    /// A file that everybody may change.
    WorldWritable { path: TreePath, mode: u32 },
    /// A process that runs as root.
    RootUser { line: Line },
    /// More than a limit allows; with the largest contributors.
    OverLimit {
        limit: &'static str,
        is: u64,
        allowed: u64,
        unit: Unit,
        largest: Vec<(String, u64)>,
        line: Line,
    },
    /// A volume that the user may not write.
    VolumeNotWritable { path: TreePath, uid: u32, gid: u32 },
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unit {
    Bytes,
    Count,
}

impl Problem {
    /// The stable code of the problem.
    pub fn code(&self) -> &'static str {
        match self {
            Problem::MissingLibrary { .. } => "B0101",
            Problem::MissingVersion { .. } => "B0102",
            Problem::MissingInterpreter { .. } => "B0103",
            Problem::WrongMachine { .. } => "B0104",
            Problem::OffSearchPath { .. } => "B0105",
            Problem::DamagedElf { .. } => "B0106",
            Problem::MissingDlopen { .. } => "B0107",
            Problem::MissingRunTimeLoad { .. } => "B0108",
            Problem::MissingCompanion { .. } => "B0109",
            Problem::Unversioned { .. } => "B0110",
            Problem::MissingOfProfile { .. } => "B0111",
            Problem::MissingScriptInterpreter { .. } => "B0201",
            Problem::MissingOnPath { .. } => "B0202",
            Problem::MissingProgram { .. } => "B0301",
            Problem::NotExecutable { .. } => "B0302",
            Problem::NotAllowed { .. } => "B0303",
            Problem::NoProcess { .. } => "B0304",
            Problem::MissingWorkdir { .. } => "B0305",
            Problem::UnknownUser { .. } => "B0306",
            Problem::VolumeNotWritable { .. } => "B0307",
            Problem::NothingTaken { .. } => "B0401",
            Problem::NothingKept { .. } => "B0402",
            Problem::ManyToOne { .. } => "B0403",
            Problem::BadPath { .. } => "B0404",
            Problem::Conflict { .. } => "B0405",
            Problem::NotADirectory { .. } => "B0406",
            Problem::SpecialFile { .. } => "B0407",
            Problem::DanglingLink { .. } => "B0408",
            Problem::LinkRefused { .. } => "B0409",
            Problem::Secret { .. } => "B0501",
            Problem::Shell { .. } => "B0502",
            Problem::Setuid { .. } => "B0503",
            Problem::WorldWritable { .. } => "B0504",
            Problem::RootUser { .. } => "B0505",
            Problem::OverLimit { .. } => "B0601",
        }
    }

    /// How bad the problem is unless circumstances say otherwise.
    pub fn severity(&self) -> Severity {
        match self {
            Problem::OffSearchPath { .. }
            | Problem::MissingRunTimeLoad { .. }
            | Problem::Unversioned { .. }
            | Problem::MissingOfProfile { .. }
            | Problem::NoProcess { .. }
            | Problem::VolumeNotWritable { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// The line of the spec that the problem is about; 0 where there is none.
    pub fn line(&self) -> Line {
        match self {
            Problem::MissingDlopen { line, .. }
            | Problem::MissingProgram { line, .. }
            | Problem::NotExecutable { line, .. }
            | Problem::NoProcess { line }
            | Problem::MissingWorkdir { line, .. }
            | Problem::UnknownUser { line, .. }
            | Problem::LinkRefused { line, .. }
            | Problem::NothingTaken { line, .. }
            | Problem::NothingKept { line, .. }
            | Problem::ManyToOne { line, .. }
            | Problem::BadPath { line, .. }
            | Problem::OverLimit { line, .. }
            | Problem::RootUser { line } => *line,
            _ => 0,
        }
    }
}
