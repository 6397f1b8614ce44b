//! What can go wrong with a download.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Something could not be fetched. URLs are shown without their secrets, see [`masked`](crate::masked).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A URL that nothing can be fetched from.
    #[error("{url} cannot be fetched: {reason}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The client may use no network.
    #[error("{url} was not fetched: offline")]
    Offline {
        /// The URL.
        url: String,
    },
    /// The server, or this machine, has no such file: 404, 410.
    #[error("{url} is not there{}", shown_status(*status))]
    NotFound {
        /// The URL.
        url: String,
        /// What the server answered; nothing for a file of this machine.
        status: Option<u16>,
    },
    /// The server wants to know who asks, or did not accept what it was told: 401, 407.
    #[error("{url} needs credentials: {} ({status})", if *sent { "those given were refused" } else { "none were given" })]
    Unauthorized {
        /// The URL.
        url: String,
        /// What the server answered.
        status: u16,
        /// Had it got credentials?
        sent: bool,
    },
    /// The server does not let this client have it: 403.
    #[error("{url} is forbidden ({status})")]
    Forbidden {
        /// The URL.
        url: String,
        /// What the server answered.
        status: u16,
    },
    /// The server answered something that another try would not change.
    #[error("{url}: the server answered {status}")]
    Status {
        /// The URL.
        url: String,
        /// What the server answered.
        status: u16,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects to {to}, which is not followed: {reason}")]
    Redirect {
        /// The URL that was asked for.
        url: String,
        /// Where it leads to.
        to: String,
        /// Why that is not followed.
        reason: String,
    },
    /// The server is not who it should be, or speaks no TLS that is safe.
    #[error("{url}: no TLS connection")]
    Tls {
        /// The URL.
        url: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server does not speak TLS at all.
    #[error("{url}: the server speaks no TLS")]
    NotTls {
        /// The URL.
        url: String,
    },
    /// The length is wrong.
    #[error("{url} has {found} bytes, not {expected}")]
    Size {
        /// The URL.
        url: String,
        /// The length it should have, in bytes.
        expected: u64,
        /// The length it has, as far as was seen.
        found: u64,
    },
    /// The digest is wrong.
    #[error("{url} has the digest {found}, not {expected}")]
    Digest {
        /// The URL.
        url: String,
        /// The digest it should have, as `sha256:…` or `sha512:…`.
        expected: String,
        /// The digest it has.
        found: String,
    },
    /// It is longer than is taken.
    #[error("{url} is longer than {limit} bytes")]
    TooLarge {
        /// The URL.
        url: String,
        /// The most that is taken, in bytes.
        limit: u64,
    },
    /// All tries failed.
    #[error("{url} could not be fetched in {} tries: {}", tries.len(), shown_tries(tries))]
    GaveUp {
        /// The URL.
        url: String,
        /// What became of each, in order.
        tries: Vec<Try>,
    },
    /// A file of this machine could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// What was fetched could not be written.
    #[error("cannot store what comes from {url}")]
    Write {
        /// The URL.
        url: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The client cannot be set up.
    #[error("cannot set up downloads: {reason}")]
    Setup {
        /// What failed.
        reason: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl FetchError {
    /// Is it that there is no such thing, rather than that it could not be fetched?
    pub fn is_not_found(&self) -> bool {
        matches!(self, FetchError::NotFound { .. })
    }

    /// Is it about the bytes: did the server have others than were expected?
    pub fn is_mismatch(&self) -> bool {
        matches!(self, FetchError::Size { .. } | FetchError::Digest { .. } | FetchError::TooLarge { .. })
    }
}

/// A try that failed, where another one might not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// What the server answered, if it did.
    pub status: Option<u16>,
    /// What happened.
    pub message: String,
    /// The bytes that were there when it did.
    pub received: u64,
}

impl fmt::Display for Try {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.received > 0 { write!(f, " (after {} bytes)", self.received) } else { Ok(()) }
    }
}

fn shown_status(status: Option<u16>) -> String {
    status.map(|status| format!(" ({status})")).unwrap_or_default()
}

/// The story of all tries; those that ended alike are told together.
fn shown_tries(tries: &[Try]) -> String {
    let told = tries.chunk_by(|one, other| one == other).map(|alike| match alike {
        [one] => one.to_string(),
        alike => format!("{} times {}", alike.len(), alike.first().map(Try::to_string).unwrap_or_default()),
    });
    told.collect::<Vec<_>>().join("; ")
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some libraries repeat their cause in their own text.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
