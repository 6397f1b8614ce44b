//! What stands at each path of an image, and every reason for it.

use crate::{
    LeftOut, Plan, Setting,
    reason::Reason,
    spec::{From, Line, Spec},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Entry, Kind, TreePath, View, ViewError};

/// One image, path by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The image's repository.
    pub name: String,
    /// What it is for, as the OCI writes it.
    pub platform: String,
    /// Where the reasons are from.
    pub basis: Basis,
    /// The spec's file, for its lines; none where there is no spec.
    pub spec: Option<String>,
    /// What stands in the lines of the spec that reasons name.
    pub lines: BTreeMap<Line, String>,
    /// What the image config says, and who said it; nothing where that is not known.
    pub config: Vec<Setting>,
    /// Where the process looks for programs.
    pub search_path: String,
    /// The packages of which files are in the image, by name; where two have one name, by
    /// `name:architecture`.
    pub packages: BTreeMap<String, PackageRecord>,
    /// Packages that stay out although packages of the image depend on them, by name.
    pub left_out: BTreeMap<String, LeftOutRecord>,
    /// What stands at each path, the root aside.
    pub places: BTreeMap<TreePath, Place>,
}

/// Where the reasons of a record are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// They were recorded when the image was planned.
    Recorded,
    /// They were found in the finished image, which does not say what its builder was told.
    Derived,
}

/// A package of which a file is in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words of dpkg")]
pub struct PackageRecord {
    pub version: String,
    pub architecture: String,
}

/// Why a package stays out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutRecord {
    /// Who depends on it.
    pub dependent: String,
    /// Why it is not needed, as a clause.
    pub why: String,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is.
    pub kind: PlaceKind,
    /// The layer it goes to; a directory goes to every layer with something below it.
    pub layer: Option<String>,
    /// The packages it is of, by their keys in [`Record::packages`].
    pub packages: BTreeSet<String>,
    /// Why it is there: what brought it first, then what would have.
    pub reasons: Vec<Reason>,
}

/// What stands at a path, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceKind {
    /// A directory.
    Directory,
    /// A file of so many bytes.
    File(u64),
    /// A symbolic link, with its target as written.
    Link(String),
}

impl Record {
    /// The record of a planned image. `name` is its repository, `file` the spec's file for people.
    pub fn of(plan: &Plan, spec: &Spec, name: &str, file: Option<&str>) -> Self {
        let mut packages = BTreeMap::new();
        let mut owners: BTreeMap<&TreePath, BTreeSet<String>> = BTreeMap::new();
        for package in &plan.packages {
            let namesake = |other: &&crate::Package| other.name == package.name;
            let key = match plan.packages.iter().filter(namesake).count() {
                1 => package.name.clone(),
                _ => format!("{}:{}", package.name, package.architecture),
            };
            for path in &package.files {
                owners.entry(path).or_default().insert(key.clone());
            }
            let (version, architecture) = (package.version.clone(), package.architecture.clone());
            packages.insert(key, PackageRecord { version, architecture });
        }
        let mut layers: BTreeMap<&TreePath, &str> = BTreeMap::new();
        for layer in &plan.layers {
            for (path, _) in layer.tree.iter() {
                layers.entry(path).or_insert(&layer.name);
            }
        }
        let entries = plan.tree.iter().filter(|(path, _)| !path.is_root());
        let places = entries.filter_map(|(path, entry)| {
            let place = Place {
                kind: PlaceKind::of(entry)?,
                layer: layers.get(path).map(ToString::to_string),
                packages: owners.remove(path).unwrap_or_default(),
                reasons: plan.reasons.of(path).to_vec(),
            };
            Some((path.clone(), place))
        });
        let places: BTreeMap<TreePath, Place> = places.collect();
        let mut lines = lines(spec);
        let named: BTreeSet<Line> =
            places.values().flat_map(|place| &place.reasons).filter_map(line_of).collect();
        lines.retain(|line, _| named.contains(line));
        let path = plan.process.env.iter().find_map(|variable| variable.strip_prefix("PATH="));
        Record {
            name: name.into(),
            platform: plan.platform.to_string(),
            basis: Basis::Recorded,
            spec: file.map(String::from),
            lines,
            config: plan.settings.clone(),
            search_path: path.unwrap_or_default().into(),
            packages,
            left_out: plan.left_out.iter().map(LeftOutRecord::of).collect(),
            places,
        }
    }

