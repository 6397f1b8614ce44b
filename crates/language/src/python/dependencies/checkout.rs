//! Of which commit a checkout of git is, and which tags there are: versions are taken from them.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

/// No file of git that is read here is longer, in bytes.
const MAX: u64 = 64 << 20;

/// All that a version of the project in a folder may be taken from: of the checkout that it is in, itself or a folder above.
/// Empty where there is none.
pub(super) fn state(folder: &Path) -> Vec<Vec<u8>> {
    let Some(own) = folder.ancestors().find_map(|dir| git_dir(&dir.join(".git"))) else { return vec![] };
    // A worktree shares all but its HEAD with others.
    let common = text(&own.join("commondir")).map_or_else(|| own.clone(), |path| own.join(path.trim()));
    let head = text(&own.join("HEAD")).unwrap_or_default();
    let branch = head.trim().strip_prefix("ref: ").unwrap_or("HEAD");
    let mut state = vec![head.clone().into_bytes()];
    // A name that leads elsewhere is none of git's.
    if !branch.split('/').any(|part| part == "..") {
        state.extend(text(&common.join(branch)).map(String::into_bytes));
    }
    let packed = text(&common.join("packed-refs")).unwrap_or_default();
    let is_counted =
        |line: &&str| line.contains(" refs/tags/") || line.ends_with(branch) || line.starts_with('^');
    state.extend(packed.lines().filter(is_counted).map(|line| line.as_bytes().to_vec()));
    tags(&common.join("refs/tags"), &mut state);
    // Another form of references, whose files never change.
    state.extend(text(&common.join("reftable/tables.list")).map(String::into_bytes));
    state
}

/// The directory of a checkout: `.git`, or what the file of that name leads to.
fn git_dir(path: &Path) -> Option<PathBuf> {
    if path.join("HEAD").is_file() {
        return Some(path.to_path_buf());
    }
    let place = text(path)?;
    let dir = path.parent()?.join(place.trim().strip_prefix("gitdir:")?.trim());
    dir.join("HEAD").is_file().then_some(dir)
}

/// Adds each tag below a directory, sorted by name.
fn tags(dir: &Path, state: &mut Vec<Vec<u8>>) {
    let Ok(listed) = fs::read_dir(dir) else { return };
    let mut paths: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            tags(&path, state);
        } else if let Some(text) = text(&path) {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            state.push([name, b"\0", text.as_bytes()].concat());
        }
    }
}

fn text(path: &Path) -> Option<String> {
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|meta| meta.is_file()))?;
    let mut bytes = vec![];
    file.take(MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn what_a_version_is_taken_from_counts() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let own = || state(&dir.path().join("repo/packages/a"));
        let tree = || state(&dir.path().join("tree"));
        fs::create_dir_all(dir.path().join("repo/packages/a")).unwrap();
        write("repo/.git/HEAD", "ref: refs/heads/main\n");
        write("tree/.git", &format!("gitdir: {}\n", dir.path().join("repo/.git/worktrees/tree").display()));
        write("repo/.git/worktrees/tree/HEAD", "ref: refs/heads/other\n");
        write("repo/.git/worktrees/tree/commondir", "../..\n");
        for (path, text, of_own, of_tree) in [
            ("repo/.git/refs/heads/main", "01\n", true, false),
            ("repo/.git/refs/heads/other", "02\n", false, true),
            ("repo/.git/refs/heads/third", "03\n", false, false),
            ("repo/.git/logs/HEAD", "moved", false, false),
            ("repo/.git/refs/tags/v1", "01\n", true, true),
            ("repo/.git/refs/tags/of/v2", "01\n", true, true),
            ("repo/.git/packed-refs", "00 refs/remotes/origin/x\n", false, false),
            ("repo/.git/packed-refs", "00 refs/remotes/origin/x\n00 refs/tags/v0\n", true, true),
            ("repo/.git/packed-refs", "05 refs/remotes/origin/x\n00 refs/tags/v0\n", false, false),
            ("repo/.git/worktrees/tree/HEAD", "07\n", false, true),
            ("repo/.git/reftable/tables.list", "1\n", true, true),
        ] {
            let before = (own(), tree());
            write(path, text);
            assert_eq!((own() != before.0, tree() != before.1), (of_own, of_tree), "{path}: {text}");
        }
    }
}
