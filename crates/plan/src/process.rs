//! The process as configured: what the image config says, and whether it could start.

use crate::{
    accounts::{Accounts, NONROOT},
    draft::Draft,
    finding::Problem,
    profile::CA_BUNDLE,
    proof::Loaded,
    reason::Reason,
    spec::{Allow, Config, Dir, Line},
};
use std::collections::BTreeSet;
use tree::{Content, Entry, TreePath, View, ViewError};

/// Where programs are looked for unless the spec says otherwise.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the image config says about the process, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The program and its fixed arguments.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// `NAME=value`, sorted by name.
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

/// Decides what the config says of the process.
pub(crate) fn decide(config: &Config, dirs: &[Dir], accounts: &Accounts, draft: &mut Draft) -> Process {
    let (uid, gid) = draft.numbers(accounts, &config.user, config.line).unwrap_or((NONROOT, NONROOT));
    let mut env = config.env.clone();
    env.entry("PATH".into()).or_insert_with(|| DEFAULT_PATH.into());
    if TreePath::parse(CA_BUNDLE).is_ok_and(|path| draft.tree.get(&path).is_some()) {
        env.entry("SSL_CERT_FILE".into()).or_insert_with(|| CA_BUNDLE.into());
    }
    let declared = dirs.iter().filter(|dir| dir.volume).map(|dir| &dir.path);
    Process {
        entrypoint: config.entrypoint.clone(),
        cmd: config.cmd.clone(),
        env: env.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
        workdir: config.workdir.clone(),
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
        return Ok(view.follow(&at)?.entry.map(|_| at));
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

/// Could the process start, as far as the tree says? `loaded` is what each program loads.
///
/// # Errors
/// When links of the image cannot be followed.
pub(crate) fn check(
    draft: &mut Draft,
    config: &Config,
    process: &Process,
    loaded: &Loaded,
) -> Result<(), ViewError> {
    let line = config.line;
    match program(config) {
        None => draft.report(Problem::NoProcess { line }),
        Some(program) => check_program(draft, config, process, program, loaded)?,
    }
    let workdir = draft.tree.follow(&process.workdir)?;
    match &workdir.entry {
        Some(entry) if entry.is_directory() => {
            let at = blocked(draft, process, &workdir.path, X)?;
            if let Some(at) = at {
                let (path, uid, gid) = (process.workdir.clone(), process.uid, process.gid);
                draft.report(Problem::NotAllowed { path, at, uid, gid, what: "enter" });
            }
        }
        other => {
            let found = other.as_ref().map_or("not in the image", Entry::word);
            draft.report(Problem::MissingWorkdir { path: process.workdir.clone(), found, line });
        }
    }
    for volume in &process.volumes {
        let found = draft.tree.follow(volume)?;
        // A volume that is not in the image is made by the runtime, for root.
        let writable = match &found.entry {
            Some(entry) => may(entry, process, W) && blocked(draft, process, &found.path, X)?.is_none(),
            None => process.uid == 0,
        };
        if !writable {
            let (path, uid, gid) = (volume.clone(), process.uid, process.gid);
            draft.report(Problem::VolumeNotWritable { path, uid, gid });
        }
    }
    Ok(())
}

/// A process of root must be asked for.
pub(crate) fn check_root(draft: &mut Draft, process: &Process, allow: &[Allow], line: Line) {
    if process.uid == 0 && !allow.contains(&Allow::RootUser) {
        draft.report(Problem::RootUser { line });
    }
}

fn check_program(
    draft: &mut Draft,
    config: &Config,
    process: &Process,
    program: &str,
    loaded: &Loaded,
) -> Result<(), ViewError> {
    let line = config.line;
    let path = path_of(config);
    let Some(at) = find(&draft.tree, program, &process.workdir, path)? else {
        let on_path = (!program.contains('/')).then(|| path.to_owned());
        draft.report(Problem::MissingProgram { program: program.into(), line, on_path });
        return Ok(());
    };
    let found = draft.tree.follow(&at)?;
    draft.reasons.add(&found.path, Reason::Entrypoint { line });
    let Some(entry) = found.entry else { return Ok(()) };
    let begins_as_elf = |content: &Content| content.head(4).is_ok_and(|head| head == *b"\x7fELF");
    let is_script =
        entry.content().is_some_and(|content| elf::shebang_of(content).is_ok_and(|it| it.is_some()));
    let why = match entry.content() {
        None => Some("it is no regular file".into()),
        Some(_) if entry.meta.mode & 0o111 == 0 => Some("its mode has no execute bit".into()),
        Some(_) if is_script || loaded.programs.contains_key(&found.path) => None,
        // `ld.so PROGRAM` is a way to start it.
        Some(content) if elf::Loader::read(&found.path, content).is_ok_and(|it| it.is_some()) => None,
        Some(_) => match loaded.others.get(&found.path) {
            Some(word) => Some(format!("it is {word}")),
            // Of another machine, or damaged: that is told already.
            None if entry.content().is_some_and(begins_as_elf) => None,
            None => Some("it is neither an ELF program nor a script that begins with #! and a path".into()),
        },
    };
    if let Some(why) = why {
        draft.report(Problem::NotExecutable { program: at, why, line });
        return Ok(());
    }
    for (path, rights) in opened(draft, &at, path, loaded)? {
        if let Some(at) = blocked(draft, process, &path, rights)? {
            let what = if rights & X == 0 { "read" } else { "execute" };
            let (uid, gid) = (process.uid, process.gid);
            draft.report(Problem::NotAllowed { path, at, uid, gid, what });
            break;
        }
    }
    Ok(())
}

/// What is opened, with which rights, when the program at `at` is started: links on the way, and if
/// it is a script, its interpreter, and whatever `env` finds on `path`; and all that is loaded.
fn opened(
    draft: &Draft,
    at: &TreePath,
    path: &str,
    loaded: &Loaded,
) -> Result<Vec<(TreePath, u32)>, ViewError> {
    let mut opened: Vec<(TreePath, u32)> = vec![];
    let mut todo = vec![at.clone()];
    while let Some(at) = todo.pop() {
        let found = draft.tree.follow(&at)?;
        if opened.iter().any(|(path, _)| *path == found.path) {
            continue;
        }
        opened.extend(found.links.into_iter().map(|link| (link, X)));
        // What nobody may execute is told as such.
        let Some(entry) = found.entry.filter(Entry::is_executable) else { continue };
        let content = entry.content();
        let Some(script) = content.and_then(|content| elf::shebang_of(content).ok().flatten()) else {
            let files = loaded.programs.get(&found.path).into_iter().flatten();
            opened.push((found.path, X));
            opened.extend(files.map(|file| (file.clone(), R)));
            continue;
        };
        // A script is read by its interpreter, which runs as the same user.
        opened.push((found.path, X | R));
        if let Some(program) = elf::env_program(&script) {
            todo.extend(find(&draft.tree, &program, &TreePath::root(), path)?);
        }
        todo.extend(TreePath::parse(&script.interpreter));
    }
    Ok(opened)
}

const X: u32 = 1;
const W: u32 = 2;
const R: u32 = 4;

/// The first of the directories above `path`, or `path` itself, that the process's user may not use.
fn blocked(
    draft: &Draft,
    process: &Process,
    path: &TreePath,
    right: u32,
) -> Result<Option<TreePath>, ViewError> {
    let mut above: Vec<TreePath> = path.ancestors().collect();
    above.reverse();
    let entry = |path: &TreePath| draft.tree.entry(path);
    for dir in above {
        if entry(&dir)?.is_some_and(|entry| !may(&entry, process, X)) {
            return Ok(Some(dir));
        }
    }
    Ok(entry(path)?.is_some_and(|entry| !may(&entry, process, right)).then(|| path.clone()))
}

/// Do the mode bits give the process's user this right? Root may all, but execute what nobody may.
fn may(entry: &Entry, process: &Process, right: u32) -> bool {
    let mode = entry.meta.mode;
    if process.uid == 0 {
        return right & X == 0 || entry.is_directory() || mode & 0o111 != 0;
    }
    let bits = if entry.meta.uid == process.uid {
        mode >> 6
    } else if entry.meta.gid == process.gid {
        mode >> 3
    } else {
        mode
    };
    bits & right == right
}
