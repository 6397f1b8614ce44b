//! The rules, against servers that break them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod download;
mod exchange;
mod local;
mod redirect;
mod server;
mod tls;

use fetch::{Client, Digest, Expect, FetchError, Options, Pace, Retry, Wait};
use sha2::{Digest as _, Sha256, Sha512};
use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// What is downloaded, if nothing else is.
const BODY: &[u8] = b"the bytes of a file that is somewhat long";

/// A clock that waits for nothing and remembers what for.
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
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770)
    }

    fn chance(&self) -> f64 {
        1.0
    }
}

fn options(pace: &Arc<Recorder>) -> Options {
    Options {
        proxies: false,
        retry: Retry { tries: 4, first: Duration::from_secs(1), longest: Duration::from_secs(60) },
        pace: Arc::<Recorder>::clone(pace),
        ..Options::default()
    }
}

/// Soon tired of servers that say nothing. Others wait long enough for a machine that is busy.
fn impatient(pace: &Arc<Recorder>) -> Options {
    Options { idle: Duration::from_millis(400), ..options(pace) }
}

fn client() -> Client {
    Client::new(options(&Arc::default()))
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::Sha256(Sha256::digest(bytes).into())
}

fn sha512(bytes: &[u8]) -> Digest {
    Digest::Sha512(Sha512::digest(bytes).into())
}

/// Downloads into a file, and gives what is in it then.
fn download(client: &Client, url: &str, expect: &Expect) -> Result<Vec<u8>, FetchError> {
    let file: File = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut &file, b"what was there before, and longer than what comes").unwrap();
    std::io::Seek::rewind(&mut &file).unwrap();
    client.download(url, &file, expect, &|_| {})?;
    let mut bytes = vec![];
    (&file).read_to_end(&mut bytes).unwrap();
    Ok(bytes)
}
