//! The reasons of a record as a graph: from each path to the paths that it is there for, and at the
//! end of every chain something that was asked for.

use super::Record;
use crate::reason::Reason;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
};
use tree::TreePath;

/// How much is looked at for all chains of one path: in a graph as dense as that of a large image
/// there are more than anybody could count.
const MAX_PARTIAL: usize = 1 << 20;

/// Farther than any chain is long.
const NEVER: u32 = u32::MAX;

/// The reasons of a record as a graph.
pub struct Graph<'a> {
    record: &'a Record,
    /// In the order of the record's places, by which everything else counts.
    paths: Vec<&'a TreePath>,
    causes: Vec<Vec<Cause<'a>>>,
    /// How many steps lead to something that was asked for.
    distance: Vec<u32>,
}

/// One edge: a reason, and the place that it points to; none where nothing further is asked.
#[derive(Clone, Copy)]
struct Cause<'a> {
    reason: &'a Reason,
    because: Option<usize>,
}

/// A step of a chain: a path, and why it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// The path.
    pub path: &'a TreePath,
    /// Why it is there.
    pub reason: &'a Reason,
    /// The path that the reason points to, which is that of the next step; none at the end.
    pub because: Option<&'a TreePath>,
}

/// From a path to something that was asked for.
pub type Chain<'a> = Vec<Step<'a>>;

/// Several chains of one path.
#[derive(Debug, Clone)]
pub struct Chains<'a> {
    /// The shortest first.
    pub chains: Vec<Chain<'a>>,
    /// Are there more than were asked for, or than can be looked for?
    pub more: bool,
}

impl<'a> Graph<'a> {
    /// The graph of a record.
    pub fn new(record: &'a Record) -> Self {
        Graph::without(record, &BTreeSet::new())
    }

