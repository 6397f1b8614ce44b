//! Debian's binary packages, read as what a stranger made: deb(5).
//!
//! A `.deb` is an `ar` archive of `debian-binary`, `control.tar` and `data.tar`. It is read once, from its start to
//! its end, and hashed on the way. The content of all files goes into one file, one after the other: no path of
//! the package is ever a path of this machine.

mod ar;
mod compression;
mod control;
mod data;
mod error;
mod limits;
mod owners;
mod read;

pub(crate) use control::field;
pub use control::{ControlFiles, Scripts};
pub use data::{DebEntry, DebKind};
pub use error::{DebError, PathFault};
pub(crate) use limits::Limits;
pub(crate) use owners::{group_number, user_number};
pub(crate) use read::{Unpacked, read_deb};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
