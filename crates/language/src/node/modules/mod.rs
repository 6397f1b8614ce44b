//! The packages of an application, as its own tool installs them for the target.

mod gather;
mod installer;
mod judge;
mod notes;
mod scripts;
mod shed;

use super::{
    NAME,
    project::{MANIFEST, MODULES, Project},
    target::Target,
    workspaces,
};
use crate::{
    Ask, LanguageError,
    kept::{Kept, key},
};
use installer::Installer;
use notes::Notes;
use plan::{
    Brought, BroughtFile, BroughtLayer,
    finding::Problem,
    lock::{ArtifactKind, LockedArtifact},
    reason::Reason,
    spec::Node,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};
use tree::{Content, Entry, Sha256Digest, TreePath};

/// The rules by which packages are kept: others make other trees of the same inputs.
const RULES: &str = "node-modules-2";

/// What was installed, if it could be.
pub(super) struct Installed {
    tree: Option<(Kept, Notes)>,
    problems: Vec<Problem>,
    inputs: BTreeMap<String, Sha256Digest>,
}

/// Installs the packages of a project, or takes them from the cache.
///
/// # Errors
/// As [`crate::bring`].
pub(super) fn install(
    ask: &Ask<'_>,
    table: &Node,
    project: &Project,
    target: &Target,
) -> Result<Installed, LanguageError> {
    let inputs = project.inputs();
    let pinned = pinned(ask, project, &inputs)?;
    let key = {
        let paths: Vec<&str> = project.files().map(|(path, _)| path.as_str()).collect();
        let paths = paths.join("\0");
        let of_target = [target.cpu(), target.libc.name(), paths.as_str()];
        let parts = of_target.iter().map(|text| text.as_bytes());
        let parts: Vec<&[u8]> = parts.chain(project.files().map(|(_, bytes)| bytes)).collect();
        key(RULES, &parts)
    };
    let kept = Kept::open(ask.workshop.cache, &key);
    let known = kept.and_then(|kept| Notes::read(&kept.note).map(|notes| (kept, notes)));
    let tree = match known {
        Some(tree) => tree,
        None if pinned.is_none() && ask.workshop.locked => {
            return Err(LanguageError::NotLocked { what: project.lock_file() });
        }
        None if ask.workshop.offline => {
            return Err(LanguageError::Offline { what: format!("what {} names", project.lock_file()) });
        }
        None => match Installer::of(project.lock.kind)?.install(project, target, table.line)? {
            Err(problem) => return Ok(Installed { tree: None, problems: vec![problem], inputs }),
            Ok(folder) => gather::keep(ask, folder.path(), key, project, target)?,
        },
    };
    let (_, notes) = &tree;
    if pinned.is_some_and(|pinned| pinned.sha256 != notes.digest()) {
        return Err(LanguageError::Misfit { input: format!("what {} installs", project.lock_file()) });
    }
    let problems = notes.problems.iter().map(|noted| noted.problem(table.line)).collect();
    Ok(Installed { tree: Some(tree), problems, inputs })
}

/// What the lock has of the packages, if it is of these inputs.
fn pinned<'a>(
    ask: &Ask<'a>,
    project: &Project,
    inputs: &BTreeMap<String, Sha256Digest>,
) -> Result<Option<&'a LockedArtifact>, LanguageError> {
    let Some(language) = ask.pinned else { return Ok(None) };
    let is_modules = |artifact: &&LockedArtifact| artifact.kind == ArtifactKind::Modules;
    let Some(pinned) = language.artifacts.iter().find(is_modules) else { return Ok(None) };
    let differs = |(input, digest): &(&String, &Sha256Digest)| language.inputs.get(*input) != Some(digest);
    if let Some((input, _)) = inputs.iter().find(differs) {
        return Err(LanguageError::Misfit { input: input.clone() });
    }
    // One that is gone: another lock, or a workspace.
    let is_ours = |input: &&String| input.ends_with(MANIFEST) || input.ends_with(project.lock.kind.file());
    match language.inputs.keys().filter(is_ours).find(|input| !inputs.contains_key(*input)) {
        Some(input) => Err(LanguageError::Misfit { input: input.clone() }),
        None => Ok(Some(pinned)),
    }
}

impl Installed {
    /// Puts the packages and the folders of workspaces below `home`, and gives the paths of addons and libraries.
    ///
    /// # Errors
    /// When a workspace cannot be read.
    pub fn put(
        self,
        ask: &Ask<'_>,
        table: &Node,
        project: &Project,
        home: &TreePath,
        brought: &mut Brought,
    ) -> Result<BTreeSet<TreePath>, LanguageError> {
        brought.problems.extend(self.problems);
        brought.pins.inputs.extend(self.inputs);
        let manifest = home.child(MANIFEST);
        if ask.payload.get(&manifest).is_none() {
            let content = Content::bytes(project.manifest_bytes.clone(), MANIFEST);
            let dependency = project.manifest.title("the application");
            let reason = Reason::OfDependency { language: NAME.into(), dependency, line: table.line };
            let (entry, layer) = (Entry::file(content, 0o644), BroughtLayer::App);
            brought.files.push(BroughtFile { path: manifest, entry, layer, of_source: false, reason });
        }
        let Some((kept, notes)) = self.tree else { return Ok(BTreeSet::new()) };
        brought.pins.artifacts.push(LockedArtifact {
            kind: ArtifactKind::Modules,
            name: project.manifest.text("name").unwrap_or("app").into(),
            version: project.manifest.text("version").unwrap_or("0.0.0").into(),
            file: MODULES.into(),
            sha256: notes.digest(),
            size: kept.files().map(|(_, content)| content.size()).sum(),
            date: 0,
            url: None,
        });
        // What the project says is installed stands for what somebody installed for himself.
        let modules = home.child(MODULES);
        let is_own = |path: &&TreePath| path.is_within(&modules);
        brought.replaced.extend(ask.payload.iter().map(|(path, _)| path).filter(is_own).cloned());
        let mut shed: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for (path, entry) in &kept.entries {
            let owner = notes.owner(path);
            let below = owner.and_then(|(dir, _)| path.below(dir)).unwrap_or_else(|| path.relative());
            if let Some(sort) = shed::sort_of(below, &table.shed) {
                let (files, bytes) = shed.entry(sort).or_default();
                *files += 1;
                *bytes += entry.content().map_or(0, Content::size);
                continue;
            }
            let dependency = owner.map_or(MODULES, |(_, title)| title).to_owned();
            let reason = Reason::OfDependency { language: NAME.into(), dependency, line: table.line };
            brought.files.push(BroughtFile {
                path: home.join(path.relative())?,
                entry: entry.clone(),
                layer: BroughtLayer::Dependencies,
                of_source: false,
                reason,
            });
        }
        if !shed.is_empty() {
            let sorts = shed.into_iter().map(|(sort, (files, bytes))| (sort.name(), files, bytes)).collect();
            brought.problems.push(Problem::Shed { language: NAME, sorts, line: table.line });
        }
        workspaces::put(ask, table, project, &notes.workspaces, home, brought)?;
        let objects = notes.objects.iter().map(|path| home.join(path.relative()));
        Ok(objects.collect::<Result<_, _>>()?)
    }
}

/// An error of the cache, or of the temporary directory.
fn not_kept(error: io::Error) -> LanguageError {
    LanguageError::write(std::env::temp_dir())(error)
}
