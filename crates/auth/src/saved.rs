//! Logins that are kept: the credential file that docker uses, and the helper that it names.

use crate::credential::Credential;
use crate::error::AuthError;
use crate::file::{self, ConfigFile, Mistake};
use crate::helper::{Helper, TOKEN_USER, Trouble};
use crate::registry::{Wanted, normal};
use crate::settings::Settings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value, json};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A credential file that logins are written to.
#[derive(Debug)]
pub struct CredentialFile<'a> {
    path: PathBuf,
    settings: &'a Settings,
}

/// Where a login is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In a file, where everybody who reads it can read the password.
    File(PathBuf),
    /// By a credential helper.
    Helper {
        /// The program.
        program: String,
        /// The file that names it.
        file: PathBuf,
    },
}

impl<'a> CredentialFile<'a> {
    /// The one that logins go to: that of `--authfile`, `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG`, or docker's own.
    ///
    /// # Errors
    /// When none is named, and there is no home.
    pub fn of(settings: &'a Settings) -> Result<Self, AuthError> {
        let environment = &settings.environment;
        let of_docker = || {
            let dir =
                environment.path("DOCKER_CONFIG").or_else(|| Some(environment.home()?.join(".docker")))?;
            Some(if dir.is_file() { dir } else { dir.join("config.json") })
        };
        let named = settings.authfile.clone().or_else(|| environment.path("REGISTRY_AUTH_FILE"));
        let path = named.or_else(of_docker).ok_or(AuthError::NoFile)?;
        Ok(CredentialFile { path, settings })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a credential for a registry: with the helper that the file names, else in the file. A token as the registry takes
    /// it is always in the file: helpers cannot tell it from one for the token server.
    ///
    /// # Errors
    /// When the file is damaged or cannot be written, or the helper fails.
    pub fn save(&self, registry: &str, credential: &Credential) -> Result<Kept, AuthError> {
        let (mut document, config) = self.read()?;
        let wanted = Wanted::new(registry, "");
        if let Some(name) = config.helper_of(&wanted).or_else(|| config.store()) {
            let kept = match credential {
                Credential::Basic { user, password } => Some((&**user, password)),
                Credential::Identity(token) => Some((TOKEN_USER, token)),
                Credential::Bearer(_) => None,
            };
            if let Some((user, secret)) = kept {
                self.ask(name, "keep", |helper| helper.store(wanted.server(), user, secret))?;
                // As docker notes it.
                self.set(&mut document, &wanted, Some(json!({})))?;
                let program = format!("docker-credential-{name}");
                return Ok(Kept::Helper { program, file: self.path.clone() });
            }
            // What the helper has would go first.
            self.ask(name, "forget", |helper| helper.erase(wanted.server()))?;
        }
        let entry = match credential {
            Credential::Basic { user, password } => {
                json!({ "auth": STANDARD.encode(format!("{user}:{password}")) })
            }
            Credential::Identity(token) => json!({ "identitytoken": token }),
            Credential::Bearer(token) => json!({ "registrytoken": token }),
        };
        self.set(&mut document, &wanted, Some(entry))?;
        Ok(Kept::File(self.path.clone()))
    }

    /// Forgets what it has for a registry. Was there something?
    ///
    /// # Errors
    /// As those of [`save`](Self::save).
    pub fn forget(&self, registry: &str) -> Result<bool, AuthError> {
        let (mut document, config) = self.read()?;
        let wanted = Wanted::new(registry, "");
        let mut was = false;
        if let Some(name) = config.helper_of(&wanted).or_else(|| config.store()) {
            was = self.ask(name, "forget", |helper| helper.erase(wanted.server()))?;
        }
        if config.key_of(&wanted).is_some() {
            self.set(&mut document, &wanted, None)?;
            was = true;
        }
        Ok(was)
    }

    fn read(&self) -> Result<(Map<String, Value>, ConfigFile), AuthError> {
        let text = file::read(&self.path);
        let text = text.map_err(|source| AuthError::Read { path: self.path.clone(), source })?;
        let text = text.unwrap_or_default();
        let damaged = |Mistake { line, column }| AuthError::Damaged { path: self.path.clone(), line, column };
        let config = ConfigFile::parse(&text).map_err(damaged)?;
        if text.trim_ascii().is_empty() {
            return Ok((Map::new(), config));
        }
        let document = serde_json::from_slice(&text).map_err(|error| damaged(Mistake::of(&error)))?;
        Ok((document, config))
    }

    /// Writes the file anew, with another entry for a registry. All else in it stays.
    fn set(
        &self,
        document: &mut Map<String, Value>,
        wanted: &Wanted,
        entry: Option<Value>,
    ) -> Result<(), AuthError> {
        let auths = document.entry("auths").or_insert_with(|| json!({}));
        if auths.is_null() {
            *auths = json!({});
        }
        if let Some(auths) = auths.as_object_mut() {
            auths.retain(|key, _| normal(key) != wanted.host);
            auths.extend(entry.map(|entry| (wanted.server().to_owned(), entry)));
        }
        self.write(document).map_err(|source| AuthError::Write { path: self.path.clone(), source })
    }

    fn write(&self, document: &Map<String, Value>) -> io::Result<()> {
        let mut text = vec![];
        document
            .serialize(&mut Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"\t")))?;
        text.push(b'\n');
        // Those who keep their settings elsewhere have a link here, which stays.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        // Only its owner reads such a file.
        let mut file = tempfile::Builder::new().prefix(".bantam-").tempfile_in(dir)?;
        file.write_all(&text)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }

    fn ask<T>(
        &self,
        name: &str,
        action: &'static str,
        work: impl FnOnce(Helper<'_>) -> Result<T, Trouble>,
    ) -> Result<T, AuthError> {
        let Settings { environment, patience, .. } = self.settings;
        Helper::new(name, environment, *patience).and_then(work).map_err(|trouble| {
            let (program, reason) = (format!("docker-credential-{name}"), trouble.to_string());
            AuthError::Helper { program, action, reason }
        })
    }
}

#[cfg(test)]
mod tests;
