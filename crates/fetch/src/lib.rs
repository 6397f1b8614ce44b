//! Bytes over HTTP, and from files, by the rules: TLS, proxies, retries, resume, caps, digests while reading.
//!
//! A [`Client`] downloads what a URL names into a file, or into memory, and holds it against an [`Expect`] while it
//! arrives. It knows nothing of what the bytes mean. How a request is made (certificates, proxies, credentials,
//! redirects) is kept apart from what is fetched, and from when to try again, which a [`Retry`] and a [`Pace`] say.

mod address;
mod client;
mod credentials;
mod digest;
mod download;
mod error;
mod exchange;
mod hosts;
mod local;
mod meter;
mod netrc;
mod options;
mod pace;
mod parts;
mod range;
mod sink;
mod transport;

pub use address::{join, masked};
pub use client::Client;
pub use credentials::{Credentials, Logins};
pub use digest::{Digest, Expect};
pub use error::{FetchError, Try};
pub use exchange::{Body, BodyWriter, Exchange, Reply};
pub use options::Options;
pub use pace::{LeastPace, Pace, Retry, SystemPace, Wait};
pub use parts::Parts;

/// The words of HTTP.
pub mod http {
    pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
    pub use reqwest::{Method, StatusCode, Url};
}
