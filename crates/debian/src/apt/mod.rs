//! The sources of packages that a machine's apt uses ([sources.list(5)]), and the mirrors to be had from them.
//!
//! [sources.list(5)]: https://manpages.debian.org/stable/apt/sources.list.5.en.html

mod mirrors;
mod one_line;
mod sources;
mod stanzas;

pub use mirrors::mirrors_of;
pub use sources::{AptError, AptSource, AptSources, SignedBy};
