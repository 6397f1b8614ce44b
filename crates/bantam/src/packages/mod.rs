//! Runtime sources that are archives of packages.
//!
//! A plan tells what it lacks; packages that have it are looked up, chosen with all that they depend on, fetched and
//! unpacked, and the plan is made again, until it lacks nothing that a package has. Nothing below this knows of a
//! network, and the planner of no archive.

mod archives;
mod choose;
mod found;
mod roots;
mod search;
mod tools;

pub(crate) use archives::Archives;
pub(crate) use tools::tools;

use crate::{
    Error, Locking, Target,
    event::{Event, Watch},
    lockfile::LockFile,
    runtime::Runtime,
};
use choose::{Choice, FoundRoots, Pinned};
use plan::{
    Plan,
    finding::Problem,
    lock::{LockedPackage, LockedWhy},
    spec::{Platform, Release},
};
use search::Search;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// More rounds than any chain of wants has.
const ROUNDS: usize = 32;

/// How a plan is made from a runtime source: the source, what it is known to lack, and its packages.
pub(crate) type Make<'m> = &'m dyn Fn(&Runtime<'_>, &[Problem], Vec<LockedPackage>) -> Result<Plan, Error>;

/// What packages are chosen for: an image, or build tools.
pub(crate) struct Image<'a> {
    pub target: &'a Target,
    pub release: &'a Release,
    pub platform: Platform,
    pub lock: Option<&'a LockFile>,
    pub locking: Locking,
    /// With [`Locking::Renew`]: the packages whose pins move; none: all.
    pub moved: &'a [String],
}

/// Plans an image that is made of packages.
///
/// # Errors
/// When something cannot be had or read, and when the lock would change that must not.
pub(crate) fn plan(
    image: &Image<'_>,
    archives: &Archives<'_>,
    make: Make<'_>,
    watch: Watch<'_>,
) -> Result<Plan, Error> {
    let Image { target, release, platform, .. } = image;
    let archive = archives.archive(target, release, platform.architecture.debian())?;
    let roots = roots::roots(&target.spec);
    let locked = image.lock.and_then(|lock| lock.packages(*platform));
    let kept = locked.filter(|_| image.locking != Locking::Renew);
    // Who cannot look into the archive takes it that all of a profile is there.
    let is_there = |root: &roots::Root| {
        archives.open(&archive, watch).map_or(true, |open| choose::first_known(&open.index, root).is_some())
    };
    if let (Some(kept), Some(lock)) = (kept, image.lock)
        && let Some(misfit) = roots::misfit(&roots, kept, is_there)
    {
        return Err(lock.misfit(misfit.lacks, misfit.has));
    }
    let is_pinned = |package: &&LockedPackage| {
        image.locking != Locking::Renew || !image.moved.is_empty() && !image.moved.contains(&package.name)
    };
    let pinned: Vec<LockedPackage> = locked.into_iter().flatten().filter(is_pinned).cloned().collect();
    let mut found: FoundRoots = FoundRoots::new();
    for package in kept.into_iter().flatten() {
        let why: BTreeSet<LockedWhy> =
            package.why.iter().filter(|why| LockedWhy::is_found(why)).cloned().collect();
        if !why.is_empty() {
            found.insert(package.name.clone(), why);
        }
    }
    let mut choice = match kept {
        Some(kept) => Choice { packages: kept.to_vec(), missing: vec![] },
        None if image.locking == Locking::Locked => {
            return Err(image.lock.map_or_else(
                || Error::Usage("a program has no lock".into()),
                |lock| lock.absent_for(*platform),
            ));
        }
        None => {
            let open = archives.open(&archive, watch)?;
            let index = archives.index_with(&archive, &open, &pinned)?;
            let pinned = Pinned { packages: &pinned, must_stay: false };
            choose::choose(&archive, &index, &roots, &found, &pinned, &open.priorities)?
        }
    };
    let mut search = Search::default();
    for _ in 0..ROUNDS {
        let runtime: Arc<Runtime<'_>> = archives.unpacked(&archive, release, &mut choice.packages, watch)?;
        let known: Vec<Problem> = runtime.known().iter().chain(&choice.missing).cloned().collect();
        let plan = make(&runtime, &known, choice.packages.clone())?;
        // What a lock lacks and nobody misses was looked for when it was made.
        let wants = if kept.is_some() { plan.needs() } else { plan.wants() };
        if !search.has_more(&wants) {
            return Ok(plan);
        }
        if image.locking == Locking::Locked {
            if plan.is_refused() {
                let text = "with --locked, no package enters that the lock does not have";
                watch(Event::Notice { text, details: &[] });
            }
            return Ok(plan);
        }
        let open = match archives.open(&archive, watch) {
            Ok(open) => open,
            Err(error) if kept.is_some() => {
                let text = "packages are missing, and the archive cannot be looked into";
                watch(Event::Notice { text, details: &[error.to_string()] });
                return Ok(plan);
            }
            Err(error) => return Err(error),
        };
        let path = target.spec.config.env.get("PATH").map(String::as_str);
        let chosen = |name: &str| choice.packages.iter().any(|package| package.name == name);
        let lists = || archives.lists(&open, watch);
        if !search.go_on(wants, &open.index, &lists, path, &chosen, &mut found)? {
            return Ok(plan);
        }
        // Only `update` moves what a lock has.
        let all: BTreeMap<&str, &LockedPackage> =
            pinned.iter().chain(&choice.packages).map(|package| (&*package.name, package)).collect();
        let packages: Vec<LockedPackage> = all.into_values().cloned().collect();
        let index = archives.index_with(&archive, &open, &packages)?;
        let pinned = Pinned { packages: &packages, must_stay: kept.is_some() };
        choice = choose::choose(&archive, &index, &roots, &found, &pinned, &open.priorities)?;
    }
    Err(Error::Usage("packages are wanted without an end".into()))
}
