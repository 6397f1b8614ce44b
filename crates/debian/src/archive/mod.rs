//! The client of archives ([repository format]): signed releases, indexes, packages, from mirrors in order.
//!
//! [`Suites`] says where everything is, and fetches packages that a lock has already. An [`Archive`] is opened to choose
//! packages: its releases are verified by a [`Verify`], its indexes by what the releases list. What a digest is known of
//! is looked for in the cache first, and fetched once.
//!
//! [repository format]: https://wiki.debian.org/DebianRepository/Format

mod access;
mod config;
mod error;
mod files;
mod kept;
mod keyrings;
mod mirrors;
mod opened;
mod origin;
mod packages;
mod release;
mod roots;
mod suites;
mod unpack;
mod vendor;
mod verify;

pub use access::{Access, Progress};
pub use config::{ArchiveConfig, Repository};
pub use error::{ArchiveError, Said};
pub use keyrings::Keyrings;
pub use mirrors::{MirrorError, Mirrors, Moment};
pub use opened::{Absent, Archive, ContentsFile};
pub use origin::{Origin, Role};
pub use packages::Wanted;
pub use suites::Suites;
pub use vendor::Vendored;
pub use verify::{Asked, Keys, ListedFile, Listing, Signed, Verify};
