//! What runs leave to later ones about the ELF files that they saw.

use crate::Target;
use cache::{Cache, CacheError, RecordKind};
use plan::Memo;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tree::Sha256Digest;

/// The notes of the targets of a run: those of the last run, and those that this one asked for or made.
pub(crate) struct Notes {
    key: Sha256Digest,
    book: Arc<Book>,
}

#[derive(Default)]
struct Book {
    known: BTreeMap<Sha256Digest, Vec<u8>>,
    used: Mutex<BTreeMap<Sha256Digest, Vec<u8>>>,
}

impl elf::Notebook for Book {
    fn read(&self, key: &Sha256Digest) -> Option<Vec<u8>> {
        let mut used = self.used();
        if let Some(note) = used.get(key) {
            return Some(note.clone());
        }
        let note = self.known.get(key)?;
        used.insert(*key, note.clone());
        Some(note.clone())
    }

    fn write(&self, key: Sha256Digest, note: Vec<u8>) {
        self.used().insert(key, note);
    }
}

impl Book {
    fn used(&self) -> std::sync::MutexGuard<'_, BTreeMap<Sha256Digest, Vec<u8>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    /// Reads what the last run with the same targets left. What cannot be read is forgotten.
    pub fn read<'a>(cache: &Cache, targets: impl IntoIterator<Item = &'a Target>) -> Self {
        let keys: Vec<u8> = targets.into_iter().flat_map(|target| target.record_key().0).collect();
        let key = Sha256Digest::of(&keys);
        let known = cache.record(RecordKind::Notes, &key).and_then(|record| decode(&record));
        Notes { key, book: Arc::new(Book { known: known.unwrap_or_default(), used: Mutex::default() }) }
    }

    /// What plans remember, with the notes to be asked and added to.
    pub fn memo(&self) -> Memo {
        Memo::with_notebook(self.book.clone())
    }

    /// Leaves what was of use to the next run.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn write(&self, cache: &Cache) -> Result<(), CacheError> {
        let used = self.book.used();
        // What was not asked for this time is of no use; nor is a record that says the same.
        if *used == self.book.known {
            return Ok(());
        }
        cache.put_record(RecordKind::Notes, &self.key, &encode(&used))
    }
}

fn encode(notes: &BTreeMap<Sha256Digest, Vec<u8>>) -> Vec<u8> {
    let mut out = vec![];
    for (key, note) in notes {
        let Ok(len) = u32::try_from(note.len()) else { continue };
        out.extend_from_slice(&key.0);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(note);
    }
    out
}

fn decode(mut record: &[u8]) -> Option<BTreeMap<Sha256Digest, Vec<u8>>> {
    let mut notes = BTreeMap::new();
    while !record.is_empty() {
        let (key, rest) = record.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (note, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
        notes.insert(Sha256Digest(*key), note.to_vec());
        record = rest;
    }
    Some(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use elf::Notebook as _;

    fn digest(byte: u8) -> Sha256Digest {
        Sha256Digest([byte; 32])
    }

    #[test]
    fn what_is_written_is_read_again() {
        let notes =
            BTreeMap::from([(digest(1), b"one".to_vec()), (digest(2), vec![]), (digest(3), vec![7; 300])]);
        let record = encode(&notes);
        assert_eq!(decode(&record), Some(notes));
        assert_eq!(decode(&[]), Some(BTreeMap::new()));
        for cut in [1, 35, 38, record.len() - 1] {
            assert_eq!(decode(&record[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn what_nobody_asked_for_is_left_out() {
        let known = BTreeMap::from([(digest(1), b"one".to_vec()), (digest(2), b"two".to_vec())]);
        let book = Book { known, used: Mutex::default() };
        assert_eq!(book.read(&digest(2)).unwrap(), b"two");
        assert_eq!(book.read(&digest(3)), None);
        book.write(digest(3), b"three".to_vec());
        assert_eq!(book.read(&digest(3)).unwrap(), b"three");
        assert_eq!(book.used().keys().copied().collect::<Vec<_>>(), [digest(2), digest(3)]);
    }
}
