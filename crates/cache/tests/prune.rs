//! What goes and what stays.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use cache::fresh::{FreshDir, FreshFile};
use cache::{Cache, EntryKind, Limits, RecordKind};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tree::Sha256Digest;
use world::{World, key, put, set_modified};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn used(path: &Path, seconds_ago: u64) {
    set_modified(path, SystemTime::now() - Duration::from_secs(seconds_ago));
}

fn older_than(seconds: u64) -> Limits {
    Limits { max_age: Some(Duration::from_secs(seconds)), ..Limits::default() }
}

/// Two records of a day and three days, and two blobs of 1000 bytes, of two days and four.
fn filled(world: &World) -> Cache {
    let cache = world.cache();
    for (number, days) in [(1, 1), (3, 3)] {
        cache.put_record(RecordKind::Layer, &key(number), b"x").unwrap();
        used(&world.record(RecordKind::Layer, number), days * DAY);
    }
    for days in [2, 4u8] {
        let digest = put(&cache, &[days; 1000]);
        used(&world.note_path(&digest), u64::from(days) * DAY);
    }
    drop(cache);
    world.cache()
}

/// The days since when what is left was used.
fn left(world: &World) -> Vec<u64> {
    let days = |path: &Path| {
        let age = SystemTime::now().duration_since(world::modified(path)).unwrap();
        age.as_secs() / DAY
    };
    let files =
        world.files().into_iter().filter(|name| name.starts_with("records") || name.ends_with("note"));
    let mut days: Vec<u64> = files.map(|name| days(&world.path("cache").join(name))).collect();
    days.sort();
    days
}

#[test]
fn what_was_not_used_for_long_goes() {
    let world = World::new();
    let cache = filled(&world);
    assert_eq!(left(&world), [1, 2, 3, 4]);
    let dry = cache.prune(&Limits { dry_run: true, ..older_than(3 * DAY) }).unwrap();
    assert_eq!(left(&world), [1, 2, 3, 4]);
    let pruned = cache.prune(&older_than(3 * DAY)).unwrap();
    assert_eq!(left(&world), [1, 2]);
    assert_eq!((&pruned.removed, &pruned.kept), (&dry.removed, &dry.kept));
    assert_eq!(pruned.removed.of_kind(EntryKind::Layers), (1, 89));
    assert_eq!(pruned.removed.of_kind(EntryKind::Blobs).0, 1);
    assert_eq!(pruned.kept, cache.usage().unwrap());
    assert_eq!((pruned.in_use, pruned.failed.len()), (0, 0));
    assert_eq!(world.files().len(), 3, "a blob takes its note along: {:?}", world.files());
    // No limits, nothing goes.
    assert_eq!(cache.prune(&Limits::default()).unwrap().removed.total(), (0, 0));
    assert_eq!(left(&world), [1, 2]);
    cache.prune(&older_than(0)).unwrap();
    assert_eq!(world.files(), [""; 0]);
}

#[test]
fn the_least_recently_used_goes_until_the_rest_is_small_enough() {
    for (limit, want) in
        [(9999, &[1, 2, 3, 4][..]), (1500, &[1, 2, 3]), (1200, &[1, 2]), (600, &[1]), (0, &[])]
    {
        let world = World::new();
        let cache = filled(&world);
        let limits = Limits { max_bytes: Some(limit), ..Limits::default() };
        let kept = cache.prune(&limits).unwrap().kept;
        // 89 bytes a record, 1000 and a note a blob.
        assert_eq!(left(&world), want, "{limit}");
        assert!(kept.total().1 <= limit);
    }
    // What is just as much as may be stays.
    let world = World::new();
    let cache = filled(&world);
    let bytes = cache.usage().unwrap().total().1;
    for (limit, removed) in [(bytes, 0), (bytes - 1, 1)] {
        let limits = Limits { max_bytes: Some(limit), ..Limits::default() };
        assert_eq!(cache.prune(&limits).unwrap().removed.total().0, removed);
    }
    // What is too old goes first and does not count.
    let world = World::new();
    let cache = filled(&world);
    cache.prune(&Limits { max_bytes: Some(1300), ..older_than(4 * DAY) }).unwrap();
    assert_eq!(left(&world), [1, 2, 3]);
}

