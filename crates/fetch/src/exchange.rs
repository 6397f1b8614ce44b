//! One request and its answer, for whoever speaks a protocol over HTTP: any method, a body, and the answer's headers.

use crate::address::{Address, masked};
use crate::error::{FetchError, Try};
use crate::meter::{Meter, broken};
use crate::options::Options;
use crate::pace::retry_after;
use crate::parts::Parts;
use crate::transport::{Answer, Transport, Trouble};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

/// A request.
#[derive(Clone)]
pub struct Exchange<'a> {
    /// What is to be done.
    pub method: Method,
    /// With what.
    pub url: &'a str,
    /// What goes before the body. `Authorization` is sent to the host of `url` only.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// Is it made again after a failure that may pass? Only for requests that mean the same when they come twice.
    pub again: bool,
}

/// The body of a request.
#[derive(Clone, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// One that is at hand.
    Bytes(Arc<[u8]>),
    /// One that is written when it is sent, and again when it is sent again.
    Stream {
        /// Its length in bytes.
        len: u64,
        /// What writes it, on a thread of its own.
        write: BodyWriter,
    },
}

/// Writes a body.
pub type BodyWriter = Arc<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync>;

/// An answer: any status that says something of the request itself. Its body has not arrived yet.
pub struct Reply {
    url: Url,
    response: Response,
    meter: Meter,
    /// The longest time for the whole.
    document: Duration,
    /// The wait that the server asked for.
    after: Option<Duration>,
}

impl Reply {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// A header as text, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// Where it came from: the URL after all redirects.
    pub fn url(&self) -> &Url {
        self.response.url()
    }

    /// The length of the body in bytes, where the server says it.
    pub fn len(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.parse().ok()
    }

    /// The wait before another try that the server asked for, with `Retry-After`.
    pub fn retry_after(&self) -> Option<Duration> {
        self.after
    }

    /// Is the body said to be empty?
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The next part of the body; none at its end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn part(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        self.meter.next(&self.url, &mut self.response).await.map_err(|trouble| broken(&self.url, trouble))
    }

    /// The whole body, of a document that is held in memory.
    ///
    /// # Errors
    /// When the connection breaks, it takes longer than [`Options::document`], or it is longer than `limit` bytes.
    pub async fn read(mut self, limit: u64) -> Result<Vec<u8>, FetchError> {
        self.meter = self.meter.within(self.document);
        let mut bytes = vec![];
        while let Some(part) = self.part().await? {
            if (bytes.len() + part.len()) as u64 > limit {
                return Err(FetchError::TooLarge { url: masked(self.url.as_str()), limit });
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }
}

/// Makes a request, again and again where that may help.
pub(crate) async fn exchange(
    transport: &Transport,
    options: &Options,
    request: &Exchange<'_>,
) -> Result<Reply, FetchError> {
    let Address::Web(url) = Address::parse(request.url)? else {
        let reason = "it is a file of this machine".into();
        return Err(FetchError::Url { url: masked(request.url), reason });
    };
    let most = if request.again { options.retry.tries } else { 1 };
    let mut tries = vec![];
    loop {
        let (status, message, after) = match attempt(transport, &url, request).await {
            Ok(response) => match passing(options, &response) {
                Some(after) if tries.len() + 1 < most as usize => {
                    let status = response.status();
                    (Some(status.as_u16()), format!("the server answered {status}"), after)
                }
                after => {
                    let (meter, document) = (Meter::new(options), options.document);
                    return Ok(Reply { url, response, meter, document, after: after.flatten() });
                }
            },
            Err(Trouble::Lasting(error)) => return Err(error),
            Err(Trouble::Passing(message)) => (None, message, None),
        };
        tries.push(Try { status, message, received: 0 });
        let failed = u32::try_from(tries.len()).unwrap_or(u32::MAX);
        if failed >= most {
            return Err(FetchError::GaveUp { url: masked(url.as_str()), tries });
        }
        options.pace.wait(options.retry.wait(failed, after, &*options.pace)).await;
    }
}

async fn attempt(transport: &Transport, url: &Url, request: &Exchange<'_>) -> Result<Response, Trouble> {
    let Exchange { method, headers, body, .. } = request;
    let Answer { response, .. } = transport.send_with(method.clone(), url, headers, body).await?;
    Ok(response)
}

/// Does the status say that another try may do better, and after what wait?
fn passing(options: &Options, response: &Response) -> Option<Option<Duration>> {
    matches!(response.status().as_u16(), 408 | 425 | 429 | 500 | 502..=504).then(|| {
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        asked.and_then(|value| retry_after(value, options.pace.now()))
    })
}

impl Body {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Body::Empty => 0,
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Stream { len, .. } => *len,
        }
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body of one request; `sent` counts the bytes that were taken of it.
    pub(crate) fn start(&self, sent: &Arc<AtomicU64>) -> reqwest::Body {
        match self {
            Body::Empty => reqwest::Body::from(vec![]),
            Body::Bytes(bytes) => {
                sent.store(bytes.len() as u64, Ordering::Relaxed);
                reqwest::Body::from(bytes.to_vec())
            }
            Body::Stream { write, .. } => {
                let (mut sink, mut parts) = Parts::new();
                let write = Arc::clone(write);
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = write(&mut sink).and_then(|()| sink.flush()) {
                        sink.break_off(error);
                    }
                });
                let sent = Arc::clone(sent);
                let parts = futures_util::stream::poll_fn(move |context| {
                    let part = parts.poll_recv(context);
                    if let Poll::Ready(Some(Ok(part))) = &part {
                        sent.fetch_add(part.len() as u64, Ordering::Relaxed);
                    }
                    part
                });
                reqwest::Body::wrap_stream(parts)
            }
        }
    }
}
