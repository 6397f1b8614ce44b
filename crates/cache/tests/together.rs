//! Many at a time: threads, processes, those that prune, and those that are killed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use cache::{Cache, EntryKind, Limits, RecordKind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use tree::Sha256Digest;
use world::{World, blob_path, files, key, put, read};

/// Names the directory to a process that a test starts of itself.
const DIR: &str = "BANTAM_TEST_CACHE";
const KEYS: u8 = 6;

/// The blob of a number. Some are longer than what is read at once.
fn content(number: u8) -> Vec<u8> {
    vec![number; 1 + usize::from(number) * 70_000]
}

/// Writes and reads, and insists that what is found is right.
fn work(cache: &Cache, rounds: u32) {
    for round in 0..rounds {
        let number = u8::try_from(round * 7 % u32::from(KEYS)).unwrap();
        let bytes = content(number);
        let digest = Sha256Digest::of(&bytes);
        if let Some(found) = read(cache.blob(&digest, bytes.len() as u64)) {
            assert!(found == bytes, "blob {number}");
        }
        if let Some(found) = cache.record(RecordKind::Layer, &key(number)) {
            assert!(found.iter().all(|byte| *byte == number), "record {number}");
            assert!([10, 1000, 100_000].contains(&found.len()), "record {number}");
        }
        put(cache, &bytes);
        let len = [10, 1000, 100_000][round as usize % 3];
        cache.put_record(RecordKind::Layer, &key(number), &vec![number; len]).unwrap();
        assert!(cache.recent(RecordKind::Layer, 100).iter().all(|(key, _)| key.0[0] < KEYS));
    }
}

/// This test in another process, in a directory that is there already.
fn another(test: &str, dir: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env(DIR, dir).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn threads_and_processes_agree() {
    if let Some(dir) = std::env::var_os(DIR) {
        return work(&Cache::new(dir.into()), 60);
    }
    let world = World::new();
    let cache = world.cache();
    let others = [(); 2].map(|()| another("threads_and_processes_agree", cache.dir()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| work(&cache, 60));
        }
    });
    for mut other in others {
        assert!(other.wait().unwrap().success());
    }
    check(cache.dir());
    let usage = cache.usage().unwrap();
    assert_eq!(usage.of_kind(EntryKind::Layers).0, u64::from(KEYS));
    assert_eq!(usage.of_kind(EntryKind::Blobs).0, u64::from(KEYS));
    assert_eq!(usage.of_kind(EntryKind::Temporary), (0, 0));
}

#[test]
fn pruning_makes_nobody_see_what_is_wrong() {
    let world = World::new();
    let cache = world.cache();
    // Those who prune as if nobody worked here, and one who damages what it finds.
    let all = Limits { max_age: Some(Duration::ZERO), images: true, ..Limits::default() };
    let done = std::sync::atomic::AtomicBool::new(false);
    let working = || !done.load(std::sync::atomic::Ordering::Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            while working() {
                let pruned = cache.prune(&all).unwrap();
                assert!(pruned.failed.is_empty(), "{:?}", pruned.failed);
            }
        });
        scope.spawn(|| {
            while working() {
                for number in 0..KEYS {
                    let hex = key(number).hex();
                    let _ = std::fs::remove_file(cache.dir().join("records/layers-1").join(hex));
                    let path = blob_path(cache.dir(), &Sha256Digest::of(&content(number)));
                    let _ = std::fs::remove_file(path);
                }
            }
        });
        scope.spawn(|| {
            while working() {
                for number in 0..KEYS {
                    let spoiled = world.path("spoiled");
                    std::fs::write(&spoiled, content(number + 1)).unwrap();
                    let _ = std::fs::rename(
                        &spoiled,
                        cache.dir().join("records/layers-1").join(key(number).hex()),
                    );
                    let bytes = content(number);
                    std::fs::write(&spoiled, vec![99; bytes.len()]).unwrap();
                    let _ = std::fs::rename(&spoiled, blob_path(cache.dir(), &Sha256Digest::of(&bytes)));
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(|| work(&cache, 100))).collect();
        let outcomes: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(outcomes.iter().all(Result::is_ok));
    });
}

#[test]
fn a_writer_that_is_killed_leaves_a_sound_cache() {
    if let Some(dir) = std::env::var_os(DIR) {
        return work(&Cache::new(dir.into()), 100_000);
    }
    let world = World::new();
    let dir = world.path("cache");
    for round in 0..20 {
        let mut child = another("a_writer_that_is_killed_leaves_a_sound_cache", &dir);
        thread::sleep(Duration::from_millis(10 + round * 3));
        child.kill().unwrap();
        child.wait().unwrap();
        check(&dir);
    }
    let cache = world.cache();
    work(&cache, 20);
    drop(cache);
    world.cache().prune(&Limits::default()).unwrap();
    assert_eq!(world.cache().usage().unwrap().of_kind(EntryKind::Temporary), (0, 0));
    assert!(!files(&dir).iter().any(|name| name.contains(".bantam-")), "{:?}", files(&dir));
}

