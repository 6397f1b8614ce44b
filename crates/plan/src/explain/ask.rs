//! What somebody means who asks about an image: a path, a program, a library, a package.

use super::{PlaceKind, Record};
use crate::{nearest::nearest, reason::Reason};
use std::collections::BTreeSet;
use tree::{TreePath, View};

/// What says that a name is that of a package.
const PACKAGE: &str = "package:";

/// How many of several suggestions are worth reading.
const FEW: usize = 3;

/// What was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Something that stands in the image; several where a bare name stands for several.
    Places(Vec<Subject>),
    /// A package of which files are in the image, by its key in [`Record::packages`].
    Package(String),
    /// Nothing of the image.
    Nothing,
}

/// Something that stands in the image, and how it is come to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Links that stand for it, in the order in which they are followed: what was asked about first.
    pub links: Vec<TreePath>,
    /// Where they lead; a link itself where it leads nowhere.
    pub path: TreePath,
}

/// Finds what a text means: `/a/path`, also through links; `git`, a program on the image's PATH;
/// `libz.so.1`, a library by its soname or name; `zlib1g` or `package:zlib1g`, a package; else any
/// file by its name.
pub fn find(record: &Record, text: &str) -> Asked {
    if let Some(name) = text.strip_prefix(PACKAGE) {
        return package(record, name).map_or(Asked::Nothing, Asked::Package);
    }
    let subjects: BTreeSet<Subject> = if text.contains('/') {
        TreePath::root().join(text).ok().and_then(|path| subject(record, &path)).into_iter().collect()
    } else if let Some(program) = on_path(record, text) {
        BTreeSet::from([program])
    } else if let Some(package) = package(record, text).filter(|_| !text.contains(".so")) {
        return Asked::Package(package);
    } else {
        called(record, text)
    };
    if subjects.is_empty() { Asked::Nothing } else { Asked::Places(subjects.into_iter().collect()) }
}

/// The package of this name, by its key.
pub fn package(record: &Record, name: &str) -> Option<String> {
    let known = |key: &&String| **key == name || key.split_once(':').is_some_and(|(of, _)| of == name);
    record.packages.keys().find(known).cloned()
}

/// What may have been meant by a text that means nothing: the same name elsewhere, else what is
/// written much like it.
pub fn nearest_to(record: &Record, text: &str) -> Vec<String> {
    let packages = || record.packages.keys().map(String::as_str);
    if let Some(name) = text.strip_prefix(PACKAGE) {
        return nearest(name, packages()).map(|name| format!("{PACKAGE}{name}")).into_iter().collect();
    }
    let (dir, name) = text.rsplit_once('/').map_or((None, text), |(dir, name)| (Some(dir), name));
    let named: Vec<String> =
        record.places.keys().filter(|path| path.name() == name).take(FEW).map(TreePath::to_string).collect();
    if dir.is_none() || !named.is_empty() {
        let known = || record.places.keys().map(TreePath::name).chain(packages());
        let near = || nearest(name, known()).map(String::from);
        return if named.is_empty() { near().into_iter().collect() } else { named };
    }
    let dir = dir.and_then(|dir| TreePath::root().join(dir).ok()).unwrap_or_else(TreePath::root);
    let dir = record.follow(&dir).map_or(dir, |found| found.path);
    let beside = || record.places.keys().filter(|path| path.parent().as_ref() == Some(&dir));
    let near = nearest(name, beside().map(TreePath::name)).map(|name| dir.child(name));
    let all = || nearest(name, record.places.keys().map(TreePath::name));
    let elsewhere = || record.places.keys().filter(|path| Some(path.name()) == all()).take(FEW);
    match near {
        Some(path) => vec![path.to_string()],
        None => elsewhere().map(TreePath::to_string).collect(),
    }
}

/// What stands at a path, with the links that stand for it.
fn subject(record: &Record, path: &TreePath) -> Option<Subject> {
    let found = record.follow(path).ok()?;
    if found.path.is_root() {
        return None;
    }
    // Where the path itself stands, after the links above it.
    let parent = record.follow(&path.parent()?).ok()?;
    let own = parent.path.child(path.name());
    let Some(_) = found.entry else {
        return record.places.contains_key(&own).then(|| Subject { links: vec![], path: own });
    };
    let stands_for_it = |link: &&TreePath| record.follow(link).is_ok_and(|led| led.path == found.path);
    let begin = found.links.iter().position(|link| *link == own).unwrap_or(found.links.len());
    let links = found.links.iter().skip(begin).filter(stands_for_it).cloned().collect();
    Some(Subject { links, path: found.path })
}

fn on_path(record: &Record, name: &str) -> Option<Subject> {
    let dirs = record.search_path.split(':').filter(|dir| !dir.is_empty());
    let paths = dirs.filter_map(|dir| TreePath::root().join(dir).ok()).map(|dir| dir.child(name));
    let found = paths.filter_map(|path| subject(record, &path));
    found.into_iter().find(|found| {
        record.places.get(&found.path).is_some_and(|place| matches!(place.kind, PlaceKind::File(_)))
    })
}

/// Everything with this name, or that is loaded by it.
fn called(record: &Record, name: &str) -> BTreeSet<Subject> {
    let loaded = |reason: &Reason| matches!(reason, Reason::NeededBy { soname, .. } if soname == name);
    let is_called =
        |(path, reasons): (&TreePath, &[Reason])| path.name() == name || reasons.iter().any(loaded);
    let places = record.places.iter();
    let named: Vec<&TreePath> =
        places.filter(|(path, place)| is_called((path, &place.reasons))).map(|(path, _)| path).collect();
    let mut subjects: BTreeSet<Subject> =
        named.into_iter().filter_map(|path| subject(record, path)).collect();
    // A link and what it leads to are one answer.
    let with_links: BTreeSet<TreePath> = subjects
        .iter()
        .filter(|subject| !subject.links.is_empty())
        .map(|subject| subject.path.clone())
        .collect();
    subjects.retain(|subject| !subject.links.is_empty() || !with_links.contains(&subject.path));
    subjects
}
