//! `bantam rebase`.

use crate::folder::Folder;
use crate::layout::{Entry, Foreign, documents};
use serde_json::{Value, json};
use std::fs;

const SPEC: &str = r#"name = "example.com/shop"
platforms = ["linux/amd64"]
base = "oci:old"
[config]
entrypoint = ["/app/shop"]
env = { OWN = "1" }
[runtime]
source = "none"
[[files]]
from = "target/release/shop"
to = "/app/shop"
"#;

fn base(folder: &Folder, dir: &str, env: &str, label: &str) {
    let layer = [Entry::Dir("etc", 0o755), Entry::File("etc/base", label)];
    let config = json!({"Env": [env], "Labels": {"base": label}, "User": "33:33"});
    Foreign { config, ..Foreign::new(&[&layer]) }.write(folder, dir);
}

fn built() -> Folder {
    let folder = Folder::new();
    base(&folder, "old", "A=old", "old");
    base(&folder, "new", "B=new", "new");
    folder.file("bantam.toml", SPEC.as_bytes());
    let (code, _, words) = folder.bantam(&["build", "-o", "oci:shop"]);
    assert_eq!(code, 0, "{words}");
    folder
}

#[test]
fn own_layers_stay_and_the_config_is_merged_anew() {
    let folder = built();
    let (code, said, words) = folder.bantam(&["rebase", "oci:shop", "--onto", "oci:new", "-o", "oci:moved"]);
    assert_eq!(code, 0, "{words}");
    // As if it had been built upon the new one.
    folder.file("bantam.toml", SPEC.replace("oci:old", "oci:new").as_bytes());
    let (code, direct, words) = folder.bantam(&["build", "--lock-file", "other.lock", "-o", "oci:direct"]);
    assert_eq!(code, 0, "{words}");
    assert_eq!(said, direct);
    let (manifest, config) = documents(&folder, "moved");
    assert_eq!(config["config"]["Labels"], json!({"base": "new"}));
    assert_eq!(config["config"]["User"], "33:33");
    let env = config["config"]["Env"].to_string();
    assert!(env.contains("B=new") && env.contains("OWN=1") && !env.contains("A=old"), "{env}");
    assert_eq!(manifest["annotations"]["org.opencontainers.image.base.name"], "oci:new");
}

#[test]
fn what_would_not_start_is_not_moved() {
    let folder = built();
    // The new base has a file where the program's folder is.
    let layer = [Entry::File("app", "a file")];
    Foreign::new(&[&layer, &[Entry::File(".wh.app", "")]]).write(&folder, "fine");
    let (code, _, words) = folder.bantam(&["rebase", "oci:shop", "--onto", "oci:fine", "-o", "oci:moved"]);
    assert_eq!(code, 0, "{words}");
    // A user that may not reach it.
    let layer = [Entry::Dir("app", 0o700)];
    let config = json!({"User": "33:33"});
    Foreign { config, ..Foreign::new(&[&layer]) }.write(&folder, "closed");
    let (code, _, words) = folder.bantam(&["rebase", "oci:shop", "--onto", "oci:closed", "-o", "oci:no"]);
    // Our layer says how its folder is.
    assert_eq!(code, 0, "{words}");
    let config = json!({"WorkingDir": "/none"});
    Foreign { config, ..Foreign::new(&[&layer]) }.write(&folder, "nowhere");
    let (code, _, words) = folder.bantam(&["rebase", "oci:shop", "--onto", "oci:nowhere", "-o", "oci:not"]);
    assert_eq!(code, 4, "{words}");
    assert!(words.contains("B0305"), "{words}");
    assert!(!folder.path("not").exists());
}

