//! What a run knows of registries.

use super::repository::{Repository, Scheme};
use crate::error::StoreError;
use fetch::http::{HeaderMap, Method};
use fetch::{Body, Client, Exchange, FetchError};
use oci::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

/// What a run knows of registries, told and found out.
#[derive(Default)]
pub(crate) struct Known {
    /// Registries, each with a host that has what it has.
    pub mirrors: Vec<(String, String)>,
    schemes: tokio::sync::Mutex<BTreeMap<String, Scheme>>,
    /// The repositories of a registry that a blob is in.
    blobs: Mutex<BTreeMap<(String, Digest), BTreeSet<String>>>,
}

impl Known {
    /// Nothing but mirrors.
    pub fn new(mirrors: Vec<(String, String)>) -> Self {
        Known { mirrors, ..Known::default() }
    }

    /// How a host is spoken to. Only this machine and hosts that are called insecure may be without TLS; they are
    /// asked, once.
    pub async fn scheme(
        &self,
        repository: &Repository,
        client: &Client,
        place: &str,
    ) -> Result<Scheme, StoreError> {
        if !repository.is_loopback() && !client.is_insecure(&repository.host_and_port()) {
            return Ok(Scheme::Https);
        }
        let mut schemes = self.schemes.lock().await;
        if let Some(scheme) = schemes.get(&repository.host) {
            return Ok(*scheme);
        }
        let ask = Exchange {
            method: Method::GET,
            url: &repository.root(Scheme::Https),
            headers: HeaderMap::new(),
            body: Body::Empty,
            again: false,
        };
        let scheme = match client.exchange(&ask).await {
            Ok(_) => Scheme::Https,
            // No TLS, or nobody there at all: then that is told of the plain address.
            Err(FetchError::NotTls { .. } | FetchError::GaveUp { .. }) => Scheme::Http,
            Err(source) => {
                return Err(StoreError::Unreachable { place: place.into(), source: Box::new(source) });
            }
        };
        schemes.insert(repository.host.clone(), scheme);
        Ok(scheme)
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

    /// Another repository of the same registry that has a blob.
    pub fn elsewhere(&self, repository: &Repository, digest: Digest) -> Option<String> {
        let key = (repository.registry.clone(), digest);
        self.blobs().get(&key)?.iter().find(|path| **path != repository.path).cloned()
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<(String, Digest), BTreeSet<String>>> {
        self.blobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
