//! From the flags about registries to what they are reached with.

use crate::args::{Global, Who};
use auth::{Credential, Keychain, Login, Settings};
use bantam::Error;
use std::env;
use std::io::{self, Read};
use store::{ImageName, Network};

/// The longest secret that is read from stdin, in bytes.
const MAX_SECRET: u64 = 64 << 10;

/// Mirrors of registries: `docker.io=mirror.example.com`, with commas between.
const MIRRORS: &str = "BANTAM_REGISTRY_MIRRORS";

impl Global {
    /// What registries and other places on the network are reached with, by whoever the keychain knows.
    pub fn network(&self) -> Network {
        Network::new(self.client(), Keychain::new(self.settings())).with_mirrors(mirrors())
    }

    /// The same by whoever flags name. A secret is read from stdin if they say so; it is for `registry` only, the one
    /// that the command is about. None: it is about none, or about several.
    pub fn network_as(&self, who: &Who, registry: Option<&str>) -> Result<Network, Error> {
        let login = match (who.names_somebody(), registry) {
            (false, _) => None,
            (true, Some(registry)) => Some(who.login(registry)?),
            (true, None) => {
                let text = "a user, password or token on the command line is for one registry, and this is about none or several";
                return Err(Error::Usage(text.into()));
            }
        };
        let keychain = Keychain::new(Settings { login, ..self.settings() });
        Ok(Network::new(self.client(), keychain).with_mirrors(mirrors()))
    }

    /// What credentials are looked for with, but for who one is.
    pub fn settings(&self) -> Settings {
        Settings { authfile: self.reach.authfile.clone(), ..Settings::from_env() }
    }

    /// What makes requests.
    pub fn client(&self) -> fetch::Client {
        fetch::Client::new(fetch::Options {
            offline: self.offline,
            ca_files: self.reach.ca_file.clone(),
            insecure: self.reach.insecure.clone(),
            certs_dirs: fetch::Options::certs_dirs_of_user(),
            ..fetch::Options::default()
        })
    }
}

/// Refuses an environment that makes no sense, before anything is done.
pub fn check_environment() -> Result<(), Error> {
    parse_mirrors(&env::var(MIRRORS).unwrap_or_default()).map(drop)
}

/// The mirrors that the environment names; what makes no sense was refused before.
fn mirrors() -> Vec<(String, String)> {
    parse_mirrors(&env::var(MIRRORS).unwrap_or_default()).unwrap_or_default()
}

/// Pairs of a registry, as images name it, and a host that has what it has.
fn parse_mirrors(text: &str) -> Result<Vec<(String, String)>, Error> {
    let wrong =
        |pair: &str| Error::Usage(format!("{MIRRORS}: `{pair}` is not of the form REGISTRY=HOST[:PORT]"));
    let parse = |pair: &str| {
        let (registry, mirror) =
            pair.split_once('=').filter(|(registry, mirror)| is_host(registry) && is_host(mirror))?;
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        Some((registry.to_owned(), mirror.to_owned()))
    };
    let pairs = text.split([',', ' ']).filter(|pair| !pair.is_empty());
    pairs.map(|pair| parse(pair).ok_or_else(|| wrong(pair))).collect()
}

/// Is it a registry's host? Not a name of an image, nor a URL.
pub fn is_host(text: &str) -> bool {
    let name = format!("{text}/x").parse::<ImageName>().ok();
    name.is_some_and(|name| name.registry.as_deref() == Some(text))
}

impl Who {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_pairs_of_hosts() {
        let pair = |registry: &str, mirror: &str| (registry.to_owned(), mirror.to_owned());
        assert_eq!(parse_mirrors("").unwrap(), []);
        assert_eq!(
            parse_mirrors("docker.io=mirror.example.com, index.docker.io=localhost:5000").unwrap(),
            [pair("docker.io", "mirror.example.com"), pair("docker.io", "localhost:5000")]
        );
        for text in ["mirror.example.com", "docker.io=", "docker.io=https://mirror.example.com", "a=b"] {
            let error = parse_mirrors(text).unwrap_err().to_string();
            assert!(error.contains("is not of the form REGISTRY=HOST[:PORT]"), "{text}: {error}");
        }
    }
}
