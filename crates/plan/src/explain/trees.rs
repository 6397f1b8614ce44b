//! Reasons as trees: from a path up to all that want it, and from what was asked for down to all that
//! came with it.

use super::{Graph, PlaceKind, Step};
use crate::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// So many files without anything that hangs on them are shown one by one.
const FEW: usize = 8;

/// A line of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Branch<'a> {
    /// A step. Upwards, its reason leads from the line above to `because`; downwards, from `path` to
    /// the line above.
    Step {
        /// How deep it stands, from 0.
        depth: usize,
        /// The step.
        step: Step<'a>,
        /// Did what comes next stand further up already? Then it is not shown again.
        again: bool,
    },
    /// Files on which nothing hangs, and that are there for the same reason.
    Files {
        /// How deep they stand.
        depth: usize,
        /// The step of one of them.
        step: Step<'a>,
        /// How many there are.
        count: usize,
        /// Their bytes.
        size: u64,
        /// The directory that they have in common.
        below: TreePath,
    },
}

/// What was asked for with one reason, and all that came with it.
#[derive(Debug)]
pub struct Group<'a> {
    /// A step with the reason; its path is one of several.
    pub step: Step<'a>,
    /// The tree, of which more than one branch may begin at the top.
    pub branches: Vec<Branch<'a>>,
}

impl<'a> Graph<'a> {
    /// Everything that a path is there for, as a tree: below each line the reasons of the path that
    /// it points to, and the reasons of each path once.
    pub fn upwards(&self, path: &TreePath) -> Vec<Branch<'a>> {
        let mut branches = vec![];
        let mut shown: BTreeSet<&TreePath> = BTreeSet::new();
        let below = |path: &TreePath, depth: usize| {
            let steps =
                self.steps(path).filter(|step| step.because.is_none_or(|path| self.is_explained(path)));
            let mut steps: Vec<_> = steps.map(|step| (depth, step)).collect();
            steps.reverse();
            steps
        };
        let mut todo = below(path, 0);
        if let Some((path, _)) = self.record().places.get_key_value(path) {
            shown.insert(path);
        }
        while let Some((depth, step)) = todo.pop() {
            let again = step.because.is_some_and(|path| !shown.insert(path));
            branches.push(Branch::Step { depth, step, again });
            if let Some(path) = step.because.filter(|_| !again) {
                todo.extend(below(path, depth + 1));
            }
        }
        branches
    }

    /// A path and everything that it is there for, over any chain.
    pub fn behind(&self, path: &TreePath) -> BTreeSet<&'a TreePath> {
        let start = self.record().places.get_key_value(path).map(|(path, _)| path);
        let mut behind = BTreeSet::new();
        let mut todo: Vec<&TreePath> = start.into_iter().collect();
        while let Some(path) = todo.pop() {
            if behind.insert(path) {
                todo.extend(self.steps(path).filter_map(|step| step.because));
            }
        }
        behind
    }

    /// The whole image from what was asked for: below each path those that are there because of it,
    /// each where its shortest chain puts it. `all`: with directories that only hold something, what
    /// only says that a package is there, and each of many files that are alike.
    pub fn downwards(&self, all: bool) -> Vec<Group<'a>> {
        let mut below: BTreeMap<&TreePath, Vec<Step<'a>>> = BTreeMap::new();
        let mut roots: BTreeMap<Reason, Vec<Step<'a>>> = BTreeMap::new();
        for path in self.record().places.keys() {
            let Some(step) = self.steps(path).next().filter(|_| self.is_explained(path)) else { continue };
            if !all && matches!(step.reason, Reason::Parent | Reason::Package { .. }) {
                continue;
            }
            match step.because {
                None => roots.entry(kind(step.reason)).or_default().push(step),
                Some(because) => below.entry(because).or_default().push(step),
            }
        }
        let group = |steps: Vec<Step<'a>>| {
            let step = *steps.first()?;
            let branches = self.branches(steps, &below, all);
            (!branches.is_empty()).then_some(Group { step, branches })
        };
        roots.into_values().filter_map(group).collect()
    }

    fn branches(
        &self,
        steps: Vec<Step<'a>>,
        below: &BTreeMap<&TreePath, Vec<Step<'a>>>,
        all: bool,
    ) -> Vec<Branch<'a>> {
        let mut branches = vec![];
        let mut todo = vec![];
        let push = |depth: usize, mut steps: Vec<Step<'a>>, todo: &mut Vec<Branch<'a>>| {
            let mut files = vec![];
            if !all {
                let hangs_nothing = |step: &Step<'_>| !below.contains_key(step.path);
                steps.retain(|step| !hangs_nothing(step) || !self.holds_something(step.path));
                let likeness = |step: &Step<'a>| (step.reason, step.path.names().next());
                let mut alike: BTreeMap<_, Vec<Step<'a>>> = BTreeMap::new();
                for step in steps.iter().filter(|step| hangs_nothing(step)) {
                    alike.entry(likeness(step)).or_default().push(*step);
                }
                alike.retain(|_, leaves| leaves.len() > FEW);
                steps.retain(|step| !hangs_nothing(step) || !alike.contains_key(&likeness(step)));
                files.extend(alike.values().filter_map(|leaves| self.files(depth, leaves)));
            }
            let single = steps.into_iter().map(|step| Branch::Step { depth, step, again: false });
            let lines: Vec<Branch<'a>> = files.into_iter().chain(single).collect();
            todo.extend(lines.into_iter().rev());
        };
        push(0, steps, &mut todo);
        while let Some(branch) = todo.pop() {
            if let Branch::Step { depth, step, .. } = &branch
                && let Some(steps) = below.get(step.path)
            {
                push(depth + 1, steps.clone(), &mut todo);
            }
            branches.push(branch);
        }
        branches
    }

    /// Is this a directory with something below it?
    fn holds_something(&self, path: &TreePath) -> bool {
        let mut below = self.record().places.range(path.clone()..).skip(1);
        below.next().is_some_and(|(next, _)| next.is_within(path))
    }

    /// Many files as one line.
    fn files(&self, depth: usize, leaves: &[Step<'a>]) -> Option<Branch<'a>> {
        let step = *leaves.first()?;
        let first = step.path.parent()?;
        let holds_all = |dir: &TreePath| leaves.iter().all(|step| step.path.is_within(dir));
        let below = std::iter::once(first.clone()).chain(first.ancestors()).find(holds_all)?;
        let places = leaves.iter().filter_map(|step| self.record().places.get(step.path));
        let files: Vec<_> = places.filter(|place| place.kind != PlaceKind::Directory).collect();
        let size = files.iter().map(|place| place.size()).sum();
        Some(Branch::Files { depth, step, count: files.len(), size, below })
    }
}

/// What was asked for in one breath has one reason here: a profile is one, whatever each of its files
/// is good for.
fn kind(reason: &Reason) -> Reason {
    match reason {
        Reason::Profile { name, .. } => Reason::Profile { name: name.clone(), purpose: "".into() },
        reason => reason.clone(),
    }
}
