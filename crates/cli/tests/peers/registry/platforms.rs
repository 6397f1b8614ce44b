//! Images of several platforms: each engine takes its own, and parts that were pushed alone are joined.

use serde_json::Value;

use super::clients::{assert_whole, bantam, crane, digest};
use super::server::Software;
use crate::layout;
use crate::runtime::{docker, podman};
use crate::workshop::{Workshop, assert_has, at_hand, limited, ok, repository};

const PEERS: &[&str] = &["docker-registry", "crane", "gcc", "aarch64-linux-gnu-gcc"];
const EMULATOR: &str = "/usr/bin/qemu-aarch64-static";
/// Architectures, as images call them, with the compilers and what the program says there.
const MACHINES: [(&str, &str, &str); 2] =
    [("amd64", "gcc", "hello from x86_64"), ("arm64", "aarch64-linux-gnu-gcc", "hello from aarch64")];

const SPEC: &str = r#"
name = "example.com/platforms"
platforms = ["linux/amd64", "linux/arm64"]

[config]
entrypoint = ["/app/hello"]

[runtime]
source = "none"
profile = "none"

[[files]]
from = "programs/${arch}/hello"
to = "/app/hello"
"#;

/// A folder with the spec, and a static program for each platform.
fn workshop() -> Workshop {
    let workshop = Workshop::new();
    workshop.write("bantam.toml", SPEC);
    let source = repository().join("testdata/programs/hello.c");
    for (architecture, compiler, _) in MACHINES {
        let to = workshop.write(&format!("programs/{architecture}/hello"), "");
        ok(limited(compiler).args(["-O2", "-w", "-static"]).arg(&source).arg("-o").arg(to));
    }
    workshop
}

/// Pulls the image of each platform into the engine, and runs it.
fn docker_runs_each(name: &str) {
    let run = ["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL"];
    for (architecture, _, says) in MACHINES {
        ok(docker().args(["pull", "--platform", &format!("linux/{architecture}"), name]));
        let seen = ok(docker().args(["image", "inspect", "--format={{.Architecture}}", name]));
        assert_eq!(seen, architecture);
        let mut docker = docker();
        docker.args(run);
        match architecture {
            "amd64" => docker.arg(name),
            _ => docker.arg(format!("--volume={EMULATOR}:/emulator:ro")).args([
                "--env=QEMU_CPU=cortex-a57",
                "--entrypoint",
                "/emulator",
                name,
                "/app/hello",
            ]),
        };
        assert_has(&ok(&mut docker), &[says]);
    }
}

#[test]
fn each_engine_takes_its_platform() {
    if !at_hand(&[PEERS, &["docker", EMULATOR]].concat()) {
        return;
    }
    let (workshop, registry) = (workshop(), Software::DockerRegistry.start());
    let name = registry.name("acme/platforms:1");
    let remote = format!("docker://{name}");
    let printed = ok(bantam(&workshop).args(["build", "-o", &remote, "-o", "oci:built:1"]));
    assert_whole(&name, digest(&printed));
    for (architecture, ..) in MACHINES {
        let platform = format!("linux/{architecture}");
        let expected = layout::config_for(&workshop.path("built"), &platform);
        let config = ok(&mut crane(&["config", "--platform", &platform, &name]));
        assert_eq!(serde_json::from_str::<Value>(&config).unwrap(), expected);
        let target = format!("oci:pulled-{architecture}:1");
        ok(bantam(&workshop).args(["pull", &name, &target, "--platform", &platform]));
        assert_eq!(layout::config(&workshop.path(&format!("pulled-{architecture}"))), expected);
    }
    docker_runs_each(&name);
}

#[test]
fn podman_takes_its_platform() {
    if !at_hand(&[PEERS, &["podman", "runc"]].concat()) {
        return;
    }
    let (workshop, registry) = (workshop(), Software::DockerRegistry.start());
    let name = registry.name("acme/podman-platforms:1");
    ok(bantam(&workshop).args(["build", "-o", &format!("docker://{name}")]));
    for (architecture, ..) in MACHINES {
        ok(podman().args(["pull", "--tls-verify=false", "--arch", architecture, &name]));
        let seen = ok(podman().args(["image", "inspect", "--format={{.Architecture}}", &name]));
        assert_eq!(seen, architecture);
        ok(podman().args(["image", "rm", "--force", &name]));
    }
}

/// As a job for each platform does it, and one at the end.
#[test]
fn parts_pushed_by_digest_are_joined() {
    if !at_hand(&[PEERS, &["docker", EMULATOR]].concat()) {
        return;
    }
    let (workshop, registry) = (workshop(), Software::DockerRegistry.start());
    let repository = registry.name("acme/joined");
    let parts = MACHINES.map(|(architecture, ..)| {
        let place = format!("oci:part-{architecture}:1");
        let platform = format!("linux/{architecture}");
        ok(bantam(&workshop).args(["build", "--platform", &platform, "-o", &place]));
        let printed = ok(bantam(&workshop).args(["push", "--by-digest", &place, &repository]));
        format!("{repository}@{}", digest(&printed))
    });
    let tags = crane(&["ls", &repository]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&tags.stdout), "", "nothing has a tag yet");

    let name = format!("{repository}:1");
    let create = ["index", "create", "-o", &format!("docker://{name}"), &parts[0], &parts[1]];
    let printed = ok(bantam(&workshop).args(create));
    assert_whole(&name, digest(&printed));
    let index: Value = serde_json::from_str(&ok(&mut crane(&["manifest", &name]))).unwrap();
    for (child, ((architecture, ..), part)) in
        index["manifests"].as_array().unwrap().iter().zip(MACHINES.iter().zip(&parts))
    {
        assert_eq!(child["platform"]["architecture"], *architecture, "{index}");
        assert!(part.ends_with(child["digest"].as_str().unwrap()), "{index}");
    }
    docker_runs_each(&name);
}
