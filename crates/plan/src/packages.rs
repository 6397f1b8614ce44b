//! dpkg's database: which package a file of the source belongs to.

use crate::{
    draft::{BASE, Draft, LIBS, Origin},
    error::PlanError,
    reason::Reason,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
    string::FromUtf8Error,
};
use tree::{Content, Entry, Overlay, Tree, TreePath, View};

/// More than any real file of dpkg's database holds.
const MAX_FILE: u64 = 256 << 20;
const INFO: &str = "/var/lib/dpkg/info";
const STATUS: &str = "/var/lib/dpkg/status";
const STATUS_D: &str = "/var/lib/dpkg/status.d";

/// Files that a package's scripts make, so that no list of files has them: path, package.
const MADE_BY: &[(&str, &str)] = &[
    ("/etc/ssl/certs/ca-certificates.crt", "ca-certificates"),
    ("/etc/ld.so.cache", "libc-bin"),
    ("/etc/nsswitch.conf", "base-files"),
];

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
/// its control data, the checksums of the kept files, and its copyright.
///
/// A copyright may be a link into another package's folder; then that package is there too.
///
/// # Errors
/// When the source cannot be read.
pub(crate) fn add(draft: &mut Draft, source: &dyn View) -> Result<Vec<Package>, PlanError> {
    let Some(database) = Database::open(source)? else { return Ok(vec![]) };
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
        for (path, name) in database.owners(&new) {
            let Some(control) = database.control(&name) else { continue };
            packages.entry(name.clone()).or_insert_with(|| Package::of(control)).files.insert(path);
        }
        asked.extend(new);
        for name in packages.keys() {
            take_copyright(draft, source, name, packages[name].layer(draft))?;
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
        put(&format!("{}.md5sums", package.name), database.md5sums(name, package)?)?;
    }
    Ok(packages.into_values().collect())
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
    if packages.is_empty()
        && let Some(database) = Database::open(tree)?
    {
        let paths = tree.iter().filter(|(_, entry)| !entry.is_directory()).map(|(path, _)| path.clone());
        let mut by_name: BTreeMap<String, Package> = BTreeMap::new();
        for (path, name) in database.owners(&paths.collect()) {
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
        let in_base = |path| draft.layer.get(path).is_some_and(|layer| layer == BASE);
        if self.files.iter().all(in_base) { BASE } else { LIBS }
    }
}

struct Database<'a> {
    source: &'a dyn View,
    status: String,
    /// Where in the status a package's control data stand, by dpkg's name of the package in its file
    /// names: `NAME` or `NAME:ARCH`.
    stanzas: BTreeMap<String, Range<usize>>,
    /// The `.list` files: name without the ending, and text.
    lists: Vec<(String, Vec<u8>)>,
    info: TreePath,
}

impl<'a> Database<'a> {
    fn open(source: &'a dyn View) -> Result<Option<Self>, PlanError> {
        let Some(status) = read(source, STATUS)? else { return Ok(None) };
        let Ok(info) = TreePath::parse(INFO) else { return Ok(None) };
        let names = source.list(&info)?;
        let known: BTreeSet<&str> = names.iter().filter_map(|name| name.strip_suffix(".list")).collect();
        let mut lists = vec![];
        for name in &known {
            if let Some(text) = read_bytes(source, &info.child(&format!("{name}.list")))? {
                lists.push(((*name).to_owned(), text));
            }
        }
        let mut stanzas = BTreeMap::new();
        let mut start = 0;
        for stanza in status.split("\n\n") {
            let range = start..start + stanza.len();
            start = range.end + 2;
            let Some(name) = field(stanza, "Package").filter(|name| is_name(name)) else { continue };
            let qualified = format!("{name}:{}", field(stanza, "Architecture").unwrap_or_default());
            let key = if known.contains(&*qualified) { qualified } else { name.to_owned() };
            stanzas.insert(key, range);
        }
        Ok(Some(Database { source, status, stanzas, lists, info }))
    }

    fn control(&self, package: &str) -> Option<&str> {
        self.status.get(self.stanzas.get(package)?.clone())
    }

    /// The package that each path belongs to, by dpkg's name of it.
    fn owners(&self, paths: &BTreeSet<TreePath>) -> Vec<(TreePath, String)> {
        // dpkg knows a file by the path in the package, which may be from before /usr was merged.
        let mut by_name: HashMap<&str, &TreePath> = HashMap::new();
        for path in paths {
            by_name.insert(path.as_str(), path);
            if let Some(unmerged) = path.as_str().strip_prefix("/usr") {
                by_name.entry(unmerged).or_insert(path);
            }
        }
        let mut owners: Vec<(TreePath, String)> = vec![];
        for (path, package) in MADE_BY {
            if let Some(path) = by_name.get(path).filter(|_| self.stanzas.contains_key(*package)) {
                owners.push(((*path).clone(), (*package).into()));
            }
        }
        // A hundred thousand lines, of which a few are wanted: most are told apart by length and last byte.
        let shape = |line: &[u8]| (line.len() & 0xff) << 8 | usize::from(line.last().copied().unwrap_or(0));
        let mut shapes = vec![false; 1 << 16];
        by_name.keys().for_each(|name| shapes[shape(name.as_bytes())] = true);
        for (package, text) in &self.lists {
            for line in text.split(|byte| *byte == b'\n').filter(|line| shapes[shape(line)]) {
                let path = std::str::from_utf8(line).ok().and_then(|line| by_name.get(line));
                owners.extend(path.map(|path| ((*path).clone(), package.clone())));
            }
        }
        owners
    }

    fn md5sums(&self, name: &str, package: &Package) -> Result<String, PlanError> {
        let path = self.info.child(&format!("{name}.md5sums"));
        let Some(text) = read(self.source, path.as_str())? else { return Ok(String::new()) };
        let kept = |line: &&str| {
            let Some((_, path)) = line.split_once("  ") else { return false };
            let Ok(path) = TreePath::root().join(path) else { return false };
            let merged = TreePath::parse(&format!("/usr{path}"));
            package.files.contains(&path) || merged.is_ok_and(|path| package.files.contains(&path))
        };
        Ok(text.lines().filter(kept).flat_map(|line| [line, "\n"]).collect())
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

/// Is this the name of a package, by Debian's policy? It becomes the name of a file.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

fn field<'a>(stanza: &'a str, key: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':').map(str::trim))
}

fn read(source: &dyn View, path: &str) -> Result<Option<String>, PlanError> {
    let Ok(path) = TreePath::parse(path) else { return Ok(None) };
    let Some(bytes) = read_bytes(source, &path)? else { return Ok(None) };
    let lossy = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    Ok(Some(String::from_utf8(bytes).unwrap_or_else(lossy)))
}

fn read_bytes(source: &dyn View, path: &TreePath) -> Result<Option<Vec<u8>>, PlanError> {
    let found = source.follow(path)?;
    let Some(content) = found.entry.as_ref().and_then(Entry::content) else { return Ok(None) };
    Ok(Some(content.read(MAX_FILE)?))
}
