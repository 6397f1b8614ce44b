//! Why a keyring cannot be read, and why a signature does not count.

use crate::date::shown;
use std::error::Error;
use std::fmt;

/// A file is no keyring.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// It is longer than any keyring.
    #[error("the keyring is {size} bytes long, more than {limit}")]
    TooLong {
        /// Its length in bytes.
        size: usize,
        /// How long it may be.
        limit: usize,
    },
    /// An armored block in it is broken.
    #[error("the armor of the keyring is broken")]
    Armor(#[source] SignatureError),
    /// It holds no public key.
    #[error("the keyring holds no public key")]
    Empty,
    /// It holds public keys, but none that could be read.
    #[error("the keyring holds no public key that can be read")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
}

/// A text is not signed as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The text, or the file of its signatures, is longer than any is.
    #[error("the signed text is {size} bytes long, more than {limit}")]
    TooLong {
        /// Its length in bytes.
        size: usize,
        /// How long it may be.
        limit: usize,
    },
    /// It is no clearsigned message.
    #[error("line {line}: {what}")]
    Text {
        /// The number of the line.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The signatures are no base64, or do not end.
    #[error("the armor is broken")]
    Armor(#[source] Box<dyn Error + Send + Sync>),
    /// Among the signatures is something else.
    #[error("there is something else among the signatures")]
    NotASignature,
    /// There are more signatures than any archive has.
    #[error("there are more than {limit} signatures")]
    TooMany {
        /// How many are looked at.
        limit: usize,
    },
    /// There is no signature.
    #[error("there is no signature")]
    Unsigned,
    /// There are signatures, and none of them counts.
    #[error("no signature counts: {}", list(.0))]
    NoneCounts(Vec<Rejected>),
}

/// A signature that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The fingerprint or key ID of the key that it says to be of, in upper-case hexadecimal digits.
    pub signer: Option<String>,
    /// Why it does not count.
    pub reason: Reason,
}

/// Why a signature does not count. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It cannot be read, or is of a version or kind that is not for texts.
    Unsupported,
    /// The keyring has no such key.
    UnknownKey,
    /// It is not a signature of this text.
    Wrong,
    /// It is made with a hash for which other texts can be found.
    WeakHash(String),
    /// Its key is of a kind, or as short, as can be broken.
    WeakKey,
    /// It says something that must be understood, and is not.
    NotUnderstood,
    /// It does not say when it was made.
    Undated,
    /// It was made in the future.
    FromTheFuture(i64),
    /// It has expired.
    Expired(i64),
    /// Its key has expired.
    KeyExpired(i64),
    /// It is older than its key.
    KeyNewer(i64),
    /// Its key, or the primary key to that, is revoked.
    KeyRevoked,
    /// Its key is not for signing.
    NotForSigning,
    /// Its key is not bound to its certificate by a signature that counts.
    Unbound,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.signer {
            Some(signer) => write!(f, "{signer}: {}", self.reason),
            None => write!(f, "unnamed signer: {}", self.reason),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Unsupported => f.write_str("the signature is of an unsupported kind"),
            Reason::UnknownKey => f.write_str("the key is not in the keyring"),
            Reason::Wrong => f.write_str("the signature does not fit the text"),
            Reason::WeakHash(hash) => write!(f, "the signature is made with {hash}, which is weak"),
            Reason::WeakKey => f.write_str("the key is weak"),
            Reason::NotUnderstood => f.write_str("the signature has a critical part that is not understood"),
            Reason::Undated => f.write_str("the signature does not say when it was made"),
            Reason::FromTheFuture(at) => write!(f, "the signature is from the future: {}", shown(*at)),
            Reason::Expired(at) => write!(f, "the signature expired at {}", shown(*at)),
            Reason::KeyExpired(at) => write!(f, "the key expired at {}", shown(*at)),
            Reason::KeyNewer(at) => {
                write!(f, "the signature is older than the key, which is of {}", shown(*at))
            }
            Reason::KeyRevoked => f.write_str("the key is revoked"),
            Reason::NotForSigning => f.write_str("the key is not for signing"),
            Reason::Unbound => f.write_str("the key has no valid signature of its own certificate"),
        }
    }
}

fn list(rejected: &[Rejected]) -> String {
    rejected.iter().map(Rejected::to_string).collect::<Vec<_>>().join("; ")
}
