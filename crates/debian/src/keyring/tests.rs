use super::*;
use crate::testing::{Subkey, TestKey, clearsigned, packets};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Notation, Subpacket, SubpacketData};
use pgp::types::SignatureBytes;
use std::time::{Duration, UNIX_EPOCH};

const DAY: u64 = 86_400;
const TEXT: &str = "Origin: Test\nSuite: stable\n- dashes\n\n  blanks\n";

/// So many days after 1 January 2020, when all test keys were made.
fn day(day: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::from(crate::testing::MADE) + day * DAY)
}

fn keyring(key: &TestKey) -> Keyring {
    Keyring::parse(&key.certificate()).unwrap()
}

/// What comes of a text signed on day 10, on day 20.
fn verdict(key: &TestKey, says: Vec<Subpacket>) -> String {
    let signature = key.signature(SignatureType::Text, says, TEXT.trim_end(), day(10));
    said(&keyring(key), &clearsigned(TEXT, &[signature]), day(20))
}

fn said(keyring: &Keyring, message: &str, now: SystemTime) -> String {
    match keyring.verify_clearsigned(message.as_bytes(), now) {
        Ok(text) => String::from_utf8(text).unwrap(),
        Err(SignatureError::NoneCounts(rejected)) => {
            rejected.iter().map(|rejected| rejected.reason.to_string()).collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_builtin_keys_are_those_of_the_readme() {
    let readme = include_str!("../../data/README.md");
    let told: Vec<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next()).collect();
    let debian = Keyring::builtin(Origin::Debian).fingerprints();
    let ubuntu = Keyring::builtin(Origin::Ubuntu).fingerprints();
    assert_eq!((debian.len(), ubuntu.len()), (9, 3));
    assert_eq!([debian, ubuntu].concat(), told);
}

#[test]
fn the_builtin_keys_may_sign_until_they_expire() {
    // 26 November 2026; on 1 January 2032 those of Debian 11 and 12 have expired.
    for (now, debian) in [(1_795_651_200, 9), (1_956_528_000, 3)] {
        let may_sign = |origin| {
            let keyring = Keyring::builtin(origin);
            let mut certificates = keyring.0.iter();
            certificates
                .by_ref()
                .filter(|one| one.keys().any(|key| key.may_sign(1_795_000_000, now).is_ok()))
                .count()
        };
        assert_eq!(may_sign(Origin::Debian), debian);
        // One of them has nothing but a signature with SHA-1 on itself.
        assert_eq!(may_sign(Origin::Ubuntu), 3);
    }
}

#[test]
fn a_signature_of_a_good_key_counts() {
    for key in
        [TestKey::archive(), TestKey::stranger(), TestKey::new(3).certifying_only().with(Subkey::new())]
    {
        assert_eq!(verdict(&key, vec![]), TEXT);
        let armored = format!("Some words.\n{}\nand more\n{}", TestKey::new(9).armored(), key.armored());
        let keyring = Keyring::parse(armored.as_bytes()).unwrap();
        assert_eq!(keyring.fingerprints(), [TestKey::new(9).fingerprint(), key.fingerprint()]);
        assert_eq!(said(&keyring, &key.clearsign(TEXT, day(10)), day(20)), TEXT);
        let crlf = key.clearsign(TEXT, day(10)).replace('\n', "\r\n");
        assert_eq!(said(&keyring, &crlf, day(20)), TEXT);
        let signature = key.sign(TEXT.as_bytes(), day(10));
        keyring.verify_detached(TEXT.as_bytes(), signature.as_bytes(), day(20)).unwrap();
    }
}

#[test]
fn a_key_that_may_not_sign_does_not_count() {
    let day = u32::try_from(DAY).unwrap();
    let key = || TestKey::new(1);
    for (key, want) in [
        (key().lasting(21 * day), TEXT),
        (key().lasting(20 * day), "the key expired at 2020-01-21T00:00:00Z"),
        (key().lasting(15 * day), "the key expired at 2020-01-16T00:00:00Z"),
        (key().certifying_only(), "the key is not for signing"),
        (key().revoked(), "the key is revoked"),
        (key().lasting(15 * day).with(Subkey::new()), "the key expired at 2020-01-16T00:00:00Z"),
        (key().revoked().with(Subkey::new()), "the key is revoked"),
        (key().with(Subkey::new().lasting(21 * day)), TEXT),
        (key().with(Subkey::new().lasting(15 * day)), "the key expired at 2020-01-16T00:00:00Z"),
        (key().with(Subkey::new().encrypting()), "the key is not for signing"),
        (key().with(Subkey::new().revoked()), "the key is revoked"),
        (
            key().with(Subkey::new().without_back_signature()),
            "the key has no valid signature of its own certificate",
        ),
    ] {
        assert_eq!(verdict(&key, vec![]), want, "{key:?}");
    }
}

#[test]
fn a_subkey_counts_only_below_its_own_primary_key() {
    // A certificate that claims the subkey of another: the binding is of the other primary key.
    let own = SignedPublicKey::from_bytes(&TestKey::archive().certificate()[..]).unwrap();
    let mut thief = SignedPublicKey::from_bytes(&TestKey::stranger().certificate()[..]).unwrap();
    thief.public_subkeys = own.public_subkeys;
    let keyring = Keyring(vec![Certificate(thief)]);
    let message = TestKey::archive().clearsign(TEXT, day(10));
    assert_eq!(said(&keyring, &message, day(20)), "the key has no valid signature of its own certificate");
    let both = Keyring([keyring.0, self::keyring(&TestKey::archive()).0].concat());
    assert_eq!(said(&both, &message, day(20)), TEXT);
    // A certificate of which somebody has taken all it says of itself.
    let mut bare = SignedPublicKey::from_bytes(&TestKey::stranger().certificate()[..]).unwrap();
    bare.details.users.clear();
    let message = TestKey::stranger().clearsign(TEXT, day(10));
    let keyring = Keyring(vec![Certificate(bare)]);
    assert_eq!(said(&keyring, &message, day(20)), "the key has no valid signature of its own certificate");
}

#[test]
fn what_a_signature_says_of_itself_counts() {
    let days = |days: u64| pgp::types::Duration::from_secs(u32::try_from(days * DAY).unwrap());
    let notation = Notation { readable: true, name: "a@example.com".into(), value: "b".into() };
    for (says, want) in [
        (Subpacket::regular(SubpacketData::SignatureExpirationTime(days(11))), TEXT),
        (Subpacket::regular(SubpacketData::SignatureExpirationTime(days(0))), TEXT),
        (
            Subpacket::regular(SubpacketData::SignatureExpirationTime(days(10))),
            "the signature expired at 2020-01-21T00:00:00Z",
        ),
        (Subpacket::regular(SubpacketData::Notation(notation.clone())), TEXT),
        (
            Subpacket::critical(SubpacketData::Notation(notation)),
            "the signature has a critical part that is not understood",
        ),
    ] {
        assert_eq!(verdict(&TestKey::archive(), vec![says.unwrap()]), want);
    }
    let keyring = keyring(&TestKey::archive());
    for (at, want) in [
        (day(20), TEXT),
        (day(20) + Duration::from_secs(3600), TEXT),
        (day(21), "the signature is from the future: 2020-01-22T00:00:00Z"),
        (
            day(0) - Duration::from_secs(1),
            "the signature is older than the key, which is of 2020-01-01T00:00:00Z",
        ),
    ] {
        assert_eq!(said(&keyring, &TestKey::archive().clearsign(TEXT, at), day(20)), want);
    }
}

#[test]
fn weak_hashes_and_other_kinds_of_signatures_do_not_count() {
    let key = TestKey::archive();
    let good = key.signature(SignatureType::Text, vec![], TEXT.trim_end(), day(10));
    for (hash, want) in [
        (HashAlgorithm::Md5, "the signature is made with MD5, which is weak"),
        (HashAlgorithm::Sha1, "the signature is made with SHA1, which is weak"),
        (HashAlgorithm::Ripemd160, "the signature is made with RIPEMD160, which is weak"),
        (HashAlgorithm::Sha224, "the signature is made with SHA224, which is weak"),
        (HashAlgorithm::Sha256, "the signature does not fit the text"),
    ] {
        let mut config = good.config().unwrap().clone();
        config.hash_alg = hash;
        let bytes = SignatureBytes::clone(good.signature().unwrap());
        let signature = Signature::from_config(config, good.signed_hash_value().unwrap(), bytes).unwrap();
        assert_eq!(said(&keyring(&key), &clearsigned(TEXT, &[signature]), day(20)), want);
    }
    let binary = key.signature(SignatureType::Binary, vec![], TEXT.trim_end(), day(10));
    assert_eq!(
        said(&keyring(&key), &clearsigned(TEXT, &[binary]), day(20)),
        "the signature is of an unsupported kind"
    );
}

#[test]
fn one_good_signature_among_others_is_enough() {
    let sign = |key: &TestKey, text: &str| key.signature(SignatureType::Text, vec![], text, day(10));
    let (archive, stranger) = (TestKey::archive(), TestKey::stranger());
    let good = sign(&archive, TEXT.trim_end());
    let wrong = sign(&archive, "another text");
    let unknown = sign(&stranger, TEXT.trim_end());
    let keyring = keyring(&archive);
    let message = clearsigned(TEXT, &[unknown.clone(), wrong.clone(), good]);
    assert_eq!(said(&keyring, &message, day(20)), TEXT);
    let error =
        keyring.verify_clearsigned(clearsigned(TEXT, &[unknown, wrong]).as_bytes(), day(20)).unwrap_err();
    let signer = TestKey::stranger().fingerprint();
    assert!(
        error
            .to_string()
            .starts_with(&format!("no signature counts: {signer}: the key is not in the keyring; ")),
        "{error}"
    );
    assert_eq!(said(&keyring, &clearsigned(TEXT, &[]), day(20)), "there is no signature");
}

#[test]
fn signatures_beside_a_text() {
    let (archive, stranger) = (TestKey::archive(), TestKey::stranger());
    let keyring = keyring(&archive);
    let verify = |bytes: &str, signatures: &[u8]| {
        let verified = keyring.verify_detached(bytes.as_bytes(), signatures, day(20));
        verified.map_err(|error| error.to_string())
    };
    let blocks = [&stranger, &archive].map(|key| key.sign(TEXT.as_bytes(), day(10))).concat();
    verify(TEXT, blocks.as_bytes()).unwrap();
    let sign = |kind, text: &str| packets(&[archive.signature(kind, vec![], text, day(10))]);
    verify(TEXT, &sign(SignatureType::Binary, TEXT)).unwrap();
    verify(TEXT, &sign(SignatureType::Text, TEXT)).unwrap();
    let crlf = TEXT.replace('\n', "\r\n");
    verify(&crlf, &sign(SignatureType::Binary, &crlf)).unwrap();
    for (text, signatures, want) in [
        ("", blocks.clone().into_bytes(), "does not fit the text"),
        (&TEXT[1..], blocks.clone().into_bytes(), "does not fit the text"),
        (&*crlf, blocks.clone().into_bytes(), "does not fit the text"),
        (&*crlf, sign(SignatureType::Text, TEXT), "of an unsupported kind"),
        (TEXT, stranger.sign(TEXT.as_bytes(), day(10)).into_bytes(), "the key is not in the keyring"),
        (TEXT, vec![], "there is no signature"),
        (TEXT, archive.armored().into_bytes(), "there is no signature"),
        (TEXT, archive.certificate(), "there is something else among the signatures"),
    ] {
        let error = verify(text, &signatures).unwrap_err();
        assert!(error.ends_with(want), "{error}: {want}");
    }
}

#[test]
fn what_is_no_keyring_is_refused() {
    let key = TestKey::archive();
    for (bytes, want) in [
        (vec![], "the keyring holds no public key"),
        (b"no key at all\n".to_vec(), "the keyring holds no public key"),
        (key.sign(b"a", day(1)).into_bytes(), "the keyring holds no public key"),
        (key.armored()[..200].into(), "the armor of the keyring is broken"),
        (key.certificate()[..30].into(), "the keyring holds no public key that can be read"),
        (vec![0xff; 100], "the keyring holds no public key that can be read"),
        (vec![b'a'; MAX_KEYRING + 1], "the keyring is 16777217 bytes long, more than 16777216"),
    ] {
        assert_eq!(Keyring::parse(&bytes).unwrap_err().to_string(), want);
    }
    // One that is cut short does not take the others along.
    let both = [&TestKey::new(3).certificate()[..], &key.certificate()[..30]].concat();
    assert_eq!(Keyring::parse(&both).unwrap().fingerprints(), [TestKey::new(3).fingerprint()]);
    assert_eq!(Keyring::default().fingerprints().len(), 0);
}

#[test]
fn no_changed_message_verifies_as_another_text() {
    let key = TestKey::archive();
    let keyring = keyring(&key);
    let text: String = (0..100).map(|n| format!(" {n:064x} {n:8} main/binary-amd64/Packages{n}\n")).collect();
    let message = key.clearsign(&text, day(10)).into_bytes();
    let armor = message.len() - 400;
    let mut rejected = 0;
    // Every byte around the signature, and every 64th of the text, changed in several ways.
    for at in (0..armor).step_by(64).chain(armor..message.len()).chain(0..60) {
        for change in
            [0x01, 0x20, 0x80, message[at], message[at] ^ b'\n', message[at] ^ b'\r', message[at] ^ b'-']
        {
            let mut changed = message.clone();
            changed[at] ^= change;
            match keyring.verify_clearsigned(&changed, day(20)) {
                Ok(verified) => {
                    assert_eq!(String::from_utf8(verified).unwrap(), text, "byte {at} ^ {change}")
                }
                Err(_) => rejected += 1,
            }
        }
        if let Ok(verified) = keyring.verify_clearsigned(&message[..at], day(20)) {
            assert_eq!((String::from_utf8(verified).unwrap(), at), (text.clone(), message.len() - 1));
        }
    }
    assert!(rejected > 3000, "{rejected}");
}

#[test]
fn no_changed_keyring_panics() {
    let key = TestKey::archive();
    let weak = include_bytes!("testdata/weak-keys.asc");
    let weak = openpgp::armored(weak, "PGP PUBLIC KEY BLOCK").unwrap().concat();
    let ubuntu = include_bytes!("../../data/ubuntu-archive-keyring.pgp")[..1300].to_vec();
    let weak_message = include_str!("testdata/weak-message.asc").to_owned();
    // What is computed with long keys takes its time here, so that fewer bytes of theirs are changed.
    for (certificate, message, text, step) in [
        (key.certificate(), key.clearsign(TEXT, day(10)), TEXT, 1),
        (weak, weak_message.clone(), "Suite: stable\n", 11),
        (ubuntu, weak_message, "", 31),
    ] {
        no_changed_certificate_panics(&certificate, &message, text, step);
    }
}

fn no_changed_certificate_panics(certificate: &[u8], message: &str, want: &str, step: usize) {
    for at in (0..certificate.len()).step_by(step) {
        for change in [0x01, 0x10, 0x80, 0xff] {
            let mut changed = certificate.to_vec();
            changed[at] ^= change;
            let Ok(keyring) = Keyring::parse(&changed) else { continue };
            if let Ok(text) = keyring.verify_clearsigned(message.as_bytes(), day(20)) {
                assert_eq!(text, want.as_bytes());
            }
            let keys = keyring.0.iter().flat_map(Certificate::keys).filter(|key| key.is_strong().is_ok());
            keys.for_each(|key| drop(key.may_sign(1_795_000_000, 1_795_000_000)));
        }
        let _ = Keyring::parse(&certificate[..at]);
    }
}

#[test]
fn weak_keys_do_not_count() {
    // RSA and DSA of 1024 bits, as GnuPG made them.
    let keyring = Keyring::parse(include_bytes!("testdata/weak-keys.asc")).unwrap();
    assert_eq!(keyring.fingerprints().len(), 2);
    let message = include_str!("testdata/weak-message.asc");
    let weak = "the key is weak; the key is weak";
    assert_eq!(said(&keyring, message, day(20)), weak);
}
