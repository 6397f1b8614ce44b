//! The bundle of certificates that `update-ca-certificates` makes.

use super::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tree::{Content, Entry, Tree, TreePath};

/// Where the packages have certificates.
const SOURCE: &str = "/usr/share/ca-certificates";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// More than any file of certificates has.
const MAX_FILE: u64 = 16 << 20;

/// Certificates in PEM (RFC 7468): one or more, and nothing that hides between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pem(String);

/// Why a text is not certificates in PEM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// There is no certificate.
    #[error("there is no certificate in PEM")]
    Empty,
    /// A certificate has no end.
    #[error("line {line}: the certificate does not end")]
    Unfinished {
        /// The line at which it begins, from 1.
        line: usize,
    },
    /// What stands in the certificate is no base64.
    #[error("line {line}: the certificate is no base64")]
    Base64 {
        /// The line at which it begins, from 1.
        line: usize,
    },
    /// The bytes are no certificate: X.690, 8.9 wants a SEQUENCE.
    #[error("line {line}: the certificate is no DER sequence")]
    Der {
        /// The line at which it begins, from 1.
        line: usize,
    },
    /// A block of another kind, such as a private key.
    #[error("line {line}: `{label}` is no certificate")]
    Other {
        /// The line, from 1.
        line: usize,
        /// The line itself.
        label: String,
    },
}

impl Pem {
    /// Checks a text. What stands between the certificates, such as comments, is left out.
    ///
    /// # Errors
    /// When there is no certificate, one is damaged, or something else is among them.
    pub fn parse(text: &str) -> Result<Self, PemError> {
        let mut out = String::new();
        let mut lines = text.lines().map(str::trim).enumerate();
        while let Some((at, line)) = lines.next() {
            let at = at + 1;
            if line != BEGIN {
                if line.starts_with("-----") {
                    return Err(PemError::Other { line: at, label: line.chars().take(80).collect() });
                }
                continue;
            }
            let mut body = String::new();
            loop {
                match lines.next() {
                    Some((_, END)) => break,
                    Some((_, line)) if !line.starts_with("-----") => body.push_str(line),
                    _ => return Err(PemError::Unfinished { line: at }),
                }
            }
            let der = STANDARD.decode(&body).map_err(|_| PemError::Base64 { line: at })?;
            if !is_sequence(&der) {
                return Err(PemError::Der { line: at });
            }
            out.push_str(BEGIN);
            out.push('\n');
            for line in body.as_bytes().chunks(64) {
                out.push_str(std::str::from_utf8(line).unwrap_or_default());
                out.push('\n');
            }
            out.push_str(END);
            out.push('\n');
        }
        if out.is_empty() { Err(PemError::Empty) } else { Ok(Pem(out)) }
    }

    /// The certificates, in lines of 64 letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Is this one SEQUENCE with a definite length, and nothing behind it?
fn is_sequence(der: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = der else { return false };
    if *length < 0x80 {
        return usize::from(*length) == rest.len();
    }
    let count = usize::from(*length & 0x7f);
    let Some((digits, content)) = rest.split_at_checked(count) else { return false };
    (1..=4).contains(&count)
        && digits.iter().fold(0u64, |sum, digit| sum << 8 | u64::from(*digit)) == content.len() as u64
}

/// The bundle of all certificates that the tree has, in the order of their paths, and of those that are added;
/// none where there are none.
///
/// Bytes are those that `update-ca-certificates` writes where all certificates of the packages are enabled, as
/// they are unless somebody was asked: each file, with a line feed at its end if it lacks one.
pub fn bundle(tree: &Tree, added: &[Pem]) -> (Option<(TreePath, Entry)>, Vec<Problem>) {
    let mut problems = vec![];
    let mut bytes = vec![];
    let (Ok(dir), Ok(path)) = (TreePath::parse(SOURCE), TreePath::parse(BUNDLE)) else {
        return (None, problems);
    };
    let is_certificate = |path: &TreePath| path.as_str().ends_with(".crt");
    let mut sources: Vec<_> = tree.range(&dir).filter(|(path, _)| is_certificate(path)).collect();
    // `sort` orders whole paths by their bytes, not by their components.
    sources.sort_by_key(|(path, _)| path.as_str().as_bytes().to_vec());
    for (path, entry) in sources {
        let Some(content) = entry.content() else { continue };
        match content.read(MAX_FILE) {
            Ok(more) => {
                bytes.extend(&more);
                if bytes.last().is_some_and(|last| *last != b'\n') {
                    bytes.push(b'\n');
                }
            }
            Err(error) => {
                problems.push(Problem::Unreadable { path: path.clone(), reason: error.source.to_string() });
            }
        }
    }
    for pem in added {
        bytes.extend(pem.as_str().as_bytes());
    }
    let entry = || Entry::file(Content::bytes(bytes.clone(), "the certificates of the packages"), 0o644);
    ((!bytes.is_empty()).then(|| (path, entry())), problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_are_certificates() {
        let good = "-----BEGIN CERTIFICATE-----\nMAMC\nAQE=\n-----END CERTIFICATE-----";
        let want = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
        assert_eq!(Pem::parse(good).unwrap().as_str(), want);
        let two = format!("# one\r\n{}\n\nsubject=x\n{good}\n", good.replace('\n', "\r\n"));
        assert_eq!(Pem::parse(&two).unwrap().as_str(), want.repeat(2));
        for (text, error) in [
            ("", PemError::Empty),
            ("MAMCAQE=", PemError::Empty),
            ("-----BEGIN CERTIFICATE-----\nMAMCAQE=", PemError::Unfinished { line: 1 }),
            (&good.replace("MAMC", "MA!C"), PemError::Base64 { line: 1 }),
            (&good.replace("MAMC", "MQMC"), PemError::Der { line: 1 }),
            (&good.replace("MAMC", "MAQC"), PemError::Der { line: 1 }),
            (
                &good.replace("CERTIFICATE", "PRIVATE KEY"),
                PemError::Other { line: 1, label: "-----BEGIN PRIVATE KEY-----".into() },
            ),
        ] {
            assert_eq!(Pem::parse(text).unwrap_err(), error, "{text}");
        }
    }
}
