//! Whose archive it is, and what its suites are called.

/// A distribution whose archive is known by its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Debian, and its security archive.
    Debian,
    /// Ubuntu.
    Ubuntu,
}

/// Which sort of suites a mirror has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A release itself, and its updates.
    Main,
    /// Security fixes of a release.
    Security,
}

/// Suites of Debian by their code names, from the oldest whose packages are still to be had.
const DEBIAN: [&str; 10] =
    ["wheezy", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid"];
/// And by what they are now.
const DEBIAN_NOW: [&str; 7] =
    ["oldoldstable", "oldstable", "stable", "testing", "unstable", "experimental", "rc-buggy"];
/// Until then, security fixes of `SUITE` were in the suite `SUITE/updates`.
const DEBIAN_SLASH: [&str; 4] = ["wheezy", "jessie", "stretch", "buster"];
/// What is always in motion has no fixes beside it.
const DEBIAN_ROLLING: [&str; 4] = ["sid", "unstable", "experimental", "rc-buggy"];

/// Suites of Ubuntu.
const UBUNTU: [&str; 26] = [
    "devel", "trusty", "utopic", "vivid", "wily", "xenial", "yakkety", "zesty", "artful", "bionic", "cosmic",
    "disco", "eoan", "focal", "groovy", "hirsute", "impish", "jammy", "kinetic", "lunar", "mantic", "noble",
    "oracular", "plucky", "questing", "resolute",
];

/// What the suites beside a release are called. Of two that end alike, the longer one is first.
const POCKETS: [&str; 7] = [
    "-security",
    "/updates",
    "-proposed-updates",
    "-updates",
    "-backports-sloppy",
    "-backports",
    "-proposed",
];

impl Origin {
    /// Whose suite has this name, and which sort it is.
    pub(crate) fn of_suite(suite: &str) -> Option<(Origin, Role)> {
        let suite = suite.trim_end_matches('/');
        let pocket = POCKETS.iter().find_map(|pocket| Some((suite.strip_suffix(pocket)?, *pocket)));
        let (release, pocket) = pocket.unwrap_or((suite, ""));
        let role = if matches!(pocket, "-security" | "/updates") { Role::Security } else { Role::Main };
        if DEBIAN.contains(&release) || DEBIAN_NOW.contains(&release) {
            Some((Origin::Debian, role))
        } else if UBUNTU.contains(&release) {
            Some((Origin::Ubuntu, role))
        } else {
            None
        }
    }

    /// The suites that belong to a release, itself first.
    pub fn suites(self, release: &str) -> Vec<(String, Role)> {
        let mut suites = vec![(release.to_owned(), Role::Main)];
        match self {
            Origin::Debian if DEBIAN_ROLLING.contains(&release) => {}
            Origin::Debian => {
                let slash = DEBIAN_SLASH.contains(&release);
                suites.push((format!("{release}-updates"), Role::Main));
                suites.push((
                    format!("{release}{}", if slash { "/updates" } else { "-security" }),
                    Role::Security,
                ));
            }
            Origin::Ubuntu => {
                suites.push((format!("{release}-updates"), Role::Main));
                suites.push((format!("{release}-security"), Role::Security));
            }
        }
        suites
    }

    /// Are `/bin`, `/lib` and `/sbin` links into `/usr` in a release, even if no package of it brings them? Debian merges
    /// them since 12, Ubuntu since 20.10.
    pub fn merges_usr(self, release: &str) -> bool {
        let before: &[&str] = match self {
            Origin::Debian => &["wheezy", "jessie", "stretch", "buster", "bullseye", "oldoldstable"],
            Origin::Ubuntu => &[
                "trusty", "utopic", "vivid", "wily", "xenial", "yakkety", "zesty", "artful", "bionic",
                "cosmic", "disco", "eoan", "focal",
            ],
        };
        !before.contains(&release)
    }

    /// The components that packages are taken from.
    pub fn components(self) -> &'static [&'static str] {
        match self {
            Origin::Debian => &["main"],
            Origin::Ubuntu => &["main", "universe"],
        }
    }

    /// Its name, as `source` of a spec has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Origin::Debian => "debian",
            Origin::Ubuntu => "ubuntu",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_of_releases() {
        for (origin, release, expected) in [
            (Origin::Debian, "bookworm", "bookworm bookworm-updates bookworm-security!"),
            (Origin::Debian, "stable", "stable stable-updates stable-security!"),
            (Origin::Debian, "buster", "buster buster-updates buster/updates!"),
            (Origin::Debian, "sid", "sid"),
            (Origin::Debian, "experimental", "experimental"),
            (Origin::Ubuntu, "noble", "noble noble-updates noble-security!"),
        ] {
            let suites = origin.suites(release).into_iter();
            let shown = suites.map(|(suite, role)| if role == Role::Security { suite + "!" } else { suite });
            assert_eq!(shown.collect::<Vec<_>>().join(" "), expected);
        }
    }

    #[test]
    fn whose_a_suite_is() {
        for (suite, expected) in [
            ("trixie", Some((Origin::Debian, Role::Main))),
            ("trixie-backports", Some((Origin::Debian, Role::Main))),
            ("trixie-proposed-updates", Some((Origin::Debian, Role::Main))),
            ("stable-security", Some((Origin::Debian, Role::Security))),
            ("buster/updates", Some((Origin::Debian, Role::Security))),
            ("jammy-security", Some((Origin::Ubuntu, Role::Security))),
            ("jammy-pgdg", None),
            ("nodistro", None),
            ("./", None),
            ("", None),
        ] {
            assert_eq!(Origin::of_suite(suite), expected, "{suite}");
        }
    }
}
