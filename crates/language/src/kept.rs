//! Trees that were made for images, kept in the cache: a wheel that was unpacked, modules that a tool installed, a
//! runtime that a tool linked.
//!
//! One is a record and a blob, as an unpacked package is: the record lists the entries and says where the content of
//! each file is in the blob. Its key says all that went into it. The format is described in `docs/cache.md`.

use cache::{Cache, Decoder, Encoder, PartRange, Parts, RecordKind};
use oci::Hashing;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Read, Write},
};
use tree::{Content, Entry, HEAD, Head, Sha256Digest, TreePath};

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

/// What is kept of an entry.
#[derive(Clone)]
enum Item {
    Link(String),
    File { mode: u32, part: PartRange },
}

/// A tree as the cache has it.
struct Record {
    name: String,
    note: String,
    blob: Sha256Digest,
    size: u64,
    items: BTreeMap<TreePath, Item>,
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.text(self.name.as_bytes());
        out.text(self.note.as_bytes());
        out.digest(&self.blob);
        out.long(self.size);
        for (path, item) in &self.items {
            out.path(path);
            match item {
                Item::Link(target) => {
                    out.byte(b'l');
                    out.text(target.as_bytes());
                }
                Item::File { mode, part } => {
                    out.byte(b'f');
                    out.number(*mode);
                    out.part(part);
                }
            }
        }
        out.finish()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(bytes);
        let (name, note) = (rest.text()?.to_owned(), rest.text()?.to_owned());
        let (blob, size) = (rest.digest()?, rest.long()?);
        let mut items = vec![];
        while rest.left() > 0 {
            let path = rest.path()?;
            let item = match rest.byte()? {
                b'l' => Item::Link(rest.text()?.to_owned()),
                b'f' => Item::File { mode: rest.number()?, part: rest.part(size)? },
                _ => return None,
            };
            items.push((path, item));
        }
        Some(Record { name, note, blob, size, items: items.into_iter().collect() })
    }
}

impl Kept {
    /// The tree under this key, if the cache has it undamaged.
    pub fn open(cache: &Cache, key: &Sha256Digest) -> Option<Self> {
        let record = Record::decode(&cache.record(RecordKind::Trees, key)?)?;
        let file = cache.blob(&record.blob, record.size)?;
        Some(Kept::new(file, record))
    }

    fn new(file: File, record: Record) -> Self {
        let Record { name, note, blob, items, .. } = record;
        let parts = Parts::new(file, name, &blob);
        let entry = |(number, (path, item)): (usize, (TreePath, Item))| {
            let entry = match item {
                Item::Link(target) => Entry::symlink(target),
                Item::File { mode, part } => Entry::file(parts.content(number as u64, part, &path), mode),
            };
            (path, entry)
        };
        Kept { entries: items.into_iter().enumerate().map(entry).collect(), note }
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
        let mut head = vec![];
        content.take(HEAD as u64).read_to_end(&mut head)?;
        out.write_all(&head)?;
        io::copy(content, &mut out)?;
        let (sha256, size) = out.finish();
        let sha256 = Sha256Digest(*sha256.bytes());
        let part = PartRange { offset: self.written, size, sha256, head: Head::of(&head) };
        self.items.insert(path, Item::File { mode, part });
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
        let record = Record { name: self.name, note: note.into(), blob, size, items: self.items };
        // The blob first: a record without it would be a lie. A cache that takes nothing makes the next run slower.
        let kept = self.cache.put_blob(&blob, &self.file);
        let _ = kept.and_then(|()| self.cache.put_record(RecordKind::Trees, &self.key, &record.encode()));
        Ok(Kept::new(self.file, record))
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
    fn every_cut_and_every_changed_byte_is_read_without_harm() {
        let path = |text: &str| TreePath::parse(text).unwrap();
        let part = PartRange { offset: 0, size: 2, sha256: Sha256Digest([7; 32]), head: Head::of(b"#!") };
        let items = [
            (path("/bin/s"), Item::Link("shop".into())),
            (path("/bin/shop"), Item::File { mode: 0o755, part }),
        ];
        let (name, note) = ("shop".into(), "a note".into());
        let record = Record { name, note, blob: Sha256Digest([9; 32]), size: 2, items: items.into() };
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes).unwrap().encode(), bytes);
        for len in 0..bytes.len() {
            // One that ends behind an entry makes sense: the head of the record shows that it is not all.
            if let Some(read) = Record::decode(&bytes[..len]) {
                assert_eq!(read.encode(), bytes[..len]);
            }
        }
        for at in 0..bytes.len() {
            for value in [0, 1, b'/', 0x7f, 0xff] {
                let mut spoiled = bytes.clone();
                spoiled[at] = value;
                if let Some(read) = Record::decode(&spoiled) {
                    assert!(Record::decode(&read.encode()).is_some());
                }
            }
        }
    }

    #[test]
    fn keys_tell_parts_apart() {
        assert_ne!(key("a", &[b"bc"]), key("a", &[b"b", b"c"]));
        assert_ne!(key("a", &[b"b"]), key("b", &[b"b"]));
    }
}
