//! Secrets that lie in a project, and stay out of what its spec takes.

use super::{
    project::{Project, ProjectFile},
    sketch::Files,
};
use crate::{Glob, secrets};
use tree::{Content, TreePath};

/// Excludes what an image would be refused for, unless a pattern does already.
pub(super) fn leave_out(project: &Project, files: &mut Files) {
    let folder = files.from.trim_start_matches("./");
    let folder = if folder == "." { "" } else { folder };
    if !folder.is_empty() && !folder.ends_with('/') {
        return;
    }
    let patterns: Vec<Glob> = files.exclude.iter().filter_map(|pattern| Glob::new(pattern).ok()).collect();
    let is_out = |path: &str| {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.filter_map(|end| path.get(..end)).any(|path| patterns.iter().any(|glob| glob.matches(path)))
    };
    let below =
        project.files.iter().filter_map(|(path, file)| Some((path.strip_prefix(folder)?, path, file)));
    let secret = below.filter(|(below, path, file)| !is_out(below) && is_secret(path, file));
    let found: Vec<String> = secret.map(|(below, ..)| Glob::literally(below)).collect();
    files.exclude.extend(found);
}

fn is_secret(path: &str, file: &ProjectFile) -> bool {
    let Ok(at) = TreePath::root().join(path) else { return false };
    let in_text = || match file {
        ProjectFile::Text(text) => {
            secrets::by_content(&at, &Content::bytes(text.as_str(), path)).is_ok_and(|why| why.is_some())
        }
        _ => false,
    };
    secrets::by_name(&at).is_some() || in_text()
}
