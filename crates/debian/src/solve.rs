//! Which packages are installed together, so that those that are wanted have all that they depend on.
//!
//! The rules are those of apt without recommendations, in an empty system: of each package the candidate is the newest
//! version of the suites of the highest priority; of alternatives the first that can be had, unless another is there
//! anyway. Unlike apt, whatever can be solved is solved: an older version or a later alternative is taken where
//! nothing else fits. Packages that are `Essential` come only when something depends on them.
//!
//! The result depends on the index and on what is asked, never on the order in which it is asked.

mod clauses;
mod conflict;
mod nearest;
mod prefer;
mod universe;
mod wanted;

pub use conflict::{Conflict, Reason};

use crate::index::{Index, IndexError, Package};
use crate::relation;
use crate::version::Version;
use clauses::Clauses;
use resolvo::{Problem, Solver, UnsolvableOrCancelled};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use universe::{Scope, Universe};

/// The priority of a suite that says nothing else, as in apt_preferences(5).
pub const DEFAULT_PRIORITY: i32 = 500;
/// That of a suite with `NotAutomatic: yes` and `ButAutomaticUpgrades: yes`, such as backports.
pub const UPGRADES_PRIORITY: i32 = 100;
/// That of a suite with `NotAutomatic: yes`, such as experimental.
pub const NOT_AUTOMATIC_PRIORITY: i32 = 1;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The packages that are wanted.
    pub wanted: Vec<Wanted>,
    /// Versions that are taken before newer ones, as a lock has them.
    pub pins: Vec<Pin>,
    /// The priority of each suite by its number; [`DEFAULT_PRIORITY`] where there is none.
    pub priorities: Vec<i32>,
}

/// A package that is wanted by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Its name; or one that exactly one package provides, or of whose providers one is wanted too.
    pub name: String,
    /// The version; whichever is best if there is none.
    pub version: Option<Version>,
    /// Why the caller wants it, in the caller's words.
    pub why: String,
}

/// A version of a package that is taken before others, whether anything depends on it is not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The package.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Whether no other version may be taken.
    pub is_mandatory: bool,
}

/// Packages that have all that they depend on, and that can be installed together.
#[derive(Debug, Clone)]
pub struct Solution {
    /// The packages by their names, each name once.
    pub packages: Vec<Chosen>,
}

/// A package that was chosen.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The package.
    pub package: Package,
    /// Why: who wants it first, then what depends on it, by names.
    pub why: Vec<Why>,
}

/// Why a package was chosen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It is wanted by its name, or by one that it provides.
    Wanted {
        /// The name.
        name: String,
        /// Why, in the caller's words.
        why: String,
    },
    /// Another package depends on it.
    Depends {
        /// The name of that package.
        package: String,
        /// The relation, with all alternatives: `default-mta | mail-transport-agent`.
        relation: String,
    },
}

/// No packages were chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SolveError {
    /// Packages that are wanted are not there, or not in the version that is asked for.
    #[error("{}", joined(.0))]
    Wanted(Vec<Absent>),
    /// What is wanted cannot be installed together.
    #[error("{0}")]
    Conflict(Conflict),
    /// The description of a package cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Something that is wanted, and that the index does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absent {
    /// No package has or provides the name.
    Name {
        /// The name.
        name: String,
        /// Names that it may be meant for, the nearest first; at most three.
        nearest: Vec<String>,
    },
    /// No package has the name, and several provide it.
    Choice {
        /// The name.
        name: String,
        /// The packages that provide it, by their names.
        providers: Vec<String>,
    },
    /// The package is not there in the version that is wanted or that it is pinned to.
    Version {
        /// The package.
        name: String,
        /// The version.
        version: Version,
        /// The versions that are there, the newest first.
        known: Vec<Version>,
    },
}

/// Chooses packages.
///
/// # Errors
/// When something that is wanted is not in the index, when what is wanted cannot be installed together, or when the
/// description of a package that is looked at cannot be read.
pub fn solve(index: &Index, request: &Request) -> Result<Solution, SolveError> {
    // With the candidates alone, as apt; then with all versions, so that nothing that can be solved is refused.
    match attempt(index, request, Scope::Candidates) {
        Err(SolveError::Conflict(_) | SolveError::Wanted(_)) => attempt(index, request, Scope::Versions),
        result => result,
    }
}

