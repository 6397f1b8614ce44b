//! What is known of how to be let in to one repository, while a run lasts.

use crate::credential::Found;
use crate::scope::Scope;
use crate::token::Token;
use fetch::http::HeaderValue;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How long credentials are taken for what they are: those of clouds end, and helpers give others.
const FOUND_LIFE: Duration = Duration::from_secs(30 * 60);
/// A token that is refused so soon after it was given is no good. An older one has been, and another will be.
const FRESH: Duration = Duration::from_secs(30);
/// So long before its end a token is not used any more, if it lives long enough.
const MARGIN: Duration = Duration::from_secs(30);

/// A repository, or a registry.
#[derive(Default)]
pub(crate) struct Lane {
    /// Held while a token is asked for, so that it is asked for once.
    pub gate: tokio::sync::Mutex<()>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    found: Option<(SystemTime, Arc<Found>)>,
    /// What the registry itself takes: a password, or its own token.
    direct: Option<HeaderValue>,
    tokens: Vec<Issued>,
}

struct Issued {
    header: HeaderValue,
    scopes: Vec<Scope>,
    since: SystemTime,
    until: SystemTime,
    /// Does it stand for one that was refused?
    anew: bool,
}

/// What becomes of a header that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It was none of this lane's, or is no longer.
    Unknown,
    /// It was a token, and another may do better.
    Dropped,
    /// Another would not.
    Final,
}

impl Lane {
    /// What a request carries that is to have these scopes.
    pub fn header(&self, scopes: &[Scope], now: SystemTime) -> Option<HeaderValue> {
        let held = self.held();
        if let Some(direct) = &held.direct {
            return Some(direct.clone());
        }
        let covers = |issued: &Issued, scope: &Scope| issued.scopes.iter().any(|has| has.covers(scope));
        let good = |issued: &&Issued| now < issued.until && scopes.iter().all(|scope| covers(issued, scope));
        held.tokens.iter().find(good).map(|issued| issued.header.clone())
    }

    /// Forgets what was refused.
    pub fn refuse(&self, sent: &HeaderValue, now: SystemTime) -> Refusal {
        let mut held = self.held();
        if held.direct.as_ref() == Some(sent) {
            held.direct = None;
            return Refusal::Final;
        }
        let Some(place) = held.tokens.iter().position(|issued| issued.header == *sent) else {
            return Refusal::Unknown;
        };
        let Issued { since, anew, .. } = held.tokens.remove(place);
        let is_fresh = now.duration_since(since).unwrap_or_default() < FRESH;
        if anew && is_fresh { Refusal::Final } else { Refusal::Dropped }
    }

    /// Keeps a token.
    pub fn keep(&self, token: &Token, scopes: &[Scope], now: SystemTime, anew: bool) {
        let mut held = self.held();
        held.tokens.retain(|issued| now < issued.until);
        let life = token.life.saturating_sub(MARGIN.min(token.life / 4));
        let (header, scopes) = (token.header.clone(), scopes.to_vec());
        held.tokens.push(Issued { header, scopes, since: now, until: now + life, anew });
    }

    /// Keeps what the registry itself takes.
    pub fn keep_direct(&self, header: &HeaderValue) {
        self.held().direct = Some(header.clone());
    }

    /// Who one is, if that was looked up not too long ago.
    pub fn found(&self, now: SystemTime) -> Option<Arc<Found>> {
        let held = self.held();
        let (since, found) = held.found.as_ref()?;
        (now.duration_since(*since).unwrap_or_default() < FOUND_LIFE).then(|| Arc::clone(found))
    }

    /// Who one was when that was looked up last, however long ago.
    pub fn last_found(&self) -> Option<Arc<Found>> {
        self.held().found.as_ref().map(|(_, found)| Arc::clone(found))
    }

    /// Keeps who one is.
    pub fn keep_found(&self, found: Found, now: SystemTime) -> Arc<Found> {
        let found = Arc::new(found);
        self.held().found = Some((now, Arc::clone(&found)));
        found
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
