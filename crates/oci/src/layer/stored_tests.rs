//! Layers from chunks that were compressed before, and the keys by which they are found.

use super::*;
use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tree::{Content, ContentHandle, Entry, FileIdentity, ReadAt, Sha256Digest};

/// A file on some disk: bytes with an identity.
struct OnDisk {
    bytes: Vec<u8>,
    identity: Option<FileIdentity>,
}

impl ContentHandle for OnDisk {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(&self.bytes[..]))
    }
    fn origin(&self) -> String {
        "/src/file".into()
    }
    fn identity(&self) -> Option<FileIdentity> {
        self.identity
    }
}

fn identity(inode: u64, size: usize, ctime: i128) -> FileIdentity {
    FileIdentity { device: 1, inode, size: size as u64, mtime: 5, ctime }
}

/// 400 files, and one of 3 MiB; `changed` is another file than it was, `touched` are all with the same bytes.
fn files(changed: Option<u64>, touched: bool) -> Tree {
    let mut tree = Tree::new();
    for number in 0..=400_u64 {
        let size = if number == 400 { 3 << 20 } else { 10_000 + number as usize };
        let is_changed = changed == Some(number);
        let mut bytes: Vec<u8> = (0..size).map(|at| (at as u64 / 7 + number) as u8).collect();
        bytes[0] = u8::from(is_changed);
        let ctime = i128::from(is_changed) + if touched { 1000 } else { 0 };
        let identity = Some(identity(number, size, ctime));
        let path = format!("/lib/{number:04}").parse().unwrap();
        tree.insert(path, Entry::file(Content::new(OnDisk { bytes, identity }), 0o644));
    }
    tree.add_parents();
    tree
}

/// Chunks in memory.
#[derive(Default)]
struct Store {
    chunks: Mutex<BTreeMap<Sha256Digest, StoredChunk>>,
    by_source: AtomicUsize,
    by_raw: AtomicUsize,
}

impl Chunks for Store {
    fn find(&self, key: &Sha256Digest) -> Option<StoredChunk> {
        let found = self.chunks.lock().unwrap().get(key).cloned()?;
        let counter = if found.chunk.raw == *key { &self.by_raw } else { &self.by_source };
        counter.fetch_add(1, Ordering::Relaxed);
        Some(found)
    }
}

impl Store {
    fn write(&self, tree: &Tree, options: &LayerOptions) -> (Written, Vec<u8>) {
        let mut bytes = vec![];
        let written = write_layer_with(tree, options, self, &mut bytes, &|_| ()).unwrap();
        (written, bytes)
    }

    /// Remembers the chunks of a layer, as a cache does: by where they are in it.
    fn keep(&self, written: &Written, bytes: &[u8], options: &LayerOptions) {
        let mut at = options.prologue() as usize;
        let again = Chunk::read_all(&Chunk::write_all(&written.chunks)).unwrap();
        assert_eq!(again, written.chunks);
        let mut chunks = self.chunks.lock().unwrap();
        for chunk in again {
            let part = bytes[at..at + chunk.len as usize].to_vec();
            assert_eq!(crc32fast::hash(&part), chunk.check);
            at += part.len();
            for key in chunk.source.into_iter().chain([chunk.raw]) {
                chunks.insert(key, StoredChunk { chunk, bytes: part.clone() });
            }
        }
    }

    fn counts(&self) -> (usize, usize) {
        (self.by_source.swap(0, Ordering::Relaxed), self.by_raw.swap(0, Ordering::Relaxed))
    }
}

fn options(compression: Compression) -> LayerOptions {
    LayerOptions { compression, level: None, threads: NonZeroUsize::new(2).unwrap() }
}

fn plain(tree: &Tree, options: &LayerOptions) -> (Layer, Vec<u8>) {
    let mut bytes = vec![];
    let layer = write_layer(tree, options, &mut bytes, &|_| ()).unwrap();
    (layer, bytes)
}

#[test]
fn stored_chunks_give_the_same_bytes() {
    for compression in [Compression::Gzip, Compression::Zstd, Compression::None] {
        let options = options(compression);
        let store = Store::default();
        let (first, bytes) = store.write(&files(None, false), &options);
        assert_eq!((first.layer.clone(), bytes.clone()), plain(&files(None, false), &options));
        let all = first.chunks.len();
        assert!(all > 8 && first.chunks.iter().all(|chunk| chunk.source.is_some()));
        store.keep(&first, &bytes, &options);
        assert_eq!(store.counts(), (0, 0));

        assert_eq!(store.write(&files(None, false), &options), (first.clone(), bytes.clone()));
        assert_eq!(store.counts(), (all, 0), "{compression:?}: known by what they are made of");

        let (touched, same) = store.write(&files(None, true), &options);
        assert_eq!((&touched.layer, &same), (&first.layer, &bytes));
        // The end of the tar is made of no file.
        assert_eq!(store.counts(), (1, all - 1), "{compression:?}: known by their bytes");

        for changed in [0, 200, 400] {
            let (other, other_bytes) = store.write(&files(Some(changed), false), &options);
            assert_eq!((other.layer, other_bytes), plain(&files(Some(changed), false), &options));
            // All parts of a large file are of another file, and all but the first the same bytes.
            let (by_source, by_raw) = store.counts();
            assert_eq!((all - by_source, by_raw), if changed == 400 { (3, 2) } else { (1, 0) }, "{changed}");
        }
    }
}

