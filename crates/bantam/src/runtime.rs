//! The runtime sources of a run: each is opened once, for all images that take from it.

use crate::{Target, notes::Notes, open::Problem};
use plan::{Memo, expand::Vars, spec::RuntimeSource};
use source::{Directory, Memory};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tree::View;

/// A source, and what is known of it.
#[derive(Default)]
pub(crate) struct Runtime<'a> {
    directory: Option<Directory<'a>>,
    /// What plans found out.
    pub memo: Memo,
}

impl Runtime<'_> {
    /// The files; none where the payload brings all.
    pub fn view(&self) -> Option<&dyn View> {
        self.directory.as_ref().map(|directory| directory as &dyn View)
    }
}

/// The sources that were opened so far.
pub(crate) struct Runtimes<'a> {
    memory: &'a dyn Memory,
    notes: &'a Notes,
    /// By the root; none is the machine itself.
    open: Mutex<HashMap<Option<PathBuf>, Arc<Runtime<'a>>>>,
}

impl<'a> Runtimes<'a> {
    /// `memory` knows files from earlier runs, and `notes` what they are.
    pub fn new(memory: &'a dyn Memory, notes: &'a Notes) -> Self {
        Runtimes { memory, notes, open: Mutex::default() }
    }

    /// The memory of files of earlier runs.
    pub fn memory(&self) -> &'a dyn Memory {
        self.memory
    }

    /// The source of a target.
    ///
    /// # Errors
    /// When it cannot be opened, or its name has a variable that there is not.
    pub fn open(&self, target: &Target, vars: &Vars<'_>) -> Result<Arc<Runtime<'a>>, Problem> {
        let root = match &target.spec.runtime.source {
            RuntimeSource::None => {
                return Ok(Arc::new(Runtime {
                    directory: None,
                    memo: Memo::with_notebook(self.notes.book()),
                }));
            }
            RuntimeSource::Host => None,
            RuntimeSource::Rootfs(dir) => {
                let dir = plan::expand::expand(dir, vars).map_err(Problem::Runtime)?;
                Some(target.folder.join(dir))
            }
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = open.get(&root) {
            return Ok(Arc::clone(runtime));
        }
        let directory = root.as_deref().map_or_else(Directory::host, Directory::open);
        let directory = directory.map_err(Problem::Source)?.with_memory(self.memory);
        let runtime =
            Arc::new(Runtime { directory: Some(directory), memo: Memo::with_notebook(self.notes.book()) });
        open.insert(root, Arc::clone(&runtime));
        Ok(runtime)
    }
}
