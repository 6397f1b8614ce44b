//! Requests to one repository.

use super::answer::{MAX_REASON, Verdict, reason, verdict};
use super::known::Known;
use super::repository::Repository;
use crate::error::StoreError;
use crate::network::Network;
use auth::{Action, Looked, Scope};
use fetch::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Url, header};
use fetch::{Body, Exchange, Reply};

/// As often a request is made anew with what the registry asked for: a token may have run out, and then be too small.
const MOST_ANSWERS: usize = 2;

/// A repository that requests are made to.
#[derive(Clone)]
pub(crate) struct Remote {
    pub network: Network,
    pub repository: Repository,
    /// As the user knows it, for messages.
    pub place: String,
    action: Action,
    root: Url,
}

/// A request to a repository.
#[derive(Clone)]
pub(crate) struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Body,
    /// May it be made again?
    pub again: bool,
    /// A repository that must be readable beside the one it goes to.
    pub source: Option<String>,
}

impl Request {
    pub fn new(method: Method, url: Url) -> Self {
        // What changes nothing may be asked again.
        let again = matches!(method, Method::GET | Method::HEAD);
        Request { method, url, headers: HeaderMap::new(), body: Body::Empty, again, source: None }
    }

    /// With a header. What cannot be one is left out.
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
        self
    }

    pub fn sending(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Means the same when it comes twice.
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }
}

impl Remote {
    /// Finds out how the repository is spoken to.
    pub async fn new(
        network: &Network,
        repository: Repository,
        place: &str,
        action: Action,
    ) -> Result<Self, StoreError> {
        let scheme = network.known.scheme(&repository, &network.client).await;
        let root = Url::parse(&repository.root(scheme)).map_err(|error| StoreError::Answer {
            place: place.into(),
            what: format!("`{}` is no address: {error}", repository.host),
        })?;
        Ok(Remote { network: network.clone(), repository, place: place.into(), action, root })
    }

    /// Where the registry says that it is one.
    pub fn root(&self) -> &Url {
        &self.root
    }

    /// What a run knows.
    pub fn known(&self) -> &Known {
        &self.network.known
    }

    /// The URL of something in the repository.
    pub fn url(&self, rest: &str) -> Result<Url, StoreError> {
        let path = format!("{}/{rest}", self.repository.path);
        self.root.join(&path).map_err(|error| self.wrong(format!("`{path}` is no path: {error}")))
    }

    /// Where an answer's `Location` leads. On the registry's own host it stays as safe as it was: proxies that end TLS
    /// hide it from registries, which then say `http:`.
    pub fn location(&self, reply: &Reply) -> Result<Url, StoreError> {
        let Some(location) = reply.header(header::LOCATION.as_str()) else {
            return Err(self.wrong("it says no `Location` for the upload".into()));
        };
        let mut next = (reply.url().join(location))
            .map_err(|error| self.wrong(format!("its `Location` is no URL: {error}")))?;
        if next.host_str() == self.root.host_str() && self.root.scheme() == "https" && next.scheme() == "http"
        {
            let _ = next.set_scheme("https");
            let _ = next.set_port(self.root.port());
        }
        match (self.root.scheme(), next.scheme()) {
            (_, "https") | ("http", "http") => Ok(next),
            (_, other) => Err(self.wrong(format!("its `Location` leaves TLS for {other}"))),
        }
    }

    /// Makes a request, with what the registry wants to know of who asks. Other hosts are not told.
    pub async fn send(&self, request: &Request) -> Result<Reply, StoreError> {
        let Request { method, url, headers, body, again, source } = request;
        let is_own = url.origin() == self.root.origin();
        let registry = &self.repository.registry;
        let own = Scope { repository: self.repository.path.clone(), action: self.action };
        let source = source.iter().map(|path| Scope { repository: path.clone(), action: Action::Pull });
        let scopes: Vec<Scope> = [own].into_iter().chain(source).collect();
        let auth = &self.network.auth;
        let mut carried = if is_own { auth.known(registry, &scopes) } else { None };
        let mut answered = 0;
        loop {
            let mut headers = headers.clone();
            headers.extend(carried.clone().map(|value| (header::AUTHORIZATION, value)));
            let exchange = Exchange {
                method: method.clone(),
                url: url.as_str(),
                headers,
                body: body.clone(),
                again: *again,
            };
            let reply = self.network.client.exchange(&exchange).await;
            let reply = reply.map_err(|source| StoreError::Unreachable {
                place: self.place.clone(),
                source: Box::new(source),
            })?;
            let asks =
                reply.status() == StatusCode::UNAUTHORIZED && reply.url().origin() == self.root.origin();
            let challenges = reply.headers().get_all(header::WWW_AUTHENTICATE).into_iter();
            let challenges: Vec<String> =
                challenges.filter_map(|value| value.to_str().ok().map(String::from)).collect();
            if !asks || !is_own || challenges.is_empty() || answered == MOST_ANSWERS {
                return Ok(reply);
            }
            let answer = auth.answer(registry, &challenges, &scopes, carried.as_ref()).await;
            let answer = answer
                .map_err(|source| StoreError::Auth { place: self.place.clone(), source: Box::new(source) })?;
            carried = Some(answer);
            answered += 1;
        }
    }

    /// What an answer means that is none of those hoped for.
    pub async fn refusal(&self, reply: Reply, request: &'static str) -> StoreError {
        let status = reply.status().as_u16();
        let place = self.place.clone();
        // The status alone must do where the body does not arrive.
        let reason = reason(&reply.read(MAX_REASON).await.unwrap_or_default());
        match verdict(status, &reason) {
            Verdict::Denied => StoreError::Denied { place, status, reason, trace: self.trace().await },
            Verdict::Absent | Verdict::Refused => StoreError::Refused { place, request, status, reason },
            Verdict::Broken => StoreError::Status { place, request, status, reason },
        }
    }

    /// An answer that no registry may give.
    pub fn wrong(&self, what: String) -> StoreError {
        StoreError::Answer { place: self.place.clone(), what }
    }

    /// Waits for something that is done here.
    pub fn wait<T: Send>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        wait(&self.network, &self.place, work)
    }

    /// Where credentials were looked for.
    async fn trace(&self) -> Vec<Looked> {
        self.network.auth.who(&self.repository.registry, &self.repository.path).await.trace
    }
}

/// Waits for something that is done at a place.
pub(crate) fn wait<T: Send>(
    network: &Network,
    place: &str,
    work: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    let waited = network.client.wait(work);
    waited.map_err(|source| StoreError::Unreachable { place: place.into(), source: Box::new(source) })?
}
