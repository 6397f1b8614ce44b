//! Keys that may sign archives, and whether one of them has signed a text.

mod certificate;
mod error;
#[cfg(test)]
mod tests;

pub use error::{KeyringError, Reason, Rejected, SignatureError};

use crate::archive::Origin;
use crate::date::seconds;
use crate::openpgp::{self, Clearsigned, Parsed};
use certificate::{Certificate, Key, holds, strong};
use pgp::composed::{Deserializable as _, SignedPublicKey};
use pgp::packet::{Packet, PacketParser, Signature, SignatureType};
use pgp::types::KeyDetails as _;
use std::time::SystemTime;

/// The longest keyring that is read, in bytes.
const MAX_KEYRING: usize = 16 << 20;

/// Certificates of those whose signatures are believed.
///
/// An empty keyring believes nobody.
#[derive(Debug, Clone, Default)]
pub struct Keyring(Vec<Certificate>);

impl Keyring {
    /// The keys with which a distribution signs its archives; `data/README.md` says where they are from.
    pub fn builtin(origin: Origin) -> Self {
        let bytes: &[u8] = match origin {
            Origin::Debian => include_bytes!("../../data/debian-archive-keyring.pgp"),
            Origin::Ubuntu => include_bytes!("../../data/ubuntu-archive-keyring.pgp"),
        };
        Keyring::parse(bytes).unwrap_or_default()
    }

    /// Reads a keyring: binary, or armored blocks with whatever stands around them. Certificates that cannot be read
    /// are passed over, as long as there is one that can.
    ///
    /// # Errors
    /// When it holds no certificate, or is longer than 16 MiB.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyringError> {
        let size = bytes.len();
        if size > MAX_KEYRING {
            return Err(KeyringError::TooLong { size, limit: MAX_KEYRING });
        }
        if openpgp::is_binary(bytes) {
            return Keyring::from_blocks(&[bytes]);
        }
        let blocks = openpgp::armored(bytes, "PGP PUBLIC KEY BLOCK").map_err(KeyringError::Armor)?;
        Keyring::from_blocks(&blocks)
    }

    /// The fingerprints of the primary keys, as 40 or 64 upper-case hexadecimal digits, in the order of the keyring.
    pub fn fingerprints(&self) -> Vec<String> {
        self.0.iter().map(|certificate| upper(certificate.0.fingerprint().as_bytes())).collect()
    }

    /// The text of a clearsigned message, such as `InRelease`, if one signature by a key of this keyring counts at
    /// `now`. It is exactly what was signed: each line ends in a line feed, and has no blanks at its end.
    ///
    /// # Errors
    /// When it is no such message or too long, or no signature counts.
    pub fn verify_clearsigned(&self, text: &[u8], now: SystemTime) -> Result<Vec<u8>, SignatureError> {
        let Clearsigned { text, signatures } = openpgp::clearsigned(text)?;
        let hashed = text.strip_suffix(b"\n").unwrap_or_default();
        self.one_counts(&signatures, &[SignatureType::Text], hashed, now)?;
        Ok(text)
    }

    /// Is one of the signatures, armored or binary, such as those in `Release.gpg`, a signature of these bytes by a key
    /// of this keyring, and counts at `now`?
    ///
    /// # Errors
    /// When they cannot be read or are too long, or none counts.
    pub fn verify_detached(
        &self,
        bytes: &[u8],
        signatures: &[u8],
        now: SystemTime,
    ) -> Result<(), SignatureError> {
        let signatures = openpgp::detached(signatures)?;
        // A signature of a text does not tell CR LF from LF, so that it counts only where there is none.
        let text = memchr::memchr(b'\r', bytes).is_none().then_some(SignatureType::Text);
        let kinds: Vec<SignatureType> = text.into_iter().chain([SignatureType::Binary]).collect();
        self.one_counts(&signatures, &kinds, bytes, now)
    }

    fn from_blocks(blocks: &[impl AsRef<[u8]>]) -> Result<Self, KeyringError> {
        let mut keyring = Keyring::default();
        let mut trouble = None;
        for block in blocks {
            // Cut where certificates begin, so that one that cannot be read does not take others along.
            let mut parts: Vec<Vec<Packet>> = vec![];
            for packet in PacketParser::new(block.as_ref()) {
                match packet {
                    Ok(key @ Packet::PublicKey(_)) => parts.push(vec![key]),
                    Ok(Packet::Marker(_) | Packet::Padding(_) | Packet::Trust(_)) => {}
                    // What stands before the first key is of nobody.
                    Ok(packet) => {
                        if let Some(part) = parts.last_mut() {
                            part.push(packet);
                        }
                    }
                    Err(error) => trouble = Some(error),
                }
            }
            for part in parts {
                let packets: Vec<_> = part.into_iter().map(Ok).collect();
                match SignedPublicKey::from_packets(packets.into_iter().peekable()).next() {
                    Some(Ok(key)) => keyring.0.push(Certificate(key)),
                    Some(Err(error)) => trouble = Some(error),
                    None => {}
                }
            }
        }
        match trouble {
            _ if !keyring.0.is_empty() => Ok(keyring),
            Some(error) => Err(KeyringError::Unreadable(error.into())),
            None => Err(KeyringError::Empty),
        }
    }

    fn one_counts(
        &self,
        signatures: &[Parsed],
        kinds: &[SignatureType],
        text: &[u8],
        now: SystemTime,
    ) -> Result<(), SignatureError> {
        if signatures.is_empty() {
            return Err(SignatureError::Unsigned);
        }
        let now = seconds(now);
        let mut rejected = vec![];
        for signature in signatures {
            let Ok(signature) = signature else {
                rejected.push(Rejected { signer: None, reason: Reason::Unsupported });
                continue;
            };
            match self.counts(signature, kinds, text, now) {
                Ok(()) => return Ok(()),
                Err(reason) => rejected.push(Rejected { signer: signer(signature), reason }),
            }
        }
        Err(SignatureError::NoneCounts(rejected))
    }

    fn counts(
        &self,
        signature: &Signature,
        kinds: &[SignatureType],
        text: &[u8],
        now: i64,
    ) -> Result<(), Reason> {
        let named = |key: &Key<'_>| key.is_named_by(signature);
        let mut keys = self.0.iter().flat_map(Certificate::keys).filter(named).peekable();
        keys.peek().ok_or(Reason::UnknownKey)?;
        let kind = signature.typ().filter(|kind| kinds.contains(kind));
        let hash = kind.and(signature.hash_alg()).ok_or(Reason::Unsupported)?;
        strong(hash)?;
        let signed = holds(signature, now)?;
        let mut reason = Reason::UnknownKey;
        for key in keys {
            let judge = || {
                key.is_strong()?;
                let made = key.made(signature, text);
                if made { key.may_sign(signed, now) } else { Err(Reason::Wrong) }
            };
            // Two certificates may have one key, and one of them may be wrong about it.
            match judge() {
                Ok(()) => return Ok(()),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }
}

/// Whose signature it says to be.
fn signer(signature: &Signature) -> Option<String> {
    let fingerprint = signature.issuer_fingerprint().first().map(|named| upper(named.as_bytes()));
    fingerprint.or_else(|| signature.issuer_key_id().first().map(|named| upper(named.as_ref())))
}

fn upper(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
