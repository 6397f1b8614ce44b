//! Names of registries, as credentials are filed under them.

use std::net::IpAddr;

/// What Docker Hub is called here.
const HUB: &str = "docker.io";
/// What others call it.
const HUB_ALIASES: [&str; 3] = ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];
/// The host of its API.
const HUB_API: &str = "registry-1.docker.io";
/// What credential helpers call it.
const HUB_SERVER: &str = "https://index.docker.io/v1/";

/// A repository that credentials are looked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The registry's host, with its port, in lower case; Docker Hub under one name.
    pub host: String,
    /// The keys it may be filed under, the most special first: `host/a/b`, `host/a`, `host`.
    pub keys: Vec<String>,
}

impl Wanted {
    pub fn new(registry: &str, repository: &str) -> Self {
        let host = normal(registry);
        let mut keys = vec![host.clone()];
        let mut key = host.clone();
        for part in repository.split('/').filter(|part| !part.is_empty()) {
            key = format!("{key}/{part}");
            keys.insert(0, key.clone());
        }
        Wanted { host, keys }
    }

    /// What credential helpers call the registry.
    pub fn server(&self) -> &str {
        if self.host == HUB { HUB_SERVER } else { &self.host }
    }

    /// The part of a variable's name that stands for it: `GHCR_IO`.
    pub fn variable(&self) -> String {
        let letter =
            |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
        self.host.chars().map(letter).collect()
    }
}

/// A key of a credential file without scheme, API version and closing slash, with the host in lower case.
pub(crate) fn normal(key: &str) -> String {
    let key = key.trim();
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let host = host.to_ascii_lowercase();
    let host = if HUB_ALIASES.contains(&&*host) { HUB.into() } else { host };
    match path {
        "" | "v1" | "v2" => host,
        path => format!("{host}/{path}"),
    }
}

/// The host that answers for a registry: Docker Hub has another than its name.
pub fn api_host(registry: &str) -> String {
    let host = normal(registry);
    if host == HUB { HUB_API.into() } else { host }
}

/// Is a registry of this machine? Such a one may speak plain HTTP.
pub fn is_loopback(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(host, _)| host),
        None => registry.split_once(':').map_or(registry, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lose_what_does_not_tell_registries_apart() {
        for (key, want) in [
            ("ghcr.io", "ghcr.io"),
            ("https://GHCR.io/", "ghcr.io"),
            ("https://ghcr.io/v1/", "ghcr.io"),
            ("http://localhost:5000/v2/", "localhost:5000"),
            ("ghcr.io/acme/Shop", "ghcr.io/acme/Shop"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("docker.io/acme", "docker.io/acme"),
            ("index.docker.io/acme", "docker.io/acme"),
            ("", ""),
        ] {
            assert_eq!(normal(key), want, "{key}");
        }
    }

    #[test]
    fn the_most_special_key_is_first() {
        let wanted = Wanted::new("Quay.io", "acme/shop");
        assert_eq!(wanted.keys, ["quay.io/acme/shop", "quay.io/acme", "quay.io"]);
        assert_eq!((wanted.server(), &*wanted.variable()), ("quay.io", "QUAY_IO"));
        let hub = Wanted::new("registry-1.docker.io", "");
        assert_eq!((hub.server(), &*hub.variable()), ("https://index.docker.io/v1/", "DOCKER_IO"));
        assert_eq!(Wanted::new("my-host.example:5000", "").variable(), "MY_HOST_EXAMPLE_5000");
    }

    #[test]
    fn registries_of_this_machine() {
        for registry in ["localhost", "LOCALHOST:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000", "[::1]"] {
            assert!(is_loopback(registry), "{registry}");
        }
        for registry in ["", "localhost.example.com", "10.0.0.1:5000", "[::2]:5000", "127.0.0.1.nip.io"] {
            assert!(!is_loopback(registry), "{registry}");
        }
    }
}