#[test]
fn a_time_in_the_future_is_not_for_ever() {
    let world = World::new();
    let cache = filled(&world);
    let record = world.record(RecordKind::Layer, 1);
    set_modified(&record, SystemTime::now() + Duration::from_secs(50 * DAY));
    cache.prune(&older_than(10 * DAY)).unwrap();
    assert!(!record.exists());
}

#[test]
fn beside_a_build_what_was_used_in_the_last_hour_stays() {
    let world = World::new();
    drop(filled(&world));
    let builder = world.cache();
    assert!(builder.record(RecordKind::Layer, &key(1)).is_some(), "it is marked now");
    let pruned = world.cache().prune(&older_than(0)).unwrap();
    assert_eq!((pruned.in_use, pruned.removed.total().0), (1, 3));
    assert!(builder.record(RecordKind::Layer, &key(1)).is_some());
    drop(builder);
    let pruned = world.cache().prune(&older_than(0)).unwrap();
    assert_eq!((pruned.in_use, pruned.removed.total().0, pruned.kept.total()), (0, 1, (0, 0)));
}

#[test]
fn images_go_when_they_are_asked_for() {
    let world = World::new();
    let cache = filled(&world);
    let images = world.path("cache/images");
    fs::create_dir_all(images.join("blobs/sha256")).unwrap();
    fs::write(images.join("index.json"), "12").unwrap();
    let digest = Sha256Digest::of(&[2; 1000]);
    fs::hard_link(world.blob_path(&digest), images.join("blobs/sha256/a")).unwrap();
    used(&images.join("index.json"), 5 * DAY);
    let usage = cache.usage().unwrap();
    assert_eq!(usage.of_kind(EntryKind::Images), (1, 1002));
    assert!(usage.of_kind(EntryKind::Blobs).1 < 1200, "what the images have does not count twice: {usage:?}");

    assert_eq!(cache.prune(&older_than(HOUR)).unwrap().kept.of_kind(EntryKind::Images), (1, 1002));
    let limits = Limits { images: true, ..older_than(HOUR) };
    let lock = fs::File::open(&images).unwrap();
    lock.lock().unwrap();
    assert_eq!(cache.prune(&limits).unwrap().kept.total(), (1, 1002), "somebody adds to them");
    drop(lock);
    assert_eq!(cache.prune(&Limits { images: true, ..older_than(6 * DAY) }).unwrap().kept.total(), (1, 1002));
    assert_eq!(cache.prune(&limits).unwrap().kept.total(), (0, 0));
    assert!(!images.exists());
    assert_eq!(world.files(), [""; 0]);
}

#[test]
fn temporaries_go_that_nobody_holds() {
    let world = World::new();
    drop(filled(&world));
    let dirs =
        ["", "tmp", "records/layers-1", "blobs/sha256/ab", "images"].map(|dir| world.path("cache").join(dir));
    fs::create_dir_all(&dirs[4]).unwrap();
    fs::write(dirs[4].join("index.json"), "").unwrap();
    let mut held = vec![];
    for (number, dir) in dirs.iter().enumerate() {
        fs::create_dir_all(dir.join(".bantam-1-1.tmp")).unwrap();
        fs::write(dir.join(".bantam-1-1.tmp/x"), [0; 10]).unwrap();
        fs::write(dir.join(format!(".bantam-2-{number}.tmp")), [0; 10]).unwrap();
        held.push(FreshDir::create(dir).unwrap());
    }
    fs::write(world.path("cache/tmp/run-old"), "x").unwrap();
    used(&world.path("cache/tmp/run-old"), 2 * DAY);
    fs::write(world.path("cache/tmp/run-new"), "x").unwrap();
    fs::write(world.path("cache/README"), "not ours").unwrap();
    let anonymous = FreshFile::create(&dirs[1]).unwrap();
    let usage = world.cache().usage().unwrap();
    assert_eq!(usage.of_kind(EntryKind::Temporary).0, 3 * 5 + 2);
    let pruned = world.cache().prune(&Limits::default()).unwrap();
    assert_eq!(pruned.removed.total().0, 2 * 5 + 1);
    assert_eq!(pruned.kept.of_kind(EntryKind::Temporary).0, 5 + 1);
    assert!(held.iter().all(|held| held.path().exists()));
    assert!(world.path("cache/tmp/run-new").exists() && world.path("cache/README").exists());
    drop((held, anonymous));
}

