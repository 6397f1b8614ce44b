//! The `glibc-hwcaps` directories: variants of libraries for newer processors.

use tree::{TreePath, View, ViewError};

/// The directory that holds one directory for each kind of processor.
pub(crate) const HWCAPS: &str = "glibc-hwcaps";

/// The variants of a library that a loader may take in its place, sorted: `DIR/glibc-hwcaps/*/NAME`
/// for the library `DIR/NAME`. They go where the library goes: which one is loaded depends on the
/// processor that the program runs on.
///
/// # Errors
/// When the view cannot be read.
pub fn hwcaps_variants(view: &dyn View, library: &TreePath) -> Result<Vec<TreePath>, ViewError> {
    let Some(dir) = library.parent() else { return Ok(vec![]) };
    let mut variants = vec![];
    for subdirectory in subdirectories(view, &dir)? {
        let variant = dir.child(HWCAPS).child(&subdirectory).child(library.name());
        if view
            .resolve(&variant)
            .is_ok_and(|found| found.entry.is_some_and(|entry| entry.content().is_some()))
        {
            variants.push(variant);
        }
    }
    Ok(variants)
}

/// The names of the directories for kinds of processors below `dir`. The loader cannot look into one
/// with a colon in its name.
pub(crate) fn subdirectories(view: &dyn View, dir: &TreePath) -> Result<Vec<String>, ViewError> {
    let Ok(hwcaps) = view.resolve(&dir.child(HWCAPS)) else { return Ok(vec![]) };
    let names = view.list(&hwcaps.path)?.into_iter();
    let is_directory = |name: &String| {
        let found = view.resolve(&hwcaps.path.child(name)).ok().and_then(|found| found.entry);
        found.is_some_and(|entry| entry.is_directory())
    };
    Ok(names.filter(|name| !name.starts_with('.') && !name.contains(':') && is_directory(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tree::Tree;

    #[test]
    fn variants_lie_beside_the_library() {
        let tree = Tree::from_lines(
            "777 0:0 /lib -> usr/lib
            644 0:0 /usr/lib/liba.so.1 = a
            644 0:0 /usr/lib/glibc-hwcaps/x86-64-v3/liba.so.1 = a3
            777 0:0 /usr/lib/glibc-hwcaps/x86-64-v2/liba.so.1 -> liba.so.1.0
            644 0:0 /usr/lib/glibc-hwcaps/x86-64-v2/liba.so.1.0 = a2
            777 0:0 /usr/lib/glibc-hwcaps/x86-64-v4/liba.so.1 -> nowhere
            644 0:0 /usr/lib/glibc-hwcaps/.hidden/liba.so.1 = h
            644 0:0 /usr/lib/glibc-hwcaps/x86-64-v3/libb.so.1 = b3",
        )
        .unwrap();
        let variants = |path: &str| {
            let found = hwcaps_variants(&tree, &TreePath::parse(path).unwrap()).unwrap();
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            variants("/lib/liba.so.1"),
            ["/lib/glibc-hwcaps/x86-64-v2/liba.so.1", "/lib/glibc-hwcaps/x86-64-v3/liba.so.1"]
        );
        assert!(variants("/opt/liba.so.1").is_empty());
    }
}
