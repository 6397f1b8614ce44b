//! dpkg's database of a source.

use super::Package;
use crate::error::PlanError;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    string::FromUtf8Error,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use tree::{Entry, TreePath, View};

/// More than any real file of dpkg's database holds.
const MAX_FILE: u64 = 256 << 20;
const INFO: &str = "/var/lib/dpkg/info";
const STATUS: &str = "/var/lib/dpkg/status";
/// Where packages have their copyright.
const DOC: &str = "/usr/share/doc/";
/// In so many parts are lists read at a time.
const READERS: usize = 4;

/// Files that a package's scripts make, so that no list of files has them: path, package.
pub(super) const MADE_BY: &[(&str, &str)] = &[
    ("/etc/ssl/certs/ca-certificates.crt", "ca-certificates"),
    ("/etc/ld.so.cache", "libc-bin"),
    ("/etc/nsswitch.conf", "base-files"),
    ("/busybox/busybox", "busybox-static"),
];

/// What is known of the database of a source, for all who plan with it.
#[derive(Default)]
pub struct Memo {
    status: OnceLock<Arc<Status>>,
    /// The packages of each path that was asked for.
    owners: Mutex<HashMap<TreePath, Vec<String>>>,
}

/// dpkg's database of a source.
pub(super) struct Database<'a> {
    source: &'a dyn View,
    memo: &'a Memo,
    status: Arc<Status>,
    /// Of the lists, what lies below [`DOC`], once they were read.
    docs: Vec<(String, Vec<u8>)>,
}

/// Which packages there are.
struct Status {
    text: String,
    /// Where in the status a package's control data stand, by dpkg's name of the package in its file
    /// names: `NAME` or `NAME:ARCH`.
    stanzas: BTreeMap<String, Range<usize>>,
    info: TreePath,
    /// The packages that have a `.list` file.
    listed: Vec<String>,
    /// What is provided, by whom.
    providers: OnceLock<BTreeMap<String, Vec<String>>>,
}

