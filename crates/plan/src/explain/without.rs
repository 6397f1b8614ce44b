//! What would go if something went.

use super::{Graph, Place, Record};
use crate::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// What would be left of an image, and left wanting, without some of its paths.
#[derive(Debug)]
pub struct Without<'a> {
    /// What is taken away: the paths that were asked about.
    pub removed: BTreeSet<TreePath>,
    /// All that would go, what is taken away among it.
    pub gone: BTreeMap<&'a TreePath, &'a Place>,
    /// Programs that stay and would no longer start.
    pub programs: BTreeSet<&'a TreePath>,
    /// Other files that stay and could no longer be loaded, where no program above needs them.
    pub others: BTreeSet<&'a TreePath>,
    /// What stays and would no longer find something that it loads by name while running.
    pub missed: Vec<Missed<'a>>,
    /// Is the process's own program among what would not start, or gone?
    pub stops_process: bool,
}

/// A file that somebody loads by name, and would not find.
#[derive(Debug, PartialEq, Eq)]
pub struct Missed<'a> {
    /// Who loads it, in words.
    pub who: &'a str,
    /// The file.
    pub path: &'a TreePath,
    /// What for.
    pub purpose: &'a str,
}

impl Without<'_> {
    /// How many files would go, and their bytes.
    pub fn files(&self) -> (usize, u64) {
        let files = self.gone.values().filter(|place| place.kind != super::PlaceKind::Directory);
        files.fold((0, 0), |(count, size), place| (count + 1, size + place.size()))
    }
}

impl Record {
    /// What would go, and what would miss it, if these paths were not in the image.
    pub fn without(&self, removed: BTreeSet<TreePath>) -> Without<'_> {
        let (before, after) = (Graph::new(self), Graph::without(self, &removed));
        let gone: BTreeMap<&TreePath, &Place> = self
            .places
            .iter()
            .filter(|(path, _)| {
                removed.contains(*path) || before.is_explained(path) && !after.is_explained(path)
            })
            .collect();
        let broken = self.broken(&removed, &gone);
        let started: BTreeSet<&TreePath> = self
            .places
            .values()
            .flat_map(|place| &place.reasons)
            .filter_map(|reason| match reason {
                Reason::Interprets { program } => Some(program),
                _ => None,
            })
            .collect();
        let (programs, libraries): (BTreeSet<&TreePath>, BTreeSet<&TreePath>) =
            broken.iter().partition(|path| started.contains(*path));
        // A library that a broken program needs is told by that program.
        let is_told = |path: &TreePath| {
            let reasons = self.places.get(path).into_iter().flat_map(|place| &place.reasons);
            needers(reasons).any(|by| broken.contains(by))
        };
        let others = libraries.into_iter().filter(|path| !is_told(path)).collect();
        let missed = gone
            .iter()
            .flat_map(|(path, place)| place.reasons.iter().map(move |reason| (*path, reason)))
            .filter_map(|(path, reason)| match reason {
                Reason::LoadedByName { by, who, purpose }
                    if by.as_ref().is_none_or(|by| !gone.contains_key(by)) =>
                {
                    Some(Missed { who, path, purpose })
                }
                _ => None,
            })
            .collect();
        let of_process = |path: &&TreePath| {
            let reasons = self.places.get(*path).into_iter().flat_map(|place| &place.reasons);
            reasons.into_iter().any(|reason| matches!(reason, Reason::Entrypoint { .. }))
        };
        let stops_process = programs.iter().any(of_process) || gone.keys().any(of_process);
        Without { removed, gone, programs, others, missed, stops_process }
    }

    /// What stays and needs something that is removed, or something else that needs it.
    fn broken<'a>(
        &'a self,
        removed: &BTreeSet<TreePath>,
        gone: &BTreeMap<&'a TreePath, &'a Place>,
    ) -> BTreeSet<&'a TreePath> {
        let mut broken = BTreeSet::new();
        let mut todo: Vec<&Place> = removed.iter().filter_map(|path| self.places.get(path)).collect();
        while let Some(place) = todo.pop() {
            for by in needers(&place.reasons).filter(|by| !gone.contains_key(*by)) {
                if let Some((path, place)) = self.places.get_key_value(by)
                    && broken.insert(path)
                {
                    todo.push(place);
                }
            }
        }
        broken
    }
}

/// Who cannot be started or loaded without what has these reasons.
fn needers<'a>(reasons: impl IntoIterator<Item = &'a Reason>) -> impl Iterator<Item = &'a TreePath> {
    reasons.into_iter().filter_map(|reason| match reason {
        Reason::NeededBy { by, .. } => Some(by),
        Reason::Interprets { program } => Some(program),
        _ => None,
    })
}
