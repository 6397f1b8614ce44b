use super::Pack;
use crate::deb::testing::{Tar, control, deb, file, package};
use cache::{Cache, RecordKind};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tree::{Content, Kind, Sha256Digest, Tree, TreePath};

fn sample() -> Vec<u8> {
    let data = Tar::default()
        .dir("./")
        .dir("./usr/")
        .program("./usr/a", "first")
        .hard_link("./usr/b", "./usr/a")
        .symlink("./usr/c", "a")
        .file("./usr/d", "")
        .file("./usr/e", "last one");
    let files = Tar::default()
        .file("./control", &control("pp"))
        .file("./conffiles", "/etc/x\n")
        .file("./triggers", "activate-noawait ldconfig\n")
        .file("./postinst", "#!/bin/sh\n");
    deb(files, data)
}

fn dump(pack: &Pack) -> String {
    pack.entries().iter().map(|(path, entry)| (path.clone(), entry.clone())).collect::<Tree>().dump().unwrap()
}

fn unpack(cache: &Cache, bytes: &[u8]) -> (Pack, Sha256Digest) {
    let (file, sha256) = file(bytes);
    (Pack::unpack(cache, &sha256, &file, "pp 1.0-1").unwrap(), sha256)
}

fn content<'a>(pack: &'a Pack, path: &str) -> &'a Content {
    pack.entries()[&TreePath::parse(path).unwrap()].content().unwrap()
}

fn files_below(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { 1 }).sum()
}

#[test]
fn a_package_is_unpacked_once_and_opened_ever_after() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("cache"));
    let (fresh, sha256) = unpack(&cache, &sample());
    assert!(fresh.trouble().is_none());
    let opened = Pack::open(&cache, &sha256).unwrap();
    for pack in [&fresh, &opened] {
        insta::allow_duplicates!(insta::assert_snapshot!(dump(pack), @"
        d0755 0:0 /
        d0755 0:0 /usr
        -0755 0:0 5 a7937b64b8ca /usr/a
        -0755 0:0 5 a7937b64b8ca /usr/b
        l0777 0:0 /usr/c -> a
        -0644 0:0 0 e3b0c44298fc /usr/d
        -0644 0:0 8 c376d7c11bf2 /usr/e
        "));
        assert_eq!((pack.name(), pack.version(), pack.architecture()), ("pp", "1.0-1", "amd64"));
        assert_eq!(pack.control().conffiles, "/etc/x\n");
        assert_eq!(pack.control().scripts.postinst.as_deref(), Some(&b"#!/bin/sh\n"[..]));
        assert_eq!(content(pack, "/usr/a").read(100).unwrap(), b"first");
        assert_eq!(content(pack, "/usr/e").read(100).unwrap(), b"last one");
        assert_eq!(content(pack, "/usr/d").read(100).unwrap(), b"");
        // The digest is that of the bytes, and was known before anybody read them.
        assert_eq!(content(pack, "/usr/e").known().sha256, Some(Sha256Digest::of(b"last one")));
        assert_eq!(content(pack, "/usr/e").origin(), "/usr/e of the package pp 1.0-1");
        assert!(!content(pack, "/usr/e").may_change());
    }
    assert_eq!(fresh.control(), opened.control());
}

#[test]
fn a_package_without_files_is_one_too() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("cache"));
    let (_, sha256) = unpack(&cache, &package("meta", Tar::default()));
    assert_eq!(Pack::open(&cache, &sha256).unwrap().entries().len(), 0);
}

#[test]
fn a_part_of_the_blob_ends_where_the_file_does() {
    let dir = tempfile::tempdir().unwrap();
    let (pack, _) = unpack(&Cache::new(dir.path().join("cache")), &sample());
    let first = content(&pack, "/usr/a").open().unwrap();
    let mut buf = [0; 100];
    assert_eq!(first.read_at(&mut buf, 3).unwrap(), 2);
    assert_eq!(&buf[..2], b"st");
    for offset in [5, 6, u64::MAX] {
        assert_eq!(first.read_at(&mut buf, offset).unwrap(), 0, "{offset}");
    }
}

#[test]
fn hard_links_are_one_inode_and_files_of_other_packages_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("cache"));
    let (pack, _) = unpack(&cache, &sample());
    let (other, _) = unpack(&cache, &package("other", Tar::default().file("./usr/a", "first")));
    let id = |pack, path| content(pack, path).file_id().unwrap();
    assert_eq!(id(&pack, "/usr/a"), id(&pack, "/usr/b"));
    assert_eq!(content(&pack, "/usr/a").handle(), content(&pack, "/usr/b").handle());
    assert_ne!(id(&pack, "/usr/a"), id(&pack, "/usr/e"));
    assert_ne!(id(&pack, "/usr/a"), id(&other, "/usr/a"));
}

#[test]
fn a_damaged_cache_is_a_miss() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("cache"));
    let (pack, sha256) = unpack(&cache, &sample());
    let record = cache.record(RecordKind::Packages, &sha256).unwrap();
    for spoil in [&record[..record.len() - 1], b"", b"\x02\0\0\0"] {
        cache.put_record(RecordKind::Packages, &sha256, spoil).unwrap();
        assert!(Pack::open(&cache, &sha256).is_none());
    }
    cache.put_record(RecordKind::Packages, &sha256, &record).unwrap();
    assert_eq!(dump(&Pack::open(&cache, &sha256).unwrap()), dump(&pack));
    fs::remove_dir_all(dir.path().join("cache/blobs")).unwrap();
    assert!(Pack::open(&cache, &sha256).is_none());
    // What is open stays readable.
    assert_eq!(content(&pack, "/usr/a").read(100).unwrap(), b"first");
}

#[test]
fn nothing_is_left_of_a_package_that_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("cache"));
    let hostile = Tar::default().file("./ok", "fine").symlink("./etc", "/etc").file("./etc/evil", "x");
    for (bytes, is_other) in [(package("pp", hostile), false), (sample(), true)] {
        let (file, sha256) = file(&bytes);
        let wanted = if is_other { Sha256Digest([1; 32]) } else { sha256 };
        Pack::unpack(&cache, &wanted, &file, "pp 1").unwrap_err();
        assert!(Pack::open(&cache, &wanted).is_none());
    }
    assert_eq!(files_below(dir.path()), 0);
}

#[test]
fn a_cache_that_cannot_be_written_costs_time_only() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("cache"), "in the way").unwrap();
    let (pack, _) = unpack(&Cache::new(dir.path().join("cache")), &sample());
    assert!(pack.trouble().is_some());
    assert_eq!(content(&pack, "/usr/e").read(100).unwrap(), b"last one");
}

#[test]
fn a_package_is_read_by_several_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Arc::new(Cache::new(dir.path().join("cache")));
    let (file, sha256) = file(&sample());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Pack::unpack(&cache, &sha256, &file, "pp").unwrap());
        }
    });
    let pack = Pack::open(&cache, &sha256).unwrap();
    assert!(pack.entries().values().any(|entry| matches!(entry.kind, Kind::Symlink(_))));
}
