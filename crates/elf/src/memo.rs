//! What files say, read once.

use crate::notebook::{NoteKey, facts_note, names_note, read_facts, read_names};
use crate::{Cache, ElfError, Endian, Facts, Loader, Notebook, mentions, read};
use goblin::elf::header::ELFMAG;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tree::{Content, TreePath};

/// Who knows what files say.
pub trait FactsOf: Send + Sync {
    /// The facts of the file at `path`, which has no link in it; none if it is no ELF file.
    ///
    /// # Errors
    /// As [`read`].
    fn facts_of(&self, path: &TreePath, content: &Content) -> Result<Option<Arc<Facts>>, ElfError>;

    /// What the loader that programs know by `path` has built in; none if it is of no known kind, or cannot
    /// be read.
    fn loader_of(&self, path: &TreePath, content: &Content) -> Option<Arc<Loader>> {
        Loader::read(path, content).ok().flatten().map(Arc::new)
    }

    /// The libraries of an `ld.so.cache`, as a loader of this byte order reads it.
    fn cache_of(&self, content: &Content, endian: Endian) -> Arc<Cache> {
        Arc::new(Cache::read(content, endian))
    }

    /// The names of libraries among the constants of a file with these facts.
    ///
    /// # Errors
    /// As [`mentions`].
    fn mentions_of(&self, content: &Content, facts: &Facts) -> Result<BTreeSet<String>, ElfError> {
        mentions(content, facts)
    }

    /// Who keeps what was found out between runs, if anybody does.
    fn notebook(&self) -> Option<&dyn Notebook> {
        None
    }
}

/// Reads files, and remembers what they say. Several views may share a memo.
#[derive(Default)]
pub struct FactsMemo {
    facts: Known<usize, Option<Arc<Facts>>>,
    loaders: Known<(TreePath, usize), Option<Arc<Loader>>>,
    caches: Known<(Endian, usize), Arc<Cache>>,
    notebook: Option<Arc<dyn Notebook>>,
}

impl FactsMemo {
    /// A memo that asks for what earlier runs found out, and leaves the same to later ones.
    pub fn with_notebook(notebook: Arc<dyn Notebook>) -> Self {
        FactsMemo { notebook: Some(notebook), ..FactsMemo::default() }
    }

    /// What is noted of a file, or else is found by `find`, and noted.
    fn noted<T, E>(
        &self,
        sort: &str,
        content: &Content,
        read: fn(&[u8]) -> Option<T>,
        note: fn(&T) -> Option<Vec<u8>>,
        find: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let place = self.notebook().zip(NoteKey::of(sort, content));
        if let Some(known) = place.and_then(|(notebook, key)| read(&notebook.read(&key)?)) {
            return Ok(known);
        }
        let found = find()?;
        if let Some(((notebook, key), note)) = place.zip(note(&found)) {
            notebook.write(key, note);
        }
        Ok(found)
    }
}

/// What is known by the handle of a content, which is kept: another content may not get its number.
struct Known<K, V>(Mutex<HashMap<K, (V, Content)>>);

impl FactsOf for FactsMemo {
    fn facts_of(&self, _: &TreePath, content: &Content) -> Result<Option<Arc<Facts>>, ElfError> {
        // Most files of an image are something else, of which nothing need be kept.
        if !content.starts_with(ELFMAG)? {
            return Ok(None);
        }
        self.facts.get(content.handle(), content, || {
            let note = |facts: &Option<Facts>| facts_note(facts.as_ref()?);
            let known = |note: &[u8]| read_facts(note).map(Some);
            Ok(self.noted("facts", content, known, note, || read(content))?.map(Arc::new))
        })
    }

    fn loader_of(&self, path: &TreePath, content: &Content) -> Option<Arc<Loader>> {
        let read = || Ok::<_, ElfError>(Loader::read(path, content)?.map(Arc::new));
        self.loaders.get((path.clone(), content.handle()), content, read).ok().flatten()
    }

    fn cache_of(&self, content: &Content, endian: Endian) -> Arc<Cache> {
        let Ok(cache) = self.caches.get((endian, content.handle()), content, || {
            Ok::<_, std::convert::Infallible>(Arc::new(Cache::read(content, endian)))
        });
        cache
    }

    fn mentions_of(&self, content: &Content, facts: &Facts) -> Result<BTreeSet<String>, ElfError> {
        let note = |names: &BTreeSet<String>| Some(names_note(names));
        self.noted("mentions", content, read_names, note, || mentions(content, facts))
    }

    fn notebook(&self) -> Option<&dyn Notebook> {
        self.notebook.as_deref()
    }
}

impl<K: Eq + Hash, V: Clone> Known<K, V> {
    /// What is known, or else is found by `read`. Errors are not remembered.
    fn get<E>(&self, key: K, content: &Content, read: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((value, _)) = known().get(&key) {
            return Ok(value.clone());
        }
        let value = read()?;
        known().insert(key, (value.clone(), content.clone()));
        Ok(value)
    }
}

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Known(Mutex::default())
    }
}
