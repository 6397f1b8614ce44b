//! Parts of a file ([RFC 9110, 14]).
//!
//! [RFC 9110, 14]: https://www.rfc-editor.org/rfc/rfc9110#section-14

use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED};

/// Which bytes an answer has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// The first byte.
    pub start: u64,
    /// The length of the whole, where the server knows it.
    pub whole: Option<u64>,
}

impl ContentRange {
    /// What the headers of an answer say, if it is right in itself.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        ContentRange::parse(headers.get(CONTENT_RANGE)?.to_str().ok()?)
    }

    fn parse(value: &str) -> Option<Self> {
        let (range, whole) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (start, end) = range.split_once('-')?;
        let (start, end): (u64, u64) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
        let whole = match whole.trim() {
            "*" => None,
            whole => Some(whole.parse().ok()?),
        };
        (start <= end && whole.is_none_or(|whole| end < whole)).then_some(ContentRange { start, whole })
    }
}

/// What says that a file is still the same: a strong `ETag`, else `Last-Modified`.
pub(crate) fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let strong = headers.get(ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""));
    strong.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (value, expected) in [
            ("bytes 5-9/10", Some((5, Some(10)))),
            ("bytes 0-0/*", Some((0, None))),
            ("bytes 5-9/9", None),
            ("bytes 9-5/10", None),
            ("bytes */10", None),
            ("bytes 5-/10", None),
            ("bytes -5-9/10", None),
            ("bytes 5-99999999999999999999/*", None),
            ("lines 5-9/10", None),
            ("", None),
        ] {
            let expected = expected.map(|(start, whole)| ContentRange { start, whole });
            assert_eq!(ContentRange::parse(value), expected, "{value}");
        }
    }
}
