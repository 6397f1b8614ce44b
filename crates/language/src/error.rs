//! What stops a language from bringing its part.

use std::{io, path::PathBuf};
use tree::{PathError, ReadError, ResolveError, ViewError};

/// A language could not bring what it should. What is wrong with the application itself is a
/// [`Problem`](plan::finding::Problem) of what it brings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LanguageError {
    /// A build tool is not on this machine.
    #[error("{tool} is not on this machine, and {purpose} needs it")]
    NoTool {
        /// The tool: `uv`, `npm`, `python3.13`.
        tool: String,
        /// What needs it.
        purpose: String,
    },
    /// A build tool is too old.
    #[error("{tool} is of version {found}, and {needed} or newer is needed")]
    OldTool {
        /// The tool.
        tool: String,
        /// Its version.
        found: String,
        /// The oldest that will do.
        needed: String,
    },
    /// A build tool is of another version than what it works on.
    #[error("{tool} is of version {found}, and {target} is of version {needed}")]
    OtherTool {
        /// The tool, and where it is.
        tool: String,
        /// Its version.
        found: String,
        /// What it works on.
        target: String,
        /// The version of that.
        needed: String,
    },
    /// A build tool failed.
    #[error("{tool} failed ({status}): {said}")]
    Failed {
        /// The tool, and what it did.
        tool: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        said: String,
    },
    /// What the application asks for cannot be had: a tool says why.
    #[error("{tool} refuses what is asked for: {said}")]
    Refused {
        /// The tool, and what it did.
        tool: String,
        /// The end of what it said.
        said: String,
    },
    /// A file of the application that says what it needs is missing, or not what it should be.
    #[error("cannot read {}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a build tool said cannot be understood.
    #[error("the answer of {tool} cannot be understood: {what}")]
    Answer {
        /// The tool.
        tool: String,
        /// What is wrong with it.
        what: String,
    },
    /// A build tool that is a package cannot be had.
    #[error("{purpose} needs the packages {}: {why}", packages.join(", "))]
    NoPackages {
        /// The packages.
        packages: Vec<String>,
        /// What needs them.
        purpose: String,
        /// Why there are none.
        why: String,
    },
    /// Something cannot be fetched.
    #[error("{what} cannot be fetched")]
    Fetch {
        /// What.
        what: String,
        /// Why.
        source: Box<fetch::FetchError>,
    },
    /// Something is not at hand, and nothing may be fetched.
    #[error("{what} is not in the cache, and nothing may be fetched")]
    Offline {
        /// What.
        what: String,
    },
    /// The inputs of a language are others than those that the lock was made of.
    #[error("{input} has changed since the lock was written")]
    Misfit {
        /// The file, as the spec names it.
        input: String,
    },
    /// The lock has nothing of a language, and may not change.
    #[error("the lock has nothing of {what}")]
    NotLocked {
        /// What.
        what: String,
    },
    /// A file of this machine cannot be read or written.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program cannot be stripped of its symbols.
    #[error("{program} cannot be stripped")]
    Strip {
        /// The program, and where it comes from.
        program: String,
        /// Why.
        source: Box<elf::ElfError>,
    },
    /// An ELF file could not be read.
    #[error(transparent)]
    Elf(#[from] elf::ElfError),
    /// A place could not be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A file of a place could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A path leads nowhere.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A path is none that an image can have.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A folder of this machine could not be read.
    #[error(transparent)]
    Source(#[from] source::SourceError),
    /// The plan of something could not be made.
    #[error("build tools cannot be had")]
    Tools(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl LanguageError {
    /// A file that cannot be read.
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| LanguageError::File { verb: "read", path, source }
    }

    /// A file that says what an application needs, and cannot be read as that.
    pub(crate) fn input(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| LanguageError::Input { path, source }
    }

    /// What a walk over files of this machine ended with: the first error of it.
    pub(crate) fn first(errors: Vec<source::SourceError>) -> Self {
        let first = errors.into_iter().next();
        first.map_or_else(|| LanguageError::read(".")(io::ErrorKind::Other.into()), LanguageError::Source)
    }

    /// A file that cannot be written.
    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| LanguageError::File { verb: "write", path, source }
    }
}
