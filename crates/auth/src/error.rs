//! What can go wrong with credentials.

use crate::trace::{Looked, Place};
use fetch::FetchError;
use std::io;
use std::path::PathBuf;

/// A registry wants to know who asks, and no answer could be made; or a login could not be kept. It has no secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The registry asks in a way that is not known.
    #[error("{registry} asks for credentials in a way that is not known: {challenge}")]
    Challenge {
        /// The registry.
        registry: String,
        /// What it answered.
        challenge: String,
    },
    /// There are no credentials for it.
    #[error("there are no credentials for {registry}")]
    None {
        /// The registry.
        registry: String,
        /// Where they were looked for.
        trace: Vec<Looked>,
    },
    /// There are none, and a place that may have some cannot be looked at.
    #[error("no credentials for {registry}: {problem}")]
    Lookup {
        /// The registry.
        registry: String,
        /// The place, and why.
        problem: Box<Looked>,
        /// Where they were looked for.
        trace: Vec<Looked>,
    },
    /// The registry, or its token server, does not accept who asks.
    #[error("{registry} does not accept {}: {said}", shown_who(user.as_deref(), place.as_deref()))]
    Refused {
        /// The registry.
        registry: String,
        /// The user, where there is one.
        user: Option<String>,
        /// The place that the credentials are from; none: there were none.
        place: Option<Box<Place>>,
        /// What it said.
        said: String,
        /// Where credentials were looked for.
        trace: Vec<Looked>,
    },
    /// The registry wants a password, and something else is there.
    #[error("{registry} takes a password only, and {} has {kind}", place.as_ref().map_or_else(|| "what was found".into(), Place::to_string))]
    NoPassword {
        /// The registry.
        registry: String,
        /// What is there.
        kind: &'static str,
        /// Where.
        place: Option<Place>,
    },
    /// The token server that the registry names is not asked.
    #[error("{registry} names {realm} as its token server, which is not asked: {reason}")]
    Realm {
        /// The registry.
        registry: String,
        /// The token server.
        realm: String,
        /// Why not.
        reason: &'static str,
    },
    /// The token server gives no token.
    #[error("no token for {registry} from {realm}: {said}")]
    TokenServer {
        /// The registry.
        registry: String,
        /// The token server.
        realm: String,
        /// What it said.
        said: String,
    },
    /// The token server does not work.
    #[error("no token for {registry}: {realm} does not work: {said}")]
    Unwell {
        /// The registry.
        registry: String,
        /// The token server.
        realm: String,
        /// What it said.
        said: String,
    },
    /// The token server could not be asked.
    #[error("no token for {registry}")]
    Fetch {
        /// The registry.
        registry: String,
        /// What went wrong.
        source: FetchError,
    },
    /// No place is known for credential files.
    #[error("no place for a credential file: neither DOCKER_CONFIG nor HOME is set")]
    NoFile,
    /// A credential file cannot be read.
    #[error("cannot read the credential file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A credential file that is none.
    #[error("{} is no credential file: mistake in line {line}, column {column}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line with the mistake, from 1.
        line: usize,
        /// The column there, from 1.
        column: usize,
    },
    /// A credential file cannot be written.
    #[error("cannot write the credential file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A credential helper does not do what it is asked for.
    #[error("{program} does not {action} credentials: {reason}")]
    Helper {
        /// The program.
        program: String,
        /// What it was asked for.
        action: &'static str,
        /// What came of it.
        reason: String,
    },
}

impl AuthError {
    /// Where credentials were looked for, if it is about that.
    pub fn trace(&self) -> &[Looked] {
        match self {
            AuthError::None { trace, .. }
            | AuthError::Lookup { trace, .. }
            | AuthError::Refused { trace, .. } => trace,
            _ => &[],
        }
    }

    /// Is it about who one is, rather than about a network or a disk that fails?
    pub fn is_refusal(&self) -> bool {
        !matches!(
            self,
            AuthError::Unwell { .. }
                | AuthError::Fetch { .. }
                | AuthError::NoFile
                | AuthError::Read { .. }
                | AuthError::Write { .. }
        )
    }
}

fn shown_who(user: Option<&str>, place: Option<&Place>) -> String {
    match (user, place) {
        (Some(user), Some(place)) => format!("user {user} of {place}"),
        (Some(user), None) => format!("user {user}"),
        (None, Some(place)) => format!("the token of {place}"),
        (None, None) => "requests without credentials".into(),
    }
}
