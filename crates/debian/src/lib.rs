//! Archives of Debian and Ubuntu: signed indexes, packages chosen, fetched and unpacked, and a root file system made of
//! them.

pub mod contents;
mod date;
pub mod index;
pub mod keyring;
mod openpgp;
pub mod relation;
pub mod release;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod version;
