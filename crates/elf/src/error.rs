//! Why an ELF file could not be understood.

use tree::{PathError, ReadError, ResolveError, TreePath, ViewError};

/// Why an ELF file could not be understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// The bytes could not be had.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file starts as an ELF file, but what follows is not one.
    #[error("{origin} is a damaged ELF file: {what}")]
    Damaged {
        /// Where the bytes come from.
        origin: String,
        /// What is wrong with them.
        what: String,
    },
    /// Nothing is there.
    #[error("{0}: no such file")]
    NotFound(TreePath),
    /// Something is there, but not what the loader could load.
    #[error("{path} is {found}, not an ELF program or shared object")]
    NotElf {
        /// The file.
        path: TreePath,
        /// What it is.
        found: String,
    },
    /// A path that leads nowhere.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A text that is no path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The place could not be read.
    #[error(transparent)]
    View(#[from] ViewError),
}
