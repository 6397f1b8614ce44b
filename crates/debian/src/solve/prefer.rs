//! What is taken first, where several would do.

use crate::index::{Package, Priority};
use std::cmp::Reverse;

/// How much one of the packages that provide a name is preferred to the others: the least first.
///
/// As apt: what is essential, then what has the higher priority. Where apt then goes by the place in its own cache,
/// the name decides.
pub(super) fn provider(package: &Package) -> (Reverse<bool>, Priority, &str) {
    (Reverse(package.essential), package.priority, &package.name)
}
