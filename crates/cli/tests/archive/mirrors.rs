//! Which mirrors are asked, and what is done when one has not what it should.

use crate::world::{Answer, Folder, Server, archive, down, has_in_order, library};
use debian::testing::{TestArchive, TestKey};

const DEB: &str = "libfoo1_1.0_amd64.deb";

#[test]
fn mirrors_that_fail() {
    for (code, change, expected) in [
        (
            5,
            Answer::Status(404, ""),
            &["no mirror has pool/main/libf/libfoo1", DEB, "is not there (404)", "hint:", "bantam update"][..],
        ),
        (5, Answer::Status(403, ""), &[DEB, "is forbidden (403)"]),
        (6, Answer::Status(401, ""), &[DEB, "needs credentials", "hint:"]),
        (5, Answer::Body(b"short".to_vec()), &[DEB, "has 5 bytes, not "]),
    ] {
        let (folder, server) = (Folder::new(), Server::of(&archive()));
        server.change(DEB, |_| vec![change.clone()]);
        folder.spec(&[server.url("debian")], "");
        let err = folder.fails(code, &["build"]);
        assert!(has_in_order(&err, expected), "{err}\n{expected:?}");
    }
    // Other bytes of the same length.
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    server.change(DEB, |bytes| vec![Answer::Body(vec![0; bytes.len()])]);
    folder.spec(&[server.url("debian")], "");
    let err = folder.fails(5, &["build"]);
    assert!(has_in_order(&err, &[DEB, "has the digest sha256:", ", not sha256:"]), "{err}");
}

#[test]
fn mirrors_that_are_busy_for_a_while() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    server.change("sid/InRelease", |bytes| vec![Answer::Status(503, ""), Answer::Body(bytes)]);
    server.change(DEB, |bytes| vec![Answer::Status(429, "Retry-After: 1\r\n"), Answer::Body(bytes)]);
    folder.spec(&[server.url("debian")], "");
    folder.build(&[]);
    let asked = server.asked();
    assert_eq!(asked.iter().filter(|path| path.contains(DEB)).count(), 2, "{asked:?}");
    assert_eq!(asked.iter().filter(|path| path.ends_with("/InRelease")).count(), 2, "{asked:?}");
}

#[test]
fn a_download_goes_on_where_it_was_cut() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    server.change(DEB, |bytes| vec![Answer::Cut(bytes.clone(), 300), Answer::Body(bytes)]);
    folder.spec(&[server.url("debian")], "");
    folder.build(&[]);
    let asked: Vec<String> = server.asked().into_iter().filter(|path| path.contains(DEB)).collect();
    assert!(asked[0].ends_with(".deb") && asked[1].ends_with(".deb from 300"), "{asked:?}");
}

#[test]
fn the_next_mirror_is_asked() {
    let (folder, first, second) = (Folder::new(), Server::of(&archive()), Server::of(&archive()));
    first.change(DEB, |_| vec![Answer::Status(404, "")]);
    second.change("libc6_2", |_| vec![Answer::Status(404, "")]);
    folder.spec(&[first.url("debian"), second.url("debian")], "");
    let plain = folder.build(&[]);
    assert!(first.asked().iter().any(|path| path.contains("libc6_2")));
    assert_eq!(second.asked(), [format!("/debian/pool/main/libf/libfoo1/{DEB}")]);
    // One that is down, one that has another suite only, one that is signed by somebody.
    folder.forget();
    std::fs::remove_file(folder.path("bantam.lock")).unwrap();
    let third = Server::of(&archive());
    let stranger = Server::of(&archive().signed_by(TestKey::stranger()));
    let empty = Server::new();
    folder.spec(&[empty.url("debian"), stranger.url("debian"), third.url("debian")], "");
    assert_eq!(folder.build(&[]), plain);
}

#[test]
fn where_nobody_answers() {
    let folder = Folder::new();
    folder.spec(&[down()], "");
    let err = folder.fails(5, &["build"]);
    assert!(
        has_in_order(&err, &["no mirror has a release of sid", "could not be fetched in 4 tries"]),
        "{err}"
    );
}

