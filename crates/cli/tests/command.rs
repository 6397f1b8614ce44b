//! What the command says and how it ends, with specs that take nothing from this machine.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A folder with a payload, in which the command runs.
struct Folder(TempDir);

/// What came of a command: exit code, stdout, stderr.
type Said = (i32, String, String);

impl Folder {
    fn new() -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("data")).unwrap();
        folder.write("data/file", "text");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A spec that takes `data`; `top` and `end` are lines before and after.
    fn spec(&self, name: &str, top: &str, end: &str) {
        let middle =
            "[runtime]\nsource = \"none\"\nprofile = \"none\"\n[[files]]\nfrom = \"data/\"\nto = \"/data/\"";
        self.write(name, &format!("{top}\n{middle}\n{end}\n"));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.current_dir(self.0.path()).args(arguments).env("BANTAM_CACHE_DIR", self.path("cache"));
        for variable in ["SOURCE_DATE_EPOCH", "GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            command.env_remove(variable);
        }
        command
    }

    fn bantam(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }
}

fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_does_not_fit_a_destination_is_told_before_anything_is_planned() {
    const DIGEST: &str =
        "docker://example.com/two@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let folder = Folder::new();
    folder.spec("two.toml", "name = \"two\"\nplatforms = [\"linux/amd64\", \"linux/arm64\"]", "");
    folder.spec("same.toml", "name = \"two\"", "");
    folder.spec("other.toml", "name = \"other\"", "");
    for (arguments, want) in [
        (
            &["build", "two.toml", "-o", "docker-archive:x.tar"][..],
            "docker-archive:x.tar takes an image of one platform, and two.toml is for 2",
        ),
        (
            &["build", "two.toml", "-o", "oci:out", "-o", DIGEST],
            &*format!("{DIGEST}: an image is published under a tag, not under a digest"),
        ),
        (
            &["build", "two.toml", "same.toml", "-o", "oci:out"],
            "two.toml and same.toml both make two:latest, and oci:out has one image of a name",
        ),
        (
            &["build", "two.toml", "other.toml", "--lock-file", "x.lock"],
            "--lock-file names one lock, and 2 specs are to be built",
        ),
    ] {
        let (code, out, words) = folder.bantam(arguments);
        assert_eq!((code, &*out), (2, ""), "{words}");
        assert!(words.starts_with(&format!("error: {want}\n")), "{words}");
        assert!(!folder.path("out").exists());
    }
    let (code, out, words) = folder.bantam(&["build", "other.toml", "two.toml", "-o", "oci:out"]);
    assert_eq!(code, 0, "{words}");
    let names: Vec<&str> = out.lines().filter_map(|line| line.split('@').next()).collect();
    assert_eq!(names, ["other", "two"]);
    // Each is told by the name that finds it there.
    for from in ["oci:out:latest && docker run other:latest", "oci:out:two:latest && docker run two:latest"] {
        assert!(words.contains(&format!("bantam load {from}")), "{words}");
    }
}

#[test]
fn every_image_that_is_wrong_is_told_at_once_with_its_spec() {
    let folder = Folder::new();
    let wrong = "[config]\nentrypoint = [\"/nothing\"]";
    folder.spec("a.toml", "name = \"a\"", wrong);
    folder.spec("good.toml", "name = \"good\"", "");
    folder.spec("b.toml", "name = \"b\"", wrong);
    let (code, out, words) = folder.bantam(&[
        "build",
        "a.toml",
        "good.toml",
        "b.toml",
        "-o",
        "oci:out",
        "--platform",
        "linux/amd64",
    ]);
    assert_eq!((code, &*out), (4, ""));
    for part in [
        "at: a.toml:8\n",
        "at: b.toml:8\n",
        "error: nothing is built: 2 of 3 images have errors\n  a for linux/amd64 is not built: 1 error\n  \
         b for linux/amd64 is not built: 1 error\n",
    ] {
        assert!(words.contains(part), "{words}");
    }
    assert!(!folder.path("out").exists());
}