impl<'a> Database<'a> {
    /// Opens the database; none if the source has none.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn open(source: &'a dyn View, memo: &'a Memo) -> Result<Option<Self>, PlanError> {
        let at = TreePath::parse(STATUS).ok();
        let found = at.map(|at| source.follow(&at)).transpose()?.and_then(|found| found.entry);
        if found.is_none() {
            return Ok(None);
        }
        let status = match memo.status.get() {
            Some(status) => Arc::clone(status),
            None => match Status::read(source)? {
                Some(status) => Arc::clone(memo.status.get_or_init(|| Arc::new(status))),
                None => return Ok(None),
            },
        };
        Ok(Some(Database { source, memo, status, docs: vec![] }))
    }

    /// The control data of a package, by dpkg's name of it.
    pub fn control(&self, package: &str) -> Option<&str> {
        self.status.text.get(self.status.stanzas.get(package)?.clone())
    }

    /// The name of the source that a package was built from.
    pub fn source_of(&self, package: &str) -> &str {
        let control = self.control(package).unwrap_or_default();
        let name = field(control, "Source").or_else(|| field(control, "Package")).unwrap_or_default();
        name.split_whitespace().next().unwrap_or_default()
    }

    /// dpkg's name of the package that a spec names, or that others depend on; that for this architecture, where
    /// there are several. What another package provides stands for it.
    pub fn find(&self, name: &str, architecture: &str) -> Option<&str> {
        let stanzas = &self.status.stanzas;
        let own = format!("{name}:{architecture}");
        let known = [name, &own].into_iter().find_map(|key| stanzas.get_key_value(key));
        let known = known.or_else(|| {
            let first = stanzas.range(format!("{name}:")..).next()?;
            first.0.split(':').next().is_some_and(|found| found == name).then_some(first)
        });
        match known {
            Some((key, _)) => Some(key),
            None => self.status.providers().get(name)?.first().map(String::as_str),
        }
    }

    /// The names of all packages, without architectures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.status.stanzas.keys().map(|key| key.split(':').next().unwrap_or(key))
    }

    /// What a package depends on, each with its alternatives in order; names only.
    pub fn depends(&self, package: &str) -> Vec<Vec<&str>> {
        let control = self.control(package).unwrap_or_default();
        let fields = ["Pre-Depends", "Depends"].into_iter().filter_map(|key| field(control, key));
        let relations = fields.flat_map(|text| text.split(','));
        let alternatives =
            relations.map(|all| all.split('|').map(name_of).filter(|one| !one.is_empty()).collect());
        alternatives.filter(|all: &Vec<&str>| !all.is_empty()).collect()
    }

    /// The paths that a package has, as its list names them.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn files(&self, package: &str) -> Result<Vec<TreePath>, PlanError> {
        let path = self.status.info.child(&format!("{package}.list"));
        let Some(list) = read_bytes(self.source, &path)? else { return Ok(vec![]) };
        let paths = lines(&list).filter_map(|line| TreePath::parse(std::str::from_utf8(line).ok()?).ok());
        Ok(paths.filter(|path| !path.is_root()).collect())
    }

    /// The package that each path belongs to, by dpkg's name of it. A path may be of several.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn owners(&mut self, paths: &BTreeSet<TreePath>) -> Result<Vec<(TreePath, String)>, PlanError> {
        let lock = || self.memo.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let new: BTreeSet<TreePath> = {
            let known = lock();
            paths.iter().filter(|path| !known.contains_key(*path)).cloned().collect()
        };
        if !new.is_empty() {
            let found = self.look_up(&new)?;
            let mut known = lock();
            for path in new {
                known.entry(path).or_default();
            }
            for (path, package) in found {
                known.entry(path).or_default().push(package);
            }
        }
        let known = lock();
        let of = |path: &TreePath| {
            let packages = known.get(path).into_iter().flatten();
            packages.map(|package| (path.clone(), package.clone())).collect::<Vec<_>>()
        };
        Ok(paths.iter().flat_map(of).collect())
    }

    fn look_up(&mut self, paths: &BTreeSet<TreePath>) -> Result<Vec<(TreePath, String)>, PlanError> {
        let wanted = Wanted::new(paths);
        let mut owners: Vec<(TreePath, String)> = vec![];
        for (path, package) in MADE_BY {
            if let Some(path) =
                wanted.get(path.as_bytes()).filter(|_| self.status.stanzas.contains_key(*package))
            {
                owners.push((path.clone(), (*package).into()));
            }
        }
        // What is asked for after the libraries is what their packages have there.
        let only_docs = paths.iter().all(|path| path.as_str().starts_with(DOC));
        if self.docs.is_empty() || !only_docs {
            let (found, docs) = self.read_lists(&wanted)?;
            self.docs = docs;
            owners.extend(found);
        } else {
            for (package, list) in &self.docs {
                let found = lines(list).filter_map(|line| wanted.get(line));
                owners.extend(found.map(|path| (path.clone(), package.clone())));
            }
        }
        Ok(owners)
    }

    /// Looks for paths in all lists: there are a thousand, so that they are read side by side.
    fn read_lists(&self, wanted: &Wanted<'_>) -> Result<Lists, PlanError> {
        let part = |packages: &[String]| {
            let (mut owners, mut docs) = Lists::default();
            for package in packages {
                let path = self.status.info.child(&format!("{package}.list"));
                let Some(list) = read_bytes(self.source, &path)? else { continue };
                let mut below_doc = vec![];
                for line in lines(&list) {
                    owners.extend(wanted.get(line).map(|path| (path.clone(), package.clone())));
                    if line.starts_with(DOC.as_bytes()) {
                        below_doc.extend(line);
                        below_doc.push(b'\n');
                    }
                }
                docs.push((package.clone(), below_doc));
            }
            Ok::<Lists, PlanError>((owners, docs))
        };
        let (mut owners, mut docs) = Lists::default();
        std::thread::scope(|scope| {
            let listed = &self.status.listed;
            let parts = listed.chunks(listed.len().div_ceil(READERS).max(1));
            let readers: Vec<_> = parts.map(|packages| scope.spawn(move || part(packages))).collect();
            for reader in readers {
                let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                owners.extend(read.0);
                docs.extend(read.1);
            }
            Ok((owners, docs))
        })
    }

    /// The checksums of those files of a package that are kept.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn md5sums(&self, name: &str, package: &Package) -> Result<String, PlanError> {
        let path = self.status.info.child(&format!("{name}.md5sums"));
        let Some(text) = read(self.source, path.as_str())? else { return Ok(String::new()) };
        let names = package.files.iter().flat_map(|path| [Some(path.as_str()), unmerged(path)]);
        let kept: HashSet<&str> = names.flatten().filter_map(|name| name.strip_prefix('/')).collect();
        let is_kept = |line: &&str| line.split_once("  ").is_some_and(|(_, path)| kept.contains(path));
        Ok(text.lines().filter(is_kept).flat_map(|line| [line, "\n"]).collect())
    }
}

