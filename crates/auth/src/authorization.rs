//! What a request carries.

use crate::error::AuthError;
use crate::keychain::{Found, Keychain};
use crate::scope::Scope;
use fetch::Client;
use fetch::http::HeaderValue;

/// Makes what a request carries. Clones of it share their tokens.
#[derive(Clone)]
pub struct Auth {
    #[allow(dead_code)]
    client: Client,
    keychain: Keychain,
}

impl Auth {
    /// One that finds credentials in a keychain, and asks token servers through a client.
    pub fn new(client: Client, keychain: Keychain) -> Self {
        Auth { client, keychain }
    }

    /// What a request to a registry carries, as far as it is known before the registry asks: a token that covers all
    /// scopes, or a password where the registry has asked for one before.
    pub fn known(&self, _registry: &str, _scopes: &[Scope]) -> Option<HeaderValue> {
        None
    }

    /// What a request must carry, now that the registry has answered 401 with these headers `WWW-Authenticate`. A token
    /// that was refused is not given again.
    ///
    /// # Errors
    /// When the registry cannot be answered.
    pub async fn answer(
        &self,
        registry: &str,
        _challenges: &[String],
        _scopes: &[Scope],
    ) -> Result<HeaderValue, AuthError> {
        Err(AuthError::None { registry: registry.into() })
    }

    /// Who one is at a repository, and where that was looked for.
    pub fn who(&self, registry: &str, repository: &str) -> Found {
        self.keychain.find(registry, repository)
    }
}
