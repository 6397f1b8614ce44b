//! A directory with all packages of a spec.

use crate::world::{Folder, Server, archive, files_below, has_in_order, library};
use debian::testing::{TestArchive, TestKey};

#[test]
fn what_is_vendored_is_a_mirror_for_builds_without_a_network() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    let key = TestKey::new(9);
    server.add(
        "extra",
        &TestArchive::new().signed_by(key.clone()).package(library("extra", 1, &[])).suite("x"),
    );
    folder.write("extra.asc", key.armored());
    let url = server.url("extra");
    let tables = |url: &str| {
        format!(
            "packages = [\"libextra1\"]\n[[repositories]]\nurl = \"{url}\"\nsuite = \"x\"\n\
             components = [\"main\"]\nkeyring = \"extra.asc\""
        )
    };
    folder.spec(&[server.url("debian")], &tables(&url));
    let (code, out, err) = folder.bantam(&["vendor", "vendored"]);
    assert_eq!((code, &*out), (0, ""), "{err}");
    let lock = folder.read("bantam.lock");
    let digest = folder.build(&["--locked"]);
    folder.forget();
    server.asked();
    // As the message says it; the spec stays as it is, but for the mirrors that it names.
    assert!(has_in_order(&err, &["6 packages are in vendored", "BANTAM_MIRROR=file:/"]), "{err}");
    let mirror = err.split_once("BANTAM_MIRROR=").unwrap().1.split(' ').next().unwrap();
    folder.spec(&[], &tables(&url));
    let mut command = folder.command(&["build", "--offline", "--locked"]);
    let (code, out, err) = crate::world::said(command.env("BANTAM_MIRROR", mirror));
    assert_eq!((code, &*out), (0, &*digest), "{err}");
    assert_eq!(folder.read("bantam.lock"), lock);
    assert!(server.asked().is_empty());
    // Somebody changed a package there.
    folder.forget();
    let deb = "vendored/repositories/";
    let debs = files_below(&folder.path(deb));
    let deb = debs.iter().find(|path| path.extension().is_some_and(|ending| ending == "deb")).unwrap();
    std::fs::write(deb, b"something else").unwrap();
    let mut command = folder.command(&["build", "--offline", "--locked"]);
    let (code, _, err) = crate::world::said(command.env("BANTAM_MIRROR", mirror));
    assert!(code == 5 && has_in_order(&err, &["libextra1_1.0_amd64.deb", "has 14 bytes, not "]), "{err}");
}

#[test]
fn a_spec_of_no_archive_has_nothing_to_vendor() {
    let folder = Folder::new();
    folder.write("bantam.toml", "[runtime]\nsource = \"none\"");
    let err = folder.fails(2, &["vendor", "x"]);
    assert!(err.contains("its source is `none`"), "{err}");
}
