//! What stops a plan.

use crate::{expand::ExpandError, spec::Platform};
use tree::{ReadError, ViewError};

/// A plan could not be made, because something could not be read. What is wrong with the image itself
/// is a [`crate::finding::Finding`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A variable of the spec does not exist.
    #[error(transparent)]
    Expand(#[from] ExpandError),
    /// A place could not be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// bantam does not know the loader's rules for a processor.
    #[error("bantam does not know the loader of {0}")]
    Machine(Platform),
}
