//! Java.

use crate::{Ask, LanguageError};
use plan::{Brought, spec::Java};

/// What a Java application brings to its image.
///
/// # Errors
/// As [`crate::bring`].
pub(crate) fn bring(_ask: &Ask<'_>, _table: &Java) -> Result<Brought, LanguageError> {
    Ok(Brought::default())
}

/// The packages of a suite that it needs, each by its names in several releases.
pub(crate) fn packages(_table: &Java) -> Vec<Vec<String>> {
    vec![]
}
