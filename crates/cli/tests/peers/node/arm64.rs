//! Images for another processor are installed and proven here, and what they hold runs under an emulator: Express
//! serves, addons are loaded.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{copied, ready, spec};
use crate::workshop::{Workshop, limited, ok};

const EMULATOR: &str = "/usr/bin/qemu-aarch64-static";
const SOURCE: &str = "[runtime]\nsource = \"debian:bookworm\"\n";

#[test]
fn express_serves() {
    let workshop = Workshop::new();
    let Some(root) = root(&workshop, "express") else { return };
    let mut server =
        Ended(emulated(&root, &["app/server.js"]).env("PORT", "0").stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port: u16 = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("200 OK") && answer.contains("hello from node v20."), "{answer}");
}

#[test]
fn addons_are_loaded() {
    let workshop = Workshop::new();
    let Some(root) = root(&workshop, "native") else { return };
    let script = "const r = require('module').createRequire(process.argv[1]); r('@node-rs/argon2'); \
                  console.log(process.arch, r('sharp').versions.vips.length > 0)";
    let file = root.join("app/server.js");
    let said = ok(emulated(&root, &["-e", script]).arg(file).stdin(Stdio::null()));
    assert_eq!(said, "arm64 true");
}

/// Builds an application for arm64, and gives the root of its image; none where that cannot be run.
fn root(workshop: &Workshop, app: &str) -> Option<PathBuf> {
    if !ready(&[EMULATOR, "umoci"]) {
        return None;
    }
    let folder = copied(workshop, app);
    let layout = workshop.path("arm64");
    ok(workshop
        .bantam()
        .args(["build", "--platform", "linux/arm64"])
        .arg(spec(&folder, SOURCE))
        .args(["-o", &format!("oci:{}:test", layout.display())]));
    let bundle = workshop.path("bundle");
    ok(limited("umoci").args(["unpack", "--image"]).arg(format!("{}:test", layout.display())).arg(&bundle));
    let root = bundle.join("rootfs");
    assert!(fs::metadata(root.join("usr/local/bin/node")).unwrap().len() > 1 << 20);
    Some(root)
}

/// The Node.js of a root, under the emulator; files are relative to the root.
fn emulated(root: &Path, arguments: &[&str]) -> Command {
    let mut command = limited(EMULATOR);
    command.arg("-L").arg(root).arg(root.join("usr/local/bin/node")).args(arguments).current_dir(root);
    command
}

/// A process that ends with the value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // `timeout` passes it on.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}
