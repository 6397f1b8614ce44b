//! What bantam writes is read by the tools that people have, and what those write is read by bantam.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Stdio};

use serde_json::Value;

use crate::layout;
use crate::runtime::{Runtime, Work, docker, load, podman};
use crate::workshop::{Image, Workshop, assert_has, at_hand, ctr_prints, limited, ok};

/// A program of every machine, that shows the environment it was given.
const SPEC: &str = r#"
name = "example.com/interop"

[config]
entrypoint = ["/usr/bin/env"]
env = { GREETING = "hello" }
labels = { "org.opencontainers.image.title" = "interop" }

[runtime]
keep = ["/usr/bin/env"]
"#;

/// An image, and a `docker-archive:` of the same build.
struct Built {
    workshop: Workshop,
    image: Image,
    docker_archive: PathBuf,
}

fn built(name: &str) -> Built {
    let workshop = Workshop::new();
    let image = workshop.image_of(name, SPEC);
    let docker_archive = workshop.path("second.tar");
    let destination = format!("docker-archive:{}:example.com/{name}:docker", docker_archive.display());
    ok(workshop.bantam().args(["build", &format!("{name}.toml"), "-o", &destination]));
    Built { workshop, image, docker_archive }
}

impl Built {
    fn references(&self) -> [String; 3] {
        [
            format!("oci:{}:test", self.image.layout.display()),
            format!("oci-archive:{}", self.image.archive.display()),
            format!("docker-archive:{}", self.docker_archive.display()),
        ]
    }

    fn digest(&self) -> &str {
        self.image.reference.split_once('@').expect("name@digest").1
    }
}

