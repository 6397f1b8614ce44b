//! What is taken first, where several would do.
//!
//! apt goes through the dependencies one by one, and marks what it takes; an alternative that is marked already is
//! taken again. This is the same walk. Mostly it ends with all that is needed, and its result is apt's. Where it does
//! not, what it marked goes before all else when the problem is solved in earnest.

use super::universe::Universe;
use crate::index::{Package, Priority};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How much one of the packages that provide a name is preferred to the others: the least first.
///
/// As apt: what is essential, then what has the higher priority. Where apt then goes by the place in its own cache,
/// the name decides.
pub(super) fn provider(package: &Package) -> (Reverse<bool>, Priority, &str) {
    (Reverse(package.essential), package.priority, &package.name)
}

/// What a walk marked.
#[derive(Default)]
pub(super) struct Marked {
    /// The packages, none of which conflicts with another.
    pub packages: HashSet<usize>,
    /// Whether all that is wanted is there, with all that it depends on.
    pub is_complete: bool,
}

/// What apt would mark for packages that are wanted, each given by what meets the wish, the preferred first.
pub(super) fn mark(universe: &Universe<'_>, wanted: &[Vec<usize>]) -> Marked {
    let mut walk = Walk {
        universe,
        by_name: BTreeMap::new(),
        journal: vec![],
        forbidden: HashMap::new(),
        failed: HashSet::new(),
    };
    // All that is wanted is there from the start, whatever depends on it.
    let mut roots = vec![];
    let mut is_complete = true;
    for options in wanted {
        if !options.iter().any(|at| walk.is_marked(*at)) {
            let root = options.iter().copied().find(|at| walk.enter(*at));
            is_complete &= root.is_some();
            roots.extend(root);
        }
    }
    for root in roots {
        is_complete &= walk.descend(root);
    }
    Marked { packages: walk.journal.into_iter().collect(), is_complete }
}

struct Walk<'a, 'u> {
    universe: &'a Universe<'u>,
    /// What is marked, by its name.
    by_name: BTreeMap<&'u str, usize>,
    /// What is marked, in the order in which it was.
    journal: Vec<usize>,
    /// What conflicts with something that is marked, and with how many.
    forbidden: HashMap<usize, usize>,
    /// What lacks something that it depends on.
    failed: HashSet<usize>,
}

/// A package whose dependencies are gone through.
struct Frame {
    at: usize,
    /// How much was marked before.
    before: usize,
    /// Which of its dependencies comes next.
    next: usize,
    /// What meets the present one.
    targets: Vec<usize>,
    /// Which of those comes next.
    option: usize,
}

impl Walk<'_, '_> {
    fn is_marked(&self, at: usize) -> bool {
        self.by_name.get(self.universe.at(at).name.as_str()) == Some(&at)
    }

    /// Marks a package, unless it cannot be there with what is marked.
    fn enter(&mut self, at: usize) -> bool {
        let package = self.universe.at(at);
        let hits = self.universe.hits(at);
        let is_hindered = self.by_name.contains_key(package.name.as_str())
            || self.failed.contains(&at)
            || self.forbidden.get(&at).is_some_and(|count| *count > 0)
            || hits.iter().any(|hit| self.is_marked(*hit));
        if !is_hindered {
            self.by_name.insert(&package.name, at);
            self.journal.push(at);
            for hit in hits.iter() {
                *self.forbidden.entry(*hit).or_default() += 1;
            }
        }
        !is_hindered
    }

    /// Takes back all marks but the first `count`.
    fn undo(&mut self, count: usize) {
        for at in self.journal.split_off(count) {
            self.by_name.remove(self.universe.at(at).name.as_str());
            for hit in self.universe.hits(at).iter() {
                if let Some(count) = self.forbidden.get_mut(hit) {
                    *count -= 1;
                }
            }
        }
    }

    /// Marks all that a marked package depends on; the package stays marked even if something lacks, which is said.
    /// Chains are as long as an archive makes them, so that this does not call itself.
    fn descend(&mut self, root: usize) -> bool {
        let frame = |at, before| Frame { at, before, next: 0, targets: vec![], option: 0 };
        let mut frames = vec![frame(root, self.journal.len())];
        while let Some(top) = frames.last_mut() {
            match self.step(top) {
                Step::Take(at) => {
                    let before = self.journal.len();
                    if self.enter(at) {
                        frames.push(frame(at, before));
                    }
                }
                Step::Done => {
                    frames.pop();
                }
                Step::Failed => {
                    let (before, at) = (top.before, top.at);
                    self.undo(before);
                    self.failed.insert(at);
                    frames.pop();
                }
            }
        }
        !self.failed.contains(&root)
    }

    /// What to do next for a package.
    fn step(&self, frame: &mut Frame) -> Step {
        loop {
            if frame.targets.is_empty() || frame.targets.iter().any(|at| self.is_marked(*at)) {
                let Some(group) = self.universe.at(frame.at).depends.get(frame.next) else {
                    return Step::Done;
                };
                frame.next += 1;
                frame.option = 0;
                frame.targets = self.universe.group(group);
                if frame.targets.is_empty() {
                    return Step::Failed;
                }
            } else if let Some(at) = frame.targets.get(frame.option) {
                frame.option += 1;
                return Step::Take(*at);
            } else {
                return Step::Failed;
            }
        }
    }
}

enum Step {
    Take(usize),
    Done,
    Failed,
}
