//! A certificate, and which of its keys may sign now.
//!
//! The library checks the mathematics; what [RFC 9580, section 5.2.3][rfc] lets signatures say about keys and
//! signatures is applied here: expiry, revocation, what a key is for, and back signatures of subkeys.
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc9580.html#section-5.2.3

use super::Reason;
use crate::date::SKEW;
use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{KeyFlags, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails, KeyVersion, PublicParams, Tag, VerifyingKey};

/// The fewest bits of an RSA modulus.
const MIN_RSA: u16 = 2048;

/// A public key with its subkeys, and what it says of them.
#[derive(Debug, Clone)]
pub(super) struct Certificate(pub SignedPublicKey);

/// One key of a certificate.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    Primary(&'a SignedPublicKey),
    Sub(&'a SignedPublicKey, &'a SignedPublicSubKey),
}

impl Certificate {
    /// The primary key and the subkeys.
    pub fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        let subkeys = self.0.public_subkeys.iter().map(|subkey| Key::Sub(&self.0, subkey));
        std::iter::once(Key::Primary(&self.0)).chain(subkeys)
    }
}

impl Key<'_> {
    /// Does the signature say that it is of this key? It may lie.
    pub fn is_named_by(self, signature: &Signature) -> bool {
        let (id, fingerprint) = match self {
            Key::Primary(key) => (key.legacy_key_id(), key.fingerprint()),
            Key::Sub(_, subkey) => (subkey.legacy_key_id(), subkey.fingerprint()),
        };
        let fingerprints = signature.issuer_fingerprint();
        if fingerprints.is_empty() {
            return signature.issuer_key_id().into_iter().any(|named| *named == id);
        }
        fingerprints.into_iter().any(|named| *named == fingerprint)
    }

    /// Is the key, and the primary key to it, of a kind and length that cannot be broken? Nothing is computed with one
    /// that is not.
    ///
    /// # Errors
    /// When it is weak.
    pub fn is_strong(self) -> Result<(), Reason> {
        match self {
            Key::Primary(key) => strong_enough(&key.primary_key),
            Key::Sub(key, subkey) => {
                strong_enough(&key.primary_key).and_then(|()| strong_enough(&subkey.key))
            }
        }
    }

    /// Is it a signature that this key made of the text, or of what else?
    pub fn made(self, signature: &Signature, text: &[u8]) -> bool {
        match self {
            Key::Primary(key) => signature.verify(&key.primary_key, text).is_ok(),
            Key::Sub(_, subkey) => signature.verify(&subkey.key, text).is_ok(),
        }
    }

    /// May the key, which is strong, sign at `now`, something that it is said to have signed at `signed`?
    ///
    /// # Errors
    /// Why it may not.
    pub fn may_sign(self, signed: i64, now: i64) -> Result<(), Reason> {
        match self {
            Key::Primary(key) => {
                let flags = primary(key, now)?;
                not_older(&key.primary_key, signed)?;
                // A key that does not say what it is for may do what its algorithm can.
                if flags.is_none_or(|flags| flags.sign()) { Ok(()) } else { Err(Reason::NotForSigning) }
            }
            Key::Sub(key, subkey) => {
                primary(key, now)?;
                not_older(&subkey.key, signed)?;
                sub(key, subkey, now)
            }
        }
    }
}

/// Can a signature with this hash be believed? What can be found for the others is a second text with the same hash.
///
/// # Errors
/// When it cannot.
pub(super) fn strong(hash: HashAlgorithm) -> Result<(), Reason> {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha256, Sha384, Sha512};
    match hash {
        Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512 => Ok(()),
        other => Err(Reason::WeakHash(other.to_string())),
    }
}

/// Does the signature hold at `now`, as far as it says itself? When it was made is the result.
///
/// # Errors
/// Why it does not.
pub(super) fn holds(signature: &Signature, now: i64) -> Result<i64, Reason> {
    let Some(config) = signature.config() else { return Err(Reason::Unsupported) };
    let unknown = |data: &SubpacketData| {
        matches!(
            data,
            SubpacketData::Notation(_) | SubpacketData::Experimental(..) | SubpacketData::Other(..)
        )
    };
    if config.hashed_subpackets().any(|part| part.is_critical && unknown(&part.data)) {
        return Err(Reason::NotUnderstood);
    }
    let created = i64::from(signature.created().ok_or(Reason::Undated)?.as_secs());
    if created > now.saturating_add(SKEW) {
        return Err(Reason::FromTheFuture(created));
    }
    let lasts = signature.signature_expiration_time().map_or(0, |lasts| lasts.as_secs());
    match created.saturating_add(lasts.into()) {
        expires if lasts != 0 && expires <= now => Err(Reason::Expired(expires)),
        _ => Ok(created),
    }
}

