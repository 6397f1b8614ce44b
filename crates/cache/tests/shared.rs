//! Directories that a cache takes from and gives to.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use cache::{Cache, CacheError, RecordKind, Shared, SharedDirectory};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tree::Sha256Digest;
use world::{World, blob_path, files, key, put, read};

/// A machine with nothing but what others share.
fn fresh(world: &World, own: &str, from: &[&str], to: &[&str]) -> Cache {
    let shared = |names: &[&str]| {
        let shared =
            names.iter().map(|name| Arc::new(SharedDirectory::new(world.path(name))) as Arc<dyn Shared>);
        shared.collect()
    };
    world.named(own).with_shared(shared(from), shared(to))
}

#[test]
fn what_is_lacking_is_taken_and_kept() {
    let world = World::new();
    let shared = world.named("shared");
    let digest = put(&shared, b"blob");
    for kind in RecordKind::ALL {
        shared.put_record(kind, &key(1), b"record").unwrap();
    }
    let before = snapshot(&world.path("shared"));
    let cache = fresh(&world, "own", &["none", "shared"], &[]);
    assert!(cache.has_any(RecordKind::Layer));
    assert_eq!(cache.recent(RecordKind::Layer, 9), [(key(1), 6)]);
    assert_eq!(cache.record(RecordKind::Layer, &key(1)).unwrap(), b"record");
    assert_eq!(read(cache.blob(&digest, 4)).unwrap(), b"blob");
    assert!(cache.blob(&digest, 4).unwrap().metadata().unwrap().permissions().mode() & 0o400 != 0);
    // Facts are about files of one machine.
    assert!(!cache.has_any(RecordKind::Facts));
    assert_eq!(cache.record(RecordKind::Facts, &key(1)), None);
    assert_eq!(cache.recent(RecordKind::Facts, 9), []);
    assert_eq!(snapshot(&world.path("shared")), before);
    fs::remove_dir_all(world.path("shared")).unwrap();
    assert_eq!(cache.record(RecordKind::Layer, &key(1)).unwrap(), b"record");
    assert_eq!(read(cache.blob(&digest, 4)).unwrap(), b"blob");
    assert!(cache.troubles().is_empty());
}

#[test]
fn damage_in_a_shared_directory_is_ignored_and_stays() {
    let world = World::new();
    let shared = world.named("shared");
    let blobs = [&b"blob a"[..], b"blob b", b"blob c", b"blob d"].map(|bytes| put(&shared, bytes));
    for number in 1..=3 {
        shared.put_record(RecordKind::Layer, &key(number), b"record").unwrap();
    }
    let dir = world.path("shared");
    let record = |number: u8| dir.join("records/layers-1").join(key(number).hex());
    fs::write(record(1), "no record").unwrap();
    fs::write(record(2), fs::read(record(3)).unwrap()).unwrap();
    fs::remove_file(record(3)).unwrap();
    world::fifo(&record(3));
    // Even with its note: that is believed by those only who wrote it.
    let modified = world::modified(&blob_path(&dir, &blobs[0]));
    fs::write(blob_path(&dir, &blobs[0]), "blow a").unwrap();
    world::set_modified(&blob_path(&dir, &blobs[0]), modified);
    fs::write(blob_path(&dir, &blobs[1]), "blob").unwrap();
    fs::remove_file(blob_path(&dir, &blobs[2])).unwrap();
    symlink(world.path("elsewhere"), blob_path(&dir, &blobs[2])).unwrap();
    fs::write(world.path("elsewhere"), "blob c").unwrap();
    let before = snapshot(&dir);
    let cache = fresh(&world, "own", &["shared"], &[]);
    for number in 1..=3 {
        assert_eq!(cache.record(RecordKind::Layer, &key(number)), None);
    }
    for digest in &blobs[..3] {
        assert!(cache.blob(digest, 6).is_none());
    }
    assert!(cache.blob(&blobs[3], 5).is_none(), "another size is another blob");
    assert_eq!(files(&world.path("own")), [""; 0], "nothing of it was kept");
    assert_eq!(read(cache.blob(&blobs[3], 6)).unwrap(), b"blob d");
    assert_eq!(snapshot(&dir), before);
    // Another that has them helps.
    put(&world.named("good"), b"blob a");
    let cache = fresh(&world, "own", &["shared", "good"], &[]);
    assert_eq!(read(cache.blob(&blobs[0], 6)).unwrap(), b"blob a");
}

