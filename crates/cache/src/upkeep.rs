//! Pruning that nobody asks for: a cache must not grow without end.

use crate::cache::Cache;
use crate::prune::{Limits, Pruned};
use crate::used;
use std::fs;
use std::time::Duration;

/// The file whose modification time says when a cache was last pruned so.
const MARK: &str = "pruned";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What was not used for so long goes.
const MAX_AGE: Duration = Duration::from_secs(30 * DAY.as_secs());

/// No more than this is left, in bytes.
const MAX_BYTES: u64 = 20 << 30;

impl Cache {
    /// Prunes its own directory, if that was not done for a day: what was not used for 30 days goes, and then the least
    /// recently used beyond 20 GiB. Images that were asked for stay. It is safe beside builds, and says what it did.
    ///
    /// It never fails: what cannot be removed today may be tomorrow.
    pub fn upkeep(&self) -> Option<Pruned> {
        let place = self.own();
        let mark = place.dir.join(MARK);
        let known = fs::symlink_metadata(&mark).ok().filter(fs::Metadata::is_file);
        if known.as_ref().is_some_and(|meta| used::age(meta) < DAY) {
            return None;
        }
        if !place.dir.is_dir() {
            return None;
        }
        // First the mark, so that of two that end at once one prunes, and no failure is tried again at once. Where
        // there is no cache, none is made.
        place.write(&mark, &[]).ok()?;
        // In a cache that is new nothing is old.
        known?;
        self.prune(&Limits { max_age: Some(MAX_AGE), max_bytes: Some(MAX_BYTES), ..Limits::default() }).ok()
    }
}
