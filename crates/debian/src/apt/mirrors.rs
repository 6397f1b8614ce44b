//! Mirrors of a distribution among the sources of a machine.

use super::sources::{AptSource, AptSources, SignedBy};
use crate::archive::{Mirrors, Origin, Role};
use std::path::Path;

/// The mirrors of a distribution that a machine's apt uses, for any of its suites.
///
/// A source counts if one of its suites is the distribution's by its name, it has `main`, and no keys are named for it
/// but the distribution's own. Whatever it turns out to be, its signature is checked.
pub fn mirrors_of(origin: Origin, apt: &AptSources) -> Mirrors {
    let mut main = vec![];
    let mut security = vec![];
    for source in apt.sources.iter().filter(|source| is_of(source, origin)) {
        let roles: Vec<Role> = source
            .suites
            .iter()
            .filter_map(|suite| Origin::of_suite(suite))
            .filter_map(|(whose, role)| (whose == origin).then_some(role))
            .collect();
        // What apt fills in by architecture is not known here.
        let uris = source.uris.iter().filter(|uri| !uri.contains("$("));
        for uri in uris {
            if roles.contains(&Role::Main) {
                main.push(uri);
            }
            if roles.contains(&Role::Security) {
                security.push(uri);
            }
        }
    }
    Mirrors::new(main).with_security(security)
}

fn is_of(source: &AptSource, origin: Origin) -> bool {
    if !source.components.iter().any(|component| component == "main" || component == "updates/main") {
        return false;
    }
    match &source.signed_by {
        None => true,
        // A key in the text may be anybody's.
        Some(SignedBy::Inline(_)) => true,
        Some(SignedBy::Named(names)) => names.iter().all(|name| {
            let file = Path::new(name).file_name().and_then(|file| file.to_str()).unwrap_or_default();
            !name.starts_with('/') || file.starts_with(origin.name())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn sources(list: &str) -> AptSources {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("etc/apt")).unwrap();
        fs::write(dir.path().join("etc/apt/sources.list"), list).unwrap();
        AptSources::read(dir.path()).unwrap()
    }

    #[test]
    fn sources_of_others_do_not_count() {
        let debian = "
deb http://d.example.com/debian bookworm main contrib
deb http://d.example.com/debian bookworm-updates main
deb http://s.example.com/debian-security bookworm-security main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://e.example.com/debian trixie main
deb [signed-by=/usr/share/keyrings/vendor.gpg] http://third.example.com/debian bookworm main
deb http://third.example.com/linux/debian bookworm stable
deb http://third.example.com/apt bookworm-pgdg main
deb http://third.example.com/$(ARCH) bookworm main
deb http://u.example.com/ubuntu noble main
";
        let ubuntu = "
deb http://u.example.com/ubuntu noble main universe
deb http://v.example.com/ubuntu noble-security main
";
        for (list, origin, main, security) in [
            (
                debian,
                Origin::Debian,
                "http://d.example.com/debian http://e.example.com/debian",
                "http://s.example.com/debian-security",
            ),
            (debian, Origin::Ubuntu, "http://u.example.com/ubuntu", "http://u.example.com/ubuntu"),
            (
                ubuntu,
                Origin::Ubuntu,
                "http://u.example.com/ubuntu http://v.example.com/ubuntu",
                "http://v.example.com/ubuntu http://u.example.com/ubuntu",
            ),
            (ubuntu, Origin::Debian, "", ""),
        ] {
            let mirrors = mirrors_of(origin, &sources(list));
            assert_eq!(mirrors.roots(origin, Role::Main, "amd64").join(" "), main);
            assert_eq!(mirrors.roots(origin, Role::Security, "amd64").join(" "), security);
        }
    }
}
