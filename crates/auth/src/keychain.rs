//! Where credentials are found.

use std::fmt;

/// Where credentials are looked for.
#[derive(Debug, Clone, Default)]
pub struct Keychain {}

/// Who one is. It never shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user and a password, or what stands for one.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A refresh token, for which the registry's token server gives others.
    Identity(String),
    /// A token as the registry takes it.
    Bearer(String),
}

/// What was found for a repository, and where it was looked for.
#[derive(Debug, Clone)]
pub struct Found {
    /// Who one is there; none: anonymous.
    pub credential: Option<Credential>,
    /// Each place that was looked at, in order, with what was there. No secrets.
    pub trace: Vec<String>,
}

impl Keychain {
    /// What there is for a repository of a registry.
    pub fn find(&self, _registry: &str, _repository: &str) -> Found {
        Found { credential: None, trace: vec![] }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(***)")
    }
}
