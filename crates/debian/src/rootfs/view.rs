//! The root file system as a view.

use super::certificates::bundle;
use super::database::database;
use super::effects::apply;
use super::merge::{Merged, merge};
use super::problem::Problem;
use crate::pack::Pack;
use crate::scripts::{Account, Knowledge, Numbered};
use std::collections::BTreeMap;
use std::sync::Arc;
use tree::{Entry, Tree, TreePath, View, ViewError};

/// How packages become a root file system.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Has the suite a merged `/usr`, even if no package brings the links? True of Debian since 12 and of Ubuntu
    /// since 20.10.
    pub merged_usr: bool,
}

/// The file tree of packages.
pub struct RootFs {
    packs: Vec<Arc<Pack>>,
    tree: Tree,
    owners: BTreeMap<TreePath, Vec<usize>>,
    /// The names in each directory.
    names: BTreeMap<TreePath, Vec<String>>,
    accounts: Vec<Account>,
    numbers: Numbered,
}

impl RootFs {
    /// The tree of these packages, and all that is not right about it. The order of the packages does not matter.
    pub fn new(packs: Vec<Arc<Pack>>, options: &Options) -> (Self, Vec<Problem>) {
        let mut merged = merge(packs, options.merged_usr);
        let accounts = apply(&mut merged, Knowledge::built_in());
        let files = database(&merged);
        let Merged { packs, mut tree, owners, numbers, mut problems, .. } = merged;
        let (certificates, unreadable) = bundle(&tree);
        problems.extend(unreadable);
        for (path, entry) in files.into_iter().chain(certificates) {
            tree.insert(path, entry);
        }
        tree.add_parents();
        let mut names: BTreeMap<TreePath, Vec<String>> = BTreeMap::new();
        for (path, _) in tree.iter() {
            if let Some(parent) = path.parent() {
                names.entry(parent).or_default().push(path.name().into());
            }
        }
        names.values_mut().for_each(|names| names.sort());
        (RootFs { packs, tree, owners, names, accounts, numbers }, problems)
    }

    /// The packages: `base-files` first, then by name and architecture.
    pub fn packages(&self) -> &[Arc<Pack>] {
        &self.packs
    }

    /// The packages that have a path, which is one of the merged tree. What bantam or a script made has none.
    pub fn owners(&self, path: &TreePath) -> impl Iterator<Item = &Arc<Pack>> {
        let numbers = self.owners.get(path).into_iter().flatten();
        numbers.filter_map(|number| self.packs.get(*number))
    }

    /// The users and groups that the packages make when they are installed, by package.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// These accounts with the numbers that they have in every image.
    pub fn numbers(&self) -> &Numbered {
        &self.numbers
    }

    /// All entries.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
}

impl View for RootFs {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, ViewError> {
        Ok(self.tree.get(path).cloned())
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<String>, ViewError> {
        Ok(self.names.get(dir).cloned().unwrap_or_default())
    }
}
