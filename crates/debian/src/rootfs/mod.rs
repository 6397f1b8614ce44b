//! The file tree that packages make together, as dpkg would leave it. Nothing of them is run.
//!
//! [`RootFs`] is a [`tree::View`]. It has the files of the packages under the links of a merged `/usr`, what their scripts
//! make in ways that [`crate::scripts`] knows, and dpkg's database of them. What cannot be right is told as
//! [`Problem`]s, all at once.

mod alternatives;
mod certificates;
mod database;
mod effects;
mod merge;
mod merged_usr;
mod problem;
mod replaces;
mod view;

pub use problem::{Conflict, Problem};
pub use view::{Options, RootFs};

#[cfg(test)]
mod tests;
