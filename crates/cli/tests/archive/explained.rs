//! What `explain` says of packages.

use crate::world::{Folder, Server, archive, base, has_in_order, libc, library};
use debian::testing::TestPackage;

#[test]
fn packages_that_are_there_and_packages_that_stay_out() {
    let foo = library("foo", 1, &[]).depends("libc6, debconf (>= 0.5) | debconf-2.0, foo-common");
    let archive = base()
        .package(libc())
        .package(foo)
        .package(TestPackage::new("debconf").program("/usr/bin/debconf", "#!/bin/sh\n").depends("perl-base"))
        .package(TestPackage::new("perl-base").program("/usr/bin/perl", "x"))
        .package(TestPackage::new("foo-common").file("/usr/share/foo/data", "x"));
    let (folder, server) = (Folder::new(), Server::of(&archive));
    folder.spec(&[server.url("debian")], "");
    for (word, code, expected) in [
        ("libfoo1", 0, &["libfoo1 1.0", "libfoo.so.1", "/app/shop"][..]),
        ("/usr/lib/x86_64-linux-gnu/libfoo.so.1", 0, &["libfoo.so.1.0", "libfoo1", "/app/shop"]),
        (
            "debconf",
            1,
            &["debconf is not in the image: libfoo1 depends on it, and it asks questions when packages"],
        ),
        (
            "package:foo-common",
            1,
            &["foo-common is not in the image: libfoo1 depends on it, and nothing in the image needs"],
        ),
        ("perl-base", 1, &["perl-base is not in the image for linux/amd64"]),
    ] {
        let (found, out, err) = folder.bantam(&["explain", "bantam.toml", word]);
        assert!(
            found == code && has_in_order(&format!("{out}{err}"), expected),
            "{word}: {found}\n{out}{err}"
        );
    }
    // The same from the document of reasons.
    folder.build(&["--reasons", "reasons.json"]);
    let (_, _, err) = folder.bantam(&["explain", "reasons.json", "debconf"]);
    assert!(err.contains("debconf is not in the image: libfoo1 depends on it"), "{err}");
}

#[test]
fn files_of_packages_that_are_wanted() {
    let data = TestPackage::new("app").file("/usr/share/app/data", "x").depends("libbar2");
    let (folder, server) = (Folder::new(), Server::of(&archive().package(data)));
    folder.spec(&[server.url("debian")], "packages = [\"app\"]");
    let (code, out, err) = folder.bantam(&["explain", "bantam.toml", "/usr/share/app/data"]);
    assert!(
        code == 0 && has_in_order(&out, &["package app 1.0", "of the package app, named in bantam.toml:"]),
        "{out}{err}"
    );
}