#[test]
fn only_what_is_bantams_is_counted_and_removed() {
    let world = World::new();
    drop(filled(&world));
    let outside = world.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join(key(9).hex()), "mine").unwrap();
    let records = world.path("cache/records");
    symlink(&outside, records.join("link-1")).unwrap();
    symlink(outside.join(key(9).hex()), records.join("layers-1").join(key(8).hex())).unwrap();
    fs::write(records.join("layers-1/notes.txt"), "mine").unwrap();
    fs::create_dir(records.join("layers-0")).unwrap();
    fs::write(records.join("layers-0").join(key(1).hex()), "of an older version").unwrap();
    let usage = world.cache().usage().unwrap();
    assert_eq!(usage.of_kind(EntryKind::OtherRecords), (1, 19));
    assert_eq!(usage.of_kind(EntryKind::Layers).0, 2);
    world.cache().prune(&Limits { images: true, ..older_than(0) }).unwrap();
    assert!(outside.join(key(9).hex()).exists());
    assert!(records.join("layers-1/notes.txt").exists());
    assert!(!records.join("layers-0").join(key(1).hex()).exists());
}

#[test]
fn a_note_without_a_blob_is_a_leftover() {
    let world = World::new();
    let cache = world.cache();
    let digest = put(&cache, b"blob");
    fs::remove_file(world.blob_path(&digest)).unwrap();
    assert_eq!(cache.usage().unwrap().of_kind(EntryKind::Temporary).0, 1);
    used(&world.note_path(&digest), 2 * DAY);
    cache.prune(&Limits::default()).unwrap();
    assert_eq!(world.files(), [""; 0]);
}

#[test]
fn a_cache_that_is_not_there_is_empty_and_one_that_is_a_file_is_an_error() {
    let world = World::new();
    let pruned = world.cache().prune(&older_than(0)).unwrap();
    assert_eq!((pruned.removed.total(), pruned.kept.total()), ((0, 0), (0, 0)));
    assert!(!world.path("cache").exists());
    fs::write(world.path("cache"), "").unwrap();
    let error = world.cache().prune(&older_than(0)).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {}", world.path("cache").display()));
}

#[test]
fn a_cache_prunes_itself_once_a_day() {
    let world = World::new();
    assert!(world.cache().upkeep().is_none());
    assert!(!world.path("cache").exists(), "no cache is made for it");
    let cache = filled(&world);
    assert!(cache.upkeep().is_none(), "nothing is old in a new cache");
    used(&world.record(RecordKind::Layer, 3), 31 * DAY);
    drop(cache);
    assert!(world.cache().upkeep().is_none(), "not twice a day");
    assert_eq!(left(&world), [1, 2, 4, 31]);
    let mark = world.path("cache/pruned");
    for seconds_ago in [DAY + 1, 40 * DAY] {
        used(&mark, seconds_ago);
        let pruned = world.cache().upkeep().unwrap();
        assert_eq!(pruned.failed.len(), 0);
        assert_eq!(left(&world), [1, 2, 4]);
        assert!(SystemTime::now().duration_since(world::modified(&mark)).unwrap().as_secs() < HOUR);
    }
    // What is no mark of ours is replaced, and not what it leads to.
    let other = world.path("other");
    fs::write(&other, "other").unwrap();
    fs::remove_file(&mark).unwrap();
    symlink(&other, &mark).unwrap();
    assert!(world.cache().upkeep().is_none());
    assert_eq!(fs::read_to_string(&other).unwrap(), "other");
    assert!(fs::symlink_metadata(&mark).unwrap().is_file());
}
