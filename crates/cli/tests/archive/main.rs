//! Images of packages, from archives that are made up, through the whole command: what it says, how it ends, and what
//! it asks of mirrors.

#![allow(clippy::unwrap_used, clippy::panic)]

mod choice;
mod explained;
mod hostile;
mod interrupted;
mod locks;
mod machines;
mod mirrors;
mod same;
mod trust;
mod vendored;
mod world;
