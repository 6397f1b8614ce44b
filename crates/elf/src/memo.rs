//! Facts of files, read once.

use crate::{ElfError, Facts, read};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tree::{Content, TreePath};

/// Who knows the facts of files.
pub trait FactsOf: Send + Sync {
    /// The facts of the file at `path`, which has no link in it; none if it is no ELF file.
    ///
    /// # Errors
    /// As [`read`].
    fn facts_of(&self, path: &TreePath, content: &Content) -> Result<Option<Arc<Facts>>, ElfError>;
}

/// Reads facts from the files, and remembers them by path, origin and size of the content. Several
/// views may share a memo: the same path in two of them has two origins, or the same content.
#[derive(Default)]
pub struct FactsMemo(Mutex<HashMap<Identity, Option<Arc<Facts>>>>);

type Identity = (TreePath, String, u64);

impl FactsOf for FactsMemo {
    fn facts_of(&self, path: &TreePath, content: &Content) -> Result<Option<Arc<Facts>>, ElfError> {
        let identity = (path.clone(), content.origin(), content.size());
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = known().get(&identity) {
            return Ok(facts.clone());
        }
        let facts = read(content)?.map(Arc::new);
        known().insert(identity, facts.clone());
        Ok(facts)
    }
}
