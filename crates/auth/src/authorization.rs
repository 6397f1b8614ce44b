//! What a request carries.

use crate::challenge::Challenge;
use crate::clouds;
use crate::credential::{Credential, Found};
use crate::error::AuthError;
use crate::keychain::Keychain;
use crate::lane::{Lane, Refusal};
use crate::registry::{api_host, is_loopback, normal};
use crate::scope::{Action, Scope};
use crate::token::{Ask, basic, bearer, refused};
use crate::web::Web;
use fetch::Client;
use fetch::http::HeaderValue;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The most of a challenge that is shown, in letters.
const MAX_SHOWN: usize = 200;

/// Makes what a request carries. Clones of it share their tokens.
///
/// Credentials are those of the repository that the first scope names: a file may have some for a part of a registry.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    client: Client,
    web: Web,
    keychain: Keychain,
    lanes: Mutex<HashMap<(String, String), Arc<Lane>>>,
}

impl Auth {
    /// One that finds credentials in a keychain, and asks token servers through a client.
    pub fn new(client: Client, keychain: Keychain) -> Self {
        let web = Web::new(&client);
        Auth(Arc::new(Inner { client, web, keychain, lanes: Mutex::default() }))
    }

    /// What a request to a registry carries, as far as it is known before the registry asks: a token that covers all
    /// scopes, or a password where the registry has asked for one before.
    pub fn known(&self, registry: &str, scopes: &[Scope]) -> Option<HeaderValue> {
        self.lane(registry, scopes).header(scopes, self.0.web.pace().now())
    }

    /// What a request must carry, now that the registry has answered 401 with these headers `WWW-Authenticate` to one that
    /// carried `sent`. That is not given again.
    ///
    /// # Errors
    /// When the registry cannot be answered: also when it refuses a password, or a token that replaced one.
    pub async fn answer(
        &self,
        registry: &str,
        challenges: &[String],
        scopes: &[Scope],
        sent: Option<&HeaderValue>,
    ) -> Result<HeaderValue, AuthError> {
        let lane = self.lane(registry, scopes);
        let _alone = lane.gate.lock().await;
        let now = self.0.web.pace().now();
        let refusal = sent.map_or(Refusal::Unknown, |sent| lane.refuse(sent, now));
        let known = lane.header(scopes, now).filter(|_| refusal != Refusal::Final);
        if let Some(known) = known {
            // Another request was faster.
            return Ok(known);
        }
        let another = match refusal {
            Refusal::Final => self.another(&lane, registry, repository(scopes)).await,
            _ => None,
        };
        let is_refused = refusal == Refusal::Final && another.is_none();
        let found = match another {
            Some(another) => another,
            None => self.found(&lane, registry, repository(scopes)).await,
        };
        let asked = Challenge::parse(challenges);
        if is_refused {
            let said = asked.iter().find_map(Challenge::error).unwrap_or("401 Unauthorized");
            return Err(refused(registry, &found, said.chars().take(MAX_SHOWN).collect()));
        }
        if let Some(problem) = found.problem() {
            return Err(AuthError::Lookup {
                registry: registry.into(),
                problem: Box::new(problem.clone()),
                trace: found.trace.clone(),
            });
        }
        let of = |scheme: &str| asked.iter().find(|challenge| challenge.scheme == scheme);
        let (bearer_asked, basic_asked) = (of("bearer"), of("basic"));
        if let (Some(Credential::Bearer(token)), Some(_)) = (&found.credential, bearer_asked.or(basic_asked))
        {
            let header = bearer(token).ok_or_else(|| {
                refused(registry, &found, "the token has letters that no header can have".into())
            })?;
            lane.keep_direct(&header);
            return Ok(header);
        }
        if let Some(challenge) = bearer_asked {
            let wanted = match scopes {
                [] => challenge.scopes().map(String::from).collect(),
                scopes => scopes.iter().map(Scope::to_string).collect::<Vec<_>>(),
            };
            let plain = self.may_be_plain(registry);
            let ask = |found| Ask { registry, plain, challenge, scopes: &wanted, found };
            let token = match ask(&found).token(&self.0.web).await {
                Err(error @ AuthError::Refused { .. }) => {
                    let another = self.another(&lane, registry, repository(scopes)).await;
                    let another = another.ok_or(error)?;
                    ask(&another).token(&self.0.web).await?
                }
                other => other?,
            };
            lane.keep(&token, scopes, now, refusal != Refusal::Unknown);
            return Ok(token.header);
        }
        if basic_asked.is_some() {
            let header = password(registry, &found)?;
            lane.keep_direct(&header);
            return Ok(header);
        }
        let challenge = challenges.join(", ").chars().take(MAX_SHOWN).collect();
        Err(AuthError::Challenge { registry: registry.into(), challenge })
    }

