//! Everything about OCI bytes, nothing about where they live.
//!
//! A [`tree::Tree`] becomes a layer with [`write_layer`], layers and an [`ImageConfig`] become an
//! [`Image`] with [`assemble`], and several images an [`Index`]. What others wrote is read with
//! [`read_layer`], [`merge`], [`Manifest`], [`IndexFile`] and [`ConfigFile`], and [`validate`]
//! recomputes every digest of an image. Bytes come and go through [`Blob`] and the traits of
//! `std::io`; this crate opens nothing.

mod blob;
mod descriptor;
mod digest;
mod document;
mod image;
mod layer;
pub mod media_type;
mod own;
mod read;
mod tar_entry;
mod tar_reader;
mod time;
mod validate;

pub use blob::{Blob, MemoryBlob, Origin};
pub use descriptor::{Descriptor, Platform, PlatformError, REF_NAME};
pub use digest::{Digest, DigestError, Hashing};
pub use document::{
    ConfigFile, Document, DocumentError, History, IndexFile, MAX_DOCUMENT, Manifest, RootFs, RunConfig,
};
pub use image::{Artifact, AssembledLayer, Image, ImageConfig, Index, Part, assemble, assemble_upon};
pub use layer::{
    Chunk, Chunks, Layer, LayerError, LayerOptions, StoredChunk, Written, layer_key, write_layer,
    write_layer_with,
};
pub use media_type::Compression;
pub use own::{Own, assemble_rebased};
pub use read::{LayerSummary, Linked, Listed, ReadLayerError, decompressed, list_layer, merge, read_layer};
pub use tar_entry::{ENTRY_TIME, TAR_END, TarEntry, TarKind, padding};
pub use tar_reader::{EntryKind, LayerEntry, RawNames, Skip, TarReader};
pub use time::{rfc3339, seconds};
pub use validate::{ImageSource, Mismatch, validate};
