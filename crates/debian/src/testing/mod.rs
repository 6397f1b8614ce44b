//! Keys for tests.
//!
//! What cannot be made is a mistake of the test, and panics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod key;

#[cfg(test)]
pub(crate) use key::{MADE, clearsigned, packets};
pub use key::{Subkey, TestKey};
