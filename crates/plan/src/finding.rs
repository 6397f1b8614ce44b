//! What is wrong with an image, as data. Findings are no errors: planning goes on, so that one run
//! shows all of them.

use crate::spec::Line;
use std::fmt;
use tree::TreePath;

/// Something that whoever builds the image should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub problem: Problem,
    /// How bad it is.
    pub severity: Severity,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The image would not start, or breaks a policy or limit: it is not built.
    Error,
    /// It is built, and something in it may not work.
    Warning,
    /// Worth knowing.
    Notice,
}

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

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fix {
    /// One of these Debian packages, on the source, has what is missing.
    Install(Vec<String>),
    /// A key of the spec to set: table, and the line to write.
    Set(&'static str, String),
    /// A file to name in the spec.
    Keep(String),
    /// Something to do elsewhere, in words.
    Do(String),
}

impl Finding {
    /// A finding with the severity that its problem usually has.
    pub fn new(problem: Problem) -> Self {
        let severity = problem.severity();
        Finding { problem, severity }
    }
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

    /// What to do about it, the best first.
    pub fn fixes(&self) -> Vec<Fix> {
        let allow = |what: String| Fix::Set("policy", format!("allow = [\"{what}\"]"));
        match self {
            Problem::MissingLibrary { packages, soname, unusable, .. } => {
                let mut fixes = vec![];
                if let Some((path, why)) = unusable {
                    fixes.push(Fix::Do(format!("{path} has that name, but cannot be loaded: {why}")));
                }
                if !packages.is_empty() {
                    fixes.push(Fix::Install(packages.clone()));
                }
                fixes.push(Fix::Do(format!(
                    "name the file that is {soname} in [[files]], or allow = [\"unresolved:{soname}\"] in [policy]"
                )));
                fixes
            }
            Problem::MissingDlopen { packages, .. } if !packages.is_empty() => {
                vec![Fix::Install(packages.clone())]
            }
            Problem::OffSearchPath { path, .. } => {
                let dir = path.parent().unwrap_or_else(TreePath::root);
                vec![Fix::Set("config", format!("env = {{ LD_LIBRARY_PATH = \"{dir}\" }}"))]
            }
            Problem::MissingVersion { .. } => vec![Fix::Do(
                "build the program on the release that the image is made of, or take the libraries from a newer one"
                    .into(),
            )],
            Problem::MissingInterpreter { hint: Some(hint), .. } => vec![Fix::Do(hint.clone())],
            Problem::MissingScriptInterpreter { interpreter, .. } if interpreter.ends_with('\r') => {
                vec![Fix::Do("the file has the line ends of Windows: convert it".into())]
            }
            Problem::MissingScriptInterpreter { script, of_source: true, .. } => {
                vec![Fix::Set("runtime", format!("drop = [\"{script}\"]"))]
            }
            Problem::MissingScriptInterpreter { interpreter, .. } if interpreter.starts_with('/') => {
                vec![Fix::Keep(interpreter.clone())]
            }
            Problem::MissingCompanion { files, .. } => vec![Fix::Keep(files.clone())],
            Problem::MissingOnPath { program, .. } => vec![Fix::Keep(format!("/usr/bin/{program}"))],
            Problem::NotExecutable { why, .. } if why.contains("mode") => {
                vec![Fix::Set("files", "mode = \"0755\"".into())]
            }
            Problem::MissingWorkdir { path, .. } => {
                vec![Fix::Do(format!("add a [[dirs]] with path = \"{path}\""))]
            }
            Problem::UnknownUser { .. } => {
                vec![Fix::Do("add it as a [[users]], or write it as numbers: \"1000:1000\"".into())]
            }
            Problem::Secret { path, .. } => vec![
                Fix::Do("leave it out with exclude or ignore-file".into()),
                allow(format!("secrets:{path}")),
            ],
            Problem::DanglingLink { target, .. } => vec![
                Fix::Do(format!("take what it leads to along, in [runtime] keep or a [[files]]: {target}")),
                allow("dangling-links".into()),
            ],
            Problem::LinkRefused { .. } => vec![Fix::Set("files", "links = \"keep\" or \"follow\"".into())],
            Problem::ManyToOne { to, .. } => vec![Fix::Set("files", format!("to = \"{to}/\""))],
            Problem::Shell { .. } => vec![allow("shell".into())],
            Problem::Setuid { .. } => vec![allow("setuid".into())],
            Problem::WorldWritable { .. } => vec![allow("world-writable".into())],
            Problem::RootUser { .. } => {
                vec![Fix::Set("config", "user = \"nonroot\"".into()), allow("root-user".into())]
            }
            Problem::VolumeNotWritable { path, uid, gid } => vec![Fix::Do(format!(
                "add a [[dirs]] with path = \"{path}\", owner = \"{uid}:{gid}\" and volume = true"
            ))],
            _ => vec![],
        }
    }
}

impl fmt::Display for Problem {
    #[allow(clippy::too_many_lines, reason = "one sentence a problem, all in one place")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::MissingLibrary { soname, needed_by, chain, .. } => {
                write!(f, "{soname} is not to be found; {} need{} it", list(needed_by), plural_s(needed_by))?;
                match &chain[..] {
                    [] | [_] => Ok(()),
                    [_, rest @ ..] => write!(f, " (in the image for {})", join(rest, ", for ")),
                }
            }
            Problem::OffSearchPath { soname, path, needed_by } => write!(
                f,
                "{path} is in the image, but no loader of it looks there for {soname}, which {} need{}",
                list(needed_by),
                plural_s(needed_by)
            ),
            Problem::MissingVersion { version, library, needed_by } => write!(
                f,
                "{library} does not define {version}, which {} need{}",
                list(needed_by),
                plural_s(needed_by)
            ),
            Problem::MissingDlopen { soname, .. } => {
                write!(f, "{soname} of [runtime] dlopen is not to be found")
            }
            Problem::MissingRunTimeLoad { soname, purpose } => {
                write!(f, "the C library loads {soname} by name ({purpose}), and the source has none")
            }
            Problem::MissingInterpreter { program, interpreter, unusable: None, .. } => {
                write!(f, "{program} starts with the loader {interpreter}, which is not in the image")
            }
            Problem::MissingInterpreter { program, interpreter, unusable: Some(why), .. } => {
                write!(f, "{program} starts with the loader {interpreter}, which cannot load it: {why}")
            }
            Problem::Unversioned { library, needed_by } => write!(
                f,
                "{library} defines no symbol versions, of which {} need{} some: the loader warns at every start",
                list(needed_by),
                plural_s(needed_by)
            ),
            Problem::WrongMachine { path, is, wanted } => {
                write!(f, "{path} is for {is}, and the image is for {wanted}")
            }
            Problem::DamagedElf { path, reason } => write!(f, "{path} is a damaged ELF file: {reason}"),
            Problem::MissingScriptInterpreter { script, interpreter, .. } => {
                write!(f, "{script} starts with #!{}, which is not in the image", interpreter.escape_debug())
            }
            Problem::MissingOfProfile { profile, what, purpose } => {
                write!(f, "the profile {profile} stands for {what} too ({purpose}), and the source has none")
            }
            Problem::MissingOnPath { script, program, path } => write!(
                f,
                "{script} starts with `env {program}`, and no {program} is on the image's PATH ({path})"
            ),
            Problem::MissingCompanion { program, files, purpose } => {
                write!(f, "{program} does not start without {files} ({purpose})")
            }
            Problem::MissingProgram { program, on_path: Some(path), .. } => {
                write!(f, "the process's program {program} is nowhere on the image's PATH ({path})")
            }
            Problem::MissingProgram { program, .. } => {
                write!(f, "the process's program {program} is not in the image")
            }
            Problem::NotExecutable { program, why, .. } => {
                write!(f, "the process's program {program} cannot be executed: {why}")
            }
            Problem::NotAllowed { path, at, uid, gid, what } if path == at => {
                write!(f, "the user {uid}:{gid} may not {what} {path}")
            }
            Problem::NotAllowed { path, at, uid, gid, .. } => {
                write!(f, "the user {uid}:{gid} cannot reach {path}: it may not enter {at}")
            }
            Problem::NoProcess { .. } => {
                write!(f, "no entrypoint and no cmd: the image says no process to run")
            }
            Problem::MissingWorkdir { path, found, .. } => {
                write!(f, "the working directory {path} is {found}")
            }
            Problem::UnknownUser { name, known, .. } => {
                write!(f, "no user or group of the image is called `{name}`; known are {}", known.join(", "))
            }
            Problem::Secret { path, why } => write!(f, "{path} looks like a secret: {why}"),
            Problem::SpecialFile { path, word, from } => {
                write!(f, "{from} is {word}, which an image cannot hold ({path})")
            }
            Problem::Conflict { path } => write!(f, "the spec puts two different things at {path}"),
            Problem::NotADirectory { path, parent, found } => {
                write!(f, "{path} cannot be put below {parent}, which is {found}")
            }
            Problem::DanglingLink { path, target } => {
                write!(f, "{path} is a link to `{target}`, which is not in the image")
            }
            Problem::LinkRefused { path, target, .. } => {
                write!(f, "{path} is a link to `{target}`, and this [[files]] allows none")
            }
            Problem::NothingTaken { from, .. } => write!(f, "`{from}` takes no file"),
            Problem::NothingKept { glob, .. } => write!(f, "`{glob}` of [runtime] keep matches no file"),
            Problem::ManyToOne { from, to, .. } => {
                write!(f, "`{from}` takes several files, and `{to}` names one")
            }
            Problem::BadPath { path, reason, .. } => write!(f, "`{path}` is no path of an image: {reason}"),
            Problem::Shell { path, because: None } => write!(f, "{path} is a shell"),
            Problem::Shell { path, because: Some(who) } => {
                write!(f, "{path} is a shell, in the image because of {who}")
            }
            Problem::Setuid { path, mode } => {
                write!(f, "{path} runs with the rights of its owner or group (mode {mode:04o})")
            }
            Problem::WorldWritable { path, mode } => {
                write!(f, "everybody may change {path} (mode {mode:04o})")
            }
            Problem::RootUser { .. } => write!(f, "the process runs as root"),
            Problem::OverLimit { limit, is, allowed, unit, largest, .. } => {
                write!(f, "{} {limit} are more than the {} allowed", unit.show(*is), unit.show(*allowed))?;
                for (index, (name, size)) in largest.iter().enumerate() {
                    write!(
                        f,
                        "{}{} {name}",
                        if index == 0 { "; largest: " } else { ", " },
                        unit.show(*size)
                    )?;
                }
                Ok(())
            }
            Problem::VolumeNotWritable { path, uid, gid } => {
                write!(f, "the user {uid}:{gid} may not write the volume {path}")
            }
        }
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::Install(packages) => {
                write!(
                    f,
                    "the Debian package {} has it: install it where the libraries come from",
                    packages.join(" or ")
                )
            }
            Fix::Set(table, line) => write!(f, "in [{table}]: {line}"),
            Fix::Keep(glob) => write!(f, "in [runtime]: keep = [\"{glob}\"]"),
            Fix::Do(text) => f.write_str(text),
        }
    }
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        }
    }
}

impl Unit {
    fn show(self, number: u64) -> String {
        match self {
            Unit::Count => number.to_string(),
            Unit::Bytes => size(number),
        }
    }
}

/// A size for people, in decimal units: `23.7 MB`.
#[allow(clippy::cast_precision_loss, reason = "shown with one digit")]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// The first few of many, in words.
fn list(paths: &[TreePath]) -> String {
    const SHOWN: usize = 3;
    let text = join(&paths[..paths.len().min(SHOWN)], ", ");
    match paths.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

fn join(paths: &[TreePath], between: &str) -> String {
    paths.iter().map(TreePath::as_str).collect::<Vec<_>>().join(between)
}

fn plural_s(paths: &[TreePath]) -> &'static str {
    if paths.len() == 1 { "s" } else { "" }
}
