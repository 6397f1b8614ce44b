//! Packages, from whichever mirror has them.

use super::access::{Access, Progress};
use super::error::{ArchiveError, Said};
use super::kept;
use super::suites::{Suites, is_path};
use super::verify::ListedFile;
use fetch::{Digest, Expect, join, masked};
use std::fs::File;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Mutex, PoisonError};
use std::thread;
use tree::Sha256Digest;

/// A package that is wanted: what its index, or a lock, says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its suite, as a position in the archive's [`Suites`].
    pub suite: usize,
    /// Where it is, relative to the archive's root.
    pub filename: String,
    /// The length of the `.deb` in bytes.
    pub size: u64,
    /// The digest of the `.deb`.
    pub sha256: Sha256Digest,
}

impl Suites {
    /// Gets packages, from the cache or a few at a time from the mirrors, each verified while it arrives.
    ///
    /// The files are in the order of `wanted`, open to be read from their start.
    ///
    /// # Errors
    /// When one cannot be had; no other is begun then. What is wrong with each is told.
    pub fn fetch(&self, wanted: &[Wanted], access: Access<'_>) -> Result<Vec<File>, ArchiveError> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let done = Mutex::new(vec![]);
        let work = || {
            loop {
                let at = next.fetch_add(1, Relaxed);
                let Some(package) = wanted.get(at) else { break };
                if failed.load(Relaxed) {
                    break;
                }
                let outcome = self.get(package, access);
                failed.fetch_or(outcome.is_err(), Relaxed);
                done.lock().unwrap_or_else(PoisonError::into_inner).push((at, outcome));
            }
        };
        thread::scope(|scope| {
            for _ in 0..access.jobs.clamp(1, wanted.len().max(1)) {
                scope.spawn(work);
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(at, _)| *at);
        let (mut files, mut errors) = (vec![], vec![]);
        for (_, outcome) in done {
            match outcome {
                Ok(file) => files.push(file),
                Err(error) => errors.push(error),
            }
        }
        match ArchiveError::of(errors) {
            Some(error) => Err(error),
            None => Ok(files),
        }
    }

    fn get(&self, wanted: &Wanted, access: Access<'_>) -> Result<File, ArchiveError> {
        let Wanted { suite, filename, size, sha256 } = wanted;
        let Some(suite) = self.0.get(*suite) else {
            return Err(ArchiveError::NoSuite { filename: filename.clone() });
        };
        // Flat archives have paths that begin with `./`.
        let path = filename.trim_start_matches("./");
        if !is_path(path) {
            return Err(ArchiveError::Path { suite: suite.name.clone(), path: filename.clone() });
        }
        if let Some(file) = access.cache.blob(sha256, *size) {
            return Ok(file);
        }
        let file = kept::new_file(access.cache)?;
        let listed = ListedFile { size: *size, digest: Digest::Sha256(sha256.0) };
        let expect = Expect::exactly(*size, listed.digest);
        let heard = |received| {
            (access.progress)(Progress { path: filename, suite: &suite.name, size: *size, received });
        };
        let asked = suite.roots.ask(None, |root| {
            let url = join(root, path).map_err(Said::Fetch)?;
            access.client.download(&url, &file, &expect, &heard).map_err(Said::Fetch)?;
            Ok(url)
        });
        match asked.map_err(ArchiveError::Fetch)? {
            Ok(url) => {
                let kept = kept::keep(access.cache, &listed, &file);
                kept.map_err(|source| ArchiveError::Read { origin: masked(&url), source })?;
                Ok(file)
            }
            Err(said) => {
                Err(ArchiveError::Package { suite: suite.name.clone(), filename: filename.clone(), said })
            }
        }
    }
}
