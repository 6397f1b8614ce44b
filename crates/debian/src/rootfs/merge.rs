//! Files of many packages in one tree.
//!
//! By dpkg's rules, as if the packages were unpacked one after the other into nothing: `base-files` first, then by name and
//! architecture, whatever order they are given in. A directory that is there keeps its mode and owner. A file
//! that another package has must have the same content, or one of the packages replaces the other.

use super::merged_usr;
use super::problem::{Conflict, Problem};
use super::replaces::replaces;
use crate::pack::Pack;
use crate::scripts::Numbered;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tree::{Entry, Kind, Tree, TreePath};

/// The files of packages, and whose they are.
#[derive(Default)]
pub struct Merged {
    /// The packages in the order in which they were unpacked.
    pub packs: Vec<Arc<Pack>>,
    pub tree: Tree,
    /// The packages that have a path, by their number.
    pub owners: BTreeMap<TreePath, Vec<usize>>,
    /// What scripts made, and the number of the package whose script it was.
    pub made: BTreeMap<TreePath, usize>,
    /// The accounts that the packages make.
    pub numbers: Numbered,
    pub problems: Vec<Problem>,
    is_merged: bool,
}

/// Packages as one tree. `merged_usr` makes the links even if no package brings them.
pub fn merge(packs: Vec<Arc<Pack>>, merged_usr: bool) -> Merged {
    let mut merged = Merged::default();
    merged.order(packs);
    let brings =
        |pack: &Arc<Pack>| pack.entries().iter().any(|(path, entry)| merged_usr::is_link(path, entry));
    merged.is_merged = merged_usr || merged.packs.iter().any(brings);
    if merged.is_merged {
        merged.put_links();
    }
    for (number, pack) in merged.packs.clone().iter().enumerate() {
        for (path, entry) in pack.entries() {
            merged.put(number, path, entry);
        }
    }
    merged.remove_orphans();
    merged.tree.add_parents();
    merged
}

impl Merged {
    /// Where a path of a package stands.
    pub fn place(&self, path: &TreePath) -> TreePath {
        if self.is_merged { merged_usr::moved(path) } else { path.clone() }
    }

    /// What messages call a package.
    pub fn name(&self, number: usize) -> String {
        self.packs.get(number).map(|pack| label(pack)).unwrap_or_default()
    }

