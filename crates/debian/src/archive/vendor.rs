//! A directory that is a mirror of what is used, for builds without a network.
//!
//! ```text
//! debian/dists/bookworm/InRelease             the releases, as they were signed
//! debian/dists/bookworm/main/binary-amd64/…   the indexes that were used
//! debian/pool/…                               the packages
//! debian-security/…                           the same of the security archive, found beside the other
//! repositories/NAME/…                         further archives
//! ```

use super::access::Access;
use super::error::ArchiveError;
use super::files::{self, Found};
use super::opened::{Archive, Opened};
use super::packages::Wanted;
use super::suites::Suite;
use super::verify::Signed;
use cache::fresh::FreshFile;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// Where a vendored archive is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendored {
    /// The root of the distribution's main archive. Its security archive is beside it.
    pub mirror: PathBuf,
    /// The roots of further archives, by the URLs that they have in the spec.
    pub repositories: BTreeMap<String, PathBuf>,
}

impl Archive {
    /// Writes what was used of this archive, and the packages that are wanted of it, to a directory that works as a
    /// mirror by a `file:` URL. What is there already is replaced file by file, so that several architectures may share a
    /// directory.
    ///
    /// # Errors
    /// When something cannot be had or written.
    pub fn vendor(
        &self,
        dir: &Path,
        wanted: &[Wanted],
        access: Access<'_>,
    ) -> Result<Vendored, ArchiveError> {
        let mut vendored = Vendored::default();
        for (suite, opened) in self.suites.0.iter().zip(&self.opened) {
            let root = dir.join(&suite.folder);
            match &suite.repository {
                Some(url) => drop(vendored.repositories.insert(url.clone(), root.clone())),
                None if suite.required => vendored.mirror = root.clone(),
                None => {}
            }
            if let Some(opened) = opened {
                write_suite(&root, suite, opened, access)?;
            }
        }
        let packages = self.suites.fetch(wanted, access)?;
        for (package, file) in wanted.iter().zip(packages) {
            let folder = self.suites.0.get(package.suite).map_or("", |suite| &suite.folder);
            let path = dir.join(folder).join(package.filename.trim_start_matches("./"));
            write(&path, file)?;
        }
        Ok(vendored)
    }
}

fn write_suite(root: &Path, suite: &Suite, opened: &Opened, access: Access<'_>) -> Result<(), ArchiveError> {
    let at = |name: &str| root.join(suite.place.path(name));
    for used in &opened.used {
        let Found { path, file, .. } = files::file(suite, &opened.held, used.clone(), access)?;
        write(&at(&path), file)?;
    }
    // Last, so that what it lists is there by then.
    match &opened.held.signed {
        Signed::Inline(text) => write_bytes(&at("InRelease"), text),
        Signed::Detached { text, signatures } => {
            write_bytes(&at("Release"), text)?;
            write_bytes(&at("Release.gpg"), signatures)
        }
    }
}

fn write(path: &Path, mut from: File) -> Result<(), ArchiveError> {
    put(path, |to| {
        from.rewind()?;
        io::copy(&mut from, to).map(drop)
    })
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
    put(path, |to| to.write_all(bytes))
}

fn put(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), ArchiveError> {
    let dir = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(dir).and_then(|()| FreshFile::create(dir)).and_then(|mut fresh| {
        fill(fresh.file())?;
        fresh.persist(path)
    });
    written.map_err(|source| ArchiveError::Write { path: path.into(), source })
}
