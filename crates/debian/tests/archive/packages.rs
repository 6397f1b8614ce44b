//! Packages, from mirrors, from the cache, and to a directory that is a mirror itself.

use crate::world::{Answer, Files, Mirror, World, config, repository};
use debian::archive::{Access, Progress, Suites, Wanted};
use fetch::Client;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Mutex;
use tree::Sha256Digest;

fn wanted(suite: usize, filename: &str, bytes: &[u8]) -> Wanted {
    Wanted { suite, filename: filename.into(), size: bytes.len() as u64, sha256: Sha256Digest::of(bytes) }
}

fn read(files: Vec<std::fs::File>) -> Vec<String> {
    let text = |mut file: std::fs::File| {
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        text
    };
    files.into_iter().map(text).collect()
}

#[test]
fn packages_come_from_the_mirrors_in_order() {
    let names: Vec<String> = (0..9).map(|number| format!("pool/main/a/g++-{number}~1_amd64.deb")).collect();
    let files = names.iter().fold(Files::default(), |files, name| files.with(name, name));
    let files = files.with("!pool/updates/a/a_2_amd64.deb", "fixed");
    let (first, second) = (Mirror::new(&files), Mirror::new(&files));
    first.remove(&names[1]);
    first.put(&names[2], vec![Answer::Body(names[3].clone().into_bytes())]);
    first.put(&names[4], vec![Answer::Cut(names[4].clone().into_bytes(), 5)]);
    let world = World::new();
    let suites = Suites::new(&config("bookworm", &[first.url(), second.url()])).unwrap();
    let mut packages: Vec<Wanted> = names.iter().map(|name| wanted(0, name, name.as_bytes())).collect();
    packages.push(wanted(2, "pool/updates/a/a_2_amd64.deb", b"fixed"));
    let heard = Mutex::new(BTreeMap::new());
    let progress = |progress: Progress<'_>| {
        heard.lock().unwrap().insert(
            (progress.suite.to_owned(), progress.path.to_owned()),
            (progress.received, progress.size),
        );
    };
    let access = Access { jobs: 3, progress: &progress, ..world.access() };
    let fetched = suites.fetch(&packages, access).unwrap();
    let expected: Vec<String> = names.iter().cloned().chain(["fixed".into()]).collect();
    assert_eq!(read(fetched), expected);
    let sizes = packages.iter().map(|package| {
        let suite = suites.name(package.suite).unwrap().to_owned();
        ((suite, package.filename.clone()), (package.size, package.size))
    });
    assert_eq!(*heard.lock().unwrap(), sizes.collect());
    assert_eq!(second.asked(), [names[1].clone(), names[2].clone(), names[4].clone()]);

    // They are not fetched twice, and then need no network.
    first.asked();
    for client in [world.client.clone(), Client::offline()] {
        let again = suites.fetch(&packages, Access::new(&client, &world.cache)).unwrap();
        assert_eq!(read(again), expected);
    }
    assert!(first.asked().is_empty() && second.asked().is_empty());
}

