//! What a registry means by an answer that is none of those hoped for ([error codes][spec]).
//!
//! [spec]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes

use serde::Deserialize;

/// The longest answer that is read for its reason, in bytes.
pub(crate) const MAX_REASON: u64 = 64 << 10;
/// As many letters of it are shown.
const SHOWN: usize = 400;

/// What a status with its reason means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Who asks is not let in.
    Denied,
    /// There is no such thing.
    Absent,
    /// The registry will not have it.
    Refused,
    /// Something broke; it may be better later.
    Broken,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    errors: Vec<Error>,
}

#[derive(Deserialize)]
struct Error {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    detail: serde_json::Value,
}

/// What a status with its reason means.
pub(crate) fn verdict(status: u16, reason: &str) -> Verdict {
    match status {
        403 if says(reason, &["quota", "storage limit", "size limit"]) => Verdict::Refused,
        401 | 403 | 407 => Verdict::Denied,
        404 | 410 => Verdict::Absent,
        408 | 425 | 429 => Verdict::Broken,
        400..=499 => Verdict::Refused,
        _ => Verdict::Broken,
    }
}

/// Does an answer to a manifest under a tag mean that the tag stands for something else, and must go on to?
pub(crate) fn is_immutable(status: u16, reason: &str) -> bool {
    // ECR, Harbor, Artifact Registry, ACR and Docker Hub each have words, and a status, of their own for it.
    let words = ["immutab", "imagetagalreadyexists", "already exists", "overwrit", "cannot be updated"];
    matches!(status, 400 | 403 | 405 | 409 | 412 | 422) && says(reason, &words)
}

/// The reason in the body of an answer, fit to be shown: one line, without control characters. None, if there is
/// nothing in it for people.
pub(crate) fn reason(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let told = match serde_json::from_str::<Answer>(&text) {
        Ok(answer) => {
            let told: Vec<String> = answer.errors.iter().filter_map(Error::told).collect();
            told.join("; ")
        }
        Err(_) if text.trim_start().starts_with(['<', '{', '[']) => String::new(),
        Err(_) => text.into_owned(),
    };
    shown(&told)
}

fn says(reason: &str, words: &[&str]) -> bool {
    let reason = reason.to_lowercase();
    words.iter().any(|word| reason.contains(word))
}

impl Error {
    fn told(&self) -> Option<String> {
        let code = self.code.as_deref().filter(|code| !code.is_empty());
        let message = self.message.as_deref().filter(|message| !message.is_empty());
        // Some have the reason in the detail only.
        let detail = self.detail.as_str().filter(|detail| !detail.is_empty() && Some(*detail) != message);
        let words: Vec<&str> = [code, message, detail].into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(": "))
    }
}

/// Foreign text as it may be shown on a terminal.
pub(crate) fn shown(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found() {
        for (body, expected) in [
            (r#"{"errors":[{"code":"DENIED","message":"requested access"}]}"#, "DENIED: requested access"),
            (
                r#"{"errors":[{"code":"UNKNOWN","message":"unknown","detail":"disk full"},{"code":"X"}]}"#,
                "UNKNOWN: unknown: disk full; X",
            ),
            (r#"{"errors":[{"code":"A","message":null,"detail":[{"Type":"repository"}]}]}"#, "A"),
            (r#"{"errors":[]}"#, ""),
            (r#"{"message":"x"}"#, ""),
            (r#"{"errors":"x"}"#, ""),
            ("<html>502</html>", ""),
            ("too many\r\n\u{1b}[31m requests\0", "too many [31m requests"),
            ("", ""),
        ] {
            assert_eq!(reason(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(reason("é".repeat(1000).as_bytes()).chars().count(), SHOWN + 1);
    }

    #[test]
    fn words_for_a_tag_that_does_not_move() {
        for (status, reason, expected) in [
            (
                400,
                "TAG_INVALID: The image tag '1' already exists in the 'shop' repository and cannot be overwritten because the tag is immutable.",
                true,
            ),
            (400, "ImageTagAlreadyExistsException", true),
            (412, "PRECONDITION: Failed to process request due to 'shop:1' configured as immutable.", true),
            (400, "cannot update tag 1. The repository has enabled tag immutability", true),
            (409, "DENIED: the tag cannot be overwritten", true),
            (429, "TOOMANYREQUESTS: tag already exists", false),
            (500, "immutable", false),
            (400, "MANIFEST_INVALID", false),
        ] {
            assert_eq!(is_immutable(status, reason), expected, "{status} {reason}");
        }
    }

    #[test]
    fn what_a_status_means() {
        for (status, reason, expected) in [
            (409, "DENIED: the tag cannot be overwritten", Verdict::Refused),
            (403, "DENIED: requested access to the resource is denied", Verdict::Denied),
            (403, "DENIED: quota exceeded", Verdict::Refused),
            (401, "", Verdict::Denied),
            (404, "NAME_UNKNOWN", Verdict::Absent),
            (405, "UNSUPPORTED", Verdict::Refused),
            (400, "MANIFEST_INVALID", Verdict::Refused),
            (413, "", Verdict::Refused),
            (429, "TOOMANYREQUESTS: tag already exists", Verdict::Broken),
            (500, "immutable", Verdict::Broken),
            (302, "", Verdict::Broken),
        ] {
            assert_eq!(verdict(status, reason), expected, "{status} {reason}");
        }
    }
}
