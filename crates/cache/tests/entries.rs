//! What is kept is found again, whole and undamaged, or not at all.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use cache::{Cache, CacheError, RecordKind};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};
use tree::Sha256Digest;
use world::{World, key, modified, read, set_modified};

#[test]
fn a_record_is_kept_under_its_kind_and_key() {
    let world = World::new();
    let cache = world.cache();
    assert_eq!((cache.record(RecordKind::Layer, &key(1)), cache.has_any(RecordKind::Layer)), (None, false));
    assert!(!cache.dir().exists(), "reading makes nothing");
    for payload in [&b"first"[..], b"", b"second"] {
        cache.put_record(RecordKind::Layer, &key(1), payload).unwrap();
        assert_eq!(cache.record(RecordKind::Layer, &key(1)).unwrap(), payload);
    }
    assert_eq!(cache.record(RecordKind::Chunks, &key(1)), None);
    assert_eq!(cache.record(RecordKind::Layer, &key(2)), None);
    assert!(cache.has_any(RecordKind::Layer) && !cache.has_any(RecordKind::Chunks));
    assert_eq!(world.files(), [format!("records/layers-1/{}", key(1).hex())]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&world.record(RecordKind::Layer, 1)) & 0o111, 0);
}

#[test]
fn a_damaged_record_is_none_and_goes_away() {
    let world = World::new();
    let cache = world.cache();
    let path = world.record(RecordKind::Layer, 1);
    cache.put_record(RecordKind::Layer, &key(1), &[7; 10_000]).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[5000] ^= 1;
    cache.put_record(RecordKind::Layer, &key(2), &[7; 10_000]).unwrap();
    let others = fs::read(world.record(RecordKind::Layer, 2)).unwrap();
    let longer = [&whole[..], b"x"].concat();
    for spoiled in [&whole[..whole.len() - 1], &whole[..20], b"", &flipped, &others, &longer] {
        fs::write(&path, spoiled).unwrap();
        assert_eq!(cache.record(RecordKind::Layer, &key(1)), None);
        assert!(!path.exists());
    }
    fs::write(&path, whole).unwrap();
    assert!(cache.record(RecordKind::Layer, &key(1)).is_some());
}

#[test]
fn what_is_no_file_is_no_entry_and_makes_room() {
    let world = World::new();
    let cache = world.cache();
    let digest = world.blob(b"blob");
    let outside = world.path("outside");
    fs::write(&outside, "outside").unwrap();
    let things: [&dyn Fn(&Path); 4] = [
        &|path| symlink(&outside, path).unwrap(),
        &|path| symlink("/nowhere", path).unwrap(),
        &|path| world::fifo(path),
        &|path| {
            fs::create_dir(path).unwrap();
            fs::write(path.join("x"), "x").unwrap();
        },
    ];
    for make in things {
        let path = world.record(RecordKind::Facts, 1);
        cache.put_record(RecordKind::Facts, &key(1), b"x").unwrap();
        fs::remove_file(&path).unwrap();
        make(&path);
        assert_eq!(cache.record(RecordKind::Facts, &key(1)), None);
        cache.put_record(RecordKind::Facts, &key(1), b"x").unwrap();
        assert_eq!(cache.record(RecordKind::Facts, &key(1)).unwrap(), b"x");

        let path = world.blob_path(&digest);
        fs::remove_file(&path).unwrap();
        make(&path);
        assert!(cache.blob(&digest, 4).is_none());
        world.blob(b"blob");
        assert_eq!(read(cache.blob(&digest, 4)).unwrap(), b"blob");
    }
    assert_eq!(fs::read(outside).unwrap(), b"outside");
}

#[test]
fn a_file_without_a_name_becomes_the_blob_itself() {
    let world = World::new();
    let cache = world.cache();
    let mut file = cache.new_file().unwrap();
    file.write_all(b"blob").unwrap();
    let digest = Sha256Digest::of(b"blob");
    assert!(cache.blob(&digest, 4).is_none());
    cache.put_blob(&digest, &file).unwrap();
    assert_eq!(file.metadata().unwrap().ino(), fs::metadata(world.blob_path(&digest)).unwrap().ino());
    assert_eq!(read(cache.blob(&digest, 4)).unwrap(), b"blob");
    assert!(cache.blob(&digest, 4).unwrap().write_all(b"x").is_err(), "it is open to be read only");
    // Once more, and from files with a name or of another file system.
    let inode = file.metadata().unwrap().ino();
    cache.put_blob(&digest, &file).unwrap();
    assert_eq!(fs::metadata(world.blob_path(&digest)).unwrap().ino(), inode);
    let named = world.path("named");
    fs::write(&named, "named").unwrap();
    cache.put_blob(&Sha256Digest::of(b"named"), &File::open(&named).unwrap()).unwrap();
    fs::write(&named, "other").unwrap();
    assert_eq!(read(cache.blob(&Sha256Digest::of(b"named"), 5)).unwrap(), b"named");
    let mut elsewhere = tempfile::tempfile_in("/dev/shm").unwrap();
    elsewhere.write_all(b"elsewhere").unwrap();
    cache.put_blob(&Sha256Digest::of(b"elsewhere"), &elsewhere).unwrap();
    assert_eq!(read(cache.blob(&Sha256Digest::of(b"elsewhere"), 9)).unwrap(), b"elsewhere");
    assert_eq!(world.files().iter().filter(|name| name.contains(".bantam")).count(), 0);
}

