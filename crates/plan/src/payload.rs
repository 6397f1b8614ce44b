//! The payload: which of the builder's files are taken, and where they go.

use crate::{
    accounts::Accounts,
    caps::FileCaps,
    draft::{BASE, Draft, Origin},
    error::PlanError,
    expand::{ExpandError, Vars, expand},
    finding::Problem,
    glob::{Glob, WILDCARDS},
    ignore::{Ignore, IgnoreError},
    reason::Reason,
    secrets,
    spec::{Allow, Files, From, Line, LinkPolicy},
};
use std::collections::BTreeMap;
use tree::{CAPABILITY_XATTR, Content, Entry, Kind, ReadError, Tree, TreePath, View};

/// A small file with accounts that a payload may bring.
const MAX_ACCOUNTS: u64 = 4 << 20;

/// Which files a `[[files]]` takes: where to start on the builder's disk, and what to take there.
#[derive(Debug)]
pub struct Selection {
    /// The file or directory to start at, relative to the spec.
    pub start: String,
    /// Are links followed?
    pub follow: bool,
    glob: Option<Glob>,
    exclude: Ignore,
    ignore_file: Option<(String, Ignore)>,
}

/// What one `[[files]]` took.
#[derive(Debug, Default)]
pub struct Taken {
    /// Each thing taken: its path below the selection's start (empty for the start itself).
    pub items: Vec<(String, Entry)>,
}

impl Selection {
    /// Reads the `from` of a `[[files]]`; none where it has its content in the spec. `ignore_text` is
    /// what the `ignore-file` holds.
    ///
    /// # Errors
    /// A variable that does not exist, or a pattern that cannot be read; in words.
    pub fn new(files: &Files, vars: &Vars<'_>, ignore_text: Option<&str>) -> Result<Option<Self>, String> {
        let From::Path(from) = &files.from else { return Ok(None) };
        let from = expand(from, vars).map_err(|error| error.to_string())?;
        let (start, glob) = match from.find(WILDCARDS) {
            None => (from.clone(), None),
            Some(at) => {
                let cut = from[..at].rfind('/').map_or(0, |slash| slash + 1);
                let glob = Glob::new(&from[cut..]).map_err(|error| error.to_string())?;
                (from[..cut].to_owned(), Some(glob))
            }
        };
        let start = match start.trim_end_matches('/') {
            "" if start.starts_with('/') => "/".to_owned(),
            "" => ".".to_owned(),
            trimmed => trimmed.to_owned(),
        };
        let words =
            |errors: Vec<IgnoreError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let ignore_file = match (&files.ignore_file, ignore_text) {
            (Some(name), Some(text)) => {
                // Patterns are seen from the folder of the file that holds them, as Docker's are.
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                let below = below(&start, folder);
                Some((below, Ignore::parse(text).map_err(|errors| format!("{name}: {}", words(errors)))?))
            }
            _ => None,
        };
        let exclude = Ignore::from_patterns(&files.exclude).map_err(words)?;
        let follow = files.links == LinkPolicy::Follow;
        Ok(Some(Selection { start, follow, glob, exclude, ignore_file }))
    }

    /// Does a pattern say what is taken?
    pub fn is_glob(&self) -> bool {
        self.glob.is_some()
    }

    /// Is this path (below the start; empty for the start itself) taken?
    pub fn takes(&self, path: &str) -> bool {
        let wanted = match &self.glob {
            None => true,
            Some(glob) => !path.is_empty() && prefixes(path).any(|part| glob.matches(part)),
        };
        wanted && (path.is_empty() || !self.exclude.excluded(path) && !self.ignored(path))
    }

    /// May something below this directory be taken?
    pub fn enters(&self, path: &str) -> bool {
        if path.is_empty() {
            return true;
        }
        let wanted = self
            .glob
            .as_ref()
            .is_none_or(|glob| glob.reaches_below(path) || prefixes(path).any(|part| glob.matches(part)));
        wanted
            && (!self.exclude.excluded(path) || self.exclude.may_descend(path))
            && self.ignore_file.as_ref().is_none_or(|(start, ignore)| {
                let path = joined(start, path);
                !ignore.excluded(&path) || ignore.may_descend(&path)
            })
    }

    fn ignored(&self, path: &str) -> bool {
        let ignored = |(start, ignore): &(String, Ignore)| ignore.excluded(&joined(start, path));
        self.ignore_file.as_ref().is_some_and(ignored)
    }
}

/// The payload at the paths of the image, before owners and modes; what cannot be placed is not there, and a plan tells
/// it.
pub fn placed(spec_files: &[Files], taken: &[Taken], vars: &Vars<'_>) -> Tree {
    let placed = place(&mut Draft::default(), spec_files, taken, vars).unwrap_or_default();
    placed.into_iter().map(|file| (file.path, file.entry)).collect()
}

