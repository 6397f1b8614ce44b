//! What can go wrong with credentials.

use fetch::FetchError;

/// A registry wants to know who asks, and no answer could be made.
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
    },
    /// The token server could not be asked.
    #[error("no token for {registry}")]
    Fetch {
        /// The registry.
        registry: String,
        /// What went wrong.
        source: FetchError,
    },
}
