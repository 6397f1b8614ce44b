//! What an archive is opened from, when all is well.

use crate::world::{Answer, Files, Mirror, World, config, repository, sha512};
use debian::archive::{Mirrors, Origin};
use std::io::Read as _;

/// An archive of a release with its security fixes, and no updates.
fn bookworm() -> Files {
    Files::default()
        .suite(
            "dists/bookworm",
            "architectures all amd64 arm64\nwithout-all",
            &[
                ("main/binary-amd64/Packages.gz", b"not the best"),
                ("main/binary-amd64/Packages.xz", b""),
                ("main/binary-all/Packages.gz", b"in the other already"),
                ("main/Contents-amd64.gz", b"bin/a a"),
                ("main/Contents-all.gz", b"bin/b b"),
            ],
        )
        .suite("!dists/bookworm-security", "", &[("main/binary-amd64/Packages.gz", b"fixes")])
}

#[test]
fn a_release_and_what_belongs_to_it() {
    let world = World::new();
    let mirror = Mirror::new(&bookworm());
    let config = config("bookworm", &[mirror.url()]);
    let mut archive = world.open(&config).unwrap();
    let texts: Vec<(usize, String)> =
        archive.take_indexes().into_iter().map(|index| (index.suite, index.text)).collect();
    assert_eq!(texts, [(0, "the index in xz".into()), (2, "fixes".into())]);
    assert!(archive.take_indexes().is_empty());
    assert_eq!(archive.suites().name(2), Some("bookworm-security"));
    let [absent] = archive.absent() else { panic!("{:?}", archive.absent()) };
    assert_eq!(absent.suite, "bookworm-updates");
    assert!(
        absent.said.ends_with("/debian/dists/bookworm-updates/InRelease is not there (404)"),
        "{}",
        absent.said
    );
    let asked = [
        "!dists/bookworm-security/InRelease",
        "!dists/bookworm-security/main/binary-amd64/Packages.gz",
        "dists/bookworm-updates/InRelease",
        "dists/bookworm-updates/Release",
        "dists/bookworm/InRelease",
        "dists/bookworm/main/binary-amd64/Packages.xz",
    ];
    assert_eq!(mirror.asked(), asked);

    let mut read = vec![];
    for contents in archive.contents(world.access()).unwrap().0 {
        let mut text = String::new();
        contents.reader().unwrap().read_to_string(&mut text).unwrap();
        let mut again = String::new();
        contents.reader().unwrap().read_to_string(&mut again).unwrap();
        assert_eq!(text, again);
        read.push((contents.suite, text));
    }
    assert_eq!(read, [(0, "bin/a a".into()), (0, "bin/b b".into())]);
    mirror.asked();

    // The indexes are there already.
    let mut again = world.open(&config).unwrap();
    assert_eq!(again.take_indexes().len(), 2);
    assert!(mirror.asked().iter().all(|path| !path.contains("Packages")));
}

#[test]
fn indexes_of_all_sorts() {
    let packages = |name: &str| format!("main/binary-amd64/Packages{name}");
    for (suite, expected) in [
        (
            Files::default().suite(
                "dists/sid",
                "",
                &[(&packages(".zst"), b"zst"), (&packages(".gz"), b"gz")],
            ),
            "0: zst",
        ),
        (
            Files::default().suite("dists/sid", "", &[(&packages(".gz"), b"gz"), (&packages(""), b"plain")]),
            "0: gz",
        ),
        (Files::default().suite("dists/sid", "", &[(&packages(""), b"plain")]), "0: plain"),
        // What is empty need not be there.
        (Files::default().suite("dists/sid", "", &[(&packages(""), b"")]), ""),
        (
            Files::default().suite(
                "dists/sid",
                "architectures all amd64",
                &[(&packages(""), b"plain"), ("main/binary-all/Packages", b"for all")],
            ),
            "0: plain\n0: for all",
        ),
        (
            Files::default().suite(
                "dists/sid",
                "architectures arm64 s390x",
                &[("main/binary-arm64/Packages", b"x")],
            ),
            "the release of sid lists no main/binary-amd64/Packages; its architectures are arm64, s390x",
        ),
        (Files::default().suite("dists/sid", "", &[(&packages(""), b"no \xff text")]), "0: no \u{fffd} text"),
    ] {
        let mirror = Mirror::new(&suite);
        assert_eq!(World::new().texts(&config("sid", &[mirror.url()])), expected);
    }
}

