//! Building upon an image, and taking from one.

use crate::folder::Folder;
use crate::layout::{Entry, Foreign, digest, documents};
use Entry::{Dir, File, Link};
use serde_json::json;
use std::fs;

const SPEC: &str = r#"name = "example.com/shop"
platforms = ["linux/amd64"]
base = "oci:base"
[config]
entrypoint = ["/app/shop"]
[runtime]
source = "none"
[[files]]
from = "target/release/shop"
to = "/app/shop"
"#;

fn base() -> Foreign {
    let lower = [
        Dir("./etc/", 0o755),
        File("etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/x\n"),
        File("etc/gone", "gone\n"),
        Dir("srv", 0o700),
        File("srv/old", "old\n"),
        Dir("var", 0o755),
        Link("var/run", "/run"),
    ];
    let upper =
        [File("etc/.wh.gone", ""), Dir("srv", 0o711), File("srv/.wh..wh..opq", ""), File("srv/new", "new\n")];
    Foreign {
        config: json!({
            "User": "daemon", "Env": ["A=1"], "Entrypoint": ["/old"], "Cmd": ["x"], "OnBuild": ["RUN x"],
            "Healthcheck": {"Test": ["CMD", "/old"], "Interval": 30_000_000_000u64}, "Labels": null,
        }),
        ..Foreign::new(&[&lower, &upper])
    }
}

fn folder_with(base: &Foreign) -> (Folder, Vec<String>) {
    let folder = Folder::new();
    folder.file("bantam.toml", SPEC.as_bytes());
    let layers = base.write(&folder, "base");
    (folder, layers)
}

#[test]
fn the_layers_and_history_of_a_base_come_first_as_they_are() {
    let (folder, layers) = folder_with(&base());
    let (code, built, words) = folder.bantam(&["build", "-o", "oci:out"]);
    assert_eq!(code, 0, "{words}");
    let (manifest, config) = documents(&folder, "out");
    let (below, _) = documents(&folder, "base");
    let listed = manifest["layers"].as_array().unwrap();
    assert_eq!(listed[..2], below["layers"].as_array().unwrap()[..]);
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap()[..2], [json!(layers[0]), json!(layers[1])]);
    assert_eq!(config["history"][0]["created_by"], "ENV A=1");
    assert_eq!(config["history"][2]["created_by"], "RUN 1");
    let run = &config["config"];
    assert_eq!(run["Healthcheck"]["Interval"], 30_000_000_000u64);
    assert_eq!((&run["OnBuild"], &run["Cmd"]), (&json!(null), &json!(null)));
    assert_eq!((&run["User"], &run["Env"][0]), (&json!("1:1"), &json!("A=1")));
    assert_eq!(manifest["annotations"]["org.opencontainers.image.base.name"], "oci:base");
    let (_, list, _) = folder.bantam(&["ls", "oci:out"]);
    for (name, there) in [("gone", false), ("old", false), (" new", true), ("nonroot", true)] {
        assert_eq!(list.contains(name), there, "{name}: {list}");
    }
    // Docker's loader takes it from an archive as well.
    let (code, _, words) = folder.bantam(&["build", "-o", "docker-archive:out.tar"]);
    assert_eq!(code, 0, "{words}");
    // The same without a cache, and from one.
    let again = || folder.bantam(&["build", "--locked", "-o", "oci:out"]);
    assert_eq!(again().1, built);
    fs::remove_dir_all(folder.path("cache")).unwrap();
    assert_eq!(again().1, built);
    assert_eq!(again().1, built);
}

