//! Handles on file content, opened late.

use sha2::{Digest, Sha256};
use std::{
    fmt, io,
    sync::{Arc, OnceLock},
};

/// How many bytes of a file's beginning are remembered: enough to tell what kind of file it is.
pub const HEAD: usize = 64;

/// How much is read at a time when content is hashed.
const STEP: usize = 128 * 1024;

/// Bytes that can be read at any offset, from several threads at once.
pub trait ReadAt: Send + Sync {
    /// Reads at `offset` into `buf` and says how many bytes came; 0 is the end.
    ///
    /// # Errors
    /// What the operating system says.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// What the operating system says, or `UnexpectedEof` when the content ends too early.
    fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match self.read_at(buf, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(got) => {
                    buf = &mut buf[got..];
                    offset += got as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Where the bytes of a file can be had. What a source implements.
pub trait ContentHandle: Send + Sync {
    /// The size in bytes. It was read when the entry was, and costs nothing.
    fn size(&self) -> u64;

    /// Opens the content for reading.
    ///
    /// # Errors
    /// What the operating system says.
    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>>;

    /// Where the bytes come from, for messages: a path on the builder, `the spec`, a package.
    fn origin(&self) -> String;

    /// The inode behind the handle, where there is one: handles that agree on it are hard links.
    fn file_id(&self) -> Option<FileId> {
        None
    }

    /// What tells these bytes from others without reading them; none where nothing does.
    fn identity(&self) -> Option<FileIdentity> {
        None
    }

    /// May another look at the bytes find others? Not where they are in memory.
    fn may_change(&self) -> bool {
        true
    }
}

/// What the file system says of a file whose bytes were left alone: as long as all of it is the same,
/// the bytes are.
///
/// That holds only if no write can hide behind the last one: whoever gives an identity has seen that
/// the file was last changed longer ago than the file system's clock is coarse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileIdentity {
    /// The device number.
    pub device: u64,
    /// The inode number.
    pub inode: u64,
    /// The size in bytes.
    pub size: u64,
    /// When the bytes were changed, in nanoseconds since 1970.
    pub mtime: i128,
    /// When anything of the inode was changed, in nanoseconds since 1970.
    pub ctime: i128,
}

/// An inode: two files with the same one are hard links of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// The device number.
    pub device: u64,
    /// The inode number.
    pub inode: u64,
}

/// The content of a file: cheap to clone, opened when somebody reads. What was found out about the
/// bytes is kept, for all clones.
#[derive(Clone)]
pub struct Content(Arc<Inner<dyn ContentHandle>>);

struct Inner<H: ?Sized> {
    head: OnceLock<Head>,
    sha256: OnceLock<Sha256Digest>,
    /// What was known from the start: head, digest.
    was_known: (bool, bool),
    handle: H,
}

/// What is known of some bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// The first [`HEAD`] of them, or all if they are fewer.
    pub head: Option<Head>,
    /// Their digest.
    pub sha256: Option<Sha256Digest>,
}

/// The first bytes of a file, [`HEAD`] at most.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head {
    len: u8,
    bytes: [u8; HEAD],
}

impl Head {
    /// The beginning of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut head = Head { len: 0, bytes: [0; HEAD] };
        head.add(bytes);
        head
    }

    /// Goes on with bytes that stand behind those it has seen.
    pub fn add(&mut self, bytes: &[u8]) {
        for (to, from) in self.bytes.iter_mut().skip(usize::from(self.len)).zip(bytes) {
            *to = *from;
            self.len += 1;
        }
    }
}

impl std::ops::Deref for Head {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.escape_ascii())
    }
}

/// Content could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {origin}")]
pub struct ReadError {
    /// Where the bytes were to come from.
    pub origin: String,
    /// What the operating system said.
    pub source: io::Error,
}

/// The SHA-256 of some content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256Digest(pub [u8; 32]);

impl Content {
    /// Content that a source can open.
    pub fn new(handle: impl ContentHandle + 'static) -> Self {
        Content::with_known(handle, Known::default())
    }

    /// Content of which something is known: its [`FileIdentity`] was met before.
    pub fn with_known(handle: impl ContentHandle + 'static, known: Known) -> Self {
        let was_known = (known.head.is_some(), known.sha256.is_some());
        let head = known.head.map_or_else(OnceLock::new, OnceLock::from);
        let sha256 = known.sha256.map_or_else(OnceLock::new, OnceLock::from);
        Content(Arc::new(Inner { head, sha256, was_known, handle }))
    }

    /// What is known by now.
    pub fn known(&self) -> Known {
        Known { head: self.0.head.get().copied(), sha256: self.0.sha256.get().copied() }
    }

    /// Is anything known by now?
    pub fn is_known(&self) -> bool {
        self.0.head.get().is_some() || self.0.sha256.get().is_some()
    }

    /// Is more known by now than from the start?
    pub fn has_news(&self) -> bool {
        (self.0.head.get().is_some(), self.0.sha256.get().is_some()) != self.0.was_known
    }

