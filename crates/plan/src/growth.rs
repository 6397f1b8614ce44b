//! What grew since an image that was built before.

use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, Entry, Tree, TreePath};

/// What an image has more or less than one before it, in bytes of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// All files of the one before.
    pub before: u64,
    /// All files of this one.
    pub after: u64,
    /// The files that differ in size, each with its bytes before and after: the one that grew most
    /// first, the one that shrank most last.
    pub files: Vec<(TreePath, u64, u64)>,
}

/// Compares the files of a tree with the sizes of those of an image before it.
pub fn growth(before: &BTreeMap<TreePath, u64>, tree: &Tree) -> Growth {
    let files = tree.iter().filter(|(_, entry)| entry.content().is_some());
    let size = |entry: &Entry| entry.content().map_or(0, Content::size);
    let after: BTreeMap<&TreePath, u64> = files.map(|(path, entry)| (path, size(entry))).collect();
    let paths: BTreeSet<&TreePath> = before.keys().chain(after.keys().copied()).collect();
    let sizes = paths.into_iter().map(|path| {
        let of = |sizes: Option<&u64>| sizes.copied().unwrap_or(0);
        (path.clone(), of(before.get(path)), of(after.get(path)))
    });
    let mut files: Vec<(TreePath, u64, u64)> = sizes.filter(|(_, before, after)| before != after).collect();
    files.sort_by_key(|(_, before, after)| i128::from(*before) - i128::from(*after));
    Growth { before: before.values().sum(), after: after.values().sum(), files }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grew_most_comes_first() {
        let path = |text: &str| TreePath::parse(text).unwrap();
        let mut tree = Tree::new();
        for (at, size) in [("/new", 5), ("/same", 7), ("/grown", 9), ("/shrunk", 1)] {
            tree.insert(path(at), Entry::file(Content::bytes(vec![0; size], "test"), 0o644));
        }
        let before = [("/same", 7), ("/grown", 8), ("/shrunk", 3), ("/gone", 4)];
        let before = before.map(|(at, size)| (path(at), size)).into();
        let Growth { before, after, files } = growth(&before, &tree);
        assert_eq!((before, after), (22, 22));
        let files: Vec<(&str, u64, u64)> = files.iter().map(|(at, a, b)| (at.as_str(), *a, *b)).collect();
        assert_eq!(files, [("/new", 0, 5), ("/grown", 8, 9), ("/shrunk", 3, 1), ("/gone", 4, 0)]);
    }
}
