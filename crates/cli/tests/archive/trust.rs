//! Who signed, and whether what is there is what was signed.

use crate::world::{Answer, Folder, Server, archive, has_in_order};
use debian::testing::{TestArchive, TestKey};
use std::time::{Duration, SystemTime};

const PACKAGES: &str = "main/binary-amd64/Packages";
const DAY: Duration = Duration::from_secs(86_400);

/// An archive with something wrong in all forms of its index.
fn index(archive: TestArchive, wrong: fn(TestArchive, &str) -> TestArchive) -> TestArchive {
    ["", ".gz", ".xz"].iter().fold(archive, |archive, ending| wrong(archive, &format!("{PACKAGES}{ending}")))
}

#[test]
fn releases_that_count() {
    let now = SystemTime::now();
    let mut digests = vec![];
    for archive in [
        archive(),
        archive().sha512_only(),
        archive().without_inrelease(),
        archive().without_by_hash(),
        archive().also_signed_by(TestKey::stranger()),
        archive().date(now - DAY).valid_until(now + DAY),
        // One form of an index is enough.
        archive().truncated(&format!("{PACKAGES}.xz")),
        archive().missing(&format!("{PACKAGES}.xz")),
        // Without the list of files, packages are looked for by name.
        archive().truncated("main/Contents-amd64.gz"),
    ] {
        let (folder, server) = (Folder::new(), Server::of(&archive));
        folder.spec(&[server.url("debian")], "");
        digests.push(folder.build(&[]));
        assert_eq!(folder.locked(), ["libc6 2.36-9", "libfoo1 1.0"]);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
}

#[test]
fn releases_that_do_not_count() {
    for (archive, expected) in [
        (
            archive().signed_by(TestKey::stranger()),
            &[
                "no mirror has a release of sid that can be used",
                "InRelease",
                "the key is not in the keyring",
            ][..],
        ),
        (archive().unsigned(), &["/dists/sid/", "not signed"]),
        (archive().expired(), &["InRelease", "valid until 2024-01-08T00:00:00Z"]),
        (archive().md5_only(), &["neither SHA256 nor SHA512"]),
        (archive().field("Suite", "trixie").field("Codename", "trixie"), &["is of trixie", "not of sid"]),
        (index(archive(), TestArchive::truncated), &["Packages.xz of sid", "bytes, not "]),
        (index(archive(), TestArchive::wrong_size), &["Packages.xz of sid", "bytes, not "]),
        (index(archive(), TestArchive::wrong_digest), &["Packages.xz of sid", "has the digest sha256:"]),
        (index(archive(), TestArchive::missing), &["Packages.xz of sid", "is not there (404)"]),
    ] {
        let (folder, server) = (Folder::new(), Server::of(&archive));
        folder.spec(&[server.url("debian")], "");
        let err = folder.fails(5, &["build"]);
        assert!(has_in_order(&err, expected), "{err}\n{expected:?}");
        assert!(!folder.path("bantam.lock").exists());
    }
}

#[test]
fn a_release_that_was_changed_after_it_was_signed() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    server.change("InRelease", |bytes| {
        vec![Answer::Body(String::from_utf8(bytes).unwrap().replace("Label: Test", "Label: Best").into())]
    });
    folder.spec(&[server.url("debian")], "");
    let err = folder.fails(5, &["build"]);
    assert!(err.contains("InRelease: no signature counts"), "{err}");
}

#[test]
fn keyrings() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.spec(&[server.url("debian")], "");
    // Those that are built in did not sign it.
    let spec = folder.read("bantam.toml");
    folder.write("bantam.toml", spec.replace("keyring = \"archive.asc\"\n", ""));
    let err = folder.fails(5, &["build"]);
    assert!(has_in_order(&err, &["the key is not in the keyring", "hint:", "keyring"]), "{err}");
    folder.write("bantam.toml", spec.replace("archive.asc", "nowhere.asc"));
    let err = folder.fails(5, &["build"]);
    assert!(has_in_order(&err, &["cannot read", "nowhere.asc", "No such file"]), "{err}");
    folder.write("bantam.toml", spec.replace("archive.asc", "shop"));
    let err = folder.fails(5, &["build"]);
    assert!(err.contains("keyring"), "{err}");
    folder.write("archive.asc", TestKey::archive().certificate());
    folder.write("bantam.toml", spec);
    folder.build(&[]);
}