fn attempt<'a>(index: &'a Index, request: &'a Request, scope: Scope) -> Result<Solution, SolveError> {
    let universe = Universe::new(index, request, scope);
    let groups = match wanted::wanted(&universe) {
        Ok(groups) => groups,
        Err(absent) => {
            universe.finish()?;
            return Err(SolveError::Wanted(absent));
        }
    };
    let wanted: Vec<Vec<usize>> = groups.iter().map(|group| universe.group(group)).collect();
    let marked = prefer::mark(&universe, &wanted);
    universe.finish()?;
    let named = |packages: Vec<&'a Package>| -> BTreeMap<&'a str, &'a Package> {
        packages.into_iter().map(|package| (package.name.as_str(), package)).collect()
    };
    if marked.is_complete {
        let chosen = named(marked.packages.into_iter().map(|at| universe.at(at)).collect());
        return Ok(Solution { packages: reasoned(&universe, &chosen) });
    }
    let clauses = Clauses::new(universe, marked.packages);
    let requirements = groups.iter().map(|group| clauses.requirement(group).into()).collect();
    let mut solver = Solver::new(clauses);
    let solved = solver.solve(Problem::new().requirements(requirements));
    let Clauses { universe, .. } = solver.provider();
    // If one could not be read, this is why it ended.
    universe.finish()?;
    match solved {
        Ok(chosen) => {
            let chosen = named(chosen.into_iter().map(|id| solver.provider().package(id)).collect());
            Ok(Solution { packages: reasoned(universe, &chosen) })
        }
        Err(UnsolvableOrCancelled::Unsolvable(conflict)) => {
            Err(SolveError::Conflict(conflict::explain(&conflict, &solver)))
        }
        Err(UnsolvableOrCancelled::Cancelled(_)) => Err(SolveError::Conflict(Conflict { reasons: vec![] })),
    }
}

/// The packages that are needed of those that were chosen, with the reasons.
fn reasoned<'a>(universe: &Universe<'_>, chosen: &BTreeMap<&'a str, &'a Package>) -> Vec<Chosen> {
    let mut reasons: BTreeMap<&'a str, BTreeSet<Why>> = BTreeMap::new();
    let mut queue: Vec<&'a str> = vec![];
    let mut add = |name: &'a str, why: Why, queue: &mut Vec<&'a str>| {
        if !reasons.contains_key(name) {
            queue.push(name);
        }
        reasons.entry(name).or_default().insert(why);
    };
    for wish in &universe.wanted {
        let relation = wanted::relation_to(wish);
        if let Some(name) = universe.first_chosen(&[relation], chosen) {
            add(name, Why::Wanted { name: wish.name.clone(), why: wish.why.clone() }, &mut queue);
        }
    }
    while let Some(name) = queue.pop() {
        let Some(package) = chosen.get(name) else { continue };
        for group in &package.depends {
            if group.iter().any(|relation| universe.meets(package, relation)) {
                continue;
            }
            if let Some(target) = universe.first_chosen(group, chosen) {
                let relation = relation::text(group);
                add(target, Why::Depends { package: name.into(), relation }, &mut queue);
            }
        }
    }
    let of = |(name, why): (&'a str, BTreeSet<Why>)| {
        let package = (*chosen.get(name)?).clone();
        Some(Chosen { package, why: why.into_iter().collect() })
    };
    reasons.into_iter().filter_map(of).collect()
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Absent::Name { name, nearest } if nearest.is_empty() => write!(f, "no package is called {name}"),
            Absent::Name { name, nearest } => {
                write!(f, "no package is called {name}; the nearest names are {}", nearest.join(", "))
            }
            Absent::Choice { name, providers } => {
                write!(f, "no package is called {name}, and several provide it: {}", providers.join(", "))
            }
            Absent::Version { name, version, known } => {
                let known: Vec<&str> = known.iter().map(Version::as_str).collect();
                write!(f, "package {name} is not there in version {version}, but in {}", known.join(", "))
            }
        }
    }
}

fn joined(absent: &[Absent]) -> String {
    absent.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
