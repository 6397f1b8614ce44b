//! A server without a network: it is asked from within its own.

use crate::runtime::docker;
use crate::workshop::{limited, ok};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};

/// A server; it goes with the value.
pub struct Service {
    host: Host,
    /// A process in the network of the server.
    process: String,
    port: u16,
}

/// What runs a server.
enum Host {
    Container(String),
    /// A process, and where it writes what it says.
    Process(Child, PathBuf),
}

impl Service {
    /// Starts an image with options of `docker run`.
    pub fn start(image: &str, options: &[&str]) -> Self {
        Self::start_as(image, options, &[])
    }

    /// As [`Service::start`], with arguments.
    pub fn start_as(image: &str, options: &[&str], arguments: &[&str]) -> Self {
        let mut command = docker();
        command.args(["run", "--detach", "--network=none", "--read-only", "--cap-drop=ALL"]);
        command.args(["--security-opt=no-new-privileges", "--tmpfs=/tmp:rw,mode=1777"]).args(options);
        let container = ok(command.arg(image).args(arguments));
        let process = ok(docker().args(["inspect", "--format", "{{.State.Pid}}", &container]));
        Service { host: Host::Container(container), process, port: 8000 }
    }

    /// A process that serves in a network of its own.
    pub fn of(child: Child, log: PathBuf, port: u16) -> Self {
        let process = child.id().to_string();
        Service { host: Host::Process(child, log), process, port }
    }

    pub fn get(&self, path: &str) -> String {
        self.ask(self.curl().arg("--fail"), path)
    }

    pub fn status(&self, path: &str) -> String {
        // A server that fails is asked again otherwise.
        self.ask(
            self.curl().args(["--retry", "0", "--output", "/dev/null", "--write-out", "%{http_code}"]),
            path,
        )
    }

    pub fn post(&self, path: &str, kind: &str, body: &str) -> String {
        self.ask(self.curl().args(["--header", &format!("Content-Type: {kind}"), "--data", body]), path)
    }

    pub fn upload(&self, path: &str, text: &str) -> String {
        let form = format!("file={text};filename=text.txt");
        self.ask(self.curl().args(["--form", &form]), path)
    }

    /// All that it said so far.
    pub fn log(&self) -> String {
        match &self.host {
            Host::Container(container) => {
                let output = docker().args(["logs", container]).output().unwrap();
                let said = [output.stdout, output.stderr].concat();
                String::from_utf8_lossy(&said).into_owned()
            }
            Host::Process(_, log) => fs::read_to_string(log).unwrap(),
        }
    }

    fn curl(&self) -> Command {
        let mut command = limited("nsenter");
        command.args(["--target", &self.process, "--net", "curl", "--silent", "--show-error"]);
        command.args(["--retry", "150", "--retry-delay", "1", "--retry-connrefused"]);
        command
    }

    fn ask(&self, command: &mut Command, path: &str) -> String {
        let output = command.arg(format!("http://127.0.0.1:{}{path}", self.port)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{path}: {said}\n{}", self.log());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        match &mut self.host {
            Host::Container(container) => {
                let _ = docker().args(["rm", "--force", container]).output();
            }
            Host::Process(child, _) => {
                // `timeout` passes it on.
                let _ = Command::new("kill").arg(child.id().to_string()).status();
                let _ = child.wait();
            }
        }
    }
}
