//! What a repository has.

use super::http::{Request, Response};
use oci::{Descriptor, Digest, IndexFile, media_type};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Default)]
pub(super) struct Repository {
    manifests: BTreeMap<String, Manifest>,
    tags: BTreeMap<String, String>,
    blobs: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone)]
pub(super) struct Manifest {
    media_type: String,
    pub bytes: Vec<u8>,
}

impl Repository {
    pub fn tags(&self) -> Vec<String> {
        self.tags.keys().cloned().collect()
    }

    pub fn blobs(&self) -> Vec<(String, usize)> {
        self.blobs.iter().map(|(digest, bytes)| (digest.clone(), bytes.len())).collect()
    }

    pub fn blob(&self, digest: &str) -> Option<&Vec<u8>> {
        self.blobs.get(digest)
    }

    pub fn add_blob(&mut self, digest: &str, bytes: Vec<u8>) {
        self.blobs.insert(digest.into(), bytes);
    }

    /// A manifest with its digest, by that or by a tag.
    pub fn manifest(&self, reference: &str) -> Option<(&String, &Manifest)> {
        self.manifests.get_key_value(self.tags.get(reference).map_or(reference, String::as_str))
    }

    /// Puts a manifest there without a look at it.
    pub fn plant(&mut self, tag: &str, media_type: &str, bytes: &[u8]) {
        let digest = Digest::of(bytes).to_string();
        self.tags.insert(tag.into(), digest.clone());
        self.manifests.insert(digest, Manifest { media_type: media_type.into(), bytes: bytes.into() });
    }

    pub fn get_manifest(&self, reference: &str) -> Response {
        let Some((digest, manifest)) = self.manifest(reference) else {
            return Response::error(404, "MANIFEST_UNKNOWN");
        };
        let response = Response::new(200).with("Content-Type", &manifest.media_type);
        Response { body: manifest.bytes.clone(), ..response }.with("Docker-Content-Digest", digest)
    }

    pub fn put_manifest(
        &mut self,
        name: &str,
        reference: &str,
        request: &Request,
        knows_referrers: bool,
    ) -> Response {
        let digest = Digest::of(&request.body).to_string();
        if reference.contains(':') && reference != digest {
            return Response::error(400, "DIGEST_INVALID");
        }
        let Ok(json) = serde_json::from_slice::<Value>(&request.body) else {
            return Response::error(400, "MANIFEST_INVALID");
        };
        let listed = |key: &str| json[key].as_array().cloned().unwrap_or_default();
        let is_foreign = |layer: &Value| layer["mediaType"].as_str().is_some_and(media_type::is_foreign);
        let digest_of = |descriptor: &Value| descriptor["digest"].as_str().unwrap_or_default().to_owned();
        let has_blob = |descriptor: &Value| self.blobs.contains_key(&digest_of(descriptor));
        let layers = listed("layers");
        let mut named = layers.iter().filter(|layer| !is_foreign(layer)).chain(json.get("config"));
        let children = listed("manifests");
        let has_children = children.iter().all(|child| self.manifests.contains_key(&digest_of(child)));
        if !named.all(has_blob) || !has_children {
            return Response::error(404, "MANIFEST_BLOB_UNKNOWN");
        }
        let media_type = request.headers.get("content-type").unwrap().clone();
        self.manifests.insert(digest.clone(), Manifest { media_type, bytes: request.body.clone() });
        if !reference.contains(':') {
            self.tags.insert(reference.into(), digest.clone());
        }
        let subject = digest_of(&json["subject"]);
        let response = Response::new(201)
            .with("Docker-Content-Digest", &digest)
            .with("Location", &format!("/v2/{name}/manifests/{digest}"));
        if knows_referrers { response.with("OCI-Subject", &subject) } else { response }
    }

    pub fn get_blob(&self, digest: &str, request: &Request) -> Response {
        let Some(bytes) = self.blobs.get(digest) else { return Response::error(404, "BLOB_UNKNOWN") };
        let response = Response::new(200).with("Docker-Content-Digest", digest);
        let range = request.headers.get("range").and_then(|range| range.strip_prefix("bytes="));
        let Some(from) = range.and_then(|range| range.trim_end_matches('-').parse::<usize>().ok()) else {
            return Response { body: bytes.clone(), ..response };
        };
        if from >= bytes.len() {
            return Response::error(416, "UNSUPPORTED");
        }
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        Response { status: 206, body: bytes[from..].to_vec(), ..response }.with("Content-Range", &range)
    }

    pub fn list_tags(&self, name: &str, request: &Request, page: Option<usize>) -> Response {
        let asked = request.query.get("n").and_then(|number| number.parse().ok());
        let length = page.or(asked).unwrap_or(usize::MAX);
        let last = request.query.get("last").cloned().unwrap_or_default();
        let mut tags: Vec<&String> = self.tags.keys().filter(|tag| **tag > last).collect();
        let more = tags.len() > length;
        tags.truncate(length);
        let body = serde_json::json!({"name": name, "tags": tags}).to_string();
        let response = Response { body: body.into(), ..Response::new(200) };
        match tags.last().filter(|_| more) {
            Some(last) => response.with("Link", &format!("</v2/{name}/tags/list?last={last}>; rel=\"next\"")),
            None => response,
        }
    }

    pub fn referrers(&self, digest: &str, request: &Request) -> Response {
        let wanted = request.query.get("artifactType");
        let entry = |manifest: &Manifest| {
            let json: Value = serde_json::from_slice(&manifest.bytes).ok()?;
            let artifact_type = json["artifactType"].as_str().or(json["config"]["mediaType"].as_str())?;
            let refers = json["subject"]["digest"].as_str() == Some(digest);
            (refers && wanted.is_none_or(|wanted| wanted == artifact_type)).then(|| Descriptor {
                artifact_type: Some(artifact_type.into()),
                annotations: serde_json::from_value(json["annotations"].clone()).unwrap_or_default(),
                ..Descriptor::of(&manifest.media_type, &manifest.bytes)
            })
        };
        let index = IndexFile::new(self.manifests.values().filter_map(entry).collect()).document().unwrap();
        let response = Response { body: index.bytes, ..Response::new(200) };
        let response = response.with("Content-Type", media_type::INDEX);
        if wanted.is_some() { response.with("OCI-Filters-Applied", "artifactType") } else { response }
    }
}