/// Does the certificate hold at `now`? What its primary key is for is the result, where it says so.
fn primary(key: &SignedPublicKey, now: i64) -> Result<Option<KeyFlags>, Reason> {
    if key
        .details
        .revocation_signatures
        .iter()
        .any(|revocation| revocation.verify_key(&key.primary_key).is_ok())
    {
        return Err(Reason::KeyRevoked);
    }
    let direct = key.details.direct_signatures.iter();
    let direct = newest(direct.filter(|signature| says_something(signature)), now, |signature| {
        is_self_hash(signature) && signature.verify_key(&key.primary_key).is_ok()
    });
    let users = key.details.users.iter().filter_map(|user| {
        let is_own = |signature: &Signature| {
            signature.verify_certification(&key.primary_key, Tag::UserId, &user.id).is_ok()
        };
        let (revocations, certifications): (Vec<_>, Vec<_>) = user
            .signatures
            .iter()
            .partition(|signature| signature.typ() == Some(SignatureType::CertRevocation));
        let (created, signature) = newest(certifications.into_iter(), now, |signature| {
            is_self_hash(signature) && is_own(signature)
        })?;
        let revoked = newest(revocations.into_iter(), now, is_own).is_some_and(|(at, _)| at >= created);
        (!revoked).then_some((created, signature))
    });
    let user = users.max_by_key(|(created, _)| *created);
    let said = [direct, user].map(|found| found.map(|(_, signature)| signature));
    if said.iter().all(Option::is_none) {
        return Err(Reason::Unbound);
    }
    for signature in said.into_iter().flatten() {
        not_expired(&key.primary_key, signature, now)?;
    }
    Ok(said.into_iter().flatten().find_map(flags).cloned())
}

/// May the subkey of a certificate that holds sign at `now`?
fn sub(key: &SignedPublicKey, subkey: &SignedPublicSubKey, now: i64) -> Result<(), Reason> {
    let is_own =
        |signature: &Signature| signature.verify_subkey_binding(&key.primary_key, &subkey.key).is_ok();
    let (revocations, bindings): (Vec<_>, Vec<_>) = subkey
        .signatures
        .iter()
        .partition(|signature| signature.typ() == Some(SignatureType::SubkeyRevocation));
    if revocations.into_iter().any(is_own) {
        return Err(Reason::KeyRevoked);
    }
    let is_strong = |signature: &Signature| signature.hash_alg().is_some_and(|hash| strong(hash).is_ok());
    let binding = newest(bindings.into_iter(), now, |signature| is_strong(signature) && is_own(signature));
    let (_, binding) = binding.ok_or(Reason::Unbound)?;
    if !flags(binding).is_some_and(KeyFlags::sign) {
        return Err(Reason::NotForSigning);
    }
    not_expired(&subkey.key, binding, now)?;
    // Else a certificate could claim the signatures of somebody else's key.
    let back = binding.embedded_signature().filter(|back| {
        is_strong(back)
            && holds(back, now).is_ok()
            && back.verify_primary_key_binding(&subkey.key, &key.primary_key).is_ok()
    });
    if back.is_some() { Ok(()) } else { Err(Reason::Unbound) }
}

/// The newest of the signatures that hold and are good; of two that are as new, the later.
fn newest<'a>(
    signatures: impl Iterator<Item = &'a Signature>,
    now: i64,
    is_good: impl Fn(&Signature) -> bool,
) -> Option<(i64, &'a Signature)> {
    let holding = signatures.filter_map(|signature| Some((holds(signature, now).ok()?, signature)));
    holding.filter(|(_, signature)| is_good(signature)).max_by_key(|(created, _)| *created)
}

/// A signature of a key on itself may be made with SHA-1: to profit, somebody would have to find a second text to a hash
/// that is given, which nobody can. Ubuntu's key of 2012 has no other.
fn is_self_hash(signature: &Signature) -> bool {
    signature.hash_alg().is_some_and(|hash| hash == HashAlgorithm::Sha1 || strong(hash).is_ok())
}

/// Does it say anything about the key? Debian's keys have newer signatures that only name who may revoke them.
fn says_something(signature: &Signature) -> bool {
    flags(signature).is_some() || signature.key_expiration_time().is_some()
}

fn flags(signature: &Signature) -> Option<&KeyFlags> {
    signature.config()?.hashed_subpackets().find_map(|part| match &part.data {
        SubpacketData::KeyFlags(flags) => Some(flags),
        _ => None,
    })
}

fn not_expired(key: &impl KeyDetails, signature: &Signature, now: i64) -> Result<(), Reason> {
    let lasts = signature.key_expiration_time().map_or(0, |lasts| lasts.as_secs());
    let expires = i64::from(key.created_at().as_secs()).saturating_add(lasts.into());
    if lasts != 0 && expires <= now { Err(Reason::KeyExpired(expires)) } else { Ok(()) }
}

fn not_older(key: &impl KeyDetails, signed: i64) -> Result<(), Reason> {
    let created = i64::from(key.created_at().as_secs());
    if signed < created { Err(Reason::KeyNewer(created)) } else { Ok(()) }
}

fn strong_enough(key: &impl VerifyingKey) -> Result<(), Reason> {
    if key.version() < KeyVersion::V4 {
        return Err(Reason::WeakKey);
    }
    let is_strong = match key.public_params() {
        // The modulus comes first, and begins with its length in bits.
        params @ PublicParams::RSA(_) => {
            let written = params.to_bytes().unwrap_or_default();
            let bits = written.first_chunk().copied().map_or(0, u16::from_be_bytes);
            bits >= MIN_RSA
        }
        PublicParams::ECDSA(_)
        | PublicParams::EdDSALegacy(_)
        | PublicParams::Ed25519(_)
        | PublicParams::Ed448(_) => true,
        _ => false,
    };
    if is_strong { Ok(()) } else { Err(Reason::WeakKey) }
}
