//! Debian's packages: which of them a file of the source belongs to, and what the image says of them.

mod alternatives;
mod database;
mod left_out;
mod recorded;
mod rules;
mod wanted;

use crate::{
    debug::DEBUG,
    draft::{BASE, Draft, LIBS, Origin},
    error::PlanError,
    finding::Problem,
    reason::Reason,
};
pub use database::Memo;
use database::{Database, MADE_BY, field, read};
pub use left_out::LeftOut;
use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, Entry, Overlay, Tree, TreePath, View};
pub(crate) use wanted::Wanted;

const STATUS_D: &str = "/var/lib/dpkg/status.d";

/// A package of which the image keeps a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, as Debian writes it.
    pub architecture: String,
    /// The files that are kept, by the path at which they stand in the image.
    pub files: BTreeSet<TreePath>,
}

/// Puts into the image what says that a package is there: for every package of which a file is kept
/// its control data, the checksums of the kept files, and its copyright. What they depend on and stays out comes with
/// them.
///
/// A file that a language makes of another, by `stand_ins`, counts as that other.
///
/// A copyright may be a link into another package's folder; then that package is there too.
///
/// # Errors
/// When the source cannot be read.
pub(crate) fn add(
    draft: &mut Draft,
    source: &dyn View,
    stand_ins: &BTreeMap<TreePath, TreePath>,
    memo: &Memo,
) -> Result<(Vec<Package>, Vec<LeftOut>), PlanError> {
    let Some(mut database) = Database::open(source, memo)? else {
        return Ok((recorded::add(draft, source)?, vec![]));
    };
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    let mut asked: BTreeSet<TreePath> = BTreeSet::new();
    loop {
        // The links of a merged /usr are everybody's: many packages list them as directories.
        let is_file = |path: &&TreePath| {
            draft.tree.get(path).is_some_and(|entry| !entry.is_directory())
                && path.parent().is_some_and(|parent| !parent.is_root())
        };
        let new: BTreeSet<TreePath> =
            draft.taken.iter().filter(is_file).filter(|path| !asked.contains(*path)).cloned().collect();
        if new.is_empty() {
            break;
        }
        let mut found = BTreeSet::new();
        for (path, name) in database.owners(&new)? {
            let Some(control) = database.control(&name) else { continue };
            let package = packages.entry(name.clone()).or_insert_with(|| {
                found.insert(name);
                Package::of(control)
            });
            package.files.insert(path);
        }
        asked.extend(new);
        for name in &found {
            take_copyright(draft, source, name, packages[name].layer(draft))?;
        }
    }
    let originals: BTreeSet<TreePath> = stand_ins.keys().cloned().collect();
    for (original, name) in database.owners(&originals)? {
        let (Some(control), Some(made)) = (database.control(&name), stand_ins.get(&original)) else {
            continue;
        };
        if draft.has(made) {
            let new = packages.entry(name.clone()).or_insert_with(|| Package::of(control));
            new.files.insert(made.clone());
            let layer = new.layer(draft);
            take_copyright(draft, source, &name, layer)?;
        }
    }
    for (name, package) in &packages {
        let layer = package.layer(draft);
        let control = database.control(name).unwrap_or_default();
        let reason = || Reason::Package { name: package.name.clone() };
        let mut put = |file: &str, text: String| {
            let path = TreePath::parse(STATUS_D).map(|dir| dir.child(file));
            let Ok(path) = path else { return Ok(()) };
            let entry = Entry::file(Content::bytes(text, "dpkg's database"), 0o644);
            draft.put(&path, entry, Origin::Generated, layer, reason())
        };
        put(&package.name, control_file(control))?;
        let file = format!("{}.md5sums", package.name);
        let sums = database.md5sums(name, package)?;
        put(&file, sums.clone())?;
        add_sums(draft, &file, &sums, layer, &package.name)?;
    }
    let left_out = left_out::left_out(&database, &packages);
    Ok((packages.into_values().collect(), left_out))
}

/// These packages, with those that a base has files of. One that both have has the base's version, which is the one that
/// the image says; that it is another than the source's is reported.
///
/// # Errors
/// When the base cannot be read.
pub(crate) fn with_those_of(
    base: &Tree,
    packages: Vec<Package>,
    draft: &mut Draft,
) -> Result<Vec<Package>, PlanError> {
    let key = |package: &Package| (package.name.clone(), package.architecture.clone());
    let mut all: BTreeMap<(String, String), Package> =
        recorded(base)?.into_iter().map(|package| (key(&package), package)).collect();
    for package in packages {
        match all.get_mut(&key(&package)) {
            Some(known) => {
                known.files.extend(package.files);
                if known.version != package.version {
                    let (package, base, source) = (package.name, known.version.clone(), package.version);
                    draft.report(Problem::PackageVersions { package, base, source });
                }
            }
            None => {
                all.insert(key(&package), package);
            }
        }
    }
    Ok(all.into_values().collect())
}

