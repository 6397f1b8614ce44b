//! Names of images, by the grammar of the [distribution specification][spec] and of Docker.
//!
//! [spec]: https://github.com/distribution/reference

use oci::Digest;
use std::fmt;
use std::str::FromStr;

/// The longest name without tag and digest, in bytes.
const MAX_NAME: usize = 255;
/// The longest tag, in bytes.
const MAX_TAG: usize = 128;
/// What Docker takes a name without a registry to mean.
const DOCKER_HUB: &str = "docker.io";

/// A checked name of an image: `ghcr.io/acme/shop:1.4`, `shop`, `shop@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageName {
    /// The registry's host, with its port.
    pub registry: Option<String>,
    /// The repository below it.
    pub repository: String,
    /// The tag.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<Digest>,
}

/// A text is no name of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no image name: {reason}")]
pub struct NameError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ImageName {
    /// The tag, or the `latest` that its absence means.
    pub fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// The same name with this tag and without a digest.
    pub fn with_tag(&self, tag: &str) -> Self {
        ImageName { tag: Some(tag.into()), digest: None, ..self.clone() }
    }

    /// The registry and the repository, without tag and digest.
    pub fn repository(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.clone(),
        }
    }

    /// The whole name as Docker and containerd keep it: without a registry it is of `docker.io`, and
    /// a single word there of its `library`.
    pub fn normalized(&self) -> String {
        let registry = match self.registry.as_deref() {
            None | Some("index.docker.io") => DOCKER_HUB,
            Some(registry) => registry,
        };
        let library = if registry == DOCKER_HUB && !self.repository.contains('/') { "library/" } else { "" };
        format!("{registry}/{library}{}:{}", self.repository, self.tag_or_latest())
    }
}

impl FromStr for ImageName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |reason: &str| NameError { text: text.into(), reason: reason.into() };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(digest.parse::<Digest>().map_err(|error| wrong(&error.to_string()))?))
            }
            None => (text, None),
        };
        // A colon before the last slash is that of a port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(wrong(&format!(
                "its tag `{tag}` is not of at most {MAX_TAG} letters, digits, `_`, `.` and `-`"
            )));
        }
        let (registry, repository) = match name.split_once('/') {
            Some((first, rest)) if is_registry_word(first) => (Some(first), rest),
            _ => (None, name),
        };
        if let Some(registry) = registry.filter(|registry| !is_host(registry)) {
            return Err(wrong(&format!("`{registry}` is no host")));
        }
        if repository.is_empty() {
            return Err(wrong("it names no repository"));
        }
        if name.len() > MAX_NAME {
            return Err(wrong(&format!("it has more than {MAX_NAME} letters")));
        }
        if let Some(part) = repository.split('/').find(|part| !is_path_component(part)) {
            let reason = match part {
                "" => "a part of it is empty".into(),
                part if part.chars().any(char::is_uppercase) => format!("`{part}` has upper-case letters"),
                part => format!(
                    "`{part}` is not of lower-case letters and digits, with single `.`, `_`, `__` or dashes between"
                ),
            };
            return Err(wrong(&reason));
        }
        Ok(ImageName {
            registry: registry.map(String::from),
            repository: repository.into(),
            tag: tag.map(String::from),
            digest,
        })
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Is this a tag: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`?
pub(crate) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MAX_TAG
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// Does the first part of a name mean a registry? As Docker decides it.
fn is_registry_word(text: &str) -> bool {
    text.contains(['.', ':']) || text == "localhost" || text.chars().any(char::is_uppercase)
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(label),
    };
    host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Lower-case letters and digits; between them `.`, `_`, `__` or any number of `-`.
fn is_path_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators = text.split(|letter: char| letter.is_ascii() && alphanumeric(letter as u8));
    let separators: Vec<&str> = separators.filter(|part| !part.is_empty()).collect();
    text.bytes().next().is_some_and(alphanumeric)
        && text.bytes().last().is_some_and(alphanumeric)
        && separators.iter().all(|part| matches!(*part, "." | "_" | "__") || part.bytes().all(|b| b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (text, registry, repository, tag, normalized) in [
            ("shop", None, "shop", None, "docker.io/library/shop:latest"),
            ("acme/shop:1.4", None, "acme/shop", Some("1.4"), "docker.io/acme/shop:1.4"),
            ("ghcr.io/acme/shop:1.4", Some("ghcr.io"), "acme/shop", Some("1.4"), "ghcr.io/acme/shop:1.4"),
            ("localhost/shop", Some("localhost"), "shop", None, "localhost/shop:latest"),
            ("localhost:5000/a/b/c:v", Some("localhost:5000"), "a/b/c", Some("v"), "localhost:5000/a/b/c:v"),
            ("docker.io/shop:1", Some("docker.io"), "shop", Some("1"), "docker.io/library/shop:1"),
            (
                "[::1]:5000/a__b/c--d.e_f",
                Some("[::1]:5000"),
                "a__b/c--d.e_f",
                None,
                "[::1]:5000/a__b/c--d.e_f:latest",
            ),
            ("Registry/shop", Some("Registry"), "shop", None, "Registry/shop:latest"),
        ] {
            let name: ImageName = text.parse().unwrap();
            assert_eq!(
                (name.registry.as_deref(), name.repository.as_str(), name.tag.as_deref()),
                (registry, repository, tag),
                "{text}"
            );
            assert_eq!(name.to_string(), text);
            assert_eq!(name.normalized(), normalized);
        }
        let digest = format!("ghcr.io/a@{}", Digest::of(b""));
        assert_eq!(digest.parse::<ImageName>().unwrap().digest, Some(Digest::of(b"")));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "x".repeat(256);
        for (text, reason) in [
            ("", "it names no repository"),
            ("ghcr.io/", "it names no repository"),
            ("/project/image", "a part of it is empty"),
            ("acme//shop", "a part of it is empty"),
            ("acme/Shop", "`Shop` has upper-case letters"),
            ("shop:", "its tag `` is not of at most 128 letters, digits, `_`, `.` and `-`"),
            ("shop:.x", "its tag `.x` is not of at most 128 letters, digits, `_`, `.` and `-`"),
            (
                "-shop",
                "`-shop` is not of lower-case letters and digits, with single `.`, `_`, `__` or dashes between",
            ),
            (
                "a..b",
                "`a..b` is not of lower-case letters and digits, with single `.`, `_`, `__` or dashes between",
            ),
            (
                "é",
                "`é` is not of lower-case letters and digits, with single `.`, `_`, `__` or dashes between",
            ),
            ("ghcr.io:port/shop", "`ghcr.io:port` is no host"),
            ("-x.io/shop", "`-x.io` is no host"),
            ("shop@sha256:12", "`sha256:12` does not have 64 lower-case hexadecimal digits"),
            (&long, "it has more than 255 letters"),
        ] {
            let error = text.parse::<ImageName>().unwrap_err();
            assert_eq!(error.reason, reason, "{text}");
            assert_eq!(error.to_string(), format!("`{text}` is no image name: {reason}"));
        }
    }
}