impl Status {
    fn read(source: &dyn View) -> Result<Option<Self>, PlanError> {
        let Some(text) = read(source, STATUS)? else { return Ok(None) };
        let Ok(info) = TreePath::parse(INFO) else { return Ok(None) };
        let info = source.follow(&info)?.path;
        let names = source.list(&info)?;
        let listed: Vec<String> =
            names.iter().filter_map(|name| name.strip_suffix(".list")).map(String::from).collect();
        let known: HashSet<&str> = listed.iter().map(String::as_str).collect();
        let mut stanzas = BTreeMap::new();
        let mut start = 0;
        let ends = memchr::memmem::find_iter(text.as_bytes(), "\n\n").chain([text.len()]);
        for end in ends {
            let range = start..end;
            start = end + 2;
            let Some(stanza) = text.get(range.clone()) else { continue };
            let Some(name) = field(stanza, "Package").filter(|name| is_name(name)) else { continue };
            // One that was removed has left its configuration, and is no longer there.
            let is_there = |status: &str| status.ends_with(" installed") || status.is_empty();
            if !is_there(field(stanza, "Status").unwrap_or_default()) {
                continue;
            }
            let qualified = format!("{name}:{}", field(stanza, "Architecture").unwrap_or_default());
            let key = if known.contains(&*qualified) { qualified } else { name.to_owned() };
            stanzas.insert(key, range);
        }
        Ok(Some(Status { text, stanzas, info, listed, providers: OnceLock::new() }))
    }
}

impl Status {
    fn providers(&self) -> &BTreeMap<String, Vec<String>> {
        self.providers.get_or_init(|| {
            let mut providers: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (key, range) in &self.stanzas {
                let provides = self.text.get(range.clone()).and_then(|stanza| field(stanza, "Provides"));
                for name in
                    provides.unwrap_or_default().split(',').map(name_of).filter(|name| !name.is_empty())
                {
                    providers.entry(name.into()).or_default().push(key.clone());
                }
            }
            providers
        })
    }
}

/// The name at the beginning of a relation: `libc6` of `libc6:any (>= 2.36)`.
fn name_of(relation: &str) -> &str {
    let relation = relation.trim();
    let end = relation.find(|c: char| matches!(c, '(' | '[' | ':') || c.is_whitespace());
    &relation[..end.unwrap_or(relation.len())]
}

/// The value of a field of control data.
pub(super) fn field<'a>(stanza: &'a str, key: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':').map(str::trim))
}

/// Which package each path belongs to, and each package's lines below [`DOC`].
type Lists = (Vec<(TreePath, String)>, Vec<(String, Vec<u8>)>);

/// Paths to be found in lists.
struct Wanted<'a> {
    by_name: HashMap<&'a [u8], &'a TreePath>,
    /// Is there a path of this length and last byte? Of a hundred thousand lines a few are wanted.
    shapes: Vec<bool>,
}

impl<'a> Wanted<'a> {
    fn new(paths: &'a BTreeSet<TreePath>) -> Self {
        let unmerged = paths.iter().filter_map(|path| Some((unmerged(path)?, path)));
        let names = unmerged.chain(paths.iter().map(|path| (path.as_str(), path)));
        let by_name: HashMap<&[u8], &TreePath> = names.map(|(name, path)| (name.as_bytes(), path)).collect();
        let mut shapes = vec![false; 1 << 16];
        by_name.keys().for_each(|name| shapes[shape(name)] = true);
        Wanted { by_name, shapes }
    }

    /// The path that a line of a list names.
    fn get(&self, line: &[u8]) -> Option<&'a TreePath> {
        if self.shapes[shape(line)] { self.by_name.get(line).copied() } else { None }
    }
}

fn shape(line: &[u8]) -> usize {
    (line.len() & 0xff) << 8 | usize::from(line.last().copied().unwrap_or(0))
}

/// The path by which dpkg knows a file whose package is from before `/usr` was merged.
fn unmerged(path: &TreePath) -> Option<&str> {
    path.as_str().strip_prefix("/usr").filter(|rest| rest.starts_with('/'))
}

/// The lines of a list.
fn lines(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', list).chain([list.len()]).map(move |end| {
        let line = &list[start..end];
        start = end + 1;
        line
    })
}

/// Is this the name of a package, by Debian's policy? It becomes the name of a file.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

/// The text of a file; none if it is not there.
pub(super) fn read(source: &dyn View, path: &str) -> Result<Option<String>, PlanError> {
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
