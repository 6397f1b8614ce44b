//! Which of several packages with a library is the one that is meant.

use super::select::is_triplet;

/// How likely it is that a package is meant: less is likelier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Preference {
    /// It is for development, debugging or another architecture.
    for_others: bool,
    /// Only those who know of the directory find the library.
    is_aside: bool,
    likeness: Likeness,
}

/// How much the name of a package looks like that of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// `libpq5` for `libpq.so.5`.
    Same,
    /// `libpython3.11` for `libpython3.11.so.1.0`.
    Begins,
    Other,
}

impl Preference {
    pub fn of(soname: &str, dir: &str, package: &str) -> Self {
        let below = dir.strip_prefix("/usr/").unwrap_or(dir);
        let (top, rest) = below.split_once('/').unwrap_or((below, ""));
        let is_multilib = ["lib32", "libx32"].contains(&top)
            || ["lib32", "libx32", "lib64"].iter().any(|prefix| package.starts_with(prefix))
            || ["-i386", "-x32", "-amd64"].iter().any(|suffix| package.ends_with(suffix));
        let mut words = package.split('-').skip(1);
        let is_tool = words.any(|word| ["dbg", "dbgsym", "dev", "cross", "udeb"].contains(&word));
        Preference {
            for_others: is_multilib || is_tool,
            is_aside: !(rest.is_empty() || is_triplet(rest)),
            likeness: Likeness::of(soname, package),
        }
    }
}

impl Likeness {
    fn of(soname: &str, package: &str) -> Self {
        // What had to be built anew for 64-bit times was renamed.
        let package = plain(package.strip_suffix("t64").unwrap_or(package));
        let soname = plain(&soname.replacen(".so", "", 1));
        if package == soname {
            Likeness::Same
        } else if package.starts_with(&soname) || soname.starts_with(&package) {
            Likeness::Begins
        } else {
            Likeness::Other
        }
    }
}

/// Packages are named with dashes and dots that sonames do not have, and the other way round.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric() || *letter == '+');
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}
