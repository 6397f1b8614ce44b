//! Facts of files, read once.

use crate::{ElfError, Facts, read};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tree::{Content, TreePath};

/// Who knows the facts of the files of one view.
pub trait FactsOf: Send + Sync {
    /// The facts of the file at `path`, which has no link in it and stands in the view; none if it is
    /// no ELF file.
    ///
    /// # Errors
    /// As [`read`].
    fn facts_of(&self, path: &TreePath, content: &Content) -> Result<Option<Arc<Facts>>, ElfError>;
}

/// Reads facts from the files, and remembers them by path. One memo serves one view.
#[derive(Default)]
pub struct FactsMemo(Mutex<HashMap<TreePath, Option<Arc<Facts>>>>);

impl FactsOf for FactsMemo {
    fn facts_of(&self, path: &TreePath, content: &Content) -> Result<Option<Arc<Facts>>, ElfError> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = known().get(path) {
            return Ok(facts.clone());
        }
        let facts = read(content)?.map(Arc::new);
        known().insert(path.clone(), facts.clone());
        Ok(facts)
    }
}
