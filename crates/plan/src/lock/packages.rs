//! The packages of a lock.

use std::{collections::BTreeSet, fmt, str::FromStr};
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