/// Where everything goes: each path of the image with its entry, before owners and modes.
pub(crate) struct Placed<'a> {
    pub files: &'a Files,
    pub path: TreePath,
    pub entry: Entry,
    /// The directory that `from` is itself: it gives way to one that is there.
    pub is_start: bool,
}

/// Decides the path of everything that was taken.
pub(crate) fn place<'a>(
    draft: &mut Draft,
    spec_files: &'a [Files],
    taken: &[Taken],
    vars: &Vars<'_>,
) -> Result<Vec<Placed<'a>>, ExpandError> {
    let mut placed = Vec::with_capacity(taken.iter().map(|taken| taken.items.len().max(1)).sum());
    for (files, taken) in spec_files.iter().zip(taken) {
        let to = expand(&files.to, vars)?;
        let bad =
            |path: &str, reason: String| Problem::BadPath { path: path.into(), reason, line: files.line };
        let root = match TreePath::parse(&to) {
            Ok(path) => path,
            Err(error) => {
                draft.report(bad(&to, error.to_string()));
                continue;
            }
        };
        let from = match &files.from {
            From::Content(text) => {
                let entry = Entry::file(Content::bytes(text.clone(), "the spec"), 0o644);
                placed.push(Placed { files, path: root, entry, is_start: false });
                continue;
            }
            From::Path(from) => expand(from, vars)?,
        };
        let globbed = from.contains(WILDCARDS);
        let leaves = taken.items.iter().filter(|(_, entry)| !entry.is_directory()).count();
        if taken.items.is_empty() || globbed && leaves == 0 {
            draft.report(Problem::NothingTaken { from, line: files.line });
            continue;
        }
        let single = matches!(&taken.items[..], [(path, entry)] if path.is_empty() && !entry.is_directory());
        let named = single || globbed && leaves == 1;
        if globbed && !to.ends_with('/') && leaves > 1 {
            draft.report(Problem::ManyToOne { from, to, line: files.line });
            continue;
        }
        for (below, entry) in &taken.items {
            let path = if named && !entry.is_directory() && !to.ends_with('/') {
                Ok(root.clone())
            } else if single {
                root.join(from.trim_end_matches('/').rsplit('/').next().unwrap_or(&from))
            } else {
                root.join(below)
            };
            match path {
                Ok(path) => {
                    let is_start = below.is_empty() && entry.is_directory();
                    placed.push(Placed { files, path, entry: entry.clone(), is_start });
                }
                Err(error) => draft.report(bad(below, error.to_string())),
            }
        }
    }
    Ok(placed)
}

