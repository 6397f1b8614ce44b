//! How fast an answer must arrive: a server that drips is as good as one that says nothing.

use crate::error::FetchError;
use crate::options::Options;
use crate::pace::LeastPace;
use crate::transport::{Trouble, trouble};
use reqwest::{Response, Url};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Takes the parts of an answer, and measures the time that was spent on waiting for them. Whoever takes them may be as
/// slow as he likes.
#[derive(Debug)]
pub(crate) struct Meter {
    idle: Duration,
    least: LeastPace,
    /// What is left for the whole, if there is a limit.
    left: Option<Duration>,
    waited: Duration,
    bytes: u64,
}

impl Meter {
    pub fn new(options: &Options) -> Self {
        Meter { idle: options.idle, least: options.least, left: None, waited: Duration::ZERO, bytes: 0 }
    }

    /// One for an answer that must be there as a whole after some time.
    pub fn within(self, limit: Duration) -> Self {
        Meter { left: Some(limit), ..self }
    }

    /// The next part; none at the end.
    pub async fn next(&mut self, url: &Url, response: &mut Response) -> Result<Option<Vec<u8>>, Trouble> {
        let before = Instant::now();
        let limit = self.left.map_or(self.idle, |left| left.min(self.idle));
        let Ok(part) = timeout(limit, response.chunk()).await else {
            return Err(Trouble::Passing(if limit < self.idle {
                "the answer took too long".into()
            } else {
                "nothing arrived for too long".into()
            }));
        };
        let Some(part) = part.map_err(|error| trouble(url, error))? else { return Ok(None) };
        let waited = before.elapsed();
        self.left = self.left.map(|left| left.saturating_sub(waited));
        self.waited += waited;
        self.bytes += part.len() as u64;
        if self.waited >= self.least.window {
            let LeastPace { bytes, window } = self.least;
            if self.bytes < bytes {
                let found = self.bytes;
                return Err(Trouble::Passing(format!(
                    "it came too slowly: {found} bytes in {} seconds, of which {} should bring {bytes}",
                    self.waited.as_secs(),
                    window.as_secs(),
                )));
            }
            (self.waited, self.bytes) = (Duration::ZERO, 0);
        }
        Ok(Some(part.to_vec()))
    }
}

/// The error of an answer that broke off where nothing is tried again.
pub(crate) fn broken(url: &Url, trouble: Trouble) -> FetchError {
    match trouble {
        Trouble::Lasting(error) => error,
        Trouble::Passing(message) => FetchError::GaveUp {
            url: crate::address::masked(url.as_str()),
            tries: vec![crate::error::Try { status: None, message, received: 0 }],
        },
    }
}
