//! Finding an image in a registry, or in a mirror of it.

use super::blobs::RegistryBlobs;
use super::remote::{Remote, wait};
use super::repository::Repository;
use super::tags::some_tags;
use crate::error::StoreError;
use crate::name::ImageName;
use crate::network::Network;
use crate::stored::Stored;
use auth::Action;
use oci::{Document, Origin};
use std::sync::Arc;

/// Finds the image that a name means. Its blobs are read when they are asked for.
pub(crate) fn open(name: &ImageName, network: &Network, place: &str) -> Result<Stored, StoreError> {
    let repository = Repository::of(name);
    let mirrors = network.known.mirrors.iter().filter(|(registry, _)| *registry == repository.registry);
    let mut remotes = vec![];
    for (_, mirror) in mirrors {
        let mirror = Remote::new(network, repository.at(mirror), place, Action::Pull);
        // One that cannot be spoken to is as one that does not have it.
        remotes.extend(wait(network, place, mirror).ok());
    }
    let own = wait(network, place, Remote::new(network, repository.clone(), place, Action::Pull))?;
    let found = remotes.iter().enumerate().find_map(|(number, mirror)| {
        let found = mirror.wait(find(mirror, name)).ok()??;
        Some((number, found))
    });
    let document = match found {
        Some((number, document)) => {
            // Those that did not have it are not asked for its blobs.
            remotes.drain(..number);
            document
        }
        None => {
            remotes.clear();
            own.wait(find(&own, name))?.ok_or_else(|| no_image(&own, name))?
        }
    };
    remotes.push(own);
    let origin = Origin { registry: repository.registry, repository: repository.path };
    let blobs = RegistryBlobs::new(remotes, origin);
    blobs.keep(document.descriptor.digest, &document.bytes);
    let names = match name.digest {
        Some(_) => vec![],
        None => vec![name.with_tag(name.tag_or_latest()).to_string()],
    };
    Stored::new(place.into(), &document.descriptor, document.bytes, names, Arc::new(blobs))
}

/// The manifest that a name means: its digest counts before its tag.
async fn find(remote: &Remote, name: &ImageName) -> Result<Option<Document>, StoreError> {
    match name.digest {
        Some(digest) => remote.manifest(digest, None).await,
        None => remote.tagged(name.tag_or_latest()).await,
    }
}

/// That there is no such image, and what there is.
pub(super) fn no_image(remote: &Remote, name: &ImageName) -> StoreError {
    let wanted = name.digest.map_or_else(|| name.tag_or_latest().into(), |digest| digest.to_string());
    // What there is must not stand before what there is not.
    let known = remote.wait(some_tags(remote)).unwrap_or_default();
    StoreError::NoImage { place: format!("docker://{}", name.repository()), wanted, known }
}
