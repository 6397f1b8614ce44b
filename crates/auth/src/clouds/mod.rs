//! What clouds give to whoever has their keys, or runs in them, for their own registries. No other program is needed.
//!
//! They are asked only when nothing was said of the registry, and only the cloud whose registry it is.

mod aws;
mod azure;
mod ecr;
mod google;
mod ini;
mod sigv4;

use crate::credential::Credential;
use crate::environment::Environment;
use crate::registry::normal;
use crate::trace::{Looked, Outcome, Place};
use crate::web::{Said, Web, told};
use fetch::FetchError;

/// A search for what a cloud gives.
struct Asking<'a> {
    web: &'a Web,
    environment: &'a Environment,
    trace: Vec<Looked>,
}

/// What the cloud that a registry is of gives for it, and where that was looked for.
pub(crate) async fn find(
    web: &Web,
    environment: &Environment,
    registry: &str,
) -> (Option<Credential>, Vec<Looked>) {
    let mut asking = Asking { web, environment, trace: vec![] };
    if web.is_offline() {
        return (None, asking.trace);
    }
    let host = normal(registry);
    let found = if let Some(place) = ecr::Registry::of(&host) {
        ecr::find(&mut asking, &place).await
    } else if google::is_registry(&host) {
        google::find(&mut asking).await
    } else if azure::is_registry(&host) {
        azure::find(&mut asking, &format!("https://{host}"), &host).await
    } else {
        None
    };
    (found, asking.trace)
}

impl Asking<'_> {
    fn tell(&mut self, place: &'static str, outcome: Outcome) {
        self.trace.push(Looked { place: Place::Cloud(place), outcome });
    }

    /// Tells of something that should have worked: somebody set it up.
    fn failed(&mut self, place: &'static str, reason: impl Into<String>) {
        self.tell(place, Outcome::Failed { reason: reason.into() });
    }

    /// Tells of something that need not be there.
    fn passed(&mut self, place: &'static str, reason: impl Into<String>) {
        self.tell(place, Outcome::Passed { reason: reason.into() });
    }

    fn has(&mut self, place: &'static str, what: &'static str) {
        self.tell(place, Outcome::Has { what, user: None });
    }
}

/// The answer of a server that did what it was asked for; else, in words, why not. `secret` is what it was told.
fn done(answer: Result<Said, FetchError>, secret: &str) -> Result<Said, String> {
    let said = answer.map_err(|error| told(&error))?;
    if said.status.is_success() { Ok(said) } else { Err(said.words(secret)) }
}

/// A text of a JSON answer.
fn field(said: &Said, pointer: &str) -> Result<String, String> {
    let text = said.json().and_then(|json| Some(json.pointer(pointer)?.as_str()?.to_owned()));
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| format!("its answer has no {}", pointer.trim_start_matches('/')))
}

/// Reads a small file that a variable or another file names.
fn read(path: &std::path::Path) -> Result<String, String> {
    let bytes = crate::file::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let bytes = bytes.ok_or_else(|| format!("{} is not there", path.display()))?;
    String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", path.display()))
}

#[cfg(test)]
mod tests;
