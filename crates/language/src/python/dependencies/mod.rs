//! What a Python application depends on, for the platform and the Python of its image.
//!
//! `uv` resolves; or a lock says what it resolved before. Wheels are downloaded, checked and unpacked here, into the cache,
//! and placed where the interpreter looks for packages. A virtual environment is taken as it is, after it was held
//! against the interpreter.

mod built;
mod checkout;
mod choose;
mod fetch;
mod hashes;
mod inputs;
mod marker;
mod metadata;
mod place;
mod pylock;
mod record;
mod resolve;
mod script;
mod shed;
mod sources;
mod statement;
mod tags;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod testing;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests;
mod uv;
mod uv_lock;
mod venv;
mod wheel;

use super::interpreter::{Interpreter, Libc};
use crate::{Ask, LanguageError};
use built::Built;
use plan::{
    finding::Problem,
    lock::LockedLanguage,
    spec::{Line, Python, PythonDependencies, Shed},
};
use resolve::Resolved;
use statement::Statement;
use std::collections::{BTreeMap, BTreeSet};
use tree::{Entry, TreePath};

/// Directories that `PATH` has anyway.
const USUAL: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Dependencies, as they stand in the image.
#[derive(Debug, Default)]
pub(crate) struct Installed {
    /// Their files, sorted by path.
    pub files: Vec<InstalledFile>,
    /// Files of the payload for which these stand.
    pub replaced: BTreeSet<TreePath>,
    /// Directories of console scripts that `PATH` begins with.
    pub path: Vec<String>,
    /// What was left out: how many files of each sort, and their bytes.
    pub shed: BTreeMap<Shed, (u64, u64)>,
    /// What is wrong with them.
    pub problems: Vec<Problem>,
    /// What a lock pins.
    pub pins: LockedLanguage,
}

/// A file of a dependency.
#[derive(Debug)]
pub(crate) struct InstalledFile {
    /// Where it stands in the image.
    pub path: TreePath,
    /// What it is.
    pub entry: Entry,
    /// The dependency, as name and version.
    pub of: String,
}

/// Resolves, fetches and unpacks the dependencies of an application.
///
/// # Errors
/// As [`crate::bring`].
pub(crate) fn install(
    ask: &Ask<'_>,
    table: &Python,
    interpreter: &Interpreter,
) -> Result<Installed, LanguageError> {
    let statement = match &table.dependencies {
        PythonDependencies::None => return Ok(Installed::default()),
        PythonDependencies::Venv(path) => return venv::install(ask, table, path, interpreter),
        PythonDependencies::Requirements(file) => Statement::requirements(ask.folder, file)?,
        PythonDependencies::Project(file) => Statement::project(ask.folder, file)?,
    };
    if let Some(why) = statement.refuses(interpreter) {
        let problem = Problem::UnfitPackage {
            package: statement.shown,
            why,
            fix: "take a runtime with such a Python: source in [runtime]".into(),
            line: table.line,
        };
        return Ok(Installed { problems: vec![problem], ..Installed::default() });
    }
    let resolved = resolve::resolve(ask, &statement, interpreter, table.line)?;
    bring(ask, table, interpreter, &statement, resolved)
}

/// Brings what was resolved, and places it.
fn bring(
    ask: &Ask<'_>,
    table: &Python,
    interpreter: &Interpreter,
    statement: &Statement,
    resolved: Resolved,
) -> Result<Installed, LanguageError> {
    let Resolved { wanted, locals, inputs, mut problems } = resolved;
    let mut placed = vec![];
    let mut pins = LockedLanguage { inputs, artifacts: vec![], ..LockedLanguage::default() };
    let outcomes = resolve::fetched(ask, statement, interpreter, &wanted)?;
    for (wanted, outcome) in wanted.iter().zip(outcomes) {
        match outcome {
            Ok(fetched) => {
                pins.artifacts.push(fetched.pin);
                placed.push(fetched.placed);
            }
            Err(fetch::Failure::Damaged(why)) => {
                problems.push(damaged(format!("{} {}", wanted.name, wanted.version), why, table.line));
            }
            Err(fetch::Failure::Nowhere) => {
                return Err(LanguageError::Offline { what: wanted.file.clone() });
            }
            Err(fetch::Failure::Failed(error)) => return Err(error),
        }
    }
    for local in locals {
        let shown = inputs::tidy(&format!("{}/{local}", statement.dir));
        match built::build(ask.workshop, &statement.folder.join(&local), &shown)? {
            Built::Placed(project) => placed.push(project),
            Built::Compiled(package, target) => problems.push(Problem::NotPrebuilt {
                package,
                why: format!("its wheel is for {target}, made by a compiler"),
                fix: "build the wheel for each platform, and name the files in requirements".into(),
                line: table.line,
            }),
            Built::Damaged(package, why) => problems.push(damaged(package, why, table.line)),
        }
    }
    // The later of two that have the same file is the one that stays: in the order of names, whoever resolved.
    placed.sort_by_key(|placed| tags::normalized(&placed.of));
    let (mut installed, wrong) = place::place(&placed, interpreter, &table.shed, ask.payload)?;
    problems.extend(wrong.into_iter().map(|(package, why)| damaged(package, why, table.line)));
    let scripts = interpreter.scripts.as_str();
    if !USUAL.contains(&scripts)
        && installed.files.iter().any(|file| file.path.is_within(&interpreter.scripts))
    {
        installed.path.push(scripts.into());
    }
    // What is not whole is not pinned.
    installed.pins = if problems.is_empty() { pins } else { ask.pinned.cloned().unwrap_or_default() };
    installed.problems = problems;
    Ok(installed)
}

fn damaged(package: String, why: String, line: Line) -> Problem {
    Problem::DamagedPackage { package, why, line }
}

/// The Python of an image, in words.
fn shown(interpreter: &Interpreter) -> String {
    let (major, minor) = interpreter.version;
    let libc = match interpreter.libc {
        Libc::Glibc(minor) => format!("glibc 2.{minor}"),
        Libc::Musl(minor) => format!("musl 1.{minor}"),
    };
    format!("Python {major}.{minor} on {} with {libc}", interpreter.architecture.uname())
}
