//! A blob on its way into a repository ([pushing blobs][spec]).
//!
//! One request with all of its bytes is the rule: it is the fastest, and some registries take nothing else. Parts are
//! sent where a blob is longer than object stores take at once, and to whoever finds the whole too large. What breaks
//! off is gone on with where the registry says that it has come to; an upload that it has forgotten is begun anew.
//!
//! [spec]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs

use super::body::body;
use super::manifest::told_digest;
use super::remote::{Remote, Request};
use crate::error::StoreError;
use fetch::http::{Method, StatusCode, Url, header};
use fetch::{FetchError, Reply};
use oci::{Blob, Descriptor};
use std::sync::Arc;
use std::time::Duration;

/// Longer blobs are sent in parts: it is what the largest object stores take in one request.
const MAX_WHOLE: u64 = 5 << 30;
/// The parts of such blobs, in bytes. Each costs reading up to it.
const LARGE_PART: u64 = 1 << 30;
/// The first size of parts for registries, or proxies before them, to which the whole is too large, in bytes. The best
/// known of them stops at 100 MB.
const SMALL_PART: u64 = 64 << 20;
/// Smaller parts are not tried.
const LEAST_PART: u64 = 1 << 20;
/// A failure after so many bytes more than ever before is a first one again.
const GOOD_PART: u64 = 1 << 20;
/// After so many failures an upload is given up, however far each came.
const MOST_FAILURES: u32 = 100;
/// The header with the least length of parts.
const CHUNK_MIN_LENGTH: &str = "oci-chunk-min-length";

/// Is a blob in the repository?
pub(super) async fn has_blob(remote: &Remote, blob: &Descriptor) -> Result<bool, StoreError> {
    if remote.known().has(&remote.repository, blob.digest) {
        return Ok(true);
    }
    let url = remote.url(&format!("blobs/{}", blob.digest))?;
    let reply = remote.send(&Request::new(Method::HEAD, url.clone())).await?;
    let is_there = match reply.status().as_u16() {
        200 => true,
        // What the registry sends elsewhere it has; the storage may take its signature for a GET only.
        400 | 403 | 405 if reply.url().origin() != url.origin() => true,
        // Whoever does not understand the question is asked no more.
        404 | 405 => false,
        _ => return Err(remote.refusal(reply, "the question for a blob").await),
    };
    if is_there {
        remote.known().add(&remote.repository, blob.digest);
    }
    Ok(is_there)
}

/// Has a blob be in the repository, where it is not yet.
pub(super) async fn upload(remote: &Remote, blob: &Arc<dyn Blob>) -> Result<(), StoreError> {
    let Descriptor { digest, size, .. } = *blob.descriptor();
    let _turn = remote.known().turn(&remote.repository, digest).await;
    if remote.known().has(&remote.repository, digest) {
        return Ok(());
    }
    let mut source = source(remote, blob.as_ref());
    let mut part = if size > MAX_WHOLE { LARGE_PART } else { u64::MAX };
    let mut failed = 0;
    loop {
        let Some(session) = begin(remote, blob.descriptor(), source.take()).await? else { break };
        let mut transfer = Transfer { remote, blob, session, part, offset: 0 };
        let (error, after) = match transfer.run().await {
            Ok(()) => break,
            Err(Stop::Lasting(error)) => return Err(error),
            Err(Stop::TooLarge(_)) if smaller(part, size) >= LEAST_PART.max(transfer.session.least_part) => {
                part = smaller(part, size);
                continue;
            }
            Err(Stop::TooLarge(error)) => return Err(error),
            Err(Stop::Lost(error) | Stop::Elsewhere(error)) => (error, None),
            Err(Stop::Broken(error, after)) => (error, after),
        };
        failed += 1;
        if failed >= remote.network.client.tries() {
            return Err(error);
        }
        remote.network.client.pause(failed, after).await;
        // It may have come to its end, and only the answer was lost.
        if has_blob(remote, blob.descriptor()).await? {
            return Ok(());
        }
    }
    remote.known().add(&remote.repository, digest);
    Ok(())
}

/// Another repository of the registry that has the blob.
fn source(remote: &Remote, blob: &dyn Blob) -> Option<String> {
    let repository = &remote.repository;
    let origin = blob
        .origin()
        .filter(|origin| origin.registry == repository.registry && origin.repository != repository.path);
    let origin = origin.map(|origin| origin.repository.clone());
    origin.or_else(|| remote.known().elsewhere(repository, blob.descriptor().digest))
}

