//! The packages of an index as resolvo sees them.
//!
//! A requirement is a union of sets, each of some versions of a name; a conflict is, for each name that it hits, the
//! set of the versions that remain.

use super::universe::{NOBODY, Universe};
use crate::index::Package;
use crate::relation::{self, Relation};
use resolvo::{
    Candidates, Condition, ConditionId, DenseIndex, Dependencies, DependencyProvider,
    HintDependenciesAvailable, Interner, KnownDependencies, NameId, Requirement, SolvableId, SolverCache,
    StringId, VersionSetId, VersionSetUnionId,
};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// The packages of a universe, with what was said of them so far.
pub(super) struct Clauses<'a> {
    pub universe: Universe<'a>,
    /// What goes before all else.
    preferred: HashSet<usize>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    sets: Vec<Set>,
    unions: Vec<Union>,
    requirements: HashMap<String, Requirement>,
}

/// Some versions of a name.
struct Set {
    name: usize,
    members: Vec<usize>,
    text: String,
}

struct Union {
    sets: Vec<VersionSetId>,
    text: String,
}

impl<'a> Clauses<'a> {
    pub fn new(universe: Universe<'a>, preferred: HashSet<usize>) -> Self {
        Clauses { universe, preferred, state: RefCell::default() }
    }

    /// The package of a number that resolvo gave back.
    pub fn package(&self, id: SolvableId) -> &'a Package {
        self.universe.at(id.to_index())
    }

    /// The relation of a requirement, as it is written.
    pub fn text(&self, requirement: Requirement) -> String {
        let state = self.state.borrow();
        match requirement {
            Requirement::Single(id) => state.sets[id.to_index()].text.clone(),
            Requirement::Union(id) => state.unions[id.to_index()].text.clone(),
        }
    }

    /// A requirement of one of these alternatives.
    pub fn requirement(&self, group: &[Relation]) -> Requirement {
        let text = relation::text(group);
        if let Some(requirement) = self.state.borrow().requirements.get(&text) {
            return *requirement;
        }
        let mut targets = self.universe.group(group);
        targets.sort_by_key(|at| !self.preferred.contains(at));
        // One set for each run of versions of a name; if nothing meets the relation, an empty one.
        let mut sets: Vec<(usize, Vec<usize>)> = vec![];
        for at in targets {
            let name = self.universe.name_of(at);
            match sets.last_mut() {
                // In a set, they are in the order of their numbers.
                Some((last, members)) if *last == name && members.last() < Some(&at) => members.push(at),
                _ => sets.push((name, vec![at])),
            }
        }
        if sets.is_empty() {
            sets.push((NOBODY, vec![]));
        }
        let state = &mut *self.state.borrow_mut();
        let ids: Vec<VersionSetId> =
            sets.into_iter().map(|(name, members)| state.set(name, members, text.clone())).collect();
        let requirement = match *ids {
            [only] => only.into(),
            _ => {
                let id = VersionSetUnionId::from_index(state.unions.len());
                state.unions.push(Union { sets: ids, text: text.clone() });
                id.into()
            }
        };
        state.requirements.insert(text, requirement);
        requirement
    }

    /// For each name that a package's conflict hits, the versions that remain.
    fn constraints(&self, package: &Package, conflict: &Relation) -> Vec<VersionSetId> {
        let hit_by = self.universe.hit_by(package, conflict);
        let state = &mut *self.state.borrow_mut();
        let mut constraints = vec![];
        for (name, hit) in hit_by {
            let versions = self.universe.versions(name);
            let members = versions.iter().copied().filter(|at| !hit.contains(at)).collect();
            constraints.push(state.set(name, members, conflict.to_string()));
        }
        constraints
    }
}

impl State {
    fn set(&mut self, name: usize, members: Vec<usize>, text: String) -> VersionSetId {
        self.sets.push(Set { name, members, text });
        VersionSetId::from_index(self.sets.len() - 1)
    }
}

impl Interner for Clauses<'_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, id: SolvableId) -> impl std::fmt::Display + '_ {
        let package = self.package(id);
        format!("{} {}", package.name, package.version)
    }

    fn display_name(&self, name: NameId) -> impl std::fmt::Display + '_ {
        let first = self.universe.versions(name.to_index()).first().copied();
        first.map_or("", |at| &self.universe.at(at).name)
    }

    fn display_version_set(&self, id: VersionSetId) -> impl std::fmt::Display + '_ {
        self.state.borrow().sets[id.to_index()].text.clone()
    }

    fn display_string(&self, _: StringId) -> impl std::fmt::Display + '_ {
        ""
    }

    fn version_set_name(&self, id: VersionSetId) -> NameId {
        NameId::from_index(self.state.borrow().sets[id.to_index()].name)
    }

    fn solvable_name(&self, id: SolvableId) -> NameId {
        NameId::from_index(self.universe.name_of(id.to_index()))
    }

    fn version_sets_in_union(&self, id: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        self.state.borrow().unions[id.to_index()].sets.clone().into_iter()
    }

    fn resolve_condition(&self, _: ConditionId) -> Condition {
        // No requirement has a condition, so that nobody asks.
        Condition::Requirement(VersionSetId::from_index(0))
    }
}

impl DependencyProvider for Clauses<'_> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        id: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let state = self.state.borrow();
        let members = &state.sets[id.to_index()].members;
        let is_member = |id: &SolvableId| members.contains(&id.to_index());
        candidates.iter().copied().filter(|id| is_member(id) != inverse).collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates> {
        let solvables = self.universe.versions(name.to_index());
        Some(Candidates {
            candidates: solvables.iter().copied().map(SolvableId::from_index).collect(),
            hint_dependencies_available: HintDependenciesAvailable::None,
            ..Candidates::default()
        })
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        // The versions of a name got their numbers in the order of preference.
        solvables.sort_unstable_by_key(|id| id.to_index());
    }

    async fn get_dependencies(&self, id: SolvableId) -> Dependencies {
        let package = self.package(id);
        let mut known = KnownDependencies::default();
        for group in &package.depends {
            if !group.iter().any(|relation| self.universe.meets(package, relation)) {
                known.requirements.push(self.requirement(group).into());
            }
        }
        for conflict in &package.conflicts {
            known.constrains.extend(self.constraints(package, conflict));
        }
        Dependencies::Known(known)
    }

    fn should_cancel_with_value(&self) -> Option<Box<dyn std::any::Any>> {
        // A package that cannot be read is the answer, whatever else is found.
        self.universe.has_failed().then(|| Box::new(()) as Box<dyn std::any::Any>)
    }
}
