//! Packages that stay out of an image, although those that it has files of depend on them.

use super::{Package, database::Database, rules::rules};
use std::collections::{BTreeMap, BTreeSet};

/// Why a package is not needed that no rule names.
const NO_FILE: &str = "nothing in the image needs a file of it";

/// A package that the image does not need, although one that it has depends on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The package.
    pub package: String,
    /// Who depends on it.
    pub dependent: String,
    /// Why it is not needed, as a clause.
    pub why: String,
}

/// What these packages depend on and the image has nothing of, by name; of several that depend on it, the first.
pub(super) fn left_out(database: &Database<'_>, packages: &BTreeMap<String, Package>) -> Vec<LeftOut> {
    let kept: BTreeSet<&str> = packages.values().map(|package| &*package.name).collect();
    let mut left_out: BTreeMap<&str, LeftOut> = BTreeMap::new();
    for (key, dependent) in packages {
        for alternatives in database.depends(key) {
            let found =
                |name: &str| database.find(name, &dependent.architecture).and_then(|key| packages.get(key));
            if alternatives.iter().any(|name| kept.contains(name) || found(name).is_some()) {
                continue;
            }
            for name in alternatives {
                let why = rules().unused(name, &dependent.name).unwrap_or(NO_FILE);
                left_out.entry(name).or_insert_with(|| LeftOut {
                    package: name.into(),
                    dependent: dependent.name.clone(),
                    why: why.into(),
                });
            }
        }
    }
    left_out.into_values().collect()
}