#[test]
fn a_blob_that_was_written_to_is_read_and_goes_away() {
    let world = World::new();
    let cache = world.cache();
    let digest = Sha256Digest::of(b"blob");
    let edit = |text: &[u8]| {
        world.blob(b"blob");
        let path = world.blob_path(&digest);
        OpenOptions::new().write(true).truncate(true).open(&path).unwrap().write_all(text).unwrap();
        path
    };
    let path = edit(b"blow");
    assert!(cache.blob(&digest, 4).is_none());
    assert!(!path.exists());
    // Even if it was in the very moment in which the blob was written: its time is one that has passed.
    world.blob(b"blob");
    assert!(modified(&path) + Duration::from_secs(1) < SystemTime::now());
    // Another size shows even if the time was put back.
    world.blob(b"blob");
    let before = modified(&path);
    edit(b"blobs");
    set_modified(&path, before);
    assert!(cache.blob(&digest, 4).is_none());
    assert!(!path.exists());
    // A blob that was replaced is another file.
    world.blob(b"blob");
    let before = modified(&path);
    fs::write(world.path("other"), b"blow").unwrap();
    fs::rename(world.path("other"), &path).unwrap();
    set_modified(&path, before);
    assert!(cache.blob(&digest, 4).is_none());
    // One that says the same is read once, and believed again.
    edit(b"blob");
    set_modified(&path, SystemTime::now() - Duration::from_secs(60));
    let note = world.note_path(&digest);
    let old = fs::read(&note).unwrap();
    assert!(cache.blob(&digest, 4).is_some());
    assert_ne!(fs::read(&note).unwrap(), old);
    // A size that nobody wrote is a mistake of whoever noted it, or damage.
    assert!(cache.blob(&digest, 5).is_none());
}

#[test]
fn a_blob_is_believed_by_its_note() {
    let world = World::new();
    let cache = world.cache();
    let digest = world.blob(b"blob");
    // A link elsewhere changes nothing of it.
    fs::hard_link(world.blob_path(&digest), world.path("link")).unwrap();
    let path = world.blob_path(&digest);
    let before = modified(&path);
    OpenOptions::new().write(true).open(&path).unwrap().write_all(b"blow").unwrap();
    set_modified(&path, before);
    assert_eq!(read(cache.blob(&digest, 4)).unwrap(), b"blow", "only reading would tell");
    // Without the note, or with a damaged one, it is read.
    for spoil in [&|note: &Path| fs::remove_file(note).unwrap(), &|note: &Path| fs::write(note, "x").unwrap()]
        as [&dyn Fn(&Path); 2]
    {
        let digest = world.blob(b"blob");
        OpenOptions::new().write(true).open(&path).unwrap().write_all(b"blow").unwrap();
        spoil(&world.note_path(&digest));
        assert!(cache.blob(&digest, 4).is_none());
    }
    // What was modified just now may be modified again without a trace: no note then.
    let digest = world.blob(b"blob");
    fs::remove_file(world.note_path(&digest)).unwrap();
    set_modified(&path, SystemTime::now());
    assert!(cache.blob(&digest, 4).is_some());
    assert!(!world.note_path(&digest).exists());
}

#[test]
fn use_is_marked_once_an_hour() {
    let world = World::new();
    let cache = world.cache();
    let digest = world.blob(b"blob");
    cache.put_record(RecordKind::Layer, &key(1), b"x").unwrap();
    let uses: [(_, &dyn Fn()); 2] = [
        (world.record(RecordKind::Layer, 1), &|| drop(cache.record(RecordKind::Layer, &key(1)).unwrap())),
        (world.note_path(&digest), &|| drop(cache.blob(&digest, 4).unwrap())),
    ];
    for (path, act) in uses {
        let minutes = |minutes: u64| SystemTime::now() - Duration::from_secs(60 * minutes);
        set_modified(&path, minutes(30));
        act();
        assert!(modified(&path) < minutes(29));
        set_modified(&path, minutes(90));
        act();
        assert!(modified(&path) > minutes(1));
    }
    assert!(cache.blob(&digest, 4).is_some());
}

#[test]
fn the_most_recently_used_come_first() {
    let world = World::new();
    let cache = world.cache();
    for (number, minutes) in [(1, 20), (2, 10), (3, 30)] {
        cache.put_record(RecordKind::Chunks, &key(number), &vec![0; usize::from(number)]).unwrap();
        let time = SystemTime::now() - Duration::from_secs(60 * minutes);
        set_modified(&world.record(RecordKind::Chunks, number), time);
    }
    fs::write(world.path("cache/records/chunks-2/other"), "").unwrap();
    let recent = |limit| cache.recent(RecordKind::Chunks, limit);
    assert_eq!(recent(9), [(key(2), 2), (key(1), 1), (key(3), 3)]);
    assert_eq!(recent(1), [(key(2), 2)]);
    assert_eq!(cache.recent(RecordKind::Layer, 9), []);
}

#[test]
fn a_cache_that_cannot_be_is_empty_and_says_so_when_written() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    for dir in [world.path("file"), world.path("file/below"), "/proc/none".into()] {
        let cache = Cache::new(dir.clone());
        assert_eq!(cache.record(RecordKind::Layer, &key(1)), None);
        assert!(cache.blob(&key(1), 1).is_none() && !cache.has_any(RecordKind::Layer));
        assert_eq!(cache.recent(RecordKind::Layer, 1), []);
        let errors = [
            cache.put_record(RecordKind::Layer, &key(1), b"x").unwrap_err(),
            cache.put_blob(&key(1), &tempfile::tempfile().unwrap()).unwrap_err(),
            cache.new_file().unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(&error, CacheError::Write { path, .. } if path.starts_with(&dir)), "{error}");
        }
    }
}