#[test]
fn the_old_base_must_be_that_of_the_image() {
    let folder = built();
    let rebase = |more: &[&str]| {
        folder.bantam(&[&["rebase", "oci:shop", "--onto", "oci:new", "-o", "oci:moved"], more].concat())
    };
    let (code, _, words) = rebase(&["--from", "oci:new"]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("its first layers are others"), "{words}");
    base(&folder, "old", "A=moved", "moved");
    let (code, _, words) = rebase(&[]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("the base image oci:old is sha256:") && words.contains("--from names"), "{words}");
    let (code, _, words) = folder.bantam(&["rebase", "oci:old", "--onto", "oci:new", "-o", "oci:moved"]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("does not say which image it is built upon"), "{words}");
}

#[test]
fn an_index_keeps_what_it_says_and_one_of_its_platforms_is_a_manifest() {
    let folder = Folder::new();
    let spec = |label: &str| {
        format!(
            "platforms = [\"linux/amd64\", \"linux/arm64\"]\n[config]\nlabels = {{ base = \"{label}\" }}\n[runtime]\nsource = \"none\"\n[[files]]\ncontent = \"{label}\"\nto = \"/srv/base\"\n"
        )
    };
    let build = |spec: &str, to: &str| {
        folder.file("some.toml", spec.as_bytes());
        let (code, _, words) = folder.bantam(&["build", "some.toml", "-o", to]);
        assert_eq!(code, 0, "{words}");
        fs::remove_file(folder.path("some.lock")).unwrap_or_default();
    };
    build(&spec("old"), "oci:old");
    build(&spec("new"), "oci:new");
    let own = spec("own")
        .replace("/srv/base", "/srv/own")
        .replace("[config]", "[config]\nannotations = { note = \"kept\" }");
    build(&format!("base = \"oci:old\"\n{own}"), "oci:shop");
    let rebase = |more: &[&str], to: &str| {
        let words = [&["rebase", "oci:shop", "--onto", "oci:new", "-o", to], more].concat();
        let (code, _, words) = folder.bantam(&words);
        assert_eq!(code, 0, "{words}");
    };
    rebase(&[], "oci:both");
    let (index, _) = root(&folder, "both");
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(index["annotations"], json!({"note": "kept"}));
    rebase(&["--platform", "linux/arm64"], "oci:one");
    let (manifest, _) = root(&folder, "one");
    assert_eq!(manifest["annotations"]["note"], "kept");
    assert!(manifest["layers"].is_array(), "{manifest}");
}

/// The document that the only name of a layout leads to, and its descriptor.
fn root(folder: &Folder, dir: &str) -> (Value, Value) {
    let json =
        |path: String| -> Value { serde_json::from_slice(&fs::read(folder.path(&path)).unwrap()).unwrap() };
    let listed = json(format!("{dir}/index.json"))["manifests"][0].clone();
    let digest = listed["digest"].as_str().unwrap().replace(':', "/");
    (json(format!("{dir}/blobs/{digest}")), listed)
}

#[test]
fn an_image_that_asks_for_root_keeps_it() {
    let folder = built();
    for (dir, label) in [("old", "old"), ("new", "new")] {
        let layer = [Entry::Dir("etc", 0o755), Entry::File("etc/base", label)];
        Foreign::new(&[&layer]).write(&folder, dir);
    }
    fs::remove_file(folder.path("bantam.lock")).unwrap();
    for (spec, want) in [
        (SPEC.to_owned(), "65532:65532"),
        (
            SPEC.replace("[config]\n", "[config]\nuser = \"root\"\n") + "[policy]\nallow = [\"root-user\"]\n",
            "0:0",
        ),
    ] {
        folder.file("bantam.toml", spec.as_bytes());
        let (code, _, words) = folder.bantam(&["build", "-o", "oci:shop"]);
        assert_eq!(code, 0, "{words}");
        let (code, _, words) = folder.bantam(&["rebase", "oci:shop", "--onto", "oci:new", "-o", "oci:moved"]);
        assert_eq!(code, 0, "{words}");
        assert_eq!(documents(&folder, "moved").1["config"]["User"], want);
    }
}
