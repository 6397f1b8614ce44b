//! What can go wrong with an archive.

use crate::keyring::SignatureError;
use crate::release::ReleaseError;
use fetch::FetchError;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// An archive cannot be used, or something of it not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// No mirror has a release of the suite that counts.
    #[error("no mirror has a release of {suite} that can be used: {}", told(said))]
    Release {
        /// The suite.
        suite: String,
        /// What each mirror said.
        said: Vec<Said>,
    },
    /// A suite has no such index.
    #[error("the release of {suite} lists no {wanted}; its architectures are {}", architectures.join(", "))]
    NoIndex {
        /// The suite.
        suite: String,
        /// The index, without the ending that says how it is compressed.
        wanted: String,
        /// The architectures that the suite has.
        architectures: Vec<String>,
    },
    /// A file that the release lists cannot be had as it is listed.
    #[error("no mirror has {path} of {suite} as its release lists it: {}", told(said))]
    Index {
        /// The suite.
        suite: String,
        /// The file, relative to the release.
        path: String,
        /// What each mirror said.
        said: Vec<Said>,
    },
    /// An index cannot be unpacked.
    #[error("cannot unpack {origin}")]
    Unpack {
        /// Where it is from.
        origin: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// An index is longer than any.
    #[error("{origin} has more than {limit} bytes")]
    TooLong {
        /// Where it is from.
        origin: String,
        /// How many are read.
        limit: u64,
    },
    /// A package cannot be had.
    #[error("no mirror has {filename} of {suite}: {}", told(said))]
    Package {
        /// The suite.
        suite: String,
        /// The package, relative to the archive's root.
        filename: String,
        /// What each mirror said.
        said: Vec<Said>,
    },
    /// Several things cannot be had.
    #[error("{}", told(errors))]
    Several {
        /// What is wrong with each.
        errors: Vec<ArchiveError>,
    },
    /// A package is of no suite of this archive.
    #[error("{filename} is of no suite that is known here")]
    NoSuite {
        /// The package.
        filename: String,
    },
    /// The path of a package or a suite could lead anywhere.
    #[error("{path:?} of {suite} is no path in an archive")]
    Path {
        /// The suite.
        suite: String,
        /// The path.
        path: String,
    },
    /// The downloads cannot be set up, or stored.
    #[error("cannot download anything")]
    Fetch(#[source] FetchError),
    /// What was downloaded cannot be read again.
    #[error("cannot read what came from {origin}")]
    Read {
        /// Where it is from.
        origin: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What came of asking a mirror.
#[derive(Debug)]
#[non_exhaustive]
pub enum Said {
    /// It could not be fetched. The error has the URL.
    Fetch(FetchError),
    /// It is no release that counts.
    Unverified {
        /// The URL.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ArchiveError {
    /// What mirrors said.
    pub fn said(&self) -> Vec<&Said> {
        match self {
            ArchiveError::Release { said, .. }
            | ArchiveError::Index { said, .. }
            | ArchiveError::Package { said, .. } => said.iter().collect(),
            ArchiveError::Several { errors } => errors.iter().flat_map(ArchiveError::said).collect(),
            _ => vec![],
        }
    }

    /// The text in lines: what is wrong, and below it what each mirror said.
    pub fn lines(&self) -> Vec<String> {
        if let ArchiveError::Several { errors } = self {
            return errors.iter().flat_map(ArchiveError::lines).collect();
        }
        let (text, said) = (self.to_string(), self.said());
        match said.len() {
            0 | 1 => vec![text],
            _ => {
                let all = told(&said);
                let head = text.strip_suffix(&all).unwrap_or(&text).trim_end().to_owned();
                [head].into_iter().chain(said.iter().map(|said| format!("  {said}"))).collect()
            }
        }
    }

    /// One error of several; nothing, if there is none.
    pub(super) fn of(mut errors: Vec<ArchiveError>) -> Option<Self> {
        if errors.len() > 1 { Some(ArchiveError::Several { errors }) } else { errors.pop() }
    }

    /// May it be that the release is older or newer than what is beside it?
    pub(super) fn may_be_stale(&self) -> bool {
        matches!(self, ArchiveError::Index { said, .. } if said.iter().any(Said::is_of_one_form))
    }
}

impl Said {
    /// Has the mirror no such thing?
    pub fn is_not_there(&self) -> bool {
        matches!(self, Said::Fetch(FetchError::NotFound { .. }))
    }

    /// Was it not asked, because there is no network?
    pub fn is_offline(&self) -> bool {
        matches!(self, Said::Fetch(FetchError::Offline { .. }))
    }

    /// Does it want to know who asks?
    pub fn wants_credentials(&self) -> bool {
        matches!(self, Said::Fetch(FetchError::Unauthorized { .. }))
    }

    /// Is it signed by nobody who may?
    pub fn is_of_others(&self) -> bool {
        match self {
            Said::Unverified { source, .. } => source
                .downcast_ref::<SignatureError>()
                .is_some_and(|error| matches!(error, SignatureError::NoneCounts(_))),
            Said::Fetch(_) => false,
        }
    }

    /// Is it of another time?
    pub fn is_outdated(&self) -> bool {
        match self {
            Said::Unverified { source, .. } => source.downcast_ref::<ReleaseError>().is_some_and(|error| {
                matches!(error, ReleaseError::Expired { .. } | ReleaseError::FromTheFuture { .. })
            }),
            Said::Fetch(_) => false,
        }
    }

    /// Has the mirror no such thing? Some object stores say that it is forbidden.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Said::Fetch(FetchError::NotFound { .. } | FetchError::Forbidden { .. }))
    }

    /// May the mirror have the same in another form, or at another time?
    pub(super) fn is_of_one_form(&self) -> bool {
        let offline = matches!(self, Said::Fetch(FetchError::Offline { .. }));
        offline || self.is_absent() || matches!(self, Said::Fetch(error) if error.is_mismatch())
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, source) = match self {
            Said::Fetch(error) => (error.to_string(), std::error::Error::source(error)),
            Said::Unverified { url, source } => (format!("{url}: {source}"), source.source()),
        };
        f.write_str(&text)?;
        let mut source = source;
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

fn told<T: fmt::Display>(said: &[T]) -> String {
    if said.is_empty() {
        return "there is none".into();
    }
    said.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
