//! The certificates that Java trusts, as a Java key store: the format that every Java reads, with or without a password.
//!
//! A number that says what it is (`FEEDFEED`), a version, the entries, and a digest of all of it with the password.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY as SHA1};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::collections::BTreeMap;
use tree::Sha256Digest;

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
/// An entry that is a certificate to trust.
const TRUSTED: u32 = 2;
/// When each entry was made, in milliseconds since 1970: the beginning of 1980, as all files of an image.
const DATE: u64 = 315_532_800_000;
/// What the digest is made with beside the password; it is no secret.
const WHITENER: &[u8] = b"Mighty Aphrodite";
/// The password of every such store.
const PASSWORD: &str = "changeit";

/// The certificates of PEM files as a key store: each once, by its digest.
pub(super) fn key_store<'a>(bundles: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut certificates = BTreeMap::new();
    for bundle in bundles {
        // What is damaged in a file of the spec is a finding of its own.
        for certificate in CertificateDer::pem_slice_iter(bundle).filter_map(Result::ok) {
            certificates.insert(Sha256Digest::of(&certificate).hex(), certificate);
        }
    }
    let mut out = vec![];
    out.extend(MAGIC.to_be_bytes());
    out.extend(VERSION.to_be_bytes());
    out.extend(length(certificates.len()));
    for (alias, certificate) in &certificates {
        out.extend(TRUSTED.to_be_bytes());
        text(&mut out, alias);
        out.extend(DATE.to_be_bytes());
        text(&mut out, "X.509");
        out.extend(length(certificate.len()));
        out.extend(certificate.iter());
    }
    let mut hash = Context::new(&SHA1);
    let password: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    hash.update(&password);
    hash.update(WHITENER);
    hash.update(&out);
    out.extend(hash.finish().as_ref());
    out
}

/// What is read of a certificate fits into memory, and its length into four bytes.
fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}

/// A text as `DataOutput.writeUTF` writes it, which for these letters is their bytes.
fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &[u8] = b"# A\n-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    const B: &[u8] = b"-----BEGIN CERTIFICATE-----\nMAMCAQI=\n-----END CERTIFICATE-----\n";

    #[test]
    fn a_store_is_the_same_whatever_the_order() {
        let store = key_store([A, B]);
        assert_eq!(store, key_store([B, A, B]));
        assert_eq!(store[..12], [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 2]);
        // Kind, alias, date, type, length, certificate: twice, and the digest.
        assert_eq!(store.len(), 12 + 2 * (4 + 66 + 8 + 7 + 4 + 5) + 20);
        assert_ne!(key_store([A])[..12], store[..12]);
    }

    #[test]
    fn an_empty_store_is_that_of_keytool() {
        // SHA-1 of "changeit" in UTF-16, "Mighty Aphrodite", and the twelve bytes before.
        let store = key_store([&b"no certificate"[..]]);
        let hex: String = store[12..].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "e2686e45fb43dfa4d992dd41ceb6b21c6330d792");
    }
}