    /// Who one is at a repository, and where that was looked for. Clouds and helpers are asked.
    pub async fn who(&self, registry: &str, repository: &str) -> Found {
        let scope = Scope { repository: repository.into(), action: Action::Pull };
        let lane = self.lane(registry, &[scope]);
        Found::clone(&*self.found(&lane, registry, repository).await)
    }

    /// Where credentials are looked for.
    pub fn keychain(&self) -> &Keychain {
        &self.0.keychain
    }

    /// May the registry be asked over plain HTTP?
    pub fn may_be_plain(&self, registry: &str) -> bool {
        let host = api_host(registry);
        is_loopback(&host) || self.0.client.is_insecure(&host)
    }

    async fn found(&self, lane: &Lane, registry: &str, repository: &str) -> Arc<Found> {
        let now = self.0.web.pace().now();
        match lane.found(now) {
            Some(found) => found,
            None => lane.keep_found(self.find(registry, repository).await, now),
        }
    }

    /// Who one is by now, if that is another than who was refused: what clouds and helpers give changes.
    async fn another(&self, lane: &Lane, registry: &str, repository: &str) -> Option<Arc<Found>> {
        let before = lane.last_found().filter(|before| before.credential.is_some())?;
        let now = self.find(registry, repository).await;
        let is_another = now.credential.is_some() && now.credential != before.credential;
        is_another.then(|| lane.keep_found(now, self.0.web.pace().now()))
    }

    async fn find(&self, registry: &str, repository: &str) -> Found {
        let keychain = self.0.keychain.clone();
        let (host, below) = (registry.to_owned(), repository.to_owned());
        // It may start programs, and wait for them.
        let found = tokio::task::spawn_blocking(move || keychain.find(&host, &below)).await;
        let mut found = found.unwrap_or_default();
        if found.credential.is_none() && found.problem().is_none() {
            let environment = &self.0.keychain.settings().environment;
            let (credential, looked) = clouds::find(&self.0.web, environment, registry).await;
            found.credential = credential;
            found.trace.extend(looked);
        }
        found
    }

    fn lane(&self, registry: &str, scopes: &[Scope]) -> Arc<Lane> {
        let key = (normal(registry), repository(scopes).to_owned());
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(key).or_default())
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("keychain", &self.0.keychain).finish_non_exhaustive()
    }
}

/// The repository whose credentials count.
fn repository(scopes: &[Scope]) -> &str {
    scopes.first().map_or("", |scope| &scope.repository)
}

/// What a registry gets that asks for a password.
fn password(registry: &str, found: &Found) -> Result<HeaderValue, AuthError> {
    match &found.credential {
        Some(Credential::Basic { user, password }) => Ok(basic(user, password)),
        Some(other) => Err(AuthError::NoPassword {
            registry: registry.into(),
            kind: other.kind(),
            place: found.place().cloned(),
        }),
        None => Err(AuthError::None { registry: registry.into(), trace: found.trace.clone() }),
    }
}

#[cfg(test)]
mod tests;
