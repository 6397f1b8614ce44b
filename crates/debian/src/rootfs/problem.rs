//! What is not right about packages as a root file system.

use crate::scripts::ScriptLine;
use std::fmt;
use tree::TreePath;

/// Something that packages do not agree on, or that they do and nobody can say what.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Two packages have something else at one path, and neither replaces the other. What the first has stays.
    Conflict(Conflict),
    /// A package stands twice in the list. The second is left out.
    Twice {
        /// The package.
        package: String,
    },
    /// A script of the package does something that no rule knows, or that is known not to be done: its files may not be
    /// all that it needs.
    Unhandled {
        /// The package.
        package: String,
        /// The lines of its scripts.
        lines: Vec<ScriptLine>,
    },
    /// A file of the packages that is needed to make another cannot be read.
    Unreadable {
        /// The file.
        path: TreePath,
        /// What went wrong.
        reason: String,
    },
}

/// Two packages that have something else at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The path, in the merged tree.
    pub path: TreePath,
    /// The package whose entry stays, and what it is there: `a file`.
    pub kept: (String, &'static str),
    /// The package whose entry is left out, and what it would be.
    pub dropped: (String, &'static str),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Conflict(Conflict { path, kept, dropped }) => {
                write!(f, "{path} is {} of {} and {} of {}", kept.1, kept.0, dropped.1, dropped.0)
            }
            Problem::Twice { package } => write!(f, "{package} stands twice among the packages"),
            Problem::Unhandled { package, lines } => {
                let name = |line: &ScriptLine| format!("line {} of {}", line.line, line.script.name());
                let names: Vec<String> = lines.iter().map(name).collect();
                write!(f, "what {package} does when it is installed is not known: {}", names.join(", "))
            }
            Problem::Unreadable { path, reason } => write!(f, "cannot read {path}: {reason}"),
        }
    }
}
