//! Why a package cannot be unpacked.

use oci::ReadLayerError;
use std::io;
use tree::Sha256Digest;

/// A `.deb` cannot be unpacked. `package` is what the caller calls it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum DebError {
    /// The bytes could not be had.
    #[error("{package}: the package cannot be read")]
    Read { package: String, source: io::Error },
    /// The bytes are another package, or a damaged one.
    #[error("{package}: the package has the digest {found} instead of {expected}")]
    Digest { package: String, expected: Sha256Digest, found: Sha256Digest },
    /// The bytes are no `ar` archive: deb(5).
    #[error("{package}: byte {offset} of the package: {what}")]
    Archive { package: String, offset: u64, what: String },
    /// `debian-binary` tells of a format of the future.
    #[error("{package}: the package has the format {found:?} instead of 2.0")]
    Format { package: String, found: String },
    /// A member is compressed in a way that this program does not know.
    #[error("{package}: {member} is compressed with {compression}; none, gzip, xz and zstd are read")]
    Compression { package: String, member: String, compression: &'static str },
    /// A member could not be decompressed.
    #[error("{package}: {member} cannot be decompressed")]
    Decompress { package: String, member: String, source: io::Error },
    /// A member is no tar.
    #[error("{package}: {member} is no tar that can be read")]
    Tar { package: String, member: String, source: ReadLayerError },
    /// A tar does not end where it says.
    #[error("{package}: something stands in {member} after the end of the tar")]
    Trailing { package: String, member: String },
    /// A path that no package may have.
    #[error("{package}: the path `{path}` {fault}")]
    Path { package: String, path: String, fault: PathFault },
    /// More than anything honest has.
    #[error("{package}: the package has more than {limit} {what}")]
    TooMuch { package: String, what: &'static str, limit: u64 },
    /// The file `control` does not say what it must: Debian policy, 5.3.
    #[error("{package}: the control file {what}")]
    Control { package: String, what: String },
    /// The unpacked bytes could not be written.
    #[error("{package}: the unpacked package cannot be written")]
    Write { package: String, source: io::Error },
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathFault {
    /// It starts at the root.
    #[error("is absolute")]
    Absolute,
    /// It has a component `..`.
    #[error("leads outside of the package")]
    Escapes,
    /// It is not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// It has a NUL, a line feed or another control character.
    #[error("holds a control character")]
    Control,
    /// It, or a name in it, is longer than Linux allows.
    #[error("is longer than a path may be")]
    TooLong,
    /// It stands twice.
    #[error("stands twice in the package")]
    Twice,
    /// Something that is no directory is above it.
    #[error("stands below `{0}`, which is no directory")]
    BelowNoDirectory(String),
    /// It is a device, a fifo or a socket.
    #[error("is {0}, which no image can have")]
    Special(&'static str),
    /// It is a hard link to something that is no file before it.
    #[error("is a hard link to `{0}`, which is no file before it in the package")]
    HardLink(String),
    /// It is a symbolic link that leads to no path.
    #[error("is a symbolic link with the target `{0}`, which is no path")]
    Target(String),
    /// It is the root, and no directory.
    #[error("is no directory")]
    Root,
}
