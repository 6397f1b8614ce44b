//! A download over HTTP: tried again where that helps, and gone on with where it broke off.

use crate::address::masked;
use crate::error::{FetchError, Try};
use crate::meter::Meter;
use crate::options::Options;
use crate::pace::retry_after;
use crate::range::{ContentRange, validator};
use crate::sink::Sink;
use crate::transport::{Answer, Transport, Trouble};
use reqwest::header::{ACCEPT_ENCODING, CACHE_CONTROL, HeaderMap, HeaderValue, IF_RANGE, RANGE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use std::time::Duration;

/// A try that brought so many bytes was none in vain.
const GOOD_PART: u64 = 1 << 20;
/// No download is tried more often, even if each try brings something.
const MOST_TRIES: usize = 100;

/// Downloads what is at `url`.
pub(crate) async fn download(
    transport: &Transport,
    options: &Options,
    url: &Url,
    sink: &mut Sink<'_>,
) -> Result<(), FetchError> {
    let mut download =
        Download { transport, options, url, validator: None, joined: false, whole_only: false };
    let mut tries = vec![];
    let mut failed = 0;
    loop {
        let before = sink.received();
        let Failure { status, message, after, received } = match download.attempt(sink).await {
            Ok(()) => return Ok(()),
            Err(Outcome::Lasting(error)) => return Err(error),
            Err(Outcome::Failed(failure)) => failure,
        };
        failed = if received.saturating_sub(before) >= GOOD_PART { 1 } else { failed + 1 };
        tries.push(Try { status, message, received });
        if failed >= options.retry.tries || tries.len() >= MOST_TRIES {
            return Err(FetchError::GaveUp { url: masked(url.as_str()), tries });
        }
        let wait = options.retry.wait(failed, after, &*options.pace);
        options.pace.wait(wait).await;
    }
}

struct Download<'a> {
    transport: &'a Transport,
    options: &'a Options,
    url: &'a Url,
    /// What says that the file is still that of which a part is there.
    validator: Option<HeaderValue>,
    /// Are there parts of several answers?
    joined: bool,
    /// Has asking for a part turned out to be no good?
    whole_only: bool,
}

enum Outcome {
    Failed(Failure),
    Lasting(FetchError),
}

/// A try that another may follow.
struct Failure {
    status: Option<u16>,
    message: String,
    /// The wait that the server asked for.
    after: Option<Duration>,
    /// How many bytes were there.
    received: u64,
}

impl From<FetchError> for Outcome {
    fn from(error: FetchError) -> Self {
        Outcome::Lasting(error)
    }
}

impl Download<'_> {
    async fn attempt(&mut self, sink: &mut Sink<'_>) -> Result<(), Outcome> {
        if self.whole_only && sink.received() > 0 {
            sink.restart()?;
        }
        let asked_from = sink.received();
        let Answer { response, authorized } =
            self.ask(asked_from, sink.is_digest_known()).await.map_err(|trouble| match trouble {
                Trouble::Passing(message) => failed(None, message, asked_from),
                Trouble::Lasting(error) => error.into(),
            })?;
        match (response.status(), asked_from) {
            (StatusCode::OK, _) => {
                // A server need not give a part, or the file is another by now.
                if asked_from > 0 {
                    sink.restart()?;
                }
                self.joined = false;
                self.validator = validator(response.headers());
                if let Some(length) = response.content_length() {
                    sink.admit(length)?;
                }
            }
            (StatusCode::PARTIAL_CONTENT, 1..) => {
                let range = ContentRange::of(response.headers());
                let Some(range) = range.filter(|range| range.start == asked_from) else {
                    return Err(self.start_over(
                        "the server gave another part than was asked for",
                        &response,
                        asked_from,
                    ));
                };
                if let Some(whole) = range.whole {
                    sink.admit(whole)?;
                }
                self.joined = true;
            }
            (StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT, _) => {
                return Err(self.start_over(
                    "the server could not go on where it broke off",
                    &response,
                    asked_from,
                ));
            }
            _ => return Err(self.refused(&response, authorized, asked_from)),
        }
        self.receive(response, sink).await?;
        match sink.check() {
            // The parts may be of two files that were there one after the other.
            Err(error) if self.joined && error.is_mismatch() => {
                self.whole_only = true;
                Err(failed(None, "the parts do not fit together".into(), sink.received()))
            }
            checked => Ok(checked?),
        }
    }

    async fn ask(&self, from: u64, digest_known: bool) -> Result<Answer, Trouble> {
        let mut headers = HeaderMap::new();
        // The bytes as they are: digests are of them.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if !digest_known {
            // Nothing would tell what a cache on the way had from what is there now.
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=0"));
        }
        if from > 0 {
            let range = HeaderValue::try_from(format!("bytes={from}-"));
            headers.extend(range.ok().map(|range| (RANGE, range)));
            headers.extend(self.validator.clone().map(|validator| (IF_RANGE, validator)));
        }
        self.transport.send(Method::GET, self.url, &headers).await
    }

    async fn receive(&self, mut response: Response, sink: &mut Sink<'_>) -> Result<(), Outcome> {
        let mut meter = Meter::new(self.options);
        loop {
            match meter.next(self.url, &mut response).await {
                Ok(Some(bytes)) => sink.take(&bytes)?,
                Ok(None) if sink.is_whole() => return Ok(()),
                Ok(None) => {
                    let size = sink.expected_size().unwrap_or_default();
                    return Err(failed(None, format!("it ended before its {size} bytes"), sink.received()));
                }
                Err(Trouble::Passing(message)) => return Err(failed(None, message, sink.received())),
                Err(Trouble::Lasting(error)) => return Err(error.into()),
            }
        }
    }

    fn start_over(&mut self, message: &str, response: &Response, received: u64) -> Outcome {
        self.whole_only = true;
        failed(Some(response.status()), message.into(), received)
    }

    fn refused(&self, response: &Response, authorized: bool, received: u64) -> Outcome {
        let url = masked(self.url.as_str());
        let status = response.status();
        let code = status.as_u16();
        match code {
            404 | 410 => FetchError::NotFound { url, status: Some(code) }.into(),
            401 | 407 => FetchError::Unauthorized { url, status: code, sent: authorized }.into(),
            403 => FetchError::Forbidden { url, status: code }.into(),
            // Too many, too slow, and what a server says of itself, less what it will never do.
            408 | 425 | 429 | 500 | 502..=504 | 506..=599 => {
                let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let after = asked.and_then(|value| retry_after(value, self.options.pace.now()));
                let message = format!("the server answered {status}");
                Outcome::Failed(Failure { status: Some(code), message, after, received })
            }
            _ => FetchError::Status { url, status: code }.into(),
        }
    }
}

fn failed(status: Option<StatusCode>, message: String, received: u64) -> Outcome {
    let status = status.map(|status| status.as_u16());
    Outcome::Failed(Failure { status, message, after: None, received })
}
