//! The project's own folders that packages are links to: what of them enters.

mod ignores;

use super::{
    NAME,
    manifest::Manifest,
    project::{MANIFEST, MODULES, Project},
};
use crate::{Ask, LanguageError};
use ignores::{Ignores, Origin};
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
        Walk { view: &view, root: dir, published: &published, found: &mut found }.dir(
            dir,
            &mut vec![],
            false,
        )?;
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

/// The walk through a package.
struct Walk<'a> {
    view: &'a Directory<'a>,
    root: &'a TreePath,
    published: &'a Published,
    found: &'a mut Vec<(TreePath, Entry)>,
}

impl Walk<'_> {
    /// Goes through a folder. `above` has what the ignore files of the folders above say, the innermost last; of a folder
    /// that is left out only that enters which is always published.
    fn dir(&mut self, dir: &TreePath, above: &mut Vec<Ignores>, left_out: bool) -> Result<(), LanguageError> {
        let ignores = self.ignores(dir)?;
        let has_own = ignores.is_some();
        above.extend(ignores);
        for name in self.view.list(dir)? {
            let path = dir.child(&name);
            let Some(entry) = self.view.entry(&path)? else { continue };
            let below = path.below(self.root).unwrap_or_default();
            // What is built is not kept by git, and is what runs.
            let is_built = entry.is_directory() && self.published.starts_below(below);
            let ignored = above
                .iter()
                .rev()
                .filter(|ignores| !(is_built && ignores.origin == Origin::Git))
                .find_map(|ignores| ignores.ignores(&path, entry.is_directory()));
            let is_ignored = (left_out || ignored == Some(true)) && !self.published.is_always(below);
            match &entry.kind {
                Kind::Directory if is_never(&name) => {}
                // A folder that is left out may have what the package starts with.
                Kind::Directory if is_ignored && !self.published.starts_below(below) => {}
                Kind::Directory => self.dir(&path, above, is_ignored)?,
                Kind::File(_) | Kind::Symlink(_) if !is_ignored && self.published.has(below) => {
                    self.found.push((path, entry));
                }
                _ => {}
            }
            if self.found.len() > MAX_FILES {
                let what = format!("{} of the project has more than {MAX_FILES} files", self.root);
                return Err(LanguageError::Answer { tool: "the walk through workspaces".into(), what });
            }
        }
        if has_own {
            above.pop();
        }
        Ok(())
    }

    /// What the ignore file of a folder says; that of the package's own does not count where `files` says what is
    /// published.
    fn ignores(&self, dir: &TreePath) -> Result<Option<Ignores>, LanguageError> {
        if dir == self.root && self.published.named.is_some() {
            return Ok(None);
        }
        for origin in [Origin::Npm, Origin::Git] {
            if let Some(content) =
                self.view.entry(&dir.child(origin.file()))?.as_ref().and_then(Entry::content)
            {
                let text = content.read(MAX_MANIFEST)?;
                return Ok(Some(Ignores::parse(origin, dir.clone(), &String::from_utf8_lossy(&text))));
            }
        }
        Ok(None)
    }
}

/// Which files of a package are published.
struct Published {
    /// What `files` of its manifest names, and what of that it takes back; none where it does not say.
    named: Option<Vec<(bool, String, Option<Glob>)>>,
    /// The file that it starts with.
    main: Option<String>,
    /// Its programs.
    programs: Vec<String>,
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
        let programs = manifest.table("bin").into_values().chain(manifest.text("bin")).map(plain).collect();
        Published { named, main: manifest.text("main").map(plain), programs }
    }

    /// Is this published whatever the manifest and ignore files say?
    fn is_always(&self, below: &str) -> bool {
        below == MANIFEST || self.starts().any(|file| file == below)
    }

    /// Is one of the files that it starts with below this folder?
    fn starts_below(&self, dir: &str) -> bool {
        self.starts().any(|file| file.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')))
    }

    fn starts(&self) -> impl Iterator<Item = &str> {
        self.main.iter().chain(&self.programs).map(String::as_str)
    }

    fn has(&self, below: &str) -> bool {
        if self.is_always(below) {
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
            (r#"{"files": ["lib"], "bin": {"a": "./bin/a.js"}}"#, "bin/a.js", true),
        ] {
            let manifest = Manifest::parse(manifest.as_bytes()).unwrap();
            assert_eq!(Published::of(&manifest).has(path), expected, "{manifest:?} {path}");
        }
    }

    #[test]
    fn what_ignore_files_leave_out_does_not_enter() {
        let all = [
            "dist/index.js",
            "dist/more.js",
            "id_rsa",
            "lib/.npmignore",
            "lib/a.js",
            "lib/raw.txt",
            "src/x.ts",
        ];
        for (manifest, files, expected) in [
            (
                "{}",
                &[][..],
                &["dist/index.js", "dist/more.js", "id_rsa", "lib/a.js", "lib/raw.txt", "src/x.ts"][..],
            ),
            ("{}", &[(".gitignore", "id_rsa\n/src/\n*.txt\n!raw.txt\ndist\n")], &["lib/a.js", "lib/raw.txt"]),
            // Where it says what is for npm, what git does not keep does not matter.
            (
                "{}",
                &[(".gitignore", "*"), (".npmignore", "id_*\nsrc\nlib\n")],
                &["dist/index.js", "dist/more.js"],
            ),
            (
                r#"{"main": "dist/index.js"}"#,
                &[(".gitignore", "dist\nid_rsa\nlib\n")],
                &["dist/index.js", "dist/more.js", "src/x.ts"],
            ),
            (r#"{"main": "dist/index.js"}"#, &[(".npmignore", "*")], &["dist/index.js"]),
            (r#"{"main": "dist/index.js"}"#, &[(".gitignore", "*")], &["dist/index.js"]),
            (
                r#"{"main": "dist/index.js"}"#,
                &[(".npmignore", "dist\nlib\nsrc\nid_rsa\n")],
                &["dist/index.js"],
            ),
            (r#"{"files": ["lib"]}"#, &[(".gitignore", "lib"), ("lib/.npmignore", "*.txt")], &["lib/a.js"]),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in
                all.iter().map(|name| (name, &"")).chain(files.iter().map(|(name, text)| (name, text)))
            {
                let path = folder.path().join("a").join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            let (view, root) = (Directory::open(folder.path()).unwrap(), TreePath::parse("/a").unwrap());
            let published = Published::of(&Manifest::parse(manifest.as_bytes()).unwrap());
            let mut found = vec![];
            let mut walk = Walk { view: &view, root: &root, published: &published, found: &mut found };
            walk.dir(&root, &mut vec![], false).unwrap();
            let names: Vec<&str> = found.iter().map(|(path, _)| path.below(&root).unwrap()).collect();
            assert_eq!(names, expected, "{manifest} {files:?}");
        }
    }
}
