//! The links of a merged `/usr`: `/bin`, `/sbin`, `/lib` and its like lead into `/usr`.
//!
//! Debian since 12 and Ubuntu since 20.10 have it. Since Debian 13 `base-files` brings the links; before, whoever made
//! the root file system did. Packages may still have files below `/lib`: they land in `/usr/lib`.

use tree::{Entry, Kind, TreePath};

/// Every directory that may be a link, and where: `*` is everywhere. On others the link stands only if a package
/// has files below. Source: the `base-files` of Debian 13 for amd64, arm64, armhf, i386 and riscv64, and the loaders of
/// `libc6` of Debian 12 for ppc64el and s390x; others, and the names, are those of debootstrap's `setup_merged_usr`.
const LINKS: &[(&str, &[&str])] = &[
    ("bin", &["*"]),
    ("lib", &["*"]),
    ("lib32", &[]),
    ("lib64", &["amd64", "ppc64el", "loong64"]),
    ("libo32", &[]),
    ("libx32", &[]),
    ("sbin", &["*"]),
];

/// The links that stand whether or not a package needs them, on this architecture.
pub fn links(architecture: &str) -> impl Iterator<Item = &'static str> {
    let wanted = move |on: &[&str]| on.contains(&"*") || on.contains(&architecture);
    LINKS.iter().filter(move |(_, on)| wanted(on)).map(|(name, _)| *name)
}

/// The link that a path of a package would be below, or be itself.
pub fn link_of(path: &TreePath) -> Option<&'static str> {
    let first = path.names().next()?;
    LINKS.iter().map(|(name, _)| *name).find(|name| *name == first)
}

/// Where a path of a package lands: below `/usr` if it is below a link.
pub fn moved(path: &TreePath) -> TreePath {
    let below = || TreePath::parse(&format!("/usr{path}")).ok();
    link_of(path).and_then(|_| below()).unwrap_or_else(|| path.clone())
}

/// Is this the link itself, as a package brings it?
pub fn is_link(path: &TreePath, entry: &Entry) -> bool {
    let Kind::Symlink(target) = &entry.kind else { return false };
    link_of(path).is_some_and(|name| {
        path.relative() == name && target.trim_start_matches('/').strip_prefix("usr/") == Some(name)
    })
}
