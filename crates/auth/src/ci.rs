//! What CI services give their jobs for the registries beside them.

use crate::credential::Credential;
use crate::environment::Environment;
use crate::registry::{Wanted, normal};
use crate::trace::{Looked, Outcome, Place};

/// The registry of GitHub.
const GHCR: &str = "ghcr.io";

/// What this job has for a registry. Places are only told where they are about it.
pub(crate) fn find(
    environment: &Environment,
    wanted: &Wanted,
    trace: &mut Vec<Looked>,
) -> Option<Credential> {
    let in_github = environment.get("GITHUB_ACTIONS") == Some("true");
    if wanted.host == GHCR && in_github {
        let user = environment.get("GITHUB_ACTOR").unwrap_or("github-actions");
        return pair(environment, Some(user), "GITHUB_TOKEN", trace);
    }
    let of_gitlab = environment.get("CI_REGISTRY").map(normal);
    if of_gitlab.as_deref() == Some(&*wanted.host) {
        let user = environment.get("CI_REGISTRY_USER");
        let found = pair(environment, user, "CI_REGISTRY_PASSWORD", trace);
        return found.or_else(|| pair(environment, Some("gitlab-ci-token"), "CI_JOB_TOKEN", trace));
    }
    None
}

/// A user with a password of a variable.
fn pair(
    environment: &Environment,
    user: Option<&str>,
    variable: &str,
    trace: &mut Vec<Looked>,
) -> Option<Credential> {
    let password = environment.set(variable);
    let (outcome, credential) = match (password, user) {
        (None, _) => (Outcome::Absent, None),
        (Some(""), _) => (Outcome::Empty, None),
        (Some(_), None) => (Outcome::Passed { reason: "no variable says the user".into() }, None),
        (Some(password), Some(user)) => (
            Outcome::Has { what: "a password", user: Some(user.into()) },
            Some(Credential::Basic { user: user.into(), password: password.into() }),
        ),
    };
    trace.push(Looked { place: Place::Variable(variable.into()), outcome });
    credential
}
