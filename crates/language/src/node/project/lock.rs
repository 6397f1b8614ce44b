//! Locks of npm and pnpm, as far as bantam must understand them: their own tools read the rest.

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
    /// Packages that the project holds itself, as archives.
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
        let lock = match kind {
            LockKind::Shrinkwrap | LockKind::Npm => npm(kind, bytes, manifest),
            LockKind::Pnpm => pnpm(bytes),
        };
        lock.map_err(|why| Stale { why, fix: kind.renew().into() })
    }
}

fn npm(kind: LockKind, bytes: &[u8], manifest: &Manifest) -> Result<Lock, String> {
    let lock: Npm =
        serde_json::from_slice(bytes).map_err(|error| format!("cannot be understood: {error}"))?;
    if lock.version < 2 {
        return Err(format!("is of version {}, which does not say where packages stand", lock.version));
    }
    let at = |name: &str| lock.packages.contains_key(&format!("{MODULES}/{name}"));
    if let Some((name, range)) = manifest.required().into_iter().find(|(name, _)| !at(name)) {
        return Err(format!("is out of date: package.json asks for {name} {range}, and it has none"));
    }
    let (mut members, mut packages, mut integrity) = (vec![], vec![], BTreeMap::new());
    let inside = |text: &str| {
        let outside = || format!("names {text}, which is outside of the project");
        if text.starts_with('/') {
            Err(outside())
        } else {
            TreePath::root().join(text).map_err(|_| outside())
        }
    };
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
    members.sort();
    members.dedup();
    Ok(Lock { kind, members, packages, integrity })
}

/// pnpm writes its lock itself, so that lines tell: the projects of a workspace are the keys below `importers`.
fn pnpm(bytes: &[u8]) -> Result<Lock, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    if !text.lines().any(|line| line.starts_with("lockfileVersion:")) {
        return Err("says not of which version it is".into());
    }
    let below = text.lines().skip_while(|line| *line != "importers:").skip(1);
    let below = below.take_while(|line| line.is_empty() || line.starts_with(' '));
    let mut members = vec![];
    for line in below {
        let key = line.strip_prefix("  ").filter(|line| !line.starts_with(' '));
        let Some(key) =
            key.and_then(|line| line.split_once(':')).map(|(key, _)| key.trim_matches(['\'', '"']))
        else {
            continue;
        };
        if key != "." {
            let path = TreePath::root().join(key);
            members.push(path.map_err(|_| format!("names {key}, which is outside of the project"))?);
        }
    }
    Ok(Lock { kind: LockKind::Pnpm, members, packages: vec![], integrity: BTreeMap::new() })
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
            "node_modules/own": {"version": "1.0.0", "resolved": "file:vendor/own-1.0.0.tgz"}
        }}"#;
        let lock = read(
            LockKind::Npm,
            lock,
            r#"{"dependencies": {"ms": "^2", "own": "file:vendor/own-1.0.0.tgz"}}"#,
        );
        let lock = lock.unwrap();
        assert_eq!(shown(&lock.members), ["/packages/a"]);
        assert_eq!(shown(&lock.packages), ["/vendor/own-1.0.0.tgz"]);
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
        // What is optional may be on no platform; what only developers need is not installed.
        let manifest = r#"{"devDependencies": {"a": "1"}, "optionalDependencies": {"b": "1"}}"#;
        assert!(read(LockKind::Npm, r#"{"lockfileVersion": 3}"#, manifest).is_ok());
    }

    #[test]
    fn pnpm_locks_name_the_projects_of_a_workspace() {
        let lock = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      ms:\n        specifier: 2.1.3\n\n  \
                    packages/a: {}\n\n  'packages/@b':\n    dependencies:\n\npackages:\n\n  ms@2.1.3:\n";
        assert_eq!(
            shown(&read(LockKind::Pnpm, lock, "{}").unwrap().members),
            ["/packages/a", "/packages/@b"]
        );
        assert!(read(LockKind::Pnpm, "importers:\n", "{}").unwrap_err().contains("version"));
        let outside = "lockfileVersion: '9.0'\nimporters:\n  ../b: {}\n";
        assert!(read(LockKind::Pnpm, outside, "{}").unwrap_err().contains("../b"));
    }
}
