//! Caches that machines share on the network, by the names that users give them.

mod objects;
#[cfg(test)]
pub(crate) mod testing;

use crate::error::StoreError;
use crate::name::ImageName;
use crate::network::Network;
use crate::object::{ObjectUrl, ObjectUrlError, Patience, connect};
use crate::registry::SharedRepository;
use cache::{Shared, SharedDirectory};
use objects::SharedObjects;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// Where a cache is that machines share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedPlace {
    /// In a directory.
    Directory(PathBuf),
    /// `s3://bucket/prefix/`, `gs://…`, `az://…`: below a prefix of an object store.
    Objects(ObjectUrl),
    /// `docker://registry/repository`: in a repository of a registry.
    Registry(ImageName),
}

/// A text names no place for a cache.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SharedPlaceError {
    /// There is none.
    #[error("a cache is in a directory, which an empty text does not name")]
    Empty,
    /// It is a place for images, or for nothing that is known.
    #[error(
        "`{text}`: `{scheme}` is no place for a cache; it is in a directory, s3://, gs://, az:// or docker://"
    )]
    Scheme {
        /// The text.
        text: String,
        /// What stands before the first colon.
        scheme: String,
    },
    /// It names no prefix of an object store.
    #[error("`{text}` is no place in an object store")]
    Object {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: ObjectUrlError,
    },
    /// It names no repository.
    #[error("`{text}` is no repository of a registry")]
    Repository {
        /// The text.
        text: String,
    },
}

/// Words before a colon that mean something else than a directory.
const OTHER_PLACES: [&str; 5] = ["oci", "oci-archive", "docker-archive", "docker-daemon", "docker"];

impl SharedPlace {
    /// Opens the cache there. Nothing is asked of it yet.
    ///
    /// # Errors
    /// When it cannot be reached: the network is left alone, or the environment has settings for it that make no sense.
    pub fn open(&self, network: &Network) -> Result<Arc<dyn Shared>, StoreError> {
        match self {
            SharedPlace::Directory(dir) => Ok(Arc::new(SharedDirectory::new(dir.clone()))),
            SharedPlace::Objects(url) => {
                let bucket = connect(url, network, Patience::Short)?;
                Ok(Arc::new(SharedObjects::new(bucket, url.key().into())))
            }
            SharedPlace::Registry(name) => Ok(Arc::new(SharedRepository::new(name.clone(), network.clone()))),
        }
    }
}

impl FromStr for SharedPlace {
    type Err = SharedPlaceError;
    fn from_str(text: &str) -> Result<Self, SharedPlaceError> {
        let (scheme, rest) = match text.split_once(':') {
            Some(("", _)) | None if text.is_empty() => return Err(SharedPlaceError::Empty),
            None => return Ok(SharedPlace::Directory(text.into())),
            Some(parts) => parts,
        };
        let is_url = rest.starts_with("//");
        match scheme {
            "s3" | "gs" | "az" if is_url => {
                let url: ObjectUrl =
                    text.parse().map_err(|source| SharedPlaceError::Object { text: text.into(), source })?;
                Ok(SharedPlace::Objects(url.into_prefix()))
            }
            "docker" if is_url => {
                let name = rest.trim_start_matches('/').parse().ok();
                let name = name.filter(|name: &ImageName| {
                    name.registry.is_some() && name.tag.is_none() && name.digest.is_none()
                });
                name.map(SharedPlace::Registry)
                    .ok_or_else(|| SharedPlaceError::Repository { text: text.into() })
            }
            _ if is_url || OTHER_PLACES.contains(&scheme) => {
                Err(SharedPlaceError::Scheme { text: text.into(), scheme: scheme.into() })
            }
            _ => Ok(SharedPlace::Directory(text.into())),
        }
    }
}

impl fmt::Display for SharedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SharedPlace::Directory(dir) => dir.display().fmt(f),
            SharedPlace::Objects(url) => url.fmt(f),
            SharedPlace::Registry(name) => write!(f, "docker://{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_caches_are_read_and_written() {
        for (text, shown, kind) in [
            ("cache", "cache", "directory"),
            ("/srv/a:b", "/srv/a:b", "directory"),
            ("ghcr.io/acme/cache", "ghcr.io/acme/cache", "directory"),
            ("s3://bucket/ci", "s3://bucket/ci/", "objects"),
            ("gs://bucket/", "gs://bucket/", "objects"),
            ("docker://ghcr.io/acme/cache", "docker://ghcr.io/acme/cache", "registry"),
        ] {
            let place: SharedPlace = text.parse().unwrap();
            let found = match &place {
                SharedPlace::Directory(_) => "directory",
                SharedPlace::Objects(_) => "objects",
                SharedPlace::Registry(_) => "registry",
            };
            assert_eq!((place.to_string().as_str(), found), (shown, kind), "{text}");
        }
    }

    #[test]
    fn what_is_no_place_for_a_cache_is_refused() {
        for (text, start) in [
            ("", "a cache is in a directory"),
            ("oci:out", "`oci:out`: `oci` is no place for a cache"),
            ("https://x/y", "`https://x/y`: `https` is no place for a cache"),
            ("s3://bucket", "`s3://bucket` is no place in an object store"),
            ("docker://cache", "`docker://cache` is no repository"),
            ("docker://ghcr.io/a/b:tag", "`docker://ghcr.io/a/b:tag` is no repository"),
        ] {
            let error = text.parse::<SharedPlace>().unwrap_err().to_string();
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }
}
