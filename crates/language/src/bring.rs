//! The languages of a spec, one after the other.

use crate::{Ask, LanguageError, java, node, python};
use plan::{Brought, spec::Spec};

/// What the languages of a spec bring to an image.
///
/// # Errors
/// When something cannot be had or read, a tool fails, or the lock does not fit. What is wrong with the application is
/// among [`Brought::problems`].
pub fn bring(ask: &Ask<'_>) -> Result<Brought, LanguageError> {
    let mut brought = Brought::default();
    if let Some(table) = &ask.spec.python {
        brought.add(python::bring(ask, table)?);
    }
    if let Some(table) = &ask.spec.node {
        brought.add(node::bring(ask, table)?);
    }
    if let Some(table) = &ask.spec.java {
        brought.add(java::bring(ask, table)?);
    }
    Ok(brought)
}

/// The packages of a suite that the languages of a spec need beside those of its profile: for each, its names in several
/// releases, of which the first that there is counts.
pub fn packages(spec: &Spec) -> Vec<Vec<String>> {
    let mut all = vec![];
    all.extend(spec.python.iter().flat_map(python::packages));
    all.extend(spec.node.iter().flat_map(node::packages));
    all.extend(spec.java.iter().flat_map(java::packages));
    all
}
