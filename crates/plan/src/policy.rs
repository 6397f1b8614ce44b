//! What an image may hold: no shell, no setuid programs, nothing that everybody may change, and no
//! more than its limits, unless the spec says so.

use crate::{
    debug::DEBUG,
    draft::Draft,
    finding::{Finding, Problem, Severity, Unit},
    glob::Glob,
    packages::Package,
    reason::Reason,
    spec::{Allow, Limits, Pattern},
};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Entry, Kind, TreePath, View, ViewError};

/// The names of shells, without their folder.
const SHELLS: &[&str] = &[
    "sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh", "fish", "tcsh", "csh", "rbash", "yash",
    "busybox",
];

/// How many of the largest contributors are told when a limit is broken.
const TOLD: usize = 10;

/// Where programs make files while they run.
const TEMPORARY: &[&str] = &["/tmp/", "/var/tmp/"];

/// Checks modes, shells and links of the finished tree.
///
/// # Errors
/// When links of the image cannot be followed.
pub(crate) fn check(
    draft: &mut Draft,
    allow: &[Allow],
    keep: &[Pattern],
    volumes: &BTreeSet<TreePath>,
) -> Result<(), ViewError> {
    let mut problems = vec![];
    // What is there at run time only: the process makes it, or it is in the volume already.
    let comes_later = |path: &TreePath| {
        is_mounted(path)
            || TEMPORARY.iter().any(|dir| path.as_str().starts_with(dir))
            || volumes.iter().any(|volume| path.is_within(volume))
    };
    // A base is asked for by name, with all that it has.
    for (path, entry) in draft.tree.iter().filter(|(path, _)| !draft.is_of_base(path)) {
        let mode = entry.meta.mode;
        match &entry.kind {
            Kind::File(_) => {
                if mode & 0o6000 != 0 && !allow.contains(&Allow::Setuid) {
                    problems.push(Problem::Setuid { path: path.clone(), mode });
                }
                if mode & 0o002 != 0 && !allow.contains(&Allow::WorldWritable) {
                    problems.push(Problem::WorldWritable { path: path.clone(), mode });
                }
                if entry.is_executable() && is_shell(path) && !shell_allowed(draft, path, allow, keep) {
                    let because = draft.reasons.chain(path).last().map(|(path, _)| path.clone());
                    let because = because.filter(|who| who != path);
                    problems.push(Problem::Shell { path: path.clone(), because });
                }
            }
            // A directory that everybody may write is a temporary one, and then it is sticky.
            Kind::Directory if mode & 0o1002 == 0o002 && !allow.contains(&Allow::WorldWritable) => {
                problems.push(Problem::WorldWritable { path: path.clone(), mode });
            }
            Kind::Symlink(target) if !allow.contains(&Allow::DanglingLinks) => {
                let found = draft.tree.follow(path)?;
                if found.entry.is_none() && !comes_later(&found.path) {
                    problems.push(Problem::DanglingLink { path: path.clone(), target: target.clone() });
                }
            }
            _ => {}
        }
    }
    for problem in problems {
        let of_source = matches!(&problem, Problem::DanglingLink { path, .. } if draft.taken.contains(path));
        let mut finding = Finding::new(problem);
        if of_source {
            // Not the user's own doing, and seldom anybody's trouble.
            finding.severity = Severity::Warning;
        }
        draft.findings.push(finding);
    }
    Ok(())
}

