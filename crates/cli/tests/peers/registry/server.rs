//! Registries that people run, each an empty one of the test's own.

use std::process::Command;

use serde_json::{Value, json};

use super::certificates::Authority;
use super::process::Process;
use super::token::{PASSWORD, TokenServer, USER};
use crate::workshop::{Workshop, find, limited, ok};

/// What there is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// Version 2 of distribution, as Debian has it.
    DockerRegistry,
    /// Version 3 of it.
    Distribution,
    /// The one in crane, in memory.
    Crane,
    /// The same with the referrers API.
    Referrers,
}

pub const ALL: [Software; 4] =
    [Software::DockerRegistry, Software::Distribution, Software::Crane, Software::Referrers];

/// Who is let in.
#[derive(Clone, Copy)]
pub enum Access<'a> {
    Everybody,
    /// [`USER`] with [`PASSWORD`].
    Password,
    /// Who has a token.
    Token(&'a TokenServer),
}

/// A running registry; dropping it ends it, and what it holds is gone.
pub struct Registry {
    /// `127.0.0.1:PORT`.
    pub address: String,
    _process: Process,
    _workshop: Workshop,
}

impl Software {
    pub fn program(self) -> &'static str {
        match self {
            Self::DockerRegistry => "docker-registry",
            Self::Distribution => "distribution",
            Self::Crane => "crane",
            Self::Referrers => "referrers",
        }
    }

    /// Starts it, open to everybody.
    pub fn start(self) -> Registry {
        match self {
            Self::DockerRegistry | Self::Distribution => self.start_with(Access::Everybody, None),
            Self::Crane => {
                let mut serve = program(self);
                serve.args(["registry", "serve", "--address", "127.0.0.1:0"]);
                Registry::start(serve, "serving on port ", Workshop::new())
            }
            Self::Referrers => Registry::start(program(self), "listening on ", Workshop::new()),
        }
    }

    /// Starts a kind of distribution, with TLS if an authority is given.
    pub fn start_with(self, access: Access<'_>, authority: Option<&Authority>) -> Registry {
        let workshop = Workshop::new();
        let mut configuration = json!({
            "version": "0.1",
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": workshop.path("storage")}},
            "http": {"addr": "127.0.0.1:0"},
        });
        if let Some(authority) = authority {
            let issued = authority.issue("registry");
            configuration["http"]["tls"] = json!({"certificate": issued.certificate, "key": issued.key});
        }
        match access {
            Access::Everybody => {}
            Access::Password => configuration["auth"] = passwords(&workshop),
            Access::Token(server) => configuration["auth"] = server.configuration(),
        }
        // All JSON is YAML.
        let file = workshop.write("config.yml", configuration.to_string());
        let mut serve = program(self);
        serve.arg("serve").arg(file).env("OTEL_TRACES_EXPORTER", "none");
        Registry::start(serve, "listening on ", workshop)
    }
}

impl Registry {
    fn start(server: Command, says_address_after: &str, workshop: Workshop) -> Self {
        let process = Process::start(&server, &workshop.path("log"));
        let said = process.word_after(says_address_after);
        let address = if said.contains(':') { said } else { format!("127.0.0.1:{said}") };
        Self { address, _process: process, _workshop: workshop }
    }

    /// The name of an image here.
    pub fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.address)
    }
}

fn program(software: Software) -> Command {
    Command::new(find(software.program()).unwrap())
}

fn passwords(workshop: &Workshop) -> Value {
    let line = ok(limited("htpasswd").args(["-Bbn", USER, PASSWORD]));
    json!({"htpasswd": {"realm": "tests", "path": workshop.write("htpasswd", line)}})
}
