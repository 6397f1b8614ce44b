//! Build tools that are packages of an image's suite: chosen and unpacked as the image's own, and never part of it.

use super::{
    Archives, Image,
    choose::{self, FoundRoots, Pinned},
    roots::Root,
};
use crate::{Error, Locking, event::Watch, lockfile::upload, runtime::Runtime};
use debian::index::Index;
use language::BuildRoot;
use plan::lock::{LockedPackage, closure};
use std::sync::Arc;
use tree::{Entry, Sha256Digest, TreePath, View, ViewError};

/// A root file system of these packages and what they depend on, and those packages; the platform of what is asked is that
/// of the machine that they run on. A lock's pins count where it has all of them; where it has none for this builder, they
/// follow from what it has for others: the same names and versions.
///
/// # Errors
/// When they cannot be had, or are not in a lock that may not change.
pub(crate) fn tools<'a>(
    asked: &Image<'_>,
    names: &[String],
    archives: &Archives<'a>,
    watch: Watch<'_>,
) -> Result<(BuildRoot<'a>, Vec<LockedPackage>), Error> {
    let Image { target, release, platform, .. } = asked;
    let archive = archives.archive(target, release, platform.architecture.debian())?;
    let lock = asked.lock.filter(|_| asked.locking != Locking::Renew || !asked.moved.is_empty());
    let locked = lock.and_then(|lock| lock.tools(*platform)).unwrap_or_default();
    let moves =
        |package: &LockedPackage| asked.locking == Locking::Renew && asked.moved.contains(&package.name);
    let of_lock = closure(names, locked).filter(|packages| !packages.iter().any(moves));
    let mut packages = if let Some(packages) = of_lock {
        packages
    } else {
        let is_locked = asked.locking == Locking::Locked;
        let others = lock.filter(|_| locked.is_empty()).map(|lock| lock.tools_of_others(*platform));
        let others = others.unwrap_or_default();
        let is_other = |name: &String| others.iter().any(|package| package.name == *name);
        if let Some(lock) = lock.filter(|_| is_locked)
            && let Some(absent) = names.iter().find(|name| !is_other(name))
        {
            return Err(lock.lacks_tools(*platform, [absent.clone()]));
        }
        let roots: Vec<Root> = names.iter().map(|name| Root::of_tool(name)).collect();
        let open = archives.open(&archive, watch)?;
        let index = archives.index_with(&archive, &open, locked)?;
        let mut pins: Vec<LockedPackage> = locked.to_vec();
        for other in others {
            pins.push(LockedPackage { version: here(&index, other)?, ..other.clone() });
        }
        pins.retain(|package| !moves(package));
        let pinned = Pinned { packages: &pins, must_stay: false };
        let choice = choose::choose(&archive, &index, &roots, &FoundRoots::new(), &pinned, &open.priorities)?;
        let is_absent = |name: &&String| !choice.packages.iter().any(|package| package.name == **name);
        if let Some(absent) = names.iter().find(is_absent) {
            let why = format!("{release} has no {absent} for {}", platform.architecture.debian());
            return Err(Error::NoTools { packages: names.to_vec(), why });
        }
        let is_new = |package: &&LockedPackage| {
            !pins.iter().any(|pin| (&pin.name, &pin.version) == (&package.name, &package.version))
        };
        let new: Vec<&LockedPackage> = choice.packages.iter().filter(is_new).collect();
        if let Some(lock) = lock.filter(|_| is_locked && !new.is_empty()) {
            let new = new.iter().map(|package| format!("{} {}", package.name, package.version));
            return Err(lock.lacks_tools(*platform, new));
        }
        choice.packages
    };
    let runtime = archives.unpacked(&archive, release, &mut packages, watch)?;
    let digests: Vec<u8> = packages.iter().flat_map(|package| package.sha256.0).collect();
    let digest = Sha256Digest::of(&digests);
    Ok((BuildRoot { view: Arc::new(Files { runtime }), digest }, packages))
}

/// The version that an index has of what another architecture has in this version: of the same upload, if it was built anew
/// for one of them.
fn here(index: &Index, other: &LockedPackage) -> Result<String, Error> {
    let candidates = index.candidates(&other.name)?;
    let versions = || candidates.iter().map(|candidate| candidate.version.as_str());
    let same = versions().find(|version| *version == other.version);
    let of_upload = || versions().find(|version| upload(version) == upload(&other.version));
    Ok(same.or_else(of_upload).unwrap_or(&other.version).to_owned())
}

/// The files of packages that no image is made of.
struct Files<'a> {
    runtime: Arc<Runtime<'a>>,
}

impl View for Files<'_> {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, ViewError> {
        self.runtime.view().map_or(Ok(None), |view| view.entry(path))
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<String>, ViewError> {
        self.runtime.view().map_or(Ok(vec![]), |view| view.list(dir))
    }
}

#[cfg(test)]
mod tests;
