//! Keys that sign fake archives: always the same, made in no time, and as good or bad as a test wants them.

use pgp::armor::{self, BlockType};
use pgp::composed::{SignedKeyDetails, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::ed25519::{self, Mode};
use pgp::crypto::eddsa_legacy;
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{
    KeyFlags, PacketHeader, PubKeyInner, PublicKey, PublicSubkey, SecretKey, SecretSubkey, Signature,
    SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::ser::Serialize;
use pgp::types::{
    Duration, KeyDetails as _, KeyVersion, PacketHeaderVersion, Password, PlainSecretParams, PublicParams,
    SecretParams, SignedUser, SigningKey, Tag, Timestamp,
};
use std::time::{SystemTime, UNIX_EPOCH};

/// 1 January 2020, when all these keys were made.
pub(crate) const MADE: u32 = 1_577_836_800;

/// A key of Ed25519, in the form that GnuPG 2.2 knows, too.
#[derive(Debug, Clone)]
pub struct TestKey {
    seed: u8,
    lifetime: Option<u32>,
    signs: bool,
    revoked: bool,
    subkey: Option<Subkey>,
}

/// A subkey, which then makes the signatures.
#[derive(Debug, Clone)]
pub struct Subkey {
    lifetime: Option<u32>,
    signs: bool,
    revoked: bool,
    back_signature: bool,
}

impl TestKey {
    /// The key that archives are signed with: a primary key, and a subkey that signs, as Debian's keys have it.
    pub fn archive() -> Self {
        TestKey::new(1).with(Subkey::new())
    }

    /// Somebody else's key.
    pub fn stranger() -> Self {
        TestKey::new(2)
    }

    /// A key that signs by itself. Keys of one seed are the same key.
    pub fn new(seed: u8) -> Self {
        TestKey { seed, lifetime: None, signs: true, revoked: false, subkey: None }
    }

    /// The same, which expires so many seconds after 1 January 2020.
    pub fn lasting(self, seconds: u32) -> Self {
        TestKey { lifetime: Some(seconds), ..self }
    }

    /// The same, which is not for signing of texts.
    pub fn certifying_only(self) -> Self {
        TestKey { signs: false, ..self }
    }

    /// The same, revoked.
    pub fn revoked(self) -> Self {
        TestKey { revoked: true, ..self }
    }

    /// The same, with a subkey.
    pub fn with(self, subkey: Subkey) -> Self {
        TestKey { subkey: Some(subkey), ..self }
    }

    /// The certificate, binary.
    pub fn certificate(&self) -> Vec<u8> {
        self.public().to_bytes().unwrap()
    }

    /// The certificate, armored.
    pub fn armored(&self) -> String {
        armored(&self.public(), BlockType::PublicKey)
    }

    /// The fingerprint of the primary key, as 40 upper-case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        format!("{:X}", self.primary().fingerprint())
    }

    /// A clearsigned message, as `InRelease` is one, signed at `at`.
    pub fn clearsign(&self, text: &str, at: SystemTime) -> String {
        clearsign(std::slice::from_ref(self), text, at)
    }

    /// An armored signature, as `Release.gpg` is one, made at `at`.
    pub fn sign(&self, bytes: &[u8], at: SystemTime) -> String {
        let signature = self.signature(SignatureType::Binary, vec![], bytes, at);
        armored(&Signatures(&[signature]), BlockType::Signature)
    }

    /// A signature with more to say than when it was made, and by whom.
    pub(crate) fn signature(
        &self,
        kind: SignatureType,
        says: Vec<Subpacket>,
        bytes: impl AsRef<[u8]>,
        at: SystemTime,
    ) -> Signature {
        let at = seconds(at);
        match self.subkey {
            Some(_) => {
                let key = self.secret_subkey();
                config(kind, &key, at, says).sign(&key, &Password::empty(), bytes.as_ref()).unwrap()
            }
            None => {
                let key = self.primary();
                config(kind, &key, at, says).sign(&key, &Password::empty(), bytes.as_ref()).unwrap()
            }
        }
    }

    fn public(&self) -> SignedPublicKey {
        let (key, none) = (self.primary(), Password::empty());
        let user = UserId::from_str(PacketHeaderVersion::New, format!("Key {} <{0}@example.com>", self.seed));
        let user = user.unwrap();
        let mut flags = KeyFlags::default();
        flags.set_certify(true);
        flags.set_sign(self.signs);
        let says = [Some(SubpacketData::KeyFlags(flags)), lifetime(self.lifetime)];
        let certification = config(SignatureType::CertPositive, &key, MADE, regular(says));
        let certification =
            certification.sign_certification(&key, key.public_key(), &none, Tag::UserId, &user).unwrap();
        let revocation = self.revoked.then(|| {
            let config = config(SignatureType::KeyRevocation, &key, MADE + 1, vec![]);
            config.sign_key(&key, &none, key.public_key()).unwrap()
        });
        let subkey = self.subkey.as_ref().map(|subkey| self.public_subkey(subkey));
        SignedPublicKey::new(
            key.public_key().clone(),
            SignedKeyDetails::new(
                revocation.into_iter().collect(),
                vec![],
                vec![SignedUser::new(user, vec![certification])],
                vec![],
            ),
            subkey.into_iter().collect(),
        )
    }

    fn public_subkey(&self, says: &Subkey) -> SignedPublicSubKey {
        let (key, subkey, none) = (self.primary(), self.secret_subkey(), Password::empty());
        let mut flags = KeyFlags::default();
        flags.set_sign(says.signs);
        flags.set_encrypt_comms(!says.signs);
        let back = says.back_signature.then(|| {
            let back = config(SignatureType::KeyBinding, &subkey, MADE, vec![]);
            let back =
                back.sign_primary_key_binding(&subkey, subkey.public_key(), &none, key.public_key()).unwrap();
            SubpacketData::EmbeddedSignature(Box::new(back))
        });
        let parts = [Some(SubpacketData::KeyFlags(flags)), lifetime(says.lifetime), back];
        let binding = config(SignatureType::SubkeyBinding, &key, MADE, regular(parts));
        let binding =
            binding.sign_subkey_binding(&key, key.public_key(), &none, subkey.public_key()).unwrap();
        let revocation = says.revoked.then(|| {
            let config = config(SignatureType::SubkeyRevocation, &key, MADE + 1, vec![]);
            config.sign_subkey_binding(&key, key.public_key(), &none, subkey.public_key()).unwrap()
        });
        let signatures = std::iter::once(binding).chain(revocation).collect();
        SignedPublicSubKey::new(subkey.public_key().clone(), signatures)
    }

    fn primary(&self) -> SecretKey {
        let (inner, secret) = key([self.seed; 32]);
        SecretKey::new(PublicKey::from_inner(inner).unwrap(), secret).unwrap()
    }

    fn secret_subkey(&self) -> SecretSubkey {
        let (inner, secret) = key([!self.seed; 32]);
        let header = PacketHeader::new_fixed(Tag::PublicSubkey, inner.write_len().try_into().unwrap());
        let public = PublicSubkey::new_with_header(
            header,
            KeyVersion::V4,
            PublicKeyAlgorithm::EdDSALegacy,
            Timestamp::from_secs(MADE),
            None,
            inner.public_params().clone(),
        );
        SecretSubkey::new(public.unwrap(), secret).unwrap()
    }
}

impl Subkey {
    /// A good one.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Subkey { lifetime: None, signs: true, revoked: false, back_signature: true }
    }

    /// The same, which expires so many seconds after 1 January 2020.
    pub fn lasting(self, seconds: u32) -> Self {
        Subkey { lifetime: Some(seconds), ..self }
    }

    /// The same, which is for encryption, not for signing.
    pub fn encrypting(self) -> Self {
        Subkey { signs: false, ..self }
    }

    /// The same, revoked.
    pub fn revoked(self) -> Self {
        Subkey { revoked: true, ..self }
    }

    /// The same, which does not say itself that it belongs to the primary key.
    pub fn without_back_signature(self) -> Self {
        Subkey { back_signature: false, ..self }
    }
}

