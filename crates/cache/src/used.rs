//! When an entry was last used, which is the modification time of a file.

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use std::fs::{File, Metadata};
use std::time::{Duration, SystemTime};

/// An entry that is used is marked as used when it was not for so long: marks are writes.
pub(crate) const MARK_EVERY: Duration = Duration::from_secs(60 * 60);

/// How long an entry was not used. A time in the future is as far away as one in the past: some clock
/// was wrong, and nothing of it must stay for ever.
pub(crate) fn age(meta: &Metadata) -> Duration {
    let Ok(used) = meta.modified() else { return Duration::MAX };
    SystemTime::now().duration_since(used).unwrap_or_else(|future| future.duration())
}

/// Marks as used now the entry whose mark this file is. Who may not do that has not used it.
pub(crate) fn mark(file: &File, meta: &Metadata) {
    if age(meta) > MARK_EVERY {
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let _ = futimens(file, &Timestamps { last_access: now, last_modification: now });
    }
}
