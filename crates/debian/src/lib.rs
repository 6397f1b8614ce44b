//! Archives of Debian and Ubuntu: signed indexes, packages chosen, fetched and unpacked, and a root file system made of
//! them.

pub mod apt;
pub mod archive;
pub mod control;
pub mod index;
pub mod relation;
pub mod solve;
pub mod version;
