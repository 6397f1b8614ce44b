//! What stands at a path.

use crate::Content;
use std::collections::BTreeMap;

/// The extended attribute that holds file capabilities.
pub const CAPABILITY_XATTR: &str = "security.capability";

/// One entry of a tree: what it is, and its metadata.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Directory, file or link.
    pub kind: Kind,
    /// Owner, mode, extended attributes.
    pub meta: Meta,
}

/// What an entry is. Devices, sockets and fifos have no place in an image: a view that meets one
/// gives [`Kind::Special`], and whoever would take it refuses.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File(Content),
    /// A symbolic link, with its target as written.
    Symlink(String),
    /// Something that cannot be put into an image, in words: `a socket`.
    Special(&'static str),
}

/// The metadata that an image keeps of an entry. Times are not among it: all are one constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Extended attributes by full name, such as `security.capability`.
    pub xattrs: BTreeMap<String, Vec<u8>>,
}

impl Meta {
    /// Owned by root, without extended attributes.
    pub fn root(mode: u32) -> Self {
        Meta { mode, uid: 0, gid: 0, xattrs: BTreeMap::new() }
    }
}

impl Entry {
    /// A directory of root with this mode.
    pub fn directory(mode: u32) -> Self {
        Entry { kind: Kind::Directory, meta: Meta::root(mode) }
    }

    /// A file of root with this mode.
    pub fn file(content: Content, mode: u32) -> Self {
        Entry { kind: Kind::File(content), meta: Meta::root(mode) }
    }

    /// A symbolic link of root.
    pub fn symlink(target: impl Into<String>) -> Self {
        Entry { kind: Kind::Symlink(target.into()), meta: Meta::root(0o777) }
    }

    /// The same entry with another owner.
    pub fn owned_by(mut self, uid: u32, gid: u32) -> Self {
        self.meta.uid = uid;
        self.meta.gid = gid;
        self
    }

    /// Is this a directory?
    pub fn is_directory(&self) -> bool {
        matches!(self.kind, Kind::Directory)
    }

    /// The content, if this is a regular file.
    pub fn content(&self) -> Option<&Content> {
        match &self.kind {
            Kind::File(content) => Some(content),
            _ => None,
        }
    }

    /// Is this a regular file that somebody may execute?
    pub fn is_executable(&self) -> bool {
        self.content().is_some() && self.meta.mode & 0o111 != 0
    }

    /// What this is, in a word for messages.
    pub fn word(&self) -> &'static str {
        match self.kind {
            Kind::Directory => "a directory",
            Kind::File(_) => "a file",
            Kind::Symlink(_) => "a symbolic link",
            Kind::Special(word) => word,
        }
    }
}
