//! The image while it is planned.

use crate::{
    accounts::Accounts,
    base::Base,
    finding::{Finding, Problem, Severity},
    reason::{Reason, Reasons},
    spec::{Line, Profile, UserRef},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::{Content, Entry, Kind, Meta, ReadError, Tree, TreePath};

/// The layers that bantam fills itself, by rate of change; between libraries and app come the layers
/// that the spec names.
pub const BASE: &str = "base";
/// The layer of libraries and packages.
pub const LIBS: &str = "libs";
/// The layer of the runtime of a language.
pub const RUNTIME: &str = "runtime";
/// The layer of an application's dependencies, from the packages of its language.
pub const DEPENDENCIES: &str = "deps";
/// The layer of the payload that names no other.
pub const APP: &str = "app";

/// The image while it is planned: the tree so far, the layer and the reasons of each path. Parents
/// stand from the moment that something stands below them.
#[derive(Debug, Default)]
pub struct Draft {
    /// What is in the image.
    pub tree: Tree,
    /// What the base image has; nothing without one.
    base: Arc<Tree>,
    /// Why.
    pub reasons: Reasons,
    /// Which layer a path goes to; parents that nobody asked for are in none.
    pub layer: BTreeMap<TreePath, Arc<str>>,
    /// The paths that came from the runtime source.
    pub taken: BTreeSet<TreePath>,
    /// Those of them that an interpreter reads: what their first lines say is not asked for.
    pub read: BTreeSet<TreePath>,
    /// What a language made of files of the runtime source.
    pub made: BTreeSet<TreePath>,
    /// What programs load by name while running, by name or path, as far as that is known.
    pub by_name: BTreeMap<TreePath, Vec<String>>,
    /// Files of the source that have the name of a needed library and cannot be loaded, with the reason.
    pub unusable: BTreeMap<String, (TreePath, String)>,
    /// What is wrong so far.
    pub findings: Vec<Finding>,
    /// The names of the layers.
    layers: Vec<Arc<str>>,
    /// The directory that something was put into last: what comes next mostly goes there, too.
    last_dir: Option<TreePath>,
}

/// Who brings an entry: decides who wins where two bring the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The user, by name: two different ones are a conflict.
    Payload,
    /// The runtime source.
    Source,
    /// bantam itself; gives way to the payload.
    Generated,
}

impl Draft {
    /// An image upon a base: all that the base has is there, and in none of the image's own layers.
    pub fn upon(base: &Base) -> Self {
        let mut draft =
            Draft { tree: Tree::clone(&base.tree), base: Arc::clone(&base.tree), ..Draft::default() };
        for (path, _) in base.tree.iter() {
            draft.reasons.add(path, base.reason(path));
        }
        draft
    }

    /// A finished image whose lowest layers are those of a base. `own` says of each path that another layer has which
    /// one, from 1 at the bottom, and what the history says of it.
    pub fn stacked(base: &Base, tree: &Tree, own: impl Fn(&TreePath) -> Option<(usize, String)>) -> Self {
        let mut draft = Draft { tree: tree.clone(), base: Arc::clone(&base.tree), ..Draft::default() };
        for (path, entry) in tree.iter().filter(|(path, _)| !path.is_root()) {
            match own(path) {
                // That a layer repeats a directory says nothing of it.
                Some((number, created_by)) if !entry.is_directory() || base.tree.get(path).is_none() => {
                    draft.enter(path, Origin::Payload, APP);
                    draft.reasons.add(path, Reason::Layer { number, created_by });
                }
                _ => draft.reasons.add(path, base.reason(path)),
            }
        }
        draft
    }

