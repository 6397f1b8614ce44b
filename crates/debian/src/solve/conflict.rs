//! Why packages cannot be installed together, in words.

use super::clauses::Clauses;
use resolvo::conflict::{ConflictCause, ConflictEdge, ConflictNode};
use resolvo::runtime::NowOrNeverRuntime;
use resolvo::{Interner, Requirement, SolvableId, Solver};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Deeper chains are cut.
const MAX_DEPTH: usize = 64;

/// Why packages cannot be installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// One for each that is wanted and takes part in it.
    pub reasons: Vec<Reason>,
}

/// A part of the explanation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// What is said: `postfix 3.7.11-0+deb12u1 conflicts with exim4-daemon-light 4.96 (mail-transport-agent)`.
    pub text: String,
    /// Why that is so.
    pub because: Vec<Reason>,
}

/// Puts into words what the solver found.
pub(super) fn explain(
    conflict: &resolvo::conflict::Conflict,
    solver: &Solver<Clauses<'_>, NowOrNeverRuntime>,
) -> Conflict {
    let graph = conflict.graph(solver);
    let found = &graph.graph;
    let mut edges: BTreeMap<usize, Vec<Edge>> = BTreeMap::new();
    for edge in found.edge_indices() {
        if let (Some((from, to)), Some(kind)) = (found.edge_endpoints(edge), found.edge_weight(edge)) {
            edges.entry(from.index()).or_default().push((*kind, found[to], to.index()));
        }
    }
    let mut teller = Teller { clauses: solver.provider(), edges, told: BTreeSet::new() };
    Conflict { reasons: teller.reasons(ConflictNode::Root, graph.root_node.index(), 0) }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the packages cannot be installed together")?;
        self.reasons.iter().try_for_each(|reason| reason.write(f, 1))
    }
}

impl Reason {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        write!(f, "\n{:1$}{2}", "", 2 * depth, self.text)?;
        self.because.iter().try_for_each(|reason| reason.write(f, depth + 1))
    }
}

/// What leads from one part of the problem to another, and the number of that other part.
type Edge = (ConflictEdge<SolvableId>, ConflictNode<SolvableId>, usize);

struct Teller<'a, 'u> {
    clauses: &'a Clauses<'u>,
    edges: BTreeMap<usize, Vec<Edge>>,
    /// What was explained already.
    told: BTreeSet<usize>,
}

impl Teller<'_, '_> {
    /// Why a part of the problem cannot be had.
    fn reasons(&mut self, node: ConflictNode<SolvableId>, at: usize, depth: usize) -> Vec<Reason> {
        if depth > MAX_DEPTH || !self.told.insert(at) {
            return vec![];
        }
        let edges = self.edges.get(&at).cloned().unwrap_or_default();
        let mut reasons = vec![];
        let mut met_by: BTreeMap<Requirement, Vec<(ConflictNode<SolvableId>, usize)>> = BTreeMap::new();
        for (edge, target, to) in edges {
            match edge {
                ConflictEdge::Requires(requirement) => {
                    met_by.entry(requirement).or_default().push((target, to))
                }
                ConflictEdge::Conflict(cause) => reasons.extend(self.clash(node, cause, target)),
            }
        }
        let mut required: Vec<_> = met_by
            .into_iter()
            .map(|(requirement, targets)| (self.clauses.text(requirement), targets))
            .collect();
        required.sort_by(|a, b| a.0.cmp(&b.0));
        for (relation, mut targets) in required {
            targets.sort_by_key(|(target, _)| self.words(*target));
            let because: Vec<Reason> =
                targets.iter().flat_map(|(target, to)| self.reasons(*target, *to, depth + 1)).collect();
            let is_absent =
                targets.iter().any(|(target, _)| matches!(target, ConflictNode::UnresolvedDependency));
            let there =
                if is_absent { self.clauses.universe.what_is_there(&relation) } else { String::new() };
            let text =
                match self.clauses.universe.why(&relation).filter(|_| matches!(node, ConflictNode::Root)) {
                    Some(why) => format!("{relation} is wanted ({why}){there}"),
                    None => format!("{} depends on {relation}{there}", self.words(node)),
                };
            reasons.push(Reason { text, because });
        }
        reasons.sort();
        reasons.dedup();
        reasons
    }

    fn clash(
        &self,
        node: ConflictNode<SolvableId>,
        cause: ConflictCause<SolvableId>,
        target: ConflictNode<SolvableId>,
    ) -> Option<Reason> {
        let (subject, object) = (self.words(node), self.words(target));
        let text = match cause {
            ConflictCause::Constrains(set) => {
                let relation = self.clauses.display_version_set(set).to_string();
                if object.starts_with(&format!("{relation} ")) {
                    format!("{subject} conflicts with {object}")
                } else {
                    format!("{subject} conflicts with {object} ({relation})")
                }
            }
            ConflictCause::ForbidMultipleInstances => {
                let (first, second) = if subject < object { (subject, object) } else { (object, subject) };
                format!("only one of {first} and {second} can be installed")
            }
            _ => return None,
        };
        Some(Reason { text, because: vec![] })
    }

    fn words(&self, node: ConflictNode<SolvableId>) -> String {
        let ConflictNode::Solvable(id) = node else { return String::new() };
        let package = self.clauses.package(id);
        let pinned = if self.clauses.universe.is_pinned(package) { " (pinned)" } else { "" };
        format!("{} {}{pinned}", package.name, package.version)
    }
}
