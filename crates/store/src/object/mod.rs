//! Object stores as places: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.
//!
//! An image is an archive in one object, or a layout below a prefix. What an object store can do is used as far as all
//! three have it: an object appears whole or not at all, is read in parts, and is replaced only if it is still the
//! one that was read.

mod archive;
mod bucket;
mod connect;
mod failure;
mod layout;
mod read;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod upload;
mod url;

pub(crate) use archive::ObjectArchive;
pub(crate) use bucket::Bucket;
pub(crate) use connect::{Patience, connect};
pub(crate) use layout::ObjectLayout;
pub(crate) use read::{Object, ObjectReader};
pub use url::{ObjectScheme, ObjectUrl, ObjectUrlError};
