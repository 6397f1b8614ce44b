//! Certificates of the user's own in the image's bundle: `ca` of `[runtime]`.

use crate::{
    draft::{APP, Draft, Origin},
    error::PlanError,
    finding::Problem,
    profile::CA_BUNDLE,
    reason::Reason,
    spec::Line,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tree::{Content, Entry, TreePath, View};

/// Longer than any bundle.
const MAX_FILE: u64 = 16 << 20;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A file with certificates that the spec names.
#[derive(Debug, Clone)]
pub struct CaSource {
    /// The file as the spec names it.
    pub path: String,
    /// The line that does.
    pub line: Line,
    /// What is in it.
    pub content: Content,
}

/// Adds the certificates of files to the bundle of the image, or makes one of them. What is none is reported.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn add(draft: &mut Draft, files: &[CaSource]) -> Result<(), PlanError> {
    let Ok(at) = TreePath::parse(CA_BUNDLE) else { return Ok(()) };
    let mut added = String::new();
    let mut lines = vec![];
    for file in files {
        let text = file.content.read(MAX_FILE)?;
        match certificates(&text) {
            Ok(text) => {
                added.push_str(&text);
                lines.push(file.line);
            }
            Err(why) => {
                draft.report(Problem::BadCertificates { file: file.path.clone(), why, line: file.line });
            }
        }
    }
    let Some(line) = lines.first().copied() else { return Ok(()) };
    let found = draft.tree.follow(&at)?;
    let known = match found.entry.as_ref().and_then(Entry::content) {
        Some(content) => content.read(MAX_FILE)?,
        None => vec![],
    };
    let mut bundle = known.clone();
    if !bundle.is_empty() && !bundle.ends_with(b"\n") {
        bundle.push(b'\n');
    }
    bundle.extend_from_slice(added.as_bytes());
    let content = Content::bytes(bundle, "bantam");
    let path = found.path;
    match found.entry {
        Some(_) => draft.renew(&path, content, APP, Reason::Listed { line }),
        None => {
            let entry = Entry::file(content, 0o644);
            draft.put(&path, entry, Origin::Generated, APP, Reason::Listed { line })?;
        }
    }
    lines.into_iter().for_each(|line| draft.reasons.add(&path, Reason::Listed { line }));
    Ok(())
}

/// The certificates of a file, without what stands around them.
fn certificates(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text: certificates are expected as PEM")?;
    if text.contains("PRIVATE KEY-----") {
        return Err("it has a private key in it".into());
    }
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines().map(str::trim_end) {
        inside |= line == BEGIN;
        if inside {
            out.push_str(line);
            out.push('\n');
        }
        inside &= line != END;
    }
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(out.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("a certificate in it is damaged: {error}"))?;
        if !is_sequence(&certificate) {
            return Err("what it calls a certificate is none".into());
        }
        count += 1;
    }
    if inside {
        return Err("its last certificate does not end".into());
    }
    if count == 0 { Err(format!("it has no `{BEGIN}`")) } else { Ok(out) }
}

/// Is this one DER sequence, as every certificate is (X.690, 8.1)?
fn is_sequence(der: &[u8]) -> bool {
    let (len, rest) = match der {
        [0x30, len, rest @ ..] if *len < 0x80 => (usize::from(*len), rest),
        [0x30, 0x81, len, rest @ ..] => (usize::from(*len), rest),
        [0x30, 0x82, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        [0x30, 0x83, high, middle, low, rest @ ..] => {
            (usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low), rest)
        }
        _ => return false,
    };
    len == rest.len() && len > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_are_taken_of_a_file() {
        let good =
            "subject=x\n-----BEGIN CERTIFICATE-----\r\nMAMCAQE=\r\n-----END CERTIFICATE-----\r\ntrailing\n";
        let plain = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(good.as_bytes()).as_deref(), Ok(plain));
        assert_eq!(certificates(format!("{plain}{plain}").as_bytes()), Ok(format!("{plain}{plain}")));
        for bad in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n",
            "-----BEGIN CERTIFICATE-----\nM!MCAQE=\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nMAQCAQE=\n-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(certificates(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(certificates(&[0xff, 0xfe]).is_err());
    }
}
