//! The packages that an image is made of: those of its lock, or those that its wants lead to.

use super::{archives::KnownArchive, roots::Root};
use crate::Error;
use debian::{
    index::{Index, Package},
    solve::{self, Absent, Pin, Request, SolveError, Why},
    version::Version,
};
use plan::{
    finding::Problem,
    lock::{LockedPackage, LockedWhy},
    unused_package,
};
use std::collections::{BTreeMap, BTreeSet};

/// The packages that were found for something that an image lacks, with the reasons.
pub(super) type FoundRoots = BTreeMap<String, BTreeSet<LockedWhy>>;

/// Packages in the versions that they have.
pub(super) struct Pinned<'a> {
    pub packages: &'a [LockedPackage],
    /// Would another version be none?
    pub must_stay: bool,
}

/// What was chosen.
pub(super) struct Choice {
    pub packages: Vec<LockedPackage>,
    /// The packages that the spec names and nobody has.
    pub missing: Vec<Problem>,
}

/// Chooses the packages that the spec wants, those that were found, and what they depend on; `pinned` are taken in
/// the versions that they have.
///
/// # Errors
/// When they do not fit together.
pub(super) fn choose(
    archive: &KnownArchive,
    index: &Index,
    roots: &[Root],
    found: &FoundRoots,
    pinned: &Pinned<'_>,
    priorities: &[i32],
) -> Result<Choice, Error> {
    let mut missing = vec![];
    let mut wanted: Vec<solve::Wanted> = vec![];
    let mut whys: BTreeMap<String, BTreeSet<LockedWhy>> = found.clone();
    for root in roots {
        let known = first_known(index, root).or(root.names.first().filter(|_| root.line.is_some()));
        let Some(name) = known else { continue };
        let version = root.version.as_deref().map(Version::parse).transpose();
        let version = version.map_err(|error| Error::Usage(error.to_string()))?;
        wanted.push(solve::Wanted { name: name.clone(), version, why: root.why() });
        whys.entry(name.clone()).or_default().insert(LockedWhy::Spec);
    }
    for (name, reasons) in found {
        if !wanted.iter().any(|wanted| wanted.name == *name) {
            let why = reasons.iter().map(LockedWhy::to_string).collect::<Vec<_>>().join(", ");
            wanted.push(solve::Wanted { name: name.clone(), version: None, why });
        }
    }
    let pin = |package: &LockedPackage| {
        let version = Version::parse(&package.version).ok()?;
        Some(Pin { name: package.name.clone(), version, is_mandatory: pinned.must_stay })
    };
    let pins: Vec<Pin> = pinned.packages.iter().filter_map(pin).collect();
    loop {
        let request = Request { wanted: wanted.clone(), pins: pins.clone(), priorities: priorities.to_vec() };
        match solve::solve(index, &request) {
            Ok(solution) => {
                let packages = needed(archive, solution, &whys);
                return Ok(Choice { packages, missing });
            }
            // The plan tells all that is missing, with everything else that is wrong.
            Err(SolveError::Wanted(absent)) => {
                let before = wanted.len();
                for absent in absent {
                    let (name, problem) = problem_of(absent, roots);
                    wanted.retain(|wanted| wanted.name != name);
                    missing.push(problem);
                }
                if wanted.len() == before {
                    return Ok(Choice { packages: vec![], missing });
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The name by which an archive has a package; none where it has not.
pub(super) fn first_known<'r>(index: &Index, root: &'r Root) -> Option<&'r String> {
    let has = |name: &&String| index.candidates(name).is_ok_and(|found| !found.is_empty());
    root.names.iter().find(has)
}

/// The packages of a solution, without those that only maintainer scripts need, and without what only these need.
fn needed(
    archive: &KnownArchive,
    solution: solve::Solution,
    whys: &BTreeMap<String, BTreeSet<LockedWhy>>,
) -> Vec<LockedPackage> {
    let mut depends: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut queue: Vec<&str> = vec![];
    let mut reasons: BTreeMap<&str, BTreeSet<LockedWhy>> = BTreeMap::new();
    for chosen in &solution.packages {
        let name = chosen.package.name.as_str();
        for why in &chosen.why {
            match why {
                Why::Wanted { name: asked, .. } => {
                    let why = whys.get(asked).cloned().unwrap_or_default().into_iter();
                    let why = why.map(|why| match why {
                        LockedWhy::Spec if asked != name => LockedWhy::Provides(asked.clone()),
                        why => why,
                    });
                    reasons.entry(name).or_default().extend(why);
                    queue.push(name);
                }
                Why::Depends { package, relation } => {
                    // An alternative that is not needed is as good as the one that was taken.
                    let names =
                        relation.split('|').map(|one| one.trim().split([' ', ':', '(']).next().unwrap_or(""));
                    let mut names = names.chain([name]);
                    if names.all(|name| unused_package(name, package).is_none()) {
                        depends.entry(package).or_default().push(name);
                    }
                }
            }
        }
    }
    let mut seen: BTreeSet<&str> = queue.iter().copied().collect();
    while let Some(package) = queue.pop() {
        for name in depends.get(package).into_iter().flatten() {
            reasons.entry(name).or_default().insert(LockedWhy::Depends(package.into()));
            if seen.insert(name) {
                queue.push(name);
            }
        }
    }
    let packages = solution.packages.iter().filter(|chosen| seen.contains(chosen.package.name.as_str()));
    packages
        .map(|chosen| {
            locked(archive, &chosen.package, reasons.remove(chosen.package.name.as_str()).unwrap_or_default())
        })
        .collect()
}

fn locked(archive: &KnownArchive, package: &Package, why: BTreeSet<LockedWhy>) -> LockedPackage {
    LockedPackage {
        name: package.name.clone(),
        version: package.version.as_str().into(),
        architecture: package.architecture.clone(),
        sha256: package.sha256,
        size: package.size,
        // Known when it is unpacked.
        date: 0,
        suite: archive.suite(package.suite),
        path: package.filename.clone(),
        why,
    }
}

fn problem_of(absent: Absent, roots: &[Root]) -> (String, Problem) {
    let line = |name: &str| {
        roots.iter().find(|root| root.names.iter().any(|known| known == name)).and_then(|root| root.line)
    };
    let (name, near) = match absent {
        Absent::Name { name, nearest } => (name, nearest.into_iter().next()),
        Absent::Choice { name, providers } => (name, Some(providers.join(" or "))),
        Absent::Version { name, known, .. } => {
            let near = known.first().map(|version| format!("{name}={}", version.as_str()));
            (name, near)
        }
        // One that is not known yet says so itself.
        other => (other.to_string(), None),
    };
    let line = line(&name).unwrap_or(0);
    (name.clone(), Problem::MissingPackage { name, near, no_database: false, line })
}
