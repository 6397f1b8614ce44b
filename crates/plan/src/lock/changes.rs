//! What differs between two locks.

use super::{Lock, LockedFile};
use crate::spec::Platform;
use std::{collections::BTreeMap, fmt};
use tree::TreePath;

/// What a newer lock changes, in the order of platforms and paths. [`fmt::Display`] shows a line
/// for each change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockChanges {
    /// The formats, old and new, where they differ.
    pub format: Option<(u32, u32)>,
    /// The sources, old and new, where they differ.
    pub source: Option<(String, String)>,
    /// The files.
    pub files: Vec<(Platform, LockChange)>,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockChange {
    /// Only the newer lock has it.
    Added(LockedFile),
    /// Only the older lock has it.
    Removed(LockedFile),
    /// Both have it, with another content or package.
    Changed {
        /// What it was.
        old: LockedFile,
        /// What it is.
        new: LockedFile,
    },
}

impl LockChanges {
    /// Is all as it was?
    pub fn is_empty(&self) -> bool {
        *self == LockChanges::default()
    }
}

/// What `new` changes of `old`.
pub fn diff(old: &Lock, new: &Lock) -> LockChanges {
    let (before, after) = (by_path(old), by_path(new));
    let mut files: BTreeMap<(Platform, &TreePath), LockChange> = BTreeMap::new();
    for (place, new) in &after {
        match before.get(place) {
            None => {
                files.insert(*place, LockChange::Added((*new).clone()));
            }
            Some(old) if old != new => {
                files.insert(*place, LockChange::Changed { old: (*old).clone(), new: (*new).clone() });
            }
            Some(_) => {}
        }
    }
    for (place, old) in &before {
        if !after.contains_key(place) {
            files.insert(*place, LockChange::Removed((*old).clone()));
        }
    }
    LockChanges {
        format: (old.format != new.format).then_some((old.format, new.format)),
        source: (old.source != new.source).then(|| (old.source.clone(), new.source.clone())),
        files: files.into_iter().map(|((platform, _), change)| (platform, change)).collect(),
    }
}

fn by_path(lock: &Lock) -> BTreeMap<(Platform, &TreePath), &LockedFile> {
    let files = lock.images.iter().flat_map(|(platform, files)| files.iter().map(|file| (*platform, file)));
    files.map(|(platform, file)| ((platform, &file.path), file)).collect()
}

impl fmt::Display for LockChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((old, new)) = self.format {
            writeln!(f, "~ format {old} → {new}")?;
        }
        if let Some((old, new)) = &self.source {
            writeln!(f, "~ source {old} → {new}")?;
        }
        for (platform, change) in &self.files {
            match change {
                LockChange::Added(file) => writeln!(f, "+ {platform} {}{}", file.path, owner(file))?,
                LockChange::Removed(file) => writeln!(f, "- {platform} {}{}", file.path, owner(file))?,
                LockChange::Changed { old, new } if old.package == new.package => {
                    writeln!(f, "~ {platform} {}{}", new.path, owner(new))?;
                }
                LockChange::Changed { old, new } => {
                    let name =
                        |file: &LockedFile| file.package.clone().unwrap_or_else(|| "no package".into());
                    writeln!(f, "~ {platform} {} ({} → {})", new.path, name(old), name(new))?;
                }
            }
        }
        Ok(())
    }
}

fn owner(file: &LockedFile) -> String {
    file.package.as_ref().map(|package| format!(" ({package})")).unwrap_or_default()
}
