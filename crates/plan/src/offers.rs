//! Symbol versions that a library of the image lacks: what it offers instead, and which release of a
//! distribution has them.

use crate::{
    draft::Draft,
    finding::{OfDependency, Problem},
    reason::Reason,
    suites::{self, Suite},
};
use elf::{Facts, FactsMemo, FactsOf, VersionName};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::{TreePath, View};

/// More than any real os-release.
const MAX_OS_RELEASE: u64 = 1 << 20;

/// What a library offers of symbol versions, where one that is needed is not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offers {
    /// Of the same family, up to this one.
    UpTo(String),
    /// Of the same family, up to this one, which is newer than what is needed.
    Beyond(String),
    /// Of other families only: the newest of each.
    Others(Vec<String>),
    /// None at all.
    Nothing,
}

/// The problems of what is missing: version and library, with who needs it.
///
/// Each problem tells the oldest releases that have its version; the releases of its fix are those that
/// have all that is missing. Libraries may be allowed to lack versions, by their sonames.
pub(crate) fn problems(
    draft: &Draft,
    facts: &FactsMemo,
    mut missing: BTreeMap<(String, TreePath), BTreeSet<TreePath>>,
    allowed: impl Fn(&str) -> bool,
) -> Vec<Problem> {
    let os_release = os_release(draft);
    let distributions = suites::distributions(&os_release);
    let facts_at = |path: &TreePath| -> Option<Arc<Facts>> {
        let found = draft.tree.follow(path).ok()?;
        facts.facts_of(&found.path, found.entry.as_ref()?.content()?).ok()?
    };
    let libraries: BTreeMap<TreePath, Option<Arc<Facts>>> =
        missing.keys().map(|(_, path)| (path.clone(), facts_at(path))).collect();
    let soname_of = |path: &TreePath| -> String {
        let facts = libraries.get(path).and_then(Option::as_ref);
        facts.and_then(|facts| facts.soname.clone()).unwrap_or_else(|| path.name().into())
    };
    missing.retain(|(_, library), _| !allowed(&soname_of(library)));
    let all: Vec<(String, String)> =
        missing.keys().map(|(version, library)| (soname_of(library), version.clone())).collect();
    let oldest = |needs: &[(String, String)]| -> Vec<Suite> {
        let needs: Vec<suites::Need<'_>> =
            needs.iter().map(|(soname, version)| (soname.as_str(), version.as_str())).collect();
        distributions.iter().filter_map(|distribution| suites::oldest_with(distribution, &needs)).collect()
    };
    let for_all = oldest(&all);
    let made_of = pretty_name(&os_release);
    let problem = |((version, library), needed_by): ((String, TreePath), BTreeSet<TreePath>)| {
        let offers = match libraries.get(&library).and_then(Option::as_ref) {
            Some(facts) => offers(facts, &version),
            None => Offers::Nothing,
        };
        let suites = oldest(&[(soname_of(&library), version.clone())]);
        // Nothing has all: then each is advised for itself.
        let fix = if for_all.is_empty() { suites.clone() } else { for_all.clone() };
        let of_dependency = needed_by.first().and_then(|path| {
            draft.reasons.of(path).iter().find_map(|reason| match reason {
                Reason::OfDependency { dependency, .. } => Some(Box::new(OfDependency {
                    dependency: dependency.clone(),
                    soname: soname_of(&library),
                })),
                _ => None,
            })
        });
        Problem::MissingVersion {
            version,
            library,
            needed_by: needed_by.into_iter().collect(),
            offers,
            suites,
            fix,
            made_of: made_of.clone(),
            of_dependency,
        }
    };
    missing.into_iter().map(problem).collect()
}

/// What a library offers to who needs this version.
fn offers(library: &Facts, version: &str) -> Offers {
    let defined = library.version_definitions.iter().map(String::as_str);
    let newest = VersionName::newest(defined.filter(|name| !elf::is_private_version(name)));
    // Names without a number are of the family that they begin with: GLIBC_ABI_DT_RELR of GLIBC.
    let of_family = |name: &&&str| match (VersionName::parse(name), VersionName::parse(version)) {
        (Some(offered), Some(needed)) => offered.family == needed.family,
        (Some(offered), None) => {
            version.strip_prefix(offered.family).is_some_and(|rest| rest.starts_with(['_', '.']))
        }
        _ => false,
    };
    let number = |name: &str| VersionName::parse(name).map(|version| version.number);
    match newest.iter().find(of_family) {
        Some(name) if number(version).is_some_and(|needed| number(name) > Some(needed)) => {
            Offers::Beyond((*name).to_owned())
        }
        Some(name) => Offers::UpTo((*name).to_owned()),
        None if newest.is_empty() => Offers::Nothing,
        None => Offers::Others(newest.into_iter().map(String::from).collect()),
    }
}

fn os_release(draft: &Draft) -> String {
    let read = |path: &str| -> Option<String> {
        let found = draft.tree.follow(&TreePath::parse(path).ok()?).ok()?;
        let bytes = found.entry.as_ref()?.content()?.read(MAX_OS_RELEASE).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    read("/etc/os-release").or_else(|| read("/usr/lib/os-release")).unwrap_or_default()
}

fn pretty_name(os_release: &str) -> Option<String> {
    let line = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let name = line.trim_matches(['"', '\'']);
    (!name.is_empty() && name != "Linux").then(|| name.to_owned())
}
