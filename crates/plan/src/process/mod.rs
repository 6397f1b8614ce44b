//! The process as configured: what the image config says, and whether it could start.

pub(crate) mod access;
mod java;
pub(crate) mod named;
mod python;
mod start;

pub use java::{JAVA_OPTIONS, JavaCommand, JavaStart};
pub use named::is_elsewhere;
pub use python::PythonStart;
pub(crate) use start::check;

use crate::{
    accounts::{Accounts, NONROOT},
    draft::Draft,
    finding::Problem,
    profile::CA_BUNDLE,
    spec::{Allow, Config, Dir, Line},
};
use std::collections::BTreeSet;
use tree::{Entry, TreePath, View, ViewError};

/// Where programs are looked for unless the spec says otherwise.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the image config says about the process, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The program and its fixed arguments.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// `NAME=value`: those of the base in its order, then the others by name.
    pub env: Vec<String>,
    /// The working directory.
    pub workdir: TreePath,
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Volumes, those of `[[dirs]]` among them.
    pub volumes: BTreeSet<TreePath>,
}

/// The PATH that the process will have.
pub(crate) fn path_of(config: &Config) -> &str {
    config.env.get("PATH").map_or(DEFAULT_PATH, String::as_str)
}

/// LD_LIBRARY_PATH as the loader understands it: a relative directory, and an empty one, is seen from
/// the working directory.
pub(crate) fn library_path(value: &str, workdir: &TreePath) -> String {
    if value.is_empty() {
        return String::new();
    }
    let whole = |dir: &str| match dir {
        dir if dir.starts_with(['/', '$']) => dir.to_owned(),
        dir => workdir.join(dir).map_or_else(|_| dir.to_owned(), |dir| dir.to_string()),
    };
    value.split([':', ';']).map(whole).collect::<Vec<_>>().join(":")
}

/// Decides what the config says of the process.
/// Variables stand in the order of `first`, and the others behind them by name.
pub(crate) fn decide(
    config: &Config,
    dirs: &[Dir],
    accounts: &Accounts,
    first: &[String],
    draft: &mut Draft,
) -> Process {
    let (uid, gid) = draft.numbers(accounts, &config.user(), config.line).unwrap_or((NONROOT, NONROOT));
    let mut env = config.env.clone();
    env.entry("PATH".into()).or_insert_with(|| DEFAULT_PATH.into());
    if TreePath::parse(CA_BUNDLE).is_ok_and(|path| draft.tree.get(&path).is_some()) {
        env.entry("SSL_CERT_FILE".into()).or_insert_with(|| CA_BUNDLE.into());
    }
    let mut env: Vec<(String, String)> = env.into_iter().collect();
    env.sort_by_key(|(name, _)| first.iter().position(|known| known == name).unwrap_or(first.len()));
    let declared = dirs.iter().filter(|dir| dir.volume).map(|dir| &dir.path);
    Process {
        entrypoint: config.entrypoint.clone(),
        cmd: config.cmd.clone(),
        env: env.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
        workdir: config.workdir(),
        uid,
        gid,
        volumes: config.volumes.iter().chain(declared).cloned().collect(),
    }
}

/// The program that the process starts with, as written: the entrypoint's, else cmd's.
pub(crate) fn program(config: &Config) -> Option<&str> {
    config.entrypoint.first().or(config.cmd.first()).map(String::as_str)
}

/// Where `program` is in `view`, by the rules of execvp: a name with a slash is a path (seen from the
/// working directory), any other is looked for on `path`. The path is as the process would open it.
///
/// # Errors
/// When the view cannot be read.
pub(crate) fn find(
    view: &dyn View,
    program: &str,
    workdir: &TreePath,
    path: &str,
) -> Result<Option<TreePath>, ViewError> {
    if program.contains('/') {
        let Ok(at) = workdir.join(program) else { return Ok(None) };
        // Behind a slash at the end, the kernel takes a directory only.
        let is_there = |entry: &Entry| entry.is_directory() || !program.ends_with('/');
        return Ok(view.follow(&at)?.entry.filter(is_there).map(|_| at));
    }
    for dir in path.split(':').filter(|dir| !dir.is_empty()) {
        let Ok(at) = workdir.join(dir).and_then(|dir| dir.join(program)) else { continue };
        if view.follow(&at)?.entry.is_some_and(|entry| entry.is_executable()) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Where `program` is in a view, looked for on `path` as from the root.
///
/// # Errors
/// When the view cannot be read.
pub fn find_program(view: &dyn View, program: &str, path: &str) -> Result<Option<TreePath>, ViewError> {
    find(view, program, &TreePath::root(), path)
}

/// A process of root must be asked for.
pub(crate) fn check_root(draft: &mut Draft, process: &Process, allow: &[Allow], line: Line) {
    if process.uid == 0 && !allow.contains(&Allow::RootUser) {
        draft.report(Problem::RootUser { line });
    }
}