#[test]
fn packages_that_cannot_be_had() {
    let mirror = Mirror::new(&Files::default().with("pool/a.deb", "other"));
    let world = World::new();
    let suites = Suites::new(&config("sid", &[mirror.url()])).unwrap();
    let fetch = |package: Wanted, client: &Client| {
        suites.fetch(&[package], Access::new(client, &world.cache)).unwrap_err().to_string()
    };
    for (package, expected) in [
        (
            wanted(0, "pool/a.deb", b"right"),
            "no mirror has pool/a.deb of sid: URL/pool/a.deb has the digest sha256:",
        ),
        (
            wanted(0, "pool/a.deb", b"longer"),
            "no mirror has pool/a.deb of sid: URL/pool/a.deb has 5 bytes, not 6",
        ),
        (wanted(0, "pool/b.deb", b""), "no mirror has pool/b.deb of sid: URL/pool/b.deb is not there (404)"),
        (wanted(0, "../a.deb", b""), "\"../a.deb\" of sid is no path in an archive"),
        (wanted(0, "/etc/passwd", b""), "\"/etc/passwd\" of sid is no path in an archive"),
        (wanted(0, "pool/x/../../a.deb", b""), "\"pool/x/../../a.deb\" of sid is no path in an archive"),
        (wanted(7, "pool/a.deb", b""), "pool/a.deb is of no suite that is known here"),
    ] {
        let error = fetch(package, &world.client).replace(&mirror.url(), "URL");
        assert!(error.starts_with(expected), "{error}\n{expected}");
    }
    let error = fetch(wanted(0, "pool/a.deb", b"right"), &Client::offline());
    assert!(error.ends_with("/pool/a.deb was not fetched: offline"), "{error}");

    let one = Access { jobs: 1, ..world.access() };
    let both = [wanted(0, "pool/b.deb", b""), wanted(0, "pool/c.deb", b"")];
    let error = suites.fetch(&both[..1], one).unwrap_err().to_string();
    assert!(error.contains("pool/b.deb"), "{error}");
    mirror.asked();
    suites.fetch(&both, one).unwrap_err();
    assert_eq!(mirror.asked(), ["pool/b.deb"]);
}

#[test]
fn what_is_vendored_is_a_mirror() {
    let files = Files::default()
        .suite("dists/bookworm", "expired?", &[("main/binary-amd64/Packages.gz", b"main"), ("unused", b"")])
        .suite("!dists/bookworm-security", "by-hash", &[("main/binary-amd64/Packages.zst", b"fixes")])
        .with("pool/a/a+1_amd64.deb", "a")
        .with("!pool/b_2_amd64.deb", "b");
    let vendor = Files::default().suite("", "", &[("Packages", b"flat")]).with("c_all.deb", "c");
    let mirror = Mirror::new(&files);
    let flat = Mirror::new(&vendor);
    let release = String::from_utf8(vendor.0["InRelease"].clone()).unwrap().replace("by debian", "by vendor");
    flat.put("InRelease", vec![Answer::Body(release.into_bytes())]);
    let mut there = config("bookworm", &[mirror.url()]);
    there.repositories = vec![repository(&flat.url(), "./", &[])];
    let world = World::new();
    let archive = world.open(&there).unwrap();
    let packages = [
        wanted(0, "pool/a/a+1_amd64.deb", b"a"),
        wanted(2, "pool/b_2_amd64.deb", b"b"),
        wanted(3, "./c_all.deb", b"c"),
    ];
    let dir = world.path("vendored");
    let vendored = archive.vendor(&dir, &packages, world.access()).unwrap();
    assert_eq!(vendored.mirror, dir.join("debian"));
    for path in [
        "debian/dists/bookworm/InRelease",
        "debian/dists/bookworm/main/binary-amd64/Packages.gz",
        "debian/pool/a/a+1_amd64.deb",
        "debian-security/dists/bookworm-security/InRelease",
        "debian-security/pool/b_2_amd64.deb",
    ] {
        assert!(dir.join(path).is_file(), "{path}");
    }
    assert!(!dir.join("debian/dists/bookworm/unused").exists());

    // Later, elsewhere, without a network.
    let release = dir.join("debian/dists/bookworm/InRelease");
    let text = std::fs::read_to_string(&release).unwrap();
    std::fs::write(&release, text.replace("expired?", "expired")).unwrap();
    let mut elsewhere = World::new();
    elsewhere.client = Client::offline();
    let mut here = config("bookworm", &[format!("file://{}", vendored.mirror.display())]);
    let root = &vendored.repositories[&flat.url()];
    here.repositories = vec![repository(&format!("file://{}", root.display()), "./", &[])];
    assert_eq!(elsewhere.texts(&here), "0: main\n2: fixes\n3: flat");
    let suites = Suites::new(&here).unwrap();
    let fetched = suites.fetch(&packages, elsewhere.access()).unwrap();
    assert_eq!(read(fetched), ["a", "b", "c"]);
}
