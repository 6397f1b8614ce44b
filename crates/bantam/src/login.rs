//! Who one is at registries: logging in and out, and what they let one do.

mod door;

use crate::Error;
use auth::{Action, AuthError, CredentialFile, Found, Kept, Login, Scope, Settings};
use door::{Door, said};
use fetch::Client;
use fetch::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::path::PathBuf;
use store::{ImageName, Network};

/// The media types of what an image's name stands for.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.docker.distribution.manifest.v2+json";

/// A login that a registry accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// Where it is kept.
    pub kept: Kept,
    /// Did the registry ask who it is? One that lets everybody in accepts anything.
    pub asked: bool,
}

/// A login that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedOut {
    /// The file where it was looked for.
    pub file: PathBuf,
    /// Was there one?
    pub was: bool,
}

/// What a registry lets one do with a repository.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Who one is there, and where that was looked for.
    pub found: Found,
    /// Did the registry ask who it is?
    pub asked: bool,
    /// May one read?
    pub pull: Access,
    /// May one write? Only if that was to be found out.
    pub push: Option<Access>,
}

/// Is something allowed?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Yes.
    Granted,
    /// As far as can be told: there is no such image.
    Absent,
    /// No.
    Refused {
        /// What the registry said.
        said: String,
    },
}

/// Logs in: asks the registry whether it knows who that is, and keeps it if so.
///
/// # Errors
/// When the registry cannot be reached or does not accept it, or when it cannot be kept.
pub fn login(client: &Client, settings: Settings, login: &Login) -> Result<LoggedIn, Error> {
    // Before anybody is asked: without a place for it, the answer would be of no use.
    CredentialFile::of(&settings)?;
    let keychain = auth::Keychain::new(Settings { login: Some(login.clone()), ..settings });
    let network = Network::new(client.clone(), keychain);
    let door = Door::new(&network, &login.registry);
    let reply = door.wait(door.first(Method::GET, "/v2/", &HeaderMap::new(), &[]))?;
    match reply.status() {
        StatusCode::OK => {}
        StatusCode::FORBIDDEN => {
            let refused = async { Ok(door.refused(said(reply).await).await) };
            return Err(door.wait(refused)?.into());
        }
        status => return Err(door.no_registry(status)),
    }
    let file = CredentialFile::of(network.auth.keychain().settings())?;
    Ok(LoggedIn { kept: file.save(&login.registry, &login.credential)?, asked: door.asked() })
}

/// Logs out: forgets what is kept for a registry where logins go.
///
/// # Errors
/// When the file or helper does not let go of it.
pub fn logout(settings: &Settings, registry: &str) -> Result<LoggedOut, Error> {
    let file = CredentialFile::of(settings)?;
    Ok(LoggedOut { was: file.forget(registry)?, file: file.path().into() })
}

/// Finds out what a registry lets one do with a repository, without changing anything.
///
/// # Errors
/// When the registry cannot be reached, or is none. That it refuses is no error.
pub fn check_access(network: &Network, name: &ImageName, push: bool) -> Result<Checked, Error> {
    let registry = name.registry.as_deref().unwrap_or("docker.io");
    let door = Door::new(network, registry);
    let repository = repository(registry, &name.repository);
    let found = door.wait(async { Ok(network.auth.who(registry, &repository).await) })?;
    let scope = |action| vec![Scope { repository: repository.clone(), action }];
    let pull = door.access(pull(&door, name, &repository, &scope(Action::Pull)))?;
    let push = match push {
        true => Some(door.access(can_push(&door, &repository, &scope(Action::PullPush)))?),
        false => None,
    };
    Ok(Checked { found, asked: door.asked(), pull, push })
}

impl Checked {
    /// May one do all that was to be found out?
    pub fn is_granted(&self) -> bool {
        let all = [Some(&self.pull), self.push.as_ref()];
        !all.into_iter().flatten().any(|access| matches!(access, Access::Refused { .. }))
    }
}

async fn pull(
    door: &Door<'_>,
    name: &ImageName,
    repository: &str,
    scopes: &[Scope],
) -> Result<Access, Error> {
    let which = match &name.digest {
        Some(digest) => digest.to_string(),
        None => name.tag_or_latest().to_owned(),
    };
    let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(MANIFESTS))]);
    let path = format!("/v2/{repository}/manifests/{which}");
    let reply = door.first(Method::HEAD, &path, &headers, scopes).await?;
    match reply.status() {
        status if status.is_success() => Ok(Access::Granted),
        StatusCode::NOT_FOUND => Ok(Access::Absent),
        StatusCode::FORBIDDEN => Ok(Access::Refused { said: said(reply).await }),
        status => Err(door.no_registry(status)),
    }
}

/// Begins an upload, and gives it up.
async fn can_push(door: &Door<'_>, repository: &str, scopes: &[Scope]) -> Result<Access, Error> {
    let path = format!("/v2/{repository}/blobs/uploads/");
    let reply = door.first(Method::POST, &path, &HeaderMap::new(), scopes).await?;
    match reply.status() {
        StatusCode::ACCEPTED => {
            door.give_up(&reply, scopes).await;
            Ok(Access::Granted)
        }
        status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
            Ok(Access::Refused { said: said(reply).await })
        }
        status => Err(door.no_registry(status)),
    }
}

/// A repository as its registry calls it: a single word is one of Docker Hub's library.
fn repository(registry: &str, repository: &str) -> String {
    let is_hub = auth::api_host(registry) == auth::api_host("docker.io");
    if is_hub && !repository.contains('/') { format!("library/{repository}") } else { repository.into() }
}

impl Door<'_> {
    /// What came of a question; that one is not let in is an answer.
    fn access(&self, asking: impl Future<Output = Result<Access, Error>> + Send) -> Result<Access, Error> {
        match self.wait(asking) {
            Err(Error::Auth(error)) if error.is_refusal() => Ok(Access::Refused { said: error.to_string() }),
            other => other,
        }
    }

    async fn refused(&self, said: String) -> AuthError {
        let found = self.network.auth.who(self.registry, "").await;
        AuthError::Refused {
            registry: self.registry.into(),
            user: found.credential.as_ref().and_then(|credential| credential.user()).map(String::from),
            place: found.place().cloned().map(Box::new),
            said,
            trace: found.trace,
        }
    }

    fn no_registry(&self, status: StatusCode) -> Error {
        let (registry, said) = (self.registry.into(), status.to_string());
        match status.as_u16() {
            408 | 425 | 429 | 500..=599 => Error::Unwell { registry, said },
            _ => Error::NoRegistry { registry, said },
        }
    }
}
