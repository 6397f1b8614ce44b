//! The packages that may be chosen, each with a number.
//!
//! There are no virtual packages here: a relation is the list of packages that meet it, the preferred first, whether
//! by their names or by what they provide; and a conflict is the list of packages that it hits.

use super::wanted::relation_to;
use super::{DEFAULT_PRIORITY, Pin, Request, Wanted, prefer};
use crate::index::{Index, IndexError, Package};
use crate::relation::Relation;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// The number of a name that no package has.
pub(super) const NOBODY: usize = 0;

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
    pub index: &'a Index,
    scope: Scope,
    /// By the names of their packages.
    pub pins: BTreeMap<&'a str, &'a Pin>,
    /// In an order of their own.
    pub wanted: Vec<&'a Wanted>,
    priorities: &'a [i32],
    state: RefCell<State<'a>>,
}

/// What has a number, by its number.
#[derive(Default)]
struct State<'a> {
    names: Vec<Rc<[usize]>>,
    by_name: HashMap<&'a str, usize>,
    solvables: Vec<(usize, &'a Package)>,
    hits: HashMap<usize, Rc<[usize]>>,
    /// The first package that could not be read.
    error: Option<IndexError>,
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
        let state = State { names: vec![Rc::new([])], ..State::default() };
        Universe { index, scope, pins, wanted, priorities: &request.priorities, state: RefCell::new(state) }
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

    /// Which of the chosen packages meets one of these alternatives, the preferred first.
    pub fn first_chosen<'b>(
        &self,
        group: &[Relation],
        chosen: &BTreeMap<&'b str, &'b Package>,
    ) -> Option<&'b str> {
        self.group(group).into_iter().find_map(|at| {
            let package = self.at(at);
            let (name, found) = chosen.get_key_value(package.name.as_str())?;
            std::ptr::eq(*found, package).then_some(*name)
        })
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

    /// The number of the name of a package.
    pub fn name_of(&self, at: usize) -> usize {
        self.state.borrow().solvables[at].0
    }

    /// The versions of a name of this number, the preferred first.
    pub fn versions(&self, name: usize) -> Rc<[usize]> {
        self.state.borrow().names.get(name).cloned().unwrap_or_default()
    }

    /// Whether a package that was looked at could not be read.
    pub fn has_failed(&self) -> bool {
        self.state.borrow().error.is_some()
    }

    /// All versions of a name; none if they cannot be read, which is noted.
    pub fn read(&self, name: &str) -> &'a [Package] {
        self.index.candidates(name).unwrap_or_else(|error| {
            self.state.borrow_mut().error.get_or_insert(error);
            &[]
        })
    }

    /// The number of a name, and of its versions in scope, the preferred first. None if no package has the name.
    pub fn name(&self, name: &str) -> Option<(usize, Rc<[usize]>)> {
        if let Some(at) = self.state.borrow().by_name.get(name) {
            return Some((*at, self.state.borrow().names[*at].clone()));
        }
        let packages = self.in_scope(name);
        let name = packages.first()?.name.as_str();
        let state = &mut *self.state.borrow_mut();
        let at = state.names.len();
        let first = state.solvables.len();
        state.solvables.extend(packages.into_iter().map(|package| (at, package)));
        let solvables: Rc<[usize]> = (first..state.solvables.len()).collect();
        state.names.push(solvables.clone());
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
    pub fn providers(&self, relation: &Relation) -> Vec<usize> {
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

    /// What meets one of these alternatives, each once, the preferred first: those that are pinned, so that a choice
    /// that a lock holds is kept; then by the order of the alternatives.
    pub fn group(&self, group: &[Relation]) -> Vec<usize> {
        let mut seen = HashSet::new();
        let targets = group.iter().flat_map(|relation| self.targets(relation));
        let mut targets: Vec<usize> = targets.filter(|at| seen.insert(*at)).collect();
        targets.sort_by_key(|at| {
            let package = self.at(*at);
            self.pins.get(package.name.as_str()).is_none_or(|pin| pin.version != package.version)
        });
        targets
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
    pub fn hit_by(&self, package: &Package, conflict: &Relation) -> Vec<(usize, Vec<usize>)> {
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
}