    fn order(&mut self, mut packs: Vec<Arc<Pack>>) {
        fn key(pack: &Arc<Pack>) -> (bool, &str, &str) {
            (pack.name() != "base-files", pack.name(), pack.architecture())
        }
        packs.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.version().cmp(b.version())));
        for pack in packs {
            if self.packs.last().is_some_and(|last| key(last) == key(&pack)) {
                self.problems.push(Problem::Twice { package: label(&pack) });
            } else {
                self.packs.push(pack);
            }
        }
    }

    fn put_links(&mut self) {
        let architectures = self.packs.iter().map(|pack| pack.architecture());
        let mut names: BTreeSet<&str> = architectures.flat_map(merged_usr::links).collect();
        names.extend(merged_usr::links("all"));
        let used = self.packs.iter().flat_map(|pack| pack.entries().keys());
        names.extend(used.filter_map(merged_usr::link_of));
        for name in names {
            let root = TreePath::root();
            self.tree.insert(root.child(name), Entry::symlink(format!("usr/{name}")));
            // A link that leads nowhere would be no place to put a file.
            self.tree.insert(root.child("usr").child(name), Entry::directory(0o755));
        }
    }

    fn put(&mut self, number: usize, path: &TreePath, entry: &Entry) {
        if self.is_merged
            && let Some(name) = merged_usr::link_of(path).filter(|name| path.relative() == *name)
        {
            if entry.is_directory() || merged_usr::is_link(path, entry) {
                self.owners.entry(path.clone()).or_default().push(number);
            } else {
                let kept = (format!("the merged /usr, which has a link to usr/{name}"), "a symbolic link");
                let dropped = (self.name(number), entry.word());
                self.problems.push(Problem::Conflict(Conflict { path: path.clone(), kept, dropped }));
            }
            return;
        }
        let place = self.place(path);
        let there = self.owners.get(&place).and_then(|owners| owners.first()).copied();
        let outcome = match (self.tree.get(&place), there) {
            // What nobody has is a directory that was made for a link, or the root.
            (None, _) | (_, None) => Outcome::Replaced,
            (Some(found), Some(owner)) => self.compare(found, owner, entry, number),
        };
        match outcome {
            Outcome::Shared => self.owners.entry(place).or_default().push(number),
            Outcome::Replaced => {
                self.owners.insert(place.clone(), vec![number]);
                self.tree.insert(place, entry.clone());
            }
            Outcome::Left => {}
            Outcome::Conflict { newcomer_stays } => {
                let found = self.tree.get(&place).map_or("", Entry::word);
                let old = (self.name(there.unwrap_or(number)), found);
                let new = (self.name(number), entry.word());
                let (kept, dropped) = if newcomer_stays { (new, old) } else { (old, new) };
                self.problems.push(Problem::Conflict(Conflict { path: place.clone(), kept, dropped }));
                if newcomer_stays {
                    self.owners.insert(place.clone(), vec![number]);
                    self.tree.insert(place, entry.clone());
                }
            }
        }
    }

    fn compare(&self, found: &Entry, owner: usize, entry: &Entry, number: usize) -> Outcome {
        if is_same(found, entry) {
            return Outcome::Shared;
        }
        // Others have files in a directory, which would have no place.
        if found.is_directory() || entry.is_directory() {
            return Outcome::Conflict { newcomer_stays: entry.is_directory() };
        }
        let (Some(old), Some(new)) = (self.packs.get(owner), self.packs.get(number)) else {
            return Outcome::Left;
        };
        if owner == number {
            return Outcome::Conflict { newcomer_stays: false };
        }
        match (replaces(old, new), replaces(new, old)) {
            (true, _) => Outcome::Left,
            (false, true) => Outcome::Replaced,
            (false, false) => Outcome::Conflict { newcomer_stays: false },
        }
    }

    /// Takes away what stands below something that is no directory, which its own package does not have.
    fn remove_orphans(&mut self) {
        let mut orphans = vec![];
        for path in self.tree.iter().map(|(path, _)| path) {
            let above = path.ancestors().find_map(|dir| Some((self.tree.get(&dir)?, dir)));
            if let Some((parent, dir)) = above.filter(|(parent, _)| !parent.is_directory()) {
                orphans.push((path.clone(), dir, parent.word()));
            }
        }
        let mut told = BTreeSet::new();
        for (path, dir, word) in orphans {
            let owner = |path| self.owners.get(path).and_then(|owners| owners.first()).copied();
            let name = |number: Option<usize>| number.map(|number| self.name(number)).unwrap_or_default();
            if told.insert((dir.clone(), owner(&path))) {
                let (kept, dropped) = ((name(owner(&dir)), word), (name(owner(&path)), "a directory"));
                self.problems.push(Problem::Conflict(Conflict { path: dir, kept, dropped }));
            }
            self.tree.remove(&path);
            self.owners.remove(&path);
        }
    }
}

/// What becomes of an entry at whose place another stands.
enum Outcome {
    /// They are the same.
    Shared,
    /// The newcomer takes the place.
    Replaced,
    /// The one that is there has replaced it.
    Left,
    Conflict {
        newcomer_stays: bool,
    },
}

/// Is there no difference that dpkg would mind? Modes and owners may differ: the first counts.
fn is_same(a: &Entry, b: &Entry) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Directory, Kind::Directory) => true,
        (Kind::Symlink(a), Kind::Symlink(b)) => a == b,
        // The digests are known: nothing is read.
        (Kind::File(a), Kind::File(b)) => {
            a.size() == b.size() && matches!((a.sha256(), b.sha256()), (Ok(a), Ok(b)) if a == b)
        }
        _ => false,
    }
}

/// A package for people.
pub fn label(pack: &Pack) -> String {
    format!("{} {}", pack.name(), pack.version())
}
