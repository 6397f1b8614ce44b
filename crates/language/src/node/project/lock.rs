//! Locks of npm and pnpm, as far as bantam must understand them: their own tools read the rest.

mod pnpm;

use super::{MODULES, Manifest};
use serde::Deserialize;
use std::collections::BTreeMap;
use tree::TreePath;

/// The lock of a project.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Lock {
    /// Whose it is.
    pub kind: LockKind,
    /// The folders of workspaces, and others of the project that packages are links to.
    pub members: Vec<TreePath>,
    /// Packages that the project holds itself, which are copied: archives, and folders.
    pub packages: Vec<TreePath>,
    /// Each package, by what its archive must hash to, as npm writes that.
    pub integrity: BTreeMap<String, String>,
}

/// Whose a lock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum LockKind {
    /// npm's, in a package that is published.
    Shrinkwrap,
    /// npm's.
    Npm,
    /// pnpm's.
    Pnpm,
}

/// Why a lock will not do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stale {
    pub why: String,
    pub fix: String,
}

#[derive(Deserialize)]
struct Npm {
    #[serde(rename = "lockfileVersion", default)]
    version: u64,
    #[serde(default)]
    packages: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    version: Option<String>,
    resolved: Option<serde_json::Value>,
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
}

impl LockKind {
    /// All there are; the first of which there is a file counts.
    pub const ALL: [LockKind; 3] = [LockKind::Shrinkwrap, LockKind::Npm, LockKind::Pnpm];

    /// The name of the file.
    pub fn file(self) -> &'static str {
        match self {
            LockKind::Shrinkwrap => "npm-shrinkwrap.json",
            LockKind::Npm => "package-lock.json",
            LockKind::Pnpm => "pnpm-lock.yaml",
        }
    }

    /// Files of the project that its tool reads beside.
    pub fn settings(self) -> &'static [&'static str] {
        match self {
            LockKind::Shrinkwrap | LockKind::Npm => &[".npmrc"],
            LockKind::Pnpm => &[".npmrc", "pnpm-workspace.yaml", ".pnpmfile.cjs", ".pnpmfile.mjs"],
        }
    }

    /// How to write it anew.
    pub fn renew(self) -> &'static str {
        match self {
            LockKind::Shrinkwrap | LockKind::Npm => "write it anew: `npm install --package-lock-only`",
            LockKind::Pnpm => "write it anew: `pnpm install --lockfile-only`",
        }
    }
}

impl Lock {
    /// Reads a lock, and holds it against the manifest of its project.
    pub(super) fn read(kind: LockKind, bytes: &[u8], manifest: &Manifest) -> Result<Self, Stale> {
        match kind {
            LockKind::Shrinkwrap | LockKind::Npm => npm(kind, bytes, manifest),
            LockKind::Pnpm => pnpm::read(bytes),
        }
    }
}

impl Stale {
    /// What goes away with a new lock.
    fn renew(kind: LockKind, why: String) -> Self {
        Stale { why, fix: kind.renew().into() }
    }
}

fn npm(kind: LockKind, bytes: &[u8], manifest: &Manifest) -> Result<Lock, Stale> {
    let stale = |why: String| Stale::renew(kind, why);
    let lock: Npm =
        serde_json::from_slice(bytes).map_err(|error| stale(format!("cannot be understood: {error}")))?;
    if lock.version < 2 {
        let version = lock.version;
        return Err(stale(format!("is of version {version}, which does not say where packages stand")));
    }
    let at = |name: &str| lock.packages.contains_key(&format!("{MODULES}/{name}"));
    if let Some((name, range)) = manifest.required().into_iter().find(|(name, _)| !at(name)) {
        return Err(stale(format!("is out of date: package.json asks for {name} {range}, and it has none")));
    }
    let (mut members, mut packages, mut integrity) = (vec![], vec![], BTreeMap::new());
    for (path, entry) in &lock.packages {
        let name = path.rsplit_once(&format!("{MODULES}/")).map(|(_, name)| name);
        match name {
            // The project itself, or one of its folders.
            None if path.is_empty() => {}
            None => members.push(inside(path)?),
            Some(name) => {
                let resolved = entry.resolved.as_ref().and_then(serde_json::Value::as_str);
                match resolved {
                    Some(folder) if entry.link => members.push(inside(folder)?),
                    Some(url) => packages.extend(url.strip_prefix("file:").map(inside).transpose()?),
                    None => {}
                }
                let title = format!("{name} {}", entry.version.as_deref().unwrap_or("of no version"));
                integrity.extend(entry.integrity.as_ref().map(|digest| (digest.clone(), title)));
            }
        }
    }
    Ok(Lock { kind, members: sorted(members), packages: sorted(packages), integrity })
}