#[test]
fn parents_in_our_layers_are_those_of_the_base() {
    let (folder, _) = folder_with(&base());
    folder.file("bantam.toml", format!("{SPEC}[[files]]\ncontent = \"x\"\nto = \"/srv/x\"\n").as_bytes());
    let (code, _, words) = folder.bantam(&["build", "-o", "oci:out"]);
    assert_eq!(code, 0, "{words}");
    let (_, list, _) = folder.bantam(&["ls", "oci:out", "/srv"]);
    assert!(list.starts_with("d0711 0:0"), "{list}");
    let (code, text, _) = folder.bantam(&["explain", "/srv/new"]);
    assert_eq!(code, 0);
    assert!(text.contains("← of the base image oci:base, its layer 2"), "{text}");
    let (_, text, _) = folder.bantam(&["explain", "config"]);
    assert!(
        text.contains("entrypoint  ") && text.contains("(from the spec, instead of the base's)"),
        "{text}"
    );
    assert!(text.contains("(from the base)"), "{text}");
}

#[test]
fn a_base_that_moved_is_told_and_locked_builds_refuse_it() {
    let (folder, _) = folder_with(&base());
    assert_eq!(folder.bantam(&["build", "-o", "oci:out"]).0, 0);
    let lock = fs::read_to_string(folder.path("bantam.lock")).unwrap();
    assert!(
        lock.contains("[base]\nreference = \"oci:base\"\n\n[base.images]\n\"linux/amd64\" = { digest"),
        "{lock}"
    );
    let moved = Foreign { config: json!({"User": "7"}), ..base() };
    moved.write(&folder, "base");
    let (code, _, words) = folder.bantam(&["build", "--locked", "-o", "oci:out"]);
    assert_eq!(code, 3, "{words}");
    assert!(words.contains("~ linux/amd64 base sha256:"), "{words}");
    let (code, _, words) = folder.bantam(&["build", "-o", "oci:out"]);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("bantam.lock refreshed:\n~ linux/amd64 base sha256:"), "{words}");
    folder.file("bantam.toml", SPEC.replace("base = \"oci:base\"\n", "").as_bytes());
    let (code, _, words) = folder.bantam(&["build", "-o", "oci:out"]);
    assert_eq!(code, 3, "{words}");
    assert!(words.contains("its base is oci:base, the spec's is none"), "{words}");
}

#[test]
fn bases_that_cannot_be_are_refused_with_what_is_wrong() {
    let wrong = |base: Foreign| {
        let (folder, layers) = folder_with(&base);
        let (code, _, words) = folder.bantam(&["build", "-o", "oci:out"]);
        assert!(!folder.path("out/index.json").exists(), "{words}");
        (code, words.replace(&layers[0], "LAYER"))
    };
    let (code, words) = wrong(Foreign { architecture: "arm64", ..base() });
    assert_eq!(code, 7, "{words}");
    assert!(words.contains("linux/arm64") && words.contains("linux/amd64"), "{words}");
    let (code, words) = wrong(Foreign { diff_id: Some(digest(b"other")), ..base() });
    assert_eq!(code, 5, "{words}");
    assert!(words.contains("the config says that the plain tar is sha256:"), "{words}");
    let (code, words) = wrong(Foreign::new(&[&[File("../../etc/passwd", "x")]]));
    assert_eq!(code, 5, "{words}");
    assert!(words.contains("cannot read the layer LAYER"), "{words}");
    let (code, words) = wrong(Foreign { layers: vec![b"no tar at all".repeat(100)], ..base() });
    assert_eq!(code, 5, "{words}");
}

#[test]
fn a_layer_that_is_not_what_the_manifest_names_is_refused() {
    let (folder, layers) = folder_with(&base());
    let blob = format!("base/blobs/{}", layers[1].replace(':', "/"));
    let mut bytes = fs::read(folder.path(&blob)).unwrap();
    bytes[700] ^= 1;
    folder.file(&blob, &bytes);
    let (code, _, words) = folder.bantam(&["build", "-o", "oci:out"]);
    assert_eq!(code, 5, "{words}");
    assert!(words.contains(&layers[1]), "{words}");
}

