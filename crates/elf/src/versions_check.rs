//! Do the libraries of a process have the symbol versions that are needed of them? glibc checks
//! this before anything runs; musl does not look at versions.

use crate::closure::{Closure, Missing, Process, Unsatisfied, Unversioned};
use std::collections::{BTreeMap, HashMap, HashSet};
use tree::TreePath;

/// Puts into `closure` the versions that are not there, in load order of the libraries.
///
/// A library without definitions is passed with a warning, unless its symbols have no versions at
/// all: then glibc stops with a failed assertion as soon as it looks for a symbol there. The library
/// of a needed version is found by name among everything loaded.
pub(crate) fn check_versions(process: &mut Process<'_>, closure: &mut Closure) {
    let mut unsatisfied: BTreeMap<(usize, &str), Vec<TreePath>> = BTreeMap::new();
    let mut unversioned: BTreeMap<usize, Vec<TreePath>> = BTreeMap::new();
    let mut unbound: Vec<(&str, &TreePath)> = vec![];
    let mut defined: HashMap<usize, HashSet<&str>> = HashMap::new();
    for object in &process.objects {
        for need in &object.facts.version_needs {
            let Some(bound) = process.object(&need.library) else {
                // A loader that is not there is told as such.
                if process.is_loader(&need.library) {
                    continue;
                }
                unbound.push((&need.library, &object.path));
                continue;
            };
            let library = &process.objects[bound].facts;
            let definitions = || library.version_definitions.iter().map(String::as_str).collect();
            let defined = defined.entry(bound).or_insert_with(definitions);
            let needed_by = if library.version_definitions.is_empty() && library.has_version_table {
                unversioned.entry(bound).or_default()
            } else if library.has_version_table && (need.weak || defined.contains(&*need.version)) {
                continue;
            } else {
                unsatisfied.entry((bound, &need.version)).or_default()
            };
            if needed_by.last() != Some(&object.path) {
                needed_by.push(object.path.clone());
            }
        }
    }
    let path = |bound: usize| process.objects[bound].path.clone();
    closure.unversioned = unversioned
        .into_iter()
        .map(|(bound, needed_by)| Unversioned { library: path(bound), needed_by })
        .collect();
    closure.unsatisfied = unsatisfied
        .into_iter()
        .map(|((bound, version), needed_by)| Unsatisfied {
            version: version.into(),
            library: path(bound),
            needed_by,
            without_table: !process.objects[bound].facts.has_version_table,
        })
        .collect();
    // By name: where it is among what is missing already.
    let names = process.missing.iter().map(|missing| missing.soname.clone());
    let known: HashSet<String> = names.collect();
    let mut at: HashMap<&str, usize> = HashMap::new();
    let mut missing: Vec<Missing> = vec![];
    for (soname, path) in unbound.into_iter().filter(|(soname, _)| !known.contains(*soname)) {
        let at = *at.entry(soname).or_insert_with(|| {
            missing.push(Missing { soname: soname.into(), needed_by: vec![], found_but: None });
            missing.len() - 1
        });
        if missing[at].needed_by.last() != Some(path) {
            missing[at].needed_by.push(path.clone());
        }
    }
    process.missing.extend(missing);
}
