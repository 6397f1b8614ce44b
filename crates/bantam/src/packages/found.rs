//! Which package of an archive has what a plan lacks.

use debian::{
    contents::{self, Candidate, Contents},
    index::Index,
};
use plan::{DEFAULT_PATH, Want, lock::LockedWhy};
use tree::TreePath;

/// The files of an archive's packages.
pub(super) struct Found<'a> {
    pub index: &'a Index,
    pub contents: &'a [Contents],
}

impl Found<'_> {
    /// The package that has what is wanted, and why a lock says that it is there. `path` is the PATH of the image.
    /// Of several, one that is among `chosen` already is taken first, then the likeliest.
    pub fn package(
        &self,
        want: &Want,
        path: Option<&str>,
        chosen: &dyn Fn(&str) -> bool,
    ) -> Option<(String, LockedWhy)> {
        let (candidates, why): (Vec<String>, LockedWhy) = match want {
            Want::Library(soname) => {
                let found = contents::libraries(self.contents, soname).into_iter();
                (found.map(|Candidate { package, .. }| package).collect(), LockedWhy::Library(soname.clone()))
            }
            Want::Path(at) => (self.owners(at), LockedWhy::Path(at.to_string())),
            Want::Program(name) => {
                let dirs =
                    path.unwrap_or(DEFAULT_PATH).split(':').filter_map(|dir| TreePath::parse(dir).ok());
                let paths: Vec<TreePath> = dirs.map(|dir| dir.child(name)).collect();
                let owners = paths.iter().flat_map(|path| self.owners(path)).collect();
                (owners, LockedWhy::Program(name.clone()))
            }
        };
        let known = |name: &&String| self.index.candidates(name).is_ok_and(|found| !found.is_empty());
        let candidates: Vec<&String> = candidates.iter().filter(known).collect();
        let best = candidates.iter().find(|name| chosen(name)).or(candidates.first())?;
        Some(((**best).clone(), why))
    }

    fn owners(&self, path: &TreePath) -> Vec<String> {
        self.contents.iter().flat_map(|contents| contents.owners(path)).map(String::from).collect()
    }
}
