//! What credentials are looked for with.

use crate::credential::Credential;
use crate::environment::Environment;
use std::path::PathBuf;
use std::time::Duration;

/// How long a credential helper may take: some ask the user first.
const PATIENCE: Duration = Duration::from_secs(60);

/// What credentials are looked for with: flags and environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who one is, as flags say.
    pub login: Option<Login>,
    /// A credential file that goes before the others.
    pub authfile: Option<PathBuf>,
    /// The variables of the process.
    pub environment: Environment,
    /// How long a credential helper may take.
    pub patience: Duration,
}

/// Who one is at one registry, as flags say. No other registry hears of it.
#[derive(Debug, Clone)]
pub struct Login {
    /// The registry's host, with its port.
    pub registry: String,
    /// Who one is there.
    pub credential: Credential,
    /// The flag that said so.
    pub flag: &'static str,
}

impl Settings {
    /// Those of this process, without any flags.
    pub fn from_env() -> Self {
        Settings { environment: Environment::of_process(), ..Settings::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings { login: None, authfile: None, environment: Environment::default(), patience: PATIENCE }
    }
}
