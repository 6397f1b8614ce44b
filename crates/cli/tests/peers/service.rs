//! A server in a container without a network: it is asked from within its own.

use crate::runtime::docker;
use crate::workshop::{limited, ok};
use std::process::Command;

/// A server; it goes with the value.
pub struct Service {
    container: String,
    process: String,
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
        Service { container, process }
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
        let output = docker().args(["logs", &self.container]).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    fn curl(&self) -> Command {
        let mut command = limited("nsenter");
        command.args(["--target", &self.process, "--net", "curl", "--silent", "--show-error"]);
        command.args(["--retry", "60", "--retry-delay", "1", "--retry-connrefused"]);
        command
    }

    fn ask(&self, command: &mut Command, path: &str) -> String {
        let output = command.arg(format!("http://127.0.0.1:8000{path}")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{path}: {said}\n{}", self.log());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = docker().args(["rm", "--force", &self.container]).output();
    }
}
