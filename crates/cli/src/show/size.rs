//! Sizes for people.

pub use plan::finding::size as human;
