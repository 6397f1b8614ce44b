//! Where bytes come from, and how that is written without its secrets.

use crate::error::FetchError;
use reqwest::Url;
use std::path::PathBuf;

/// What stands for a secret.
const MASK: &str = "***";

/// A URL that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// `http:` or `https:`.
    Web(Url),
    /// `file:`, or apt's `copy:`, which means the same.
    File(PathBuf),
}

impl Address {
    /// Reads a URL.
    pub fn parse(url: &str) -> Result<Self, FetchError> {
        let wrong = |reason: String| FetchError::Url { url: masked(url), reason };
        let local = url.split_once(':').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("copy"));
        let parsed = match local {
            Some((_, path)) => Url::parse(&format!("file:{path}")),
            None => Url::parse(url),
        };
        let parsed = parsed.map_err(|error| wrong(error.to_string()))?;
        match parsed.scheme() {
            "http" | "https" => Ok(Address::Web(parsed)),
            "file" => {
                let path =
                    parsed.to_file_path().map_err(|()| wrong("it names no file of this machine".into()))?;
                Ok(Address::File(path))
            }
            other => Err(wrong(format!("its scheme is {other}, not http, https, file or copy"))),
        }
    }
}

/// The URL of what is below a root, by its path: the parts are encoded, and none leads upwards.
///
/// `+` is encoded, too, as apt has it: some object stores take it for a blank.
///
/// # Errors
/// When the root is no URL that can be fetched from, or the path has a part that is empty, `.` or `..`.
pub fn join(root: &str, path: &str) -> Result<String, FetchError> {
    let wrong = |reason: String| FetchError::Url { url: format!("{}/{path}", masked(root)), reason };
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(wrong("its path is not a plain one".into()));
    }
    let mut url = match Address::parse(root)? {
        Address::Web(url) => url,
        Address::File(path) => {
            Url::from_file_path(path).map_err(|()| wrong("it names no file of this machine".into()))?
        }
    };
    url.path_segments_mut()
        .map_err(|()| wrong("it can have no path".into()))?
        .pop_if_empty()
        .extend(path.split('/'));
    let path = url.path().replace('+', "%2b");
    url.set_path(&path);
    Ok(url.into())
}

/// A URL as it may be shown: without its user, its password, and the values of its query.
///
/// What is no URL is masked by its looks.
pub fn masked(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return masked_text(url) };
    if !parsed.username().is_empty() || parsed.password().is_some() {
        // Neither fails for a URL that has a user.
        let _ = parsed.set_username(MASK);
        let _ = parsed.set_password(None);
    }
    if let Some(query) = parsed.query() {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((name, _)) => format!("{name}={MASK}"),
            None => MASK.into(),
        });
        let query = parts.collect::<Vec<_>>().join("&");
        parsed.set_query(Some(&query));
    }
    parsed.set_fragment(None);
    parsed.into()
}

fn masked_text(url: &str) -> String {
    let (url, query) = match url.find(['?', '#']) {
        Some(at) => (&url[..at], "?***"),
        None => (url, ""),
    };
    match (url.find("://"), url.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}://{MASK}{}{query}", &url[..start], &url[end..])
        }
        (None, Some(end)) => format!("{MASK}{}{query}", &url[end..]),
        _ => format!("{url}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes() {
        let file = |path: &str| Address::File(path.into());
        for (url, expected) in [
            ("file:///srv/mirror/x", file("/srv/mirror/x")),
            ("file:/srv/a%20b", file("/srv/a b")),
            ("copy:/srv/mirror", file("/srv/mirror")),
            ("COPY:///srv/mirror", file("/srv/mirror")),
            ("http://example.com/x", Address::Web(Url::parse("http://example.com/x").unwrap())),
        ] {
            assert_eq!(Address::parse(url).unwrap(), expected, "{url}");
        }
        for url in ["ftp://example.com/", "cdrom:[Debian]/", "file://example.com/x", "x", "", "http://"] {
            let error = Address::parse(url);
            assert!(matches!(error, Err(FetchError::Url { .. })), "{url}: {error:?}");
        }
    }

    #[test]
    fn paths_below_a_root() {
        for (root, path, expected) in [
            ("http://example.com", "a/b", "http://example.com/a/b"),
            (
                "http://example.com/debian/",
                "pool/g++_1%3a2~b_all.deb",
                "http://example.com/debian/pool/g%2b%2b_1%253a2~b_all.deb",
            ),
            ("http://u:p@example.com/x?sig=a", "b", "http://u:p@example.com/x/b?sig=a"),
            ("file:/srv/a b", "c+d#?", "file:///srv/a%20b/c%2bd%23%3F"),
            ("copy:/srv", "x", "file:///srv/x"),
        ] {
            assert_eq!(join(root, path).unwrap(), expected);
        }
        let file = Address::parse(&join("file:/srv/a b", "c+%d#?").unwrap()).unwrap();
        assert_eq!(file, Address::File("/srv/a b/c+%d#?".into()));
        for path in ["", "/a", "a/", "a//b", "../a", "a/../b", "."] {
            assert!(join("http://example.com/x", path).is_err(), "{path}");
        }
        assert!(join("cdrom:x", "a").is_err());
    }

    #[test]
    fn secrets_do_not_show() {
        for (url, expected) in [
            ("https://example.com/debian/x", "https://example.com/debian/x"),
            ("https://user:pass@example.com/x", "https://***@example.com/x"),
            ("https://token@example.com/x", "https://***@example.com/x"),
            ("https://:pass@example.com/x", "https://***@example.com/x"),
            ("https://example.com/x?sig=abc&expires=9#frag", "https://example.com/x?sig=***&expires=***"),
            ("https://example.com/x?abc", "https://example.com/x?***"),
            ("https://user:pass@exa mple.com/x?sig=abc", "https://***@exa mple.com/x?***"),
            ("user:pass@example.com", "user:pass@example.com"),
            ("//user:pass@example.com/#pass", "***@example.com/?***"),
        ] {
            assert_eq!(masked(url), expected);
        }
    }
}
