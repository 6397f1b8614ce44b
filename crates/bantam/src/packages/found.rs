//! Which package of an archive has what a plan lacks.

use debian::{
    contents::{self, Candidate, Contents},
    index::Index,
};
use plan::{DEFAULT_PATH, Want, lock::LockedWhy};
use std::sync::Arc;
use tree::TreePath;

/// What names of packages end in, where a release changed the size of a type: `libssl3t64`.
const TRANSITION: &str = "t64";
/// Programs that stand at well-known paths, and whose packages have other names.
const KNOWN: [(&str, &str); 3] = [("sh", "dash"), ("env", "coreutils"), ("python3", "python3-minimal")];

/// The likely package of a library: by a table, without a look at any archive. Whether it has the library is seen when
/// it is there.
pub(super) fn likely(index: &Index, soname: &str) -> Option<String> {
    let names = plan::packages_with(soname).into_iter();
    names.flat_map(|name| [format!("{name}{TRANSITION}"), name]).find(|name| has(index, name))
}

/// The package that is called like what is wanted. Whether it has it is seen when it is there.
fn called_alike(index: &Index, want: &Want) -> Option<String> {
    let names = match want {
        Want::Library(soname) => names_of_library(soname),
        Want::Path(path) if path.name().starts_with("ld-musl") => vec!["musl".into()],
        Want::Path(path) if path.name().starts_with("ld") && path.name().contains(".so") => {
            vec!["libc6".into()]
        }
        Want::Path(path) => names_of_program(path.name()),
        Want::Program(name) => names_of_program(name),
    };
    names.into_iter().find(|name| has(index, name))
}

/// The reason that a lock gives for what is wanted.
pub(super) fn why(want: &Want) -> LockedWhy {
    match want {
        Want::Library(soname) => LockedWhy::Library(soname.clone()),
        Want::Path(path) => LockedWhy::Path(path.to_string()),
        Want::Program(name) => LockedWhy::Program(name.clone()),
    }
}

/// The lists of an archive's files.
#[derive(Clone)]
pub(super) struct Lists {
    pub contents: Arc<[Contents]>,
    /// Or is one missing?
    pub complete: bool,
}

/// The files of an archive's packages.
pub(super) struct Found<'a> {
    pub index: &'a Index,
    pub lists: Lists,
}

impl Found<'_> {
    /// The package that has what is wanted; where a list is missing, one that is called like it may do. `path` is the PATH of the image. Of several, one that is among `chosen`
    /// already is taken first, then the likeliest.
    pub fn package(&self, want: &Want, path: Option<&str>, chosen: &dyn Fn(&str) -> bool) -> Option<String> {
        let candidates: Vec<String> = match want {
            Want::Library(soname) => {
                let found = contents::libraries(&*self.lists.contents, soname).into_iter();
                found.map(|Candidate { package, .. }| package).collect()
            }
            Want::Path(path) => self.owners(path),
            Want::Program(name) => {
                let dirs =
                    path.unwrap_or(DEFAULT_PATH).split(':').filter_map(|dir| TreePath::parse(dir).ok());
                dirs.map(|dir| dir.child(name)).flat_map(|path| self.owners(&path)).collect()
            }
        };
        let candidates: Vec<String> = candidates.into_iter().filter(|name| has(self.index, name)).collect();
        let listed = candidates.iter().find(|name| chosen(name)).or(candidates.first()).cloned();
        listed.or_else(|| if self.lists.complete { None } else { called_alike(self.index, want) })
    }

    fn owners(&self, path: &TreePath) -> Vec<String> {
        self.lists.contents.iter().flat_map(|contents| contents.owners(path)).map(String::from).collect()
    }
}

fn has(index: &Index, name: &str) -> bool {
    index.candidates(name).is_ok_and(|found| !found.is_empty())
}

/// `libfoo.so.5` is of `libfoo5`, `libfoo-1.2.so.3` of `libfoo-1.2-3` (Debian's policy 8.1).
fn names_of_library(soname: &str) -> Vec<String> {
    let Some((stem, version)) = soname.split_once(".so.") else { return vec![] };
    let stem = stem.to_lowercase().replace('_', "-");
    let hyphen = if stem.ends_with(|last: char| last.is_ascii_digit()) { "-" } else { "" };
    let name = format!("{stem}{hyphen}{version}");
    vec![format!("{name}{TRANSITION}"), name]
}

fn names_of_program(name: &str) -> Vec<String> {
    let known =
        KNOWN.iter().filter(|(program, _)| *program == name).map(|(_, package)| (*package).to_owned());
    known.chain([name.to_owned(), format!("{name}-minimal")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_called_like_libraries() {
        assert_eq!(names_of_library("libpq.so.5"), ["libpq5t64", "libpq5"]);
        assert_eq!(names_of_library("libicu_x-72.so.3"), ["libicu-x-72-3t64", "libicu-x-72-3"]);
        assert!(names_of_library("plugin.so").is_empty());
        assert_eq!(names_of_program("sh")[0], "dash");
    }
}
