//! The debug variant lies upon the very blobs of the release.

use crate::folder::Folder;
use elf::testing::Elf;
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt};

/// A folder with a root file system that has a busybox, and a base image.
fn folder() -> Folder {
    let folder = Folder::new();
    let busybox = Elf::static_program().tail(b"\0[\0[[\0ash\0cat\0sh\0\x01").build();
    folder.file("root/usr/bin/busybox", &busybox);
    fs::set_permissions(folder.path("root/usr/bin/busybox"), fs::Permissions::from_mode(0o755)).unwrap();
    folder.file("root/etc/services", b"http 80/tcp\n");
    folder.file("base.data/x", b"of the base");
    let base = "name = \"example.com/base\"\nplatforms = [\"linux/amd64\"]\n[config]\nenv = { PATH = \"/base/bin\" }\n\
        [runtime]\nsource = \"none\"\nprofile = \"none\"\n[[files]]\nfrom = \"base.data/\"\nto = \"/base/\"\n";
    folder.file("base.toml", base.as_bytes());
    let (code, _, words) = folder.bantam(&["build", "base.toml", "-o", "oci:base"]);
    assert_eq!(code, 0, "{words}");
    folder
}

/// What `inspect` shows of the image of a spec with these lines at its top and in `[runtime]`.
fn image(folder: &Folder, top: &str, runtime: &str) -> Value {
    let spec = format!(
        "name = \"example.com/shop\"\nplatforms = [\"linux/amd64\"]\n{top}\n[config]\nentrypoint = [\"/app/shop\"]\n[runtime]\n\
         source = \"rootfs:root\"\n{runtime}\n[[files]]\nfrom = \"target/release/shop\"\nto = \"/app/shop\"\n"
    );
    folder.file("shop.toml", spec.as_bytes());
    let _ = fs::remove_file(folder.path("shop.lock"));
    let (code, _, words) = folder.bantam(&["build", "shop.toml", "-o", "oci:out"]);
    assert_eq!(code, 0, "{words}");
    let (_, out, _) = folder.bantam(&["inspect", "--json", "oci:out"]);
    serde_json::from_str::<Value>(&out).unwrap()["images"][0].clone()
}

#[test]
fn the_release_lies_below_it_blob_by_blob() {
    let folder = folder();
    for (top, runtime) in [
        ("", ""),
        ("base = \"oci:base\"", ""),
        ("", "profile = \"none\""),
        ("layers = { split = \"single\", compression = \"zstd\" }", ""),
    ] {
        let release = image(&folder, top, runtime);
        let debug = image(&folder, top, &format!("{runtime}\nvariant = \"debug\""));
        let layers = |image: &Value| image["layers"].as_array().unwrap().clone();
        let (release_layers, debug_layers) = (layers(&release), layers(&debug));
        assert_eq!(debug_layers[..release_layers.len()], release_layers, "{top} {runtime}");
        assert_eq!(debug_layers.len(), release_layers.len() + 1, "{top} {runtime}");
        let env = debug["config"]["config"]["Env"].to_string();
        assert!(env.contains(":/busybox\""), "{env}");
        assert_eq!(env.contains("PATH=/base/bin:"), !top.is_empty() && top.starts_with("base"), "{env}");
        assert_eq!(debug["config"]["config"]["Entrypoint"], release["config"]["config"]["Entrypoint"]);
        let (_, list, _) = folder.bantam(&["ls", "oci:out", "/busybox"]);
        assert!(list.contains(" sh -> /busybox/busybox"), "{list}");
    }
}
