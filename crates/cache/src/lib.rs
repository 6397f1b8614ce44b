//! What builds leave on disk for the next ones, shared by processes and checked when read.
//!
//! A [`Cache`] is a directory with two sorts of entries: small *records* under a key, and *blobs* under
//! their digest. It knows nothing of what is in them. Any number of processes use one directory at a
//! time: an entry appears whole or not at all, and one that is damaged is as good as none. So nothing
//! that happens to the directory can spoil an image; it can only cost time. The formats are described
//! in `docs/cache.md`.
//!
//! What several machines [share](Shared) is another cache, anywhere: entries are copied from there and checked as they come.
//!
//! [`fresh`] makes files and directories that appear whole, for whoever writes any.

mod blob;
mod cache;
mod code;
mod copy;
mod error;
pub mod fresh;
mod parts;
mod place;
mod prune;
mod record;
mod scan;
mod shared;
mod upkeep;
mod used;

pub use blob::blob_path;
pub use cache::Cache;
pub use code::{Decoder, Encoder};
pub use error::CacheError;
pub use parts::{PartRange, Parts};
pub use prune::{Limits, Pruned};
pub use record::{MAX_RECORD, MAX_RECORD_FILE, RecordKind};
pub use scan::{EntryKind, Usage};
pub use shared::{Shared, SharedDirectory};
