//! One request by the rules: certificates, proxies, credentials, redirects, time-outs. What is asked for, and what
//! becomes of the answer, is not known here.

use crate::address::masked;
use crate::credentials::{Credentials, Logins};
use crate::error::{FetchError, chain};
use crate::exchange::Body;
use crate::hosts::Clients;
use crate::options::Options;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, HeaderMap, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How bantam names itself.
pub(crate) const USER_AGENT: &str = concat!("bantam/", env!("CARGO_PKG_VERSION"));

/// Why a request came to nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Another try may do better.
    Passing(String),
    /// It would not.
    Lasting(FetchError),
}

/// An answer.
pub(crate) struct Answer {
    pub response: Response,
    /// Did the request that it answers have credentials?
    pub authorized: bool,
}

/// What makes requests.
#[derive(Clone)]
pub(crate) struct Transport {
    clients: Arc<Clients>,
    logins: Logins,
    redirects: usize,
    idle: Duration,
    settle: Duration,
}

impl Transport {
    pub fn new(options: &Options) -> Result<Self, FetchError> {
        let clients = Arc::new(Clients::new(options)?);
        let Options { idle, settle, redirects, .. } = *options;
        Ok(Transport { clients, logins: options.logins.clone(), redirects, idle, settle })
    }

    /// Makes a request without a body. Redirects are followed.
    ///
    /// What says who asks is sent to the host of `url` only; each host that it leads to gets what its own login is.
    pub async fn send(&self, method: Method, url: &Url, headers: &HeaderMap) -> Result<Answer, Trouble> {
        self.send_with(method, url, headers, &Body::Empty).await
    }

    /// As [`send`](Self::send), with a body. It is sent again where a redirect leads.
    pub async fn send_with(
        &self,
        method: Method,
        url: &Url,
        headers: &HeaderMap,
        body: &Body,
    ) -> Result<Answer, Trouble> {
        let mut headers = headers.clone();
        let mut here = url.clone();
        let mut user = take_user(&mut here);
        let mut followed = 0;
        loop {
            let client = self.clients.of(&here).map_err(Trouble::Lasting)?;
            let mut request = client.request(method.clone(), here.clone()).headers(headers.clone());
            let sent = Arc::default();
            if !body.is_empty() || matches!(method, Method::POST | Method::PUT | Method::PATCH) {
                request = request.header(CONTENT_LENGTH, body.len()).body(body.start(&sent));
            }
            let login = user.clone().or_else(|| self.logins.of(&here));
            let authorized = login.is_some() || headers.contains_key(AUTHORIZATION);
            if let Some(login) = login.filter(|_| !headers.contains_key(AUTHORIZATION)) {
                request = request.basic_auth(login.user, Some(login.password));
            }
            let response = self.patiently(request.send(), &method, body.len(), &sent).await?;
            let response = response.map_err(|error| trouble(url, error))?;
            if !is_redirect(response.status()) {
                return Ok(Answer { response, authorized });
            }
            let mut next = next_url(url, &here, &response)?;
            followed += 1;
            let refused = |reason: &str| {
                let (url, to) = (masked(url.as_str()), masked(next.as_str()));
                Err(Trouble::Lasting(FetchError::Redirect { url, to, reason: reason.into() }))
            };
            if followed > self.redirects {
                return refused(&format!("more than {} redirects", self.redirects));
            }
            match (here.scheme(), next.scheme()) {
                ("https", "http") => return refused("it leaves TLS"),
                (_, "http" | "https") => {}
                (_, other) => return refused(&format!("its scheme is {other}")),
            }
            let told = take_user(&mut next);
            if next.origin() != here.origin() {
                headers.remove(AUTHORIZATION);
                headers.remove(COOKIE);
                user = None;
            }
            user = told.or(user);
            here = next;
        }
    }
}

impl Transport {
    /// Waits for an answer, for as long as the body moves.
    async fn patiently<T>(
        &self,
        sending: impl Future<Output = T>,
        method: &Method,
        len: u64,
        sent: &AtomicU64,
    ) -> Result<T, Trouble> {
        let mut sending = pin!(sending);
        loop {
            let gone = sent.load(Ordering::Relaxed);
            let limit = match () {
                // What is counted are large parts, and several bodies may share a narrow line.
                () if gone < len => self.idle * 4,
                () if matches!(*method, Method::PUT | Method::PATCH) => self.settle.max(self.idle),
                () => self.idle,
            };
            match timeout(limit, &mut sending).await {
                Ok(answer) => return Ok(answer),
                Err(_) if sent.load(Ordering::Relaxed) > gone => {}
                Err(_) => return Err(Trouble::Passing("nothing arrived for too long".into())),
            }
        }
    }
}

/// Takes the user and the password out of a URL.
fn take_user(url: &mut Url) -> Option<Credentials> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decode = |text: &str| percent_decoded(text);
    let credentials =
        Credentials { user: decode(url.username()), password: decode(url.password().unwrap_or_default()) };
    // Neither fails for a URL that has a user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(credentials)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.filter(|_| first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn next_url(url: &Url, here: &Url, response: &Response) -> Result<Url, Trouble> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| here.join(location).ok());
    next.ok_or_else(|| {
        let to = location.map_or_else(|| "nowhere".into(), masked);
        let reason = "it is no URL".into();
        Trouble::Lasting(FetchError::Redirect { url: masked(url.as_str()), to, reason })
    })
}

/// What an error of the HTTP client means. Its own text may have the URL, with secrets.
pub(crate) fn trouble(url: &Url, error: reqwest::Error) -> Trouble {
    let error = error.without_url();
    let url = masked(url.as_str());
    match tls_error(&error) {
        Some(rustls::Error::InvalidMessage(_)) => return Trouble::Lasting(FetchError::NotTls { url }),
        // Neither the certificate nor what both know changes with another try.
        Some(
            rustls::Error::InvalidCertificate(_)
            | rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(_),
        ) => return Trouble::Lasting(FetchError::Tls { url, source: error.into() }),
        _ => {}
    }
    if error.is_builder() {
        return Trouble::Lasting(FetchError::Url { url, reason: chain(&error) });
    }
    let what = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "no connection in time".into(),
        (true, false) => "nothing arrived for too long".into(),
        (false, true) => format!("no connection: {}", root(&error)),
        (false, false) => format!("the connection broke: {}", root(&error)),
    };
    Trouble::Passing(what)
}

/// The innermost cause: what the operating system said.
fn root(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

/// What TLS has to do with an error.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        // An I/O error does not count what it was made of as its source, only what is behind that.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as _).or_else(|| error.source());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_taken_out_of_a_url() {
        for (url, rest, expected) in [
            ("http://example.com/x", "http://example.com/x", None),
            ("http://a:b@example.com/x", "http://example.com/x", Some(("a", "b"))),
            ("http://a%40b:c%3a%25@example.com/", "http://example.com/", Some(("a@b", "c:%"))),
            ("http://token@example.com/", "http://example.com/", Some(("token", ""))),
            ("http://a%4:%zz@example.com/", "http://example.com/", Some(("a%4", "%zz"))),
        ] {
            let mut parsed = Url::parse(url).unwrap();
            let found = take_user(&mut parsed).map(|found| (found.user, found.password));
            let expected = expected.map(|(user, password)| (user.to_owned(), password.to_owned()));
            assert_eq!((parsed.as_str(), found), (rest, expected), "{url}");
        }
    }
}
