//! ko: a program in Go, compiled and put into a layout. It is for static programs only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Peer, first_line, write};
use crate::bench::guarded::{Guarded, free_address};
use crate::bench::measure::{Tool, remove};
use crate::bench::payload::{Kind, Payload};
use crate::bench::size::Written;
use crate::install;
use crate::step::{Outcome, output, root, timed};

/// What a program in Go has beside the data in it.
const RUNTIME_BYTES: usize = 2_240_000;
const PROGRAM: &str = r#"package main

import _ "embed"

//go:embed data
var data string

func main() { println(len(data)) }
"#;

/// It wants a base image from a registry: an empty one, from one of our own, which ends with us.
pub struct Ko(Outcome<Running>);

struct Running {
    ko: PathBuf,
    base: String,
    _registry: Guarded,
}

impl Ko {
    pub fn start() -> Self {
        Self(start())
    }
}

fn start() -> Outcome<Running> {
    let (ko, crane) = (install::go("ko")?, install::go("crane")?);
    let failed = |error: std::io::Error| format!("the registry for ko: {error}");
    let folder = root().join("target/bench/registry");
    remove(&folder)?;
    fs::create_dir_all(folder.join("blobs")).map_err(failed)?;
    let address = free_address()?;
    let mut serve = Command::new(&crane);
    serve.args(["registry", "serve", "--address", &address.to_string(), "--disk"]).arg(folder.join("blobs"));
    let registry = Guarded::start(&serve, address)?;
    let base = format!("{address}/base:1");
    let empty = folder.join("empty.tar");
    output(Command::new("tar").arg("-cf").arg(&empty).args(["-T", "/dev/null"]))?;
    let append = ["append", "--oci-empty-base", "--new_tag", &base, "--new_layer"];
    output(Command::new(&crane).args(append).arg(&empty))?;
    output(Command::new(&crane).args(["mutate", "--set-platform", &platform(), "--tag", &base, &base]))?;
    Ok(Running { ko, base, _registry: registry })
}

/// The machine's, in the words of images.
fn platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("linux/{architecture}")
}

impl Peer for Ko {
    fn name(&self) -> &'static str {
        "ko build, compiled before"
    }

    fn version(&self) -> Outcome<String> {
        let running = self.0.as_ref().map_err(Clone::clone)?;
        Ok(format!("ko {}, {}", first_line(&running.ko, &["version"])?, first_line("go", &["version"])?))
    }

    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>> {
        let Kind::Static(bytes) = payload.kind else { return Ok(vec![]) };
        let running = self.0.as_ref().map_err(Clone::clone)?;
        write(&work.join("go.mod"), "module bench\n\ngo 1.21\n")?;
        write(&work.join("main.go"), PROGRAM)?;
        let program = payload.folder.join("program");
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let data = fs::read(&program).map_err(failed)?;
        let data = data.get(bytes.min(RUNTIME_BYTES)..).unwrap_or_default();
        fs::write(work.join("data"), data).map_err(|error| format!("{}: {error}", work.display()))?;
        let mut command = Command::new(&running.ko);
        command.args(["build", "--push=false", "--oci-layout-path=out", "--sbom=none", "--platform"]);
        command.arg(platform()).arg(".");
        command.env("KO_DOCKER_REPO", "example.com/bench").env("KO_DEFAULTBASEIMAGE", &running.base);
        command.env("GOCACHE", install::kept().join("go-cache")).env("GOFLAGS", "-buildvcs=false");
        timed("go build", || output(command.current_dir(work)))?;
        let tool = Tool::new(self.name(), work, command, Written::Layout("out", false));
        Ok(vec![Tool { remove: &["out"], ..tool }])
    }
}
