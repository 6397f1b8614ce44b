//! What places on the network are reached with.

use crate::registry::Known;
use auth::{Auth, Keychain};
use fetch::Client;
use std::fmt;
use std::sync::Arc;

/// What places on the network are reached with: one for a run, so that connections, tokens and what is known of
/// registries are shared.
#[derive(Clone)]
pub struct Network {
    /// What makes requests.
    pub client: Client,
    /// Who one is.
    pub auth: Auth,
    pub(crate) known: Arc<Known>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("offline", &self.client.is_offline()).finish_non_exhaustive()
    }
}

impl Network {
    /// One that makes requests through a client, with the credentials of a keychain.
    pub fn new(client: Client, keychain: Keychain) -> Self {
        Network { auth: Auth::new(client.clone(), keychain), client, known: Arc::default() }
    }

    /// None at all: places on the network are refused.
    pub fn offline() -> Self {
        Network::new(Client::offline(), Keychain::default())
    }

    /// With mirrors: pairs of a registry, as images name it (`docker.io`), and a host that has what it has. They are
    /// asked in order, before the registry itself. What comes from one for a digest is what has that digest; for a tag
    /// it is believed.
    pub fn with_mirrors(self, mirrors: Vec<(String, String)>) -> Self {
        Network { known: Arc::new(Known::new(mirrors)), ..self }
    }
}