#[test]
fn a_release_with_its_signatures_beside_it() {
    let index = "main/binary-amd64/Packages";
    let files = Files::default().suite("dists/sid", "", &[(index, b"index")]);
    let mirror = Mirror::new(&files);
    let text = files.0["dists/sid/InRelease"].strip_suffix(b"signed by debian\n").unwrap().to_vec();
    mirror.remove("dists/sid/InRelease");
    mirror.put("dists/sid/Release", vec![Answer::Body(text)]);
    let config = config("sid", &[mirror.url()]);
    let world = World::new();
    let unsigned = world.texts(&config);
    let expected =
        "dists/sid/Release: it is not signed: there is neither InRelease nor Release.gpg beside it";
    assert!(unsigned.ends_with(expected), "{unsigned}");
    mirror.put("dists/sid/Release.gpg", vec![Answer::Body(b"signed by debian\n".to_vec())]);
    assert_eq!(world.texts(&config), "0: index");
}

#[test]
fn digests_of_the_other_sort() {
    let bytes = b"by its sha512";
    let release = format!("file main/binary-amd64/Packages 13 {}\nsigned by debian\n", sha512(bytes));
    let files = Files::default()
        .with("dists/sid/InRelease", release)
        .with("dists/sid/main/binary-amd64/Packages", bytes);
    let (world, mirror) = (World::new(), Mirror::new(&files));
    let config = config("sid", &[mirror.url()]);
    for expected in [2, 1] {
        assert_eq!(world.texts(&config), "0: by its sha512");
        assert_eq!(mirror.asked().len(), expected);
    }
}

#[test]
fn security_fixes_in_the_same_root() {
    let index = |text| [("main/binary-amd64/Packages", text)];
    let files = Files::default().suite("dists/bookworm", "", &index(&b"main"[..])).suite(
        "dists/bookworm-security",
        "",
        &index(b"fixes"),
    );
    let mirror = Mirror::new(&files);
    assert_eq!(World::new().texts(&config("bookworm", &[mirror.url()])), "0: main\n2: fixes");
}

#[test]
fn further_archives() {
    let vendor = |files: Files| {
        let signed = |(path, bytes): (String, Vec<u8>)| match String::from_utf8(bytes.clone()) {
            Ok(text) if path.ends_with("InRelease") => {
                (path, text.replace("by debian", "by vendor").into_bytes())
            }
            _ => (path, bytes),
        };
        Files(files.0.into_iter().map(signed).collect())
    };
    let dists =
        vendor(Files::default().suite("dists/stable", "", &[("tools/binary-amd64/Packages.gz", b"tools")]));
    let flat = vendor(Files::default().suite("", "", &[("./Packages.gz", b"flat")]));
    let flat = Files(flat.0.into_iter().map(|(path, bytes)| (path.replace("./", ""), bytes)).collect());
    let (dists, flat) = (Mirror::new(&dists), Mirror::new(&flat));
    let sid =
        Mirror::new(&Files::default().suite("dists/sid", "", &[("main/binary-amd64/Packages", b"sid")]));
    let mut config = config("sid", &[sid.url()]);
    config.repositories =
        vec![repository(&dists.url(), "stable", &["tools"]), repository(&flat.url(), "./", &[])];
    assert_eq!(World::new().texts(&config), "0: sid\n1: tools\n2: flat");

    config.repositories[0].keyring = b"somebody".to_vec();
    let error = World::new().texts(&config);
    assert!(error.contains("/debian/dists/stable/InRelease: it is not signed by somebody"), "{error}");
    config.repositories[0].architectures = vec!["arm64".into()];
    assert_eq!(World::new().texts(&config), "0: sid\n1: flat");
}

#[test]
fn ubuntu_has_two_components() {
    let files = |suite: &str| {
        let index = |component: &str| format!("{component}/binary-amd64/Packages");
        let files = Files::default().suite(
            &format!("dists/{suite}"),
            "architectures amd64",
            &[
                (&index("main"), b"main"),
                (&index("universe"), b"universe"),
                ("Contents-amd64.gz", b"bin/a main/a"),
            ],
        );
        Files(
            files
                .0
                .into_iter()
                .map(|(path, bytes)| match String::from_utf8(bytes.clone()) {
                    Ok(text) => (path, text.replace("by debian", "by ubuntu").into_bytes()),
                    Err(_) => (path, bytes),
                })
                .collect(),
        )
    };
    let mut all = files("noble");
    all.0.extend(files("noble-security").0);
    let mirror = Mirror::new(&all);
    let mut config = config("noble", &[]);
    config.origin = Origin::Ubuntu;
    config.mirrors = Mirrors::new([mirror.url()]);
    let world = World::new();
    assert_eq!(world.texts(&config), "0: main\n0: universe\n2: main\n2: universe");
    let (contents, absent) = world.open(&config).unwrap().contents(world.access()).unwrap();
    assert_eq!((contents.len(), absent.len()), (2, 0));

    // A list that is out of step is not there; others are.
    mirror.put("dists/noble/Contents-amd64.gz", vec![Answer::Body(b"stale".to_vec())]);
    let world = World::new();
    let (contents, absent) = world.open(&config).unwrap().contents(world.access()).unwrap();
    assert_eq!(contents.len(), 1);
    assert_eq!(absent[0].suite, "noble");
}
