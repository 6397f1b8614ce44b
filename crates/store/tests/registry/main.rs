//! Registries: those that keep to the specification, and those that break it.

#![allow(clippy::unwrap_used, clippy::panic)] // a test panics when it fails

#[path = "../support/mod.rs"]
mod support;

mod faults;
mod hostile;
mod pull;
mod push;
mod referrers;
mod script;

use fetch::{Client, LeastPace, Options, Pace, Retry, Wait};
use oci::Artifact;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use store::{ErrorKind, Network, Publication, Published, StoreError, Stored};

/// A clock that waits for nothing and remembers what for, in milliseconds.
#[derive(Default)]
struct Recorder {
    waits: Mutex<Vec<u64>>,
}

impl Pace for Recorder {
    fn wait(&self, time: Duration) -> Wait {
        self.waits.lock().unwrap().push(time.as_millis() as u64);
        Box::pin(std::future::ready(()))
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn chance(&self) -> f64 {
        1.0
    }
}

fn options(pace: &Arc<Recorder>) -> Options {
    Options {
        proxies: false,
        retry: Retry { tries: 3, first: Duration::from_secs(1), longest: Duration::from_secs(60) },
        idle: Duration::from_secs(20),
        least: LeastPace { bytes: 1000, window: Duration::from_millis(400) },
        pace: Arc::<Recorder>::clone(pace),
        ..Options::default()
    }
}

fn network() -> Network {
    Network::new(Client::new(options(&Arc::default())), auth::Keychain::default())
}

/// Publishes an image under its own names, as far as the reference does not say another.
fn push(reference: &str, artifact: &Artifact, network: &Network) -> Result<Published, StoreError> {
    let names = ["example.com/shop:1.4".to_string(), "example.com/shop:latest".to_string()];
    let destination = store::destination(&reference.parse().unwrap(), network)?;
    destination.publish(&Publication { artifact, names: &names })
}

fn pull(reference: &str, network: &Network) -> Result<Stored, StoreError> {
    store::open(&reference.parse().unwrap(), network)
}

/// An error with its causes, and its kind.
fn told(error: &StoreError) -> (String, ErrorKind) {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    (text, error.kind())
}