    /// How many files are at `dir` and below it, and how many bytes they have.
    pub fn contents(&self, dir: &TreePath) -> (usize, u64) {
        let below = self.places.range(dir.clone()..).take_while(|(path, _)| path.is_within(dir));
        let files = below.filter(|(_, place)| place.kind != PlaceKind::Directory);
        files.fold((0, 0), |(count, size), (_, place)| (count + 1, size + place.size()))
    }

    /// The files of a package, by its key.
    pub fn files_of<'a>(&'a self, package: &'a str) -> impl Iterator<Item = (&'a TreePath, &'a Place)> {
        self.places.iter().filter(move |(_, place)| place.packages.contains(package))
    }
}

impl LeftOutRecord {
    fn of(left: &LeftOut) -> (String, Self) {
        let LeftOut { package, dependent, why } = left.clone();
        (package, LeftOutRecord { dependent, why })
    }
}

impl Place {
    /// Its bytes; of anything but a file none.
    pub fn size(&self) -> u64 {
        match self.kind {
            PlaceKind::File(size) => size,
            _ => 0,
        }
    }
}

impl PlaceKind {
    /// What an entry is in short; none for what no image holds.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        match &entry.kind {
            Kind::Directory => Some(PlaceKind::Directory),
            Kind::File(content) => Some(PlaceKind::File(content.size())),
            Kind::Symlink(target) => Some(PlaceKind::Link(target.clone())),
            Kind::Special(_) => None,
        }
    }
}

/// A record as a view without content, to follow links in.
impl View for Record {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, ViewError> {
        if path.is_root() {
            return Ok(Some(Entry::directory(0o755)));
        }
        Ok(self.places.get(path).map(|place| match &place.kind {
            PlaceKind::Directory => Entry::directory(0o755),
            PlaceKind::Link(target) => Entry::symlink(target.clone()),
            PlaceKind::File(_) => Entry { kind: Kind::Special("a file"), ..Entry::directory(0o755) },
        }))
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<String>, ViewError> {
        let all = self.places.range(dir.clone()..).map_while(|(path, _)| path.below(dir));
        Ok(all.filter(|rest| !rest.is_empty() && !rest.contains('/')).map(String::from).collect())
    }
}

fn line_of(reason: &Reason) -> Option<Line> {
    match reason {
        Reason::Listed { line }
        | Reason::Entrypoint { line }
        | Reason::OfPackage { line, .. }
        | Reason::DataOf { line, .. } => Some(*line),
        _ => None,
    }
}

/// What stands in each line of a spec that can bring something into an image.
fn lines(spec: &Spec) -> BTreeMap<Line, String> {
    let mut lines: BTreeMap<Line, Vec<String>> = BTreeMap::new();
    let mut add = |line: Line, text: String| lines.entry(line).or_default().push(text);
    for files in &spec.files {
        match &files.from {
            From::Path(from) => add(files.line, format!("[[files]] from = {from:?}")),
            From::Content(_) => add(files.line, format!("[[files]] to = {:?}", files.to)),
        }
    }
    for dir in &spec.dirs {
        add(dir.line, format!("[[dirs]] path = \"{}\"", dir.path));
    }
    for link in &spec.links {
        add(link.line, format!("[[links]] path = \"{}\"", link.path));
    }
    for user in &spec.users {
        add(user.line, format!("[[users]] name = {:?}", user.name));
    }
    let config = &spec.config;
    if let Some((key, value)) = [("entrypoint", &config.entrypoint), ("cmd", &config.cmd)]
        .into_iter()
        .find(|(_, words)| !words.is_empty())
    {
        add(config.line, format!("[config] {key} = {value:?}"));
    }
    let mut several = |key: &str, items: Vec<(Line, &str)>| {
        let mut by_line: BTreeMap<Line, Vec<&str>> = BTreeMap::new();
        for (line, item) in items {
            by_line.entry(line).or_default().push(item);
        }
        for (line, items) in by_line {
            add(line, format!("[runtime] {key} = {items:?}"));
        }
    };
    several("keep", spec.runtime.keep.iter().map(|item| (item.line, &*item.glob)).collect());
    let packages = spec.runtime.packages.iter().map(|item| (item.line, &*item.name));
    several("packages", packages.collect());
    several("dlopen", spec.runtime.dlopen.iter().map(|item| (item.line, &*item.name)).collect());
    lines.remove(&0);
    lines.into_iter().map(|(line, texts)| (line, texts.join(", "))).collect()
}