    /// Puts an entry into the image. What the payload brought stays; a payload entry that differs
    /// from an earlier one is a finding.
    ///
    /// # Errors
    /// When content must be compared and cannot be read.
    pub fn put(
        &mut self,
        path: &TreePath,
        entry: Entry,
        origin: Origin,
        layer: &str,
        reason: Reason,
    ) -> Result<(), ReadError> {
        if let Some(parent) = self.obstacle(path) {
            let found = self.tree.get(&parent).map_or("missing", Entry::word);
            // Once for all that the same part of the spec would put there.
            let line = self.reasons.line_of(&reason).unwrap_or(0);
            let is_told = |finding: &Finding| {
                finding.line == line
                    && matches!(&finding.problem, Problem::NotADirectory { parent: told, .. } if *told == parent)
            };
            if !self.findings.iter().any(is_told) {
                self.report_of(Problem::NotADirectory { path: path.clone(), parent, found }, &reason);
            }
            return Ok(());
        }
        if self.is_of_base(path) {
            return self.put_over_base(path, entry, origin, layer, reason);
        }
        match self.tree.get_mut(path) {
            None => self.insert(path, entry, origin, layer),
            Some(known) if !self.layer.contains_key(path) => {
                // So far it only holds something.
                if !entry.is_directory() && known.is_directory() {
                    self.report_of(Problem::Conflict { path: path.clone() }, &reason);
                    return Ok(());
                }
                *known = entry;
                self.enter(path, origin, layer);
            }
            Some(known) if origin == Origin::Payload => {
                if !same(known, &entry)? {
                    self.report_of(Problem::Conflict { path: path.clone() }, &reason);
                }
            }
            Some(_) => {}
        }
        self.reasons.add(path, reason);
        Ok(())
    }

    /// Puts an entry where the base has something: only the payload takes its place, and not that of a directory.
    fn put_over_base(
        &mut self,
        path: &TreePath,
        entry: Entry,
        origin: Origin,
        layer: &str,
        reason: Reason,
    ) -> Result<(), ReadError> {
        let Some(known) = self.tree.get_mut(path) else { return Ok(()) };
        let over = Problem::OverBase { path: path.clone(), found: known.word(), put: entry.word() };
        match (known.is_directory(), entry.is_directory()) {
            _ if origin != Origin::Payload => {}
            (true, true) => {}
            (false, false) => {
                // One that is the same is written, too: a newer base may have another.
                let is_same = same(known, &entry)?;
                *known = entry;
                self.enter(path, origin, layer);
                if !is_same {
                    self.report_of(over, &reason);
                }
            }
            _ => {
                let line = self.reasons.line_of(&reason).unwrap_or(0);
                self.findings.push(Finding::new(over).with_severity(Severity::Error).at(line));
                return Ok(());
            }
        }
        self.reasons.add(path, reason);
        Ok(())
    }

    /// Gives a directory that is there this metadata.
    pub fn set_meta(&mut self, path: &TreePath, meta: Meta, layer: &str) {
        let is_of_base = self.is_of_base(path);
        let Some(known) = self.tree.get_mut(path).filter(|known| known.meta != meta) else { return };
        known.meta = meta;
        if is_of_base {
            self.enter(path, Origin::Payload, layer);
        }
    }

    /// Puts content that says all that the base's said, and more, into the place of a file of the base; of any other
    /// file, instead of what is there. The metadata stays.
    pub fn renew(&mut self, path: &TreePath, content: Content, layer: &str, reason: Reason) {
        let is_of_base = self.is_of_base(path);
        let Some(known) = self.tree.get_mut(path) else { return };
        known.kind = Kind::File(content);
        if is_of_base {
            self.enter(path, Origin::Generated, layer);
        }
        self.reasons.add(path, reason);
    }

    fn insert(&mut self, path: &TreePath, entry: Entry, origin: Origin, layer: &str) {
        self.tree.insert(path.clone(), entry);
        self.enter(path, origin, layer);
        self.add_parents(path);
    }

