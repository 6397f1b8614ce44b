//! Where a download goes, and what is known of it by then.

use crate::address::masked;
use crate::digest::{Expect, Hashing};
use crate::error::FetchError;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Something that bytes are stored in.
pub(crate) trait Store: Send {
    /// Stores bytes that begin there.
    fn put(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Forgets everything.
    fn clear(&mut self) -> io::Result<()>;
}

impl Store for &File {
    fn put(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.set_len(0)
    }
}

impl Store for Vec<u8> {
    fn put(&mut self, bytes: &[u8], _: u64) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        Vec::clear(self);
        Ok(())
    }
}

/// A download as far as it is there. Nothing gets in beyond what is expected.
pub(crate) struct Sink<'a> {
    url: &'a str,
    expect: &'a Expect,
    store: &'a mut dyn Store,
    progress: &'a (dyn Fn(u64) + Sync),
    hashing: Hashing,
    received: u64,
}

impl<'a> Sink<'a> {
    pub fn new(
        url: &'a str,
        expect: &'a Expect,
        store: &'a mut dyn Store,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Result<Self, FetchError> {
        let hashing = expect.hashing();
        let mut sink = Sink { url, expect, store, progress, hashing, received: 0 };
        sink.restart()?;
        Ok(sink)
    }

    /// How many bytes are there.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Starts anew.
    pub fn restart(&mut self) -> Result<(), FetchError> {
        self.hashing = self.expect.hashing();
        self.received = 0;
        self.store.clear().map_err(|source| FetchError::Write { url: masked(self.url), source })
    }

    /// Is a whole of this length what is expected?
    pub fn admit(&self, whole: u64) -> Result<(), FetchError> {
        match self.expect.size {
            Some(expected) if expected != whole => {
                Err(FetchError::Size { url: masked(self.url), expected, found: whole })
            }
            _ if whole > self.expect.limit => {
                Err(FetchError::TooLarge { url: masked(self.url), limit: self.expect.limit })
            }
            _ => Ok(()),
        }
    }

    /// Takes the next bytes.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let there = self.received.saturating_add(bytes.len() as u64);
        match self.expect.size {
            Some(expected) if there > expected => {
                return Err(FetchError::Size { url: masked(self.url), expected, found: there });
            }
            _ if there > self.expect.limit => {
                return Err(FetchError::TooLarge { url: masked(self.url), limit: self.expect.limit });
            }
            _ => {}
        }
        let stored = self.store.put(bytes, self.received);
        stored.map_err(|source| FetchError::Write { url: masked(self.url), source })?;
        self.hashing.update(bytes);
        self.received = there;
        (self.progress)(there);
        Ok(())
    }

    /// Will a digest tell whether it is right?
    pub fn is_digest_known(&self) -> bool {
        self.expect.digest.is_some()
    }

    /// Has it all that is expected?
    pub fn is_whole(&self) -> bool {
        self.expect.size.is_none_or(|size| size == self.received)
    }

    /// How many bytes are expected.
    pub fn expected_size(&self) -> Option<u64> {
        self.expect.size
    }

    /// Checks what is there, as a whole.
    pub fn check(&self) -> Result<(), FetchError> {
        self.admit(self.received)?;
        match (self.expect.digest, self.hashing.clone().finish()) {
            (Some(expected), Some(found)) if expected != found => {
                let (expected, found) = (expected.to_string(), found.to_string());
                Err(FetchError::Digest { url: masked(self.url), expected, found })
            }
            _ => Ok(()),
        }
    }
}
