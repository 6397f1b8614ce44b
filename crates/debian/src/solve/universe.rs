//! The packages of an index as resolvo sees them.
//!
//! There are no virtual packages here: a relation is the list of packages that meet it, the preferred first, whether
//! by their names or by what they provide; and a conflict is, for each name that it hits, the versions that remain.

use super::{Absent, DEFAULT_PRIORITY, Pin, Request, Wanted, nearest, prefer};
use crate::index::{Index, IndexError, Package};
use crate::relation::{self, Comparison, Relation};
use resolvo::{
    Candidates, Condition, ConditionId, DenseIndex, Dependencies, DependencyProvider,
    HintDependenciesAvailable, Interner, KnownDependencies, NameId, Requirement, SolvableId, SolverCache,
    StringId, VersionSetId, VersionSetUnionId,
};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// Which versions of a package there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Only the one that is best.
    Candidates,
    /// All.
    Versions,
}

/// The packages that were looked at so far.
pub(super) struct Universe<'a> {
    index: &'a Index,
    scope: Scope,
    pins: BTreeMap<&'a str, &'a Pin>,
    wanted: Vec<&'a Wanted>,
    priorities: &'a [i32],
    state: RefCell<State<'a>>,
}

/// What has a number, by its number.
#[derive(Default)]
struct State<'a> {
    names: Vec<Name<'a>>,
    by_name: HashMap<&'a str, usize>,
    solvables: Vec<(usize, &'a Package)>,
    sets: Vec<Set>,
    unions: Vec<Union>,
    requirements: HashMap<String, Requirement>,
    hits: HashMap<usize, Rc<[usize]>>,
    /// What goes before all else.
    preferred: HashSet<usize>,
    /// The first package that could not be read.
    error: Option<IndexError>,
}

struct Name<'a> {
    name: &'a str,
    /// The versions, the preferred first.
    solvables: Rc<[usize]>,
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

/// What a requirement for `wanted` is.
pub(super) fn relation_to(wanted: &Wanted) -> Relation {
    let versions = wanted.version.clone().map(|version| (Comparison::Equal, version));
    Relation { name: wanted.name.clone(), qualifier: None, versions }
}

impl<'a> Universe<'a> {
    pub fn new(index: &'a Index, request: &'a Request, scope: Scope) -> Self {
        let mut wanted: Vec<&Wanted> = request.wanted.iter().collect();
        wanted.sort();
        let mut pins: BTreeMap<&str, &Pin> = BTreeMap::new();
        for pin in &request.pins {
            // Of two, the one that says more; then the newer.
            let rank = |pin: &'a Pin| (pin.is_mandatory, &pin.version, pin.version.as_str());
            let known = pins.entry(&pin.name).or_insert(pin);
            if rank(pin) > rank(known) {
                *known = pin;
            }
        }
        Universe { index, scope, pins, wanted, priorities: &request.priorities, state: RefCell::default() }
    }

    /// What must be met for all that is wanted, in an order of its own.
    ///
    /// # Errors
    /// All that is wanted and not there.
    pub fn wanted(&self) -> Result<Vec<Vec<Relation>>, Vec<Absent>> {
        let mut absent = vec![];
        let mut groups = vec![];
        for pin in self.pins.values().filter(|pin| pin.is_mandatory) {
            let known = self.read(&pin.name);
            if !known.is_empty() && !known.iter().any(|package| package.version == pin.version) {
                absent.push(self.no_version(&pin.name, &pin.version));
            }
        }
        for wanted in &self.wanted {
            match self.absence(wanted) {
                Some(problem) => absent.push(problem),
                None => groups.push(vec![relation_to(wanted)]),
            }
        }
        absent.dedup();
        if absent.is_empty() { Ok(groups) } else { Err(absent) }
    }

