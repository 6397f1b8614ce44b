//! Could the process start, as far as the tree says?

use super::{
    Process,
    access::{PASS, R, W, X, blocked, may},
    find, path_of, program,
};
use crate::{
    draft::Draft,
    finding::Problem,
    node,
    proof::{Loaded, Opened},
    reason::Reason,
    spec::{Config, Line},
};
use std::collections::BTreeSet;
use tree::{Content, Entry, Resolution, Tree, TreePath, View, ViewError};

/// No manifest that counts is longer, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;

/// Reports what keeps the process from starting. `loaded` is what each program loads.
///
/// # Errors
/// When links of the image cannot be followed.
pub(crate) fn check(
    draft: &mut Draft,
    config: &Config,
    process: &Process,
    loaded: &Loaded,
) -> Result<(), ViewError> {
    match program(config) {
        None => draft.report(Problem::NoProcess { line: config.line }),
        Some(program) => check_program(draft, config, process, program, loaded)?,
    }
    check_workdir(draft, process, config.line)?;
    for volume in &process.volumes {
        let found = draft.tree.follow(volume)?;
        if let Some(entry) = found.entry.as_ref().filter(|entry| !entry.is_directory()) {
            let (path, found) = (volume.clone(), entry.word());
            draft.report(Problem::VolumeNoDirectory { path, found });
            continue;
        }
        // A volume that is not in the image is made by the runtime, for root.
        let writable = match &found.entry {
            Some(entry) => may(entry, process, W) && blocked(&draft.tree, process, &found.path, X)?.is_none(),
            None => process.uid == 0,
        };
        if !writable {
            let (path, uid, gid) = (volume.clone(), process.uid, process.gid);
            draft.report(Problem::VolumeNotWritable { path, uid, gid });
        }
    }
    Ok(())
}

fn check_workdir(draft: &mut Draft, process: &Process, line: Line) -> Result<(), ViewError> {
    let workdir = draft.tree.follow(&process.workdir)?;
    match &workdir.entry {
        Some(entry) if entry.is_directory() => {
            if let Some(at) = blocked(&draft.tree, process, &workdir.path, X)? {
                let (path, uid, gid) = (process.workdir.clone(), process.uid, process.gid);
                draft.report(Problem::NotAllowed { path, at, uid, gid, what: "enter" });
            }
        }
        other => {
            let found = other.as_ref().map_or("not in the image", Entry::word);
            draft.report(Problem::MissingWorkdir { path: process.workdir.clone(), found, line });
        }
    }
    Ok(())
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
        if node::is_package_manager(program) {
            let words: Vec<String> = config.entrypoint.iter().chain(&config.cmd).cloned().collect();
            let (instead, env) = what_it_starts(&draft.tree, &process.workdir, &words).unwrap_or_default();
            draft.report(Problem::PackageManager { program: program.into(), instead, env, line });
            return Ok(());
        }
        let on_path = (!program.contains('/')).then(|| path.to_owned());
        draft.report(Problem::MissingProgram { program: program.into(), line, on_path });
        return Ok(());
    };
    let found = draft.tree.follow(&at)?;
    draft.reasons.add(&found.path, Reason::Entrypoint { line });
    if let Some(why) = not_executable(&found, loaded) {
        draft.report(Problem::NotExecutable { program: at, why, line });
        return Ok(());
    }
    let mut told: BTreeSet<TreePath> = BTreeSet::new();
    for Opened { path, right } in opened(draft, process, path, found, loaded)? {
        let Some(at) = blocked(&draft.tree, process, &path, right)? else { continue };
        // What is below a closed directory has one cause.
        if told.insert(at.clone()) {
            let what = match right {
                X => "execute",
                R => "read",
                _ => "read and execute",
            };
            draft.report(Problem::NotAllowed { path, at, uid: process.uid, gid: process.gid, what });
        }
    }
    Ok(())
}

/// Variables of a command, in their order.
type Variables = Vec<(String, String)>;