    /// The graph of what would be left if these paths were not in the image.
    pub fn without(record: &'a Record, removed: &BTreeSet<TreePath>) -> Self {
        let paths: Vec<&TreePath> = record.places.keys().collect();
        let node = |path: &TreePath| paths.binary_search(&path).ok();
        let mut children: Vec<Vec<usize>> = vec![vec![]; paths.len()];
        let mut packages: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, (path, place)) in record.places.iter().enumerate() {
            if let Some(parent) = path.parent().and_then(|parent| node(&parent)) {
                children[parent].push(at);
            }
            for package in &place.packages {
                let name = package.split(':').next().unwrap_or(package);
                // What only says that the package is here is no file that it is here for.
                let is_record =
                    |reason: &Reason| matches!(reason, Reason::Package { name: of } if of == name);
                if !place.reasons.iter().all(is_record) {
                    packages.entry(name).or_default().push(at);
                }
            }
        }
        let mut causes = vec![];
        for (at, (path, place)) in record.places.iter().enumerate() {
            let mut edges = vec![];
            for reason in place.reasons.iter().filter(|_| !removed.contains(path)) {
                let mut because = |at| edges.push(Cause { reason, because: Some(at) });
                match reason {
                    Reason::Parent => children[at].iter().copied().for_each(because),
                    Reason::Package { name } => {
                        let files = packages.get(&**name).into_iter().flatten();
                        files.copied().filter(|file| *file != at).for_each(because);
                    }
                    _ => match reason.because_of() {
                        None => edges.push(Cause { reason, because: None }),
                        // What is not there brings nothing.
                        Some(path) => node(path).into_iter().for_each(&mut because),
                    },
                }
            }
            causes.push(edges);
        }
        let distance = distances(&causes);
        let mut graph = Graph { record, paths, causes, distance };
        graph.sort();
        graph
    }

    /// The record that the graph is of.
    pub fn record(&self) -> &'a Record {
        self.record
    }

    /// Does a chain lead from this path to something that was asked for?
    pub fn is_explained(&self, path: &TreePath) -> bool {
        self.node(path).is_some_and(|node| self.distance[node] != NEVER)
    }

    /// The shortest chain; of several the first in the order of paths. Empty where there is none.
    pub fn chain(&self, path: &TreePath) -> Chain<'a> {
        let mut chain = vec![];
        let mut at = self.node(path).filter(|node| self.distance[*node] != NEVER);
        while let Some(node) = at {
            let Some(cause) = self.causes[node].first() else { break };
            chain.push(self.step(node, cause));
            at = cause.because;
        }
        chain
    }

    /// The chains of a path, at most `limit`, the shortest first; each passes a path once.
    pub fn chains(&self, path: &TreePath, limit: usize) -> Chains<'a> {
        /// A part of a chain: where it has come to, and over which cause from which part.
        struct Part {
            node: usize,
            from: Option<(usize, usize)>,
            length: u32,
        }
        let mut found = Chains { chains: vec![], more: false };
        let Some(start) = self.node(path).filter(|node| self.distance[*node] != NEVER) else { return found };
        let mut parts = vec![Part { node: start, from: None, length: 0 }];
        // By how long the chain will be at least, then in the order in which parts were come to.
        let mut open = BinaryHeap::from([Reverse((self.distance[start], 0_usize, None::<usize>))]);
        while let Some(Reverse((_, at, end))) = open.pop() {
            let way = || std::iter::successors(Some(at), |at| parts[*at].from.map(|(from, _)| from));
            if let Some(last) = end {
                if found.chains.len() == limit {
                    found.more = true;
                    break;
                }
                let mut causes = vec![(parts[at].node, last)];
                causes.extend(way().filter_map(|at| {
                    let (from, cause) = parts[at].from?;
                    Some((parts[from].node, cause))
                }));
                let steps =
                    causes.into_iter().rev().map(|(node, cause)| self.step(node, &self.causes[node][cause]));
                found.chains.push(steps.collect());
                continue;
            }
            let Part { node, length, .. } = parts[at];
            let passed: BTreeSet<usize> = way().map(|at| parts[at].node).collect();
            for (index, cause) in self.causes[node].iter().enumerate() {
                match cause.because {
                    None => open.push(Reverse((length + 1, at, Some(index)))),
                    Some(next) if passed.contains(&next) || self.distance[next] == NEVER => {}
                    Some(next) => {
                        parts.push(Part { node: next, from: Some((at, index)), length: length + 1 });
                        open.push(Reverse((length + 1 + self.distance[next], parts.len() - 1, None)));
                    }
                }
            }
            if parts.len() > MAX_PARTIAL {
                found.more = true;
                break;
            }
        }
        found
    }

    /// Why a path is there, step by single step: every reason with the path that it points to, the
    /// one with the shortest chain first.
    pub fn steps(&self, path: &TreePath) -> impl Iterator<Item = Step<'a>> + '_ {
        let node = self.node(path).into_iter();
        node.flat_map(move |node| self.causes[node].iter().map(move |cause| self.step(node, cause)))
    }

    fn node(&self, path: &TreePath) -> Option<usize> {
        self.paths.binary_search(&path).ok()
    }

    fn step(&self, node: usize, cause: &Cause<'a>) -> Step<'a> {
        let because = cause.because.map(|node| self.paths[node]);
        Step { path: self.paths[node], reason: cause.reason, because }
    }

    /// Puts the shortest way first among the causes of each path; reasons that nothing is behind stay
    /// in the order in which they were found.
    fn sort(&mut self) {
        for causes in &mut self.causes {
            causes.sort_by_key(|cause| cause.because.map(|node| (self.distance[node], node)));
        }
    }
}

/// How far each place is from something that was asked for.
fn distances(causes: &[Vec<Cause<'_>>]) -> Vec<u32> {
    let mut distance = vec![NEVER; causes.len()];
    let mut consequences: Vec<Vec<usize>> = vec![vec![]; causes.len()];
    let mut queue = VecDeque::new();
    for (node, causes) in causes.iter().enumerate() {
        for cause in causes {
            match cause.because {
                Some(because) => consequences[because].push(node),
                None if distance[node] == NEVER => {
                    distance[node] = 1;
                    queue.push_back(node);
                }
                None => {}
            }
        }
    }
    while let Some(node) = queue.pop_front() {
        for next in std::mem::take(&mut consequences[node]) {
            if distance[next] == NEVER {
                distance[next] = distance[node] + 1;
                queue.push_back(next);
            }
        }
    }
    distance
}
