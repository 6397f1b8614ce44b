//! bantam itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Peer, first_line, write};
use crate::bench::measure::Tool;
use crate::bench::payload::{Kind, Payload};
use crate::bench::size::Written;
use crate::step::{Outcome, root};

/// The spec of a tree: the same files as the others get, nothing beside them, and no check that needs a runtime.
const TREE: &str = r#"
name = "example.com/bench"

[runtime]
source = "none"
profile = "none"

[[files]]
from = "PAYLOAD"
to = "/app/"

[policy]
allow = ["unresolved:*", "secrets", "dangling-links", "world-writable", "setuid", "shell"]
"#;

pub struct Bantam;

/// The program as it was built for this.
pub fn program() -> PathBuf {
    root().join("target/release/bantam")
}

impl Bantam {
    /// The spec of a program of the machine, with more tables at its end.
    pub fn spec_of(name: &str, program: &str, more: &str) -> String {
        format!(
            "name = \"example.com/{name}\"\n\n[config]\nentrypoint = [\"{program}\"]\n\n\
             [[files]]\nfrom = \"{program}\"\nto = \"{program}\"\n{more}"
        )
    }

    /// A command whose cache is in `work`.
    pub fn command(work: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).arg("--quiet").env("BANTAM_CACHE_DIR", work.join("cache"));
        command
    }

    /// A row of ours; its failure ends the measuring.
    pub fn tool(what: &str, work: &Path, command: Command, written: Written) -> Tool {
        Tool { ours: true, ..Tool::new(format!("bantam {what}"), work, command, written) }
    }
}

impl Peer for Bantam {
    fn name(&self) -> &'static str {
        "bantam"
    }

    fn version(&self) -> Outcome<String> {
        first_line(program(), &["--version"])
    }

    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>> {
        let spec = match payload.kind {
            Kind::Closure(program) => Self::spec_of("bench", program, ""),
            Kind::Tree | Kind::Static(_) => {
                TREE.replace("PAYLOAD", &format!("{}/", payload.folder.display()))
            }
        };
        write(&work.join("bantam.toml"), &spec)?;
        let build = |what, remove, change| Tool {
            remove,
            change,
            ..Self::tool(
                what,
                work,
                Self::command(work, &["build", "bantam.toml", "-o", "oci:out:1"]),
                Written::Layout("out", false),
            )
        };
        let mut tools = vec![
            build("build, nothing cached", &["out", "cache", "bantam.lock"], None),
            build("build again, unchanged", &["out"], None),
        ];
        if let Some(changed) = &payload.changed {
            tools.push(build("build again, one file changed", &["out"], Some(changed.clone())));
        }
        if let Kind::Closure(_) = payload.kind {
            tools.push(Self::tool(
                "check, warm",
                work,
                Self::command(work, &["check", "bantam.toml"]),
                Written::Nothing,
            ));
        }
        let mut walk = Command::new("find");
        walk.arg(&payload.folder).args(["-printf", "%p %s %T@ %C@\\n"]);
        if payload.kind == Kind::Tree {
            tools.push(Tool::new("only a walk of the tree, `find -printf`", work, walk, Written::Nothing));
        }
        Ok(tools)
    }
}
