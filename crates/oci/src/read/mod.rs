//! Reading layers, and seeing several as one.

mod merge;

pub use merge::{Linked, Listed, merge};

use crate::{Compression, Digest, EntryKind, Hashing, LayerEntry, Skip, TarReader};
use sha2::{Digest as _, Sha256};
use std::io::{self, BufRead, BufReader, Read};
use tree::{PathError, TreePath};

/// The longest plain tar of a layer that is read, in bytes.
const MAX_TAR: u64 = 1 << 38;
/// How much is read at a time.
const STEP: usize = 128 << 10;
/// How a name starts that takes away what lower layers have.
pub(crate) const WHITEOUT: &str = ".wh.";
/// The name that takes away all that lower layers have in its directory.
const OPAQUE: &str = ".wh..wh..opq";
/// Names that AUFS kept for itself; they say nothing.
const AUFS: &str = ".wh..wh.";

/// What a layer came to when it was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// The digest of the plain tar.
    pub diff_id: Digest,
    /// The size of the plain tar, in bytes.
    pub tar_size: u64,
}

/// A layer could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadLayerError {
    /// The bytes could not be had, or not decompressed.
    #[error("cannot read the layer")]
    Read(#[source] io::Error),
    /// The bytes are compressed otherwise than the media type says.
    #[error("the media type says compression {expected}, the bytes are {found}")]
    Compression {
        /// What the media type says.
        expected: &'static str,
        /// What the first bytes say.
        found: &'static str,
    },
    /// The plain tar is another than the config of the image says.
    #[error("the config says that the plain tar is {expected}, and it is {found}")]
    DiffId {
        /// What the config says.
        expected: Box<Digest>,
        /// What it is.
        found: Box<Digest>,
    },
    /// The bytes are no tar.
    #[error("byte {offset} of the tar: {what}")]
    Malformed {
        /// How many bytes were read before.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A name is no path.
    #[error("the tar holds a name that is no path")]
    Path(#[source] PathError),
    /// A name leads out of the layer.
    #[error("the tar holds `{0}`, which leads outside of it")]
    Escapes(String),
    /// A name is not UTF-8.
    #[error("the tar holds the name `{0}`, which is not UTF-8")]
    NotUtf8(String),
    /// More than anything honest has.
    #[error("the tar has more than {limit} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many are taken.
        limit: u64,
    },
}

/// Reads a layer to its end and shows every entry. `media_type` says how it is compressed; one that
/// is not known leaves it to the first bytes.
///
/// # Errors
/// When the bytes are no layer, or could harm who reads them.
pub fn read_layer(
    mut reader: impl Read,
    media_type: &str,
    mut visit: impl FnMut(LayerEntry),
) -> Result<LayerSummary, ReadLayerError> {
    let mut head = vec![];
    (&mut reader).take(4).read_to_end(&mut head).map_err(ReadLayerError::Read)?;
    let found = Compression::of_head(&head);
    let reader = BufReader::with_capacity(STEP, io::Cursor::new(head).chain(reader));
    if let Some(expected) = Compression::of_media_type(media_type).filter(|expected| *expected != found) {
        return Err(ReadLayerError::Compression { expected: expected.name(), found: found.name() });
    }
    // One byte more than is allowed shows that there is more.
    let plain = Hashing::new(decompressed(reader, found)?.take(MAX_TAR + 1));
    let mut tar = TarReader::new(BufReader::with_capacity(STEP, plain));
    let mut buf = vec![0; STEP];
    while let Some(mut entry) = tar.next_entry()? {
        if let EntryKind::File { size, digest, offset } = &mut entry.kind {
            *digest = Some(content_digest(&mut tar, *offset, *size, &mut buf)?);
        }
        if let Some(entry) = whiteout(entry)? {
            visit(entry);
        }
    }
    let mut rest = tar.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(ReadLayerError::Read)?;
    let (diff_id, tar_size) = rest.into_inner().finish();
    if tar_size > MAX_TAR {
        return Err(ReadLayerError::TooMuch { what: "bytes", limit: MAX_TAR });
    }
    Ok(LayerSummary { diff_id, tar_size })
}

/// Shows every entry of a plain tar, with the first bytes of each file, `head` at most. Content is passed over.
///
/// # Errors
/// When the bytes are no layer, or could harm who reads them.
pub fn list_layer(
    plain: impl Skip,
    head: usize,
    mut visit: impl FnMut(LayerEntry, &[u8]),
) -> Result<(), ReadLayerError> {
    let mut tar = TarReader::new(plain);
    let mut buf = vec![0; head];
    while let Some(entry) = tar.next_entry()? {
        let mut filled = 0;
        if let EntryKind::File { size, .. } = entry.kind {
            let wanted = usize::try_from(size).unwrap_or(usize::MAX).min(head);
            while let Some(rest @ [_, ..]) = buf.get_mut(filled..wanted) {
                filled += tar.read_content(rest).map_err(ReadLayerError::Read)?;
            }
        }
        if let Some(entry) = whiteout(entry)? {
            visit(entry, buf.get(..filled).unwrap_or_default());
        }
    }
    Ok(())
}

/// The plain bytes behind `reader`. Several gzip members or zstd frames read as one.
///
/// # Errors
/// When no decompressor can be made.
pub fn decompressed<'a>(
    reader: impl BufRead + 'a,
    compression: Compression,
) -> Result<Box<dyn Read + 'a>, ReadLayerError> {
    Ok(match compression {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Compression::Zstd => {
            Box::new(zstd::stream::read::Decoder::with_buffer(reader).map_err(ReadLayerError::Read)?)
        }
    })
}

fn content_digest<R: crate::Skip>(
    tar: &mut TarReader<R>,
    offset: u64,
    size: u64,
    buf: &mut [u8],
) -> Result<Digest, ReadLayerError> {
    let mut hash = Sha256::new();
    let mut left = size;
    while left > 0 {
        let got = tar.read_content(buf).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ReadLayerError::Malformed {
                offset: offset + (size - left),
                what: "the tar ends within a file".into(),
            },
            _ => ReadLayerError::Read(error),
        })?;
        hash.update(buf.get(..got).unwrap_or_default());
        left -= got as u64;
    }
    Ok(Digest::finish(hash))
}

/// What an entry means in a layer: whiteouts are names that start with `.wh.`.
fn whiteout(mut entry: LayerEntry) -> Result<Option<LayerEntry>, ReadLayerError> {
    let parent = || entry.path.parent().unwrap_or_else(TreePath::root);
    let name = entry.path.name();
    if name == OPAQUE {
        entry.path = parent();
        entry.kind = EntryKind::Opaque;
    } else if name.starts_with(AUFS) {
        return Ok(None);
    } else if let Some(gone) = name.strip_prefix(WHITEOUT) {
        if matches!(gone, "" | "." | "..") {
            return Err(ReadLayerError::Escapes(entry.path.to_string()));
        }
        entry.path = parent().child(gone);
        entry.kind = EntryKind::Whiteout;
    }
    Ok(Some(entry))
}

#[cfg(test)]
mod tests;