#[test]
fn one_build_to_three_destinations_is_one_image() {
    if !at_hand(&["skopeo"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.write("bantam.toml", SPEC);
    let printed = ok(workshop.bantam().args(["build"]).args([
        "-o=oci:layout:1",
        "-o=oci-archive:oci.tar:example.com/interop:1",
        "-o=docker-archive:docker.tar:example.com/interop:1",
    ]));
    assert_eq!(printed.lines().count(), 1, "{printed}");
    let config = |reference: &str| {
        ok(limited("skopeo").args(["inspect", "--config", "--raw", reference]).current_dir(workshop.path("")))
    };
    assert_eq!(config("oci:layout:1"), config("oci-archive:oci.tar"));
    assert_eq!(config("oci:layout:1"), config("docker-archive:docker.tar"));
}

#[test]
fn skopeo_inspects_each_form() {
    if !at_hand(&["skopeo"]) {
        return;
    }
    let built = built("inspected");
    for reference in built.references() {
        let text = ok(limited("skopeo").args(["inspect", &reference]));
        let seen: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(seen["Os"], "linux", "{reference}: {text}");
        assert_eq!(seen["Labels"]["org.opencontainers.image.title"], "interop", "{reference}: {text}");
        assert!(seen["Env"].as_array().unwrap().contains(&"GREETING=hello".into()), "{reference}: {text}");
        if reference.starts_with("oci") {
            assert_eq!(seen["Digest"], built.digest(), "{reference}");
        }
    }
}

#[test]
fn skopeo_copies_ours_without_a_change() {
    if !at_hand(&["skopeo"]) {
        return;
    }
    let built = built("copied");
    for (number, reference) in built.references()[..2].iter().enumerate() {
        let copy = format!("oci:{}:test", built.workshop.path(&format!("copy{number}")).display());
        ok(limited("skopeo").args(["copy", "--preserve-digests", reference, &copy]));
        let seen = ok(limited("skopeo").args(["inspect", "--format={{.Digest}}", &copy]));
        assert_eq!(seen, built.digest(), "{reference}");
    }
}

#[test]
fn bantam_reads_what_skopeo_writes() {
    if !at_hand(&["skopeo"]) {
        return;
    }
    let built = built("rewritten");
    for from in built.references() {
        for form in ["oci", "oci-archive", "docker-archive"] {
            let file = built.workshop.path("rewritten");
            let to = format!("{form}:{}:example.com/rewritten:test", file.display());
            ok(limited("skopeo").args(["copy", &from, &to]));
            assert_has(&ok(built.workshop.bantam().args(["inspect", &to])), &["GREETING=hello"]);
            assert_has(&ok(built.workshop.bantam().args(["ls", &to])), &["env", "passwd"]);
            built.workshop.remove("rewritten");
        }
    }
}

#[test]
fn umoci_unpacks_with_owners_and_modes() {
    if !at_hand(&["umoci", "root"]) {
        return;
    }
    let built = built("unpacked");
    let bundle = built.workshop.path("bundle");
    let source = format!("{}:test", built.image.layout.display());
    ok(limited("umoci").args(["unpack", "--image", &source]).arg(&bundle));
    let list = ["etc/passwd", "home/nonroot", "root", "tmp", "usr/bin/env"]
        .map(|path| bundle.join("rootfs").join(path));
    let seen = ok(limited("stat").arg("--format=%a %u:%g %Y").args(list));
    let expected = ["644 0:0", "700 65532:65532", "700 0:0", "1777 0:0", "755 0:0"];
    let expected: Vec<String> = expected.iter().map(|line| format!("{line} 315532800")).collect();
    assert_eq!(seen.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn docker_loads_both_archives() {
    if !at_hand(&["docker"]) {
        return;
    }
    let built = built("docker");
    let id = layout::manifest(&built.image.layout)["config"]["digest"].clone();
    for (archive, name) in [
        (&built.image.archive, "example.com/docker:test"),
        (&built.docker_archive, "example.com/docker:docker"),
    ] {
        assert_eq!(load(docker(), archive), name);
        assert_eq!(ok(docker().args(["image", "inspect", "--format={{.Id}}", name])), id);
    }
    assert_has(&Runtime::Docker.run(&built.workshop, &built.image, &Work::default()), &["GREETING=hello"]);
}

#[test]
fn podman_loads_both_archives() {
    if !at_hand(&["podman", "runc"]) {
        return;
    }
    let built = built("podman");
    for (archive, name) in [
        (&built.image.archive, "example.com/podman:test"),
        (&built.docker_archive, "example.com/podman:docker"),
    ] {
        assert_eq!(load(podman(), archive), name);
    }
    assert_has(&Runtime::Podman.run(&built.workshop, &built.image, &Work::default()), &["GREETING=hello"]);
}

#[test]
fn containerd_imports_both_archives() {
    if !at_hand(&["ctr"]) {
        return;
    }
    let built = built("containerd");
    let socket = std::env::var("BANTAM_TEST_CONTAINERD").unwrap();
    let ctr = || {
        let mut ctr = limited("ctr");
        ctr.args(["--address", &socket, "--namespace", "bantam-interop"]);
        ctr
    };
    for (archive, name) in [
        (&built.image.archive, "example.com/containerd:test"),
        (&built.docker_archive, "example.com/containerd:docker"),
    ] {
        ok(ctr().args(["images", "import"]).arg(archive));
        assert_has(&ok(ctr().args(["images", "check", &format!("name=={name}")])), &[name, "complete"]);
        let id = built.workshop.path("").file_name().unwrap().to_str().unwrap().replace('.', "");
        assert_has(&ctr_prints(&ctr, name, &id), &["GREETING=hello"]);
    }
    assert_has(&ok(ctr().args(["images", "ls"])), &[built.digest()]);
}

#[test]
fn crane_validates_an_archive_and_a_layout() {
    if !at_hand(&["crane"]) {
        return;
    }
    let built = built("crane");
    for archive in [&built.docker_archive, &built.image.archive] {
        ok(limited("crane").args(["validate", "--tarball"]).arg(archive));
    }
    let registry = CraneRegistry::start();
    let reference = format!("{}/crane/layout:test", registry.address);
    ok(limited("crane").args(["push", "--insecure"]).arg(&built.image.layout).arg(&reference));
    ok(limited("crane").args(["validate", "--insecure", "--remote", &reference]));
    assert_eq!(ok(limited("crane").args(["digest", "--insecure", &reference])), built.digest());
}

/// A registry in memory, on a port that was free.
struct CraneRegistry {
    process: Child,
    /// What it says; it ends when nobody listens.
    said: BufReader<ChildStderr>,
    address: String,
}

impl CraneRegistry {
    fn start() -> Self {
        let mut command = limited("crane");
        command.args(["registry", "serve", "--address", "127.0.0.1:0"]).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let (_, port) = line.trim_end().split_once("serving on port ").expect("the registry says its port");
        Self { process, said, address: format!("127.0.0.1:{port}") }
    }
}

impl Drop for CraneRegistry {
    fn drop(&mut self) {
        // `timeout` hands the signal on.
        ok(limited("kill").arg(self.process.id().to_string()));
        self.process.wait().unwrap();
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        println!("the registry said: {rest}");
    }
}