/// Adds checksums to those that the base has of the same package.
fn add_sums(draft: &mut Draft, file: &str, sums: &str, layer: &str, name: &str) -> Result<(), PlanError> {
    let Ok(path) = TreePath::parse(STATUS_D).map(|dir| dir.child(file)) else { return Ok(()) };
    if !draft.is_of_base(&path) {
        return Ok(());
    }
    let known = read(&draft.tree, path.as_str())?.unwrap_or_default();
    let lines: BTreeSet<&str> = known.lines().collect();
    let new: Vec<&str> = sums.lines().filter(|line| !lines.contains(line)).collect();
    if !new.is_empty() {
        let text = known.lines().chain(new).map(|line| format!("{line}\n")).collect::<String>();
        let reason = Reason::Package { name: name.into() };
        draft.renew(&path, Content::bytes(text, "dpkg's database"), layer, reason);
    }
    Ok(())
}

/// Why nothing of `package` is needed where `dependent` depends on it; none where it may be. Names are without
/// architectures.
pub fn unused_package(package: &str, dependent: &str) -> Option<&'static str> {
    rules::rules().unused(package, dependent)
}

/// The packages that a finished image says it has files of: by `status.d`, or else by dpkg's database.
///
/// # Errors
/// When the image cannot be read.
pub(crate) fn recorded(tree: &Tree) -> Result<Vec<Package>, PlanError> {
    let Ok(dir) = TreePath::parse(STATUS_D) else { return Ok(vec![]) };
    let mut packages = vec![];
    for name in tree.list(&dir)?.iter().filter(|name| !name.ends_with(".md5sums")) {
        let Some(control) = read(tree, dir.child(name).as_str())? else { continue };
        let mut package = Package::of(&control);
        for line in read(tree, &format!("{STATUS_D}/{name}.md5sums"))?.unwrap_or_default().lines() {
            let path = line.split_once("  ").and_then(|(_, path)| TreePath::root().join(path).ok());
            let Some(path) = path else { continue };
            // The checksums name files as the package has them, which may be from before /usr was merged.
            let found = tree.follow(&path)?;
            package.files.extend(found.entry.map(|_| found.path));
        }
        let made = MADE_BY.iter().filter(|(_, by)| *by == package.name);
        for path in made.filter_map(|(path, _)| TreePath::parse(path).ok()) {
            package.files.extend(tree.get(&path).map(|_| path));
        }
        packages.push(package);
    }
    let memo = Memo::default();
    if packages.is_empty()
        && let Some(mut database) = Database::open(tree, &memo)?
    {
        let paths = tree.iter().filter(|(_, entry)| !entry.is_directory()).map(|(path, _)| path.clone());
        let mut by_name: BTreeMap<String, Package> = BTreeMap::new();
        for (path, name) in database.owners(&paths.collect())? {
            let Some(control) = database.control(&name) else { continue };
            by_name.entry(name).or_insert_with(|| Package::of(control)).files.insert(path);
        }
        packages.extend(by_name.into_values());
    }
    Ok(packages)
}

/// Where an image says that a package is there.
pub(crate) fn records_of(package: &str) -> Vec<TreePath> {
    let paths = [
        format!("{STATUS_D}/{package}"),
        format!("{STATUS_D}/{package}.md5sums"),
        format!("/usr/share/doc/{package}/copyright"),
    ];
    paths.iter().filter_map(|path| TreePath::parse(path).ok()).collect()
}

impl Package {
    /// The package that control data describe, without files.
    fn of(control: &str) -> Self {
        let field = |key| field(control, key).unwrap_or_default().to_owned();
        Package {
            name: field("Package"),
            version: field("Version"),
            architecture: field("Architecture"),
            files: BTreeSet::new(),
        }
    }

    fn layer(&self, draft: &Draft) -> &'static str {
        let all_in = |wanted: &&str| {
            let layers = self.files.iter().map(|path| draft.layer.get(path));
            layers.into_iter().all(|layer| layer.is_some_and(|layer| **layer == **wanted))
        };
        [BASE, DEBUG].into_iter().find(all_in).unwrap_or(LIBS)
    }
}

fn take_copyright(draft: &mut Draft, source: &dyn View, package: &str, layer: &str) -> Result<(), PlanError> {
    let name = package.split(':').next().unwrap_or(package);
    let Ok(path) = TreePath::parse(&format!("/usr/share/doc/{name}/copyright")) else { return Ok(()) };
    let found = Overlay { upper: &draft.tree, lower: source }.follow(&path)?;
    let Some(entry) = found.entry.filter(|entry| entry.content().is_some()) else { return Ok(()) };
    let reason = || Reason::Package { name: name.to_owned() };
    for link in found.links {
        if let Some(entry) = source.entry(&link)? {
            draft.put(&link, entry, Origin::Source, layer, reason())?;
        }
    }
    Ok(draft.put(&found.path, entry, Origin::Source, layer, reason())?)
}

/// A stanza of dpkg's status as the control file of the package: without what dpkg adds to it.
fn control_file(stanza: &str) -> String {
    let mut text = String::new();
    let mut skipping = false;
    for line in stanza.lines() {
        if !line.starts_with([' ', '\t']) {
            skipping = ["Status:", "Conffiles:", "Config-Version:"].iter().any(|key| line.starts_with(key));
        }
        if !skipping {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}
