//! Where credentials were looked for, and what was there: in words without secrets.

use std::fmt;
use std::path::PathBuf;

/// A place that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The place.
    pub place: Place,
    /// What was there.
    pub outcome: Outcome,
}

/// Where credentials may be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A flag.
    Flag(&'static str),
    /// A variable of the environment.
    Variable(String),
    /// A credential file.
    File {
        /// Its path.
        path: PathBuf,
        /// The flag or variable that names it, where one does.
        by: Option<&'static str>,
    },
    /// A credential helper.
    Helper {
        /// The program: `docker-credential-…`.
        program: String,
        /// The place that names it.
        by: Box<Place>,
    },
    /// What a cloud gives to what runs in it, or to whoever has its keys: `Amazon ECR`.
    Cloud(&'static str),
}

/// What was there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing at all.
    Absent,
    /// It is set, but to nothing.
    Empty,
    /// It has nothing for the registry.
    NoEntry {
        /// The registry.
        registry: String,
    },
    /// It has an entry without a secret.
    EmptyEntry {
        /// Its key.
        key: String,
    },
    /// This is it.
    Has {
        /// What it is: the name of a field, or words.
        what: &'static str,
        /// The user, where it is said.
        user: Option<String>,
    },
    /// It says nothing of the registry for a reason that is worth knowing.
    Passed {
        /// The reason.
        reason: String,
    },
    /// It is no credential file.
    Damaged {
        /// Its line with the mistake, from 1.
        line: usize,
        /// The column there, from 1.
        column: usize,
    },
    /// It could not be looked at.
    Failed {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, &self.outcome) {
            (Place::Variable(name), Outcome::Absent) => write!(f, "{name} is not set"),
            (Place::Variable(name), Outcome::Empty) => write!(f, "{name} is set but empty"),
            (place, outcome) => write!(f, "{place} {outcome}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Flag(name) | Place::Cloud(name) => f.write_str(name),
            Place::Variable(name) => f.write_str(name),
            Place::File { path, by: None } => write!(f, "{}", path.display()),
            Place::File { path, by: Some(by) } => write!(f, "{} ({by})", path.display()),
            Place::Helper { program, by } => write!(f, "{program} (named in {by})"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Absent => f.write_str("is not there"),
            Outcome::Empty => f.write_str("is empty"),
            Outcome::NoEntry { registry } => write!(f, "has no entry for {registry}"),
            Outcome::EmptyEntry { key } => write!(f, "has an entry for {key} without a secret"),
            Outcome::Has { what, user: None } => write!(f, "has {what}"),
            Outcome::Has { what, user: Some(user) } => write!(f, "has {what} of user {user}"),
            Outcome::Passed { reason } => write!(f, "has nothing: {reason}"),
            Outcome::Damaged { line, column } => {
                write!(f, "is no credential file: mistake in line {line}, column {column}")
            }
            Outcome::Failed { reason } => write!(f, "cannot be used: {reason}"),
        }
    }
}
