//! What is wanted, and whether there is such a thing.

use super::universe::Universe;
use super::{Absent, Wanted, nearest};
use crate::relation::{Comparison, Relation};
use crate::version::Version;
use std::collections::BTreeSet;

/// What a requirement for something wanted is.
pub(super) fn relation_to(wanted: &Wanted) -> Relation {
    let versions = wanted.version.clone().map(|version| (Comparison::Equal, version));
    Relation { name: wanted.name.clone(), qualifier: None, versions }
}

/// What must be met for all that is wanted, in an order of its own.
///
/// # Errors
/// All that is wanted and not there.
pub(super) fn wanted(universe: &Universe<'_>) -> Result<Vec<Vec<Relation>>, Vec<Absent>> {
    let mut absent = vec![];
    let mut groups = vec![];
    for pin in universe.pins.values().filter(|pin| pin.is_mandatory) {
        let known = universe.read(&pin.name);
        if !known.is_empty() && !known.iter().any(|package| package.version == pin.version) {
            absent.push(no_version(universe, &pin.name, &pin.version));
        }
    }
    for wanted in &universe.wanted {
        match absence(universe, wanted) {
            Some(problem) => absent.push(problem),
            None => groups.push(vec![relation_to(wanted)]),
        }
    }
    absent.dedup();
    if absent.is_empty() { Ok(groups) } else { Err(absent) }
}

/// What hinders that something is wanted.
fn absence(universe: &Universe<'_>, wanted: &Wanted) -> Option<Absent> {
    let name = &wanted.name;
    let known = universe.read(name);
    if let Some(version) = &wanted.version {
        if known.iter().any(|package| package.version == *version) {
            return None;
        }
        if !known.is_empty() {
            return Some(no_version(universe, name, version));
        }
    }
    if !known.is_empty() {
        return None;
    }
    let any = Relation { name: name.clone(), qualifier: None, versions: None };
    let providers: BTreeSet<&str> =
        universe.providers(&any).into_iter().map(|at| universe.at(at).name.as_str()).collect();
    match providers.len() {
        0 => {
            Some(Absent::Name { name: name.clone(), nearest: nearest::nearest(name, universe.index.names()) })
        }
        1 => None,
        _ if universe.wanted.iter().any(|wanted| providers.contains(&*wanted.name)) => None,
        _ => Some(Absent::Choice {
            name: name.clone(),
            providers: providers.into_iter().map(String::from).collect(),
        }),
    }
}

fn no_version(universe: &Universe<'_>, name: &str, version: &Version) -> Absent {
    let known = universe.read(name).iter().map(|package| package.version.clone()).collect();
    Absent::Version { name: name.into(), version: version.clone(), known }
}
