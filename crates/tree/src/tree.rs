//! The tree that lives in memory.

use crate::{Content, Entry, Kind, Meta, TreePath, View, ViewError};
use std::collections::{BTreeMap, btree_map};
use std::fmt::Write as _;

/// A file tree as a value: a sorted map from path to entry. The root is there from the start.
#[derive(Debug, Clone)]
pub struct Tree {
    entries: BTreeMap<TreePath, Entry>,
}

/// Why an entry cannot stand where it was put.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A parent of the path is missing or no directory.
    #[error("{path} cannot be put below {parent}, which is {found}")]
    NotADirectory {
        /// The path to be put.
        path: TreePath,
        /// The parent.
        parent: TreePath,
        /// What the parent is: `missing`, `a file`.
        found: &'static str,
    },
    /// A line of a dump does not say an entry.
    #[error("line {line}: {reason}")]
    Dump {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl FromIterator<(TreePath, Entry)> for Tree {
    /// A tree of these entries; the last one for a path stays. Fast where they come in order.
    fn from_iter<T: IntoIterator<Item = (TreePath, Entry)>>(entries: T) -> Self {
        let root = (TreePath::root(), Entry::directory(0o755));
        Tree { entries: std::iter::once(root).chain(entries).collect() }
    }
}

impl Default for Tree {
    fn default() -> Self {
        Tree { entries: BTreeMap::from([(TreePath::root(), Entry::directory(0o755))]) }
    }
}

impl Tree {
    /// A tree with nothing but its root.
    pub fn new() -> Self {
        Tree::default()
    }

    /// What stands at exactly `path`.
    pub fn get(&self, path: &TreePath) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Puts an entry in place of whatever is there. Parents are not made: [`Tree::check`] says
    /// whether all stand, [`Tree::add_parents`] adds what is missing.
    pub fn insert(&mut self, path: TreePath, entry: Entry) -> Option<Entry> {
        self.entries.insert(path, entry)
    }

    /// Puts an entry where nothing is.
    ///
    /// # Errors
    /// What stands there, which stays.
    pub fn insert_new(&mut self, path: TreePath, entry: Entry) -> Result<(), &mut Entry> {
        match self.entries.entry(path) {
            btree_map::Entry::Vacant(vacant) => {
                vacant.insert(entry);
                Ok(())
            }
            btree_map::Entry::Occupied(occupied) => Err(occupied.into_mut()),
        }
    }

    /// Takes an entry away; what is below it stays.
    pub fn remove(&mut self, path: &TreePath) -> Option<Entry> {
        self.entries.remove(path)
    }

    /// The entry at `path`, to change.
    pub fn get_mut(&mut self, path: &TreePath) -> Option<&mut Entry> {
        self.entries.get_mut(path)
    }

    /// Every entry with its path, parents before children.
    pub fn iter(&self) -> btree_map::Iter<'_, TreePath, Entry> {
        self.entries.iter()
    }

    /// How many entries there are, the root among them.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The bytes of all files, each counted under every name that it has.
    pub fn content_size(&self) -> u64 {
        self.entries.values().filter_map(Entry::content).map(Content::size).sum()
    }

    /// Is there nothing but the root?
    pub fn is_empty(&self) -> bool {
        self.entries.len() <= 1
    }

    /// The entry at `dir` and all that is below it, in order.
    pub fn range<'a>(&'a self, dir: &'a TreePath) -> impl Iterator<Item = (&'a TreePath, &'a Entry)> {
        self.entries.range(dir.clone()..).take_while(move |(path, _)| path.is_within(dir))
    }

    /// Gives every path its parents, as directories of root with mode 0755.
    pub fn add_parents(&mut self) {
        let missing: Vec<TreePath> = self
            .entries
            .keys()
            .flat_map(|path| path.ancestors().take_while(|dir| !self.entries.contains_key(dir)))
            .collect();
        for dir in missing {
            self.entries.entry(dir).or_insert_with(|| Entry::directory(0o755));
        }
    }

    /// Does every path stand below directories?
    ///
    /// # Errors
    /// The first path that does not.
    pub fn check(&self) -> Result<(), TreeError> {
        for path in self.entries.keys() {
            let Some(parent) = path.parent() else { continue };
            let found = match self.entries.get(&parent) {
                Some(entry) if entry.is_directory() => continue,
                Some(entry) => entry.word(),
                None => "missing",
            };
            return Err(TreeError::NotADirectory { path: path.clone(), parent, found });
        }
        Ok(())
    }

    /// Reads a tree from lines, for tests: `MODE UID:GID PATH`, then for a file `= CONTENT` (with
    /// `\n`), for a link `-> TARGET`; a path that ends in `/` is a directory. Parents are made.
    ///
    /// # Errors
    /// The first line that says no entry.
    pub fn from_lines(text: &str) -> Result<Self, TreeError> {
        let mut tree = Tree::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (path, entry) =
                parse_line(line).map_err(|reason| TreeError::Dump { line: number + 1, reason })?;
            tree.insert(path, entry);
        }
        tree.add_parents();
        Ok(tree)
    }

    /// The tree as one line an entry, for people and golden tests: kind and mode, owner, size and
    /// the start of the digest of files, path, link target, extended attributes.
    ///
    /// # Errors
    /// When content cannot be read.
    pub fn dump(&self) -> Result<String, crate::ReadError> {
        let mut text = String::new();
        for (path, entry) in &self.entries {
            let Meta { mode, uid, gid, xattrs } = &entry.meta;
            let letter = match entry.kind {
                Kind::Directory => 'd',
                Kind::File(_) => '-',
                Kind::Symlink(_) => 'l',
                Kind::Special(_) => '?',
            };
            let _ = write!(text, "{letter}{mode:04o} {uid}:{gid} ");
            if let Kind::File(content) = &entry.kind {
                let _ = write!(text, "{} {} ", content.size(), &content.sha256()?.hex()[..12]);
            }
            let _ = write!(text, "{path}");
            if let Kind::Symlink(target) = &entry.kind {
                let _ = write!(text, " -> {target}");
            }
            for (name, value) in xattrs {
                let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
                let _ = write!(text, " {name}={hex}");
            }
            text.push('\n');
        }
        Ok(text)
    }
}

