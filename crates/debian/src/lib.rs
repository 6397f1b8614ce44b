//! Archives of Debian and Ubuntu: signed indexes, packages chosen, fetched and unpacked, and a root file system made of
//! them.

pub mod deb;
pub mod index;
pub mod pack;
pub mod relation;
pub mod rootfs;
pub mod scripts;
pub mod version;
