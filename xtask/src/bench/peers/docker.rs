//! `docker build` with BuildKit, by an engine of our own: the image stays in the engine, not compressed.

use std::path::Path;
use std::process::Command;

use super::{Peer, first_line, write};
use crate::bench::measure::Tool;
use crate::bench::memory::Daemon;
use crate::bench::payload::Payload;
use crate::bench::size::Written;
use crate::daemon::{CLIENT, Peers};
use crate::step::Outcome;

const IMAGE: &str = "bench";
const CLEAN: &str = r#"
docker image rm --force "$0" && docker builder prune --all --force
"#;

pub struct Docker(Outcome<Peers>);

impl Docker {
    /// Starts the engine.
    pub fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("bantam-bench-{}", std::process::id()));
        let start = || {
            let engine = Peers::start(&folder)?;
            engine.await_engine().map(|()| engine)
        };
        Self(start())
    }

    fn client(engine: &Peers, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DOCKER_HOST", engine.docker_host()).env("DOCKER_BUILDKIT", "1");
        command
    }
}

impl Peer for Docker {
    fn name(&self) -> &'static str {
        "docker build"
    }

    fn version(&self) -> Outcome<String> {
        let engine = self.0.as_ref().map_err(Clone::clone)?;
        let ask = ["--host", &engine.docker_host(), "version", "--format", "{{.Server.Version}}"];
        Ok(format!("Docker {} with its BuildKit", first_line(CLIENT, &ask)?))
    }

    fn tools(&self, payload: &Payload, work: &Path) -> Outcome<Vec<Tool>> {
        let engine = self.0.as_ref().map_err(Clone::clone)?;
        write(&work.join("Dockerfile"), "FROM scratch\nCOPY . /app/\n")?;
        let daemon = Daemon(engine.engine()?);
        let build = |what| {
            let mut command = Self::client(engine, CLIENT);
            command.args(["build", "--quiet", "--network", "none", "--file", "Dockerfile", "--tag", IMAGE]);
            command.arg(&payload.folder);
            let written = Written::Engine { host: engine.docker_host(), image: IMAGE };
            let name = format!("{}, {what}", self.name());
            Tool { daemon: Some(daemon), ..Tool::new(name, work, command, written) }
        };
        let mut clean = Self::client(engine, "sh");
        let path = std::env::var("PATH").unwrap_or_default();
        // Debian's client, even where another comes first.
        clean.args(["-c", CLEAN, IMAGE]).env("PATH", format!("/usr/bin:{path}"));
        let mut tools =
            vec![Tool { prepare: Some(clean), ..build("nothing cached") }, build("again, unchanged")];
        if let Some(changed) = &payload.changed {
            tools.push(Tool { change: Some(changed.clone()), ..build("again, one file changed") });
        }
        Ok(tools)
    }
}