    fn enter(&mut self, path: &TreePath, origin: Origin, layer: &str) {
        let layer = match self.layers.iter().find(|known| ***known == *layer) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = layer.into();
                self.layers.push(Arc::clone(&new));
                new
            }
        };
        self.layer.insert(path.clone(), layer);
        if origin == Origin::Source {
            self.taken.insert(path.clone());
        }
    }

    /// Reports a problem with its usual severity.
    pub fn report(&mut self, problem: Problem) {
        self.findings.push(Finding::new(problem));
    }

    /// Reports a problem with what is or was to be in the image for this reason.
    pub fn report_of(&mut self, problem: Problem, reason: &Reason) {
        let line = self.reasons.line_of(reason).unwrap_or(0);
        self.findings.push(Finding::new(problem).at(line));
    }

    /// The numbers of a user and its group; a name that is not known is reported, once for its line.
    pub fn numbers(&mut self, accounts: &Accounts, who: &UserRef, line: Line) -> Option<(u32, u32)> {
        let name = match accounts.numbers(who) {
            Ok(numbers) => return Some(numbers),
            Err(name) => name,
        };
        let known = accounts.names().into_iter().map(String::from).collect();
        let problem = Problem::UnknownUser { name, known, line };
        if !self.findings.iter().any(|finding| finding.problem == problem) {
            self.report(problem);
        }
        None
    }

    /// Reports what a classic profile stands for and the source lacks, where the spec names it.
    pub fn report_of_profile(&mut self, profile: Profile, what: &str, purpose: &'static str) {
        let is_named = !matches!(profile, Profile::Auto | Profile::Python | Profile::Node | Profile::Java);
        if is_named {
            let (profile, what) = (profile.name(), what.to_owned());
            self.report(Problem::MissingOfProfile { profile, what, purpose });
        }
    }

    /// Is it told that this library of the spec's `dlopen` is nowhere?
    pub fn tells_dlopen(&self, name: &str) -> bool {
        let tells = |finding: &Finding| matches!(&finding.problem, Problem::MissingDlopen { soname, .. } if soname == name);
        self.findings.iter().any(tells)
    }

    /// Is this path there for itself, not only for something below it: because somebody asked for it, or because the
    /// base has it?
    pub fn has(&self, path: &TreePath) -> bool {
        self.is_own(path) || self.is_of_base(path)
    }

    /// Did somebody ask for this path itself, so that it is in one of the image's own layers?
    pub fn is_own(&self, path: &TreePath) -> bool {
        self.layer.contains_key(path)
    }

    /// Is what stands at this path that of the base?
    pub fn is_of_base(&self, path: &TreePath) -> bool {
        !path.is_root() && !self.is_own(path) && self.base.get(path).is_some()
    }

    /// Something above `path` that is no directory. All that is above an entry is: the nearest one
    /// decides.
    fn obstacle(&self, path: &TreePath) -> Option<TreePath> {
        if self.last_dir.as_ref().is_some_and(|dir| path.is_child_of(dir)) {
            return None;
        }
        let nearest = path.ancestors().find(|dir| self.tree.get(dir).is_some())?;
        self.tree.get(&nearest).is_some_and(|entry| !entry.is_directory()).then_some(nearest)
    }

    fn add_parents(&mut self, path: &TreePath) {
        if self.last_dir.as_ref().is_some_and(|dir| path.is_child_of(dir)) {
            return;
        }
        for dir in path.ancestors() {
            if self.tree.insert_new(dir.clone(), Entry::directory(0o755)).is_err() {
                break;
            }
            self.reasons.add(&dir, Reason::Parent);
        }
        self.last_dir = path.parent();
    }
}

/// Are two entries the same to whoever unpacks them?
fn same(a: &Entry, b: &Entry) -> Result<bool, ReadError> {
    let alike = match (&a.kind, &b.kind) {
        (Kind::Directory, Kind::Directory) => true,
        (Kind::Symlink(a), Kind::Symlink(b)) => a == b,
        (Kind::File(a), Kind::File(b)) => a.size() == b.size() && a.sha256()? == b.sha256()?,
        _ => false,
    };
    Ok(alike && a.meta == b.meta)
}
