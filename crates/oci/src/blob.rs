//! The seam between an image and the places it goes to.

use crate::Descriptor;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The registry's host, with its port.
    pub registry: String,
    /// The repository below it.
    pub repository: String,
}

/// Bytes that a descriptor names, opened late.
pub trait Blob: Send + Sync {
    /// What the blob is. It is known without the bytes.
    fn descriptor(&self) -> &Descriptor;

    /// Opens the bytes from their start.
    ///
    /// # Errors
    /// What the place of the bytes says.
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>>;

    /// An open file whose whole content is the blob, where there is one: a place on the same file
    /// system may link or copy it without looking at the bytes. Who gives it has hashed what was
    /// written, and lets nobody else write.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Does reading it to its end fail if the bytes are not those of the descriptor?
    fn is_checked(&self) -> bool {
        false
    }

    /// The repository that the blob is in, where it is one: another of the same registry can have it from there
    /// without its bytes.
    fn origin(&self) -> Option<&Origin> {
        None
    }
}

/// A blob that is at hand.
pub struct MemoryBlob {
    descriptor: Descriptor,
    bytes: Arc<[u8]>,
}

impl MemoryBlob {
    /// The blob of these bytes.
    pub fn new(media_type: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        MemoryBlob { descriptor: Descriptor::of(media_type, &bytes), bytes }
    }
}

impl Blob for MemoryBlob {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(&self.bytes[..]))
    }
}
