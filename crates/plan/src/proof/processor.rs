//! Do all processors of the platform run the programs?

use super::{Opened, objects::Objects};
use crate::finding::{Finding, Problem};
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// Tells of programs, and of libraries that they start with, that say in their notes that they need a
/// newer x86-64 than the oldest. What lies beside, for processors that have it, is not meant.
pub(super) fn judge(
    objects: &Objects,
    programs: &BTreeMap<TreePath, Vec<Opened>>,
    problems: &mut Vec<Finding>,
) {
    let started = programs
        .iter()
        .flat_map(|(program, opened)| [program].into_iter().chain(opened.iter().map(|opened| &opened.path)));
    let mut by_level: BTreeMap<u32, BTreeSet<&TreePath>> = BTreeMap::new();
    for path in started {
        if let Some(level) = objects.files.get(path).map(|facts| facts.isa_level).filter(|level| *level > 0) {
            by_level.entry(level).or_default().insert(path);
        }
    }
    problems.extend(by_level.into_iter().map(|(level, files)| {
        let level = format!("x86-64-v{}", level.saturating_add(1));
        Finding::new(Problem::NewerProcessor { level, files: files.into_iter().cloned().collect() })
    }));
}