/// A path that a lock names, in the project.
fn inside(text: &str) -> Result<TreePath, Stale> {
    let path = if text.starts_with('/') { None } else { TreePath::root().join(text).ok() };
    path.ok_or_else(|| Stale {
        why: format!("names {text}, which is outside of the project"),
        fix: "keep the lock in a folder that holds both, and name that as `project` in [node]; or install with your \
              own tool, and name node_modules in [[files]]"
            .into(),
    })
}

/// Each once. The project's own folder is none of those that it names: a package may be a link to it.
fn sorted(mut paths: Vec<TreePath>) -> Vec<TreePath> {
    paths.retain(|path| !path.is_root());
    paths.sort();
    paths.dedup();
    paths
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn read(kind: LockKind, lock: &str, manifest: &str) -> Result<Lock, String> {
        let manifest = Manifest::parse(manifest.as_bytes()).unwrap();
        Lock::read(kind, lock.as_bytes(), &manifest).map_err(|stale| stale.why)
    }

    fn shown(paths: &[TreePath]) -> Vec<&str> {
        paths.iter().map(TreePath::as_str).collect()
    }

    #[test]
    fn npm_locks_name_workspaces_archives_and_digests() {
        let lock = r#"{"lockfileVersion": 3, "packages": {
            "": {"workspaces": ["packages/*"]},
            "node_modules/@acme/a": {"resolved": "packages/a", "link": true},
            "packages/a": {"name": "@acme/a", "version": "1.0.0"},
            "packages/a/node_modules/ms": {"version": "2.0.0", "integrity": "sha512-old"},
            "node_modules/ms": {"version": "2.1.3", "integrity": "sha512-new"},
            "node_modules/own": {"version": "1.0.0", "resolved": "file:vendor/own-1.0.0.tgz"},
            "node_modules/copied": {"version": "1.0.0", "resolved": "file:vendor/copied"},
            "node_modules/self": {"resolved": "", "link": true}
        }}"#;
        let lock = read(
            LockKind::Npm,
            lock,
            r#"{"dependencies": {"ms": "^2", "own": "file:vendor/own-1.0.0.tgz"}}"#,
        );
        let lock = lock.unwrap();
        assert_eq!(shown(&lock.members), ["/packages/a"]);
        assert_eq!(shown(&lock.packages), ["/vendor/copied", "/vendor/own-1.0.0.tgz"]);
        assert_eq!(lock.integrity["sha512-new"], "ms 2.1.3");
    }

    #[test]
    fn locks_that_will_not_do() {
        for (lock, manifest, why) in [
            ("{", "{}", "cannot be understood"),
            (r#"{"lockfileVersion": 1}"#, "{}", "is of version 1"),
            (
                r#"{"lockfileVersion": 3}"#,
                r#"{"dependencies": {"ms": "^2"}}"#,
                "asks for ms ^2, and it has none",
            ),
            (
                r#"{"lockfileVersion": 3, "packages": {"node_modules/x": {"resolved": "../x", "link": true}}}"#,
                "{}",
                "names ../x, which is outside",
            ),
            (
                r#"{"lockfileVersion": 3, "packages": {"node_modules/x": {"resolved": "file:/etc/x.tgz"}}}"#,
                "{}",
                "names /etc/x.tgz, which is outside",
            ),
            (r#"{"lockfileVersion": 3, "packages": {"../../x": {}}}"#, "{}", "names ../../x"),
        ] {
            let found = read(LockKind::Npm, lock, manifest).unwrap_err();
            assert!(found.contains(why), "{lock}: {found}");
        }
        // A new lock would name the same.
        let lock = r#"{"lockfileVersion": 3, "packages": {"../../x": {}}}"#;
        let stale = Lock::read(LockKind::Npm, lock.as_bytes(), &Manifest::default()).unwrap_err();
        assert!(stale.fix.contains("`project` in [node]") && !stale.fix.contains("anew"), "{}", stale.fix);
        // What is optional may be on no platform; what only developers need is not installed.
        let manifest = r#"{"devDependencies": {"a": "1"}, "optionalDependencies": {"b": "1"}}"#;
        assert!(read(LockKind::Npm, r#"{"lockfileVersion": 3}"#, manifest).is_ok());
    }
}
