//! The folder in which the peers of the tests keep everything, and a Docker engine of the tests' own in it.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::step::{Outcome, succeeds};

/// Runs the engine until standard input ends, then ends it and removes the folder. Our end of the pipe closes
/// when we do, however we end: nothing outlives a failure, an interrupt or a kill. The engine leaves a namespace mounted.
const GUARD: &str = r#"
dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" --host "unix://$1/docker.sock" \
    --bridge none --iptables=false --ip6tables=false </dev/null &
engine=$!
cat
kill "$engine"
wait "$engine"
umount "$1"/exec/netns/* 2>/dev/null
rm -rf "$1"
"#;

/// Debian's client; a client of another kind may come first on the search path.
pub const CLIENT: &str = "/usr/bin/docker";

/// The folder and what runs in it; dropping it ends and removes both.
pub struct Peers {
    guard: Child,
    folder: PathBuf,
}

impl Peers {
    /// Makes the folder, which must not exist, and starts the engine.
    pub fn start(folder: &Path) -> Outcome<Self> {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        std::fs::create_dir(folder).map_err(failed)?;
        let log = File::create(folder.join("log")).map_err(failed)?;
        let guard = Command::new("sh")
            .args(["-c", GUARD, "docker-engine"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            // An interrupt from the terminal is for us alone; the engine ends with our end of the pipe.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("sh: {error}"))?;
        Ok(Self { guard, folder: folder.to_path_buf() })
    }

    /// Waits until the engine answers.
    pub fn await_engine(&self) -> Outcome {
        for _ in 0..300 {
            if succeeds(Command::new(CLIENT).args(["--host", &self.docker_host(), "version"])) {
                return Ok(());
            }
            if ["not found", "failed to start daemon"].iter().any(|end| self.log().contains(end)) {
                break;
            }
            sleep(Duration::from_millis(200));
        }
        Err(format!("the Docker engine does not answer:\n{}", self.log()))
    }

    /// Where the peers keep their state.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The engine's address, as the variable `DOCKER_HOST` has it.
    pub fn docker_host(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.display())
    }

    /// The socket of the engine's own containerd.
    pub fn containerd(&self) -> PathBuf {
        self.folder.join("exec/containerd/containerd.sock")
    }

    /// The engine's process.
    pub fn engine(&self) -> Outcome<u32> {
        let file = self.folder.join("pid");
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        text.trim().parse().map_err(|error| format!("{}: {text:?}: {error}", file.display()))
    }

    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        if let Err(error) = self.guard.wait() {
            eprintln!("the peers in {}: {error}", self.folder.display());
        }
    }
}