/// A clearsigned message, signed by all of these keys.
pub(super) fn clearsign(keys: &[TestKey], text: &str, at: SystemTime) -> String {
    let hashed = text.strip_suffix('\n').unwrap_or(text);
    let sign = |key: &TestKey| key.signature(SignatureType::Text, vec![], hashed, at);
    clearsigned(text, &keys.iter().map(sign).collect::<Vec<_>>())
}

/// A clearsigned message with these signatures.
pub(crate) fn clearsigned(text: &str, signatures: &[Signature]) -> String {
    let lines = text
        .lines()
        .map(|line| if line.starts_with('-') { format!("- {line}\n") } else { format!("{line}\n") });
    let text: String = lines.collect();
    let armor = armored(&Signatures(signatures), BlockType::Signature);
    format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{text}{armor}")
}

/// Signatures as packets, not armored.
#[cfg(test)]
pub(crate) fn packets(signatures: &[Signature]) -> Vec<u8> {
    Signatures(signatures).to_bytes().unwrap()
}

struct Signatures<'a>(&'a [Signature]);

impl Serialize for Signatures<'_> {
    fn to_writer<W: std::io::Write>(&self, writer: &mut W) -> pgp::errors::Result<()> {
        use pgp::packet::PacketTrait as _;
        self.0.iter().try_for_each(|signature| signature.to_writer_with_header(writer))
    }

    fn write_len(&self) -> usize {
        use pgp::packet::PacketTrait as _;
        self.0.iter().map(|signature| signature.write_len_with_header()).sum()
    }
}

