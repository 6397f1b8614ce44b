//! Where a repository's API is.

use crate::name::ImageName;

/// Docker Hub, as images name it.
const DOCKER_HUB: &str = "docker.io";
/// Where its API is.
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// A repository, and the host that its API is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The registry, as images name it and credentials are kept for it.
    pub registry: String,
    /// The host of its API, with its port.
    pub host: String,
    /// The repository below it.
    pub path: String,
}

/// How a host is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Https,
    Http,
}

impl Repository {
    /// That of an image's name. One without a registry is Docker Hub's.
    pub fn of(name: &ImageName) -> Self {
        let path = name.repository.clone();
        match name.registry.as_deref() {
            None | Some(DOCKER_HUB | "index.docker.io" | DOCKER_HUB_API) => {
                let path = if path.contains('/') { path } else { format!("library/{path}") };
                Repository { registry: DOCKER_HUB.into(), host: DOCKER_HUB_API.into(), path }
            }
            Some(registry) => Repository { registry: registry.into(), host: registry.into(), path },
        }
    }

    /// The same repository at a mirror of its registry.
    pub fn at(&self, mirror: &str) -> Self {
        Repository { registry: mirror.into(), host: mirror.into(), path: self.path.clone() }
    }

    /// Where its registry says that it is one.
    pub fn root(&self, scheme: Scheme) -> String {
        let scheme = match scheme {
            Scheme::Https => "https",
            Scheme::Http => "http",
        };
        format!("{scheme}://{}/v2/", self.host)
    }

    /// The host of the API with its port, whether it is written or not.
    pub fn host_and_port(&self) -> String {
        if self.has_port() { self.host.clone() } else { format!("{}:443", self.host) }
    }

    /// Is its port written?
    pub fn has_port(&self) -> bool {
        let port = self.host.rsplit_once(':').map(|(_, port)| port);
        port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Is it on this machine?
    pub fn is_loopback(&self) -> bool {
        auth::is_loopback(&self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_repository_is() {
        for (name, registry, root, path) in [
            ("shop", "docker.io", "https://registry-1.docker.io/v2/", "library/shop"),
            ("acme/shop:1", "docker.io", "https://registry-1.docker.io/v2/", "acme/shop"),
            ("docker.io/shop", "docker.io", "https://registry-1.docker.io/v2/", "library/shop"),
            ("index.docker.io/a/b", "docker.io", "https://registry-1.docker.io/v2/", "a/b"),
            ("registry-1.docker.io/b", "docker.io", "https://registry-1.docker.io/v2/", "library/b"),
            ("ghcr.io/acme/shop", "ghcr.io", "https://ghcr.io/v2/", "acme/shop"),
            ("[::1]:5000/shop", "[::1]:5000", "https://[::1]:5000/v2/", "shop"),
            ("localhost/shop", "localhost", "https://localhost/v2/", "shop"),
        ] {
            let found = Repository::of(&name.parse().unwrap());
            assert_eq!(
                (&*found.registry, &*found.root(Scheme::Https), &*found.path),
                (registry, root, path),
                "{name}"
            );
        }
        let hub = Repository::of(&"alpine".parse().unwrap());
        let mirror = hub.at("mirror.example.com:8443");
        assert_eq!(mirror.root(Scheme::Http), "http://mirror.example.com:8443/v2/");
        assert_eq!(
            (mirror.registry.as_str(), mirror.path.as_str()),
            ("mirror.example.com:8443", "library/alpine")
        );
    }

    #[test]
    fn what_is_on_this_machine() {
        for (host, with_port, loopback) in [
            ("localhost", "localhost:443", true),
            ("localhost:5000", "localhost:5000", true),
            ("LOCALHOST:5000", "LOCALHOST:5000", true),
            ("127.0.0.1", "127.0.0.1:443", true),
            ("127.9.9.9:80", "127.9.9.9:80", true),
            ("[::1]", "[::1]:443", true),
            ("[::1]:5000", "[::1]:5000", true),
            ("[::2]:5000", "[::2]:5000", false),
            ("ghcr.io", "ghcr.io:443", false),
            ("localhost.example.com", "localhost.example.com:443", false),
            ("127.0.0.1.example.com:1", "127.0.0.1.example.com:1", false),
            ("10.0.0.1:5000", "10.0.0.1:5000", false),
        ] {
            let repository = Repository::of(&format!("{host}/x").parse().unwrap_or_else(|_| ImageName {
                registry: Some(host.into()),
                repository: "x".into(),
                tag: None,
                digest: None,
            }));
            assert_eq!(
                (&*repository.host_and_port(), repository.is_loopback()),
                (with_port, loopback),
                "{host}"
            );
        }
    }
}
