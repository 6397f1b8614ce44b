//! Trees that were made for images, kept in the cache: a wheel that was unpacked, modules that a tool installed, a
//! runtime that a tool linked.
//!
//! One is a record and a blob, as an unpacked package is: the record lists the entries and says where the content of
//! each file is in the blob. Its key says all that went into it. The format is described in `docs/cache.md`.

use cache::{Cache, PartRange, Parts, RecordKind};
use oci::Hashing;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Read, Write},
};
use tree::{Content, Entry, Sha256Digest, TreePath};

/// How much is written at a time.
const STEP: usize = 1 << 20;

/// A tree that is at hand: paths below the place where it goes, parents not listed.
pub(crate) struct Kept {
    /// What is in it, files and links.
    pub entries: BTreeMap<TreePath, Entry>,
    /// What whoever made it noted beside.
    pub note: String,
}

/// A tree that is being written.
pub(crate) struct Keeper<'a> {
    cache: &'a Cache,
    key: Sha256Digest,
    name: String,
    file: File,
    out: Hashing<BufWriter<File>>,
    written: u64,
    items: BTreeMap<TreePath, Item>,
}

/// A key for a tree: a domain that says who makes it and which version of its rules, and all that it is made of.
pub(crate) fn key(domain: &str, parts: &[&[u8]]) -> Sha256Digest {
    let mut hash = Sha256::new();
    for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    Sha256Digest(hash.finalize().into())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    name: String,
    blob: String,
    size: u64,
    note: String,
    items: Vec<(String, Item)>,
}

/// What is kept of an entry.
#[derive(Clone, Serialize, Deserialize)]
enum Item {
    #[serde(rename = "l")]
    Link(String),
    /// Mode, offset, size, digest.
    #[serde(rename = "f")]
    File(u32, u64, u64, String),
}

impl Kept {
    /// The tree under this key, if the cache has it undamaged.
    pub fn open(cache: &Cache, key: &Sha256Digest) -> Option<Self> {
        let bytes = cache.record(RecordKind::Trees, key)?;
        let Record { name, blob, size, note, items } = serde_json::from_slice(&bytes).ok()?;
        let blob = Sha256Digest::from_hex(&blob)?;
        let file = cache.blob(&blob, size)?;
        let mut read = vec![];
        for (path, item) in items {
            read.push((TreePath::parse(&path).ok()?, item));
        }
        Kept::new(file, &blob, name, note, read)
    }

    fn new(
        file: File,
        blob: &Sha256Digest,
        name: String,
        note: String,
        items: impl IntoIterator<Item = (TreePath, Item)>,
    ) -> Option<Self> {
        let parts = Parts::new(file, name, blob);
        let mut entries = BTreeMap::new();
        for (number, (path, item)) in items.into_iter().enumerate() {
            let entry = match item {
                Item::Link(target) => Entry::symlink(target),
                Item::File(mode, offset, size, sha256) => {
                    let sha256 = Sha256Digest::from_hex(&sha256)?;
                    Entry::file(parts.content(number as u64, PartRange { offset, size, sha256 }, &path), mode)
                }
            };
            entries.insert(path, entry);
        }
        Some(Kept { entries, note })
    }

    /// The files of it.
    pub fn files(&self) -> impl Iterator<Item = (&TreePath, &Content)> {
        self.entries.iter().filter_map(|(path, entry)| Some((path, entry.content()?)))
    }
}

impl<'a> Keeper<'a> {
    /// Begins a tree. `name` is what messages call it.
    ///
    /// # Errors
    /// When nothing can be written, neither into the cache nor into the temporary directory.
    pub fn new(cache: &'a Cache, key: Sha256Digest, name: &str) -> io::Result<Self> {
        let file = match cache.new_file() {
            Ok(file) => file,
            Err(_) => tempfile::tempfile()?,
        };
        let out = Hashing::new(BufWriter::with_capacity(STEP, file.try_clone()?));
        Ok(Keeper { cache, key, name: name.into(), file, out, written: 0, items: BTreeMap::new() })
    }

    /// Adds a file; what it replaces of the same path is gone. Gives the digest of its content.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn file(&mut self, path: TreePath, mode: u32, content: &mut dyn Read) -> io::Result<Sha256Digest> {
        let mut out = Hashing::new(&mut self.out);
        io::copy(content, &mut out)?;
        let (sha256, size) = out.finish();
        let sha256 = Sha256Digest(*sha256.bytes());
        self.items.insert(path, Item::File(mode, self.written, size, sha256.hex()));
        self.written += size;
        Ok(sha256)
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: TreePath, target: &str) {
        self.items.insert(path, Item::Link(target.into()));
    }

    /// Ends the tree, and keeps it. Where the cache takes nothing, it is at hand all the same.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, note: &str) -> io::Result<Kept> {
        self.out.flush()?;
        let (blob, size) = self.out.finish();
        let blob = Sha256Digest(*blob.bytes());
        let items = self.items.iter().map(|(path, item)| (path.as_str().to_owned(), item.clone())).collect();
        let record = Record { name: self.name.clone(), blob: blob.hex(), size, note: note.into(), items };
        let bytes = serde_json::to_vec(&record).map_err(io::Error::other)?;
        // The blob first: a record without it would be a lie. A cache that takes nothing makes the next run slower.
        let kept = self.cache.put_blob(&blob, &self.file);
        let _ = kept.and_then(|()| self.cache.put_record(RecordKind::Trees, &self.key, &bytes));
        let made = Kept::new(self.file, &blob, self.name, note.into(), self.items);
        made.ok_or_else(|| io::Error::other("a tree that was just written cannot be read"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_tree_comes_back_as_it_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("cache"));
        let key = key("test-1", &[b"a", b"b"]);
        assert!(Kept::open(&cache, &key).is_none());
        let path = |text: &str| TreePath::parse(text).unwrap();
        let mut keeper = Keeper::new(&cache, key, "shop 1.0").unwrap();
        keeper.file(path("/bin/shop"), 0o755, &mut &b"#!/bin/x\n"[..]).unwrap();
        keeper.file(path("/lib/empty"), 0o644, &mut &b""[..]).unwrap();
        keeper.link(path("/bin/s"), "shop");
        let made = keeper.finish("a note").unwrap();
        let again = Kept::open(&cache, &key).unwrap();
        for kept in [made, again] {
            assert_eq!(kept.note, "a note");
            let shop = &kept.entries[&path("/bin/shop")];
            assert_eq!(shop.meta.mode, 0o755);
            assert_eq!(shop.content().unwrap().read(100).unwrap(), b"#!/bin/x\n");
            assert_eq!(kept.entries[&path("/lib/empty")].content().unwrap().size(), 0);
            assert!(
                matches!(&kept.entries[&path("/bin/s")].kind, tree::Kind::Symlink(target) if target == "shop")
            );
            assert_eq!(kept.files().count(), 2);
        }
    }

    #[test]
    fn keys_tell_parts_apart() {
        assert_ne!(key("a", &[b"bc"]), key("a", &[b"b", b"c"]));
        assert_ne!(key("a", &[b"b"]), key("b", &[b"b"]));
    }
}
