//! What a lock holds of languages.

use std::{collections::BTreeMap, fmt, str::FromStr};
use tree::{Sha256Digest, TreePath};

/// What the languages of an image brought from outside of the project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockedLanguage {
    /// The files of the project that say what is wanted, as the spec names them, with what they said.
    pub inputs: BTreeMap<String, Sha256Digest>,
    /// The programs and libraries of the runtime source that a runtime was made of, where it enters otherwise than as it is
    /// there: by path, with a digest of all that counts.
    pub runtime: BTreeMap<TreePath, Sha256Digest>,
    /// What was brought for them, by file name, each once.
    pub artifacts: Vec<LockedArtifact>,
}

/// A package of a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedArtifact {
    /// What sort it is.
    pub kind: ArtifactKind,
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The name of its file; of a tree of modules, of the folder.
    pub file: String,
    /// The digest of the file; of a tree of modules, of all that is in it.
    pub sha256: Sha256Digest,
    /// The length in bytes; of a tree, of all its files.
    pub size: u64,
    /// When it was published, in seconds since 1970; 0 where that is not known.
    pub date: i64,
    /// Where it is, for one that no index of packages has; none: in the index.
    pub url: Option<String>,
}

/// The sorts of packages of languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArtifactKind {
    /// A wheel of Python.
    Wheel,
    /// A package of npm.
    Npm,
    /// A tree of modules that npm or another installer made of its own lock.
    Modules,
}

impl ArtifactKind {
    /// All there are.
    const ALL: [ArtifactKind; 3] = [ArtifactKind::Wheel, ArtifactKind::Npm, ArtifactKind::Modules];

    /// Its name in a lock.
    pub fn name(self) -> &'static str {
        match self {
            ArtifactKind::Wheel => "wheel",
            ArtifactKind::Npm => "npm",
            ArtifactKind::Modules => "modules",
        }
    }
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ArtifactKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        ArtifactKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

impl LockedLanguage {
    /// Is there nothing to lock?
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.runtime.is_empty() && self.artifacts.is_empty()
    }

    /// Adds what another language brought.
    pub fn add(&mut self, other: LockedLanguage) {
        let LockedLanguage { inputs, runtime, artifacts } = other;
        self.inputs.extend(inputs);
        self.runtime.extend(runtime);
        self.artifacts.extend(artifacts);
    }
}
