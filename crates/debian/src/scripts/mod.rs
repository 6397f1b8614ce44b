//! What maintainer scripts would do, found out without running them.
//!
//! A `postinst` is a program, and nothing of a package is ever run. But most lines of most of them are of a few sorts: helpers that
//! mean nothing in an image, alternatives, accounts, directories, links. A script is read as a shell would, and followed as far as a
//! first installation can be foreseen; what it would call becomes [`Effects`]; a table says what of the rest is without
//! meaning in an image, and why. What no row covers is told, by line.

mod accounts;
mod alternatives;
mod effects;
mod enabled;
mod files;
mod knowledge;
mod numbers;
mod shell;
mod sysusers;

pub use accounts::{Account, AccountKind};
pub use alternatives::Alternative;
pub(crate) use alternatives::winners;
pub use effects::{Effects, ScriptLine};
pub use files::{Id, Made};
pub use knowledge::{Knowledge, KnowledgeError};
pub use numbers::{Numbered, numbered};
pub use shell::Script;
pub use sysusers::sysusers;

#[cfg(test)]
mod tests;
