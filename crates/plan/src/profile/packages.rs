//! The packages that profiles stand for: `data/profiles.toml`.

use crate::{glob::Glob, spec::Profile};
use serde::Deserialize;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../../data/profiles.toml");

/// A package that a profile stands for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilePackage {
    /// Its names in several releases: the first that the source has counts. Those of one with `of` are globs, of
    /// which each that matches counts.
    pub names: Vec<String>,
    #[serde(default)]
    profiles: Vec<String>,
    /// Only what one of these packages depends on counts; of none: whatever depends on it.
    #[serde(default)]
    pub of: Vec<String>,
    #[serde(default = "yes")]
    whole: bool,
    /// A source without it lacks nothing.
    #[serde(default)]
    pub optional: bool,
    /// What it is in the image for.
    #[serde(rename = "why")]
    _why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    package: Vec<ProfilePackage>,
}

fn yes() -> bool {
    true
}

fn table() -> &'static [ProfilePackage] {
    static TABLE_READ: OnceLock<Vec<ProfilePackage>> = OnceLock::new();
    // The table is part of the program, and tests read it.
    TABLE_READ.get_or_init(|| toml::from_str(TABLE).map_or(vec![], |Table { package }| package))
}

impl Profile {
    /// The packages of which every file enters with `whole-packages`; none for profiles that stand for none.
    pub(crate) fn whole_packages(self) -> impl Iterator<Item = &'static ProfilePackage> {
        let is_classic = matches!(self, Profile::Static | Profile::BaseNossl | Profile::Base | Profile::Cc);
        let rows = table().iter().filter(move |row| is_classic && row.whole);
        rows.filter(move |row| row.is_of(self))
    }

    /// The packages of an archive that it takes files of; what only comes with one of them is not among these.
    pub fn archive_packages(self) -> impl Iterator<Item = &'static ProfilePackage> {
        table().iter().filter(move |row| row.of.is_empty() && row.is_of(self))
    }
}

impl ProfilePackage {
    fn is_of(&self, profile: Profile) -> bool {
        profile != Profile::None
            && (self.profiles.is_empty() || self.profiles.iter().any(|name| name == profile.name()))
    }

    /// Is this one of its names?
    pub(crate) fn matches(&self, name: &str) -> bool {
        // Names have no slash, and are matched as names at the root.
        let glob = |text: &String| {
            Glob::new(&format!("/{text}")).is_ok_and(|glob| glob.matches(&format!("/{name}")))
        };
        self.names.iter().any(glob)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_each_row_has_a_reason() {
        let Table { package } = toml::from_str(TABLE).unwrap();
        for row in &package {
            assert!(!row.names.is_empty() && !row._why.is_empty() && !row._why.ends_with('.'), "{row:?}");
            let known = [Profile::Static, Profile::BaseNossl, Profile::Base, Profile::Cc];
            for name in &row.profiles {
                assert!(known.iter().any(|profile| profile.name() == name), "{row:?}");
            }
        }
        assert_eq!(table().len(), package.len());
    }

    #[test]
    fn profiles_stand_for_the_packages_of_the_classic_images() {
        let whole = |profile: Profile| {
            let names = profile.whole_packages().map(|row| row.names.join("|"));
            names.collect::<Vec<_>>().join(" ")
        };
        let of_static = "base-files netbase tzdata tzdata-legacy media-types|mime-support";
        let base = format!("{of_static} libc6 libssl3t64|libssl3|libssl1.1 libzstd1|zlib1g");
        for (profile, want) in [
            (Profile::None, String::new()),
            (Profile::Auto, String::new()),
            (Profile::Static, of_static.into()),
            (Profile::BaseNossl, format!("{of_static} libc6")),
            (Profile::Base, base.clone()),
            (Profile::Cc, format!("{base} libgomp1 libstdc++6 libgcc-s1|libgcc1 gcc-*-base")),
        ] {
            assert_eq!(whole(profile), want, "{}", profile.name());
        }
        let of_archive =
            |profile: Profile| profile.archive_packages().map(|row| &*row.names[0]).collect::<Vec<_>>();
        assert_eq!(of_archive(Profile::None), Vec::<&str>::new());
        assert_eq!(of_archive(Profile::Auto), ["base-files", "netbase", "ca-certificates"]);
        assert!(!of_archive(Profile::Cc).contains(&"gcc-*-base"));
    }
}
