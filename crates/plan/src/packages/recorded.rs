//! Packages of a source that says by `status.d` what it has: an image of ours, or a classic distroless one.

use super::{MADE_BY, Package, STATUS_D, read, take_copyright};
use crate::{
    draft::{Draft, Origin},
    error::PlanError,
    reason::Reason,
};
use tree::{Content, Entry, TreePath, View};

/// Puts into the image what its source says of each package of which a file is kept.
///
/// # Errors
/// When the source cannot be read.
pub(super) fn add(draft: &mut Draft, source: &dyn View) -> Result<Vec<Package>, PlanError> {
    let Ok(dir) = TreePath::parse(STATUS_D) else { return Ok(vec![]) };
    let mut packages = vec![];
    for name in source.list(&dir)?.iter().filter(|name| !name.ends_with(".md5sums")) {
        let Some(control) = read(source, dir.child(name).as_str())? else { continue };
        let file = dir.child(&format!("{name}.md5sums"));
        let mut package = Package::of(&control);
        let mut sums = String::new();
        for line in read(source, file.as_str())?.unwrap_or_default().lines() {
            let path = line.split_once("  ").and_then(|(_, path)| TreePath::root().join(path).ok());
            let Some(path) = path else { continue };
            let path = source.follow(&path)?.path;
            if draft.taken.contains(&path) {
                sums.push_str(line);
                sums.push('\n');
                package.files.insert(path);
            }
        }
        let made = MADE_BY.iter().filter(|(_, by)| *by == package.name);
        let made = made.filter_map(|(path, _)| TreePath::parse(path).ok());
        package.files.extend(made.filter(|path| draft.taken.contains(path)));
        if package.files.is_empty() {
            continue;
        }
        let layer = package.layer(draft);
        take_copyright(draft, source, &package.name, layer)?;
        for (path, text) in [(dir.child(name), control), (file, sums)] {
            let entry = Entry::file(Content::bytes(text, "dpkg's database"), 0o644);
            let reason = Reason::Package { name: package.name.clone() };
            draft.put(&path, entry, Origin::Generated, layer, reason)?;
        }
        packages.push(package);
    }
    Ok(packages)
}
