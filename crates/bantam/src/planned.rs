//! Plans of a target, whatever its runtime source is.

use crate::{
    Error, Target, build,
    event::{Event, Watch},
    failures::refuse,
    finished::{Finished, FinishedImages},
    languages::{self, Languages},
    lockfile::LockFile,
    notes::Notes,
    open::open,
    packages::{self, Archives},
    remembered::Remembered,
    runtime::{Runtime, Runtimes},
    session::Session,
    vendor::Vendored,
};
use cache::Cache;
use plan::{
    Plan, Sources,
    finding::Problem,
    lock::LockedPackage,
    spec::{Architecture, Platform, Release, RuntimeSource},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What plans the images of a run: they share what they find out about their sources.
pub(crate) struct Planner<'a> {
    session: &'a Session,
    runtimes: Runtimes<'a>,
    images: FinishedImages<'a>,
    archives: Archives<'a>,
    languages: Languages<'a>,
}

impl<'a> Planner<'a> {
    pub fn new(session: &'a Session, cache: &'a Cache, remembered: &'a Remembered, notes: &'a Notes) -> Self {
        let runtimes = Runtimes::new(remembered, notes);
        let images = FinishedImages::new(session, cache);
        let languages = Languages::new(session, cache, remembered);
        Planner { session, runtimes, images, archives: Archives::new(session, cache, notes), languages }
    }

    /// The image that a target is built upon, if it is.
    ///
    /// # Errors
    /// As [`Planner::plans`].
    pub fn base(
        &self,
        target: &Target,
        platform: Platform,
        lock: Option<&LockFile>,
    ) -> Result<Option<Arc<Finished>>, Error> {
        let Some(base) = &target.spec.base else { return Ok(None) };
        self.images.get(target, &base.reference, platform, lock.and_then(LockFile::bases)).map(Some)
    }

    /// A plan for each platform. What the run itself writes, `own`, is part of no payload.
    ///
    /// # Errors
    /// When something cannot be read, or does not fit the lock.
    pub fn plans(
        &self,
        target: &Target,
        platforms: &[Platform],
        lock: Option<&LockFile>,
        own: &[PathBuf],
        watch: Watch<'_>,
    ) -> Result<Vec<Plan>, Error> {
        let plan = |&platform| {
            watch(Event::Planning { name: &target.name, platform });
            let opened = open(target, platform, own, lock, &self.images, &self.runtimes)?;
            let base = self.base(target, platform, lock)?;
            let base = base.as_ref().map(|base| base.base()).transpose()?;
            let (opened, archives) = (&opened, &self.archives);
            let image = languages::Image { target, platform, lock, opened, archives, watch };
            let make = |runtime: &Runtime<'_>, known: &[Problem], pinned| {
                let (brought, tools) = self.languages.bring(&image, runtime)?;
                let sources = Sources {
                    runtime: runtime.view(),
                    base: base.as_ref(),
                    source_image: runtime.pin(),
                    payload: &opened.payload,
                    ca: &opened.ca,
                    brought: &brought,
                    known,
                    pinned,
                    accounts: runtime.accounts(),
                    memo: &runtime.memo,
                };
                let plan = plan::plan(&target.spec, platform, &sources)?;
                Ok(Plan { tools: tools.map(|tools| (tools.builder, tools.packages)), ..plan })
            };
            match &target.spec.runtime.source {
                RuntimeSource::Archive(release) => {
                    let Session { locking, ref moved, .. } = *self.session;
                    let image = packages::Image { target, release, platform, lock, locking, moved };
                    packages::plan(&image, &self.archives, &make, watch)
                }
                _ => make(&opened.runtime, &[], vec![]),
            }
        };
        platforms.iter().map(plan).collect()
    }
}

/// Writes all packages of a target's images into a directory.
///
/// # Errors
/// As [`Planner::plans`]; when an image would not be built; when something cannot be written.
pub(crate) fn vendor(
    target: &Target,
    release: &Release,
    dir: &Path,
    platforms: &[Platform],
    session: &Session,
    watch: Watch<'_>,
) -> Result<Vendored, Error> {
    let cache = Cache::new(session.cache.clone());
    let (remembered, notes) = (Remembered::default(), Notes::read(&cache, [target]));
    let planner = Planner::new(session, &cache, &remembered, &notes);
    let lock = LockFile::read(target, session.lock_file.as_deref(), session.locking)?;
    let platforms = build::platforms_of(target, platforms)?;
    let own: Vec<PathBuf> = [dir.to_path_buf()].into_iter().chain(target.lock_file()).collect();
    let plans = planner.plans(target, &platforms, lock.as_ref(), &own, watch)?;
    refuse(plans.iter().map(|plan| (target, plan.platform, &plan.findings[..])))?;
    let mut vendored = Vendored::default();
    let mut names = BTreeSet::new();
    for (architecture, packages) in packages_of(&plans) {
        let packages: Vec<LockedPackage> = packages.into_values().cloned().collect();
        let written = planner.archives.vendor(target, release, architecture, &packages, dir, watch)?;
        vendored.mirror = written.mirror;
        vendored.repositories.extend(written.repositories);
        names.extend(packages.iter().map(|package| package.sha256));
    }
    if let Some(lock) = &lock
        && let Some(update) = lock.update(&plans, session.locking)?
    {
        build::write_lock(&update, watch)?;
    }
    let artifacts = plans.iter().flat_map(|plan| &plan.language.artifacts);
    let not_kept = artifacts.map(|artifact| artifact.file.clone()).collect();
    Ok(Vendored { packages: names.len(), not_kept, ..vendored })
}

/// The packages that images and their build tools are made of, each once.
fn packages_of(plans: &[Plan]) -> BTreeMap<Architecture, BTreeMap<(&str, &str), &LockedPackage>> {
    let mut all: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for plan in plans {
        let own = (plan.platform, &plan.pinned);
        let tools = plan.tools.iter().map(|(builder, packages)| (*builder, packages));
        for (platform, packages) in [own].into_iter().chain(tools) {
            let of_platform = all.entry(platform.architecture).or_default();
            of_platform.extend(packages.iter().map(|package| ((&*package.name, &*package.version), package)));
        }
    }
    all
}
