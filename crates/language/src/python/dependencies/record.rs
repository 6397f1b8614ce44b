//! `RECORD`: the files of a distribution, with their digests.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use std::collections::BTreeMap;
use tree::Sha256Digest;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The digest as written: `sha256=…`; empty where there is none.
    pub digest: String,
    /// The length in bytes, where there is one.
    pub size: Option<u64>,
}

/// The rows by path, as written.
pub(super) type Record = BTreeMap<String, Row>;

impl Row {
    /// The row of a file.
    pub fn of(digest: &Sha256Digest, size: u64) -> Self {
        let digest = format!("sha256={}", BASE64_URL_SAFE_NO_PAD.encode(digest.0));
        Row { digest, size: Some(size) }
    }

    /// The SHA-256, if it is one.
    pub fn sha256(&self) -> Option<Sha256Digest> {
        let text = self.digest.strip_prefix("sha256=")?.trim_end_matches('=');
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Sha256Digest(bytes.try_into().ok()?))
    }
}

/// Reads a `RECORD`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Record, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = Record::new();
    for row in reader.records() {
        let row = row.map_err(|error| format!("its RECORD is no table: {error}"))?;
        let field = |at: usize| row.get(at).unwrap_or_default();
        let size = match field(2) {
            "" => None,
            text => {
                Some(text.parse().map_err(|_| format!("its RECORD gives {} the size `{text}`", field(0)))?)
            }
        };
        let path = field(0).to_owned();
        if record.insert(path, Row { digest: field(1).into(), size }).is_some() {
            return Err(format!("its RECORD names {} twice", field(0)));
        }
    }
    Ok(record)
}

/// Writes a `RECORD`, sorted by path.
pub(super) fn write(record: &Record) -> Vec<u8> {
    let mut out = vec![];
    for (path, Row { digest, size }) in record {
        let plain = !path.contains([',', '"', '\n', '\r']);
        let path = if plain { path.clone() } else { format!("\"{}\"", path.replace('"', "\"\"")) };
        let size = size.map(|size| size.to_string()).unwrap_or_default();
        out.extend_from_slice(format!("{path},{digest},{size}\n").as_bytes());
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let digest = Sha256Digest::of(b"x");
        let record = Record::from([
            ("a/__init__.py".into(), Row::of(&digest, 1)),
            ("a/b, \"c\".txt".into(), Row::of(&digest, 1)),
            ("a-1.dist-info/RECORD".into(), Row { digest: String::new(), size: None }),
        ]);
        let text = write(&record);
        assert_eq!(parse(&text).unwrap(), record);
        let lines =
            std::str::from_utf8(&text).unwrap().lines().map(|line| line.split(",sha").next().unwrap());
        assert_eq!(
            lines.collect::<Vec<_>>(),
            ["a-1.dist-info/RECORD,,", "a/__init__.py", "\"a/b, \"\"c\"\".txt\""]
        );
        assert_eq!(record["a/__init__.py"].sha256(), Some(digest));
    }

    #[test]
    fn what_is_no_record_is_told() {
        assert!(parse(b"a,sha256=x,many\n").unwrap_err().contains("size `many`"));
        assert!(parse(b"a,,\na,,\n").unwrap_err().contains("twice"));
        assert_eq!(parse(b"a,md5=x,1\nb,sha256=AA,1\n").unwrap()["a"].sha256(), None);
        assert_eq!(parse(b"b,sha256=AA,1\n").unwrap()["b"].sha256(), None, "too short");
    }
}
