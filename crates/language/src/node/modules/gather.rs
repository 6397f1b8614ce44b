//! From a folder in which packages were installed to a tree in the cache that is the same wherever they were.

use super::{
    super::{
        manifest::Manifest,
        project::{MANIFEST, MODULES, Project},
        target::{Target, is_object},
    },
    judge, not_kept,
    notes::{Noted, Notes},
};
use crate::{
    Ask, LanguageError,
    kept::{Keeper, Kept},
};
use sha2::{Digest as _, Sha256};
use source::Directory;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::Path,
};
use tree::{Entry, Kind, Sha256Digest, Tree, TreePath, View};

/// No application has more files among its packages.
const MAX_FILES: usize = 1 << 20;
/// No manifest of a package that counts is longer, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;

/// What was found in the folder.
#[derive(Default)]
struct Found {
    /// Files and links.
    entries: BTreeMap<TreePath, Entry>,
    /// Folders of the project that links lead to.
    workspaces: BTreeSet<TreePath>,
    problems: Vec<Noted>,
}

/// Keeps what was installed, less what is not for the target, and what the installer noted for itself.
///
/// # Errors
/// When it cannot be read, or kept.
pub(super) fn keep(
    ask: &Ask<'_>,
    folder: &Path,
    key: Sha256Digest,
    project: &Project,
    target: &Target,
) -> Result<(Kept, Notes), LanguageError> {
    let view = Directory::open(folder)?;
    let Found { mut entries, workspaces, mut problems } = Found::of(&view)?;
    let packages = packages(&entries)?;
    problems.extend(judge::judge(&mut entries, &packages, &project.manifests(), *target)?);
    drop_dangling(&mut entries, &workspaces)?;

    let mut keeper = Keeper::new(ask.workshop.cache, key, &project.lock_file()).map_err(not_kept)?;
    let (mut digest, mut objects) = (Sha256::new(), vec![]);
    for (path, entry) in &entries {
        let line = match &entry.kind {
            Kind::Symlink(target) => {
                keeper.link(path.clone(), target);
                format!("{path}\0l\0{target}\n")
            }
            Kind::File(content) => {
                // The program of a script is another: Node.js reads those of packages, and the kernel starts none.
                let is_program = entry.is_executable() && !content.starts_with(b"#!")?;
                let mode = if is_program { 0o755 } else { 0o644 };
                if is_object(path.name()) && content.starts_with(b"\x7fELF")? {
                    objects.push(path.clone());
                }
                let at = folder.join(path.relative());
                let mut file = File::open(&at).map_err(LanguageError::read(at))?;
                let sha256 = keeper.file(path.clone(), mode, &mut file).map_err(not_kept)?;
                format!("{path}\0{mode:o}\0{}\n", sha256.hex())
            }
            Kind::Directory | Kind::Special(_) => continue,
        };
        digest.update(line);
    }
    let title = |(dir, manifest): (TreePath, Manifest)| {
        let title = manifest.title(dir.name());
        (dir, title)
    };
    let notes = Notes {
        digest: Sha256Digest(digest.finalize().into()),
        packages: packages.into_iter().map(title).collect(),
        workspaces: workspaces.into_iter().collect(),
        objects,
        problems,
    };
    let kept = keeper.finish(&notes.write()).map_err(not_kept)?;
    Ok((kept, notes))
}

impl Found {
    fn of(view: &dyn View) -> Result<Self, LanguageError> {
        let mut found = Found::default();
        found.walk(view, &TreePath::root().child(MODULES))?;
        // Each has its own packages where others have them in other versions, and those have links, too.
        let mut done = BTreeSet::new();
        while let Some(workspace) = found.workspaces.difference(&done).next().cloned() {
            found.walk(view, &workspace.child(MODULES))?;
            done.insert(workspace);
        }
        Ok(found)
    }

    fn walk(&mut self, view: &dyn View, dir: &TreePath) -> Result<(), LanguageError> {
        for name in view.list(dir)? {
            let path = dir.child(&name);
            let Some(entry) = view.entry(&path)? else { continue };
            match &entry.kind {
                Kind::Directory => self.walk(view, &path)?,
                Kind::File(_) if is_of_installer(dir, &name) => {}
                Kind::File(_) => {
                    self.entries.insert(path, entry);
                }
                Kind::Symlink(target) => match inside(dir, target) {
                    Some(leads_to) => {
                        // A project that is its own dependency is there already.
                        if !leads_to.is_root() && !leads_to.names().any(|name| name == MODULES) {
                            self.workspaces.insert(leads_to);
                        }
                        self.entries.insert(path, entry);
                    }
                    None => self.problems.push(Noted::Unfit {
                        package: path.below(dir).unwrap_or_default().into(),
                        why: format!("it is a link to {target}, outside of the project"),
                    }),
                },
                Kind::Special(_) => {}
            }
            if self.entries.len() > MAX_FILES {
                let what = format!("more than {MAX_FILES} files are installed");
                return Err(LanguageError::Answer { tool: "the installer".into(), what });
            }
        }
        Ok(())
    }
}

/// Is this what an installer notes for itself, or a script that starts another with the paths of the builder? The first
/// says when and from where was installed.
fn is_of_installer(dir: &TreePath, name: &str) -> bool {
    match dir.name() {
        ".bin" => true,
        ".pnpm" => name.ends_with(".yaml"),
        MODULES => name.starts_with('.'),
        _ => false,
    }
}