#[test]
fn a_cache_that_cannot_be_written_reads_from_others() {
    let world = World::new();
    let digest = put(&world.named("shared"), b"blob");
    world.named("shared").put_record(RecordKind::Layer, &key(1), b"record").unwrap();
    fs::write(world.path("own"), "a file").unwrap();
    let cache = fresh(&world, "own", &["shared"], &[]);
    assert_eq!(read(cache.blob(&digest, 4)).unwrap(), b"blob");
    assert_eq!(cache.record(RecordKind::Layer, &key(1)).unwrap(), b"record");
    fs::write(blob_path(&world.path("shared"), &digest), "blow").unwrap();
    assert!(cache.blob(&digest, 4).is_none());
}

#[test]
fn what_is_written_or_used_is_given_to_others() {
    let world = World::new();
    let early = put(&world.named("own"), b"early");
    world.named("own").put_record(RecordKind::Layer, &key(1), b"early").unwrap();
    let far = put(&world.named("far"), b"far");
    let cache = fresh(&world, "own", &["far"], &["a", "b", "far"]);
    let late = put(&cache, b"late");
    cache.put_record(RecordKind::Layer, &key(2), b"late").unwrap();
    cache.put_record(RecordKind::Facts, &key(2), b"here only").unwrap();
    cache.record(RecordKind::Layer, &key(1)).unwrap();
    for (digest, size) in [(early, 5), (far, 3)] {
        cache.blob(&digest, size).unwrap();
    }
    for name in ["a", "b", "far"] {
        let other = fresh(&world, "other", &[name], &[]);
        for (digest, bytes) in [(early, "early"), (late, "late"), (far, "far")] {
            assert_eq!(read(other.blob(&digest, bytes.len() as u64)).unwrap(), bytes.as_bytes());
        }
        for (number, text) in [(1, "early"), (2, "late")] {
            assert_eq!(other.record(RecordKind::Layer, &key(number)).unwrap(), text.as_bytes());
        }
        assert!(!world.path(name).join("records/facts-2").exists());
        fs::remove_dir_all(world.path("other")).unwrap();
    }
    assert!(cache.troubles().is_empty());
}

#[test]
fn what_another_has_is_not_written_again() {
    let world = World::new();
    let digest = put(&world.named("to"), b"blob");
    world.named("to").put_record(RecordKind::Layer, &key(1), b"same").unwrap();
    let before = snapshot(&world.path("to"));
    let cache = fresh(&world, "own", &[], &["to"]);
    put(&cache, b"blob");
    cache.put_record(RecordKind::Layer, &key(1), b"same").unwrap();
    cache.blob(&digest, 4).unwrap();
    assert_eq!(snapshot(&world.path("to")), before);
    cache.put_record(RecordKind::Layer, &key(1), b"other").unwrap();
    assert_eq!(world.named("to").record(RecordKind::Layer, &key(1)).unwrap(), b"other");
}

#[test]
fn a_directory_that_takes_nothing_is_told_once_and_spoils_nothing() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    let cache = fresh(&world, "own", &[], &["file", "good"]);
    let error = cache.put_record(RecordKind::Layer, &key(1), b"x").unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("cannot write {}", world.path("file").display())),
        "{error}"
    );
    cache.put_record(RecordKind::Layer, &key(2), b"y").unwrap();
    let digest = put(&cache, b"blob");
    for name in ["own", "good"] {
        assert_eq!(world.named(name).record(RecordKind::Layer, &key(1)).unwrap(), b"x");
        assert_eq!(world.named(name).record(RecordKind::Layer, &key(2)).unwrap(), b"y");
        assert!(world.named(name).blob(&digest, 4).is_some());
    }
    assert!(cache.troubles().is_empty());
    let cache = fresh(&world, "own", &[], &["file"]);
    assert_eq!(cache.record(RecordKind::Layer, &key(1)).unwrap(), b"x");
    assert_eq!(read(cache.blob(&digest, 4)).unwrap(), b"blob");
    assert_eq!((cache.troubles().len(), cache.troubles().len()), (1, 0));
}

/// Something that is shared and is no directory: it counts what it is asked, and gives what it was told to.
#[derive(Debug, Default)]
struct Elsewhere {
    asked: AtomicUsize,
    blob: Vec<u8>,
    record: Option<Vec<u8>>,
    breaks: bool,
}

impl Elsewhere {
    fn answer<T>(&self, answer: T) -> Result<T, CacheError> {
        self.asked.fetch_add(1, Relaxed);
        let broken = CacheError::Shared { place: "elsewhere".into(), source: "it broke".into() };
        if self.breaks { Err(broken) } else { Ok(answer) }
    }
}

