//! Node.js: a runtime, what npm or pnpm installs for the target, and how the application starts.
//!
//! The packages of an application are installed by its own tool from its own lock, for the platform and the C library of
//! the image and with scripts off, in a folder that holds nothing but what the tool reads. What comes of it is kept in
//! the cache, and pinned by the digest of all of it.

mod abi;
mod above;
mod manifest;
mod modules;
mod npm;
mod project;
mod runtime;
mod start;
mod target;
mod workspaces;

use crate::{Ask, LanguageError};
use plan::{Brought, CA_BUNDLE, Glob, spec::Node};
use project::Found;
use runtime::Runtime;
use std::collections::{BTreeMap, BTreeSet};
use target::Target;
use tree::{Content, Entry, TreePath};

pub use above::workspace;

/// What the language is called in reasons and findings.
const NAME: &str = "node";
/// Where an application is, unless the spec names its working directory.
const APP: &str = "/app";

/// What a Node.js application brings to its image.
///
/// # Errors
/// As [`crate::bring`].
pub(crate) fn bring(ask: &Ask<'_>, table: &Node) -> Result<Brought, LanguageError> {
    let mut brought = Brought::default();
    brought.env.insert("NODE_ENV".into(), "production".into());
    if !ask.spec.runtime.ca.is_empty() {
        // Official binaries have a list of authorities of their own.
        brought.env.insert("NODE_EXTRA_CA_CERTS".into(), CA_BUNDLE.into());
    }
    let runtime = match runtime::bring(ask, table)? {
        Ok(runtime) => Some(runtime),
        Err(problem) => {
            brought.problems.push(problem);
            None
        }
    };
    let target = Target::of(ask.platform, runtime.as_ref().map(Runtime::content));
    let home = home(ask)?;
    let mut objects = objects(ask);
    match project::find(ask, table)? {
        Found::Nothing => {}
        Found::Wrong(problem) => brought.problems.push(problem),
        Found::Project(project) => {
            let installed = modules::install(ask, table, &project, &target)?;
            objects.extend(installed.put(ask, table, &project, &home, &mut brought)?);
            if let Some(runtime) = &runtime {
                brought.entrypoint =
                    start::entrypoint(&project.manifest, &home, ask.payload, &runtime.program);
            }
        }
    }
    if let Some(runtime) = runtime {
        let problems = unfit(ask, table, &runtime, &objects, &brought)?;
        brought.problems.extend(problems);
        brought.loads.insert(runtime.program.clone(), objects);
        runtime.put(ask, &mut brought)?;
    }
    Ok(brought)
}

/// The packages of a suite that it needs, each by its names in several releases.
pub(crate) fn packages(table: &Node) -> Vec<Vec<String>> {
    match table.version {
        Some(_) => vec![],
        None => vec![vec![runtime::PACKAGE.to_owned()]],
    }
}

/// The folder of the application in the image.
fn home(ask: &Ask<'_>) -> Result<TreePath, LanguageError> {
    let workdir = ask.spec.config.workdir();
    Ok(if workdir.is_root() { TreePath::parse(APP)? } else { workdir })
}

/// The addons that the Node.js of the image cannot load.
fn unfit(
    ask: &Ask<'_>,
    table: &Node,
    runtime: &Runtime,
    objects: &BTreeSet<TreePath>,
    brought: &Brought,
) -> Result<Vec<plan::finding::Problem>, LanguageError> {
    let files: BTreeMap<&TreePath, &Entry> =
        brought.files.iter().map(|file| (&file.path, &file.entry)).collect();
    let content = |path: &TreePath| -> Option<&Content> {
        let of_payload = || ask.payload.get(path).filter(|_| !brought.replaced.contains(path));
        files.get(path).copied().or_else(of_payload)?.content()
    };
    let drop = ask.spec.runtime.drop.iter().filter_map(|pattern| Glob::new(&pattern.glob).ok());
    let drop: Vec<Glob> = drop.collect();
    let is_dropped = |path: &TreePath| drop.iter().any(|glob| glob.matches(path.as_str()));
    let addons = objects.iter().filter(|path| target::is_addon(path.name()) && !is_dropped(path));
    let addons = addons.cloned().collect();
    abi::judge(runtime.content(), &addons, content, table.line)
}

/// The addons that the payload brings itself.
fn objects(ask: &Ask<'_>) -> BTreeSet<TreePath> {
    let files = ask.payload.iter().filter(|(_, entry)| entry.content().is_some());
    files.map(|(path, _)| path).filter(|path| target::is_addon(path.name())).cloned().collect()
}