    /// What hinders that something is wanted.
    fn absence(&self, wanted: &Wanted) -> Option<Absent> {
        let name = &wanted.name;
        let known = self.read(name);
        if let Some(version) = &wanted.version {
            if known.iter().any(|package| package.version == *version) {
                return None;
            }
            if !known.is_empty() {
                return Some(self.no_version(name, version));
            }
        }
        if !known.is_empty() {
            return None;
        }
        let any = Relation { name: name.clone(), qualifier: None, versions: None };
        let providers: BTreeSet<&str> =
            self.providers(&any).into_iter().map(|at| self.at(at).name.as_str()).collect();
        match providers.len() {
            0 => {
                Some(Absent::Name { name: name.clone(), nearest: nearest::nearest(name, self.index.names()) })
            }
            1 => None,
            _ if self.wanted.iter().any(|wanted| providers.contains(&*wanted.name)) => None,
            _ => Some(Absent::Choice {
                name: name.clone(),
                providers: providers.into_iter().map(String::from).collect(),
            }),
        }
    }

    fn no_version(&self, name: &str, version: &crate::version::Version) -> Absent {
        let known = self.read(name).iter().map(|package| package.version.clone()).collect();
        Absent::Version { name: name.into(), version: version.clone(), known }
    }

    /// Puts packages before all others, in requirements that are made from now on.
    pub fn prefer(&self, packages: HashSet<usize>) {
        self.state.borrow_mut().preferred = packages;
    }

    /// # Errors
    /// When a package that was looked at could not be read.
    pub fn finish(&self) -> Result<(), IndexError> {
        self.state.borrow_mut().error.take().map_or(Ok(()), Err)
    }

    /// Whether a package meets a relation by its name or by what it provides.
    pub fn meets(&self, package: &Package, relation: &Relation) -> bool {
        let native = self.index.architecture();
        package.is(relation, native) || package.provides(relation, native)
    }

