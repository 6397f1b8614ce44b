//! Digests that can be relied upon.

use sha2::{Digest as _, Sha256, Sha512};
use std::fmt;
use tree::Sha256Digest;

/// The digest of a file by SHA-256 or SHA-512.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Checksum {
    /// By SHA-256.
    Sha256(Sha256Digest),
    /// By SHA-512.
    Sha512([u8; 64]),
}

impl Checksum {
    /// The name of the algorithm, as archives write it: `SHA256` or `SHA512`.
    pub fn name(&self) -> &'static str {
        match self {
            Checksum::Sha256(_) => "SHA256",
            Checksum::Sha512(_) => "SHA512",
        }
    }

    /// The digest as 64 or 128 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        match self {
            Checksum::Sha256(digest) => digest.hex(),
            Checksum::Sha512(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// Is it the digest of these bytes?
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        match self {
            Checksum::Sha256(digest) => digest.0[..] == Sha256::digest(bytes)[..],
            Checksum::Sha512(digest) => digest[..] == Sha512::digest(bytes)[..],
        }
    }

    pub(super) fn parse_sha256(text: &str) -> Option<Self> {
        Some(Checksum::Sha256(Sha256Digest(bytes(text)?)))
    }

    pub(super) fn parse_sha512(text: &str) -> Option<Self> {
        bytes(text).map(Checksum::Sha512)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name().to_ascii_lowercase(), self.hex())
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As many bytes as wanted, from twice as many hexadecimal digits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}