    /// Content that is at hand. `origin` says who made it.
    pub fn bytes(bytes: impl Into<Vec<u8>>, origin: &str) -> Self {
        Content::new(Memory { bytes: bytes.into(), origin: origin.into() })
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.0.handle.size()
    }

    /// Where the bytes come from, for messages.
    pub fn origin(&self) -> String {
        self.0.handle.origin()
    }

    /// The inode behind the content, where there is one.
    pub fn file_id(&self) -> Option<FileId> {
        self.0.handle.file_id()
    }

    /// What tells these bytes from others without reading them, where something does.
    pub fn identity(&self) -> Option<FileIdentity> {
        self.0.handle.identity()
    }

    /// A number that clones of one content share, and no other content has while one of them lives.
    pub fn handle(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>().addr()
    }

    /// May another look at the bytes find others?
    pub fn may_change(&self) -> bool {
        self.0.handle.may_change()
    }

    /// Opens the content for reading at any offset.
    ///
    /// # Errors
    /// When the source cannot open it; the error names the origin.
    pub fn open(&self) -> Result<Box<dyn ReadAt + '_>, ReadError> {
        self.0.handle.open().map_err(|error| self.error(error))
    }

    /// The first bytes, at most `limit`.
    ///
    /// # Errors
    /// When the content cannot be opened or read.
    pub fn head(&self, limit: usize) -> Result<Vec<u8>, ReadError> {
        if limit > HEAD && self.size() > HEAD as u64 {
            return self.beginning(limit);
        }
        let head = self.first()?;
        Ok(head[..head.len().min(limit)].to_vec())
    }

    /// Does it begin with these bytes, at most [`HEAD`]?
    ///
    /// # Errors
    /// As those of [`head`](Self::head).
    pub fn starts_with(&self, bytes: &[u8]) -> Result<bool, ReadError> {
        Ok(self.first()?.starts_with(bytes))
    }

    fn first(&self) -> Result<&Head, ReadError> {
        match self.0.head.get() {
            Some(head) => Ok(head),
            None => {
                let head = Head::of(&self.beginning(HEAD)?);
                Ok(self.0.head.get_or_init(|| head))
            }
        }
    }

    fn beginning(&self, limit: usize) -> Result<Vec<u8>, ReadError> {
        let len = usize::try_from(self.size()).unwrap_or(usize::MAX).min(limit);
        let mut bytes = vec![0; len];
        let file = self.open()?;
        let mut filled = 0;
        while filled < len {
            match file.read_at(&mut bytes[filled..], filled as u64) {
                Ok(0) => break,
                Ok(got) => filled += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error(error)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// The whole content, if it is at most `limit` bytes long.
    ///
    /// # Errors
    /// When the content cannot be read, or is longer than `limit`.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, ReadError> {
        if self.size() > limit {
            return Err(self.error(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("{} bytes are more than the {limit} that are read here", self.size()),
            )));
        }
        self.head(limit.try_into().unwrap_or(usize::MAX))
    }

    /// Hashes the content.
    ///
    /// # Errors
    /// When the content cannot be read, or is not as long as its entry says.
    pub fn sha256(&self) -> Result<Sha256Digest, ReadError> {
        if let Some(known) = self.0.sha256.get() {
            return Ok(*known);
        }
        let file = self.open()?;
        let mut hash = Sha256::new();
        let mut buf = vec![0; STEP.min(usize::try_from(self.size()).unwrap_or(STEP).max(1))];
        let mut offset = 0;
        while offset < self.size() {
            let step = usize::try_from(self.size() - offset).unwrap_or(usize::MAX).min(buf.len());
            file.read_exact_at(&mut buf[..step], offset).map_err(|error| self.error(error))?;
            hash.update(&buf[..step]);
            offset += step as u64;
        }
        Ok(*self.0.sha256.get_or_init(|| Sha256Digest(hash.finalize().into())))
    }

    /// An error of this content: `source` happened while its bytes were read.
    pub fn error(&self, source: io::Error) -> ReadError {
        ReadError { origin: self.origin(), source }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({}, {} bytes)", self.origin(), self.size())
    }
}

impl Sha256Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Sha256Digest(Sha256::digest(bytes).into())
    }

    /// The digest as 64 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The digest that such digits are; none for any other text.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 32];
        if hex.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            *byte = pair.iter().try_fold(0, |value, letter| Some(value << 4 | digit(*letter)?))?;
        }
        Some(Sha256Digest(bytes))
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Memory {
    bytes: Vec<u8>,
    origin: String,
}

impl ContentHandle for Memory {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(&self.bytes[..]))
    }

    fn origin(&self) -> String {
        self.origin.clone()
    }

    fn may_change(&self) -> bool {
        false
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let len = buf.len().min(self.len() - start);
        buf[..len].copy_from_slice(&self[start..start + len]);
        Ok(len)
    }
}
