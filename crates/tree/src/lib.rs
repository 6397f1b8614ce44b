//! A file tree as a value: checked paths, metadata, content handles, lookup through links.
//!
//! Everything that bantam puts into an image, and every place it takes files from, is seen through
//! [`View`]: an entry at a path, and the names in a directory. [`Tree`] is the view that lives in
//! memory; a directory on disk is another one, in the `source` crate. Nothing here touches the disk,
//! the network, the clock or the environment.

mod content;
mod entry;
mod path;
mod resolve;
mod tree;
mod view;

pub use content::{
    Content, ContentHandle, FileId, FileIdentity, HEAD, Head, Known, ReadAt, ReadError, Sha256Digest,
};
pub use entry::{CAPABILITY_XATTR, Entry, Kind, Meta};
pub use path::{PathError, TreePath};
pub use resolve::{Resolution, ResolveError, resolve};
pub use tree::{Tree, TreeError};
pub use view::{Overlay, View, ViewError};
