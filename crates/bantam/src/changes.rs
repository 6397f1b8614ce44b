//! What becomes of an image when its pins move, beside the versions of its packages: sonames and files.

use crate::{
    Error, Locking, Session, Target, build,
    event::{Event, Watch},
    lockfile::LockFile,
};
use plan::{Plan, spec::Platform};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, Entry, Kind, Sha256Digest, TreePath};

/// What is compared of a file: what it is, and its mode.
type Form = (Sha256Digest, u32);

/// What `new` plans of a target change of the images that its lock makes, a line each. What the lock has may be nowhere
/// any more: that is a notice.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn since_lock(
    target: &Target,
    session: &Session,
    new: &[Plan],
    watch: Watch<'_>,
) -> Result<Vec<String>, Error> {
    let session = Session { locking: Locking::Locked, moved: vec![], ..session.clone() };
    let quiet = |_: Event<'_>| {};
    let old = LockFile::read(target, session.lock_file.as_deref(), session.locking)
        .and_then(|lock| build::check_with(target, lock.as_ref(), &[], &[], &session, &quiet));
    match old {
        Ok(old) => lines(&old, new),
        Err(Error::LockAbsent { .. }) => Ok(vec![]),
        Err(error) => {
            let text = "sonames and files are not compared: what the lock holds cannot be had";
            watch(Event::Notice { text, details: &error.lines() });
            Ok(vec![])
        }
    }
}

/// A line for each soname and each file of packages that images have now (`+`), have no more (`-`), or have otherwise
/// (`~`): by platform, sonames before files.
///
/// # Errors
/// When a file cannot be read.
fn lines(old: &[Plan], new: &[Plan]) -> Result<Vec<String>, Error> {
    let mut lines = vec![];
    let platforms: BTreeSet<Platform> = old.iter().chain(new).map(|plan| plan.platform).collect();
    for platform in platforms {
        let of = |plans: &[Plan]| -> Result<Image, Error> {
            plans
                .iter()
                .find(|plan| plan.platform == platform)
                .map(Image::of)
                .transpose()
                .map(Option::unwrap_or_default)
        };
        let (before, after) = (of(old)?, of(new)?);
        for soname in before.sonames.union(&after.sonames) {
            match (before.sonames.contains(soname), after.sonames.contains(soname)) {
                (true, false) => lines.push(format!("- {platform} soname {soname}")),
                (false, true) => lines.push(format!("+ {platform} soname {soname}")),
                _ => {}
            }
        }
        let paths: BTreeSet<&TreePath> = before.files.keys().chain(after.files.keys()).collect();
        for path in paths {
            let sign = match (before.files.get(path), after.files.get(path)) {
                (Some(_), None) => '-',
                (None, Some(_)) => '+',
                (was, is) if was != is => '~',
                _ => continue,
            };
            lines.push(format!("{sign} {platform} {path}"));
        }
    }
    Ok(lines)
}

/// What an image takes of packages.
#[derive(Default)]
struct Image {
    sonames: BTreeSet<String>,
    files: BTreeMap<TreePath, Form>,
}

impl Image {
    fn of(plan: &Plan) -> Result<Self, Error> {
        let mut image = Image::default();
        for (path, entry) in &plan.taken {
            if let Some(form) = form(entry)? {
                image.files.insert(path.clone(), form);
            }
            image.sonames.extend(entry.content().and_then(soname));
        }
        Ok(image)
    }
}

fn form(entry: &Entry) -> Result<Option<Form>, Error> {
    let sha256 = match &entry.kind {
        Kind::File(content) => content.sha256().map_err(|source| Error::Plan(source.into()))?,
        Kind::Symlink(target) => Sha256Digest::of(target.as_bytes()),
        Kind::Directory | Kind::Special(_) => return Ok(None),
    };
    Ok(Some((sha256, entry.meta.mode)))
}

/// The soname of a library; none of anything else.
fn soname(content: &Content) -> Option<String> {
    elf::read(content).ok()??.soname
}
