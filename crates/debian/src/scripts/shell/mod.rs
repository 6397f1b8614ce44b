//! Shell scripts, followed as far as the arguments of a first installation let foresee: POSIX.1-2017, XCU 2.
//!
//! `postinst configure ""` is what dpkg calls when a package is installed that was not there. With that, most conditions
//! of most scripts have one answer. Where one has not, both ways are followed, and what they leave in variables
//! that differ is unknown after.

mod condition;
mod expand;
mod lex;
mod parse;
mod walk;

pub use condition::matches;
pub use condition::{Files, Found};
pub use walk::{Call, Script, Surroundings, calls};

#[cfg(test)]
mod tests;
