//! Where a build brings its images.

use std::fmt;
use store::Reference;

/// Where a build brings its images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// To a place for all of them.
    Place(Reference),
    /// Each to the registry that its own name says, under its own tags.
    Push,
}

impl Output {
    /// The place, if it is one for all.
    pub fn place(&self) -> Option<&Reference> {
        match self {
            Output::Place(reference) => Some(reference),
            Output::Push => None,
        }
    }

    /// Does it go to a registry?
    pub fn is_registry(&self) -> bool {
        matches!(self, Output::Push | Output::Place(Reference::Registry(_)))
    }

    /// Are layers in zstd refused there?
    pub(crate) fn refuses_zstd(&self) -> bool {
        self.place().is_some_and(Reference::refuses_zstd)
    }
}

impl From<Reference> for Output {
    fn from(reference: Reference) -> Self {
        Output::Place(reference)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Place(reference) => reference.fmt(f),
            Output::Push => f.write_str("the registry of its name"),
        }
    }
}
