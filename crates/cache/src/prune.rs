//! Removing what was not used for long.

use crate::blob::note_path;
use crate::error::CacheError;
use crate::fresh;
use crate::scan::{Entry, EntryKind, Usage, scan};
use crate::used::MARK_EVERY;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

/// What may stay in a cache.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Entries go that were not used for so long.
    pub max_age: Option<Duration>,
    /// Of the rest, the least recently used go until all together have at most so many bytes. What is
    /// not pruned does not count.
    pub max_bytes: Option<u64>,
    /// Prune the images of builds without a destination, too. They are one entry.
    pub images: bool,
    /// Remove nothing, but tell what would be.
    pub dry_run: bool,
}

/// What was removed.
#[derive(Debug)]
pub struct Pruned {
    /// What went.
    pub removed: Usage,
    /// What is left.
    pub kept: Usage,
    /// How many entries stayed beyond the limits because a build that is running may use them.
    pub in_use: u64,
    /// What could not be removed.
    pub failed: Vec<CacheError>,
}

/// While a build runs, what was used in this time stays: it may have used it a moment ago, and not
/// marked it because it was marked before.
const GRACE: Duration = Duration::from_secs(MARK_EVERY.as_secs() + 10 * 60);

/// A temporary that no lock tells of stays so long.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn prune(dir: &Path, limits: &Limits) -> Result<Pruned, CacheError> {
    let mut entries = scan(dir)?;
    // Nobody who works here: then all may go. It is held so that of two that prune, one is careful.
    let alone = File::open(dir).ok().filter(|dir| dir.try_lock().is_ok());
    let grace = if alone.is_some() { Duration::ZERO } else { GRACE };

    entries.sort_by(|a, b| b.age.cmp(&a.age).then_with(|| a.path.cmp(&b.path)));
    let counts = |entry: &Entry| match entry.kind {
        EntryKind::Images => limits.images,
        EntryKind::Temporary => false,
        _ => true,
    };
    let too_old = |entry: &Entry| limits.max_age.is_some_and(|max| entry.age >= max);
    let young = entries.iter().filter(|entry| counts(entry) && !too_old(entry));
    let mut bytes: u64 = young.map(|entry| entry.bytes).sum();

    let mut pruned = Pruned { removed: Usage::default(), kept: Usage::default(), in_use: 0, failed: vec![] };
    let (mut removed, mut kept) = (vec![], vec![]);
    for entry in &entries {
        let mut goes = entry.kind == EntryKind::Temporary || counts(entry) && too_old(entry);
        if !goes && counts(entry) && limits.max_bytes.is_some_and(|max| bytes > max) {
            goes = true;
            bytes -= entry.bytes;
        }
        if goes && counts(entry) && entry.age < grace {
            pruned.in_use += 1;
            goes = false;
        }
        let gone = goes
            && remove(dir, entry, limits.dry_run).unwrap_or_else(|source| {
                pruned.failed.push(CacheError::Remove { path: entry.path.clone(), source });
                false
            });
        if gone { &mut removed } else { &mut kept }.push(entry);
    }
    pruned.removed = Usage::of(removed);
    pruned.kept = if limits.dry_run { Usage::of(kept) } else { Usage::of(&scan(dir)?) };
    Ok(pruned)
}

/// Removes an entry; not, if somebody is at work on it. One that is gone already was removed.
fn remove(dir: &Path, entry: &Entry, dry_run: bool) -> io::Result<bool> {
    let removed = match entry.kind {
        EntryKind::Temporary => remove_temporary(entry, dry_run),
        EntryKind::Images => remove_images(dir, &entry.path, dry_run),
        _ if dry_run => Ok(true),
        EntryKind::Blobs => {
            let removed = fs::remove_file(&entry.path);
            let _ = fs::remove_file(note_path(&entry.path));
            removed.map(|()| true)
        }
        _ => fs::remove_file(&entry.path).map(|()| true),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        removed => removed,
    }
}

fn remove_temporary(entry: &Entry, dry_run: bool) -> io::Result<bool> {
    let ours = entry.path.file_name().is_some_and(fresh::is_temporary);
    let lock = if ours { fresh::abandoned(&entry.path) } else { None };
    if lock.is_none() && (ours || entry.age < FORGOTTEN) {
        return Ok(false);
    }
    if !dry_run {
        fresh::remove(&entry.path)?;
    }
    Ok(true)
}

/// Removes the images in one step, under the lock that those who add to them take.
fn remove_images(dir: &Path, images: &Path, dry_run: bool) -> io::Result<bool> {
    let lock = File::open(images)?;
    if lock.try_lock().is_err() {
        return Ok(false);
    }
    if !dry_run {
        let away = fresh::FreshDir::create(dir)?;
        fs::rename(images, away.path())?;
        fs::remove_dir_all(away.path())?;
    }
    Ok(true)
}
