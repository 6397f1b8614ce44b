//! Which release of a distribution has a library with the symbol versions that are needed.
//!
//! It advises only: nothing of it enters an image.

use elf::VersionName;
use std::collections::BTreeMap;

/// Rows of releases, and of what their libraries define; `cargo xtask suites` makes it.
const TABLE: &str = include_str!("../data/suites.tsv");

/// A release of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suite {
    /// As a spec names it: `debian:trixie`.
    pub source: &'static str,
    /// For people: `Debian 13 (trixie)`.
    pub title: &'static str,
}

/// A symbol version, and the soname of the library that should define it.
pub(crate) type Need<'a> = (&'a str, &'a str);

/// The oldest release of a distribution (`debian`, `ubuntu`) whose libraries have all of these symbol
/// versions.
pub(crate) fn oldest_with(distribution: &str, needs: &[Need<'_>]) -> Option<Suite> {
    let suites: Vec<Suite> = suites_of(distribution).collect();
    let satisfied: Vec<Vec<bool>> = needs.iter().map(|need| who_has(&suites, *need)).collect();
    let all = |at: usize| satisfied.iter().all(|by| by.get(at) == Some(&true));
    (0..suites.len()).find(|at| all(*at)).and_then(|at| suites.get(at)).copied()
}

/// The distributions whose releases are told for an image: that which it is made of, by the `ID` and
/// `ID_LIKE` of its os-release, and in any case Debian.
pub(crate) fn distributions(os_release: &str) -> Vec<&'static str> {
    let value =
        |line: &str| line.split_once('=').map(|(_, value)| value.trim_matches(['"', '\'']).to_owned());
    let ids = os_release.lines().filter(|line| line.starts_with("ID=") || line.starts_with("ID_LIKE="));
    let is_ubuntu = ids.filter_map(value).any(|ids| ids.split(' ').any(|id| id == "ubuntu"));
    if is_ubuntu { vec!["ubuntu", "debian"] } else { vec!["debian"] }
}

fn suites_of(distribution: &str) -> impl Iterator<Item = Suite> {
    let rows = rows().filter_map(|row| match row[..] {
        ["suite", source, title] => Some(Suite { source, title }),
        _ => None,
    });
    rows.filter(move |suite| suite.source.split(':').next() == Some(distribution))
}

/// For each release: has its library this version? A row holds until the next of the same library.
fn who_has(suites: &[Suite], (soname, version): Need<'_>) -> Vec<bool> {
    let soname = if is_loader(soname) { LOADER } else { soname };
    let offered: BTreeMap<&str, &str> = rows()
        .filter_map(|row| match row[..] {
            [name, source, _, versions] if name == soname => Some((source, versions)),
            _ => None,
        })
        .collect();
    let mut now = "";
    let has = |suite: &Suite| {
        now = offered.get(suite.source).copied().unwrap_or(now);
        now.split(' ').any(|offered| includes(offered, version))
    };
    suites.iter().map(has).collect()
}

/// Does who offers the one, as the table writes it, have the other version too?
fn includes(offered: &str, needed: &str) -> bool {
    if let Some(exact) = offered.strip_prefix('=') {
        return exact == needed;
    }
    match (VersionName::parse(offered), VersionName::parse(needed)) {
        (Some(offered), Some(needed)) => offered.family == needed.family && offered.number >= needed.number,
        _ => false,
    }
}

/// The loader has another name on each machine, and the same versions.
const LOADER: &str = "ld-linux-x86-64.so.2";

fn is_loader(soname: &str) -> bool {
    ["ld-linux", "ld64.so", "ld.so."].iter().any(|start| soname.starts_with(start))
}

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    TABLE.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn oldest(distribution: &str, needs: &[Need<'_>]) -> &'static str {
        oldest_with(distribution, needs).map_or("none", |suite| suite.source)
    }

    #[test]
    fn releases_by_what_their_libraries_define() {
        for (soname, version, debian, ubuntu) in [
            ("libc.so.6", "GLIBC_2.2.5", "debian:bullseye", "ubuntu:focal"),
            ("libc.so.6", "GLIBC_2.34", "debian:bookworm", "ubuntu:jammy"),
            ("libc.so.6", "GLIBC_2.38", "debian:trixie", "ubuntu:noble"),
            ("libc.so.6", "GLIBC_2.42", "debian:forky", "ubuntu:questing"),
            ("libc.so.6", "GLIBC_2.100", "none", "none"),
            ("libc.so.6", "GLIBC_ABI_DT_RELR", "debian:bookworm", "ubuntu:noble"),
            ("libc.so.6", "GLIBC_PRIVATE", "none", "none"),
            ("ld-linux-aarch64.so.1", "GLIBC_2.35", "debian:bookworm", "ubuntu:jammy"),
            ("libstdc++.so.6", "GLIBCXX_3.4.30", "debian:bookworm", "ubuntu:jammy"),
            ("libstdc++.so.6", "GLIBCXX_3.4.9", "debian:bullseye", "ubuntu:focal"),
            ("libstdc++.so.6", "CXXABI_1.3.15", "debian:trixie", "ubuntu:noble"),
            ("libcrypto.so.3", "OPENSSL_3.2.0", "debian:trixie", "ubuntu:plucky"),
            ("libcrypto.so.1.1", "OPENSSL_1_1_1", "debian:bullseye", "ubuntu:focal"),
            ("libcurl.so.4", "CURL_OPENSSL_4", "debian:bullseye", "ubuntu:focal"),
            ("libcurl.so.4", "CURL_OPENSSL_3", "none", "none"),
            ("libnosuch.so.1", "NOSUCH_1.0", "none", "none"),
        ] {
            assert_eq!(oldest("debian", &[(soname, version)]), debian, "{soname} {version}");
            assert_eq!(oldest("ubuntu", &[(soname, version)]), ubuntu, "{soname} {version}");
        }
    }

    #[test]
    fn one_release_for_all_needs() {
        let needs = [("libc.so.6", "GLIBC_2.34"), ("libstdc++.so.6", "GLIBCXX_3.4.31")];
        assert_eq!(oldest("debian", &needs), "debian:trixie");
        let apart = [("libcrypto.so.1.1", "OPENSSL_1_1_1"), ("libc.so.6", "GLIBC_2.34")];
        assert_eq!(oldest("debian", &apart), "none", "a library that later releases no longer have");
    }

    #[test]
    fn every_row_is_of_a_release_and_in_order() {
        let order: Vec<&str> =
            ["debian", "ubuntu"].into_iter().flat_map(suites_of).map(|suite| suite.source).collect();
        assert!(order.len() >= 11, "{order:?}");
        let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut last = ("", 0);
        for row in rows().filter(|row| row[0] != "suite") {
            let [soname, source, package, versions] = row[..] else { panic!("{row:?}") };
            let at = order.iter().position(|suite| *suite == source).unwrap();
            assert!(seen.insert((soname, source)), "{row:?} stands twice");
            assert!(last.0 < soname || last.0 == soname && last.1 < at, "{row:?} is out of order");
            assert_eq!(package == "-", versions == "-", "{row:?}");
            assert!(package == "-" || package.contains(' '), "{row:?} has no package with a version");
            last = (soname, at);
        }
    }

    #[test]
    fn the_distribution_of_an_image() {
        for (text, want) in [
            ("", &["debian"][..]),
            ("ID=debian\n", &["debian"]),
            ("NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\n", &["ubuntu", "debian"]),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", &["ubuntu", "debian"]),
            ("ID='alpine'\n", &["debian"]),
        ] {
            assert_eq!(distributions(text), want, "{text}");
        }
    }
}
