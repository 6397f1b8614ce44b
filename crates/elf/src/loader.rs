//! The loader itself: whose it is, and where it looks without being told.

use crate::{ElfError, Machine};
use tree::{Content, TreePath};

/// The largest loader that is read, in bytes. musl's is its whole libc, perhaps with debug symbols.
const MAX_LOADER: u64 = 64 << 20;
/// The most built-in directories that are believed.
const MAX_DIRS: usize = 32;
const MUSL_DEFAULT: &str = "/lib:/usr/local/lib:/usr/lib";

/// Whose rules a loader follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// The GNU C library.
    Glibc,
    /// The musl C library, where the loader and the library are one file.
    Musl,
}

/// A loader, as far as it decides where libraries are found. Distributions differ in this, so it is
/// read from the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loader {
    /// Its path, as programs name it.
    pub path: TreePath,
    /// Whose rules it follows.
    pub flavor: Flavor,
    /// The directories it looks through last, in order.
    pub builtin_dirs: Vec<TreePath>,
    /// What `$LIB` in a search path means, such as `lib/x86_64-linux-gnu`.
    pub lib_token: String,
    /// The file that tells it of further directories, in its own format: glibc's `ld.so.cache`, or
    /// the `ld-musl-ARCH.path` that takes the place of musl's built-in directories.
    pub config: TreePath,
}

impl Loader {
    /// Reads what the loader at `path` has built in; none if the file is neither glibc's nor musl's.
    ///
    /// # Errors
    /// When the content cannot be read.
    pub fn read(path: &TreePath, content: &Content) -> Result<Option<Self>, ElfError> {
        let bytes = content.read(MAX_LOADER)?;
        // Only the few strings that could be meant are looked at as text.
        let strings = |start: &'static [u8], end: &'static [u8]| {
            let all = bytes.split(|byte| *byte == 0);
            let likely = all.filter(move |string| string.starts_with(start) && string.ends_with(end));
            likely.filter_map(|string| str::from_utf8(string).ok())
        };
        let arch =
            |string: &str| Some(string.split_once("/etc/ld-musl-")?.1.strip_suffix(".path")?.to_string());
        if let Some(arch) = strings(b"", b".path").find_map(arch) {
            let dirs = strings(b"/lib:/", b"").next().unwrap_or(MUSL_DEFAULT);
            return Ok(Some(Loader::musl(path, arch, dirs)));
        }
        let cache = strings(b"/", b"/ld.so.cache").next();
        let Some(config) = cache.and_then(|cache| TreePath::parse(cache).ok()) else { return Ok(None) };
        let builtin_dirs = system_dirs(&bytes);
        let lib_token = lib_token(&builtin_dirs);
        let (path, flavor) = (path.clone(), Flavor::Glibc);
        Ok(Some(Loader { path, flavor, builtin_dirs, lib_token, config }))
    }

    /// What a loader that is not at hand most likely has built in, so that what else is missing can
    /// be told nevertheless.
    pub fn usual(path: &TreePath, machine: &Machine) -> Self {
        if let Some(arch) = path.name().strip_prefix("ld-musl-") {
            return Loader::musl(path, arch.trim_end_matches(".so.1").into(), MUSL_DEFAULT);
        }
        let multiarch = machine.multiarch().into_iter();
        let multiarch = multiarch.flat_map(|name| [format!("/lib/{name}"), format!("/usr/lib/{name}")]);
        let plain = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(String::from);
        let dirs = multiarch.chain(plain).filter_map(|dir| TreePath::parse(&dir).ok());
        let builtin_dirs: Vec<TreePath> = dirs.collect();
        Loader {
            path: path.clone(),
            flavor: Flavor::Glibc,
            lib_token: lib_token(&builtin_dirs),
            builtin_dirs,
            config: TreePath::root().child("etc").child("ld.so.cache"),
        }
    }

    /// The loader at `path` reads its `.path` file relative to the directory above its own.
    fn musl(path: &TreePath, arch: String, dirs: &str) -> Self {
        let above = path.parent().and_then(|dir| dir.parent()).unwrap_or_else(TreePath::root);
        let arch = arch.replace(['/', '\0'], "");
        Loader {
            path: path.clone(),
            flavor: Flavor::Musl,
            builtin_dirs: dirs.split(':').filter_map(|dir| TreePath::parse(dir).ok()).collect(),
            lib_token: "lib".into(),
            config: above.child("etc").child(&format!("ld-musl-{arch}.path")),
        }
    }
}

