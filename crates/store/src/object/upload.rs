//! An object that is written as its bytes come.

use super::bucket::Bucket;
use super::failure::failure;
use crate::error::StoreError;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt as _, PutPayload, WriteMultipart};
use std::io::{self, Write};

/// The size of a part, in bytes: at least 5 MiB by the rules of S3.
const PART: u64 = 8 << 20;
/// As many parts as S3 takes of one object, with some to spare.
const MAX_PARTS: u64 = 9_500;
/// How many parts are on their way at a time.
const IN_FLIGHT: usize = 3;

/// An object that is being written. It appears when it is finished, and not at all otherwise.
pub(crate) struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    path: Path,
    part: usize,
    /// The part that is being filled.
    buffer: Vec<u8>,
    /// Runs when there is more than one part.
    running: Option<WriteMultipart>,
    failed: Option<Error>,
}

impl<'a> Upload<'a> {
    /// `size` is how long the object will be, as far as that is known.
    pub(super) fn new(bucket: &'a Bucket, key: &str, path: Path, size: u64) -> Self {
        let part = usize::try_from(part_size(size)).unwrap_or(usize::MAX);
        Upload { bucket, key: key.into(), path, part, buffer: vec![], running: None, failed: None }
    }

    /// Lets the object appear.
    ///
    /// # Errors
    /// When the store does not take it; nothing of it is left there then.
    pub fn finish(mut self) -> Result<(), StoreError> {
        if let Some(error) = self.failed.take() {
            self.give_up();
            return Err(failure("write", self.bucket.shown(&self.key), &error));
        }
        let rest = PutPayload::from(std::mem::take(&mut self.buffer));
        let work = async {
            match self.running.take() {
                None => self.bucket.store.put(&self.path, rest).await.map(drop),
                Some(mut running) => {
                    rest.into_iter().for_each(|bytes| running.put(bytes));
                    running.finish().await.map(drop)
                }
            }
        };
        let outcome = self.bucket.wait("write", &self.key, work)?;
        outcome.map_err(|error| failure("write", self.bucket.shown(&self.key), &error))
    }

    /// Takes back what was written. What the store said to a write counts more than `cause`, which came of it.
    pub fn abort(mut self, cause: StoreError) -> StoreError {
        let failed = self.failed.take();
        self.give_up();
        failed.map_or(cause, |error| failure("write", self.bucket.shown(&self.key), &error))
    }

    fn give_up(&mut self) {
        if let Some(running) = self.running.take() {
            // A store that does not answer keeps parts that nobody sees.
            let _ = self.bucket.client.wait(running.abort());
        }
    }

    fn send(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.buffer).into();
        let (store, path, part, running) = (&self.bucket.store, &self.path, self.part, &mut self.running);
        let work = async move {
            let running = match running {
                Some(running) => running,
                None => {
                    let upload = store.put_multipart(path).await?;
                    running.insert(WriteMultipart::new_with_chunk_size(upload, part))
                }
            };
            running.wait_for_capacity(IN_FLIGHT).await?;
            running.put(bytes);
            Ok(())
        };
        let sent = self.bucket.client.wait(work).map_err(io::Error::other)?;
        sent.map_err(|error| {
            self.failed = Some(error);
            io::ErrorKind::BrokenPipe.into()
        })
    }
}

impl Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let room = self.part - self.buffer.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() == self.part {
            self.send()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Parts of a size that is enough for the whole, in whole MiB.
fn part_size(size: u64) -> u64 {
    PART.max(size.div_ceil(MAX_PARTS).next_multiple_of(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_large_enough_for_few_of_them() {
        assert_eq!((part_size(0), part_size(1), part_size(1 << 30)), (PART, PART, PART));
        for size in [100 << 30, 500 << 30, 5 << 40] {
            let part = part_size(size);
            assert!(size.div_ceil(part) <= MAX_PARTS && part.is_multiple_of(1 << 20), "{size}: {part}");
        }
    }
}
