//! The project's own folders that packages are links to: what of them enters.

use super::{
    NAME,
    manifest::Manifest,
    project::{MANIFEST, MODULES, Project},
};
use crate::{Ask, LanguageError};
use plan::{Brought, BroughtFile, BroughtLayer, Glob, reason::Reason, spec::Node};
use source::Directory;
use tree::{Entry, Kind, TreePath, View as _};

/// No manifest that counts is longer, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;
/// No folder of a project that is brought has more files.
const MAX_FILES: usize = 1 << 18;

/// Puts the files of workspaces below `home`, as they would be published.
///
/// # Errors
/// When one cannot be read.
pub(super) fn put(
    ask: &Ask<'_>,
    table: &Node,
    project: &Project,
    workspaces: &[TreePath],
    home: &TreePath,
    brought: &mut Brought,
) -> Result<(), LanguageError> {
    if workspaces.is_empty() {
        return Ok(());
    }
    let view = Directory::open(&project.folder)?.with_memory(ask.workshop.memory);
    for dir in workspaces {
        let manifest = match view.entry(&dir.child(MANIFEST))?.as_ref().and_then(Entry::content) {
            Some(content) => Manifest::parse(&content.read(MAX_MANIFEST)?).unwrap_or_default(),
            None => Manifest::default(),
        };
        let published = Published::of(&manifest);
        let mut found = vec![];
        walk(&view, dir, dir, &published, &mut found)?;
        for (path, entry) in found {
            let dependency = manifest.title(dir.relative());
            brought.files.push(BroughtFile {
                path: home.join(path.relative())?,
                entry,
                layer: BroughtLayer::App,
                of_source: false,
                reason: Reason::OfDependency { language: NAME.into(), dependency, line: table.line },
            });
        }
    }
    Ok(())
}

fn walk(
    view: &Directory<'_>,
    root: &TreePath,
    dir: &TreePath,
    published: &Published,
    found: &mut Vec<(TreePath, Entry)>,
) -> Result<(), LanguageError> {
    for name in view.list(dir)? {
        let path = dir.child(&name);
        let Some(entry) = view.entry(&path)? else { continue };
        let below = path.below(root).unwrap_or_default();
        match &entry.kind {
            Kind::Directory if is_never(&name) => {}
            Kind::Directory => walk(view, root, &path, published, found)?,
            Kind::File(_) | Kind::Symlink(_) if published.has(below) => found.push((path, entry)),
            _ => {}
        }
        if found.len() > MAX_FILES {
            let what = format!("{root} of the project has more than {MAX_FILES} files");
            return Err(LanguageError::Answer { tool: "the walk through workspaces".into(), what });
        }
    }
    Ok(())
}

/// Which files of a package are published.
struct Published {
    /// What `files` of its manifest names, and what of that it takes back; none where it does not say.
    named: Option<Vec<(bool, String, Option<Glob>)>>,
    /// The file that it starts with.
    main: Option<String>,
}

impl Published {
    fn of(manifest: &Manifest) -> Self {
        let plain = |text: &str| text.trim_start_matches("./").trim_matches('/').to_owned();
        let rule = |text: &&str| {
            let (takes, text) = text.strip_prefix('!').map_or((true, *text), |text| (false, text));
            let text = plain(text);
            let is_glob = text.contains(['*', '?', '[', '{']);
            let glob = is_glob.then(|| Glob::new(&format!("/{text}")).ok()).flatten();
            (takes, text, glob)
        };
        let named = manifest.list("files").map(|files| files.iter().map(rule).collect());
        Published { named, main: manifest.text("main").map(plain) }
    }

    fn has(&self, below: &str) -> bool {
        if below == MANIFEST || self.main.as_deref() == Some(below) {
            return true;
        }
        let name = below.rsplit('/').next().unwrap_or(below);
        if is_never(name) || is_of_developers(below) {
            return false;
        }
        let Some(named) = &self.named else { return true };
        let mut takes = false;
        for (rule_takes, text, glob) in named {
            let parts = |path: &str| text.is_empty() || text == "." || path == text;
            let mut above = below.match_indices('/').map(|(at, _)| &below[..at]).chain([below]);
            let is_named = match glob {
                Some(glob) => above.any(|path| glob.matches(&format!("/{path}"))),
                None => above.any(parts),
            };
            if is_named {
                takes = *rule_takes;
            }
        }
        takes
    }
}

/// Is this nothing that is ever published: a hidden file, or the packages of a workspace, which come by themselves?
fn is_never(name: &str) -> bool {
    name.starts_with('.') || name == MODULES
}

/// Is this only for those who work on the package?
fn is_of_developers(below: &str) -> bool {
    let (dirs, name) = below.rsplit_once('/').unwrap_or(("", below));
    let is_test =
        name.rsplit_once('.').is_some_and(|(stem, _)| stem.ends_with(".test") || stem.ends_with(".spec"));
    let first = dirs.split('/').next().unwrap_or_default();
    is_test
        || matches!(first, "test" | "tests" | "coverage")
        || dirs.split('/').any(|dir| dir == "__tests__")
        || (name.starts_with("tsconfig") && name.ends_with(".json"))
        || matches!(name, "package-lock.json" | "pnpm-lock.yaml" | "yarn.lock")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn what_a_workspace_brings() {
        for (manifest, path, expected) in [
            ("{}", "index.js", true),
            ("{}", "package.json", true),
            ("{}", "test/index.js", false),
            ("{}", "src/a.test.ts", false),
            ("{}", "tsconfig.build.json", false),
            ("{}", ".env", false),
            (r#"{"files": ["dist"]}"#, "dist/index.js", true),
            (r#"{"files": ["dist"]}"#, "src/index.ts", false),
            (r#"{"files": ["./dist/"]}"#, "dist/deep/index.js", true),
            (r#"{"files": ["dist"]}"#, "package.json", true),
            (r#"{"files": ["dist"], "main": "./main.js"}"#, "main.js", true),
            (r#"{"files": ["dist", "!dist/internal"]}"#, "dist/internal/a.js", false),
            (r#"{"files": ["lib/**/*.js"]}"#, "lib/a/b.js", true),
            (r#"{"files": ["lib/**/*.js"]}"#, "lib/a/b.ts", false),
            (r#"{"files": ["*"]}"#, "lib/a.js", true),
        ] {
            let manifest = Manifest::parse(manifest.as_bytes()).unwrap();
            assert_eq!(Published::of(&manifest).has(path), expected, "{manifest:?} {path}");
        }
    }
}