#[test]
fn a_glob_names_all_specs_that_match() {
    let folder = Folder::new();
    for name in ["b", "a", "c/deep"] {
        fs::create_dir_all(folder.path(&format!("services/{name}/data"))).unwrap();
        folder.write(&format!("services/{name}/data/file"), name);
        folder.spec(&format!("services/{name}/bantam.toml"), &format!("name = \"{name}\""), "");
    }
    let (code, out, _) =
        folder.bantam(&["build", "services/*/bantam.toml", "-o", "oci:out", "--platform", "linux/amd64"]);
    let names: Vec<&str> = out.lines().map(|line| line.split_once('@').unwrap().0).collect();
    assert_eq!((code, names), (0, vec!["a", "b"]));
    let (code, again, _) =
        folder.bantam(&["build", "./services//*/bantam.toml", "-o", "oci:out", "--platform", "linux/amd64"]);
    assert_eq!((code, again), (0, out));
    let (code, out, words) = folder.bantam(&["build", "services/*/none.toml", "-o", "oci:out"]);
    assert_eq!((code, &*out), (3, ""), "{words}");
    assert!(words.contains("cannot read the spec services/*/none.toml"), "{words}");
}

#[test]
fn an_image_over_its_compressed_size_shows_what_is_large() {
    let folder = Folder::new();
    folder.spec("a.toml", "name = \"a\"\nplatforms = [\"linux/amd64\"]", "[limits]\ncompressed = \"10 B\"");
    let (code, _, words) = folder.bantam(&["build", "a.toml", "-o", "oci:out"]);
    assert_eq!(code, 4);
    assert!(words.contains("error[B0601]: ") && words.contains("largest: "), "{words}");
    assert!(words.contains("error: a for linux/amd64 is not built: 1 error\n"), "{words}");
    assert!(!folder.path("out").exists() && !folder.path("a.lock").exists());
    let (_, _, words) = folder.bantam(&["build", "a.toml", "--progress", "json"]);
    assert!(words.contains("\"event\":\"found\"") && words.contains("\"code\":\"B0601\""), "{words}");
}

#[test]
fn a_file_name_writes_no_line_of_its_own() {
    let folder = Folder::new();
    let file = folder.path("data/a\n::add-mask::b\x1b[31m");
    fs::write(&file, "#!/nowhere/x\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    folder.spec("a.toml", "name = \"a\"", "");
    let (code, _, words) = said(folder.command(&["check", "a.toml"]).env("GITHUB_ACTIONS", "true"));
    assert_eq!(code, 1);
    assert!(words.contains(r"/data/a\n::add-mask::b\u{1b}[31m starts with #!/nowhere/x"), "{words}");
    assert!(!words.contains('\x1b') && !words.lines().any(|line| line.starts_with("::add-mask")), "{words}");

    fs::write(&file, "no script").unwrap();
    let (code, ..) = folder.bantam(&["build", "a.toml", "-o", "oci-archive:a.tar"]);
    assert_eq!(code, 0);
    let (_, out, _) = folder.bantam(&["ls", "oci-archive:a.tar"]);
    assert!(out.contains(r"a\n::add-mask::b\u{1b}[31m"), "{out}");
}

#[test]
fn deps_of_the_good_files_are_printed_beside_the_bad() {
    let folder = Folder::new();
    let at = |name: &str| folder.path(name).display().to_string();
    folder.write("inner", "#!/nowhere/x\n");
    folder.write("outer", &format!("#!{}\n", at("inner")));
    folder.write("circle", &format!("#!{}\n", at("circle")));
    folder.write("text", "no program");
    let want = format!("{}  interpreted by {}\n└── /nowhere/x  MISSING\n", at("outer"), at("inner"));
    assert_eq!(folder.bantam(&["deps", "outer"]), (1, want.clone(), String::new()));
    let (code, out, words) = folder.bantam(&["deps", "circle", "text", "outer", "absent"]);
    assert_eq!((code, out), (5, want));
    let errors: Vec<&str> = words.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(
        errors,
        [
            "error: circle is a script whose interpreters are scripts, more than the kernel starts",
            "error: cannot read text",
            "error: cannot read absent",
        ]
    );
}