#[test]
fn links_in_circles_and_out_of_the_base_lead_nowhere() {
    let entries = [
        Dir("etc", 0o755),
        Link("etc/passwd", "group"),
        Link("etc/group", "passwd"),
        Link("etc/shadow", "../../../../../../etc/shadow"),
        Link("a", "a"),
    ];
    let (folder, _) = folder_with(&Foreign::new(&[&entries]));
    let (code, _, words) = folder.bantam(&["build", "-o", "oci:out"]);
    assert_eq!(code, 0, "{words}");
    folder.file("bantam.toml", format!("{SPEC}[[files]]\ncontent = \"x\"\nto = \"/a/x\"\n").as_bytes());
    let (code, _, words) = folder.bantam(&["build", "-o", "oci:out"]);
    assert_eq!(code, 4, "{words}");
    assert!(words.contains("B0406"), "{words}");
}

#[test]
fn references_that_are_none_are_mistakes_of_the_spec() {
    let folder = Folder::new();
    for (base, want) in
        [("debian", "names no registry host"), ("oci:", "names no path"), ("oci:none", "none")]
    {
        folder.file("bantam.toml", SPEC.replace("oci:base", base).as_bytes());
        let (code, _, words) = folder.bantam(&["build", "-o", "oci:out"]);
        assert_eq!(code, if base == "oci:none" { 5 } else { 3 }, "{words}");
        assert!(words.contains(want), "{words}");
    }
}

#[test]
fn docker_gets_no_base_in_zstd() {
    let folder = Folder::new();
    let spec = SPEC.replace("base = \"oci:base\"\n", "");
    let spec = format!("{spec}[layers]\ncompression = \"zstd\"\n");
    folder.file("base.toml", spec.as_bytes());
    let (code, _, words) = folder.bantam(&["build", "base.toml", "-o", "oci:base"]);
    assert_eq!(code, 0, "{words}");
    folder.file("bantam.toml", SPEC.as_bytes());
    let (code, _, words) = folder.bantam(&["build", "-o", "docker-archive:out.tar"]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("a layer of the base image oci:base is in zstd"), "{words}");
    assert_eq!(folder.bantam(&["build", "-o", "oci:out"]).0, 0);
}

#[test]
fn an_image_is_a_source_of_single_files() {
    let (folder, _) = folder_with(&base());
    let spec = SPEC.replace("base = \"oci:base\"\n", "");
    let spec = spec.replace("source = \"none\"", "source = \"image:oci:base\"\nkeep = [\"/srv/new\"]");
    folder.file("bantam.toml", spec.as_bytes());
    let (code, built, words) = folder.bantam(&["build", "-o", "oci:out"]);
    assert_eq!(code, 0, "{words}");
    let (_, list, _) = folder.bantam(&["ls", "oci:out", "/srv"]);
    assert!(list.contains("new") && !list.contains("old"), "{list}");
    let (manifest, _) = documents(&folder, "out");
    assert!(manifest["annotations"].is_null(), "{manifest}");
    let lock = fs::read_to_string(folder.path("bantam.lock")).unwrap();
    assert!(
        lock.contains("[runtime.images]\n\"linux/amd64\" = ") && lock.contains("\"/srv/new\" = "),
        "{lock}"
    );
    let (code, again, words) = folder.bantam(&["build", "--locked", "-o", "oci:out"]);
    assert_eq!((code, again), (0, built), "{words}");
}

#[test]
fn a_base_of_another_name_and_the_same_digest_is_locked_by_an_update() {
    let (folder, _) = folder_with(&base());
    base().write(&folder, "other");
    assert_eq!(folder.bantam(&["build", "-o", "oci:out"]).0, 0);
    folder.file("bantam.toml", SPEC.replace("oci:base", "oci:other").as_bytes());
    let (code, _, words) = folder.bantam(&["build", "--locked", "-o", "oci:out"]);
    assert_eq!(code, 3, "{words}");
    let (code, _, words) = folder.bantam(&["update"]);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("~ base oci:base → oci:other"), "{words}");
    let (code, _, words) = folder.bantam(&["build", "--locked", "-o", "oci:out"]);
    assert_eq!(code, 0, "{words}");
}
