//! The project above a folder that is a part of it.

use super::{
    manifest::Manifest,
    project::{LockKind, MANIFEST},
};
use plan::init::Workspace;
use std::{fs, path::Path};

/// So many folders above are looked at.
const DEPTH: usize = 8;
/// No manifest that counts is longer, in bytes.
const MAX_MANIFEST: u64 = 4 << 20;

/// The whole of which a folder without a lock is a workspace: the next folder above with workspaces and a lock, in the
/// same repository.
pub fn workspace(folder: &Path) -> Option<Workspace> {
    let folder = fs::canonicalize(folder).ok()?;
    let has_lock = |folder: &Path| LockKind::ALL.iter().any(|kind| folder.join(kind.file()).is_file());
    if has_lock(&folder) || !folder.join(MANIFEST).is_file() {
        return None;
    }
    for (depth, above) in folder.ancestors().enumerate().skip(1).take(DEPTH) {
        if has_lock(above) && has_workspaces(above) {
            let root = vec![".."; depth].join("/");
            let folder = folder.strip_prefix(above).ok()?.to_str()?.to_owned();
            return Some(Workspace { root, folder });
        }
        if above.join(".git").exists() {
            break;
        }
    }
    None
}

fn has_workspaces(folder: &Path) -> bool {
    let manifest = || {
        let path = folder.join(MANIFEST);
        let is_short = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() <= MAX_MANIFEST);
        Manifest::parse(&fs::read(path).ok().filter(|_| is_short)?)
    };
    folder.join("pnpm-workspace.yaml").is_file() || manifest().is_some_and(|it| it.has("workspaces"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_knows_what_it_is_of() {
        let all = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = all.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("package.json", r#"{"workspaces": ["apps/*"]}"#);
        write("package-lock.json", "{}");
        write("apps/api/package.json", "{}");
        write("apps/locked/package.json", "{}");
        write("apps/locked/package-lock.json", "{}");
        write("other/.git/HEAD", "");
        write("other/app/package.json", "{}");
        let found = |path: &str| workspace(&all.path().join(path)).map(|it| (it.root, it.folder));
        assert_eq!(found("apps/api"), Some(("../..".into(), "apps/api".into())));
        for path in ["apps", "apps/locked", "other/app", "gone", "."] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