/// The size of parts of a blob after one that was too large.
fn smaller(part: u64, size: u64) -> u64 {
    let parts = std::iter::successors(Some(SMALL_PART), |part| Some(part / 4));
    parts.take_while(|next| *next > 0).find(|next| *next < part.min(size)).unwrap_or(0)
}

/// An upload that a registry has begun.
struct Session {
    location: Url,
    /// The least length of parts but the last, in bytes.
    least_part: u64,
}

/// Begins an upload; none, if the registry could take the blob from another repository.
async fn begin(
    remote: &Remote,
    blob: &Descriptor,
    source: Option<String>,
) -> Result<Option<Session>, StoreError> {
    let plain = remote.url("blobs/uploads/")?;
    if let Some(source) = source {
        let mut url = plain.clone();
        let digest = blob.digest.to_string();
        url.query_pairs_mut().append_pair("mount", &digest).append_pair("from", &source);
        let request = Request { source: Some(source), ..Request::new(Method::POST, url).again() };
        // Who may not read there, or cannot do it at all, is no worse off than without.
        if let Ok(reply) = remote.send(&request).await {
            match reply.status() {
                StatusCode::CREATED => return Ok(None),
                StatusCode::ACCEPTED => return session(remote, &reply).map(Some),
                _ => {}
            }
        }
    }
    let reply = remote.send(&Request::new(Method::POST, plain).again()).await?;
    match reply.status() {
        StatusCode::ACCEPTED => session(remote, &reply).map(Some),
        _ => Err(remote.refusal(reply, "the begin of an upload").await),
    }
}

fn session(remote: &Remote, reply: &Reply) -> Result<Session, StoreError> {
    let least_part =
        reply.header(CHUNK_MIN_LENGTH).and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    Ok(Session { location: remote.location(reply)?, least_part })
}

/// Why an upload does not go on.
enum Stop {
    /// Nothing helps.
    Lasting(StoreError),
    /// In smaller parts it might.
    TooLarge(StoreError),
    /// It may go on where the registry has come to, after the wait that it asked for.
    Broken(StoreError, Option<Duration>),
    /// The registry has come to another place than was gone on from.
    Elsewhere(StoreError),
    /// In another upload it might.
    Lost(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Stop::Lasting(error)
    }
}

/// A blob and the upload that it goes into.
struct Transfer<'a> {
    remote: &'a Remote,
    blob: &'a Arc<dyn Blob>,
    session: Session,
    /// The length of parts, in bytes.
    part: u64,
    /// How many bytes the registry has.
    offset: u64,
}

