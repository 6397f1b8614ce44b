//! Keys under which layers and chunks that were written before are found again.
//!
//! A key is the SHA-256 of everything that the bytes depend on. Each key begins with a word of its own, and
//! what follows is of fixed length, or has its length before it: no two things have one key.

use super::chunk::HardLinks;
use super::encode::Codec;
use super::{LayerError, LayerOptions};
use sha2::{Digest as _, Sha256};
use tree::{Content, Entry, FileIdentity, Kind, ReadError, Sha256Digest, Tree, TreePath};

/// The version of the rules by which a layer is written: another one writes other bytes.
const RULES: u32 = 1;

/// The key of the layer that [`write_layer`](super::write_layer) would write. Files that were left alone are told
/// apart by their identity and not read; others by their digest.
///
/// # Errors
/// When a file without identity cannot be read, or the options make no sense.
pub fn layer_key(tree: &Tree, options: &LayerOptions) -> Result<Sha256Digest, LayerError> {
    let codec = Codec::new(options.compression, options.level)?;
    let mut key = Key::new("layer", codec);
    let mut links = HardLinks::default();
    for (path, entry) in tree.iter().filter(|(path, _)| !path.is_root()) {
        key.entry(path, entry, links.first_name(path, entry))?;
    }
    Ok(key.finish())
}

/// A key that is being made.
pub(super) struct Key(Sha256);

impl Key {
    pub fn new(what: &str, codec: Codec) -> Self {
        let mut key = Key(Sha256::new());
        key.text(what);
        key.0.update(RULES.to_le_bytes());
        key.text(&codec.id());
        key
    }

    pub fn finish(self) -> Sha256Digest {
        Sha256Digest(self.0.finalize().into())
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    pub fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    /// What tells a file from others.
    pub fn file(&mut self, id: &FileKey) {
        match id {
            FileKey::Identity(FileIdentity { device, inode, size, mtime, ctime }) => {
                self.0.update([0]);
                for number in [*device, *inode, *size] {
                    self.number(number);
                }
                self.0.update(mtime.to_le_bytes());
                self.0.update(ctime.to_le_bytes());
            }
            FileKey::Digest(digest) => {
                self.0.update([1]);
                self.0.update(digest.0);
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn entry(&mut self, path: &TreePath, entry: &Entry, first: Option<&TreePath>) -> Result<(), LayerError> {
        self.text(path.as_str());
        let meta = &entry.meta;
        for number in [u64::from(meta.mode), meta.uid.into(), meta.gid.into(), meta.xattrs.len() as u64] {
            self.number(number);
        }
        for (name, value) in &meta.xattrs {
            self.text(name);
            self.bytes(value);
        }
        match (&entry.kind, first) {
            (_, Some(first)) => {
                self.0.update([b'h']);
                self.text(first.as_str());
            }
            (Kind::Directory, _) => self.0.update([b'd']),
            (Kind::Symlink(target), _) => {
                self.0.update([b'l']);
                self.text(target);
            }
            (Kind::Special(what), _) => {
                self.0.update([b's']);
                self.text(what);
            }
            (Kind::File(content), _) => {
                self.0.update([b'f']);
                let read_error = |source| LayerError::Read { path: path.clone(), source };
                self.number(content.size());
                self.file(&FileKey::of(content).map_err(read_error)?);
            }
        }
        Ok(())
    }
}

/// What tells the bytes of a file from those of others.
pub(super) enum FileKey {
    Identity(FileIdentity),
    Digest(Sha256Digest),
}

impl FileKey {
    /// Reads the file if it has to.
    pub fn of(content: &Content) -> Result<Self, ReadError> {
        match content.identity() {
            Some(identity) => Ok(FileKey::Identity(identity)),
            None => content.sha256().map(FileKey::Digest),
        }
    }

    /// Reads nothing.
    pub fn at_hand(content: &Content) -> Option<Self> {
        let digest = || content.known().sha256.map(FileKey::Digest);
        content.identity().map(FileKey::Identity).or_else(digest)
    }
}