/// What a command of a package manager starts, by the manifests of the image: words and variables.
fn what_it_starts(tree: &Tree, workdir: &TreePath, words: &[String]) -> Option<(Vec<String>, Variables)> {
    let mut command = node::follow(&InImage { tree, workdir }, words)?;
    let has = |path: &str| workdir.join(path).is_ok_and(|path| tree.get(&path).is_some());
    command.name_file(has);
    // What is not in the image is no good advice: its variables are for whoever starts it.
    command.drop_env_files(|file| !has(file));
    Some((command.words(), command.env))
}

/// The manifests of an image, seen from its working directory.
pub(super) struct InImage<'a> {
    pub tree: &'a Tree,
    pub workdir: &'a TreePath,
}

impl node::Manifests for InImage<'_> {
    fn of(&self, folder: &str) -> Option<serde_json::Value> {
        let path = self.workdir.join(folder).ok()?.child("package.json");
        let text = self.tree.get(&path)?.content()?.read(MAX_MANIFEST).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn named(&self, name: &str) -> Option<String> {
        // Links of workspaces lead to their folders.
        let link = self.workdir.join(&format!("node_modules/{name}")).ok()?;
        let folder = self.tree.follow(&link).ok().filter(|found| found.entry.is_some())?;
        folder.path.below(self.workdir).map(ToOwned::to_owned)
    }
}

/// Why the file that the process starts with cannot be executed, by anybody.
fn not_executable(found: &Resolution, loaded: &Loaded) -> Option<String> {
    let entry = found.entry.as_ref()?;
    let begins_as_elf = |content: &Content| content.starts_with(b"\x7fELF").unwrap_or(false);
    match entry.content() {
        None => Some("it is no regular file".into()),
        Some(_) if entry.meta.mode & 0o111 == 0 => Some("its mode has no execute bit".into()),
        Some(content) if is_script(content) || loaded.programs.contains_key(&found.path) => None,
        // `ld.so PROGRAM` is a way to start it.
        Some(content) if elf::Loader::read(&found.path, content).is_ok_and(|it| it.is_some()) => None,
        Some(content) => match loaded.others.get(&found.path) {
            Some(word) => Some(format!("it is {word}")),
            // Of another machine, or damaged: that is told already.
            None if begins_as_elf(content) => None,
            None => Some("it is neither an ELF program nor a script that begins with #! and a path".into()),
        },
    }
}

/// All that is opened for the process to start, with what is done with it: its program, the
/// interpreters of a script with theirs, and what each of them loads.
fn opened(
    draft: &Draft,
    process: &Process,
    search_path: &str,
    program: Resolution,
    loaded: &Loaded,
) -> Result<Vec<Opened>, ViewError> {
    let mut all = vec![];
    let mut todo = vec![program];
    let mut seen = BTreeSet::new();
    while let Some(found) = todo.pop() {
        if !seen.insert(found.path.clone()) {
            continue;
        }
        all.extend(found.links.into_iter().map(|path| Opened { path, right: PASS }));
        // What nobody may execute is told as such.
        let entry = found.entry.filter(Entry::is_executable);
        let Some(content) = entry.as_ref().and_then(Entry::content) else { continue };
        let Some(shebang) = elf::shebang_of(content).ok().flatten() else {
            all.push(Opened { path: found.path.clone(), right: X });
            all.extend(loaded.programs.get(&found.path).into_iter().flatten().cloned());
            continue;
        };
        // A script is read by its interpreter, which runs as the same user.
        all.push(Opened { path: found.path, right: X | R });
        if let Some(name) = elf::env_program(&shebang)
            && let Some(at) = find(&draft.tree, &name, &process.workdir, search_path)?
        {
            todo.push(draft.tree.follow(&at)?);
        }
        if let Ok(at) = process.workdir.join(&shebang.interpreter) {
            todo.push(draft.tree.follow(&at)?);
        }
    }
    Ok(all)
}

fn is_script(content: &Content) -> bool {
    elf::shebang_of(content).is_ok_and(|shebang| shebang.is_some())
}
