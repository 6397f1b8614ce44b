//! What `bantam explain` says, of specs that take nothing from this machine.

#![allow(clippy::unwrap_used)]

use elf::testing::Elf;
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
};
use tempfile::TempDir;

const SPEC: &str = r#"name = "example.com/shop"
platforms = ["linux/amd64", "linux/arm64"]
[config]
entrypoint = ["/app/run"]
[runtime]
source = "none"
profile = "none"
[[files]]
from = "dist/"
to = "/app/"
[[files]]
from = "only/${arch}"
to = "/only/${arch}"
[[files]]
from = "elf/${arch}"
to = "/bin/elf"
"#;

/// A folder with a project: a script with its interpreter, a link, and a file for each platform.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let project = Project(tempfile::tempdir().unwrap());
        fs::create_dir(project.path("dist")).unwrap();
        fs::create_dir(project.path("only")).unwrap();
        for (name, text) in [
            ("dist/run", "#!/app/lua\n"),
            ("dist/lua", "#!/bin/elf\n"),
            ("only/amd64", "a"),
            ("only/arm64", "b"),
        ] {
            project.put(name, text.as_bytes());
        }
        fs::create_dir(project.path("elf")).unwrap();
        project.put("elf/amd64", &Elf::static_program().build());
        project.put("elf/arm64", &Elf::static_program().on("aarch64").build());
        symlink("run", project.path("dist/start")).unwrap();
        fs::write(project.path("bantam.toml"), SPEC).unwrap();
        project
    }

    /// A file that everybody may execute.
    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Exit code, stdout, stderr.
    fn bantam(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.current_dir(self.0.path()).args(arguments).env("BANTAM_CACHE_DIR", self.path("cache"));
        for variable in ["SOURCE_DATE_EPOCH", "GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn says(&self, arguments: &[&str]) -> String {
        let (code, out, words) = self.bantam(arguments);
        assert_eq!(code, 0, "{words}");
        out
    }
}

#[test]
fn a_chain_leads_from_what_was_asked_about_to_the_spec() {
    let project = Project::new();
    let want = "/app/start -> run\n  ← named in bantam.toml:8: [[files]] from = \"dist/\"\n/app/run\n  \
                11 B, layer app\n  ← named in bantam.toml:8: [[files]] from = \"dist/\"\n";
    // Both platforms say the same, and the spec need not be named where it is.
    for arguments in [
        &["explain", "bantam.toml", "/app/start"][..],
        &["explain", ".", "/app/start"],
        &["explain", "/app/start"],
        &["explain", "start"],
        &["explain", "app/start", "--platform", "linux/arm64"],
    ] {
        assert_eq!(project.says(arguments), want, "{arguments:?}");
    }
    let all = project.says(&["explain", "lua", "--all"]);
    assert!(all.contains("  2.\n  ← starts /app/run\n  ← named in bantam.toml:8"), "{all}");
    let tree = project.says(&["explain", "lua", "--tree"]);
    assert!(tree.contains("└── starts /app/run\n    ├── named in bantam.toml:8"), "{tree}");
    let tree = project.says(&["explain", "--tree", "--platform", "linux/amd64"]);
    assert!(
        tree.contains("named in bantam.toml:11: [[files]] from = \"only/${arch}\"\n└── /only/amd64  1 B\n"),
        "{tree}"
    );
}

#[test]
fn platforms_that_differ_are_told_apart() {
    let project = Project::new();
    let (code, out, words) = project.bantam(&["explain", "/only/arm64"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("[linux/arm64]\n/only/arm64\n"), "{out}");
    assert_eq!(words, "/only/arm64 is not in the image for linux/amd64\n");
    let (code, out, words) =
        project.bantam(&["explain", "--json", "/only/riscv64", "--platform", "linux/amd64"]);
    assert_eq!((code, &*out), (1, ""));
    assert!(words.starts_with("/only/riscv64 is not in the image for linux/amd64\n"), "{words}");
}

#[test]
fn what_would_go_is_summed_and_what_would_not_start_is_told() {
    let project = Project::new();
    let out = project.says(&["explain", "--without", "lua", "--platform", "linux/amd64"]);
    assert_eq!(
        out,
        "1 file would go, 11 B\n  /app/lua  11 B\nwould no longer start\n  /app/run\n\
         the image would not start without it\n"
    );
    let out = project.says(&[
        "explain",
        "--without",
        "/only",
        "--without",
        "lua",
        "--json",
        "--platform",
        "linux/amd64",
    ]);
    let object: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(object["files"], 2);
    assert_eq!(object["without"], serde_json::json!(["/app/lua", "/only", "/only/amd64"]));
    assert_eq!(object["programs"], serde_json::json!(["/app/run"]));
}

#[test]
fn programs_get_an_object_for_each_platform() {
    let project = Project::new();
    let out = project.says(&["explain", "/app/run", "--json"]);
    let objects: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[1]["platform"], "linux/arm64");
    assert_eq!(
        objects[0]["chains"],
        serde_json::json!([[{"path": "/app/run", "reason": {"kind": "listed", "line": 8}}]])
    );
    assert_eq!(
        (&objects[0]["kind"], &objects[0]["size"], &objects[0]["layer"]),
        (&"file".into(), &11.into(), &"app".into())
    );
}

