//! Archives of Debian and Ubuntu: signed indexes, packages chosen, fetched and unpacked, and a root file system made of
//! them.

pub mod apt;
pub mod archive;
pub mod contents;
pub mod control;
mod date;
pub mod deb;
pub mod index;
pub mod keyring;
mod openpgp;
pub mod pack;
pub mod relation;
pub mod release;
pub mod rootfs;
pub mod scripts;
pub mod solve;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod version;
