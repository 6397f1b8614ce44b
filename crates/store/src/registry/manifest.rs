//! Manifests of a repository: asked for, read, and put there.

use super::answer::{is_immutable, shown};
use super::remote::{Remote, Request};
use crate::error::StoreError;
use fetch::Body;
use fetch::Reply;
use fetch::http::{Method, StatusCode, header};
use oci::{Descriptor, Digest, Document, MAX_DOCUMENT, media_type};
use serde::Deserialize;

/// The header with the digest of a manifest.
const CONTENT_DIGEST: &str = "docker-content-digest";
/// The header that says that a registry knows what a manifest is about.
const SUBJECT: &str = "oci-subject";
/// Docker's first manifests, signed or not.
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+";

/// What became of a manifest that was put into a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Put {
    /// Will the registry list it with its subject?
    pub is_listed: bool,
}

/// What a manifest says of itself and of what it may be.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    #[serde(default)]
    schema_version: u32,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    config: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
}

impl Remote {
    /// Reads a manifest by its tag; none, if there is no such.
    pub async fn tagged(&self, tag: &str) -> Result<Option<Document>, StoreError> {
        let Some(reply) = self.ask(Method::GET, tag, None).await? else { return Ok(None) };
        let told = told_digest(&reply);
        let content_type = content_type(&reply);
        let bytes = self.read(reply).await?;
        let media_type = self.media_type(&content_type, &bytes)?;
        let descriptor = Descriptor::of(&media_type, &bytes);
        self.same_digest("the manifest", told, descriptor.digest)?;
        Ok(Some(Document { descriptor, bytes }))
    }

    /// Reads a manifest by its digest; none, if there is no such. What comes has that digest.
    pub async fn manifest(
        &self,
        digest: Digest,
        media_type: Option<&str>,
    ) -> Result<Option<Document>, StoreError> {
        let Some(reply) = self.ask(Method::GET, &digest.to_string(), media_type).await? else {
            return Ok(None);
        };
        let content_type = content_type(&reply);
        let bytes = self.read(reply).await?;
        self.same_digest("the manifest", Some(Digest::of(&bytes)), digest)?;
        let media_type = match media_type {
            Some(known) => {
                if is_known(known) {
                    self.is_one_thing(&self.shape(&bytes)?, known)?;
                }
                known.into()
            }
            None => self.media_type(&content_type, &bytes)?,
        };
        Ok(Some(Document { descriptor: Descriptor::of(&media_type, &bytes), bytes }))
    }

    /// The digest that a tag stands for; none, if there is no such tag.
    pub async fn digest_of(&self, tag: &str) -> Result<Option<Digest>, StoreError> {
        match self.ask(Method::HEAD, tag, None).await? {
            None => Ok(None),
            Some(reply) => match told_digest(&reply) {
                Some(digest) => Ok(Some(digest)),
                // It need not say it.
                None => Ok(self.tagged(tag).await?.map(|document| document.descriptor.digest)),
            },
        }
    }

    /// Puts a manifest into the repository, under a tag or its digest.
    pub async fn put(&self, document: &Document, reference: &str) -> Result<Put, StoreError> {
        let Descriptor { media_type, digest, .. } = &document.descriptor;
        let request = Request::new(Method::PUT, self.url(&format!("manifests/{reference}"))?)
            .with(header::CONTENT_TYPE, media_type)
            .sending(Body::Bytes(document.bytes.as_slice().into()))
            .again();
        let reply = self.send(&request).await?;
        if !reply.status().is_success() {
            let is_tag = reference != digest.to_string();
            return Err(match self.refusal(reply, "the manifest").await {
                StoreError::Denied { place, status, reason, .. }
                | StoreError::Refused { place, status, reason, .. }
                    if is_tag && is_immutable(status, &reason) =>
                {
                    StoreError::Immutable { place, reason }
                }
                refusal => refusal,
            });
        }
        self.same_digest("the manifest in the registry", told_digest(&reply), *digest)?;
        Ok(Put { is_listed: reply.header(SUBJECT).is_some() })
    }

