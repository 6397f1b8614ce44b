//! Objects as something to read from: from front to back, and here and there.

use super::bucket::{Bucket, Version};
use super::failure::said;
use crate::error::StoreError;
use bytes::Bytes;
use fetch::Client;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::{Error, GetRange};
use std::io::{self, Read};
use std::ops::Range;

/// How much is asked for at once where only a little is looked at: the headers of an archive stand between blobs, and
/// those of its documents close together.
const BLOCK: u64 = 64 << 10;

/// An object of a certain version.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    bucket: Bucket,
    key: String,
    size: u64,
    version: Version,
}

/// The bytes of an object, or of a part of it, as they come.
pub(crate) struct ObjectReader {
    client: Client,
    stream: BoxStream<'static, Result<Bytes, Error>>,
    rest: Bytes,
}

/// An object read at a place that moves. What is passed over is not fetched.
pub(crate) struct ObjectCursor<'a> {
    object: &'a Object,
    offset: u64,
    block: Vec<u8>,
    /// Where the block begins in the object.
    start: u64,
}

impl Object {
    /// An object that is there now; nothing, if there is none.
    pub fn find(bucket: &Bucket, key: &str) -> Result<Option<Self>, StoreError> {
        Ok(bucket.head(key)?.map(|meta| Object {
            bucket: bucket.clone(),
            key: key.into(),
            size: meta.size,
            version: Version::of(&meta),
        }))
    }

    /// What it is called.
    pub fn shown(&self) -> String {
        self.bucket.shown(&self.key)
    }

    /// Reads a part of it from its start to its end; fails if the object is not the same any more.
    pub fn part(&self, range: Range<u64>) -> Result<ObjectReader, StoreError> {
        if range.is_empty() {
            return Ok(ObjectReader::empty(&self.bucket));
        }
        let result = self.bucket.open(&self.key, Some(GetRange::Bounded(range)), Some(&self.version))?;
        Ok(ObjectReader::new(&self.bucket, result.into_stream()))
    }

    /// Reads all of it.
    pub fn whole(&self) -> Result<ObjectReader, StoreError> {
        self.part(0..self.size)
    }

    /// Reads here and there.
    pub fn cursor(&self) -> ObjectCursor<'_> {
        ObjectCursor { object: self, offset: 0, block: vec![], start: 0 }
    }
}

impl ObjectReader {
    /// Reads an object as it is now.
    pub fn of(bucket: &Bucket, key: &str) -> Result<Self, StoreError> {
        Ok(ObjectReader::new(bucket, bucket.open(key, None, None)?.into_stream()))
    }

    fn new(bucket: &Bucket, stream: BoxStream<'static, Result<Bytes, Error>>) -> Self {
        ObjectReader { client: bucket.client.clone(), stream, rest: Bytes::new() }
    }

    fn empty(bucket: &Bucket) -> Self {
        ObjectReader::new(bucket, futures_util::stream::empty().boxed())
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !buf.is_empty() {
            match self.client.wait(self.stream.next()).map_err(io::Error::other)? {
                None => return Ok(0),
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => return Err(io::Error::other(said(&error))),
            }
        }
        let taken = self.rest.split_to(self.rest.len().min(buf.len()));
        buf.get_mut(..taken.len()).unwrap_or_default().copy_from_slice(&taken);
        Ok(taken.len())
    }
}

impl Read for ObjectCursor<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let object = self.object;
        if self.offset >= object.size || buf.is_empty() {
            return Ok(0);
        }
        if !(self.start..self.start + self.block.len() as u64).contains(&self.offset) {
            self.block.clear();
            self.start = self.offset;
            let range = self.offset..object.size.min(self.offset.saturating_add(BLOCK));
            let len = range.end - range.start;
            object.part(range).map_err(io::Error::other)?.take(len).read_to_end(&mut self.block)?;
        }
        let at = usize::try_from(self.offset - self.start).map_err(io::Error::other)?;
        let taken = self.block.get(at..).unwrap_or_default().read(buf)?;
        self.offset += taken as u64;
        Ok(taken)
    }
}

impl oci::Skip for ObjectCursor<'_> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let target = self.offset.checked_add(bytes).filter(|offset| *offset <= self.object.size);
        self.offset = target.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }
}
