//! Node.js.

use crate::{Ask, LanguageError};
use plan::{Brought, spec::Node};

/// What a Node.js application brings to its image.
///
/// # Errors
/// As [`crate::bring`].
pub(crate) fn bring(_ask: &Ask<'_>, _table: &Node) -> Result<Brought, LanguageError> {
    Ok(Brought::default())
}

/// The packages of a suite that it needs, each by its names in several releases.
pub(crate) fn packages(_table: &Node) -> Vec<Vec<String>> {
    vec![]
}
