//! What a run has going on outside of its own process, so that it ends with it: build tools, and the directories that they
//! work in.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tempfile::TempDir;

static LIVE: Mutex<Live> = Mutex::new(Live { groups: BTreeSet::new(), dirs: BTreeSet::new() });

struct Live {
    /// The groups of processes of tools that run, by number.
    groups: BTreeSet<i32>,
    dirs: BTreeSet<PathBuf>,
}

fn live() -> MutexGuard<'static, Live> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every build tool that runs, with all that it started, and removes what they work in: for whoever ends the process
/// before its work is done.
pub fn end_tools() {
    let live = live();
    for group in &live.groups {
        end_group(*group);
    }
    for dir in &live.dirs {
        // What cannot be removed is in the temporary directory, and found by whoever cleans that.
        let _ = std::fs::remove_dir_all(dir);
    }
}

fn end_group(group: i32) {
    if let Some(group) = rustix::process::Pid::from_raw(group) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// A group of processes that ends when this does.
pub(super) struct Group(i32);

impl Group {
    /// The group of a process that leads one.
    pub fn of(leader: u32) -> Option<Self> {
        let group = i32::try_from(leader).ok()?;
        live().groups.insert(group);
        Some(Group(group))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut live = live();
        live.groups.remove(&self.0);
        end_group(self.0);
    }
}

/// A temporary directory that a build tool works in; it goes with its value, or with the process.
pub(crate) struct Workplace {
    dir: TempDir,
}

impl Workplace {
    /// A new one.
    ///
    /// # Errors
    /// When the temporary directory cannot be written.
    pub fn new() -> io::Result<Self> {
        // Between the two, nobody may end the process and leave it there.
        let mut live = live();
        let dir = TempDir::new()?;
        live.dirs.insert(dir.path().into());
        Ok(Workplace { dir })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        live().dirs.remove(self.dir.path());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_workplace_is_known_as_long_as_it_is_there() {
        let place = Workplace::new().unwrap();
        let path = place.path().to_owned();
        assert!(path.is_dir() && live().dirs.contains(&path));
        drop(place);
        assert!(!path.exists() && !live().dirs.contains(&path));
    }
}
