//! From the flags about registries to what they are reached with.

use crate::args::{Global, RegistryFlags};
use auth::{Credential, Keychain, Login, Settings};
use bantam::Error;
use std::io::{self, Read};
use store::Network;

/// The longest secret that is read from stdin, in bytes.
const MAX_SECRET: u64 = 64 << 10;

impl RegistryFlags {
    /// What registries are reached with. A secret is read from stdin if flags say so; it is for `registry` only, the one
    /// that the command is about. None: it is about none, or about several.
    pub fn network(&self, global: &Global, registry: Option<&str>) -> Result<Network, Error> {
        let login = match (self.names_somebody(), registry) {
            (false, _) => None,
            (true, Some(registry)) => Some(self.login(registry)?),
            (true, None) => {
                let text = "a user, password or token on the command line is for one registry, and this is about none or several";
                return Err(Error::Usage(text.into()));
            }
        };
        let keychain = Keychain::new(Settings { login, ..self.settings() });
        Ok(Network::new(self.client(global), keychain))
    }

    /// What credentials are looked for with, but for who one is.
    pub fn settings(&self) -> Settings {
        let (authfile, insecure) = (self.authfile.clone(), self.insecure.clone());
        Settings { authfile, insecure, ..Settings::from_env() }
    }

    /// What makes requests.
    pub fn client(&self, global: &Global) -> fetch::Client {
        let (offline, ca_files) = (global.offline, self.ca_file.clone());
        fetch::Client::new(fetch::Options { offline, ca_files, ..fetch::Options::default() })
    }

    fn names_somebody(&self) -> bool {
        self.username.is_some() || self.password_stdin || self.registry_token_stdin
    }

    fn login(&self, registry: &str) -> Result<Login, Error> {
        let registry = registry.to_owned();
        if self.registry_token_stdin {
            let credential = Credential::Bearer(secret_of_stdin("token")?);
            return Ok(Login { registry, credential, flag: "--registry-token-stdin" });
        }
        match (&self.username, self.password_stdin) {
            (Some(user), true) => {
                let (user, password) = (user.clone(), secret_of_stdin("password")?);
                Ok(Login { registry, credential: Credential::Basic { user, password }, flag: "--username" })
            }
            (Some(_), false) => Err(Error::Usage("--username goes with --password-stdin".into())),
            (None, _) => Err(Error::Usage("--password-stdin goes with --username".into())),
        }
    }
}

/// Reads a secret from stdin: all of it, less the end of a line.
pub fn secret_of_stdin(what: &str) -> Result<String, Error> {
    let wrong = |reason: &str| Error::Usage(format!("the {what} on stdin {reason}"));
    let mut bytes = vec![];
    let read = io::stdin().lock().take(MAX_SECRET + 1).read_to_end(&mut bytes);
    read.map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_SECRET {
        return Err(wrong(&format!("has more than {MAX_SECRET} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(wrong("is empty")) } else { Ok(text.into()) }
}
