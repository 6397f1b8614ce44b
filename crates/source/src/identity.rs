//! What the file system says of files that were left alone.

use std::time::{SystemTime, UNIX_EPOCH};
use tree::{FileIdentity, Known};

/// Who remembers what was known of files in earlier runs.
pub trait Memory: Sync {
    /// What is known of the file with this identity.
    fn known(&self, identity: &FileIdentity) -> Known;
}

/// A memory of nothing.
pub struct NoMemory;

impl Memory for NoMemory {
    fn known(&self, _: &FileIdentity) -> Known {
        Known::default()
    }
}

const SECOND: i128 = 1_000_000_000;

/// How long ago a file must have been changed for its times to tell all later changes: longer than a
/// tick of the kernel's clock, which stamps files a hundred times a second or more often.
const TICK: i128 = SECOND / 50;

/// The same where times are in whole seconds, or in two.
const COARSE: i128 = 2 * SECOND;

/// The moment before which files must have been changed last to have an identity. It is taken before
/// the first of them is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(i128);

impl Moment {
    pub fn now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        Moment(i128::try_from(now).unwrap_or(0))
    }

    /// The identity of a file that was left alone for long enough, and what is known of it.
    pub fn recall(self, identity: FileIdentity, memory: &dyn Memory) -> (Option<FileIdentity>, Known) {
        let identity = self.settled(identity);
        (identity, identity.map(|identity| memory.known(&identity)).unwrap_or_default())
    }

    /// The identity itself, if the file was left alone for long enough.
    fn settled(self, identity: FileIdentity) -> Option<FileIdentity> {
        let FileIdentity { mtime, ctime, .. } = identity;
        let margin = if ctime % SECOND == 0 { COARSE } else { TICK };
        (mtime.max(ctime) < self.0.saturating_sub(margin)).then_some(identity)
    }
}

/// Nanoseconds since 1970, of what `stat` says.
pub(crate) fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * SECOND + i128::from(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_just_now_has_no_identity() {
        let at = |mtime, ctime| FileIdentity { device: 1, inode: 2, size: 3, mtime, ctime };
        let now = Moment(100 * SECOND);
        for (mtime, ctime, settled) in [
            (0, 90 * SECOND + 1, true),
            (99 * SECOND + 5, 99 * SECOND + 5, true),
            (0, 100 * SECOND - TICK + 1, false),
            (0, 98 * SECOND, false),
            (0, 97 * SECOND, true),
            (200 * SECOND, 1, false),
        ] {
            assert_eq!(now.settled(at(mtime, ctime)).is_some(), settled, "{mtime} {ctime}");
        }
    }
}