#[test]
fn a_lock_is_held_by_check_and_shows_what_update_changes() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("root/etc")).unwrap();
    folder.write("root/etc/conf", "one");
    let keep = "[runtime]\nsource = \"rootfs:root\"\nprofile = \"none\"\nkeep = [\"/etc/conf\"]\n";
    folder.write("a.toml", &format!("name = \"a\"\nplatforms = [\"linux/amd64\"]\n{keep}"));
    assert_eq!(folder.bantam(&["check", "a.toml", "--locked"]).0, 3);
    assert_eq!(folder.bantam(&["lock", "a.toml", "--quiet"]), (0, String::new(), String::new()));
    assert_eq!(folder.bantam(&["check", "a.toml", "--locked"]).0, 0);

    folder.write("root/etc/conf", "two");
    let (code, _, words) = folder.bantam(&["check", "a.toml", "--locked"]);
    assert_eq!(code, 3);
    assert!(words.contains("which --locked forbids:\n~ linux/amd64 /etc/conf\n"), "{words}");
    let (code, _, words) = folder.bantam(&["update", "a.toml"]);
    assert_eq!(code, 0);
    assert!(words.ends_with("wrote a.lock:\n~ linux/amd64 /etc/conf\n"), "{words}");

    folder.write("a.lock", "no lock");
    assert_eq!(folder.bantam(&["check", "a.toml"]).0, 3);
    assert_eq!(folder.bantam(&["update", "a.toml"]).0, 0);
    assert_eq!(folder.bantam(&["check", "a.toml", "--locked"]).0, 0);

    let (code, ..) = folder.bantam(&["build", "a.toml", "--lock-file", "/proc/none/x.lock", "-o", "oci:out"]);
    assert_eq!(code, 5);
    assert!(!folder.path("out").exists());
}

#[test]
fn a_program_is_taken_by_its_very_name() {
    let folder = Folder::new();
    fs::create_dir(folder.path("a[1]")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path("a[1]/dangling")).unwrap();
    let own = Path::new(env!("CARGO_BIN_EXE_bantam"));
    for (name, inside) in [("plain", "plain"), ("x{1,2}*", "x{1,2}*"), ("y${arch}", "y_{arch}")] {
        let file = format!("a[1]/{name}");
        fs::hard_link(own, folder.path(&file))
            .or_else(|_| fs::copy(own, folder.path(&file)).map(|_| ()))
            .unwrap();
        let (code, _, words) =
            folder.bantam(&["build", &file, "-o", "oci-archive:p.tar", "--progress", "quiet"]);
        assert_eq!((code, &*words), (0, ""), "{name}");
        let (_, out, _) = folder.bantam(&["ls", "oci-archive:p.tar", &format!("/app/{inside}")]);
        assert_eq!(out.lines().count(), 1, "{out}");
    }
}

#[test]
fn an_expanded_path_is_no_glob() {
    let folder = Folder::new();
    let files = |from: &str| format!("[[files]]\nfrom = \"{from}\"\nto = \"/x\"");
    for (from, want) in [("dist/${arch}/x", 5), ("dist/amd64/x", 5), ("dist/*/x", 1)] {
        folder.spec("a.toml", "name = \"a\"", &files(from));
        let (code, _, words) = folder.bantam(&["check", "a.toml", "--platform", "linux/amd64"]);
        assert_eq!(code, want, "{words}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let folder = Folder::new();
    folder.spec("a.toml", "name = \"a\"", "");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = folder.command(&["check", "a.toml", "--json"]).stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(5));
}

#[test]
fn metadata_has_the_variant_and_a_platform_counts_once() {
    let folder = Folder::new();
    folder.spec("a.toml", "name = \"a\"\nplatforms = [\"linux/arm/v7\"]", "");
    let twice = ["--platform", "linux/arm/v7", "--platform", "linux/arm", "--metadata-file", "m.json"];
    let (code, _, words) =
        folder.bantam(&[&["build", "a.toml", "-o", "docker-archive:a.tar"][..], &twice].concat());
    assert_eq!(code, 0, "{words}");
    let metadata: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path("m.json")).unwrap()).unwrap();
    let want = serde_json::json!({"os": "linux", "architecture": "arm", "variant": "v7"});
    assert_eq!(metadata["containerimage.descriptor"]["platform"], want);
}

#[test]
fn run_takes_this_machines_platform_and_says_what_the_engine_said() {
    let folder = Folder::new();
    let (own, other) = match std::env::consts::ARCH {
        "aarch64" => ("linux/arm64", "linux/amd64"),
        _ => ("linux/amd64", "linux/arm64"),
    };
    folder.spec("a.toml", &format!("name = \"a\"\nplatforms = [\"{other}\", \"{own}\"]"), "");
    fs::create_dir(folder.path("bin")).unwrap();
    folder.write("bin/docker", "#!/bin/sh\n[ \"$1\" = load ] && [ -n \"$FULL\" ] && echo full >&2 && exit 1\n[ \"$1\" != run ] || exit 42\n");
    fs::set_permissions(folder.path("bin/docker"), fs::Permissions::from_mode(0o755)).unwrap();
    let run = || {
        let mut command = folder.command(&["run", "a.toml"]);
        command.env("PATH", folder.path("bin"));
        command
    };
    let (code, _, words) = said(&mut run());
    assert_eq!(code, 42, "{words}");
    assert!(words.contains(&format!("a for {own}: ")) && !words.contains("to run it"), "{words}");
    let (code, _, words) = said(run().env("FULL", "1"));
    assert_eq!(code, 5);
    assert!(words.contains("error: docker load failed: full\n"), "{words}");
}

