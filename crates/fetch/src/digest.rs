//! What a download must be.

use sha2::{Digest as _, Sha256, Sha512};
use std::fmt;

/// A digest that bytes must have.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-512.
    Sha512([u8; 64]),
}

/// What a download must be. It is checked while the bytes arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expect {
    /// The length in bytes, where it is known.
    pub size: Option<u64>,
    /// The digest, where it is known.
    pub digest: Option<Digest>,
    /// The most bytes that are taken from anybody.
    pub limit: u64,
}

impl Expect {
    /// Anything, up to so many bytes.
    pub fn at_most(limit: u64) -> Self {
        Expect { size: None, digest: None, limit }
    }

    /// Exactly these bytes.
    pub fn exactly(size: u64, digest: Digest) -> Self {
        Expect { size: Some(size), digest: Some(digest), limit: size }
    }

    /// A digest to be computed, if one is expected.
    pub(crate) fn hashing(&self) -> Hashing {
        match self.digest {
            None => Hashing::Nothing,
            Some(Digest::Sha256(_)) => Hashing::Sha256(Sha256::new()),
            Some(Digest::Sha512(_)) => Hashing::Sha512(Sha512::new()),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes): (_, &[u8]) = match self {
            Digest::Sha256(bytes) => ("sha256", bytes),
            Digest::Sha512(bytes) => ("sha512", bytes),
        };
        write!(f, "{name}:")?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A digest that is being computed.
#[derive(Clone)]
pub(crate) enum Hashing {
    Nothing,
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hashing {
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hashing::Nothing => {}
            Hashing::Sha256(hash) => hash.update(bytes),
            Hashing::Sha512(hash) => hash.update(bytes),
        }
    }

    pub fn finish(self) -> Option<Digest> {
        match self {
            Hashing::Nothing => None,
            Hashing::Sha256(hash) => Some(Digest::Sha256(hash.finalize().into())),
            Hashing::Sha512(hash) => Some(Digest::Sha512(hash.finalize().into())),
        }
    }
}