/// In a file system of 2 MB that only a child of this process sees.
#[test]
fn a_full_or_read_only_disk_leaves_a_sound_cache() {
    let name = "a_full_or_read_only_disk_leaves_a_sound_cache";
    let Some(dir) = std::env::var_os(DIR) else {
        let world = World::new();
        let script = "mount -t tmpfs -o size=2m tmpfs \"$1\" && shift && exec \"$@\"";
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(world.path(""));
        let can = unshare.arg("true").output();
        if !can.as_ref().is_ok_and(|output| output.status.success()) {
            println!("SKIPPED: no mount in a user namespace here: {can:?}");
            return;
        }
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(world.path(""));
        let inside = unshare.arg(std::env::current_exe().unwrap()).args(["--exact", name]);
        let output = inside.env(DIR, world.path("")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    };
    let dir = Path::new(&dir).join("cache");
    let cache = Cache::new(dir.clone());
    let full = |error: &cache::CacheError| {
        let cause = std::error::Error::source(error).unwrap().to_string();
        assert!(cause.contains("No space left on device"), "{error}: {cause}");
        assert!(error.to_string().contains(dir.to_str().unwrap()), "{error}");
    };
    let failed =
        (0..100).find_map(|number| cache.put_record(RecordKind::Layer, &key(number), &[0; 50_000]).err());
    full(&failed.unwrap());
    // A blob from elsewhere is copied, which fails half way.
    let bytes = vec![1; 500_000];
    let mut elsewhere = tempfile::tempfile_in("/dev/shm").unwrap();
    std::io::Write::write_all(&mut elsewhere, &bytes).unwrap();
    full(&cache.put_blob(&Sha256Digest::of(&bytes), &elsewhere).unwrap_err());
    assert!(cache.blob(&Sha256Digest::of(&bytes), 500_000).is_none());
    // What was whole is whole, and nothing else is there.
    check(&dir);
    let usage = cache.usage().unwrap();
    assert!(usage.of_kind(EntryKind::Layers).0 > 10);
    assert_eq!(usage.total().0, usage.of_kind(EntryKind::Layers).0, "{usage:?}");
    assert_eq!(cache.record(RecordKind::Layer, &key(0)).unwrap(), [0; 50_000]);
    drop(cache);
    let cache = Cache::new(dir.clone());
    cache.prune(&Limits { max_bytes: Some(1_000_000), ..Limits::default() }).unwrap();
    let digest = put(&cache, &bytes);
    assert!(cache.blob(&digest, 500_000).is_some());
    drop(cache);

    let mount = dir.parent().unwrap();
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(mount).status().unwrap();
    assert!(remounted.success());
    let cache = Cache::new(dir.clone());
    assert!(cache.blob(&digest, 500_000).is_some());
    assert_eq!(cache.recent(RecordKind::Layer, 1).len(), 1);
    let errors = [
        cache.put_record(RecordKind::Layer, &key(200), b"x").unwrap_err(),
        cache.put_blob(&key(1), &elsewhere).unwrap_err(),
        cache.new_file().unwrap_err(),
    ];
    for error in errors {
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("Read-only file system"), "{error}: {cause}");
        assert!(error.to_string().contains(dir.to_str().unwrap()), "{error}");
    }
    drop(cache);
    let all = Limits { max_age: Some(Duration::ZERO), ..Limits::default() };
    let pruned = Cache::new(dir).prune(&all).unwrap();
    assert_eq!((pruned.removed.total().0, pruned.failed.len() as u64), (0, pruned.kept.total().0));
    assert!(pruned.failed[0].to_string().starts_with("cannot remove "), "{}", pruned.failed[0]);
}

/// Everything that has the name of an entry is one, whole.
fn check(dir: &Path) {
    let cache = Cache::new(dir.into());
    for name in files(dir) {
        let parts: Vec<&str> = name.split('/').collect();
        match parts[..] {
            ["records", "layers-1", hex] if !hex.starts_with('.') => {
                let number = u8::from_str_radix(&hex[..2], 16).unwrap();
                assert!(cache.record(RecordKind::Layer, &key(number)).is_some(), "{name}");
            }
            ["blobs", "sha256", _, rest] if !rest.starts_with('.') && !rest.ends_with(".note") => {
                let bytes = std::fs::read(dir.join(&name)).unwrap();
                let digest = Sha256Digest::of(&bytes);
                assert_eq!(blob_path(dir, &digest), dir.join(&name));
                assert!(cache.blob(&digest, bytes.len() as u64).is_some(), "{name}");
            }
            _ => {}
        }
    }
}
