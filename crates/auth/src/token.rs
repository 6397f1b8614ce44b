//! Tokens of a registry's token server ([token authentication], [OAuth2]).
//!
//! [token authentication]: https://distribution.github.io/distribution/spec/auth/token/
//! [OAuth2]: https://distribution.github.io/distribution/spec/auth/oauth/

use crate::challenge::Challenge;
use crate::credential::{Credential, Found};
use crate::error::AuthError;
use crate::web::{Said, Web, headers, told};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fetch::FetchError;
use fetch::http::{HeaderValue, StatusCode, Url, header};
use serde::Deserialize;
use std::time::Duration;

/// How long a token is good for whose server does not say.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// The longest that a server is believed.
const MAX_LIFE: Duration = Duration::from_secs(24 * 3600);
/// How bantam names itself to token servers.
const CLIENT: &str = "bantam";

/// What a token is asked for with.
pub(crate) struct Ask<'a> {
    /// The registry.
    pub registry: &'a str,
    /// May it be asked without TLS?
    pub plain: bool,
    /// What the registry said.
    pub challenge: &'a Challenge,
    /// What the token is for.
    pub scopes: &'a [String],
    /// Who one is.
    pub found: &'a Found,
}

/// A token.
pub(crate) struct Token {
    /// What a request carries.
    pub header: HeaderValue,
    /// How long it is good for.
    pub life: Duration,
}

#[derive(Deserialize)]
struct Given {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<f64>,
}

impl Ask<'_> {
    /// Asks for a token.
    ///
    /// # Errors
    /// When the token server is not to be asked, does not answer, or does not know who asks.
    pub async fn token(&self, web: &Web) -> Result<Token, AuthError> {
        let realm = self.realm()?;
        let identity = match &self.found.credential {
            Some(Credential::Identity(token)) => Some(token),
            _ => None,
        };
        let mut said = None;
        if let Some(token) = identity {
            let answer = self.refresh(web, &realm, token).await?;
            // Some servers know the older way only.
            let unknown = matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
            said = (!unknown).then_some(answer);
        }
        let said = match said {
            Some(said) => said,
            None => self.get(web, &realm).await?,
        };
        self.understood(&realm, &said)
    }

    /// The URL of the token server. A password may be sent there.
    fn realm(&self) -> Result<Url, AuthError> {
        let text = self.challenge.get("realm").unwrap_or_default();
        let refused = |reason| {
            let (registry, realm) = (self.registry.into(), fetch::masked(text));
            AuthError::Realm { registry, realm, reason }
        };
        let realm = Url::parse(text).map_err(|_| refused("it is no URL"))?;
        if !realm.username().is_empty() || realm.password().is_some() {
            return Err(refused("it has a user in it"));
        }
        match realm.scheme() {
            "https" => Ok(realm),
            "http" if self.plain => Ok(realm),
            "http" => Err(refused("it has no TLS, and the registry has")),
            _ => Err(refused("its scheme is neither https nor http")),
        }
    }

    async fn get(&self, web: &Web, realm: &Url) -> Result<Said, AuthError> {
        let mut url = realm.clone();
        let mut carried = headers(&[]);
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = self.challenge.get("service") {
                query.append_pair("service", service);
            }
            for scope in self.scopes {
                query.append_pair("scope", scope);
            }
            if let Some((user, password)) = self.login() {
                if !user.is_empty() {
                    query.append_pair("account", user);
                }
                carried.insert(header::AUTHORIZATION, basic(user, password));
            }
        }
        web.get(url.as_str(), carried).await.map_err(|source| self.failed(realm, source))
    }

    async fn refresh(&self, web: &Web, realm: &Url, token: &str) -> Result<Said, AuthError> {
        let scope = self.scopes.join(" ");
        let mut fields =
            vec![("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
        fields.extend(self.challenge.get("service").map(|service| ("service", service)));
        fields.extend((!scope.is_empty()).then_some(("scope", &*scope)));
        web.form(realm.as_str(), &fields).await.map_err(|source| self.failed(realm, source))
    }

    /// The user and password for the token server.
    fn login(&self) -> Option<(&str, &str)> {
        match self.found.credential.as_ref()? {
            Credential::Basic { user, password } => Some((user, password)),
            Credential::Identity(token) => Some(("", token)),
            Credential::Bearer(_) => None,
        }
    }

    fn understood(&self, realm: &Url, said: &Said) -> Result<Token, AuthError> {
        let secret = self.found.credential.as_ref().map_or("", Credential::secret);
        let wrong = |said: String| self.wrong(realm, said);
        match said.status.as_u16() {
            200..=299 => {}
            // OAuth2 says with 400 that a refresh token is not good any more.
            400 if matches!(self.found.credential, Some(Credential::Identity(_))) => {
                return Err(self.refused(said.words(secret)));
            }
            401 | 403 => return Err(self.refused(said.words(secret))),
            408 | 425 | 429 | 500..=599 => {
                let (registry, realm) = (self.registry.into(), shown(realm));
                return Err(AuthError::Unwell { registry, realm, said: said.words(secret) });
            }
            _ => return Err(wrong(said.words(secret))),
        }
        let given: Given = serde_json::from_slice(&said.body)
            .map_err(|_| wrong("its answer is no JSON of a token".into()))?;
        let some = |token: Option<String>| token.filter(|token| !token.is_empty());
        let token = some(given.token).or(some(given.access_token));
        let token = token.ok_or_else(|| wrong("its answer has no token".into()))?;
        let life = given.expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(Token {
            header: bearer(&token).ok_or_else(|| wrong("no header can have its token".into()))?,
            life: life.filter(|life| !life.is_zero()).unwrap_or(DEFAULT_LIFE).min(MAX_LIFE),
        })
    }

    /// Says that who asks is not accepted.
    pub fn refused(&self, said: String) -> AuthError {
        refused(self.registry, self.found, said)
    }

    fn failed(&self, realm: &Url, source: FetchError) -> AuthError {
        match source {
            FetchError::Redirect { .. } => self.wrong(realm, told(&source)),
            source => AuthError::Fetch { registry: self.registry.into(), source },
        }
    }

    /// Says that the token server gives no token.
    fn wrong(&self, realm: &Url, said: String) -> AuthError {
        AuthError::TokenServer { registry: self.registry.into(), realm: shown(realm), said }
    }
}

/// A token server as it may be shown.
fn shown(realm: &Url) -> String {
    let mut shown = realm.clone();
    shown.set_query(None);
    shown.into()
}

/// Says that who was found is not accepted.
pub(crate) fn refused(registry: &str, found: &Found, said: String) -> AuthError {
    AuthError::Refused {
        registry: registry.into(),
        user: found.credential.as_ref().and_then(Credential::user).map(String::from),
        place: found.place().cloned().map(Box::new),
        said,
        trace: found.trace.clone(),
    }
}

/// A user and a password, as a request carries them.
pub(crate) fn basic(user: &str, password: &str) -> HeaderValue {
    let text = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    // Base64 is always a header's text.
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

/// A token, as a request carries it.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
