//! Which packages have a library, a program or a loader: what matters of an archive's `Contents` files.
//!
//! Implements [`Contents` indices][format] of Debian's description of repositories. Such a file has millions of lines;
//! a few tens of thousands are kept, in a form that can be cached by the digest of the file.
//!
//! [format]: https://wiki.debian.org/DebianRepository/Format#A.22Contents.22_indices

mod encoding;
mod preference;
mod read;
mod select;
#[cfg(test)]
mod tests;

pub use encoding::DecodeError;
pub use read::ContentsError;

use preference::Preference;
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// The libraries, programs and loaders of a part of an archive, with the packages that have them.
///
/// Where `/lib` and its like may be links into `/usr`, they are taken for such: `/lib/x` and `/usr/lib/x` are one path,
/// and the latter is its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// All names, without breaks.
    text: String,
    /// Directories, as absolute paths, in order.
    dirs: Vec<Span>,
    /// Names of packages, in order.
    packages: Vec<Span>,
    /// In the order of names, then of directories.
    files: Vec<File>,
    /// The packages of files, as places in `packages`, in order for each file.
    owners: Vec<u32>,
}

/// A package that has a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it has it.
    pub path: TreePath,
    /// The name of the package.
    pub package: String,
}

/// A part of a text or of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: u32,
    len: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct File {
    name: Span,
    dir: u32,
    owners: Span,
}

/// Packages, by the name of a file, then by its directory.
type Kept = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

impl Contents {
    /// The packages that have a library of this name where a loader may find it, the likeliest first: in a directory
    /// of libraries before one below it, in a package that is named like the library before others, in packages for
    /// development, debugging and other architectures last.
    pub fn libraries(&self, soname: &str) -> Vec<Candidate> {
        libraries([self], soname)
    }

    /// The packages that have the file at `path`, if it is of those that are kept, in the order of their names.
    pub fn owners(&self, path: &TreePath) -> Vec<&str> {
        let Some((dir, name)) = select::merged(path.relative()) else { return vec![] };
        let file = self.named(name).iter().find(|file| self.dir(file) == dir);
        file.into_iter().flat_map(|file| self.packages_of(file)).collect()
    }

    /// How many files are kept.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Is none kept?
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files with this name.
    fn named(&self, name: &str) -> &[File] {
        let start = self.files.partition_point(|file| self.text(file.name) < name);
        let rest = self.files.get(start..).unwrap_or_default();
        let len = rest.partition_point(|file| self.text(file.name) == name);
        rest.get(..len).unwrap_or_default()
    }

    fn dir(&self, file: &File) -> &str {
        self.dirs.get(file.dir as usize).map_or("", |dir| self.text(*dir))
    }

    fn packages_of(&self, file: &File) -> impl Iterator<Item = &str> {
        let owners = self.owners.get(file.owners.range()).unwrap_or_default();
        owners.iter().filter_map(|owner| self.packages.get(*owner as usize)).map(|name| self.text(*name))
    }

    fn text(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    fn from_kept(kept: &Kept) -> Self {
        let mut contents = Contents::default();
        let dirs: BTreeSet<&str> = kept.values().flat_map(BTreeMap::keys).map(String::as_str).collect();
        let packages: BTreeSet<&str> =
            kept.values().flat_map(BTreeMap::values).flatten().map(String::as_str).collect();
        contents.dirs = dirs.iter().map(|dir| contents.push(dir)).collect();
        contents.packages = packages.iter().map(|package| contents.push(package)).collect();
        let (dirs, packages) = (numbered(dirs), numbered(packages));
        for (name, places) in kept {
            let name = contents.push(name);
            for (dir, owners) in places {
                let start = contents.owners.len();
                contents.owners.extend(owners.iter().filter_map(|owner| packages.get(&**owner)));
                let owners = Span::of(start, owners.len());
                let dir = dirs.get(&**dir).copied().unwrap_or(u32::MAX);
                contents.files.push(File { name, dir, owners });
            }
        }
        contents
    }

    fn push(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span::of(start, text.len())
    }
}

fn numbered(names: BTreeSet<&str>) -> BTreeMap<&str, u32> {
    names.into_iter().zip(0..).collect()
}

/// As [`Contents::libraries`], from several parts of an archive at once.
pub fn libraries<'a>(parts: impl IntoIterator<Item = &'a Contents>, soname: &str) -> Vec<Candidate> {
    let mut found = BTreeSet::new();
    for contents in parts {
        for file in contents.named(soname) {
            let dir = contents.dir(file);
            let packages = contents.packages_of(file);
            found.extend(packages.map(|package| (Preference::of(soname, dir, package), package, dir)));
        }
    }
    let candidate = |(_, package, dir): (Preference, &str, &str)| {
        let path = TreePath::parse(dir).and_then(|dir| dir.join(soname)).ok()?;
        Some(Candidate { path, package: package.into() })
    };
    found.into_iter().filter_map(candidate).collect()
}

impl Span {
    /// Texts and lists here are kept far below what does not fit.
    fn of(start: usize, len: usize) -> Self {
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Span { start: short(start), len: short(len) }
    }

    fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start.saturating_add(self.len as usize)
    }
}
