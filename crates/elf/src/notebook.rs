//! What was found out about files in earlier runs.
//!
//! A note is found by its key: the SHA-256 of everything that it depends on, each part of fixed length or with its
//! length before it. Bytes of files are told apart by what the file system says of them, so that no file is read, or by
//! their digest, where that is known and they cannot change; of other files nothing is noted.

use crate::{Facts, Kind};
use std::collections::BTreeSet;
use tree::{Content, FileIdentity, Sha256Digest};

/// Who keeps notes between runs.
pub trait Notebook: Send + Sync {
    /// The note with this key.
    fn read(&self, key: &Sha256Digest) -> Option<Vec<u8>>;

    /// Keeps a note for later runs.
    fn write(&self, key: Sha256Digest, note: Vec<u8>);
}

/// The version of the rules by which notes are made: others find others.
const RULES: u32 = 1;

/// A key that is being made.
pub(crate) struct NoteKey(Vec<u8>);

impl NoteKey {
    /// Of notes of a sort.
    pub fn new(sort: &str) -> Self {
        let mut key = NoteKey(vec![]);
        key.text(sort);
        key.text(env!("CARGO_PKG_VERSION"));
        key.number(RULES.into());
        key
    }

    /// Of a note of a sort about one file; none where nothing tells its bytes.
    pub fn of(sort: &str, content: &Content) -> Option<Sha256Digest> {
        let mut key = NoteKey::new(sort);
        key.content(content)?;
        Some(key.finish())
    }

    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// The bytes of a file; nothing where nothing tells them.
    pub fn content(&mut self, content: &Content) -> Option<()> {
        let digest = || content.known().sha256.filter(|_| !content.may_change());
        match (content.identity(), digest()) {
            (Some(identity), _) => self.identity(&identity),
            (None, Some(digest)) => self.0.extend_from_slice(&digest.0),
            (None, None) => return None,
        }
        Some(())
    }

    fn identity(&mut self, identity: &FileIdentity) {
        let FileIdentity { device, inode, size, mtime, ctime } = identity;
        for number in [*device, *inode, *size] {
            self.number(number);
        }
        for time in [mtime, ctime] {
            self.0.extend_from_slice(&time.to_le_bytes());
        }
    }

    pub fn finish(self) -> Sha256Digest {
        Sha256Digest::of(&self.0)
    }
}

/// The facts of a file as a note; none of what is quickly found again.
pub(crate) fn facts_note(facts: &Facts) -> Option<Vec<u8>> {
    if facts.refused.is_some() || matches!(facts.kind, Kind::Other(_)) {
        return None;
    }
    serde_json::to_vec(facts).ok()
}

/// What [`facts_note`] made of facts.
pub(crate) fn read_facts(note: &[u8]) -> Option<Facts> {
    serde_json::from_slice(note).ok()
}

/// Names as a note.
pub(crate) fn names_note(names: &BTreeSet<String>) -> Vec<u8> {
    serde_json::to_vec(names).unwrap_or_default()
}

/// What [`names_note`] made of names.
pub(crate) fn read_names(note: &[u8]) -> Option<BTreeSet<String>> {
    serde_json::from_slice(note).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_cannot_change_are_told_by_their_digest() {
        let key = |content: &Content| NoteKey::of("sort", content);
        let [content, same, other] = ["bytes", "bytes", "other"].map(|text| Content::bytes(text, "a test"));
        assert_eq!(key(&content), None);
        for content in [&content, &same, &other] {
            content.sha256().unwrap();
        }
        assert!(key(&content).is_some());
        assert_eq!(key(&content), key(&same));
        assert_ne!(key(&content), key(&other));
    }
}
