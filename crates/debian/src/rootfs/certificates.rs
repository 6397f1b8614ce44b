//! The bundle of certificates that `update-ca-certificates` makes.

use super::problem::Problem;
use tree::{Content, Entry, Tree, TreePath};

/// Where the packages have certificates.
const SOURCE: &str = "/usr/share/ca-certificates";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// More than any file of certificates has.
const MAX_FILE: u64 = 16 << 20;

/// The bundle of all certificates that the tree has, in the order of their paths; none where there are none.
///
/// Bytes are those that `update-ca-certificates` writes where all certificates of the packages are enabled, as
/// they are unless somebody was asked: each file, with a line feed at its end if it lacks one.
pub fn bundle(tree: &Tree) -> (Option<(TreePath, Entry)>, Vec<Problem>) {
    let mut problems = vec![];
    let mut bytes = vec![];
    let (Ok(dir), Ok(path)) = (TreePath::parse(SOURCE), TreePath::parse(BUNDLE)) else {
        return (None, problems);
    };
    let is_certificate = |path: &TreePath| path.as_str().ends_with(".crt");
    let mut sources: Vec<_> = tree.range(&dir).filter(|(path, _)| is_certificate(path)).collect();
    // `sort` orders whole paths by their bytes, not by their components.
    sources.sort_by_key(|(path, _)| path.as_str().as_bytes().to_vec());
    for (path, entry) in sources {
        let Some(content) = entry.content() else { continue };
        match content.read(MAX_FILE) {
            Ok(more) => {
                bytes.extend(&more);
                if bytes.last().is_some_and(|last| *last != b'\n') {
                    bytes.push(b'\n');
                }
            }
            Err(error) => {
                problems.push(Problem::Unreadable { path: path.clone(), reason: error.source.to_string() });
            }
        }
    }
    let entry = || Entry::file(Content::bytes(bytes.clone(), "the certificates of the packages"), 0o644);
    ((!bytes.is_empty()).then(|| (path, entry())), problems)
}
