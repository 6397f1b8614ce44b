//! Images that are brought from one place to another, with places that are files.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};
use tempfile::TempDir;

/// A folder with the layout `made`, in which `shop:1` is an index of two platforms.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        let spec = "name = \"example.com/acme/shop\"\ntags = [\"1\"]\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\n\
                    [runtime]\nsource = \"none\"\nprofile = \"none\"\n\
                    [[files]]\ncontent = \"for ${arch}\"\nto = \"/data/file\"\n";
        fs::write(folder.path("bantam.toml"), spec).unwrap();
        folder.ok(&["build", "-o", "oci:made"]);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Exit code, stdout and stderr.
    fn bantam(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.current_dir(self.0.path()).args(arguments).env("BANTAM_CACHE_DIR", self.path("cache"));
        command.env_remove("GITHUB_ACTIONS").env_remove("SOURCE_DATE_EPOCH");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let (code, out, words) = self.bantam(arguments);
        assert_eq!(code, 0, "{arguments:?}: {words}");
        out.trim_end().to_owned()
    }

    /// What `inspect --json` says.
    fn inspect(&self, image: &str) -> Value {
        serde_json::from_str(&self.ok(&["inspect", "--json", image])).unwrap()
    }

    /// The digests of the images of two platforms, amd64 first.
    fn images(&self) -> [String; 2] {
        let made = self.inspect("oci:made:1");
        [0, 1].map(|at| made["images"][at]["digest"].as_str().unwrap().to_owned())
    }
}

#[test]
fn a_copy_is_the_same_image_in_every_kind_of_place() {
    let folder = Folder::new();
    let digest = folder.inspect("oci:made:1")["digest"].as_str().unwrap().to_owned();
    let line = format!("example.com/acme/shop@{digest}");
    assert_eq!(folder.ok(&["copy", "oci:made:1", "oci-archive:one.tar"]), line);
    assert_eq!(folder.ok(&["copy", "oci-archive:one.tar", "oci:two", "--digest-file", "digest"]), line);
    assert_eq!(fs::read_to_string(folder.path("digest")).unwrap(), digest);
    let there = folder.inspect("oci:two:1");
    assert_eq!(there["digest"], *digest);
    assert_eq!(there["names"], serde_json::json!(["example.com/acme/shop:1"]));
    // A name of the destination counts.
    assert_eq!(folder.ok(&["copy", "oci:two", "oci:two:other/name:2"]), format!("other/name@{digest}"));
    assert_eq!(folder.inspect("oci:two:other/name:2")["digest"], *digest);
}

#[test]
fn one_platform_keeps_its_own_digest_and_goes_to_docker() {
    let folder = Folder::new();
    let [amd64, arm64] = folder.images();
    assert_eq!(
        folder.ok(&["copy", "oci:made:1", "oci:arm", "--platform", "linux/arm64"]),
        format!("example.com/acme/shop@{arm64}")
    );
    folder.ok(&["copy", "oci:made:1", "docker-archive:amd.tar", "--platform", "linux/amd64"]);
    let config = |image: &str| folder.inspect(image)["images"][0]["configDigest"].clone();
    folder.ok(&["copy", "oci:made:1", "oci:amd", "--platform", "linux/amd64"]);
    assert_eq!(folder.inspect("oci:amd")["digest"], *amd64);
    assert_eq!(config("docker-archive:amd.tar"), config("oci:amd"));
    let (code, _, words) = folder.bantam(&["copy", "oci:made:1", "docker-archive:two.tar"]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("takes an image of one platform, not of 2"), "{words}");
    assert!(!folder.path("two.tar").exists());
    let (code, _, words) = folder.bantam(&["copy", "oci:made:1", "oci:none", "--platform", "linux/s390x"]);
    assert_eq!(code, 7, "{words}");
    assert!(words.contains("has no image for linux/s390x; it has linux/amd64, linux/arm64"), "{words}");
}

#[test]
fn images_of_single_platforms_are_joined_into_the_index_that_one_build_makes() {
    let folder = Folder::new();
    let whole = folder.inspect("oci:made:1")["digest"].as_str().unwrap().to_owned();
    folder.ok(&["build", "--platform", "linux/arm64", "-o", "oci:arm"]);
    folder.ok(&["build", "--platform", "linux/amd64", "-o", "oci:amd"]);
    let name = "example.com/acme/shop:1";
    let made = folder.ok(&["index", "create", "-o", &format!("oci:joined:{name}"), "oci:arm", "oci:amd"]);
    assert_eq!(made, format!("example.com/acme/shop@{whole}"));
    let (code, _, words) = folder.bantam(&["index", "create", "-o", "oci:twice", "oci:arm", "oci:arm"]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("linux/arm64"), "{words}");
    let annotated =
        folder.ok(&["index", "create", "-o", "oci:noted", "--annotation", "a=b=c", "oci:arm", "oci:amd"]);
    let index =
        fs::read_to_string(folder.path("noted/blobs/sha256").join(annotated.split(':').next_back().unwrap()));
    assert_eq!(serde_json::from_str::<Value>(&index.unwrap()).unwrap()["annotations"]["a"], "b=c");
}

#[test]
fn push_and_pull_are_for_registries() {
    let folder = Folder::new();
    for (arguments, want) in [
        (&["push", "oci:made:1", "oci:other"][..], "`push` goes to a registry, and oci:other is none"),
        (&["pull", "oci:made:1", "oci:other"], "`pull` comes from a registry, and oci:made:1 is none"),
        (&["push", "oci:made:1", "shop:1"], "`shop:1` names no registry host"),
        (
            &["push", "--by-digest", "oci:made:1", "example.com/shop:1"],
            "docker://example.com/shop:1 has a tag",
        ),
        (&["push", "oci:made:1", "example.com/shop@sha256:00"], "is no reference to an image"),
        (
            &["index", "create", "-o", "oci:x", "--annotation", "=b", "oci:made:1"],
            "not of the form KEY=VALUE",
        ),
    ] {
        let (code, out, words) = folder.bantam(arguments);
        assert_eq!((code, &*out), (2, ""), "{words}");
        assert!(words.contains(want), "{words}");
    }
    let (code, out, words) = folder.bantam(&["push", "--offline", "oci:made:1", "example.com/shop:1"]);
    assert_eq!((code, &*out), (5, ""), "{words}");
    assert!(words.contains("offline"), "{words}");
}
