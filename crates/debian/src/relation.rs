//! Relations between packages: `Depends`, `Conflicts`, `Provides` and their like.

use crate::version::Version;

/// `a | b (>= 1)`: any one of them will do, the first is preferred.
pub type Alternatives = Vec<Relation>;

/// `libc6:any (>= 2.36)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The name.
    pub name: String,
    /// What follows a colon: `any`, or an architecture.
    pub qualifier: Option<String>,
    /// The versions that count.
    pub versions: Option<(Comparison, Version)>,
}

/// How a version is held against another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}