fn armored(packets: &impl Serialize, kind: BlockType) -> String {
    let mut text = vec![];
    armor::write(packets, kind, &mut text, None, true).unwrap();
    String::from_utf8(text).unwrap()
}

fn key(seed: [u8; 32]) -> (PubKeyInner, SecretParams) {
    let secret = ed25519::SecretKey::try_from_bytes(seed, Mode::EdDSALegacy).unwrap();
    let secret = PlainSecretParams::EdDSALegacy(eddsa_legacy::SecretKey::Ed25519(secret));
    let public = PublicParams::try_from(&secret).unwrap();
    let made = Timestamp::from_secs(MADE);
    let inner = PubKeyInner::new(KeyVersion::V4, PublicKeyAlgorithm::EdDSALegacy, made, None, public);
    (inner.unwrap(), SecretParams::Plain(secret))
}

fn config(kind: SignatureType, key: &impl SigningKey, at: u32, says: Vec<Subpacket>) -> SignatureConfig {
    let mut config = SignatureConfig::v4(kind, PublicKeyAlgorithm::EdDSALegacy, HashAlgorithm::Sha512);
    config.hashed_subpackets = regular([
        Some(SubpacketData::SignatureCreationTime(Timestamp::from_secs(at))),
        Some(SubpacketData::IssuerFingerprint(key.fingerprint())),
    ]);
    config.hashed_subpackets.extend(says);
    config.unhashed_subpackets = regular([Some(SubpacketData::IssuerKeyId(key.legacy_key_id()))]);
    config
}

fn regular<const N: usize>(says: [Option<SubpacketData>; N]) -> Vec<Subpacket> {
    says.into_iter().flatten().map(|data| Subpacket::regular(data).unwrap()).collect()
}

fn lifetime(seconds: Option<u32>) -> Option<SubpacketData> {
    seconds.map(|seconds| SubpacketData::KeyExpirationTime(Duration::from_secs(seconds)))
}

fn seconds(time: SystemTime) -> u32 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}
