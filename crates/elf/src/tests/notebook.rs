//! What is noted is found again, for the same files and for no others.

use super::{debian, path};
use crate::testing::Elf;
use crate::{FactsMemo, FactsOf, Linker, Notebook};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tree::{
    Content, ContentHandle, Entry, FileIdentity, HEAD, Head, Kind, Known, ReadAt, Sha256Digest, Tree,
};

#[derive(Default)]
struct Book(Mutex<BTreeMap<Sha256Digest, Vec<u8>>>);

impl Notebook for Book {
    fn read(&self, key: &Sha256Digest) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn write(&self, key: Sha256Digest, note: Vec<u8>) {
        self.0.lock().unwrap().insert(key, note);
    }
}

/// Bytes of a file that the file system tells from others.
struct File {
    bytes: Vec<u8>,
    identity: FileIdentity,
    opened: Arc<AtomicUsize>,
}

impl ContentHandle for File {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        self.opened.fetch_add(1, Relaxed);
        Ok(Box::new(&self.bytes[..]))
    }

    fn origin(&self) -> String {
        "the test".into()
    }

    fn identity(&self) -> Option<FileIdentity> {
        Some(self.identity)
    }
}

/// The tree with an identity for each file, whose inodes begin at `first`; and how often one was opened.
fn on_disk(tree: &Tree, first: u64) -> (Tree, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let with_identity = |(number, (path, entry)): (u64, (&tree::TreePath, &Entry))| {
        let mut entry = entry.clone();
        if let Kind::File(content) = &entry.kind {
            let bytes = content.read(1 << 20).unwrap();
            let size = bytes.len() as u64;
            let identity = FileIdentity { device: 1, inode: first + number, size, mtime: 2, ctime: 3 };
            let known = Known { head: Some(Head::of(&bytes[..bytes.len().min(HEAD)])), sha256: None };
            entry.kind =
                Kind::File(Content::with_known(File { bytes, identity, opened: opened.clone() }, known));
        }
        (path.clone(), entry)
    };
    ((0..).zip(tree.iter()).map(with_identity).collect(), opened)
}

fn program(symbol: &str) -> Tree {
    let library = Elf::library("liba.so.1").exports(&["found"]).defines(&["A_1"]);
    let program = Elf::program().needs(&["liba.so.1"]).imports(&[symbol]);
    debian(&[("/app", program), ("/lib/x86_64-linux-gnu/liba.so.1", library)])
}

/// Closure and symbols of the program, in words, as a new run finds them.
fn look(tree: &Tree, book: &Arc<Book>) -> String {
    let memo = FactsMemo::with_notebook(book.clone());
    let linker = Linker::new(tree, &memo);
    let closure = linker.closure(&path("/app")).unwrap();
    let app = closure.resolution.entry.as_ref().and_then(Entry::content).unwrap();
    let mentions = memo.mentions_of(app, &closure.facts).unwrap();
    let libraries: Vec<_> = closure.libraries.iter().map(|library| (&library.path, &library.facts)).collect();
    let undefined = linker.undefined_symbols(&closure).symbols;
    format!("{:?} {libraries:?} {mentions:?} {undefined:?}", closure.facts)
}

#[test]
fn a_second_run_finds_the_same_and_opens_less() {
    let book = Arc::new(Book::default());
    let (tree, opened) = on_disk(&program("found"), 100);
    let first = look(&tree, &book);
    let in_first = opened.swap(0, Relaxed);
    assert_eq!(look(&tree, &book), first);
    let in_second = opened.load(Relaxed);
    // The loader's own text is read each time.
    assert!(in_first >= 6 && in_second <= 1, "{in_first} files were opened, then {in_second}");
    let (same, _) = on_disk(&program("found"), 100);
    assert_eq!(look(&same, &Arc::new(Book::default())), first, "without notes");
}

#[test]
fn what_is_missing_is_found_each_time_and_another_file_is_read() {
    let book = Arc::new(Book::default());
    let (good, _) = on_disk(&program("found"), 100);
    assert!(look(&good, &book).ends_with("[]"));
    let (bad, _) = on_disk(&program("nowhere"), 200);
    for _ in 0..2 {
        assert!(look(&bad, &book).contains("\"nowhere\""));
    }
}

#[test]
fn a_note_that_makes_no_sense_is_none() {
    let book = Arc::new(Book::default());
    let (tree, _) = on_disk(&program("found"), 100);
    let first = look(&tree, &book);
    book.0.lock().unwrap().values_mut().for_each(|note| note.extend(b"?"));
    assert_eq!(look(&tree, &book), first);
}
