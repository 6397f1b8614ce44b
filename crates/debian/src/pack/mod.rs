//! Packages unpacked once, into a cache.
//!
//! A [`Pack`] is a record and a blob: the record says what is in the package, the blob is the content of its files, one
//! after the other. Opening one reads the record and no file. The format is described in `docs/cache.md`.

mod open;
mod record;

pub use open::Pack;

#[cfg(test)]
mod tests;
