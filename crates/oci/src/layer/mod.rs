//! Writing layers: a tree in, a tar out, hashed and compressed on the way.
//!
//! The bytes are a contract, written down in `docs/layer-format.md` of the repository: they depend on the tree and the
//! options only, never on how many threads worked.

mod buffer;
mod chunk;
mod chunks;
mod encode;
mod key;
mod pipeline;

pub use chunks::{Chunk, Chunks, StoredChunk};
pub use key::layer_key;

use crate::{Compression, Descriptor, Digest};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use tree::{ReadError, Tree, TreeError, TreePath};

/// A layer that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Media type, digest and size of the blob.
    pub descriptor: Descriptor,
    /// The digest of the plain tar.
    pub diff_id: Digest,
    /// The size of all files, in bytes; a file with several names counts once.
    pub unpacked_size: u64,
    /// The size of the plain tar, in bytes.
    pub tar_size: u64,
}

/// A layer that was written, with the chunks that it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The layer.
    pub layer: Layer,
    /// Its chunks, in order; none if nobody was to remember them.
    pub chunks: Vec<Chunk>,
}

/// How a layer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerOptions {
    /// How the tar is compressed.
    pub compression: Compression,
    /// How hard: 1 to 9 for gzip (default 5), 1 to 22 for zstd (default 3).
    pub level: Option<u32>,
    /// How many threads compress. The bytes do not depend on it.
    pub threads: NonZeroUsize,
}

/// A layer could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The tree is not one: a path stands below something that is no directory.
    #[error("the layer's tree is not whole")]
    Tree(#[source] TreeError),
    /// An entry cannot be put into a layer.
    #[error("{path} is {what}, which no layer can hold")]
    Unwritable {
        /// The entry.
        path: TreePath,
        /// What it is.
        what: String,
    },
    /// The content of a file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file in the image.
        path: TreePath,
        /// From where it was to be read, and what went wrong.
        source: ReadError,
    },
    /// A file is not as long as it was when the build began.
    #[error("{path} was changed while it was read: {origin} no longer has {size} bytes")]
    Changed {
        /// The file in the image.
        path: TreePath,
        /// Where its content comes from.
        origin: String,
        /// The length it had.
        size: u64,
    },
    /// There is no such level.
    #[error("{compression} has no level {level}; its levels are 1 to {max}")]
    Level {
        /// The compression's name.
        compression: &'static str,
        /// The level that was asked for.
        level: u32,
        /// The highest there is.
        max: u32,
    },
    /// The compressor failed.
    #[error("cannot compress the layer")]
    Compress(#[source] io::Error),
    /// The bytes could not be written where they were to go.
    #[error("cannot write the layer")]
    Write(#[source] io::Error),
}

/// Writes `tree` as a layer to `out`, and says what was written. The root itself is not written.
///
/// `progress` hears of each part of the tar as its compressed bytes are written: how many bytes of
/// tar it was.
///
/// # Errors
/// The first thing that went wrong; `out` then holds a part of a layer.
pub fn write_layer(
    tree: &Tree,
    options: &LayerOptions,
    out: &mut (dyn Write + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Layer, LayerError> {
    write(tree, options, None, out, progress).map(|written| written.layer)
}

/// The same, with chunks that were compressed before; what it says of the chunks finds them again.
///
/// # Errors
/// As [`write_layer`].
pub fn write_layer_with(
    tree: &Tree,
    options: &LayerOptions,
    stored: &dyn Chunks,
    out: &mut (dyn Write + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Written, LayerError> {
    write(tree, options, Some(stored), out, progress)
}

fn write(
    tree: &Tree,
    options: &LayerOptions,
    stored: Option<&dyn Chunks>,
    out: &mut (dyn Write + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Written, LayerError> {
    let codec = encode::Codec::new(options.compression, options.level)?;
    tree.check().map_err(LayerError::Tree)?;
    pipeline::run(tree, codec, options.threads, stored, out, progress)
}

impl LayerOptions {
    /// How many bytes stand in a layer before its first chunk.
    pub fn prologue(&self) -> u64 {
        let codec = encode::Codec::new(self.compression, self.level);
        codec.map_or(0, |codec| codec.prologue().len() as u64)
    }
}

#[cfg(test)]
mod stored_tests;
#[cfg(test)]
mod tests;
