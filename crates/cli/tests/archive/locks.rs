//! The lock: written, kept to, moved.

use crate::world::{Folder, Server, archive, has_in_order, libc, library};
use debian::testing::TestPackage;
use elf::testing::Elf;

#[test]
fn a_lock_is_written_and_kept_to() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.spec(&[server.url("debian")], "");
    let err = folder.fails(3, &["build", "--locked"]);
    assert!(has_in_order(&err, &["there is no lock", "bantam.lock", "hint:", "bantam lock"]), "{err}");
    let (code, out, err) = folder.bantam(&["lock"]);
    assert!(code == 0 && out.is_empty() && err.contains("wrote bantam.lock"), "{out}{err}");
    let lock = folder.read("bantam.lock");
    let digest = folder.build(&["--locked"]);
    // Newer packages are there, and are not taken.
    let newer = library("foo", 1, &[]).version("1.1").file("/usr/share/doc/libfoo1/new", "x");
    server.add("debian", &archive().package(newer));
    assert_eq!(folder.build(&[]), digest);
    folder.forget();
    assert_eq!(folder.build(&[]), digest);
    assert_eq!(folder.read("bantam.lock"), lock);
    let (code, _, err) = folder.bantam(&["lock"]);
    assert!(code == 0 && err.contains("the lock says so already"), "{err}");
}

#[test]
fn locks_that_do_not_fit() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.spec(&[server.url("debian")], "");
    folder.build(&[]);
    let lock = folder.read("bantam.lock");
    for (spec, expected) in [
        (("debian:trixie", ""), &["does not fit", "source", "debian:sid", "debian:trixie", "hint:"][..]),
        (
            ("debian:sid", "packages = [\"libbar2\"]"),
            &["does not fit", "the spec wants what the lock does not have: libbar2", "hint:"],
        ),
        (("debian:sid", "packages = [\"libfoo1=2\"]"), &["does not fit", "libfoo1=2", "hint:"]),
        (
            ("debian:sid", "profile = \"none\""),
            &["the lock has what the spec does not want any more: base-files, ca-certificates, netbase"],
        ),
    ] {
        let (source, runtime) = spec;
        folder.spec_of(source, &[server.url("debian")], runtime);
        for arguments in [&["build"][..], &["build", "--locked"], &["lock"]] {
            let err = folder.fails(3, arguments);
            assert!(has_in_order(&err, expected), "{err}\n{expected:?}");
        }
    }
    assert_eq!(folder.read("bantam.lock"), lock);
    folder.write("bantam.lock", "nonsense");
    folder.spec(&[server.url("debian")], "");
    let err = folder.fails(3, &["build"]);
    assert!(has_in_order(&err, &["the lock", "cannot be read", "hint:", "bantam update"]), "{err}");
}

#[test]
fn a_payload_that_needs_one_more_library() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.spec(&[server.url("debian")], "");
    folder.build(&[]);
    folder.program("shop", &["libfoo.so.1", "libbar.so.2"]);
    let err = folder.fails(4, &["build", "--locked"]);
    assert!(has_in_order(&err, &["with --locked, no package enters", "libbar.so.2"]), "{err}");
    let (code, _, err) = folder.bantam(&["build"]);
    assert!(code == 0 && err.contains("+ linux/amd64 libbar2 1.0"), "{err}");
    folder.build(&["--locked"]);
    // One that is no longer needed stays pinned until pins are moved.
    folder.program("shop", &["libfoo.so.1"]);
    folder.build(&["--locked"]);
    assert_eq!(folder.locked(), ["libbar2 1.0", "libc6 2.36-9", "libfoo1 1.0"]);
    let (code, _, err) = folder.bantam(&["update"]);
    assert!(code == 0 && err.contains("- linux/amd64 libbar2 1.0"), "{err}");
}

#[test]
fn pins_are_moved() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.program("shop", &["libbar.so.2"]);
    folder.spec(&[server.url("debian")], "");
    folder.build(&[]);
    let old = folder.read("bantam.lock");
    let grown = TestPackage::new("libfoo1")
        .version("1.1")
        .depends("libc6, libqux1")
        .file("/usr/share/doc/libfoo1/copyright", "free")
        .file(
            "/usr/lib/x86_64-linux-gnu/libfoo.so.1.7",
            Elf::library("libfoo.so.1").needs(&["libqux.so.1"]).build(),
        )
        .link("/usr/lib/x86_64-linux-gnu/libfoo.so.1", "libfoo.so.1.7");
    // It needs another library by now.
    let qux = library("qux", 1, &[]);
    // As archives that keep versions, or as suites beside each other.
    let newer = archive()
        .package(libc().version("2.36-10"))
        .package(grown)
        .package(qux)
        .package(library("bar", 2, &["libfoo.so.1"]).version("1.1").depends("libc6, libfoo1"));
    server.add("debian", &newer);
    // Looking changes nothing.
    let (code, out, err) = folder.bantam(&["update", "--diff"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        has_in_order(
            &out,
            &[
                "~ linux/amd64 libbar2 1.0 → 1.1",
                "~ linux/amd64 libc6 2.36-9 → 2.36-10",
                "~ linux/amd64 libfoo1 1.0 → 1.1",
                "+ linux/amd64 soname libqux.so.1",
                "- linux/amd64 /usr/lib/x86_64-linux-gnu/libfoo.so.1.0",
                "+ linux/amd64 /usr/lib/x86_64-linux-gnu/libfoo.so.1.7",
            ]
        ),
        "{out}"
    );
    assert_eq!(folder.read("bantam.lock"), old);
    let (code, _, err) = folder.bantam(&["update", "libfoo1"]);
    assert!(code == 0 && err.contains("~ linux/amd64 libfoo1 1.0 → 1.1"), "{err}");
    assert_eq!(folder.locked(), ["libbar2 1.0", "libc6 2.36-9", "libfoo1 1.1", "libqux1 1.0"]);
    let (code, _, err) = folder.bantam(&["update"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(folder.locked(), ["libbar2 1.1", "libc6 2.36-10", "libfoo1 1.1", "libqux1 1.0"]);
    let (code, out, err) = folder.bantam(&["update", "--diff"]);
    assert_eq!((code, &*out), (0, ""), "{err}");
    folder.fails(2, &["update", "--locked"]);
    // A name that is no package of the lock.
    let err = folder.fails(2, &["update", "libfo1"]);
    assert!(has_in_order(&err, &["bantam.lock has no package libfo1", "did you mean libfoo1?"]), "{err}");
}