    /// The package of a number that this universe gave.
    pub fn package(&self, id: SolvableId) -> &'a Package {
        self.at(id.to_index())
    }

    /// Which of the chosen packages meets one of these alternatives, the preferred first.
    pub fn first_chosen<'b>(
        &self,
        group: &[Relation],
        chosen: &BTreeMap<&'b str, &'b Package>,
    ) -> Option<&'b str> {
        let mut targets = group.iter().flat_map(|relation| self.targets(relation));
        targets.find_map(|at| {
            let package = self.at(at);
            let (name, found) = chosen.get_key_value(package.name.as_str())?;
            std::ptr::eq(*found, package).then_some(*name)
        })
    }

    /// The relation of a requirement, as it is written.
    pub fn text(&self, requirement: Requirement) -> String {
        let state = self.state.borrow();
        match requirement {
            Requirement::Single(id) => state.sets[id.to_index()].text.clone(),
            Requirement::Union(id) => state.unions[id.to_index()].text.clone(),
        }
    }

    /// In words, which versions there are of what a relation names, none of which meets it.
    pub fn what_is_there(&self, relation: &str) -> String {
        let mut told = vec![];
        for alternative in relation.split(" | ") {
            let name = alternative.split([' ', ':']).next().unwrap_or_default();
            for package in
                self.name(name).iter().flat_map(|(_, versions)| versions.iter()).map(|at| self.at(*at))
            {
                let pinned = if self.is_pinned(package) { " (pinned)" } else { "" };
                told.push(format!("{name} {}{pinned}", package.version));
            }
        }
        if told.is_empty() {
            ", which is not there".into()
        } else {
            format!(", but there is {}", told.join(", "))
        }
    }

    /// Whether a package is bound to its version.
    pub fn is_pinned(&self, package: &Package) -> bool {
        self.pins.get(package.name.as_str()).is_some_and(|pin| pin.is_mandatory)
    }

    /// Why a name is wanted, if it is.
    pub fn why(&self, relation: &str) -> Option<&str> {
        self.wanted
            .iter()
            .find(|wanted| relation_to(wanted).to_string() == relation)
            .map(|wanted| &*wanted.why)
    }

    /// The package of a number.
    pub fn at(&self, at: usize) -> &'a Package {
        self.state.borrow().solvables[at].1
    }

    /// All versions of a name; none if they cannot be read, which is noted.
    fn read(&self, name: &str) -> &'a [Package] {
        self.index.candidates(name).unwrap_or_else(|error| {
            self.state.borrow_mut().error.get_or_insert(error);
            &[]
        })
    }

    /// The number of a name, and of its versions in scope, the preferred first. None if no package has the name.
    fn name(&self, name: &str) -> Option<(usize, Rc<[usize]>)> {
        if let Some(at) = self.state.borrow().by_name.get(name) {
            return Some((*at, self.state.borrow().names[*at].solvables.clone()));
        }
        let packages = self.in_scope(name);
        let name = packages.first()?.name.as_str();
        let state = &mut *self.state.borrow_mut();
        let at = state.names.len();
        let first = state.solvables.len();
        state.solvables.extend(packages.into_iter().map(|package| (at, package)));
        let solvables: Rc<[usize]> = (first..state.solvables.len()).collect();
        state.names.push(Name { name, solvables: solvables.clone() });
        state.by_name.insert(name, at);
        Some((at, solvables))
    }

    fn in_scope(&self, name: &str) -> Vec<&'a Package> {
        let mut packages: Vec<&Package> = self.read(name).iter().collect();
        let pin = self.pins.get(name);
        let version =
            self.wanted.iter().find(|wanted| wanted.name == name).and_then(|wanted| wanted.version.as_ref());
        let priority = |package: &Package| self.priorities.get(package.suite).unwrap_or(&DEFAULT_PRIORITY);
        // They are in the order of their versions already, which a stable sort keeps.
        packages.sort_by_key(|package| {
            let is_pinned = pin.is_some_and(|pin| pin.version == package.version);
            let is_wanted = version == Some(&package.version);
            Reverse((is_wanted, is_pinned, priority(package)))
        });
        if pin.is_some_and(|pin| pin.is_mandatory) {
            packages.retain(|package| pin.is_some_and(|pin| pin.version == package.version));
        }
        if self.scope == Scope::Candidates {
            packages.truncate(1);
        }
        packages
    }

    /// What meets a relation, the preferred first.
    fn targets(&self, relation: &Relation) -> Vec<usize> {
        let architecture = self.index.architecture();
        let own = self.name(&relation.name).map(|(_, versions)| versions);
        let own = own.iter().flat_map(|versions| versions.iter().copied());
        let mut targets: Vec<usize> = own.filter(|at| self.at(*at).is(relation, architecture)).collect();
        targets.extend(self.providers(relation));
        targets
    }

    /// What meets a relation by what it provides, the preferred first.
    fn providers(&self, relation: &Relation) -> Vec<usize> {
        let mut groups: Vec<Vec<usize>> = vec![];
        for name in self.index.provider_names(&relation.name).filter(|name| *name != relation.name) {
            let Some((_, versions)) = self.name(name) else { continue };
            let provides = |at: &usize| self.at(*at).provides(relation, self.index.architecture());
            groups.push(versions.iter().copied().filter(provides).collect());
        }
        groups.retain(|group| !group.is_empty());
        // Versions of one name stay together.
        groups.sort_by_key(|group| group.first().map(|at| prefer::provider(self.at(*at))));
        groups.concat()
    }

    /// What meets one of these alternatives, each once, the preferred first.
    pub fn group(&self, group: &[Relation]) -> Vec<usize> {
        let mut seen = HashSet::new();
        let targets = group.iter().flat_map(|relation| self.targets(relation));
        targets.filter(|at| seen.insert(*at)).collect()
    }

    /// A requirement of one of these alternatives.
    pub fn requirement(&self, group: &[Relation]) -> Requirement {
        let text = relation::text(group);
        if let Some(requirement) = self.state.borrow().requirements.get(&text) {
            return *requirement;
        }
        let mut targets = self.group(group);
        let first_name = group.first().and_then(|relation| Some(self.name(&relation.name)?.0));
        let state = &mut *self.state.borrow_mut();
        targets.sort_by_key(|at| !state.preferred.contains(at));
        // One set for each run of versions of a name; if nothing meets the relation, an empty one.
        let mut sets: Vec<(usize, Vec<usize>)> = vec![];
        for at in targets {
            let name = state.solvables[at].0;
            match sets.last_mut() {
                // In a set, they are in the order of their numbers.
                Some((last, members)) if *last == name && members.last() < Some(&at) => members.push(at),
                _ => sets.push((name, vec![at])),
            }
        }
        if sets.is_empty() {
            let name = first_name.unwrap_or_else(|| state.nobody());
            sets.push((name, vec![]));
        }
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

    /// What cannot be there with a package, because it conflicts with it.
    pub fn hits(&self, at: usize) -> Rc<[usize]> {
        if let Some(hits) = self.state.borrow().hits.get(&at) {
            return hits.clone();
        }
        let package = self.at(at);
        let hits = package
            .conflicts
            .iter()
            .flat_map(|conflict| self.hit_by(package, conflict))
            .flat_map(|hit| hit.1);
        let hits: Rc<[usize]> = hits.collect();
        self.state.borrow_mut().hits.insert(at, hits.clone());
        hits
    }

    /// What a package's conflict hits, by names: the number of the name, and the versions.
    fn hit_by(&self, package: &Package, conflict: &Relation) -> Vec<(usize, Vec<usize>)> {
        let architecture = self.index.architecture();
        if conflict.qualifier.as_deref().is_some_and(|kind| !["any", "native", architecture].contains(&kind))
        {
            return vec![];
        }
        // A conflict is with a package whatever its kind.
        let conflict = &Relation { qualifier: None, ..conflict.clone() };
        let names = std::iter::once(conflict.name.as_str()).chain(self.index.provider_names(&conflict.name));
        // A package never conflicts with itself (Policy §7.4).
        let names: BTreeSet<&str> = names.filter(|name| *name != package.name).collect();
        let hit = |name: &str| {
            let (name, versions) = self.name(name)?;
            let is_hit = |at: &usize| self.meets(self.at(*at), conflict);
            Some((name, versions.iter().copied().filter(is_hit).collect::<Vec<_>>()))
        };
        names.into_iter().filter_map(hit).filter(|(_, versions)| !versions.is_empty()).collect()
    }

    /// For each name that a package's conflict hits, the versions that remain.
    fn constraints(&self, package: &Package, conflict: &Relation) -> Vec<VersionSetId> {
        let hit_by = self.hit_by(package, conflict);
        let state = &mut *self.state.borrow_mut();
        let mut constraints = vec![];
        for (name, hit) in hit_by {
            let versions = state.names[name].solvables.clone();
            let members = versions.iter().copied().filter(|at| !hit.contains(at)).collect();
            constraints.push(state.set(name, members, conflict.to_string()));
        }
        constraints
    }
}