#[test]
fn reasons_are_the_same_document_whoever_writes_them() {
    let project = Project::new();
    // Written into the payload's folder, the document is no part of the payload.
    for _ in 0..2 {
        let (_, _, words) = project.bantam(&["explain", "--reasons", "dist/r.json", "/app/r.json"]);
        assert!(words.contains("/app/r.json is not in the image"), "{words}");
        project.says(&["check", "--reasons", "dist/r.json", "-q"]);
    }
    assert!(!fs::read_to_string(project.path("dist/r.json")).unwrap().contains("/app/r.json"));
    fs::remove_file(project.path("dist/r.json")).unwrap();

    project.says(&["check", "--reasons", "check.json", "-q"]);
    project.says(&["explain", "--reasons", "explain.json"]);
    project.says(&["build", "-o", "oci:img", "--reasons", "build.json", "-q"]);
    let read = |name: &str| fs::read(project.path(name)).unwrap();
    assert_eq!(read("check.json"), read("explain.json"));
    assert_eq!(read("check.json"), read("build.json"));
    for arguments in [&["lua", "--all"][..], &["lua", "--json"], &["--tree"], &["--without", "/app"]] {
        let asked = |subject: &str| project.says(&[&["explain", subject][..], arguments].concat());
        assert_eq!(asked("bantam.toml"), asked("build.json"), "{arguments:?}");
    }
    let (code, _, words) = project.bantam(&["explain", "build.json", "lua", "--platform", "linux/riscv64"]);
    assert_eq!(code, 2);
    assert!(words.contains("build.json is of linux/amd64, linux/arm64"), "{words}");
    fs::write(project.path("build.json"), "{}").unwrap();
    assert_eq!(project.bantam(&["explain", "build.json", "lua"]).0, 5);
    // A build that fails writes none.
    fs::write(project.path("bantam.toml"), SPEC.replace("/app/run", "/app/walk")).unwrap();
    assert_eq!(project.bantam(&["build", "-o", "oci:img", "--reasons", "new.json", "-q"]).0, 4);
    assert!(!project.path("new.json").exists());
}

#[test]
fn an_image_explains_what_it_can() {
    let project = Project::new();
    for destination in ["oci:img", "oci-archive:img.tar", "docker-archive:docker.tar"] {
        project.says(&["build", "-o", destination, "-q", "--platform", "linux/amd64"]);
        let (code, out, words) = project.bantam(&["explain", destination, "lua"]);
        assert_eq!(code, 0, "{words}");
        assert_eq!(out, "/app/lua\n  11 B, layer app\n  ← starts /app/run\n  ← the process starts with it\n");
        assert!(words.contains("does not say what its builder was told"), "{words}");
        let out = project.says(&["explain", destination, "/only/amd64", "-q"]);
        assert!(out.ends_with("  ← in layer 1: bantam: app\n"), "{out}");
    }
    let out = project.says(&["explain", "oci:img", "/app/start", "--json"]);
    let object: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&object["derived"], &object["links"]), (&true.into(), &serde_json::json!(["/app/start"])));
}

#[test]
fn a_question_that_is_none_is_refused() {
    let project = Project::new();
    for (arguments, want) in [
        (&["explain"][..], "what is to be explained?"),
        (&["explain", "bantam.toml"], "what is to be explained?"),
        (&["explain", "nothing.toml", "x"], "cannot read the spec nothing.toml"),
        (&["explain", "nothing", "x"], "nothing is neither a spec nor a program"),
        (&["explain", "oci:nothing", "x"], "cannot read nothing"),
        (&["explain", "x", "--tree", "--without", "y"], "cannot be used with"),
    ] {
        let (code, out, words) = project.bantam(arguments);
        assert!(code >= 2 && out.is_empty(), "{arguments:?}: {code}");
        assert!(words.contains(want), "{arguments:?}: {words}");
    }
    // A spec that would not be built is explained all the same.
    fs::write(project.path("bantam.toml"), SPEC.replace("/app/run", "/app/walk")).unwrap();
    let (code, out, words) = project.bantam(&["explain", "lua"]);
    assert_eq!(code, 0);
    assert!(
        out.starts_with("/app/lua\n") && words.contains("note: the image would not be built: 2 errors"),
        "{words}"
    );
}
