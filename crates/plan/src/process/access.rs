//! What the process's user may do with a file, by the mode bits alone.

use super::Process;
use tree::{Entry, Tree, TreePath, View, ViewError};

/// To execute a file, or to enter a directory.
pub(crate) const X: u32 = 1;
/// To write.
pub(crate) const W: u32 = 2;
/// To read.
pub(crate) const R: u32 = 4;
/// To go by a link: only what stands above it counts.
pub(crate) const PASS: u32 = 0;

/// The first of the directories above `path`, or `path` itself, that the process's user may not use.
///
/// # Errors
/// When links of the image cannot be followed.
pub(crate) fn blocked(
    tree: &Tree,
    process: &Process,
    path: &TreePath,
    right: u32,
) -> Result<Option<TreePath>, ViewError> {
    let mut above: Vec<TreePath> = path.ancestors().collect();
    above.reverse();
    for dir in above {
        if tree.entry(&dir)?.is_some_and(|entry| !may(&entry, process, X)) {
            return Ok(Some(dir));
        }
    }
    Ok(tree.entry(path)?.is_some_and(|entry| !may(&entry, process, right)).then(|| path.clone()))
}

/// Do the mode bits give the process's user this right? Root may all, but execute what nobody may.
///
/// The user's only group is the one in the image config: engines add those of the image's group file
/// only where the config has no group.
pub(crate) fn may(entry: &Entry, process: &Process, right: u32) -> bool {
    let mode = entry.meta.mode;
    if process.uid == 0 {
        return right & X == 0 || entry.is_directory() || mode & 0o111 != 0;
    }
    let bits = if entry.meta.uid == process.uid {
        mode >> 6
    } else if entry.meta.gid == process.gid {
        mode >> 3
    } else {
        mode
    };
    bits & right == right
}
