//! Which packages are chosen.

use crate::world::{Folder, Server, archive, base, has_in_order, libc, library};
use debian::testing::{TestArchive, TestPackage};

/// A folder and a server with these packages beside libc.
fn with(packages: &[TestPackage]) -> (Folder, Server) {
    let all = base().package(libc());
    let all = packages.iter().fold(all, |archive, package| archive.package(package.clone()));
    (Folder::new(), Server::of(&all))
}

#[test]
fn of_several_suites_the_newest_version_wins() {
    let (folder, server) = (Folder::new(), Server::new());
    let suite = |name: &str, version: &str| {
        let foo = library("foo", 1, &[]).version(version);
        TestArchive::new().suite(name).package(foo)
    };
    let whole = || base().suite("bookworm").package(library("foo", 1, &[]).version("1.2-3")).package(libc());
    server.add("debian", &whole());
    server.add("debian", &suite("bookworm-updates", "1.2-3+deb12u1"));
    server.add("debian-security", &suite("bookworm-security", "1.2-3+deb12u2~x"));
    folder.spec_of("debian:bookworm", &[server.url("debian")], "");
    folder.build(&[]);
    assert_eq!(folder.locked(), ["libc6 2.36-9", "libfoo1 1.2-3+deb12u2~x"]);
    // A version that is asked for.
    std::fs::remove_file(folder.path("bantam.lock")).unwrap();
    folder.spec_of("debian:bookworm", &[server.url("debian")], "packages = [\"libfoo1=1.2-3\"]");
    folder.build(&[]);
    assert_eq!(folder.locked(), ["libc6 2.36-9", "libfoo1 1.2-3"]);
    // A suite that no mirror has is told.
    let (folder, server) = (Folder::new(), Server::new());
    server.add("debian", &whole());
    folder.spec_of("debian:bookworm", &[server.url("debian")], "");
    let (code, _, err) = folder.bantam(&["build"]);
    assert!(code == 0 && has_in_order(&err, &["no mirror has the suite bookworm-security", "404"]), "{err}");
}

#[test]
fn virtual_packages_and_alternatives() {
    let (folder, server) = with(&[
        library("foo", 1, &[]),
        TestPackage::new("app")
            .depends("mail-agent, nothing-such | second | third")
            .file("/usr/share/app/x", "x"),
        TestPackage::new("agent").provides("mail-agent").file("/usr/share/agent/x", "x"),
        TestPackage::new("second").file("/usr/share/second/x", "x"),
        TestPackage::new("third").file("/usr/share/third/x", "x"),
    ]);
    folder.spec(&[server.url("debian")], "packages = [\"app\"]");
    folder.build(&[]);
    assert_eq!(folder.locked(), ["agent 1.0", "app 1.0", "libc6 2.36-9", "libfoo1 1.0", "second 1.0"]);
    // One that a single package provides stands for it.
    folder.spec(&[server.url("debian")], "packages = [\"mail-agent\"]");
    folder.bantam(&["update"]);
    assert_eq!(folder.locked(), ["agent 1.0", "libc6 2.36-9", "libfoo1 1.0"]);
}

#[test]
fn packages_that_do_not_fit_together() {
    let (folder, server) = with(&[
        library("foo", 1, &[]),
        TestPackage::new("one").depends("two").file("/usr/share/one/x", "x"),
        TestPackage::new("two").conflicts("three").file("/usr/share/two/x", "x"),
        TestPackage::new("three").file("/usr/share/three/x", "x"),
        TestPackage::new("lost").depends("found (>= 2)").file("/usr/share/lost/x", "x"),
        TestPackage::new("found").file("/usr/share/found/x", "x"),
    ]);
    folder.spec(&[server.url("debian")], "packages = [\"one\", \"three\"]");
    let err = folder.fails(3, &["build"]);
    assert!(has_in_order(&err, &["error:", "two", "conflicts", "three"]) && err.lines().count() > 2, "{err}");
    folder.spec(&[server.url("debian")], "packages = [\"lost\"]");
    let err = folder.fails(3, &["build"]);
    assert!(has_in_order(&err, &["error:", "lost", "found (>= 2)"]), "{err}");
}

#[test]
fn packages_that_nobody_has() {
    let (folder, server) = with(&[library("foo", 1, &[]), library("pq", 5, &[])]);
    folder.spec(&[server.url("debian")], "packages = [\"libpg5\", \"nothing-like-it\"]");
    let err = folder.fails(4, &["build"]);
    assert!(has_in_order(&err, &["error[B0411]", "libpg5", "at: bantam.toml", "write libpq5"]), "{err}");
    assert!(err.contains("nothing-like-it"), "{err}");
    assert!(!err.contains("where the libraries come from"), "{err}");
    // Of a version that there is not.
    folder.spec(&[server.url("debian")], "packages = [\"libpq5=9\"]");
    let err = folder.fails(4, &["build"]);
    assert!(has_in_order(&err, &["error[B0411]", "libpq5", "write libpq5=1.0"]), "{err}");
}

#[test]
fn libraries_that_nobody_has() {
    let (folder, server) = with(&[library("foo", 1, &[])]);
    folder.program("shop", &["libfoo.so.1", "libpq.so.5", "libnone.so.1"]);
    folder.spec(&[server.url("debian")], "");
    let err = folder.fails(4, &["build"]);
    assert!(err.contains("libpq.so.5") && err.contains("libnone.so.1"), "{err}");
    assert!(!err.contains("where the libraries come from"), "{err}");
}

#[test]
fn an_architecture_that_the_suite_has_not() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.spec(&[server.url("debian")], "");
    folder.write("bantam.toml", folder.read("bantam.toml").replace("linux/amd64", "linux/riscv64"));
    let err = folder.fails(5, &["build"]);
    assert!(
        has_in_order(&err, &["the release of sid lists no", "riscv64", "its architectures are amd64"]),
        "{err}"
    );
}

#[test]
fn a_profile_of_which_an_archive_has_nothing() {
    let archive = TestArchive::new().suite("sid").package(libc()).package(library("foo", 1, &[]));
    let (folder, server) = (Folder::new(), Server::of(&archive));
    folder.spec(&[server.url("debian")], "");
    let digest = folder.build(&[]);
    // The lock fits all the same, whoever reads it.
    assert_eq!(folder.build(&[]), digest);
    assert_eq!(folder.build(&["--locked"]), digest);
    assert_eq!(folder.build(&["--locked", "--offline"]), digest);
}
