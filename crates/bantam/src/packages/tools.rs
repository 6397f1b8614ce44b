//! Build tools that are packages of an image's suite: chosen and unpacked as the image's own, and never part of it.

use super::{
    Archives,
    choose::{self, FoundRoots, Pinned},
    roots::Root,
};
use crate::{Error, Locking, Target, event::Watch, lockfile::LockFile, runtime::Runtime};
use language::BuildRoot;
use plan::{
    lock::LockedPackage,
    spec::{Platform, Release},
};
use std::sync::Arc;
use tree::{Entry, Sha256Digest, TreePath, View, ViewError};

/// What build tools are asked for.
pub(crate) struct Tools<'a> {
    pub target: &'a Target,
    pub release: &'a Release,
    /// The machine that they are of.
    pub platform: Platform,
    pub lock: Option<&'a LockFile>,
    pub locking: Locking,
}

/// A root file system of these packages and what they depend on, and those packages. A lock's pins count where it has
/// all of them.
///
/// # Errors
/// When they cannot be had, or are not in a lock that may not change.
pub(crate) fn tools<'a>(
    asked: &Tools<'_>,
    names: &[String],
    archives: &Archives<'a>,
    watch: Watch<'_>,
) -> Result<(BuildRoot<'a>, Vec<LockedPackage>), Error> {
    let Tools { target, release, platform, .. } = asked;
    let archive = archives.archive(target, release, platform.architecture.debian())?;
    let locked = asked.lock.and_then(|lock| lock.tools(*platform)).unwrap_or_default();
    let has = |name: &String| locked.iter().any(|package| package.name == *name);
    let mut packages = if names.iter().all(has) {
        locked.to_vec()
    } else if let (Locking::Locked, Some(lock)) = (asked.locking, asked.lock) {
        return Err(lock.absent_for(*platform));
    } else {
        let roots: Vec<Root> = names.iter().map(|name| Root::of_tool(name)).collect();
        let open = archives.open(&archive, watch)?;
        let index = archives.index_with(&archive, &open, locked)?;
        let pinned = Pinned { packages: locked, must_stay: false };
        let choice = choose::choose(&archive, &index, &roots, &FoundRoots::new(), &pinned, &open.priorities)?;
        let is_absent = |name: &&String| !choice.packages.iter().any(|package| package.name == **name);
        if let Some(absent) = names.iter().find(is_absent) {
            let why = format!("{release} has no {absent} for {}", platform.architecture.debian());
            return Err(Error::NoTools { packages: names.to_vec(), why });
        }
        choice.packages
    };
    let runtime = archives.unpacked(&archive, release, &mut packages, watch)?;
    let digests: Vec<u8> = packages.iter().flat_map(|package| package.sha256.0).collect();
    let digest = Sha256Digest::of(&digests);
    Ok((BuildRoot { view: Arc::new(Files { runtime }), digest }, packages))
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