#[test]
fn what_a_build_writes_is_not_part_of_the_next() {
    let folder = Folder::new();
    folder.write(
        "bantam.toml",
        "[runtime]\nsource = \"none\"\nprofile = \"none\"\n[[files]]\nfrom = \".\"\nto = \"/app/\"\n",
    );
    let arguments =
        ["build", "-q", "-o", "oci:data/out", "-o", "oci-archive:o.tar", "--metadata-file", "data/m.json"];
    let first = folder.bantam(&arguments);
    assert_eq!(first.0, 0, "{}", first.2);
    for file in ["data/out/index.json", "o.tar", "data/m.json", "bantam.lock"] {
        assert!(folder.path(file).exists(), "{file}");
    }
    assert_eq!(folder.bantam(&arguments).1, first.1);
    let (code, said, _) = folder.bantam(&["build", "-o", "oci-archive:x.tar", "-o", "docker-archive:x.tar"]);
    assert_eq!((code, said.as_str()), (2, ""));
}

#[test]
fn several_programs_stay_beside_each_other() {
    let folder = Folder::new();
    for name in ["one", "two"] {
        folder.spec(
            &format!("{name}.toml"),
            &format!("name = \"acme/{name}\""),
            &format!("[config.labels]\nis = \"{name}\""),
        );
    }
    let (code, lines, words) = folder.bantam(&["build", "-q", "one.toml", "two.toml", "-o", "oci:out"]);
    assert_eq!(code, 0, "{words}");
    for line in lines.lines() {
        let (name, digest) = line.split_once('@').unwrap();
        let (code, said, words) = folder.bantam(&["inspect", &format!("oci:out:{name}:latest")]);
        assert_eq!(code, 0, "{words}");
        assert!(said.contains(digest), "{said}");
    }
}

#[test]
fn what_can_be_built_is_where_another_cannot() {
    let folder = Folder::new();
    folder.spec("one.toml", "name = \"acme/one\"", "");
    folder.spec("two.toml", "name = \"acme/two\"", "[config]\nentrypoint = [\"/data/none\"]");
    folder.write("three.toml", "nmae = \"acme/three\"\n");
    folder.spec("four.toml", "name = \"acme/four\"", "[limits]\ncompressed = \"1 B\"");
    folder.spec("five.toml", "name = \"acme/five\"", "");
    folder.write("five.lock", "no lock");
    folder.spec("six.toml", "name = \"acme/six\"", "");
    let specs = ["one.toml", "two.toml", "three.toml", "four.toml", "five.toml", "six.toml"];
    let build = |more: &[&str]| folder.bantam(&[&["build", "-o", "oci:out"], more, &specs[..]].concat());

    let (code, lines, words) = build(&[]);
    assert_eq!((code, lines.as_str()), (3, ""), "{words}");
    assert!(!folder.path("out").exists());

    let (code, lines, words) = build(&["--keep-going", "--image-refs", "refs"]);
    // The first that failed could not even be read.
    assert_eq!(code, 3, "{words}");
    let names: Vec<&str> = lines.lines().map(|line| line.split_once('@').unwrap().0).collect();
    assert_eq!(names, ["acme/one", "acme/six"]);
    assert!(!folder.path("refs").exists(), "receipts are of builds that went well");
    assert!(
        words.ends_with("4 of 6 were not built: three.toml, two.toml, four.toml, five.toml\n"),
        "{words}"
    );
    for (name, is_there) in [("one", true), ("two", false), ("four", false), ("five", false), ("six", true)] {
        let found = folder.bantam(&["inspect", &format!("oci:out:acme/{name}:latest")]).0 == 0
            || folder.bantam(&["inspect", "oci:out:latest"]).1.contains(&format!("acme/{name}"));
        assert_eq!(found, is_there, "{name}");
        if name != "five" {
            assert_eq!(folder.path(&format!("{name}.lock")).exists(), is_there, "{name}");
        }
    }
    assert_eq!(fs::read_to_string(folder.path("five.lock")).unwrap(), "no lock");

    let (code, lines, _) =
        folder.bantam(&["build", "-q", "-o", "oci:good", "--keep-going", "one.toml", "six.toml"]);
    assert_eq!((code, lines.lines().count()), (0, 2));
}