/// The directories that glibc has built in. It keeps them as strings one after the other, each of
/// which starts and ends with a slash; the longest row of such strings it is.
fn system_dirs(bytes: &[u8]) -> Vec<TreePath> {
    let mut best: Vec<TreePath> = vec![];
    let mut row = vec![];
    for string in bytes.split(|byte| *byte == 0) {
        if let Some(dir) = system_dir(string).filter(|_| row.len() < MAX_DIRS) {
            row.push(dir);
            continue;
        }
        if row.len() > best.len() {
            best = std::mem::take(&mut row);
        }
        row.clear();
    }
    best
}

fn system_dir(string: &[u8]) -> Option<TreePath> {
    let path = string.strip_suffix(b"/").filter(|path| path.starts_with(b"/"))?;
    let path = str::from_utf8(path).ok().filter(|path| !path.contains(':'))?;
    let path = TreePath::parse(path).ok()?;
    let is_lib = path.names().any(|name| name.starts_with("lib"));
    is_lib.then_some(path)
}

/// `$LIB` is what the first built-in directory is called below `/` or `/usr`.
fn lib_token(dirs: &[TreePath]) -> String {
    let first = dirs.first().map_or("lib", TreePath::relative);
    first.strip_prefix("usr/").unwrap_or(first).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, bytes: &[u8]) -> Option<Loader> {
        let path = TreePath::parse(path).unwrap();
        Loader::read(&path, &Content::bytes(bytes, "the test")).unwrap()
    }

    fn dirs(loader: &Loader) -> Vec<&str> {
        loader.builtin_dirs.iter().map(TreePath::as_str).collect()
    }

    #[test]
    fn glibc_keeps_its_directories_in_a_row() {
        let bytes =
            b"\x7fELF\0/proc/\0junk/lib/\0/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0\
            /usr/lib/\0\0/lib/\0/other\0/etc/ld.so.cache\0glibc-ld.so.cache1.1\0";
        let loader = read("/lib64/ld-linux-x86-64.so.2", bytes).unwrap();
        assert_eq!(loader.flavor, Flavor::Glibc);
        assert_eq!(dirs(&loader), ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"]);
        assert_eq!(loader.lib_token, "lib/x86_64-linux-gnu");
        assert_eq!(loader.config.as_str(), "/etc/ld.so.cache");

        let fedora = b"\0/lib64/\0/usr/lib64/\0\0/etc/ld.so.cache\0";
        let loader = read("/lib64/ld-linux-x86-64.so.2", fedora).unwrap();
        assert_eq!((dirs(&loader), loader.lib_token.as_str()), (vec!["/lib64", "/usr/lib64"], "lib64"));

        let nix = b"\0/nix/store/abc-glibc/lib/\0\0/nix/store/abc-glibc/etc/ld.so.cache\0";
        let loader = read("/nix/store/abc-glibc/lib/ld-linux-x86-64.so.2", nix).unwrap();
        assert_eq!(dirs(&loader), ["/nix/store/abc-glibc/lib"]);
        assert_eq!(loader.config.as_str(), "/nix/store/abc-glibc/etc/ld.so.cache");
    }

    #[test]
    fn musl_has_one_string_and_a_path_file() {
        let bytes = b"\0/lib:/usr/local/lib:/usr/lib\0%.*s/etc/ld-musl-aarch64.path\0";
        let loader = read("/lib/ld-musl-aarch64.so.1", bytes).unwrap();
        assert_eq!(loader.flavor, Flavor::Musl);
        assert_eq!(dirs(&loader), ["/lib", "/usr/local/lib", "/usr/lib"]);
        assert_eq!(loader.config.as_str(), "/etc/ld-musl-aarch64.path");
        let elsewhere = read("/opt/musl/lib/ld-musl-aarch64.so.1", bytes).unwrap();
        assert_eq!(elsewhere.config.as_str(), "/opt/musl/etc/ld-musl-aarch64.path");
    }

    #[test]
    fn other_files_are_no_loaders() {
        assert_eq!(read("/bin/sh", b"#!/bin/dash\n"), None);
        assert_eq!(read("/bin/sh", b""), None);
    }

    #[test]
    fn a_missing_loader_has_the_usual_directories() {
        let machine = Machine::from_uname("aarch64").unwrap();
        let path = |text| TreePath::parse(text).unwrap();
        let glibc = Loader::usual(&path("/lib/ld-linux-aarch64.so.1"), &machine);
        assert_eq!(
            dirs(&glibc),
            [
                "/lib/aarch64-linux-gnu",
                "/usr/lib/aarch64-linux-gnu",
                "/lib64",
                "/usr/lib64",
                "/lib",
                "/usr/lib"
            ]
        );
        let musl = Loader::usual(&path("/lib/ld-musl-aarch64.so.1"), &machine);
        assert_eq!(musl.config.as_str(), "/etc/ld-musl-aarch64.path");
    }
}
