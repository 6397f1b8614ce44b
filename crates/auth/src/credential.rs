//! Who one is.

use crate::trace::{Looked, Outcome, Place};
use std::fmt;

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
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Who one is there; none: anonymous.
    pub credential: Option<Credential>,
    /// Each place that was looked at, in order, with what was there. No secrets.
    pub trace: Vec<Looked>,
}

impl Credential {
    /// The user, where it is said.
    pub fn user(&self) -> Option<&str> {
        match self {
            Credential::Basic { user, .. } => Some(user),
            Credential::Identity(_) | Credential::Bearer(_) => None,
        }
    }

    /// What must not show.
    pub(crate) fn secret(&self) -> &str {
        match self {
            Credential::Basic { password: secret, .. }
            | Credential::Identity(secret)
            | Credential::Bearer(secret) => secret,
        }
    }

    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Credential::Basic { .. } => "a password",
            Credential::Identity(_) => "an identity token",
            Credential::Bearer(_) => "a registry token",
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(***)")
    }
}

impl Found {
    /// The place that the credential is from.
    pub fn place(&self) -> Option<&Place> {
        self.trace
            .iter()
            .find(|looked| matches!(looked.outcome, Outcome::Has { .. }))
            .map(|looked| &looked.place)
    }

    /// The place that could not be looked at, where nothing else had a credential: that nobody is known is then no answer.
    pub fn problem(&self) -> Option<&Looked> {
        let failed =
            |looked: &&Looked| matches!(looked.outcome, Outcome::Damaged { .. } | Outcome::Failed { .. });
        self.trace.iter().find(failed).filter(|_| self.credential.is_none())
    }
}
