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
    /// Is there more that they have, which is not known?
    pub incomplete: bool,
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
        let guessed = if self.incomplete { guessed(want) } else { vec![] };
        let known = |name: &&String| self.index.candidates(name).is_ok_and(|found| !found.is_empty());
        let candidates: Vec<&String> = candidates.iter().chain(&guessed).filter(known).collect();
        let best = candidates.iter().find(|name| chosen(name)).or(candidates.first())?;
        Some(((**best).clone(), why))
    }

    fn owners(&self, path: &TreePath) -> Vec<String> {
        self.contents.iter().flat_map(|contents| contents.owners(path)).map(String::from).collect()
    }
}

/// What a package that has this may be called, the likeliest first. What it really has shows when it is unpacked.
fn guessed(want: &Want) -> Vec<String> {
    let name = match want {
        Want::Library(soname) => soname,
        Want::Path(path) => path.name(),
        Want::Program(program) => program,
    };
    let mut names = plan::packages_with(name);
    match name.split_once(".so") {
        Some((stem, version)) => names.push(library_package(stem, version.trim_start_matches('.'))),
        None => names.push(name.to_owned()),
    }
    // Packages of libraries whose times grew to 64 bits have that in their names.
    names.iter().flat_map(|name| [format!("{name}t64"), name.clone()]).collect()
}

/// The package of a library, by Debian Policy 8.1: `libfoo.so.1` is in `libfoo1`, and `libfoo2.so.1` in `libfoo2-1`.
fn library_package(stem: &str, version: &str) -> String {
    let joint =
        if stem.ends_with(|last: char| last.is_ascii_digit()) && !version.is_empty() { "-" } else { "" };
    format!("{stem}{joint}{version}").to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_guessed_by_the_names_of_files() {
        for (want, first) in [
            (Want::Library("libssl.so.3".into()), "libssl3t64 libssl3"),
            (Want::Library("libc.so.6".into()), "libc6t64 libc6"),
            (Want::Library("libshop_x2.so.1".into()), "libshop-x2-1t64 libshop-x2-1"),
            (Want::Library("libShop.so".into()), "libshopt64 libshop"),
            (Want::Path(TreePath::root().child("curl")), "curlt64 curl"),
            (Want::Program("shop".into()), "shopt64 shop"),
        ] {
            assert!(guessed(&want).join(" ").starts_with(first), "{want:?}: {:?}", guessed(&want));
        }
    }
}
