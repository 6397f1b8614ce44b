//! All packages of a spec in a directory, for builds without a network.

use crate::{Error, Session, Target, event::Watch, planned};
use plan::spec::{Platform, RuntimeSource};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// What was put into a directory.
#[derive(Debug, Clone, Default)]
pub struct Vendored {
    /// The root of the distribution's archive.
    pub mirror: PathBuf,
    /// Those of further archives, by the addresses that they have in the spec.
    pub repositories: BTreeMap<String, PathBuf>,
    /// How many packages there are.
    pub packages: usize,
    /// The files of packages of languages, which are not among them: they are in the cache only.
    pub not_kept: BTreeSet<String>,
}

/// Writes all packages of a target's images into a directory that works as a mirror.
///
/// # Errors
/// When the target is made of no packages, or they cannot be had or written.
pub fn vendor(
    target: &Target,
    dir: &Path,
    platforms: &[Platform],
    session: &Session,
    watch: Watch<'_>,
) -> Result<Vendored, Error> {
    let RuntimeSource::Archive(release) = &target.spec.runtime.source else {
        let source = &target.spec.runtime.source;
        return Err(Error::Usage(format!(
            "{} takes no packages of an archive: its source is `{source}`",
            target.shown()
        )));
    };
    planned::vendor(target, release, dir, platforms, session, watch)
}
