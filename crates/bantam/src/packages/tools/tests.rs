#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use super::*;
use crate::{Session, Target, lockfile::LockFile, notes::Notes};
use cache::Cache;
use debian::testing::{TestArchive, TestPackage};
use plan::{
    lock::{Lock, LockedWhy},
    spec::{Architecture, Platform, RuntimeSource},
};
use std::{collections::BTreeMap, fs, num::NonZeroUsize};
use tempfile::TempDir;

fn amd64() -> Platform {
    Platform::linux(Architecture::Amd64)
}

/// A folder with a spec and an archive for amd64, which has `kit` and `libkit` in the versions 1.0+b1 and 2.0.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        let mut archive = TestArchive::new().suite("sid");
        for version in ["1.0+b1", "2.0"] {
            let kit =
                TestPackage::new("kit").version(version).depends("libkit").file("/usr/bin/kit", version);
            archive = archive.package(kit).package(TestPackage::new("libkit").version(version));
        }
        archive.write_to(&folder.0.path().join("archive"));
        fs::write(folder.0.path().join("archive.asc"), archive.keyring()).unwrap();
        let mirror = format!("file:{}", folder.0.path().join("archive").display());
        let spec = format!(
            "[runtime]\nsource = \"debian:sid\"\nkeyring = \"archive.asc\"\nmirrors = [{mirror:?}]\n"
        );
        fs::write(folder.0.path().join("bantam.toml"), spec).unwrap();
        folder
    }

    /// What `kit` is made of on amd64, or what is wrong.
    fn tools(&self, lock: &Lock, locking: Locking, moved: &[&str]) -> Result<Vec<String>, Error> {
        fs::write(self.0.path().join("bantam.lock"), lock.to_text()).unwrap();
        let moved: Vec<String> = moved.iter().map(ToString::to_string).collect();
        let session = Session {
            cache: self.0.path().join("cache"),
            locking,
            moved: moved.clone(),
            lock_file: None,
            jobs: NonZeroUsize::MIN,
            offline: false,
            network: store::Network::offline(),
            mirrors: None,
            apt_root: self.0.path().to_path_buf(),
        };
        let target = Target::read(Some(self.0.path())).unwrap();
        let RuntimeSource::Archive(release) = &target.spec.runtime.source else { panic!("no archive") };
        let lock = LockFile::read(&target, None, locking).unwrap();
        let (cache, notes) =
            (Cache::new(session.cache.clone()), Notes::read(&Cache::new(session.cache.clone()), []));
        let archives = Archives::new(&session, &cache, &notes);
        let lock = lock.as_ref();
        let asked = Image { target: &target, release, platform: amd64(), lock, locking, moved: &moved };
        let (_, packages) = tools(&asked, &["kit".into()], &archives, &|_| {})?;
        Ok(packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect())
    }
}

fn package(name: &str, version: &str) -> LockedPackage {
    LockedPackage {
        name: name.into(),
        version: version.into(),
        architecture: "arm64".into(),
        sha256: Sha256Digest([1; 32]),
        size: 1,
        date: 0,
        suite: "sid".into(),
        path: format!("pool/{name}_arm64.deb"),
        why: [match name.strip_prefix("lib") {
            Some(user) => LockedWhy::Depends(user.into()),
            None => LockedWhy::Spec,
        }]
        .into(),
    }
}

fn lock(packages: &[(&str, &str)], tools: &[(&str, &str)]) -> Lock {
    let of = |all: &[(&str, &str)]| {
        let all: Vec<LockedPackage> = all.iter().map(|(name, version)| package(name, version)).collect();
        BTreeMap::from_iter((!all.is_empty()).then_some((Platform::linux(Architecture::Arm64), all)))
    };
    let (base, sources, images, languages) = Default::default();
    let source = "debian:sid".into();
    Lock { format: 1, source, base, sources, images, packages: of(packages), languages, tools: of(tools) }
}

#[test]
fn tools_of_a_builder_follow_from_those_of_others() {
    let folder = Folder::new();
    let (old, new) = (vec!["kit 1.0+b1", "libkit 1.0+b1"], vec!["kit 2.0", "libkit 2.0"]);
    let of_tools = lock(&[], &[("kit", "1.0"), ("libkit", "1.0+b2")]);
    let of_both = lock(&[("libkit", "1.0"), ("base-files", "7")], &[("kit", "1.0")]);
    for (lock, locking, moved, expected) in [
        (&of_tools, Locking::Locked, "", &old),
        (&of_both, Locking::Locked, "", &old),
        (&of_tools, Locking::Refresh, "", &old),
        (&of_tools, Locking::Renew, "", &new),
        (&of_tools, Locking::Renew, "other", &old),
        (&of_tools, Locking::Renew, "kit", &vec!["kit 2.0", "libkit 1.0+b1"]),
    ] {
        let moved: Vec<&str> = [moved].into_iter().filter(|name| !name.is_empty()).collect();
        let found = folder.tools(lock, locking, &moved).unwrap();
        assert_eq!(found, *expected, "{locking:?} {moved:?}");
    }
}

#[test]
fn no_tool_enters_a_lock_that_may_not_change() {
    let folder = Folder::new();
    for (lock, expected) in [
        (lock(&[], &[]), "+ linux/amd64 build tool kit"),
        (lock(&[], &[("kit", "1.0")]), "+ linux/amd64 build tool libkit 2.0"),
        (lock(&[], &[("kit", "1.0"), ("libkit", "0.9")]), "+ linux/amd64 build tool libkit 2.0"),
    ] {
        match folder.tools(&lock, Locking::Locked, &[]).unwrap_err() {
            Error::LockChanged { changes, .. } => assert_eq!(changes, [expected]),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_tool_moves_where_it_is_named() {
    let folder = Folder::new();
    let with = |version: &str| {
        let mut lock = lock(&[], &[("kit", version), ("libkit", version)]);
        lock.tools = lock.tools.into_values().map(|packages| (amd64(), packages)).collect();
        lock
    };
    let moved = folder.tools(&with("1.0+b1"), Locking::Renew, &["kit", "libkit"]).unwrap();
    assert_eq!(moved, ["kit 2.0", "libkit 2.0"]);
    let one = folder.tools(&with("1.0+b1"), Locking::Renew, &["libkit"]).unwrap();
    assert_eq!(one, ["kit 1.0+b1", "libkit 2.0"]);
}
