//! Symbolic links, followed inside the root.

use crate::{Entry, Kind, TreePath, View, ViewError};

/// As many links as the kernel follows before it says `ELOOP`.
const MAX_LINKS: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// The path without any link in it. Where nothing is there: as far as the links led.
    pub path: TreePath,
    /// What stands there; none when a component is missing or no directory.
    pub entry: Option<Entry>,
    /// The links that were followed, in order: each is needed for the path to work.
    pub links: Vec<TreePath>,
}

/// A path could not be followed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// More links than the kernel would follow.
    #[error("{0}: too many levels of symbolic links")]
    Loop(TreePath),
    /// A link target that is no path at all: a NUL, or too long.
    #[error("{link}: its target `{target}` is no path")]
    BadTarget {
        /// The link.
        link: TreePath,
        /// Its target.
        target: String,
    },
    /// The place could not be read.
    #[error(transparent)]
    View(#[from] ViewError),
}

/// Follows every symbolic link in `path`, as the kernel would with the view's root as `/`: a target
/// that climbs above the root stays at the root.
///
/// # Errors
/// When links loop, a target is no path, or the view cannot be read.
pub fn resolve<V: View + ?Sized>(view: &V, path: &TreePath) -> Result<Resolution, ResolveError> {
    // Nothing stands below a link: what stands at the path itself was reached without any.
    if let Some(entry) = view.entry(path)?.filter(|entry| !matches!(entry.kind, Kind::Symlink(_))) {
        return Ok(Resolution { path: path.clone(), entry: Some(entry), links: vec![] });
    }
    let mut links = vec![];
    let mut here = TreePath::root();
    let mut entry = view.entry(&here)?;
    // Components still to walk, the next one last.
    let mut todo: Vec<String> = path.names().rev().map(String::from).collect();
    while let Some(name) = todo.pop() {
        if !entry.as_ref().is_some_and(Entry::is_directory) {
            entry = None;
            here = here.child(&name);
            for name in todo.iter().rev() {
                here = here.child(name);
            }
            break;
        }
        if name == ".." {
            here = here.parent().unwrap_or(here);
            entry = view.entry(&here)?;
            continue;
        }
        let next = here.child(&name);
        let found = view.entry(&next)?;
        let Some(Entry { kind: Kind::Symlink(target), .. }) = &found else {
            here = next;
            entry = found;
            continue;
        };
        if links.len() == MAX_LINKS {
            return Err(ResolveError::Loop(path.clone()));
        }
        // Checks length and NUL; whether it climbs is decided while walking.
        if target.is_empty() || target.len() > 4095 || target.contains('\0') {
            return Err(ResolveError::BadTarget { link: next, target: target.replace('\0', "\\0") });
        }
        if target.starts_with('/') {
            here = TreePath::root();
            entry = view.entry(&here)?;
        }
        links.push(next);
        todo.extend(target.split('/').rev().filter(|part| !matches!(*part, "" | ".")).map(String::from));
    }
    Ok(Resolution { path: here, entry, links })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Overlay, Tree};

    const MERGED_USR: &str = "
        777 0:0 /lib -> usr/lib
        777 0:0 /lib64 -> /usr/lib64
        755 0:0 /usr/lib64/ld.so = loader
        777 0:0 /usr/lib/libz.so.1 -> libz.so.1.3
        644 0:0 /usr/lib/libz.so.1.3 = z
        777 0:0 /usr/lib/up -> ../../../../../lib/libz.so.1
        777 0:0 /loop -> loop
        777 0:0 /dangling -> /nowhere/at/all
        777 0:0 /through -> usr/lib/libz.so.1.3/x
    ";

    fn resolve_in(tree: &Tree, path: &str) -> (String, bool, Vec<String>) {
        let found = tree.resolve(&TreePath::parse(path).unwrap()).unwrap();
        let links = found.links.iter().map(ToString::to_string).collect();
        (found.path.to_string(), found.entry.is_some(), links)
    }

    #[test]
    fn links_are_followed_and_told() {
        let tree = Tree::from_lines(MERGED_USR).unwrap();
        let links = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (path, real, there, via) in [
            ("/lib/libz.so.1", "/usr/lib/libz.so.1.3", true, links(&["/lib", "/usr/lib/libz.so.1"])),
            ("/lib64/ld.so", "/usr/lib64/ld.so", true, links(&["/lib64"])),
            (
                "/usr/lib/up",
                "/usr/lib/libz.so.1.3",
                true,
                links(&["/usr/lib/up", "/lib", "/usr/lib/libz.so.1"]),
            ),
            ("/lib/none/x", "/usr/lib/none/x", false, links(&["/lib"])),
            ("/dangling", "/nowhere/at/all", false, links(&["/dangling"])),
            ("/through", "/usr/lib/libz.so.1.3/x", false, links(&["/through"])),
            ("/", "/", true, links(&[])),
        ] {
            assert_eq!(resolve_in(&tree, path), (real.into(), there, via), "{path}");
        }
    }

    #[test]
    fn a_loop_is_an_error() {
        let tree = Tree::from_lines(MERGED_USR).unwrap();
        let error = tree.resolve(&TreePath::parse("/loop").unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "/loop: too many levels of symbolic links");
    }

    #[test]
    fn an_overlay_merges_directories_and_hides_what_is_below_the_rest() {
        let lower = Tree::from_lines(MERGED_USR).unwrap();
        let upper = Tree::from_lines("644 0:0 /usr/lib64 = a file\n755 0:0 /usr/lib/own.so").unwrap();
        let both = Overlay { upper: &upper, lower: &lower };
        let path = |text: &str| TreePath::parse(text).unwrap();
        assert_eq!(both.list(&path("/usr/lib")).unwrap(), ["libz.so.1", "libz.so.1.3", "own.so", "up"]);
        assert!(both.entry(&path("/usr/lib64/ld.so")).unwrap().is_none());
        assert!(both.resolve(&path("/lib64/ld.so")).unwrap().entry.is_none());
        assert_eq!(both.resolve(&path("/lib/own.so")).unwrap().path, path("/usr/lib/own.so"));
    }
}
