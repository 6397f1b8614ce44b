//! Requests for tokens.

use fetch::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Url, header};
use fetch::{Body, Client, Exchange, FetchError, Logins, Pace};
use serde_json::Value;
use std::time::Duration;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1 << 20;
/// The most letters that are shown of what a server said.
const MAX_SHOWN: usize = 300;
/// The longest time until a server of the machine's own network accepts a connection, and then answers.
const NEAR: Duration = Duration::from_secs(2);

/// Asks for tokens. It follows no redirects: a request has secrets, and is meant for one server. It knows no passwords of
/// other files.
#[derive(Clone)]
pub(crate) struct Web {
    client: Client,
    /// Are failed requests made again?
    again: bool,
}

/// What a server answered.
pub(crate) struct Said {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

impl Web {
    pub fn new(client: &Client) -> Self {
        let client = client.varied(|options| {
            options.redirects = 0;
            options.logins = Logins::default();
        });
        Web { client, again: true }
    }

    /// One for servers that answer at once or are not there, such as the metadata servers of clouds.
    pub fn near(&self) -> Self {
        let client = self.client.varied(|options| {
            options.proxies = false;
            options.connect = NEAR;
            options.idle = NEAR;
        });
        Web { client, again: false }
    }

    pub fn pace(&self) -> &dyn Pace {
        self.client.pace()
    }

    pub fn is_offline(&self) -> bool {
        self.client.is_offline()
    }

    pub async fn get(&self, url: &str, headers: HeaderMap) -> Result<Said, FetchError> {
        self.send(Method::GET, url, headers, Body::Empty).await
    }

    pub async fn post(&self, url: &str, headers: HeaderMap, body: Vec<u8>) -> Result<Said, FetchError> {
        self.send(Method::POST, url, headers, Body::Bytes(body.into())).await
    }

    pub async fn put(&self, url: &str, headers: HeaderMap) -> Result<Said, FetchError> {
        self.send(Method::PUT, url, headers, Body::Empty).await
    }

    /// Posts fields as a form of HTML has them.
    pub async fn form(&self, url: &str, fields: &[(&str, &str)]) -> Result<Said, FetchError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = [(header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
        self.post(url, headers(&kind), body.into_bytes()).await
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Said, FetchError> {
        let request = Exchange { method, url, headers, body, again: self.again };
        let reply = self.client.exchange(&request).await?;
        let status = reply.status();
        Ok(Said { status, body: reply.read(MAX_ANSWER).await? })
    }
}

impl Said {
    /// The answer as JSON; none, if it is not.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What a server that does not do it says, without a secret that it repeats.
    pub fn words(&self, secret: &str) -> String {
        let json = self.json().unwrap_or_default();
        let of_registry = json.pointer("/errors/0/message");
        let keys = ["error_description", "details", "message", "Message", "error"];
        let text = of_registry.into_iter().chain(keys.iter().filter_map(|key| json.get(key)));
        let text = text.filter_map(Value::as_str).map(str::trim).find(|text| !text.is_empty());
        match text {
            None => self.status.to_string(),
            Some(text) => {
                let text = if secret.is_empty() { text.into() } else { text.replace(secret, "***") };
                format!("{} ({})", text.chars().take(MAX_SHOWN).collect::<String>(), self.status.as_u16())
            }
        }
    }
}

/// What a request came to nothing for. Where a server leads to is told by the host only: the rest may repeat what it was told.
pub(crate) fn told(error: &FetchError) -> String {
    match error {
        FetchError::Redirect { to, .. } => {
            let host = Url::parse(to).ok().and_then(|to| to.host_str().map(String::from));
            format!("it leads to {}, which is not followed", host.unwrap_or_else(|| "nowhere".into()))
        }
        error => error.to_string(),
    }
}

/// Headers; those that cannot be sent are left out.
pub(crate) fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let field = |&(name, value): &(&str, &str)| {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    fields.iter().filter_map(field).collect()
}

/// A URL that a secret may be sent to: over TLS, or to this machine.
pub(crate) fn is_safe(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    match url.scheme() {
        "https" => true,
        "http" => url.host_str().is_some_and(crate::is_loopback),
        _ => false,
    }
}
