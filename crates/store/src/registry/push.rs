//! Publishing to a registry: blobs first, then manifests, each after what it names, and tags last.

use super::remote::{Remote, wait};
use super::repository::Repository;
use super::upload::{has_blob, upload};
use crate::destination::{Content, Destination, Publication, Published, blobs};
use crate::error::StoreError;
use crate::name::ImageName;
use crate::network::Network;
use crate::reference::RefName;
use crate::side_by_side::side_by_side;
use auth::Action;
use oci::{Artifact, Blob, Digest, Document, MemoryBlob, media_type};
use std::cmp::Reverse;
use std::sync::Arc;

/// As many questions are asked at a time.
const QUESTIONS: usize = 16;
/// As many blobs are uploaded at a time: more share the same line, and registries count who asks too much.
const UPLOADS: usize = 6;

/// An image's place in a registry.
pub(crate) struct Registry {
    pub name: ImageName,
    pub place: String,
    pub network: Network,
}

impl Registry {
    fn remote(&self) -> Result<Remote, StoreError> {
        let repository = Repository::of(&self.name);
        let remote = Remote::new(&self.network, repository, &self.place, Action::PullPush);
        wait(&self.network, &self.place, remote)
    }

    /// The tags that an image gets: that of the reference, else those that the image calls itself by. None: it is found
    /// by its digest only.
    fn tags(&self, own: &[String]) -> Result<Vec<String>, StoreError> {
        if let Some(tag) = &self.name.tag {
            return Ok(vec![tag.clone()]);
        }
        let mut tags: Vec<String> = vec![];
        for name in own {
            let name =
                name.parse().map_err(|source| StoreError::Name { place: self.place.clone(), source })?;
            let tag = match &name {
                RefName::Tag(tag) => tag.clone(),
                RefName::Name(name) => name.tag_or_latest().to_owned(),
            };
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(tags)
    }
}

impl Destination for Registry {
    fn probe(&self) -> Result<(), StoreError> {
        let remote = self.remote()?;
        remote.wait(remote.probe(self.name.tag_or_latest()))
    }

    fn publish(&self, publication: &Publication<'_>) -> Result<Published, StoreError> {
        let tags = self.tags(publication.names)?;
        let remote = self.remote()?;
        let document = publication.artifact.document();
        let digest = document.descriptor.digest;
        let references = if tags.is_empty() { vec![digest.to_string()] } else { tags.clone() };
        let stale = stale(&remote, &references, digest)?;
        if !stale.is_empty() {
            push_blobs(&remote, &to_upload(publication.artifact))?;
            push_manifests(&remote, &publication.artifact.manifests())?;
            for reference in stale {
                remote.wait(remote.put(document, reference))?;
            }
        }
        let names = tags.iter().map(|tag| self.name.with_tag(tag).to_string());
        Ok(Published { digest, names: names.collect() })
    }
}

/// The tags, or the digest, that stand for something else, or for nothing.
fn stale<'a>(
    remote: &Remote,
    references: &'a [String],
    digest: Digest,
) -> Result<Vec<&'a String>, StoreError> {
    let Some((first, rest)) = references.split_first() else { return Ok(vec![]) };
    let is_stale = |reference: &&String| Ok(remote.wait(remote.digest_of(reference))? != Some(digest));
    // The first one alone: what the registry wants to know is then known for the others.
    let first_is_stale = is_stale(&first)?;
    let rest: Vec<&String> = rest.iter().collect();
    let rest_is_stale = side_by_side(&rest, QUESTIONS, is_stale)?;
    let all = [first].into_iter().chain(rest).zip([first_is_stale].into_iter().chain(rest_is_stale));
    Ok(all.filter_map(|(reference, is_stale)| is_stale.then_some(reference)).collect())
}

/// The blobs that a registry must have for an image. Layers that others give out are not given on.
fn to_upload(artifact: &Artifact) -> Vec<Arc<dyn Blob>> {
    let all = blobs(artifact).into_values().map(|content| -> Arc<dyn Blob> {
        match content {
            Content::Blob(blob) => Arc::clone(blob),
            Content::Document(Document { descriptor, bytes }) => {
                Arc::new(MemoryBlob::new(&descriptor.media_type, &bytes[..]))
            }
        }
    });
    all.filter(|blob| !media_type::is_foreign(&blob.descriptor().media_type)).collect()
}

/// Has the repository have these blobs. The longest come first, so that none is left to go on alone.
pub(super) fn push_blobs(remote: &Remote, blobs: &[Arc<dyn Blob>]) -> Result<(), StoreError> {
    let mut blobs: Vec<&Arc<dyn Blob>> = blobs.iter().collect();
    blobs.sort_by_key(|blob| Reverse(blob.descriptor().size));
    let there = side_by_side(&blobs, QUESTIONS, |blob| remote.wait(has_blob(remote, blob.descriptor())))?;
    let missing: Vec<_> =
        blobs.into_iter().zip(there).filter_map(|(blob, there)| (!there).then_some(blob)).collect();
    side_by_side(&missing, UPLOADS, |blob| remote.wait(upload(remote, blob))).map(drop)
}

/// Puts manifests into a repository by their digests, all but the last: that gets its tags.
fn push_manifests(remote: &Remote, manifests: &[&Document]) -> Result<(), StoreError> {
    let Some((_, below)) = manifests.split_last() else { return Ok(()) };
    let put = |document: &&Document| {
        remote.wait(remote.put(document, &document.descriptor.digest.to_string())).map(drop)
    };
    // Those that name no manifest need not wait for each other.
    let (indexes, leaves): (Vec<_>, Vec<_>) =
        below.iter().partition(|document| media_type::is_index(&document.descriptor.media_type));
    side_by_side(&leaves, UPLOADS, put)?;
    indexes.iter().try_for_each(put)
}
