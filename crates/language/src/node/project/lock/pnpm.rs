//! The lock of pnpm. It writes that itself, so that lines tell.

use super::{Lock, LockKind, Stale, inside, sorted};
use std::collections::BTreeMap;

/// Reads a lock: the projects of a workspace are the keys below `importers`, and what of `packages` the project holds
/// itself has a path.
pub(super) fn read(bytes: &[u8]) -> Result<Lock, Stale> {
    let stale = |why: &str| Stale::renew(LockKind::Pnpm, why.into());
    let text = std::str::from_utf8(bytes).map_err(|_| stale("is not UTF-8"))?;
    if !text.lines().any(|line| line.starts_with("lockfileVersion:")) {
        return Err(stale("says not of which version it is"));
    }
    let (mut members, mut packages) = (vec![], vec![]);
    let mut section = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        let below = line.trim_start_matches(' ');
        match (section, line.len() - below.len()) {
            (_, 0) => section = line,
            ("importers:", 2) => {
                let key = below.split_once(':').map(|(key, _)| unquoted(key));
                members.extend(key.filter(|key| *key != ".").map(inside).transpose()?);
            }
            ("packages:", 4) => {
                if let Some(resolution) = below.strip_prefix("resolution: {") {
                    packages.extend(of_project(resolution).map(inside).transpose()?);
                }
            }
            _ => {}
        }
    }
    let (members, packages) = (sorted(members), sorted(packages));
    Ok(Lock { kind: LockKind::Pnpm, members, packages, integrity: BTreeMap::new() })
}

/// The path of a package that comes from the project, by what is in the braces behind `resolution`.
fn of_project(resolution: &str) -> Option<&str> {
    let value = |key: &str| {
        let (_, rest) = resolution.split_once(&format!("{key}: "))?;
        Some(match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split('\'').next().unwrap_or_default(),
            None => rest.split([',', '}']).next().unwrap_or_default().trim(),
        })
    };
    match value("type") {
        Some("directory") => value("directory"),
        _ => value("tarball")?.strip_prefix("file:"),
    }
}

fn unquoted(key: &str) -> &str {
    key.trim_matches(['\'', '"'])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use tree::TreePath;

    fn shown(paths: &[TreePath]) -> Vec<&str> {
        paths.iter().map(TreePath::as_str).collect()
    }

    #[test]
    fn the_projects_of_a_workspace() {
        let lock = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      ms:\n        specifier: 2.1.3\n\n  \
                    packages/a: {}\n\n  'packages/@b':\n    dependencies:\n\npackages:\n\n  ms@2.1.3:\n";
        assert_eq!(shown(&read(lock.as_bytes()).unwrap().members), ["/packages/@b", "/packages/a"]);
        assert!(read(b"importers:\n").unwrap_err().why.contains("version"));
        let outside = read(b"lockfileVersion: '9.0'\nimporters:\n  ../b: {}\n").unwrap_err();
        assert!(outside.why.contains("../b") && outside.fix.contains("`project`"), "{outside:?}");
    }

    #[test]
    fn packages_that_the_project_holds_itself() {
        for (resolution, expected) in [
            ("integrity: sha512-x==}", Ok(&[][..])),
            ("integrity: sha512-x==, tarball: https://example.com/a.tgz}", Ok(&[])),
            ("integrity: sha512-x==, tarball: file:vendor/a.tgz}", Ok(&["/vendor/a.tgz"])),
            ("tarball: 'file:vendor/a, b.tgz', integrity: sha512-x==}", Ok(&["/vendor/a, b.tgz"])),
            ("directory: vendor/own, type: directory}", Ok(&["/vendor/own"])),
            ("directory: ../own, type: directory}", Err("../own")),
            ("tarball: file:/srv/a.tgz}", Err("/srv/a.tgz")),
        ] {
            let lock =
                format!("lockfileVersion: '9.0'\npackages:\n\n  a@1:\n    resolution: {{{resolution}\n");
            match (read(lock.as_bytes()), expected) {
                (Ok(lock), Ok(expected)) => assert_eq!(shown(&lock.packages), expected, "{resolution}"),
                (Err(stale), Err(text)) => assert!(stale.why.contains(text), "{stale:?}"),
                (found, _) => panic!("{resolution}: {found:?}"),
            }
        }
    }
}
