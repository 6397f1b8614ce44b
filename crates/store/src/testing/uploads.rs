//! Blobs on their way.

use super::State;
use super::http::{Request, Response};
use oci::Digest;

/// An upload that was begun.
pub(super) struct Upload {
    repository: String,
    bytes: Vec<u8>,
    /// Each answer has another address.
    state: u64,
}

impl State {
    pub fn upload(&mut self, request: &Request, name: &str, id: &str) -> Response {
        if request.method == "POST" {
            return self.begin(request, name);
        }
        let Some(upload) = self.uploads.get_mut(id).filter(|upload| upload.repository == name) else {
            return Response::error(404, "BLOB_UPLOAD_UNKNOWN");
        };
        if request.query.get("_state") != Some(&upload.state.to_string()) {
            return Response::error(400, "BLOB_UPLOAD_INVALID");
        }
        let at = request.headers.get("content-range").map(|range| range.split_once('-').unwrap().0);
        match request.method.as_str() {
            "GET" => {
                upload.state += 1;
                return upload.answer(204, name, id);
            }
            "DELETE" => {
                self.uploads.remove(id);
                return Response::new(204);
            }
            _ if at.is_some_and(|at| at != upload.bytes.len().to_string()) => {
                return upload.answer(416, name, id);
            }
            "PATCH" => {
                upload.bytes.extend(&request.body);
                upload.state += 1;
                return upload.answer(202, name, id);
            }
            "PUT" => upload.bytes.extend(&request.body),
            _ => return Response::error(405, "UNSUPPORTED"),
        }
        // A body that broke off is kept, and not the end.
        let length = request.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        if request.body.len() < length {
            return Response::new(499);
        }
        let digest = Digest::of(&upload.bytes).to_string();
        if request.query.get("digest") != Some(&digest) {
            self.uploads.remove(id);
            return Response::error(400, "DIGEST_INVALID");
        }
        let upload = self.uploads.remove(id).unwrap();
        self.repositories.entry(name.into()).or_default().add_blob(&digest, upload.bytes);
        done(name, &digest)
    }

    fn begin(&mut self, request: &Request, name: &str) -> Response {
        if let (Some(digest), Some(from)) = (request.query.get("mount"), request.query.get("from")) {
            let blob = self.repositories.get(from).and_then(|source| source.blob(digest)).cloned();
            if let Some(bytes) = blob {
                self.repositories.entry(name.into()).or_default().add_blob(digest, bytes);
                return done(name, digest);
            }
        }
        self.begun += 1;
        let id = format!("upload-{}", self.begun);
        let upload = Upload { repository: name.into(), bytes: vec![], state: 0 };
        let answer = upload.answer(202, name, &id);
        self.uploads.insert(id, upload);
        answer
    }
}

impl Upload {
    fn answer(&self, status: u16, name: &str, id: &str) -> Response {
        let end = self.bytes.len().saturating_sub(1);
        Response::new(status)
            .with("Location", &format!("/v2/{name}/blobs/uploads/{id}?_state={}", self.state))
            .with("Range", &format!("0-{end}"))
    }
}

fn done(name: &str, digest: &str) -> Response {
    Response::new(201)
        .with("Location", &format!("/v2/{name}/blobs/{digest}"))
        .with("Docker-Content-Digest", digest)
}
