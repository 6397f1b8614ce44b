//! gnoci: files and the libraries that they need, into a layout.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Peer, first_line, write};
use crate::bench::measure::Tool;
use crate::bench::payload::{Kind, Payload};
use crate::bench::size::Written;
use crate::install;
use crate::step::Outcome;

pub struct Gnoci(Outcome<PathBuf>);

impl Gnoci {
    pub fn install() -> Self {
        Self(install::cargo("gnoci", "0.1.7"))
    }
}

impl Peer for Gnoci {
    fn name(&self) -> &'static str {
        "gnoci"
    }

    fn version(&self) -> Outcome<String> {
        first_line(self.0.clone()?, &["--version"])
    }

    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>> {
        let (source, target) = match payload.kind {
            Kind::Closure(program) => (program.to_owned(), program),
            Kind::Static(_) => (payload.folder.join("program").display().to_string(), "/app/program"),
            Kind::Tree => (payload.folder.display().to_string(), "/app"),
        };
        let config = format!(
            "cmd = [\"/app/program\"]\n\n[[entries]]\nsource = \"{source}\"\ntarget = \"{target}\"\n"
        );
        write(&work.join("gnoci.toml"), &config)?;
        let mut command = Command::new(self.0.clone()?);
        command.args(["--tag", "1", "out"]);
        let tool = Tool::new(self.name(), work, command, Written::Layout("out", false));
        Ok(vec![Tool { remove: &["out"], ..tool }])
    }
}