    /// Asks for a manifest; none, if there is no such.
    async fn ask(
        &self,
        method: Method,
        reference: &str,
        media_type: Option<&str>,
    ) -> Result<Option<Reply>, StoreError> {
        let known =
            [media_type::MANIFEST, media_type::INDEX, media_type::DOCKER_MANIFEST, media_type::DOCKER_INDEX];
        let more = media_type.filter(|media_type| !known.contains(media_type));
        let accepted: Vec<&str> = known.into_iter().chain(more).collect();
        let request = Request::new(method, self.url(&format!("manifests/{reference}"))?)
            .with(header::ACCEPT, &accepted.join(", "));
        let reply = self.send(&request).await?;
        match reply.status() {
            StatusCode::OK => Ok(Some(reply)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refusal(reply, "the question for a manifest").await),
        }
    }

    async fn read(&self, reply: Reply) -> Result<Vec<u8>, StoreError> {
        let read = reply.read(MAX_DOCUMENT).await;
        read.map_err(|source| StoreError::Unreachable { place: self.place.clone(), source: Box::new(source) })
    }

    fn same_digest(&self, subject: &str, found: Option<Digest>, expected: Digest) -> Result<(), StoreError> {
        match found.filter(|found| *found != expected) {
            None => Ok(()),
            Some(found) => Err(StoreError::Mismatch {
                subject: format!("{}: {subject}", self.place),
                expected: expected.to_string(),
                found: found.to_string(),
            }),
        }
    }

    /// What a manifest is: by what it says itself, else by what the registry says, else by what is in it. One that says
    /// one thing and is another is refused: who read it as the other would see another image.
    fn media_type(&self, content_type: &str, bytes: &[u8]) -> Result<String, StoreError> {
        let shape = self.shape(bytes)?;
        if shape.schema_version == 1 || content_type.starts_with(SCHEMA_1) {
            return Err(StoreError::Schema1(self.place.clone()));
        }
        let said = shape.media_type.as_deref();
        let media_type = match said {
            Some(said) if is_known(content_type) && said != content_type => {
                return Err(StoreError::Mismatch {
                    subject: format!("{}: the manifest's media type", self.place),
                    expected: content_type.into(),
                    found: said.into(),
                });
            }
            Some(said) => said,
            None if is_known(content_type) => content_type,
            None if shape.manifests.is_some() => media_type::INDEX,
            None => media_type::MANIFEST,
        };
        self.is_one_thing(&shape, media_type)?;
        if !is_known(media_type) {
            return Err(self.wrong(format!("`{}`, which is no manifest", shown(media_type))));
        }
        Ok(media_type.into())
    }

    fn shape(&self, bytes: &[u8]) -> Result<Shape, StoreError> {
        serde_json::from_slice(bytes).map_err(|source| StoreError::Document {
            place: self.place.clone(),
            source: oci::DocumentError::Json { subject: "the manifest", source },
        })
    }

    /// Refuses what is a manifest and an index at once.
    fn is_one_thing(&self, shape: &Shape, media_type: &str) -> Result<(), StoreError> {
        let (lists, names) = (shape.manifests.is_some(), shape.config.is_some() || shape.layers.is_some());
        if names && (lists || media_type::is_index(media_type)) {
            return Err(self.wrong("a document that is a manifest and an index at once".into()));
        }
        Ok(())
    }
}

fn is_known(media_type: &str) -> bool {
    media_type::is_manifest(media_type) || media_type::is_index(media_type)
}

/// The digest that an answer tells; none, if it is of a kind that is not known.
pub(super) fn told_digest(reply: &Reply) -> Option<Digest> {
    reply.header(CONTENT_DIGEST)?.parse().ok()
}

fn content_type(reply: &Reply) -> String {
    let value = reply.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
