//! Everything that can be wrong with an image.

use super::Fix;
use crate::{Offers, Suite, spec::Line};
use elf::Flavor;
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
        /// What else there is to do, where it is known.
        advice: Option<String>,
    },
    /// A library that the payload or source has, but where no loader of the image looks.
    OffSearchPath { soname: String, path: TreePath, needed_by: Vec<TreePath> },
    /// A symbol version that the library in the image does not define; `suites` are the oldest releases
    /// whose library does, `fix` those that have all versions that the image lacks.
    MissingVersion {
        version: String,
        library: TreePath,
        needed_by: Vec<TreePath>,
        offers: Offers,
        suites: Vec<Suite>,
        fix: Vec<Suite>,
        made_of: Option<String>,
        of_dependency: Option<Box<OfDependency>>,
    },
    /// A library of the spec's `dlopen` that is nowhere.
    MissingDlopen { soname: String, packages: Vec<String>, line: Line },
    /// A library that the C library loads by name while running.
    MissingRunTimeLoad { soname: String, purpose: String },
    /// Files that the source has, and that a library or program of the image looks for by name.
    PluginsNotTaken { trigger: TreePath, files: Vec<String>, purpose: &'static str },
    /// None of the libraries is there that a file says it does not work without.
    MissingNoted { file: TreePath, sonames: Vec<String>, purpose: String, packages: Vec<String> },
    /// Libraries that a file says most would want it to load, and that the source has.
    NotedNotTaken { file: TreePath, sonames: Vec<String> },
    /// Constants of a file that look like libraries: those that the source has, and those that it has
    /// not, with the packages of these.
    Mentioned { file: TreePath, at_hand: Vec<String>, other: Vec<String>, packages: Vec<String> },
    /// Plugins that the source has and could not load, because it lacks a library.
    PluginsLeftOut { soname: String, plugins: Vec<TreePath>, packages: Vec<String> },
    /// The loader that an ELF file names.
    MissingInterpreter {
        program: TreePath,
        interpreter: String,
        unusable: Option<String>,
        hint: Option<String>,
    },
    /// A library of which versions are needed, and which defines none.
    Unversioned { library: TreePath, needed_by: Vec<TreePath> },
    /// Symbols that an object needs, and that nothing defines of what these programs load.
    UndefinedSymbol {
        object: TreePath,
        symbols: Vec<String>,
        programs: Vec<TreePath>,
        missed: Missed,
        /// A library of the image that has the first of them.
        defined_by: Option<TreePath>,
        /// The C library of the object, where the program has another.
        built_for: Option<Flavor>,
    },
    /// Files that older processors of the platform do not run.
    NewerProcessor { level: String, files: Vec<TreePath> },
    /// An ELF file for another machine than the platform's.
    WrongMachine { path: TreePath, is: String, wanted: String, of_source: bool },
    /// A file that starts like ELF and cannot be read as such.
    DamagedElf { path: TreePath, reason: String },
    /// A script whose `#!` leads nowhere, or to what cannot run it.
    MissingScriptInterpreter {
        script: TreePath,
        interpreter: String,
        unusable: Option<String>,
        of_source: bool,
    },
    /// Something that a profile stands for, and the source does not have.
    MissingOfProfile { profile: &'static str, what: String, purpose: &'static str },
    /// A script whose `#!/usr/bin/env X` leads nowhere on the image's PATH.
    MissingOnPath { script: TreePath, program: String, path: String, of_source: bool },
    /// A program that needs files to start which no ELF file names.
    MissingCompanion { program: TreePath, files: String, purpose: &'static str },
    /// The process's program is not in the image.
    MissingProgram { program: String, line: Line, on_path: Option<String> },
    /// A file that the process tells an interpreter to open: `word` names it, `path` is where it would be, `like` has the
    /// same name elsewhere in the image.
    MissingArgument { program: String, word: String, path: TreePath, like: Option<TreePath>, line: Line },
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
    /// A user of the spec that the base image knows by other numbers.
    UserOfBase { name: String, known: (u32, u32), wanted: (u32, u32), line: Line },
    /// A variable of the environment that leads to what is not in the image: `path` is that, `why` a
    /// clause that says so, `fix` what would bring it.
    EnvPath {
        name: String,
        value: String,
        path: String,
        why: String,
        what: &'static str,
        fix: Option<Fix>,
        line: Line,
    },
    /// Something that looks like a secret.
    Secret { path: TreePath, why: &'static str },
    /// A device, socket or fifo.
    SpecialFile { path: TreePath, word: &'static str, from: String },
    /// Two different things for one path.
    Conflict { path: TreePath },
    /// Something that takes the place of what the base image has, or would have to.
    OverBase { path: TreePath, found: &'static str, put: &'static str },
    /// A package of which the image has files of two versions: the base's, which the image says, and the source's.
    PackageVersions { package: String, base: String, source: String },
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
    /// A package that the spec or its profile names, and that the source does not have.
    MissingPackage { name: String, near: Option<String>, no_database: bool, line: Line },
    /// A file of `ca` that has no certificates to add.
    BadCertificates { file: String, why: String, line: Line },
    /// The debug variant, and no busybox in the source.
    NoBusybox { line: Line },
    /// Two packages that have different files at one path.
    PackagesClash { path: TreePath, packages: [String; 2] },
    /// What the scripts of a package do when it is installed, and bantam does not.
    ScriptNotRun { package: String, commands: Vec<String> },
    /// A `drop` that matches nothing that the image would take.
    NothingDropped { glob: String, line: Line },
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
    /// A volume where the image has something else than a directory.
    VolumeNoDirectory { path: TreePath, found: &'static str },
    /// A runtime of a language that the source does not have: `what` is what was looked for, `fix` what would do where
    /// no other source has it.
    NoRuntime { language: &'static str, what: String, packages: Vec<String>, fix: Option<String>, line: Line },
    /// A package of a language that is built for another version of the runtime, or another platform; `fix` is what
    /// would do, in words.
    UnfitPackage { package: String, why: String, fix: String, line: Line },
    /// A package of a language that is there as source only, and would have to be built.
    NotPrebuilt { package: String, why: String, fix: String, line: Line },
    /// A package of a language that is not what it says.
    DamagedPackage { package: String, why: String, line: Line },
    /// A lock of a language that is missing, or is not of what the project asks for; `fix` is what to do.
    StaleLock { file: String, why: String, fix: String, line: Line },
    /// A class of a jar that is compiled for a newer Java than the runtime; both as releases of Java.
    NewerClasses { jar: String, class: String, needs: u32, has: u32, line: Line },
    /// A module or library of a language that is nowhere; `sort` is which of them.
    MissingModule { sort: &'static str, module: String, needed_by: String, fix: String, line: Line },
    /// Modules of a standard library that an application does not do without, left out by this mode.
    LeftOutOfLibrary { modules: Vec<String>, mode: &'static str, line: Line },
    /// The program of the process is one of the runtime source, and none of the dependencies.
    ProgramOfSource { program: String, path: TreePath, line: Line },
    /// Files of dependencies that were left out: by sort, how many, and their bytes.
    Shed { language: &'static str, sorts: Vec<(&'static str, u64, u64)>, line: Line },
    /// A package of a language with a script that its installer would run, and bantam does not.
    InstallScript { package: String, script: String, line: Line },
    /// The class that a program starts with is in none of its jars; `named_by` is who says that it starts there.
    MissingClass { class: String, named_by: String, jar: String, line: Line },
    /// Packages that no jar has, and that a class of a jar uses.
    MissingPackages { jar: String, used_by: String, packages: Vec<String>, line: Line },
    /// The process starts with a package manager; `instead` is what it would start, and `env` its variables;
    /// both are empty where that is not known.
    PackageManager { program: String, instead: Vec<String>, env: Vec<(String, String)>, line: Line },
}

/// A dependency of a language whose file needs a version that a library lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfDependency {
    /// The dependency, as name and version.
    pub dependency: String,
    /// The library, by the name that programs need it by.
    pub soname: String,
}

/// When the lack of a symbol shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missed {
    /// When the program starts.
    AtStart,
    /// When the program loads the object by name.
    OnLoad,
    /// When it is first called.
    OnCall,
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
        self.about().id
    }

    /// The path in the image that the problem is about; of several, the first.
    pub fn subject(&self) -> Option<&TreePath> {
        match self {
            Problem::MissingLibrary { needed_by, .. }
            | Problem::OffSearchPath { needed_by, .. }
            | Problem::MissingVersion { needed_by, .. }
            | Problem::Unversioned { needed_by, .. }
            | Problem::PluginsLeftOut { plugins: needed_by, .. } => needed_by.first(),
            Problem::NewerProcessor { files, .. } => files.first(),
            Problem::MissingInterpreter { program: path, .. }
            | Problem::MissingCompanion { program: path, .. }
            | Problem::NotExecutable { program: path, .. }
            | Problem::MissingScriptInterpreter { script: path, .. }
            | Problem::MissingOnPath { script: path, .. }
            | Problem::PluginsNotTaken { trigger: path, .. }
            | Problem::MissingNoted { file: path, .. }
            | Problem::NotedNotTaken { file: path, .. }
            | Problem::Mentioned { file: path, .. }
            | Problem::UndefinedSymbol { object: path, .. }
            | Problem::WrongMachine { path, .. }
            | Problem::DamagedElf { path, .. }
            | Problem::NotAllowed { at: path, .. }
            | Problem::MissingWorkdir { path, .. }
            | Problem::Secret { path, .. }
            | Problem::SpecialFile { path, .. }
            | Problem::Conflict { path }
            | Problem::OverBase { path, .. }
            | Problem::NotADirectory { path, .. }
            | Problem::DanglingLink { path, .. }
            | Problem::LinkRefused { path, .. }
            | Problem::Shell { path, .. }
            | Problem::Setuid { path, .. }
            | Problem::WorldWritable { path, .. }
            | Problem::VolumeNoDirectory { path, .. }
            | Problem::PackagesClash { path, .. }
            | Problem::VolumeNotWritable { path, .. } => Some(path),
            _ => None,
        }
    }

    /// What tells this problem from others of its sort, and stays while others come and go: the library
    /// that is missing, not who needs it.
    pub fn identity(&self) -> String {
        match self {
            Problem::MissingLibrary { soname, .. }
            | Problem::OffSearchPath { soname, .. }
            | Problem::MissingDlopen { soname, .. } => soname.clone(),
            Problem::MissingPackage { name, .. } => name.clone(),
            Problem::MissingVersion { version, library, .. } => format!("{library} {version}"),
            Problem::Unversioned { library, .. } => library.to_string(),
            Problem::UndefinedSymbol { object, symbols, .. } => {
                format!("{object} {}", symbols.first().map_or("", String::as_str))
            }
            Problem::OverLimit { limit, .. } => (*limit).to_owned(),
            other => other.to_string(),
        }
    }

    /// The files that need what is missing; none where the problem is of another kind.
    pub(crate) fn needed_by(&self) -> &[TreePath] {
        match self {
            Problem::MissingLibrary { needed_by, .. }
            | Problem::OffSearchPath { needed_by, .. }
            | Problem::MissingVersion { needed_by, .. }
            | Problem::Unversioned { needed_by, .. } => needed_by,
            _ => &[],
        }
    }

    /// The line of the spec that the problem itself names; 0 where it names none. A finding has a
    /// line more often: that which brought what the problem is about.
    pub fn line(&self) -> Line {
        match self {
            Problem::MissingDlopen { line, .. }
            | Problem::MissingProgram { line, .. }
            | Problem::MissingArgument { line, .. }
            | Problem::NotExecutable { line, .. }
            | Problem::NoProcess { line }
            | Problem::MissingWorkdir { line, .. }
            | Problem::UnknownUser { line, .. }
            | Problem::UserOfBase { line, .. }
            | Problem::EnvPath { line, .. }
            | Problem::LinkRefused { line, .. }
            | Problem::NothingTaken { line, .. }
            | Problem::NothingKept { line, .. }
            | Problem::NothingDropped { line, .. }
            | Problem::MissingPackage { line, .. }
            | Problem::BadCertificates { line, .. }
            | Problem::NoBusybox { line }
            | Problem::ManyToOne { line, .. }
            | Problem::BadPath { line, .. }
            | Problem::OverLimit { line, .. }
            | Problem::NoRuntime { line, .. }
            | Problem::UnfitPackage { line, .. }
            | Problem::NotPrebuilt { line, .. }
            | Problem::DamagedPackage { line, .. }
            | Problem::StaleLock { line, .. }
            | Problem::NewerClasses { line, .. }
            | Problem::MissingModule { line, .. }
            | Problem::LeftOutOfLibrary { line, .. }
            | Problem::ProgramOfSource { line, .. }
            | Problem::Shed { line, .. }
            | Problem::InstallScript { line, .. }
            | Problem::PackageManager { line, .. }
            | Problem::MissingClass { line, .. }
            | Problem::MissingPackages { line, .. }
            | Problem::RootUser { line } => *line,
            _ => 0,
        }
    }
}
