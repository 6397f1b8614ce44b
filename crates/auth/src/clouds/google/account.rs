//! Files of credentials for Google's APIs, and the access tokens that they stand for.

use super::super::{done, field, read};
use crate::web::{Web, headers, is_safe};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// What tokens are for: reading and writing images.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Where tokens are given, if a file does not say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
/// How long a token is asked for, in seconds.
const LIFE: u64 = 3600;

/// What a file says of who one is.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Account {
    ServiceAccount(ServiceAccount),
    AuthorizedUser(AuthorizedUser),
    ExternalAccount(ExternalAccount),
}

/// A service account with its key.
#[derive(Deserialize)]
pub(super) struct ServiceAccount {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    #[serde(default = "token_uri")]
    token_uri: String,
}

/// A user who has said yes in a browser.
#[derive(Deserialize)]
pub(super) struct AuthorizedUser {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    #[serde(default = "token_uri")]
    token_uri: String,
}

/// An identity of somebody else, such as a CI service.
#[derive(Deserialize)]
pub(super) struct ExternalAccount {
    audience: String,
    subject_token_type: String,
    token_url: String,
    service_account_impersonation_url: Option<String>,
    credential_source: Source,
}

/// Where the token of somebody else is.
#[derive(Deserialize)]
struct Source {
    file: Option<PathBuf>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Format {
    #[serde(rename = "type")]
    kind: String,
    subject_token_field_name: String,
}

fn token_uri() -> String {
    TOKEN_URI.into()
}

impl Account {
    /// Reads a file. What is wrong with one is told without its text.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("it is no service_account, authorized_user or external_account: mistake in line {line}, column {column}")
        })
    }

    /// Asks for an access token.
    pub async fn token(&self, web: &Web) -> Result<String, String> {
        match self {
            Account::ServiceAccount(account) => account.token(web).await,
            Account::AuthorizedUser(user) => user.token(web).await,
            Account::ExternalAccount(account) => account.token(web).await,
        }
    }
}

impl ServiceAccount {
    async fn token(&self, web: &Web) -> Result<String, String> {
        let assertion = self.assertion(web.pace().now())?;
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        let fields = [("grant_type", grant), ("assertion", &*assertion)];
        let said = web.form(safe(&self.token_uri)?, &fields).await;
        field(&done(said, &assertion)?, "/access_token")
    }

    /// What the account says of itself, signed with its key ([RFC 7523](https://www.rfc-editor.org/rfc/rfc7523)).
    pub fn assertion(&self, now: SystemTime) -> Result<String, String> {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let head = json!({"alg": "RS256", "typ": "JWT", "kid": self.private_key_id});
        let claims = json!({
            "iss": self.client_email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": since,
            "exp": since + LIFE,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&head), part(&claims));
        let wrong = "its private_key is no RSA key in PKCS #8";
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.private_key.as_bytes()).map_err(|_| wrong)?;
        let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| wrong)?;
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| wrong)?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl AuthorizedUser {
    async fn token(&self, web: &Web) -> Result<String, String> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", &*self.client_id),
            ("client_secret", &self.client_secret),
            ("refresh_token", &self.refresh_token),
        ];
        let said = web.form(safe(&self.token_uri)?, &fields).await;
        field(&done(said, &self.refresh_token)?, "/access_token")
    }
}

impl ExternalAccount {
    async fn token(&self, web: &Web) -> Result<String, String> {
        let subject = self.credential_source.token(web).await?;
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", &*self.audience),
            ("scope", SCOPE),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token", &subject),
            ("subject_token_type", &self.subject_token_type),
        ];
        let said = web.form(safe(&self.token_url)?, &fields).await;
        let token = field(&done(said, &subject)?, "/access_token")?;
        let Some(url) = &self.service_account_impersonation_url else { return Ok(token) };
        let bearer = format!("Bearer {token}");
        let carried = headers(&[("authorization", &*bearer), ("content-type", "application/json")]);
        let said = web.post(safe(url)?, carried, json!({"scope": [SCOPE]}).to_string().into_bytes()).await;
        field(&done(said, &token)?, "/accessToken")
    }
}

impl Source {
    async fn token(&self, web: &Web) -> Result<String, String> {
        let text = match (&self.file, &self.url) {
            (Some(path), _) => read(path)?,
            (None, Some(url)) => {
                let fields: Vec<(&str, &str)> =
                    self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
                let said = done(web.get(safe(url)?, headers(&fields)).await, "")?;
                String::from_utf8(said.body).map_err(|_| "the subject token is not UTF-8")?
            }
            (None, None) => return Err("its credential_source is neither a file nor a url".into()),
        };
        if self.format.kind != "json" {
            return Ok(text.trim().into());
        }
        let name = &*self.format.subject_token_field_name;
        let value: Value = serde_json::from_str(&text).map_err(|_| "the subject token is no JSON")?;
        let token = value.get(name).and_then(Value::as_str);
        token.map(String::from).ok_or_else(|| format!("the subject token has no {name}"))
    }
}

fn safe(url: &str) -> Result<&str, String> {
    if is_safe(url) { Ok(url) } else { Err(format!("{} has no TLS", fetch::masked(url))) }
}