/// Checks what can be counted before any byte is packed: unpacked size, files, packages.
pub(crate) fn check_limits(draft: &mut Draft, limits: &Limits, packages: &[Package]) {
    let size = |entry: &Entry| entry.content().map_or(0, tree::Content::size);
    let files = || draft.tree.iter().filter(|(_, entry)| !entry.is_directory());
    let unpacked: u64 = files().map(|(_, entry)| size(entry)).sum();
    let line = limits.line;
    let mut problems = vec![];
    if let Some(allowed) = limits.unpacked.filter(|allowed| unpacked > *allowed) {
        let all = files().map(|(path, entry)| (path.to_string(), size(entry)));
        let (is, unit, largest) = (unpacked, Unit::Bytes, largest(all));
        problems.push(Problem::OverLimit { limit: "unpacked", is, allowed, unit, largest, line });
    }
    let count = files().count() as u64;
    if let Some(allowed) = limits.files.filter(|allowed| count > *allowed) {
        let mut by_dir: BTreeMap<String, u64> = BTreeMap::new();
        for (path, _) in files() {
            let dir = path.parent().unwrap_or_else(TreePath::root);
            *by_dir.entry(dir.to_string()).or_default() += 1;
        }
        let (is, unit, largest) = (count, Unit::Count, largest(by_dir.into_iter()));
        problems.push(Problem::OverLimit { limit: "files", is, allowed, unit, largest, line });
    }
    let count = packages.len() as u64;
    if let Some(allowed) = limits.packages.filter(|allowed| count > *allowed) {
        let sizes = packages.iter().map(|package| {
            let entries = package.files.iter().filter_map(|path| draft.tree.get(path));
            (package.name.clone(), entries.map(size).sum())
        });
        let (is, unit, largest) = (count, Unit::Count, largest(sizes));
        problems.push(Problem::OverLimit { limit: "packages", is, allowed, unit, largest, line });
    }
    for problem in problems {
        draft.report(problem);
    }
}

/// The finding for layers that together are larger than the limit; each with its compressed size.
pub fn check_compressed(limits: &Limits, layers: &[(String, u64)]) -> Option<Problem> {
    let is: u64 = layers.iter().map(|(_, size)| size).sum();
    let allowed = limits.compressed.filter(|allowed| is > *allowed)?;
    let largest = largest(layers.iter().map(|(name, size)| (format!("layer {name}"), *size)));
    Some(Problem::OverLimit {
        limit: "compressed",
        is,
        allowed,
        unit: Unit::Bytes,
        largest,
        line: limits.line,
    })
}

fn largest(all: impl Iterator<Item = (String, u64)>) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = all.collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.truncate(TOLD);
    all
}

/// Has a program the name of a shell?
pub(crate) fn is_shell(path: &TreePath) -> bool {
    SHELLS.contains(&path.name())
}

/// A shell is allowed when the policy says so, when `keep` names it itself, or when a script of the
/// payload starts with it.
fn shell_allowed(draft: &Draft, path: &TreePath, allow: &[Allow], keep: &[Pattern]) -> bool {
    let of_debug = draft.layer.get(path).is_some_and(|layer| **layer == *DEBUG);
    if allow.contains(&Allow::Shell) || of_debug {
        return true;
    }
    // The link `sh` stands for the shell that it leads to.
    let leads_here = |from: &TreePath| draft.tree.follow(from).is_ok_and(|found| found.path == *path);
    let kept = |pattern: &Pattern| TreePath::parse(&pattern.glob).is_ok_and(|named| leads_here(&named));
    if draft.taken.contains(path) && keep.iter().any(kept) {
        return true;
    }
    let of_payload = |reason: &Reason| match reason {
        Reason::Interprets { program } => !draft.taken.contains(program),
        _ => false,
    };
    draft.reasons.of(path).iter().any(of_payload)
}

/// May a library stay unresolved, by its soname?
pub(crate) fn may_be_unresolved(soname: &str, allow: &[Allow]) -> bool {
    allow.iter().any(|allow| match allow {
        Allow::Unresolved(glob) => Glob::new(glob).is_ok_and(|glob| glob.matches(soname)),
        _ => false,
    })
}

/// Does a runtime mount something of its own here? What the image or a source has there is not seen.
pub(crate) fn is_mounted(path: &TreePath) -> bool {
    ["/proc", "/sys", "/dev", "/run"].iter().any(|dir| {
        path.as_str().strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