#[test]
fn a_small_file_that_grows_goes_or_comes_costs_the_chunks_around_it() {
    let options = options(Compression::Gzip);
    let store = Store::default();
    let (first, bytes) = store.write(&files(None, false), &options);
    store.keep(&first, &bytes, &options);
    let mut most = 0;
    for number in [0, 133, 287, 399_u64] {
        let path: tree::TreePath = format!("/lib/{number:04}").parse().unwrap();
        let new = |size| {
            let identity = Some(identity(1000 + number, size, 9));
            Entry::file(Content::new(OnDisk { bytes: vec![b'n'; size], identity }), 0o644)
        };
        let (mut grown, mut gone, mut more) = (files(None, false), files(None, false), files(None, false));
        grown.insert(path.clone(), new(20_000));
        gone.remove(&path);
        more.insert(format!("{path}-new").parse().unwrap(), new(10_000));
        for (what, tree) in [("grown", grown), ("gone", gone), ("more", more)] {
            let (written, _) = store.write(&tree, &options);
            let (by_source, by_raw) = store.counts();
            let compressed = written.chunks.len() - by_source - by_raw;
            assert!(compressed <= 3, "{path} {what}: {compressed} of {} chunks", written.chunks.len());
            most = most.max(compressed);
        }
    }
    assert!(most > 0);
}

#[test]
fn a_chunk_of_another_length_is_not_taken() {
    let options = options(Compression::Gzip);
    let store = Store::default();
    let (first, bytes) = store.write(&files(None, false), &options);
    store.keep(&first, &bytes, &options);
    for stored in store.chunks.lock().unwrap().values_mut() {
        stored.chunk.raw_len += 1;
    }
    assert_eq!(store.write(&files(None, false), &options).1, bytes);
}

#[test]
fn keys_tell_everything_apart() {
    let key = |tree: &Tree, compression, level| {
        layer_key(tree, &LayerOptions { level, ..options(compression) }).unwrap().unwrap()
    };
    let base = || Tree::from_lines("755 0:0 /a/\n644 0:0 /a/b = text\n777 0:0 /c -> a").unwrap();
    let lines = [
        "755 0:0 /a/\n644 0:0 /a/b = text\n777 0:0 /c -> b",
        "755 0:0 /a/\n644 0:0 /a/b = test\n777 0:0 /c -> a",
        "755 0:0 /a/\n645 0:0 /a/b = text\n777 0:0 /c -> a",
        "755 0:0 /a/\n644 1:0 /a/b = text\n777 0:0 /c -> a",
        "755 0:0 /a/\n644 0:1 /a/b = text\n777 0:0 /c -> a",
        "755 0:0 /a/\n644 0:0 /a/c = text\n777 0:0 /c -> a",
        "755 0:0 /a/\n644 0:0 /a/b = text",
    ];
    let mut keys: Vec<Sha256Digest> =
        lines.iter().map(|text| key(&Tree::from_lines(text).unwrap(), Compression::Gzip, None)).collect();
    keys.push(key(&base(), Compression::Gzip, None));
    keys.push(key(&base(), Compression::Gzip, Some(6)));
    keys.push(key(&base(), Compression::Zstd, None));
    keys.push(key(&base(), Compression::None, None));
    keys.push(key(&files(None, false), Compression::Gzip, None));
    keys.push(key(&files(Some(3), false), Compression::Gzip, None));
    keys.push(key(&files(None, true), Compression::Gzip, None));
    let mut capable = base();
    let mut entry = capable.get(&"/a/b".parse().unwrap()).unwrap().clone();
    entry.meta.xattrs.insert("security.capability".into(), vec![1]);
    capable.insert("/a/b".parse().unwrap(), entry);
    keys.push(key(&capable, Compression::Gzip, None));
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
    assert_eq!(
        key(&base(), Compression::Gzip, None),
        key(&base(), Compression::Gzip, Some(5)),
        "the default"
    );
    let threads = NonZeroUsize::new(7).unwrap();
    let more = LayerOptions { threads, ..options(Compression::Gzip) };
    assert_eq!(layer_key(&base(), &more).unwrap().unwrap(), key(&base(), Compression::Gzip, None));
}

/// It could be found by bytes that it had for a moment only.
#[test]
fn what_was_just_changed_has_no_key() {
    let mut tree = files(None, false);
    let fresh = OnDisk { bytes: b"fresh".to_vec(), identity: None };
    tree.insert("/lib/fresh".parse().unwrap(), Entry::file(Content::new(fresh), 0o644));
    let options = options(Compression::Gzip);
    assert_eq!(layer_key(&tree, &options).unwrap(), None);
    let (written, _) = Store::default().write(&tree, &options);
    let without = written.chunks.iter().filter(|chunk| chunk.source.is_none()).count();
    assert_eq!(without, 1, "but for the chunk that has it, all are known by what they are made of");
}

#[test]
fn what_is_no_list_of_chunks_is_none() {
    let zeros = |len| Chunk::read_all(&vec![0; len]).map(|chunks| chunks.len());
    assert_eq!([zeros(0), zeros(80), zeros(160)], [Some(0), Some(1), Some(2)]);
    assert_eq!([zeros(1), zeros(79), zeros(81)], [None; 3]);
}
