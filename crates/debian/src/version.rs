//! Versions, ordered as dpkg orders them.

/// The version of a package: `[epoch:]upstream[-revision]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);