/// Where a link leads; none where that is outside.
fn inside(dir: &TreePath, target: &str) -> Option<TreePath> {
    if target.starts_with('/') { None } else { dir.join(target).ok() }
}

/// The folders of packages, with their manifests.
fn packages(entries: &BTreeMap<TreePath, Entry>) -> Result<BTreeMap<TreePath, Manifest>, LanguageError> {
    let mut packages = BTreeMap::new();
    for (path, entry) in entries.iter().filter(|(path, _)| path.name() == MANIFEST) {
        let Some(dir) = path.parent().filter(is_package) else { continue };
        let Some(content) = entry.content().filter(|content| content.size() <= MAX_MANIFEST) else {
            continue;
        };
        let manifest = Manifest::parse(&content.read(MAX_MANIFEST)?);
        packages.extend(manifest.map(|manifest| (dir, manifest)));
    }
    Ok(packages)
}

/// Is this folder one of a package: `node_modules/express`, `node_modules/@acme/shop`?
fn is_package(dir: &TreePath) -> bool {
    let mut names = dir.names().rev();
    let (name, above) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let scope = if above.starts_with('@') { names.next() } else { Some(above) };
    scope == Some(MODULES) && !name.starts_with(['.', '@'])
}

/// Takes out links to what is not there: to packages of other platforms.
fn drop_dangling(
    entries: &mut BTreeMap<TreePath, Entry>,
    workspaces: &BTreeSet<TreePath>,
) -> Result<(), LanguageError> {
    loop {
        let folders = workspaces.iter().map(|dir| (dir.clone(), Entry::directory(0o755)));
        let mut tree: Tree =
            folders.chain(entries.iter().map(|(path, entry)| (path.clone(), entry.clone()))).collect();
        tree.add_parents();
        let mut dangling = vec![];
        for (path, entry) in entries.iter() {
            if matches!(entry.kind, Kind::Symlink(_)) && !leads_somewhere(&tree, path, workspaces) {
                dangling.push(path.clone());
            }
        }
        if dangling.is_empty() {
            return Ok(());
        }
        for path in dangling {
            entries.remove(&path);
        }
    }
}

fn leads_somewhere(tree: &Tree, path: &TreePath, workspaces: &BTreeSet<TreePath>) -> bool {
    match tree.follow(path) {
        // Programs of workspaces come with those.
        Ok(found) => found.entry.is_some() || workspaces.iter().any(|dir| found.path.is_within(dir)),
        Err(_) => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    #[test]
    fn folders_of_packages() {
        for (dir, expected) in [
            ("/node_modules/express", true),
            ("/node_modules/@acme/shop", true),
            ("/node_modules/@acme", false),
            ("/node_modules/express/lib", false),
            ("/node_modules/express/node_modules/ms", true),
            ("/node_modules/.pnpm/ms@2.1.3/node_modules/ms", true),
            ("/node_modules/.bin", false),
            ("/packages/a", false),
        ] {
            assert_eq!(is_package(&path(dir)), expected, "{dir}");
        }
    }

    #[test]
    fn what_was_installed_is_found_without_the_notes_of_installers() {
        let tree = Tree::from_lines(
            "0644 0:0 /node_modules/.package-lock.json = {}
             0644 0:0 /node_modules/.modules.yaml = x
             0644 0:0 /node_modules/.pnpm/lock.yaml = x
             0644 0:0 /node_modules/.pnpm/ms@2/node_modules/ms/index.js = x
             0755 0:0 /node_modules/.bin/shim = x
             0777 0:0 /node_modules/.bin/mime -> ../mime/cli.js
             0755 0:0 /node_modules/mime/cli.js = x
             0644 0:0 /node_modules/mime/.eslintrc = x
             0777 0:0 /node_modules/ms -> .pnpm/ms@2/node_modules/ms
             0777 0:0 /node_modules/gone -> .pnpm/gone@2/node_modules/gone
             0777 0:0 /node_modules/@acme/a -> ../../packages/a
             0777 0:0 /node_modules/self -> ..
             0777 0:0 /node_modules/out -> ../../out
             0777 0:0 /node_modules/far -> /srv/far
             0644 0:0 /packages/a/index.js = x
             0777 0:0 /packages/a/node_modules/b -> ../../b
             0644 0:0 /packages/b/node_modules/ms/index.js = x",
        )
        .unwrap();
        let mut found = Found::of(&tree).unwrap();
        drop_dangling(&mut found.entries, &found.workspaces).unwrap();
        let names: Vec<&str> = found.entries.keys().map(TreePath::as_str).collect();
        assert_eq!(
            names,
            [
                "/node_modules/.bin/mime",
                "/node_modules/.pnpm/ms@2/node_modules/ms/index.js",
                "/node_modules/@acme/a",
                "/node_modules/mime/.eslintrc",
                "/node_modules/mime/cli.js",
                "/node_modules/ms",
                "/node_modules/self",
                "/packages/a/node_modules/b",
                "/packages/b/node_modules/ms/index.js",
            ]
        );
        let workspaces: Vec<&str> = found.workspaces.iter().map(TreePath::as_str).collect();
        assert_eq!(workspaces, ["/packages/a", "/packages/b"]);
        assert_eq!(found.problems.len(), 2, "{:?}", found.problems);
    }
}
