//! Images that exist, brought elsewhere as they are.

use crate::{Error, Session, host_platform};
use oci::{Artifact, Digest, DocumentError, Index, Platform};
use std::collections::BTreeMap;
use store::{ImageName, Network, Publication, Published, Reference};

/// An image that was brought to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// What it is called there, without a tag; the place, where it has no name.
    pub name: String,
    /// The digest of its manifest or index.
    pub digest: Digest,
    /// The names that it has there now, with their tags.
    pub names: Vec<String>,
}

/// Under which names an image is brought to a place that does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Those that it has where it comes from; in a registry, `latest` if it has none.
    Own,
    /// None: it is found by its digest.
    ByDigest,
}

/// Copies the image that a reference names to every destination. No byte of it changes, unless only some of several
/// `platforms` are asked for: then those get an index of their own. None: all that there is.
///
/// # Errors
/// When there is no such image, it is damaged, or a destination does not take it. Destinations before that one have it.
pub fn copy(
    source: &Reference,
    destinations: &[Reference],
    platforms: &[Platform],
    naming: Naming,
    session: &Session,
) -> Result<Vec<Moved>, Error> {
    let network = &session.network;
    let stored = store::open(source, network)?;
    publish(&stored.artifact_for(platforms)?, stored.names(), destinations, naming, network)
}

/// Gives the image that a reference names to the Docker engine, which takes one platform: of several, and without any
/// that is asked for, the one of this machine.
///
/// # Errors
/// As [`copy`].
pub fn load(source: &Reference, platforms: &[Platform], session: &Session) -> Result<Vec<Moved>, Error> {
    let network = &session.network;
    let stored = store::open(source, network)?;
    let own: Vec<Platform> = match (platforms, stored.images()) {
        ([], [_]) => vec![],
        ([], _) => host_platform().and_then(|host| host.to_string().parse().ok()).into_iter().collect(),
        (asked, _) => asked.to_vec(),
    };
    let engine = [Reference::DockerDaemon { name: None }];
    publish(&stored.artifact_for(&own)?, stored.names(), &engine, Naming::Own, network)
}

/// Joins images into one index for all their platforms, and brings it to every destination. An index among them gives
/// its images.
///
/// # Errors
/// As [`copy`]; when two images are for one platform.
pub fn join(
    sources: &[Reference],
    destinations: &[Reference],
    annotations: BTreeMap<String, String>,
    naming: Naming,
    session: &Session,
) -> Result<Vec<Moved>, Error> {
    let network = &session.network;
    let mut images = vec![];
    for source in sources {
        images.extend(store::open(source, network)?.artifact()?.images().iter().cloned());
    }
    let index = Index::new(images, annotations).map_err(|error| match error {
        DocumentError::SamePlatform(platform) => {
            Error::Usage(format!("two of the images are for {platform}"))
        }
        error => error.into(),
    });
    let artifact = Artifact::Index(index?);
    publish(&artifact, &[], destinations, naming, network)
}

fn publish(
    artifact: &Artifact,
    own: &[String],
    destinations: &[Reference],
    naming: Naming,
    network: &Network,
) -> Result<Vec<Moved>, Error> {
    let tagged =
        |reference: &&Reference| matches!(reference, Reference::Registry(name) if name.tag.is_some());
    if let Some(tagged) = destinations.iter().find(tagged).filter(|_| naming == Naming::ByDigest) {
        return Err(Error::Usage(format!("--by-digest: {tagged} has a tag, and the image is to get none")));
    }
    let publish = |reference: &Reference| {
        let latest = match (naming, reference) {
            (Naming::Own, Reference::Registry(name)) if own.is_empty() => {
                Some(name.with_tag("latest").to_string())
            }
            _ => None,
        };
        let names: Vec<String> = match naming {
            Naming::Own => own.iter().cloned().chain(latest).collect(),
            Naming::ByDigest => vec![],
        };
        let destination = store::destination(reference, network)?;
        let published = destination.publish(&Publication { artifact, names: &names })?;
        Ok(Moved::of(published, reference))
    };
    destinations.iter().map(publish).collect()
}

impl Moved {
    fn of(published: Published, place: &Reference) -> Self {
        let Published { digest, names } = published;
        let full =
            names.iter().find_map(|name| name.parse::<ImageName>().ok().filter(|_| name.contains(':')));
        let name = match (full, place) {
            (Some(name), _) => name.repository(),
            (None, Reference::Registry(name)) => name.repository(),
            (None, place) => place.to_string(),
        };
        Moved { name, digest, names }
    }

    /// `name@sha256:…`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.digest)
    }
}