impl Shared for Elsewhere {
    fn record(&self, _: RecordKind, _: &Sha256Digest) -> Result<Option<Vec<u8>>, CacheError> {
        self.answer(self.record.clone())
    }
    fn put_record(&self, _: RecordKind, _: &Sha256Digest, _: &[u8]) -> Result<(), CacheError> {
        self.answer(())
    }
    fn recent(&self, _: RecordKind, limit: usize) -> Result<Vec<(Sha256Digest, u64)>, CacheError> {
        self.answer((1..=9).take(limit).map(|number| (key(number), 7)).collect())
    }
    fn blob(&self, _: &Sha256Digest, _: u64, mut into: &File) -> Result<bool, CacheError> {
        into.write_all(&self.blob).unwrap();
        self.answer(true)
    }
    fn put_blob(&self, _: &Sha256Digest, _: u64, _: &File) -> Result<(), CacheError> {
        self.answer(())
    }
}

#[test]
fn what_others_give_is_checked_wherever_they_are() {
    let world = World::new();
    let good = world.named("good");
    good.put_record(RecordKind::Layer, &key(1), b"payload").unwrap();
    let record = fs::read(world.path("good").join(RecordKind::Layer.path(&key(1)))).unwrap();
    let elsewhere =
        Arc::new(Elsewhere { blob: b"blob".into(), record: Some(record), ..Elsewhere::default() });
    let cache = world.named("own").with_shared(vec![elsewhere.clone()], vec![elsewhere.clone()]);
    assert_eq!(cache.record(RecordKind::Layer, &key(1)).unwrap(), b"payload");
    assert_eq!(cache.record(RecordKind::Layer, &key(2)), None, "it is the record of another key");
    assert_eq!(cache.record(RecordKind::Chunks, &key(1)), None, "it is a record of another kind");
    let digest = Sha256Digest::of(b"blob");
    assert_eq!(read(cache.blob(&digest, 4)).unwrap(), b"blob");
    assert!(cache.blob(&Sha256Digest::of(b"other"), 5).is_none(), "its length is another");
    assert!(cache.blob(&Sha256Digest::of(b"blow"), 4).is_none(), "its content is another");
    assert_eq!(cache.recent(RecordKind::Layer, 3).len(), 3);
    assert!(cache.troubles().is_empty());
    // What was taken is there now, and nothing else.
    let own = world.named("own");
    assert_eq!(own.record(RecordKind::Layer, &key(1)).unwrap(), b"payload");
    assert_eq!(own.record(RecordKind::Layer, &key(2)), None);
    assert!(own.blob(&digest, 4).is_some() && own.blob(&Sha256Digest::of(b"blow"), 4).is_none());
}

#[test]
fn what_fails_is_told_once_and_not_asked_again() {
    let world = World::new();
    let [from, to] =
        [(); 2].map(|()| Arc::new(Elsewhere { breaks: true, blob: b"blob".into(), ..Elsewhere::default() }));
    let cache = world.named("own").with_shared(vec![from.clone()], vec![to.clone()]);
    assert_eq!(cache.recent(RecordKind::Chunks, 9), []);
    assert_eq!(cache.record(RecordKind::Layer, &key(1)), None);
    assert!(cache.blob(&Sha256Digest::of(b"blob"), 4).is_none());
    assert_eq!(from.asked.load(Relaxed), 1);
    let troubles: Vec<String> = cache.troubles().iter().map(ToString::to_string).collect();
    assert_eq!(troubles, ["the shared cache elsewhere is left alone"]);
    cache.put_record(RecordKind::Layer, &key(1), b"x").unwrap_err();
    cache.put_record(RecordKind::Layer, &key(2), b"y").unwrap();
    let digest = put(&cache, b"late");
    assert_eq!(to.asked.load(Relaxed), 1);
    assert_eq!(cache.record(RecordKind::Layer, &key(1)).unwrap(), b"x");
    assert_eq!(read(cache.blob(&digest, 4)).unwrap(), b"late");
    assert!(cache.troubles().is_empty());
}

/// Names, contents and times of all files.
fn snapshot(dir: &Path) -> Vec<(String, Sha256Digest, std::time::SystemTime)> {
    let all = files(dir).into_iter();
    all.map(|name| {
        let path = dir.join(&name);
        let meta = fs::symlink_metadata(&path).unwrap();
        let bytes = if meta.is_file() { fs::read(&path).unwrap() } else { vec![] };
        (name, Sha256Digest::of(&bytes), meta.modified().unwrap())
    })
    .collect()
}