impl Transfer<'_> {
    async fn run(&mut self) -> Result<(), Stop> {
        let client = &self.remote.network.client;
        let (mut failed, mut all, mut farthest) = (0, 0, self.offset);
        loop {
            let before = self.offset;
            let (error, after) = match self.step().await {
                Ok(true) => return Ok(()),
                Ok(false) => continue,
                Err(Stop::Broken(error, after)) => (error, after),
                Err(Stop::Elsewhere(error)) => match self.ask_offset().await {
                    Some(offset) if offset != before => {
                        self.offset = offset;
                        (error, None)
                    }
                    _ => return Err(Stop::Lost(error)),
                },
                Err(stop) => return Err(stop),
            };
            failed += 1;
            all += 1;
            if failed >= client.tries() || all >= MOST_FAILURES {
                return Err(Stop::Lasting(error));
            }
            client.pause(failed, after).await;
            self.offset = match self.ask_offset().await {
                Some(offset) => offset,
                None => return Err(Stop::Lost(error)),
            };
            if self.offset >= farthest.saturating_add(GOOD_PART) {
                (failed, farthest) = (0, self.offset);
            }
        }
    }

    /// Sends the next part; is it the last?
    async fn step(&mut self) -> Result<bool, Stop> {
        let size = self.blob.descriptor().size;
        let part = self.part.max(self.session.least_part);
        let range = self.offset..size.min(self.offset.saturating_add(part));
        let is_last = range.end == size;
        let (method, mut url) =
            (if is_last { Method::PUT } else { Method::PATCH }, self.session.location.clone());
        if is_last {
            url.query_pairs_mut().append_pair("digest", &self.blob.descriptor().digest.to_string());
        }
        let fault = Arc::default();
        let mut request = Request::new(method, url)
            .with(header::CONTENT_TYPE, "application/octet-stream")
            .sending(body(self.blob, range.clone(), &fault));
        if range != (0..size) && !range.is_empty() {
            request = request.with(header::CONTENT_RANGE, &format!("{}-{}", range.start, range.end - 1));
        }
        let sent = self.remote.send(&request).await;
        // What the blob's place said tells more than that the request broke off.
        if let Some(error) = fault.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take() {
            return Err(Stop::Lasting(error));
        }
        let reply = match sent {
            Ok(reply) => reply,
            Err(StoreError::Unreachable { place, source })
                if matches!(*source, FetchError::GaveUp { .. }) =>
            {
                return Err(Stop::Broken(StoreError::Unreachable { place, source }, None));
            }
            Err(error) => return Err(Stop::Lasting(error)),
        };
        match reply.status().as_u16() {
            200 | 201 | 204 if is_last => {
                let (expected, found) = (self.blob.descriptor().digest, told_digest(&reply));
                match found.filter(|found| *found != expected) {
                    None => Ok(true),
                    Some(found) => Err(Stop::Lasting(StoreError::Mismatch {
                        subject: format!("{}: the blob in the registry", self.remote.place),
                        expected: expected.to_string(),
                        found: found.to_string(),
                    })),
                }
            }
            200 | 201 | 202 | 204 => {
                self.session.location = self.remote.location(&reply)?;
                let taken = offset(&reply).map_or(range.end, |offset| offset.min(range.end));
                // One that takes hardly anything would be asked for ever.
                if taken < range.end.min(range.start.saturating_add(GOOD_PART)) {
                    let what =
                        format!("that it has {taken} bytes of a blob that was sent up to {}", range.end);
                    return Err(Stop::Broken(self.remote.wrong(what), None));
                }
                self.offset = taken;
                Ok(false)
            }
            413 => Err(Stop::TooLarge(self.remote.refusal(reply, "a blob").await)),
            416 => Err(Stop::Elsewhere(self.remote.refusal(reply, "a blob").await)),
            408 | 425 | 429 | 500..=599 => {
                let after = reply.retry_after();
                Err(Stop::Broken(self.remote.refusal(reply, "a blob").await, after))
            }
            // It has forgotten the upload.
            404 => Err(Stop::Lost(self.remote.refusal(reply, "a blob").await)),
            // It cannot go on in the middle.
            400 | 405 if range.start > 0 && self.part == u64::MAX => {
                Err(Stop::Lost(self.remote.refusal(reply, "the rest of a blob").await))
            }
            _ => Err(Stop::Lasting(self.remote.refusal(reply, "a blob").await)),
        }
    }

    /// How many bytes the registry has; none, if it does not know the upload any more, or will not say.
    async fn ask_offset(&mut self) -> Option<u64> {
        let reply = self.remote.send(&Request::new(Method::GET, self.session.location.clone())).await.ok()?;
        if !matches!(reply.status().as_u16(), 200 | 202 | 204) {
            return None;
        }
        if reply.header(header::LOCATION.as_str()).is_some() {
            self.session.location = self.remote.location(&reply).ok()?;
        }
        offset(&reply).filter(|offset| *offset <= self.blob.descriptor().size)
    }
}

/// How many bytes an upload has, by the header `Range` of an answer. One that has none says `0-0`, as one of one byte.
fn offset(reply: &Reply) -> Option<u64> {
    let range = reply.header(header::RANGE.as_str())?.trim();
    let (start, end) = range.trim_start_matches("bytes=").split_once('-')?;
    let end: u64 = end.trim().parse().ok()?;
    (start.trim() == "0").then(|| if end == 0 { 0 } else { end.saturating_add(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_smaller() {
        let parts = |size: u64| {
            let next = |part: &u64| Some(smaller(*part, size)).filter(|next| *next >= LEAST_PART);
            std::iter::successors(next(&u64::MAX), next).collect::<Vec<_>>()
        };
        assert_eq!(parts(1 << 30), [64 << 20, 16 << 20, 4 << 20, 1 << 20]);
        assert_eq!(parts(50 << 20), [16 << 20, 4 << 20, 1 << 20]);
        assert_eq!(parts(1 << 20), [0; 0]);
    }
}