impl View for Tree {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, ViewError> {
        Ok(self.entries.get(path).cloned())
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<String>, ViewError> {
        let below = self.range(dir).filter_map(|(path, _)| path.below(dir));
        let mut names: Vec<String> =
            below.filter(|rest| !rest.is_empty() && !rest.contains('/')).map(String::from).collect();
        names.sort();
        Ok(names)
    }
}

fn parse_line(line: &str) -> Result<(TreePath, Entry), String> {
    let mut words = line.splitn(3, ' ');
    let mut word = |what| words.next().ok_or(format!("no {what}"));
    let mode = u32::from_str_radix(word("mode")?, 8).map_err(|error| error.to_string())?;
    let owner = word("owner")?;
    let (uid, gid) = owner.split_once(':').ok_or("no owner")?;
    let number = |text: &str| text.parse::<u32>().map_err(|error| error.to_string());
    let rest = word("path")?;
    let path = |text: &str| TreePath::parse(text).map_err(|error| error.to_string());
    let (path, kind) = if let Some((name, target)) = rest.split_once(" -> ") {
        (path(name)?, Kind::Symlink(target.into()))
    } else if let Some((name, text)) = rest.split_once(" = ") {
        (path(name)?, Kind::File(Content::bytes(text.replace("\\n", "\n"), "the test")))
    } else if let Some(name) = rest.strip_suffix('/') {
        (path(&format!("{name}/"))?, Kind::Directory)
    } else {
        (path(rest)?, Kind::File(Content::bytes(vec![], "the test")))
    };
    let meta = Meta { mode, uid: number(uid)?, gid: number(gid)?, xattrs: BTreeMap::new() };
    Ok((path, Entry { kind, meta }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    const SAMPLE: &str = "
        755 0:0 /usr/bin/tool = x
        777 0:0 /bin -> usr/bin
        1777 0:0 /tmp/
        644 0:0 /a-b = y\\n
        700 65532:65532 /a/z/
    ";

    #[test]
    fn a_tree_reads_lines_and_dumps_them_sorted() {
        let tree = Tree::from_lines(SAMPLE).unwrap();
        let dump = tree.dump().unwrap();
        assert_eq!(
            dump,
            "d0755 0:0 /
d0755 0:0 /a
d0700 65532:65532 /a/z
-0644 0:0 2 3bb2abb69ebb /a-b
l0777 0:0 /bin -> usr/bin
d1777 0:0 /tmp
d0755 0:0 /usr
d0755 0:0 /usr/bin
-0755 0:0 1 2d711642b726 /usr/bin/tool
"
        );
        tree.check().unwrap();
    }

    #[test]
    fn a_tree_lists_names_bytewise() {
        let tree = Tree::from_lines(SAMPLE).unwrap();
        assert_eq!(tree.list(&TreePath::root()).unwrap(), ["a", "a-b", "bin", "tmp", "usr"]);
        assert_eq!(tree.list(&p("/usr")).unwrap(), ["bin"]);
        assert!(tree.list(&p("/nowhere")).unwrap().is_empty());
        assert!(tree.list(&p("/bin")).unwrap().is_empty());
    }

    #[test]
    fn a_tree_knows_when_a_parent_is_wrong() {
        let mut tree = Tree::from_lines("644 0:0 /etc/passwd").unwrap();
        tree.insert(p("/etc/passwd/x"), Entry::directory(0o755));
        let error = tree.check().unwrap_err().to_string();
        assert_eq!(error, "/etc/passwd/x cannot be put below /etc/passwd, which is a file");
    }
}
