//! What a run knows of registries.

use super::repository::{Repository, Scheme};
use fetch::http::{HeaderMap, Method, StatusCode};
use fetch::{Body, Client, Exchange, FetchError, Reply};
use oci::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Whose turn it is.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// What a run knows of registries, told and found out.
#[derive(Default)]
pub(crate) struct Known {
    /// Registries, each with a host that has what it has.
    pub mirrors: Vec<(String, String)>,
    schemes: tokio::sync::Mutex<BTreeMap<String, Scheme>>,
    /// The repositories of a registry that a blob is in.
    blobs: Mutex<BTreeMap<(String, Digest), BTreeSet<String>>>,
    /// Held by whoever of this run sends a blob to a registry.
    uploads: Mutex<BTreeMap<(String, Digest), Turn>>,
}

impl Known {
    /// Nothing but mirrors.
    pub fn new(mirrors: Vec<(String, String)>) -> Self {
        Known { mirrors, ..Known::default() }
    }

    /// How a host is spoken to. Only this machine and hosts that are called insecure may be without TLS; they are
    /// asked, once.
    pub async fn scheme(&self, repository: &Repository, client: &Client) -> Scheme {
        if !repository.is_loopback() && !client.is_insecure(&repository.host_and_port()) {
            return Scheme::Https;
        }
        let mut schemes = self.schemes.lock().await;
        if let Some(scheme) = schemes.get(&repository.host) {
            return *scheme;
        }
        let found = if repository.has_port() {
            at_port(client, repository).await
        } else {
            // A host without a port may have both at theirs.
            match ask(client, &repository.root(Scheme::Https)).await {
                Err(FetchError::NotTls { .. } | FetchError::GaveUp { .. }) => Some(Scheme::Http),
                _ => Some(Scheme::Https),
            }
        };
        if let Some(scheme) = found {
            schemes.insert(repository.host.clone(), scheme);
        }
        // Where nothing answers, the next request tells why.
        found.unwrap_or(Scheme::Http)
    }

    /// Remembers that a blob is in a repository.
    pub fn add(&self, repository: &Repository, digest: Digest) {
        let key = (repository.registry.clone(), digest);
        self.blobs().entry(key).or_default().insert(repository.path.clone());
    }

    /// Is a blob known to be in a repository?
    pub fn has(&self, repository: &Repository, digest: Digest) -> bool {
        let key = (repository.registry.clone(), digest);
        self.blobs().get(&key).is_some_and(|paths| paths.contains(&repository.path))
    }

    /// Waits until nobody else of this run sends a blob to a registry, and keeps others waiting as long as the value
    /// lives: images of one run that share a blob have it mounted by all but the first.
    pub async fn turn(&self, repository: &Repository, digest: Digest) -> OwnedMutexGuard<()> {
        self.turns(repository, digest).lock_owned().await
    }

    /// Another repository of the same registry that has a blob.
    pub fn elsewhere(&self, repository: &Repository, digest: Digest) -> Option<String> {
        let key = (repository.registry.clone(), digest);
        self.blobs().get(&key)?.iter().find(|path| **path != repository.path).cloned()
    }

    fn turns(&self, repository: &Repository, digest: Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(uploads.entry((repository.registry.clone(), digest)).or_default())
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<(String, Digest), BTreeSet<String>>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a port is spoken to: there is the one or the other. None, where neither is answered.
async fn at_port(client: &Client, repository: &Repository) -> Option<Scheme> {
    // A server with TLS answers at once to what is none, or hangs up.
    if let Ok(reply) = ask(client, &repository.root(Scheme::Http)).await {
        let is_plain = reply.status() != StatusCode::BAD_REQUEST && reply.url().scheme() == "http";
        return Some(if is_plain { Scheme::Http } else { Scheme::Https });
    }
    match ask(client, &repository.root(Scheme::Https)).await {
        Err(FetchError::NotTls { .. }) => Some(Scheme::Http),
        Err(FetchError::GaveUp { .. }) => None,
        _ => Some(Scheme::Https),
    }
}

/// Asks a registry whether it is one, without saying who asks.
async fn ask(client: &Client, url: &str) -> Result<Reply, FetchError> {
    let (method, headers, body) = (Method::GET, HeaderMap::new(), Body::Empty);
    client.exchange(&Exchange { method, url, headers, body, again: false }).await
}
