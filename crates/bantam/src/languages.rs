//! What languages bring to the images of a run, and the build tools that they get from archives of packages.

use crate::{
    Error, Locking, Target,
    event::{Event, Watch},
    lockfile::LockFile,
    open::Opened,
    packages::{self, Archives},
    runtime::Runtime,
    session::Session,
};
use cache::Cache;
use fetch::Client;
use language::{Ask, BuildRoot, BuildTools, LanguageError, Workshop};
use plan::{
    Brought,
    expand::Vars,
    lock::{LockedLanguage, LockedPackage, united},
    spec::{Architecture, Platform, RuntimeSource},
};
use source::Memory;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};
use tree::Tree;

/// What brings the languages of a run's images.
pub(crate) struct Languages<'a> {
    session: &'a Session,
    cache: &'a Cache,
    memory: &'a dyn Memory,
    client: OnceLock<Client>,
    /// What this run pinned for an image: what was resolved for one round of its plan is not resolved for the next.
    pinned: Mutex<BTreeMap<(String, Platform), LockedLanguage>>,
}

/// One image, and what its languages are asked with.
pub(crate) struct Image<'i, 'a> {
    pub target: &'i Target,
    pub platform: Platform,
    pub lock: Option<&'i LockFile>,
    pub opened: &'i Opened<'a>,
    pub archives: &'i Archives<'a>,
    pub watch: Watch<'i>,
}

impl<'a> Languages<'a> {
    pub fn new(session: &'a Session, cache: &'a Cache, memory: &'a dyn Memory) -> Self {
        Languages { session, cache, memory, client: OnceLock::new(), pinned: Mutex::default() }
    }

    /// What the languages of an image bring, from a runtime source; and the packages that build tools were made of.
    ///
    /// # Errors
    /// When something cannot be had, a tool fails, or the lock does not fit.
    pub fn bring(
        &self,
        image: &Image<'_, '_>,
        runtime: &Runtime<'_>,
    ) -> Result<(Brought, Option<Tools>), Error> {
        let Image { target, platform, lock, opened, watch, .. } = *image;
        let spec = &target.spec;
        if spec.python.is_none() && spec.node.is_none() && spec.java.is_none() {
            return Ok((Brought::default(), None));
        }
        let Some(Platform { architecture: builder, .. }) = crate::build::host_platform() else {
            return Err(Error::UnknownBuilder { architecture: std::env::consts::ARCH });
        };
        let nothing = Tree::new();
        let tools = PackagedTools { session: self.session, image, builder, used: Mutex::default() };
        let client = self.client.get_or_init(|| {
            let logins = fetch::Logins::of_user();
            let options =
                fetch::Options { offline: self.session.offline, logins, ..fetch::Options::default() };
            Client::new(options)
        });
        let workshop = Workshop {
            cache: self.cache,
            client,
            memory: self.memory,
            offline: self.session.offline,
            locked: self.session.locking == Locking::Locked,
            jobs: self.session.jobs,
            builder,
            tools: &tools,
            notice: &|text| watch(Event::Notice { text, details: &[] }),
        };
        let vars = Vars::of(platform, spec.runtime.variant);
        let kept = lock
            .and_then(|lock| lock.language(platform))
            .filter(|language| stays(language, self.session.locking, &self.session.moved));
        let image = (target.shown(), platform);
        let pinned = self.pinned().get(&image).cloned();
        let ask = Ask {
            spec,
            folder: &target.folder,
            platform,
            runtime: runtime.view().unwrap_or(&nothing),
            payload: &plan::placed(&spec.files, &opened.payload, &vars),
            pinned: pinned.as_ref().or(kept),
            workshop: &workshop,
        };
        let brought = language::bring(&ask)
            .map_err(|source| Error::Language { shown: target.shown(), source: Box::new(source) })?;
        if !brought.pins.is_empty() {
            self.pinned().insert(image, brought.pins.clone());
        }
        let packages = united(tools.used.into_inner().unwrap_or_else(PoisonError::into_inner));
        let tools = (!packages.is_empty()).then(|| Tools { builder: Platform::linux(builder), packages });
        Ok((brought, tools))
    }

    fn pinned(&self) -> MutexGuard<'_, BTreeMap<(String, Platform), LockedLanguage>> {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Do the pins of languages stay? They move together: what is chosen for one of them depends on the others.
fn stays(language: &LockedLanguage, locking: Locking, moved: &[String]) -> bool {
    let moves = || language.artifacts.iter().any(|artifact| moved.contains(&artifact.name));
    locking != Locking::Renew || !moved.is_empty() && !moves()
}

/// The packages that build tools were made of.
pub(crate) struct Tools {
    /// The machine that they run on.
    pub builder: Platform,
    /// By name, each once.
    pub packages: Vec<LockedPackage>,
}

/// Build tools from the archive that an image takes its packages from.
struct PackagedTools<'t, 'i, 'a> {
    session: &'t Session,
    image: &'t Image<'i, 'a>,
    builder: Architecture,
    /// What was used of the builder's own architecture, for each tool.
    used: Mutex<Vec<LockedPackage>>,
}

impl BuildTools for PackagedTools<'_, '_, '_> {
    fn root(&self, packages: &[String], architecture: Architecture) -> Result<BuildRoot<'_>, LanguageError> {
        let Image { target, lock, archives, watch, .. } = *self.image;
        let RuntimeSource::Archive(release) = &target.spec.runtime.source else {
            return Err(LanguageError::NoPackages {
                packages: packages.to_vec(),
                purpose: "a build tool".into(),
                why: format!("{} is no archive of packages", target.source()),
            });
        };
        let platform = Platform::linux(architecture);
        let Session { locking, ref moved, .. } = *self.session;
        let asked = packages::Image { target, release, platform, lock, locking, moved };
        let failed = |error: Error| LanguageError::Tools(Box::new(error));
        let (root, chosen) = packages::tools(&asked, packages, archives, watch).map_err(failed)?;
        if architecture == self.builder {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).extend(chosen);
        }
        Ok(root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::lock::{ArtifactKind, LockedArtifact};
    use tree::Sha256Digest;

    #[test]
    fn pins_of_languages_move_where_one_is_named() {
        let flask = LockedArtifact {
            kind: ArtifactKind::Wheel,
            name: "flask".into(),
            version: "3".into(),
            file: "flask-3.whl".into(),
            sha256: Sha256Digest([1; 32]),
            size: 1,
            date: 0,
            url: None,
        };
        let language = LockedLanguage { artifacts: vec![flask], ..LockedLanguage::default() };
        for (locking, moved, expected) in [
            (Locking::Refresh, &[][..], true),
            (Locking::Locked, &[], true),
            (Locking::Renew, &[], false),
            (Locking::Renew, &["libssl3"], true),
            (Locking::Renew, &["libssl3", "flask"], false),
        ] {
            let moved: Vec<String> = moved.iter().map(ToString::to_string).collect();
            assert_eq!(stays(&language, locking, &moved), expected, "{locking:?} {moved:?}");
        }
    }
}
