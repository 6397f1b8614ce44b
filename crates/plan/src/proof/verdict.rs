//! What the closures of an image lack, put together: one problem for each thing that is missing, with
//! everybody who needs it.

use crate::{draft::Draft, finding::Problem, offers, policy, spec::Allow, tables};
use elf::{Closure, FactsMemo};
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// A missing library or version, with everybody who needs it.
type Needs<K> = BTreeMap<K, BTreeSet<TreePath>>;

/// What closures lack.
#[derive(Default)]
pub(super) struct Verdict {
    missing: Needs<String>,
    unusable: BTreeMap<String, (TreePath, String)>,
    /// What to do about libraries that are only there for another C library.
    advice: BTreeMap<String, String>,
    off_path: Needs<(String, TreePath)>,
    versions: Needs<(String, TreePath)>,
    unversioned: Needs<TreePath>,
}

impl Verdict {
    /// Adds what a closure lacks. `names`: for a file that no program is known to load, a library that
    /// is somewhere in the image may be found by the one that does.
    pub fn add(&mut self, closure: Closure, names: Option<&BTreeMap<String, TreePath>>) {
        // Findings name files by where they are, not by how they are opened.
        let mut real: BTreeMap<&TreePath, &TreePath> =
            closure.libraries.iter().map(|library| (&library.path, &library.resolution.path)).collect();
        real.insert(&closure.program, &closure.resolution.path);
        let at = |path: &TreePath| real.get(path).map_or_else(|| path.clone(), |real| (*real).clone());
        for missing in &closure.missing {
            let needed_by = missing.needed_by.iter().map(at);
            let soname = missing.soname.clone();
            if let Some(path) = names.and_then(|names| names.get(&soname)) {
                self.off_path.entry((soname, path.clone())).or_default().extend(needed_by);
                continue;
            }
            if let Some((path, unusable)) = &missing.found_but {
                self.unusable.insert(soname.clone(), (path.clone(), unusable.to_string()));
            }
            self.missing.entry(soname).or_default().extend(needed_by);
        }
        for unversioned in &closure.unversioned {
            let needed_by = unversioned.needed_by.iter().map(at);
            self.unversioned.entry(at(&unversioned.library)).or_default().extend(needed_by);
        }
        for unsatisfied in &closure.unsatisfied {
            let key = (unsatisfied.version.clone(), at(&unsatisfied.library));
            self.versions.entry(key).or_default().extend(unsatisfied.needed_by.iter().map(at));
        }
    }

    /// Notes what to do about a missing library, unless that was noted before.
    pub fn advise(&mut self, soname: &str, advice: &str) {
        self.advice.entry(soname.into()).or_insert_with(|| advice.into());
    }

    /// What is lacking, as problems.
    pub fn problems(self, draft: &Draft, facts: &FactsMemo, allow: &[Allow]) -> Vec<Problem> {
        let allowed = |soname: &str| policy::may_be_unresolved(soname, allow);
        let mut problems = vec![];
        for (soname, needed_by) in self.missing {
            let needed_by: Vec<TreePath> = needed_by.into_iter().collect();
            // What the spec's `dlopen` alone asks for was told when it was not found.
            if allowed(&soname) || needed_by.len() == 1 && draft.tells_dlopen(&soname) {
                continue;
            }
            let first = needed_by.first().map(|path| draft.reasons.chain(path)).unwrap_or_default();
            let chain = first.into_iter().map(|(path, _)| path).collect();
            let packages = tables::packages_with(&soname);
            let unusable = self.unusable.get(&soname).or(draft.unusable.get(&soname)).cloned();
            let advice = self.advice.get(&soname).cloned();
            problems.push(Problem::MissingLibrary { soname, needed_by, chain, packages, unusable, advice });
        }
        problems.extend(offers::problems(draft, facts, self.versions, allowed));
        for (library, needed_by) in self.unversioned {
            problems.push(Problem::Unversioned { library, needed_by: needed_by.into_iter().collect() });
        }
        for ((soname, path), needed_by) in self.off_path {
            let needed_by = needed_by.into_iter().collect();
            problems.push(Problem::OffSearchPath { soname, path, needed_by });
        }
        problems
    }
}