impl State<'_> {
    fn set(&mut self, name: usize, members: Vec<usize>, text: String) -> VersionSetId {
        self.sets.push(Set { name, members, text });
        VersionSetId::from_index(self.sets.len() - 1)
    }

    /// A name without packages.
    fn nobody(&mut self) -> usize {
        if let Some(at) = self.by_name.get("") {
            return *at;
        }
        self.names.push(Name { name: "", solvables: Rc::new([]) });
        self.by_name.insert("", self.names.len() - 1);
        self.names.len() - 1
    }
}

impl Interner for Universe<'_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, id: SolvableId) -> impl std::fmt::Display + '_ {
        let package = self.package(id);
        format!("{} {}", package.name, package.version)
    }

    fn display_name(&self, name: NameId) -> impl std::fmt::Display + '_ {
        self.state.borrow().names[name.to_index()].name
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
        NameId::from_index(self.state.borrow().solvables[id.to_index()].0)
    }

    fn version_sets_in_union(&self, id: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        self.state.borrow().unions[id.to_index()].sets.clone().into_iter()
    }

    fn resolve_condition(&self, _: ConditionId) -> Condition {
        // No requirement has a condition, so that nobody asks.
        Condition::Requirement(VersionSetId::from_index(0))
    }
}

impl DependencyProvider for Universe<'_> {
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
        let solvables = self.state.borrow().names[name.to_index()].solvables.clone();
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
            if !group.iter().any(|relation| self.meets(package, relation)) {
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
        self.state.borrow().error.as_ref().map(|_| Box::new(()) as Box<dyn std::any::Any>)
    }
}
