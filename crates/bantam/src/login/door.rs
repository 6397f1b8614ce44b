//! Requests to a registry, by which one is let in or not.

use crate::Error;
use auth::{Scope, api_host, is_loopback};
use fetch::http::{HeaderMap, Method, StatusCode, Url, header};
use fetch::{Body, Exchange, FetchError, Reply};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use store::Network;

/// As often a request is made anew with what the registry asked for.
const MOST_ANSWERS: usize = 4;
/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1 << 20;
/// The most letters that are shown of it.
const MAX_SHOWN: usize = 300;

/// A registry, and who stands before it.
pub(super) struct Door<'a> {
    pub network: &'a Network,
    pub registry: &'a str,
    asked: AtomicBool,
}

impl<'a> Door<'a> {
    /// The one of a registry.
    pub fn new(network: &'a Network, registry: &'a str) -> Self {
        Door { network, registry, asked: AtomicBool::new(false) }
    }

    /// Did the registry ask who it is, by now?
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Waits for an answer.
    pub fn wait<T: Send>(&self, asking: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
        self.network.client.wait(asking).map_err(|error| self.unreachable(error))?
    }

    /// Makes a request in the first way that the registry can be reached. Only where there is but one way, what fails is
    /// tried again: else the other may do.
    pub async fn first(
        &self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        scopes: &[Scope],
    ) -> Result<Reply, Error> {
        let host = api_host(self.registry);
        // One of this machine seldom has TLS. Another that may do without is still asked with it first.
        let (first, second) = match (is_loopback(&host), self.network.auth.may_be_plain(self.registry)) {
            (true, _) => ("http", Some("https")),
            (false, true) => ("https", Some("http")),
            (false, false) => ("https", None),
        };
        let send = async |scheme| {
            let url = format!("{scheme}://{host}{path}");
            let again = second.is_none() && matches!(method, Method::GET | Method::HEAD);
            self.send(
                &Exchange {
                    method: method.clone(),
                    url: &url,
                    headers: headers.clone(),
                    body: Body::Empty,
                    again,
                },
                scopes,
            )
            .await
        };
        let answer = send(first).await;
        let second = match (&answer, second) {
            (Err(Error::Unreachable { .. }), Some(second)) => second,
            // What a server with TLS says to what is none.
            (Ok(reply), Some(second)) if reply.status() == StatusCode::BAD_REQUEST => second,
            _ => return answer,
        };
        match send(second).await {
            // The first way is the one that is meant.
            Err(Error::Unreachable { source, .. })
                if matches!(*source, FetchError::NotTls { .. } | FetchError::GaveUp { .. }) =>
            {
                answer
            }
            other => other,
        }
    }

    /// Gives up an upload that has begun. Registries forget it anyway, in time.
    pub async fn give_up(&self, reply: &Reply, scopes: &[Scope]) {
        let place = reply.header(header::LOCATION.as_str()).and_then(|place| reply.url().join(place).ok());
        // Only at the registry, where it began: no other host hears who asks.
        let own = Url::parse(&format!("{}://{}", reply.url().scheme(), api_host(self.registry)));
        let is_own = |place: &Url| {
            place.origin() == reply.url().origin() && own.is_ok_and(|own| own.origin() == place.origin())
        };
        if let Some(place) = place.filter(is_own) {
            let (method, headers) = (Method::DELETE, HeaderMap::new());
            let request = Exchange { method, url: place.as_str(), headers, body: Body::Empty, again: false };
            let _ = self.send(&request, scopes).await;
        }
    }

    /// Makes a request to the registry, and says who asks where it wants to know. Where it leads to, nobody is told.
    async fn send(&self, request: &Exchange<'_>, scopes: &[Scope]) -> Result<Reply, Error> {
        let Network { client, auth, .. } = self.network;
        let mut carried = auth.known(self.registry, scopes);
        let mut answered = 0;
        loop {
            let mut request = request.clone();
            request.headers.extend(carried.clone().map(|header| (header::AUTHORIZATION, header)));
            let reply = client.exchange(&request).await.map_err(|error| self.unreachable(error))?;
            let is_own = Url::parse(request.url).is_ok_and(|asked| asked.origin() == reply.url().origin());
            if reply.status() != StatusCode::UNAUTHORIZED || !is_own || answered == MOST_ANSWERS {
                return Ok(reply);
            }
            answered += 1;
            self.asked.store(true, Ordering::Relaxed);
            let asked = reply.headers().get_all(header::WWW_AUTHENTICATE);
            let asked: Vec<String> =
                asked.iter().filter_map(|value| value.to_str().ok()).map(String::from).collect();
            // It does not go on for ever: what was refused is not given again, and what replaces it is given once.
            carried = Some(auth.answer(self.registry, &asked, scopes, carried.as_ref()).await?);
        }
    }

    fn unreachable(&self, source: FetchError) -> Error {
        Error::Unreachable { registry: self.registry.into(), source: Box::new(source) }
    }
}

/// What a registry says with an answer that is none.
pub(super) async fn said(reply: Reply) -> String {
    let status = reply.status();
    let body = reply.read(MAX_ANSWER).await.unwrap_or_default();
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |pointer| json.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    match text("/errors/0/message").or_else(|| text("/errors/0/code")) {
        Some(text) => format!("{} ({})", text.chars().take(MAX_SHOWN).collect::<String>(), status.as_u16()),
        None => status.to_string(),
    }
}