/// Adds the accounts of a passwd and group that the payload brings.
pub(crate) fn read_accounts(accounts: &mut Accounts, placed: &[Placed<'_>]) -> Result<(), ReadError> {
    for item in placed {
        let Some(content) = item.entry.content() else { continue };
        match item.path.as_str() {
            "/etc/passwd" => {
                accounts.read_passwd(&String::from_utf8_lossy(&content.read(MAX_ACCOUNTS)?));
            }
            "/etc/group" => accounts.read_group(&String::from_utf8_lossy(&content.read(MAX_ACCOUNTS)?)),
            _ => {}
        }
    }
    Ok(())
}

/// Puts the payload into the image, with owners, modes and capabilities as the spec says.
pub(crate) fn put(
    draft: &mut Draft,
    mut placed: Vec<Placed<'_>>,
    accounts: &Accounts,
    allow: &[Allow],
    source: &dyn View,
) -> Result<(), PlanError> {
    let mut secret_dirs: Vec<TreePath> = vec![];
    let mut capabilities: BTreeMap<&[String], Vec<u8>> = BTreeMap::new();
    // The directory that a `to` names says more than one that merely is among the files.
    let starts: Vec<Placed<'_>> = placed.extract_if(.., |item| item.is_start).collect();
    for Placed { files, path, mut entry, is_start } in placed.into_iter().chain(starts) {
        if path.is_root() {
            continue;
        }
        if is_whiteout(draft, &path, files.line) {
            continue;
        }
        let path = join_usr(draft, source, &path, entry.is_directory())?;
        let (uid, gid) = draft.numbers(accounts, &files.owner, files.line).unwrap_or((0, 0));
        if !secret_dirs.iter().any(|dir| path.is_within(dir))
            && let Some(why) = look_for_secret(&path, &entry)?.filter(|_| !secrets::allowed(&path, allow))
        {
            secret_dirs.push(path.clone());
            draft.report(Problem::Secret { path: path.clone(), why });
        }
        entry.meta.uid = uid;
        entry.meta.gid = gid;
        match &entry.kind {
            Kind::Directory => entry.meta.mode = 0o755,
            Kind::Symlink(target) => {
                entry.meta.mode = 0o777;
                if files.links == LinkPolicy::Error {
                    let target = target.clone();
                    draft.report(Problem::LinkRefused { path: path.clone(), target, line: files.line });
                }
            }
            Kind::Special(word) => {
                let from = match &files.from {
                    From::Path(from) => from.clone(),
                    From::Content(_) => String::new(),
                };
                let problem = Problem::SpecialFile { path: path.clone(), word, from };
                draft.report_of(problem, &Reason::Listed { line: files.line });
                continue;
            }
            Kind::File(_) => {
                let executable = entry.meta.mode & 0o111 != 0;
                entry.meta.mode = files.mode.unwrap_or(if executable { 0o755 } else { 0o644 });
                if !files.caps.is_empty() {
                    let bytes = capabilities.entry(&files.caps).or_insert_with(|| {
                        // The spec was checked: what cannot be read never comes here.
                        FileCaps::parse(&files.caps).map_or(vec![], |caps| caps.to_xattr().to_vec())
                    });
                    entry.meta.xattrs.insert(CAPABILITY_XATTR.into(), bytes.clone());
                }
            }
        }
        // A directory of the base is as the base has it; [[dirs]] says otherwise.
        let start = if is_start && !draft.is_of_base(&path) { draft.tree.get_mut(&path) } else { None };
        if let Some(known) = start.filter(|known| known.is_directory()) {
            known.meta = entry.meta.clone();
        }
        draft.put(&path, entry, Origin::Payload, &files.layer, Reason::Listed { line: files.line })?;
    }
    Ok(())
}

/// Would a path take a file away, instead of being one? Then that is reported.
pub(crate) fn is_whiteout(draft: &mut Draft, path: &TreePath, line: Line) -> bool {
    let is_whiteout = path.as_str().contains("/.wh.");
    if is_whiteout {
        let reason = "a name that begins with `.wh.` takes a file away".into();
        draft.report(Problem::BadPath { path: path.to_string(), reason, line });
    }
    is_whiteout
}

/// Why something looks like a secret, if it does.
pub(crate) fn look_for_secret(path: &TreePath, entry: &Entry) -> Result<Option<&'static str>, ReadError> {
    match (secrets::by_name(path), &entry.kind) {
        (Some(why), _) => Ok(Some(why)),
        (None, Kind::File(content)) => secrets::by_content(path, content),
        (None, _) => Ok(None),
    }
}

/// Where `path` goes when the source has a merged `/usr`: below what the link leads to, with the link
/// itself in the image, so that the payload joins the merge instead of breaking it.
///
/// # Errors
/// When the source cannot be read.
pub(crate) fn join_usr(
    draft: &mut Draft,
    source: &dyn View,
    path: &TreePath,
    is_directory: bool,
) -> Result<TreePath, PlanError> {
    const TOPS: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
    let mut names = path.names();
    let Some(top) = names.next().filter(|top| TOPS.contains(top)) else { return Ok(path.clone()) };
    let rest: Vec<&str> = names.collect();
    let link = TreePath::root().child(top);
    let known = draft.tree.get(&link).cloned();
    let entry = match &known {
        Some(_) => known.clone(),
        None => source.entry(&link)?,
    };
    let Some(Entry { kind: Kind::Symlink(target), .. }) = &entry else { return Ok(path.clone()) };
    // A payload that brings the link itself says the same as the source.
    let (false, Ok(base)) = (rest.is_empty() && !is_directory, TreePath::root().join(target)) else {
        return Ok(path.clone());
    };
    let joined = rest.into_iter().fold(base, |dir, name| dir.child(name));
    let reason = Reason::LeadsTo { to: joined.clone() };
    match (known, entry) {
        (None, Some(entry)) => draft.put(&link, entry, Origin::Source, BASE, reason)?,
        _ => draft.reasons.add(&link, reason),
    }
    Ok(joined)
}

/// Every leading part of a relative path: `a`, `a/b`, `a/b/c`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at]).chain([path])
}

/// The path of `start` seen from `folder`, both relative to the spec; empty when they are the same,
/// or when `start` is not below it.
fn below(start: &str, folder: &str) -> String {
    let clean = |text: &str| text.trim_start_matches("./").trim_matches('/').replace("/./", "/");
    let (start, folder) = (clean(start), clean(folder));
    let start = if start == "." { String::new() } else { start };
    let folder = if folder == "." { String::new() } else { folder };
    if folder.is_empty() {
        return if start.starts_with("..") { String::new() } else { start };
    }
    start.strip_prefix(&folder).map_or(String::new(), |rest| rest.trim_matches('/').to_owned())
}

fn joined(start: &str, path: &str) -> String {
    if start.is_empty() { path.to_owned() } else { format!("{start}/{path}") }
}
