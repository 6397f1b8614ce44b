//! Reading a blob of a repository: gone on with where it broke off.

use super::remote::{Remote, Request};
use crate::error::StoreError;
use fetch::http::{Method, StatusCode, header};
use fetch::{Client, FetchError, Reply};
use oci::Descriptor;
use std::io::{self, Read};
use tokio::sync::mpsc;

/// Parts of a blob that are there and not yet read.
const AHEAD: usize = 4;
/// The size of such a part, in bytes.
const PART: usize = 256 << 10;
/// A try that brought so many bytes was none in vain.
const GOOD_PART: u64 = 1 << 20;

/// A blob as it arrives. What comes is not checked.
pub(super) struct BlobReader {
    client: Client,
    parts: mpsc::Receiver<io::Result<Vec<u8>>>,
    part: Vec<u8>,
    read: usize,
}

impl BlobReader {
    /// Opens a blob. The bytes come meanwhile, ahead of whoever reads them.
    pub fn open(remote: &Remote, blob: &Descriptor) -> Result<Self, StoreError> {
        let reply = remote.wait(ask(remote, blob, 0))?;
        let (sender, parts) = mpsc::channel(AHEAD);
        let coming = Coming { remote: remote.clone(), blob: blob.clone(), received: 0 };
        let client = remote.network.client.clone();
        let spawned = client.spawn(coming.arrive(reply, sender));
        spawned.map_err(|source| StoreError::Unreachable {
            place: remote.place.clone(),
            source: Box::new(source),
        })?;
        Ok(BlobReader { client, parts, part: vec![], read: 0 })
    }
}

impl Read for BlobReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.read == self.part.len() && !buf.is_empty() {
            let next = match self.parts.try_recv() {
                Ok(next) => Some(next),
                Err(mpsc::error::TryRecvError::Disconnected) => None,
                Err(mpsc::error::TryRecvError::Empty) => {
                    self.client.wait(self.parts.recv()).map_err(io::Error::other)?
                }
            };
            self.part = next.transpose()?.unwrap_or_default();
            self.read = 0;
        }
        let mut rest = self.part.get(self.read..).unwrap_or_default();
        let got = rest.read(buf)?;
        self.read += got;
        Ok(got)
    }
}

/// A blob on its way.
struct Coming {
    remote: Remote,
    blob: Descriptor,
    received: u64,
}

impl Coming {
    /// Passes on what arrives until it is all there, nobody wants it any more, or nothing helps.
    async fn arrive(mut self, first: Reply, parts: mpsc::Sender<io::Result<Vec<u8>>>) {
        let client = self.remote.network.client.clone();
        let mut reply = first;
        let mut failed = 0;
        loop {
            let before = self.received;
            let broke = match self.pass_on(reply, &parts).await {
                Ok(()) => return,
                Err(broke) => broke,
            };
            failed = if self.received - before >= GOOD_PART { 1 } else { failed + 1 };
            let mut given_up = (failed >= client.tries()).then_some(broke);
            reply = loop {
                if let Some(error) = given_up {
                    let _ = parts.send(Err(io::Error::other(error))).await;
                    return;
                }
                client.pause(failed, None).await;
                match ask(&self.remote, &self.blob, self.received).await {
                    Ok(reply) => break reply,
                    Err(error) => given_up = Some(error),
                }
            };
        }
    }

    async fn pass_on(
        &mut self,
        mut reply: Reply,
        parts: &mpsc::Sender<io::Result<Vec<u8>>>,
    ) -> Result<(), StoreError> {
        let broke = |source: FetchError| StoreError::Unreachable {
            place: self.remote.place.clone(),
            source: Box::new(source),
        };
        // A server need not give a part: what is there already is passed over.
        let mut passed_over = if reply.status() == StatusCode::PARTIAL_CONTENT { 0 } else { self.received };
        let mut part = Vec::with_capacity(PART);
        loop {
            let next = reply.part().await;
            let mut bytes = match &next {
                Ok(Some(bytes)) => &bytes[..],
                _ => &[],
            };
            let over = usize::try_from(passed_over).unwrap_or(usize::MAX).min(bytes.len());
            bytes = bytes.get(over..).unwrap_or_default();
            passed_over -= over as u64;
            part.extend_from_slice(bytes);
            let is_over = !matches!(next, Ok(Some(_)));
            if (part.len() >= PART || is_over) && !part.is_empty() {
                self.received += part.len() as u64;
                let part = std::mem::replace(&mut part, Vec::with_capacity(PART));
                if parts.send(Ok(part)).await.is_err() {
                    return Ok(()); // nobody reads on
                }
            }
            match next {
                // More than it should be is as good as its end: whoever checks it sees that it is wrong.
                Ok(Some(_)) if self.received > self.blob.size => return Ok(()),
                Ok(Some(_)) => {}
                Ok(None) if self.received >= self.blob.size => return Ok(()),
                Ok(None) => {
                    let (size, place) = (self.blob.size, self.remote.place.clone());
                    let what = format!("{} of the {size} bytes of {}", self.received, self.blob.digest);
                    return Err(StoreError::Answer { place, what });
                }
                Err(source) => return Err(broke(source)),
            }
        }
    }
}

/// Asks for a blob, from some byte on.
async fn ask(remote: &Remote, blob: &Descriptor, from: u64) -> Result<Reply, StoreError> {
    let request = Request::new(Method::GET, remote.url(&format!("blobs/{}", blob.digest))?)
        .with(header::ACCEPT_ENCODING, "identity");
    let request = if from == 0 { request } else { request.with(header::RANGE, &format!("bytes={from}-")) };
    let reply = remote.send(&request).await?;
    let wrong_size = |found: u64| StoreError::Mismatch {
        subject: format!("{}: the blob {}", remote.place, blob.digest),
        expected: format!("{} bytes", blob.size),
        found: format!("{found} bytes"),
    };
    match reply.status() {
        StatusCode::OK => match reply.len().filter(|len| *len != blob.size) {
            Some(found) => Err(wrong_size(found)),
            None => Ok(reply),
        },
        StatusCode::PARTIAL_CONTENT if starts_at(&reply) == Some(from) => Ok(reply),
        StatusCode::PARTIAL_CONTENT => Err(remote.wrong("another part of a blob than was asked for".into())),
        StatusCode::NOT_FOUND => {
            Err(StoreError::Absent { place: remote.place.clone(), what: format!("blob {}", blob.digest) })
        }
        _ => Err(remote.refusal(reply, "the question for a blob").await),
    }
}

/// The first byte that an answer has.
fn starts_at(reply: &Reply) -> Option<u64> {
    let range = reply.header(header::CONTENT_RANGE.as_str())?.trim().strip_prefix("bytes ")?;
    range.split_once('-')?.0.trim().parse().ok()
}
