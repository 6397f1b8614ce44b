//! `bantam run`: the image under docker or podman, hardened as in production.

use super::{build, cache};
use crate::args::{self, Global};
use bantam::{Error, Target};
use std::{
    io::IsTerminal,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitCode, Stdio},
};
use store::Reference;

/// What production should have too: nothing to write but /tmp, no capabilities, no new ones. Programs may be started from
/// /tmp, as in an `emptyDir`: what unpacks its libraries there would not start otherwise.
const HARDENED: &[&str] = &[
    "--rm",
    "--interactive",
    "--read-only",
    "--tmpfs=/tmp:rw,exec,mode=1777",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
];

pub fn run(args: &args::Run, global: &Global) -> Result<ExitCode, Error> {
    let engine = engine()?;
    let target = Target::read(args.target.as_deref())?;
    let folder = cache().join("tmp");
    let write = |source| Error::Write { path: folder.clone(), source };
    std::fs::create_dir_all(&folder).map_err(write)?;
    let temporary = tempfile::Builder::new().prefix("run-").tempdir_in(&folder).map_err(write)?;
    let archive = temporary.path().join("image.tar");
    let destination: Reference = format!("docker-archive:{}", archive.display()).parse()?;
    // Of several platforms the engine takes one: its own machine's is the likeliest.
    let own = bantam::host_platform().filter(|host| target.spec.platforms.contains(host));
    let mut request = build::request(vec![target], vec![destination.into()], global)?;
    if request.platforms.is_empty() {
        request.platforms.extend(own);
    }
    // The archive is gone when the image runs: there is nothing to copy.
    let built = build::build(&request, global, &|_| String::new())?;
    let name = built.first().and_then(|built| built.names.first()).cloned().unwrap_or_default();
    load(engine, &archive)?;
    drop(temporary);

    let mut command = Command::new(engine);
    command.arg("run").args(HARDENED);
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        command.arg("--tty");
    }
    let status =
        command.arg(name).args(&args.args).status().map_err(|error| failed(engine, "run", &error))?;
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// The first engine that answers.
fn engine() -> Result<&'static str, Error> {
    let mut tried = vec![];
    for engine in ["docker", "podman"] {
        // A docker client without an engine behind it answers this with an error.
        let mut version = Command::new(engine);
        version.arg("version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        match version.output() {
            Ok(output) if output.status.success() => return Ok(engine),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                tried.push(format!("{engine}: {text}"));
            }
            Err(error) => tried.push(format!("{engine}: {error}")),
        }
    }
    Err(Error::NoEngine { tried: tried.join("; ") })
}

fn load(engine: &str, archive: &Path) -> Result<(), Error> {
    let output = Command::new(engine).arg("load").arg("--input").arg(archive).stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(engine, "load", &error))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Engine { command: format!("{engine} load"), said: text })
}

fn failed(engine: &str, what: &str, error: &std::io::Error) -> Error {
    Error::Engine { command: format!("{engine} {what}"), said: error.to_string() }
}
