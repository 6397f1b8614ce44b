//! Which files of an archive matter: those that a loader finds by name, those that are run by name, and loaders.

/// Directories of the root that are links into `/usr` on merged systems.
const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// The directory and name of a file that matters, by its path from the root without a leading slash.
pub(super) fn select(path: &str) -> Option<(String, &str)> {
    let below = path.strip_prefix("usr/").unwrap_or(path);
    let (top, rest) = below.split_once('/')?;
    let matters = match top {
        "bin" | "sbin" => !rest.contains('/'),
        "games" => below.len() != path.len() && !rest.contains('/'),
        "lib" | "lib32" | "lib64" | "libx32" => is_found_by_name(top, rest),
        _ => false,
    };
    let names = || path.split('/').all(|name| !["", ".", ".."].contains(&name));
    if matters && names() { merged(path) } else { None }
}

/// The absolute directory and the name of a path, with what lies in directories that may be links into `/usr` there.
pub(super) fn merged(path: &str) -> Option<(String, &str)> {
    let (dir, name) = path.rsplit_once('/')?;
    let top = dir.split_once('/').map_or(dir, |(top, _)| top);
    let prefix = if MERGED.contains(&top) { "/usr/" } else { "/" };
    Some((format!("{prefix}{dir}"), name))
}

/// Is this how a directory of libraries for one architecture is called: `x86_64-linux-gnu`?
pub(super) fn is_triplet(name: &str) -> bool {
    !name.contains('/') && (name.contains("-linux-") || name.ends_with("-gnu"))
}

/// Is it a library or loader in a directory of libraries, or a library one below?
fn is_found_by_name(top: &str, rest: &str) -> bool {
    let (dir, name) = rest.rsplit_once('/').unwrap_or(("", rest));
    let (first, below) = dir.split_once('/').map_or((dir, None), |(first, below)| (first, Some(below)));
    let near = first.is_empty() || is_triplet(first) && below.is_none();
    let one_below = match below {
        None => first != "debug" || top != "lib",
        Some(below) => is_triplet(first) && !below.contains('/'),
    };
    near && is_loader(name) || one_below && is_library(name)
}

/// Is it called like a loader: `ld-linux-x86-64.so.2`, `ld64.so.1`, `ld.so.1`?
fn is_loader(name: &str) -> bool {
    name.starts_with("ld-") || name.starts_with("ld") && name.contains(".so.")
}

/// Is it called like a library: `lib*.so`, `lib*.so.*` or `*.so.*`?
fn is_library(name: &str) -> bool {
    let ends = |(at, _): (usize, &str)| name.get(at + 3..).unwrap_or_default();
    let is_end = |rest: &str| rest.starts_with('.') || rest.is_empty() && name.starts_with("lib");
    name.match_indices(".so").map(ends).any(is_end)
}
