//! A container that serves, without a network: requests are made within it, by its own Node.js.

use std::path::Path;

use crate::{
    runtime::{docker, load},
    workshop::ok,
};

/// Asks until somebody listens, and prints status and body.
const ASK: &str = r#"
const [method, url, body] = process.argv.slice(1);
(async () => {
  for (let tries = 0; ; tries++) {
    try {
      const headers = body ? { "content-type": "application/json" } : {};
      const answer = await fetch(url, { method, body: body || undefined, headers });
      console.log(answer.status, await answer.text());
      return;
    } catch (error) {
      if (tries > 300) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
})();
"#;

/// A container that serves; it goes with the value.
pub struct Server(String);

impl Server {
    /// Starts an archive's image as production would: as nobody, with a read-only root, no network, no capability.
    pub fn start(archive: &Path) -> Self {
        let image = load(docker(), archive);
        let id = ok(docker()
            .args(["run", "--detach", "--network=none", "--read-only", "--cap-drop=ALL"])
            .args(["--security-opt=no-new-privileges", "--tmpfs=/tmp:rw,mode=1777"])
            .arg(image));
        Server(id)
    }

    /// Status and body.
    pub fn get(&self, path: &str) -> String {
        self.ask("GET", path, "")
    }

    /// Status and body of what JSON is sent to.
    pub fn post(&self, path: &str, json: &str) -> String {
        self.ask("POST", path, json)
    }

    /// What is written in the container by a script of Node.js.
    pub fn eval(&self, script: &str) -> String {
        ok(docker().args(["exec", &self.0, "node", "-p", script]))
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let url = format!("http://127.0.0.1:8080{path}");
        ok(docker().args(["exec", &self.0, "node", "-e", ASK, method, &url, body]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = docker().args(["logs", &self.0]).output().unwrap();
            println!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        }
        let _ = docker().args(["rm", "--force", &self.0]).output();
    }
}
