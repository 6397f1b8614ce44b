//! What a token is for.

use std::fmt;

/// What may be done with a repository ([token scopes][spec]).
///
/// [spec]: https://distribution.github.io/distribution/spec/auth/scope/
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The repository, below the registry.
    pub repository: String,
    /// What is to be done with it.
    pub action: Action,
}

/// What is to be done with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Reading.
    Pull,
    /// Reading and writing.
    PullPush,
}

impl Scope {
    /// May whoever has this do what `other` is about?
    pub(crate) fn covers(&self, other: &Scope) -> bool {
        self.repository == other.repository && self.action >= other.action
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions = match self.action {
            Action::Pull => "pull",
            Action::PullPush => "pull,push",
        };
        write!(f, "repository:{}:{actions}", self.repository)
    }
}
