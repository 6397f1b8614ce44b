//! How an object store is reached: with the settings that the environment has for it.

use super::bucket::Bucket;
use super::failure::unusable;
use super::url::{ObjectScheme, ObjectUrl};
use crate::error::StoreError;
use crate::network::Network;
use fetch::FetchError;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{ObjectStore, RetryConfig};
use std::sync::Arc;
use std::time::Duration;

/// How long one waits for a store that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// For what the run is for.
    Ample,
    /// For what it can do without.
    Short,
}

/// What requests are made with, unless the environment says otherwise. A part of an upload may take two minutes, and
/// an answer an hour, as long as it goes on arriving.
const DEFAULTS: [(&str, &str); 4] = [
    ("user_agent", concat!("bantam/", env!("CARGO_PKG_VERSION"))),
    ("connect_timeout", "20s"),
    ("read_timeout", "120s"),
    ("timeout", "1h"),
];

impl Patience {
    fn retry(self) -> RetryConfig {
        let (max_retries, seconds) = match self {
            Patience::Ample => (5, 60),
            Patience::Short => (2, 10),
        };
        RetryConfig { max_retries, retry_timeout: Duration::from_secs(seconds), ..RetryConfig::default() }
    }

    fn connect(self) -> Option<(&'static str, &'static str)> {
        (self == Patience::Short).then_some(("connect_timeout", "5s"))
    }
}

/// Folds all settings that a builder knows into it.
macro_rules! set {
    ($builder:expr, $settings:expr) => {
        $settings.fold($builder, |builder, (key, value)| match key.parse() {
            Ok(key) => builder.with_config(key, value),
            Err(_) => builder,
        })
    };
}

/// The bucket of an object. Nothing is asked of it yet.
///
/// # Errors
/// When the network is left alone, or the environment has settings that make no sense.
pub(crate) fn connect(url: &ObjectUrl, network: &Network, patience: Patience) -> Result<Bucket, StoreError> {
    if network.client.is_offline() {
        let source = Box::new(FetchError::Offline { url: url.to_string() });
        return Err(StoreError::Unreachable { place: url.to_string(), source });
    }
    // Some provider must be the process's; one that was chosen before stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let prefixes: &[&str] = match url.scheme() {
        ObjectScheme::S3 => &["AWS_"],
        ObjectScheme::Gs => &["GOOGLE_", "SERVICE_ACCOUNT"],
        ObjectScheme::Az => &["AZURE_"],
    };
    let environment = std::env::vars_os().filter_map(|(key, value)| {
        let (key, value) = (key.into_string().ok()?, value.into_string().ok()?);
        let is_ours = prefixes.iter().any(|prefix| key.starts_with(prefix)) && !value.is_empty();
        is_ours.then(|| (key.to_ascii_lowercase(), value))
    });
    let defaults = DEFAULTS.into_iter().chain(patience.connect());
    let defaults = defaults.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let settings = defaults.chain(environment);
    let retry = patience.retry();
    let store: Result<Arc<dyn ObjectStore>, object_store::Error> = match url.scheme() {
        ObjectScheme::S3 => set!(AmazonS3Builder::new().with_retry(retry), settings)
            .with_bucket_name(url.bucket())
            .build()
            .map(|store| Arc::new(store) as _),
        ObjectScheme::Gs => set!(GoogleCloudStorageBuilder::new().with_retry(retry), settings)
            .with_bucket_name(url.bucket())
            .build()
            .map(|store| Arc::new(store) as _),
        ObjectScheme::Az => {
            let (container, account) = match url.bucket().split_once('@') {
                Some((container, account)) => (container, Some(account)),
                None => (url.bucket(), None),
            };
            let builder = set!(MicrosoftAzureBuilder::new().with_retry(retry), settings);
            let builder = builder.with_container_name(container);
            let builder = match account {
                // An account may be written as its host.
                Some(account) => builder.with_account(account.split('.').next().unwrap_or(account)),
                None => builder,
            };
            builder.build().map(|store| Arc::new(store) as _)
        }
    };
    let store = store.map_err(|error| unusable(url, &error))?;
    Ok(Bucket::new(store, network.client.clone(), url))
}
