//! What can go wrong at a place.

use crate::name::NameError;
use auth::{AuthError, Looked};
use fetch::FetchError;
use oci::{Digest, DocumentError, ReadLayerError};
use std::io;
use std::path::{Path, PathBuf};

/// An image could not be published to a place, or not be read from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// An image with a digest in its name cannot be published under it.
    #[error("{0}: an image is published under a tag, not under a digest")]
    PublishDigest(String),
    /// What the image calls itself is no name.
    #[error("{place} cannot take the image by its own name")]
    Name {
        /// The place.
        place: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// A file or directory could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file or directory could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A blob of the image that is to be published could not be read.
    #[error("cannot read the blob {digest}")]
    Blob {
        /// Its digest.
        digest: Digest,
        /// What its place said.
        source: io::Error,
    },
    /// Bytes are not those that were named.
    #[error("{subject} is {found}, not {expected}")]
    Mismatch {
        /// What was read: a path, `the manifest`.
        subject: String,
        /// The digest and size that it should have.
        expected: String,
        /// The digest and size that it has.
        found: String,
    },
    /// A directory has something in it that is no layout.
    #[error("{} is not empty, and no OCI image layout", .0.display())]
    NotALayout(PathBuf),
    /// A layout of a version that is not known.
    #[error("{}: the layout's version is `{version}`, not 1.0.0", dir.display())]
    LayoutVersion {
        /// The directory.
        dir: PathBuf,
        /// What its file `oci-layout` says.
        version: String,
    },
    /// Docker's archives take no layers in zstd.
    #[error("{place} takes no layers in zstd, as {layer} is")]
    Zstd {
        /// The place.
        place: String,
        /// The layer.
        layer: Digest,
    },
    /// Docker's archives take no image of which a layer is elsewhere.
    #[error("{place} takes no layers that others give out, as {layer} is")]
    Foreign {
        /// The place.
        place: String,
        /// The layer.
        layer: Digest,
    },
    /// Docker's archives take images only.
    #[error("{place} takes images only, and this is something else")]
    NoPlainImage {
        /// The place.
        place: String,
    },
    /// Docker's archives take one platform.
    #[error("{place} takes an image of one platform, not of {count}")]
    Platforms {
        /// The place.
        place: String,
        /// How many the image has.
        count: usize,
    },
    /// A document at the place is wrong.
    #[error("{place}")]
    Document {
        /// The place, and which document.
        place: String,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// A tar at the place is wrong.
    #[error("{} is no image archive", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadLayerError,
    },
    /// Something that an image needs is not at the place.
    #[error("{place} has no {what}")]
    Missing {
        /// The place.
        place: String,
        /// What is not there.
        what: String,
    },
    /// A registry does not have what an image there needs.
    #[error("{place}: the registry has no {what}")]
    Absent {
        /// The place.
        place: String,
        /// What is not there: `blob sha256:…`.
        what: String,
    },
    /// No image there is called so.
    #[error("{place} has no image `{wanted}`{}", also(known))]
    NoImage {
        /// The place.
        place: String,
        /// What was asked for.
        wanted: String,
        /// What there is, if that is known.
        known: Vec<String>,
    },
    /// Several images are there, and none was named.
    #[error("{place} has several images, and none is named: {}", known.join(", "))]
    SeveralImages {
        /// The place.
        place: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The image is not there for this platform.
    #[error("{place} has no image for {wanted}; it has {}", known.join(", "))]
    NoPlatform {
        /// The place.
        place: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The image is there for several platforms, and none was named.
    #[error("{place} has images for several platforms: {}", known.join(", "))]
    SeveralPlatforms {
        /// The place.
        place: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A place on the network could not be asked.
    #[error("{place} cannot be reached")]
    Unreachable {
        /// The place.
        place: String,
        /// What went wrong.
        source: Box<FetchError>,
    },
    /// A registry wants to know who asks, and it could not be told.
    #[error("{place}: the registry wants to know who asks")]
    Auth {
        /// The place.
        place: String,
        /// What went wrong.
        source: Box<AuthError>,
    },
    /// A registry does not let in who asks. Some say the same where there is no such repository.
    #[error("{place}: access is denied, or there is no such repository ({status}){}", said(reason))]
    Denied {
        /// The place.
        place: String,
        /// What it answered.
        status: u16,
        /// What it said, if anything.
        reason: String,
        /// Where credentials were looked for.
        trace: Vec<Looked>,
    },
    /// A registry will not have something.
    #[error("{place}: the registry refused {request} ({status}){}", said(reason))]
    Refused {
        /// The place.
        place: String,
        /// What it refused: `the manifest`.
        request: &'static str,
        /// What it answered.
        status: u16,
        /// What it said, if anything.
        reason: String,
    },
    /// A tag stands for another image, and the registry lets it move no more.
    #[error("{place}: the tag stands for another image and cannot be moved{}", said(reason))]
    Immutable {
        /// The place.
        place: String,
        /// What the registry said.
        reason: String,
    },
    /// A registry does not work.
    #[error("{place}: the registry answered {status} to {request}{}", said(reason))]
    Status {
        /// The place.
        place: String,
        /// What it was asked.
        request: &'static str,
        /// What it answered.
        status: u16,
        /// What it said, if anything.
        reason: String,
    },
    /// A registry answered what none may.
    #[error("{place}: the registry answered {what}")]
    Answer {
        /// The place.
        place: String,
        /// What it answered.
        what: String,
    },
    /// An image of a kind that no tool writes any more.
    #[error("{0} is an image of Docker's schema 1, from before 2016")]
    Schema1(String),
    /// An object store did not do what was asked.
    #[error("cannot {action} {object}")]
    Object {
        /// What was to be done: `read`, `write`.
        action: &'static str,
        /// The URL of the object.
        object: String,
        /// What that means.
        kind: ErrorKind,
        /// What the store said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Others wrote to the same index all the time.
    #[error("{place} was changed by others {attempts} times while an image was added")]
    Contended {
        /// The index.
        place: String,
        /// How often it was tried.
        attempts: usize,
    },
    /// `DOCKER_HOST` or the certificates beside it cannot be used.
    #[error("the Docker engine's address `{address}` {reason}")]
    DaemonAddress {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine could not be asked.
    #[error("cannot reach the Docker engine at {address}")]
    DaemonUnreachable {
        /// The address.
        address: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine refused.
    #[error("the Docker engine at {address} says: {message}")]
    Daemon {
        /// The address.
        address: String,
        /// What it said.
        message: String,
    },
}

/// What an error means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be met by anything.
    Usage,
    /// Who asks is not let in.
    Credentials,
    /// The place refused the image.
    Refused,
    /// The place has no such image.
    NotFound,
    /// The disk or the network failed, or what they gave is damaged.
    Place,
}

impl StoreError {
    /// Where credentials were looked for, if the error is about them.
    pub fn trace(&self) -> &[Looked] {
        match self {
            StoreError::Auth { source, .. } => source.trace(),
            StoreError::Denied { trace, .. } => trace,
            _ => &[],
        }
    }

    /// What the error means for whoever asked.
    pub fn kind(&self) -> ErrorKind {
        match self {
            StoreError::PublishDigest(_)
            | StoreError::Name { .. }
            | StoreError::Zstd { .. }
            | StoreError::Foreign { .. }
            | StoreError::NoPlainImage { .. }
            | StoreError::Platforms { .. }
            | StoreError::SeveralImages { .. }
            | StoreError::SeveralPlatforms { .. }
            | StoreError::DaemonAddress { .. } => ErrorKind::Usage,
            StoreError::Object { kind, .. } => *kind,
            StoreError::Absent { .. } | StoreError::NoImage { .. } | StoreError::NoPlatform { .. } => {
                ErrorKind::NotFound
            }
            StoreError::Denied { .. } => ErrorKind::Credentials,
            StoreError::Auth { source, .. } => match &**source {
                AuthError::Fetch { source, .. } if is_about_credentials(source) => ErrorKind::Credentials,
                error if error.is_refusal() => ErrorKind::Credentials,
                _ => ErrorKind::Place,
            },
            StoreError::Refused { .. } | StoreError::Immutable { .. } | StoreError::Schema1(_) => {
                ErrorKind::Refused
            }
            // What a place says of a blob may be an error of ours.
            StoreError::Blob { source, .. } => {
                let inner = source.get_ref().and_then(|inner| inner.downcast_ref::<StoreError>());
                inner.map_or(ErrorKind::Place, StoreError::kind)
            }
            _ => ErrorKind::Place,
        }
    }
}

pub(crate) fn read_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |source| StoreError::Read { path: path.into(), source }
}

pub(crate) fn write_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |source| StoreError::Write { path: path.into(), source }
}

fn is_about_credentials(error: &FetchError) -> bool {
    matches!(error, FetchError::Unauthorized { .. } | FetchError::Forbidden { .. })
}

fn said(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

fn also(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; it has {}", known.join(", ")) }
}