#[test]
fn mirrors_of_the_environment() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.spec(&[], "");
    let mut command = folder.command(&["build"]);
    command.env("BANTAM_MIRROR", server.url("debian"));
    let (code, _, err) = crate::world::said(&mut command);
    assert_eq!(code, 0, "{err}");
    // Those of the spec come first.
    folder.forget();
    folder.spec(&[server.url("debian")], "");
    let mut command = folder.command(&["build"]);
    command.env("BANTAM_MIRROR", down());
    let (code, _, err) = crate::world::said(&mut command);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn moments_of_snapshots() {
    let (folder, server) = (Folder::new(), Server::new());
    // A moment of the past was valid then.
    server.add("snapshot/debian/20260801T000000Z", &archive().expired());
    let mirror = server.url("snapshot/debian/${timestamp}");
    folder.spec_of("debian:sid@20260801T000000Z", std::slice::from_ref(&mirror), "");
    folder.build(&[]);
    folder.spec_of("debian:sid@20260801T000000Z", &[server.url("debian")], "");
    std::fs::remove_file(folder.path("bantam.lock")).unwrap();
    let err = folder.fails(5, &["build"]);
    assert!(has_in_order(&err, &["${timestamp}", "20260801T000000Z", "hint:", "mirrors"]), "{err}");
    folder.spec_of("debian:sid", &[mirror], "");
    let err = folder.fails(5, &["build"]);
    assert!(has_in_order(&err, &["${timestamp}", "no moment is given", "hint:", "@"]), "{err}");
}

#[test]
fn without_a_network() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.spec(&[server.url("debian")], "");
    let err = folder.fails(5, &["build", "--offline"]);
    assert!(has_in_order(&err, &["was not fetched: offline", "hint:", "bantam vendor"]), "{err}");
    assert!(server.asked().is_empty());
    let digest = folder.build(&[]);
    server.asked();
    // With a lock, and all that it names in the cache, nothing is asked for.
    assert_eq!(folder.build(&[]), digest);
    assert_eq!(folder.build(&["--offline"]), digest);
    assert_eq!(folder.build(&["--offline", "--locked"]), digest);
    std::fs::remove_file(folder.path("bantam.lock")).unwrap();
    // Without it, the release that was last seen counts.
    assert_eq!(folder.build(&["--offline"]), digest);
    assert!(server.asked().is_empty());
}

#[test]
fn repositories() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    let key = TestKey::new(9);
    let extra = |package| TestArchive::new().signed_by(key.clone()).package(package);
    server.add("extra", &extra(library("extra", 1, &[])).suite("stable"));
    server.add("flat", &extra(library("flat", 1, &[])).flat());
    server.add("arm", &extra(library("arm", 1, &[])).suite("stable").architecture("arm64"));
    folder.write("extra.asc", key.armored());
    folder.program("shop", &["libfoo.so.1", "libextra.so.1"]);
    let repository = |dir: &str, suite: &str, more: &str| {
        let url = server.url(dir);
        format!("[[repositories]]\nurl = \"{url}\"\nsuite = \"{suite}\"\nkeyring = \"extra.asc\"\n{more}\n")
    };
    let components = "components = [\"main\"]";
    let tables = [
        "packages = [\"libflat1\"]\n".to_owned(),
        repository("extra", "stable", components),
        repository("flat", "./", ""),
        repository("arm", "stable", &format!("{components}\narchitectures = [\"arm64\"]")),
    ];
    folder.spec(&[server.url("debian")], &tables.concat());
    let digest = folder.build(&[]);
    assert_eq!(folder.locked(), ["libc6 2.36-9", "libextra1 1.0", "libflat1 1.0", "libfoo1 1.0"]);
    assert!(!server.asked().iter().any(|path| path.starts_with("/arm")));
    folder.forget();
    assert_eq!(folder.build(&["--locked"]), digest);
    // A lock with a package of a repository that is no longer named.
    folder.spec(&[server.url("debian")], "packages = [\"libflat1\"]\n");
    folder.forget();
    let err = folder.fails(3, &["build", "--locked"]);
    assert!(has_in_order(&err, &["the lock has libextra1 of the archive", "hint:"]), "{err}");
    // Signed by who may not.
    folder.write("extra.asc", TestKey::stranger().armored());
    folder.spec(&[server.url("debian")], &tables.concat());
    std::fs::remove_file(folder.path("bantam.lock")).unwrap();
    let err = folder.fails(5, &["build"]);
    assert!(has_in_order(&err, &["/extra stable", "the key is not in the keyring"]), "{err}");
}
