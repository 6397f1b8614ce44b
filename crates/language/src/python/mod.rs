//! Python.

mod dependencies;
mod interpreter;

use crate::{Ask, LanguageError};
use plan::{Brought, spec::Python};

/// What a Python application brings to its image.
///
/// # Errors
/// As [`crate::bring`].
pub(crate) fn bring(_ask: &Ask<'_>, _table: &Python) -> Result<Brought, LanguageError> {
    Ok(Brought::default())
}

/// The packages of a suite that it needs, each by its names in several releases.
pub(crate) fn packages(_table: &Python) -> Vec<Vec<String>> {
    vec![]
}
