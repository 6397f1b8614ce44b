//! The builders that are measured, each in a file of its own.

mod bantam;
mod buildah;
mod crane;
mod docker;
mod gnoci;
mod jib;
mod ko;
mod pipe;
mod umoci;

use std::path::Path;

use super::measure::Tool;
use super::payload::Payload;
use crate::install;
use crate::step::Outcome;

pub use bantam::{Bantam, program};
pub use umoci::Umoci;

/// A builder.
pub trait Peer {
    /// What it is called where it is missing.
    fn name(&self) -> &'static str;

    /// Which version is here, or why there is none.
    fn version(&self) -> Outcome<String>;

    /// The commands to measure, in an empty folder of its own; none for a payload that it is not made for.
    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>>;
}

/// Installs what is missing and can be had, starts what must run, and lists all of them. They end when dropped.
pub fn all() -> Vec<Box<dyn Peer>> {
    install::debian(&[
        ("/usr/bin/buildah", "buildah"),
        ("/usr/bin/javac", "default-jdk-headless"),
        ("/usr/bin/mvn", "maven"),
        ("/usr/bin/pigz", "pigz"),
        ("/usr/bin/time", "time"),
        ("/usr/bin/umoci", "umoci"),
        ("/usr/sbin/dockerd", "docker.io"),
    ]);
    vec![
        Box::new(Bantam),
        Box::new(Umoci),
        Box::new(buildah::Buildah),
        Box::new(docker::Docker::start()),
        Box::new(crane::Crane::install()),
        Box::new(ko::Ko::start()),
        Box::new(gnoci::Gnoci::install()),
        Box::new(jib::Jib::install()),
        Box::new(pipe::Pipe),
    ]
}

/// The first line that a command prints.
pub fn first_line(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Outcome<String> {
    let text = crate::step::output(std::process::Command::new(program).args(arguments))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

fn write(file: &Path, text: &str) -> Outcome {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, text))
        .map_err(|error| format!("{}: {error}", file.display()))
}
