//! Keys under which layers and chunks that were written before are found again.
//!
//! A key is the SHA-256 of everything that the bytes depend on. Each key begins with a word of its own, and
//! what follows is of fixed length, or has its length before it: no two things have one key.

use super::chunk::HardLinks;
use super::encode::Codec;
use super::{LayerError, LayerOptions};
use sha2::{Digest as _, Sha256};
use tree::{Content, Entry, FileIdentity, Kind, Sha256Digest, Tree, TreePath};

/// The version of the rules by which a layer is written: another one writes other bytes.
const RULES: u32 = 1;

/// The key of the layer that [`write_layer`](super::write_layer) would write; none where nothing tells without
/// reading a file what is in it: what was just changed may change again before it is written. No file is read.
///
/// # Errors
/// When the options make no sense.
pub fn layer_key(tree: &Tree, options: &LayerOptions) -> Result<Option<Sha256Digest>, LayerError> {
    let codec = Codec::new(options.compression, options.level)?;
    let mut key = Key::new("layer", codec);
    let mut links = HardLinks::default();
    for (path, entry) in tree.iter().filter(|(path, _)| !path.is_root()) {
        if key.entry(path, entry, links.first_name(path, entry)).is_none() {
            return Ok(None);
        }
    }
    Ok(Some(key.finish()))
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

    /// None for a file that nothing tells from others.
    fn entry(&mut self, path: &TreePath, entry: &Entry, first: Option<&TreePath>) -> Option<()> {
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
                self.number(content.size());
                self.file(&FileKey::of(content)?);
            }
        }
        Some(())
    }
}

/// What tells the bytes of a file from those of others.
pub(super) enum FileKey {
    Identity(FileIdentity),
    Digest(Sha256Digest),
}

impl FileKey {
    /// None where nothing tells without reading the file.
    pub fn of(content: &Content) -> Option<Self> {
        let fixed = || if content.may_change() { None } else { content.sha256().ok() };
        content.identity().map(FileKey::Identity).or_else(|| fixed().map(FileKey::Digest))
    }
}
