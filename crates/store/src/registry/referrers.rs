//! Artifacts that refer to an image: signatures, SBOMs ([referrers][spec]).
//!
//! Registries that do not list them have an index under a tag made of the image's digest, which is kept by whoever
//! adds one.
//!
//! [spec]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers

use super::link::next_page;
use super::open::no_image;
use super::push::push_blobs;
use super::remote::{Remote, Request, wait};
use super::repository::Repository;
use crate::destination::Published;
use crate::error::StoreError;
use crate::name::ImageName;
use crate::network::Network;
use auth::Action;
use fetch::http::{Method, Url, header};
use oci::{Descriptor, Digest, Document, IndexFile, MAX_DOCUMENT, Manifest, Part, media_type};

/// The most pages of a list that are read.
const MAX_PAGES: usize = 100;
/// The most entries of one.
const MAX_ENTRIES: usize = 10_000;
/// As often the index under a tag is written, when others write it at the same time.
const MOST_WRITES: usize = 5;

/// What refers to an image: all of it, or what is of one type. A name without a digest means what its tag stands for.
///
/// # Errors
/// When the registry cannot be asked, or the name's tag is not there.
pub fn referrers(
    image: &ImageName,
    artifact_type: Option<&str>,
    network: &Network,
) -> Result<Vec<Descriptor>, StoreError> {
    let place = format!("docker://{image}");
    let remote = wait(network, &place, Remote::new(network, Repository::of(image), &place, Action::Pull))?;
    let digest = match image.digest {
        Some(digest) => digest,
        None => {
            let digest = remote.wait(remote.digest_of(image.tag_or_latest()))?;
            digest.ok_or_else(|| no_image(&remote, image))?
        }
    };
    let mut found = remote.wait(list(&remote, digest, artifact_type))?;
    // A registry need not filter, and the index under a tag never does.
    found.retain(|entry| artifact_type.is_none_or(|wanted| entry.artifact_type.as_deref() == Some(wanted)));
    Ok(found)
}

/// Pushes an artifact that refers to an image of the same repository. Where the registry does not list such artifacts,
/// the index is written that does.
///
/// # Errors
/// When it refers to nothing, or to something else than the name says; when the registry does not take it.
pub fn attach(image: &ImageName, artifact: &Part, network: &Network) -> Result<Published, StoreError> {
    let place = format!("docker://{}", image.repository());
    let document = |source| StoreError::Document { place: place.clone(), source };
    let manifest = Manifest::parse(&artifact.document.bytes).map_err(document)?;
    let subject = manifest.subject.as_ref().map(|subject| subject.digest);
    let Some(subject) = subject.filter(|subject| image.digest.is_none_or(|digest| digest == *subject)) else {
        return Err(StoreError::Mismatch {
            subject: "the subject of the artifact".into(),
            expected: image.to_string(),
            found: subject.map_or_else(|| "nothing".into(), |digest| digest.to_string()),
        });
    };
    let remote =
        wait(network, &place, Remote::new(network, Repository::of(image), &place, Action::PullPush))?;
    push_blobs(&remote, &artifact.blobs)?;
    let digest = artifact.document.descriptor.digest;
    let put = remote.wait(remote.put(&artifact.document, &digest.to_string()))?;
    if !put.is_listed {
        let entry = Descriptor {
            artifact_type: Some(manifest.artifact_type.unwrap_or(manifest.config.media_type)),
            annotations: manifest.annotations,
            ..artifact.document.descriptor.clone()
        };
        remote.wait(enter(&remote, subject, entry))?;
    }
    let name = ImageName { tag: None, digest: Some(digest), ..image.clone() };
    Ok(Published { digest, names: vec![name.to_string()] })
}

async fn list(
    remote: &Remote,
    image: Digest,
    artifact_type: Option<&str>,
) -> Result<Vec<Descriptor>, StoreError> {
    let mut url = remote.url(&format!("referrers/{image}"))?;
    if let Some(artifact_type) = artifact_type {
        url.query_pairs_mut().append_pair("artifactType", artifact_type);
    }
    let mut found = vec![];
    for _ in 0..MAX_PAGES {
        match page(remote, url).await? {
            // It has no such lists.
            None if found.is_empty() => return Ok(tagged(remote, image).await?.manifests),
            None => return Err(remote.wrong("a list of referrers without its next page".into())),
            Some((index, next)) => {
                found.extend(index.manifests);
                if found.len() > MAX_ENTRIES {
                    return Err(remote.wrong(format!("more than {MAX_ENTRIES} referrers")));
                }
                match next {
                    Some(next) => url = next,
                    None => return Ok(found),
                }
            }
        }
    }
    Err(remote.wrong(format!("more than {MAX_PAGES} pages of referrers")))
}

async fn page(remote: &Remote, url: Url) -> Result<Option<(IndexFile, Option<Url>)>, StoreError> {
    let request = Request::new(Method::GET, url).with(header::ACCEPT, media_type::INDEX);
    let reply = remote.send(&request).await?;
    match reply.status().as_u16() {
        200 => {}
        400 | 404 | 405 | 406 | 501 => return Ok(None),
        _ => return Err(remote.refusal(reply, "the question for referrers").await),
    }
    let next = next_page(reply.url(), reply.header(header::LINK.as_str()));
    let bytes = reply.read(MAX_DOCUMENT).await;
    let bytes = bytes.map_err(|source| StoreError::Unreachable {
        place: remote.place.clone(),
        source: Box::new(source),
    })?;
    let index = IndexFile::parse(&bytes);
    let index = index.map_err(|source| StoreError::Document { place: remote.place.clone(), source })?;
    Ok(Some((index, next)))
}

/// The index under the tag of an image's digest; empty, if it is not there.
async fn tagged(remote: &Remote, image: Digest) -> Result<IndexFile, StoreError> {
    let Some(Document { descriptor, bytes }) = remote.tagged(&tag(image)).await? else {
        return Ok(IndexFile::new(vec![]));
    };
    if !media_type::is_index(&descriptor.media_type) {
        return Err(remote.wrong(format!("under the tag {} what is no index", tag(image))));
    }
    IndexFile::parse(&bytes).map_err(|source| StoreError::Document { place: remote.place.clone(), source })
}

/// Enters an artifact into the index under the tag of what it refers to. Whoever writes at the same time may undo it:
/// so it is looked at again.
async fn enter(remote: &Remote, image: Digest, entry: Descriptor) -> Result<(), StoreError> {
    let mut writes = 0;
    loop {
        let mut index = tagged(remote, image).await?;
        if index.manifests.iter().any(|listed| listed.digest == entry.digest) {
            return Ok(());
        }
        if writes == MOST_WRITES {
            return Err(remote.wrong(format!("that the index under {} is not what was written", tag(image))));
        }
        writes += 1;
        index.manifests.push(entry.clone());
        let document = index.document();
        let document =
            document.map_err(|source| StoreError::Document { place: remote.place.clone(), source })?;
        remote.put(&document, &tag(image)).await?;
    }
}

fn tag(image: Digest) -> String {
    format!("sha256-{}", image.hex())
}
