//! Containers as production runs them: uid 65532, no network, a read-only root, no capabilities, a time limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::workshop::{Image, Workshop, compiled, limited, ok, peers_folder};

#[derive(Clone, Copy, Debug)]
pub enum Runtime {
    Docker,
    Podman,
    Crun,
}

/// What to run in an image: its entrypoint with these arguments, or, if there are any, these steps in its stead
/// (see `testdata/programs/steps.c`). `/tmp` is writable, and so are the volumes; all are empty.
#[derive(Default)]
pub struct Work<'a> {
    pub arguments: &'a [&'a str],
    pub steps: &'a [&'a [&'a str]],
    pub volumes: &'a [&'a str],
}

/// A part of this machine that the container sees.
struct Mount {
    from: PathBuf,
    to: String,
    access: &'static str,
}

impl Work<'_> {
    fn steps_argument(&self) -> Vec<&str> {
        self.steps.join(&";")
    }

    fn mounts(&self, workshop: &Workshop) -> Vec<Mount> {
        let volume = |to: &&str| Mount { from: workshop.open_folder(to), to: to.to_string(), access: "rw" };
        let mut mounts: Vec<Mount> = self.volumes.iter().map(volume).collect();
        if !self.steps.is_empty() {
            mounts.push(Mount { from: compiled("steps"), to: "/steps".into(), access: "ro" });
        }
        mounts
    }
}

impl Runtime {
    /// The programs that it takes to run an image.
    pub fn peers(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &["docker"],
            Self::Podman => &["podman", "runc"],
            Self::Crun => &["crun", "umoci"],
        }
    }

    /// Brings the image to the runtime and gives what the work prints; it must end well.
    pub fn run(self, workshop: &Workshop, image: &Image, work: &Work) -> String {
        ok(&mut self.command(workshop, image, work))
    }

    /// Brings the image to the runtime; the command that does the work.
    pub fn command(self, workshop: &Workshop, image: &Image, work: &Work) -> Command {
        let mut mounts = work.mounts(workshop);
        match self {
            Self::Docker => engine_run(docker(), &load(docker(), &image.archive), &[], work, &mounts),
            Self::Podman => {
                // Its default limits are refused where the machine's own are lower.
                let limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
                engine_run(podman(), &load(podman(), &image.archive), &limits, work, &mounts)
            }
            Self::Crun => {
                // The engines give every container this file.
                let hosts = workshop.write("hosts", "127.0.0.1 localhost\n::1 localhost\n");
                mounts.push(Mount { from: hosts, to: "/etc/hosts".into(), access: "ro" });
                crun_run(&workshop.path("bundle"), image, work, &mounts)
            }
        }
    }
}

/// The client of the engine that `cargo xtask test` started.
pub fn docker() -> Command {
    limited("docker")
}

/// podman with all of its state among the peers.
pub fn podman() -> Command {
    let state = peers_folder().unwrap().join("podman");
    let mut command = limited("podman");
    for (option, folder) in [("--root", "root"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
        command.arg(option).arg(state.join(folder));
    }
    command.args(["--storage-driver", "vfs", "--runtime", "runc"]);
    command.args(["--cgroup-manager", "cgroupfs", "--events-backend", "file"]);
    command
}

/// Loads an archive and gives the name under which the engine has it.
pub fn load(mut engine: Command, archive: &Path) -> String {
    let said = ok(engine.args(["load", "--input"]).arg(archive));
    let name = said.lines().find_map(|line| line.split_once("Loaded image: "));
    name.unwrap_or_else(|| panic!("no name in: {said}")).1.to_owned()
}

fn engine_run(mut engine: Command, image: &str, options: &[&str], work: &Work, mounts: &[Mount]) -> Command {
    engine.args(["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL"]).args(options);
    engine.args(["--security-opt=no-new-privileges", "--tmpfs=/tmp:rw,mode=1777"]);
    for mount in mounts {
        engine.arg("--volume").arg(format!("{}:{}:{}", mount.from.display(), mount.to, mount.access));
    }
    if work.steps.is_empty() {
        engine.arg(image).args(work.arguments);
    } else {
        engine.args(["--entrypoint", "/steps", image]).args(work.steps_argument());
    }
    engine
}

fn crun_run(bundle: &Path, image: &Image, work: &Work, mounts: &[Mount]) -> Command {
    ok(limited("umoci")
        .arg("unpack")
        .arg("--image")
        .arg(format!("{}:test", image.layout.display()))
        .arg(bundle));
    let file = bundle.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    harden(&mut config, work, mounts);
    fs::write(&file, config.to_string()).unwrap();
    let state = peers_folder().unwrap().join("crun");
    let id = format!("bantam-{}", bundle.display().to_string().replace(|c: char| !c.is_alphanumeric(), "-"));
    // crun refuses the mixture of the two kinds of control groups; in a mount namespace of its own the newer goes.
    let script = r#"umount /sys/fs/cgroup/unified 2>/dev/null; exec crun --root "$1" run --bundle "$2" "$3""#;
    let mut command = limited("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(state).arg(bundle).arg(id);
    command
}

/// What umoci's bundle lacks of production: no capability, a read-only root, no terminal; and the work's mounts.
fn harden(config: &mut Value, work: &Work, mounts: &[Mount]) {
    config["root"]["readonly"] = true.into();
    config["process"]["terminal"] = false.into();
    config["process"]["noNewPrivileges"] = true.into();
    for set in config["process"]["capabilities"].as_object_mut().unwrap().values_mut() {
        *set = json!([]);
    }
    let all = config["mounts"].as_array_mut().unwrap();
    let options = json!(["nosuid", "nodev", "mode=1777"]);
    all.push(json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": options}));
    for Mount { from, to, access } in mounts {
        let options = json!(["bind", access]);
        all.push(json!({"destination": to, "type": "bind", "source": from, "options": options}));
    }
    if work.steps.is_empty() {
        let arguments = config["process"]["args"].as_array_mut().unwrap();
        arguments.extend(work.arguments.iter().map(|argument| Value::from(*argument)));
    } else {
        config["process"]["args"] = std::iter::once("/steps").chain(work.steps_argument()).collect();
    }
}
