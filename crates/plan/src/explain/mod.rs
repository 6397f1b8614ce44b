//! Why is it in the image? Questions about a [`Record`]: what stands at each path of one image, and
//! every reason for it.
//!
//! A record is taken of a plan ([`Record::of`]), read back from the document that a build wrote
//! ([`read`], described in `docs/reasons.md`), or derived from a finished image ([`derive()`]). A
//! [`Graph`] of its reasons answers: the shortest chain from a path to something that was asked for,
//! all of them, what hangs on what, and what would go if something went.

mod ask;
mod derive;
mod document;
mod graph;
mod record;
mod trees;
mod without;
mod words;

pub use ask::{Asked, Subject, find, nearest_to, package};
pub use derive::{Finished, derive};
pub use document::{RecordError, read, reason_json, write};
pub(crate) use document::{optional_text, text};
pub use graph::{Chain, Chains, Graph, Step};
pub use record::{Basis, LeftOutRecord, PackageRecord, Place, PlaceKind, Record};
pub use trees::{Branch, Group};
pub use without::{Missed, Without};
