//! The packages of a lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};
use tree::Sha256Digest;

/// A package that an image is made of, with where it is and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, as Debian writes it.
    pub architecture: String,
    /// The digest of its archive.
    pub sha256: Sha256Digest,
    /// The length of that in bytes.
    pub size: u64,
    /// When it was built, in seconds since 1970.
    pub date: i64,
    /// Where it is: the suite, and behind a space the root of an archive that is not the distribution's own.
    pub suite: String,
    /// Where it is in that archive, relative to its root.
    pub path: String,
    /// Why it is needed.
    pub why: BTreeSet<LockedWhy>,
}

/// Lists of packages as one, by name. Of what is there in several versions, the last counts; whoever needed one needs it.
pub fn united(packages: impl IntoIterator<Item = LockedPackage>) -> Vec<LockedPackage> {
    let mut by_name: BTreeMap<String, LockedPackage> = BTreeMap::new();
    for mut package in packages {
        if let Some(before) = by_name.remove(&package.name) {
            package.why.extend(before.why);
        }
        by_name.insert(package.name.clone(), package);
    }
    by_name.into_values().collect()
}

/// The packages of these names and what they depend on, of a list that is whole, in its order; none if it lacks a name.
pub fn closure(names: &[String], packages: &[LockedPackage]) -> Option<Vec<LockedPackage>> {
    let mut taken: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    if !taken.iter().all(|name| packages.iter().any(|package| package.name == *name)) {
        return None;
    }
    loop {
        let before = taken.len();
        let is_needed = |package: &&LockedPackage| {
            let mut reasons = package.why.iter();
            reasons.any(|why| matches!(why, LockedWhy::Depends(by) if taken.contains(&**by)))
        };
        let needed: Vec<&str> = packages.iter().filter(is_needed).map(|package| &*package.name).collect();
        taken.extend(needed);
        if taken.len() == before {
            let is_taken = |package: &&LockedPackage| taken.contains(&*package.name);
            return Some(packages.iter().filter(is_taken).cloned().collect());
        }
    }
}

/// Why a package is needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockedWhy {
    /// The spec names it: in `packages`, by its profile, or by its variant.
    Spec,
    /// It provides this name, which the spec wants.
    Provides(String),
    /// It has a library that something of the image asks for.
    Library(String),
    /// It has what something of the image starts or keeps by its path.
    Path(String),
    /// It has a program that something of the image looks for on PATH.
    Program(String),
    /// This package depends on it.
    Depends(String),
}

impl LockedWhy {
    /// Does the spec want it?
    pub fn is_of_spec(&self) -> bool {
        matches!(self, LockedWhy::Spec | LockedWhy::Provides(_))
    }

    /// Was it found for something in the image that asks for it?
    pub fn is_found(&self) -> bool {
        matches!(self, LockedWhy::Library(_) | LockedWhy::Path(_) | LockedWhy::Program(_))
    }
}

impl fmt::Display for LockedWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockedWhy::Spec => write!(f, "spec"),
            LockedWhy::Provides(name) => write!(f, "provides {name}"),
            LockedWhy::Library(soname) => write!(f, "library {soname}"),
            LockedWhy::Path(path) => write!(f, "path {path}"),
            LockedWhy::Program(name) => write!(f, "program {name}"),
            LockedWhy::Depends(package) => write!(f, "depends {package}"),
        }
    }
}

impl FromStr for LockedWhy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.to_owned();
        match (kind, rest.is_empty()) {
            ("spec", true) => Ok(LockedWhy::Spec),
            ("provides", false) => Ok(LockedWhy::Provides(rest)),
            ("library", false) => Ok(LockedWhy::Library(rest)),
            ("path", false) => Ok(LockedWhy::Path(rest)),
            ("program", false) => Ok(LockedWhy::Program(rest)),
            ("depends", false) => Ok(LockedWhy::Depends(rest)),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(text: &str) -> LockedPackage {
        let mut words = text.split(' ');
        let mut next = || words.next().unwrap_or_default().to_owned();
        let (name, version) = (next(), next());
        LockedPackage {
            path: format!("pool/{name}.deb"),
            name,
            version,
            architecture: "amd64".into(),
            sha256: Sha256Digest([1; 32]),
            size: 1,
            date: 0,
            suite: "sid".into(),
            why: words.map(|by| LockedWhy::Depends(by.into())).collect(),
        }
    }

    #[test]
    fn lists_become_one() {
        let all = ["libz 1 python3", "java 1", "libz 2 java", "java 2 x"].map(package);
        assert_eq!(united(all), ["java 2 x", "libz 2 java python3"].map(package));
    }

    #[test]
    fn a_closure_has_what_its_names_depend_on() {
        let all =
            ["java 1 x", "libc 1 libz", "libjpeg 1 java", "libz 1 java python3", "python3 1"].map(package);
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let found = closure(&names, &all)?;
            Some(found.into_iter().map(|package| package.name).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(of(&["python3"]).unwrap(), "libc libz python3");
        assert_eq!(of(&["java"]).unwrap(), "java libc libjpeg libz");
        assert_eq!(of(&["libc", "java"]).unwrap(), "java libc libjpeg libz");
        assert_eq!(of(&["python3", "uv"]), None);
    }
}
