//! The suites that packages are chosen from, and where each of them is.

use super::config::{ArchiveConfig, Repository};
use super::error::ArchiveError;
use super::mirrors::Mirrors;
use super::origin::{Origin, Role};
use super::roots::Roots;
use super::verify::Keys;
use fetch::masked;

/// The suites of an archive, those of the distribution first. Nothing is fetched to know them.
///
/// Elsewhere a suite is named by its position here.
#[derive(Debug)]
pub struct Suites(pub(super) Vec<Suite>);

/// A suite.
#[derive(Debug)]
pub(super) struct Suite {
    /// As it is shown, and found again: `bookworm-security`, or `URL SUITE` of a repository.
    pub(super) name: String,
    /// The suite below `dists/`; or a flat archive.
    pub(super) place: Place,
    pub(super) roots: Roots,
    pub(super) keys: Keys,
    /// Is it an error if no mirror has it?
    pub(super) required: bool,
    /// Is its release one of the past?
    pub(super) snapshot: bool,
    /// Where a directory with what is vendored has it.
    pub(super) folder: String,
    /// The URL that its repository has in the spec.
    pub(super) repository: Option<String>,
}

#[derive(Debug)]
pub(super) enum Place {
    Dists {
        suite: String,
        components: Vec<String>,
    },
    /// A path relative to the root; it may be empty.
    Flat(String),
}

impl Suites {
    /// The suites of an archive.
    ///
    /// # Errors
    /// When the path of one could lead anywhere.
    pub fn new(config: &ArchiveConfig) -> Result<Self, ArchiveError> {
        let mut suites = vec![];
        let keys = match &config.keyring {
            Some(keyring) => Keys::Given(keyring.clone()),
            None => Keys::Builtin(config.origin),
        };
        for (name, role) in config.origin.suites(&config.suite) {
            let folder = match (config.origin, role) {
                (Origin::Debian, Role::Security) => "debian-security",
                (origin, _) => origin.name(),
            };
            let components = config.origin.components().iter().map(ToString::to_string).collect();
            suites.push(Suite {
                place: Place::new(&name, components, &name)?,
                roots: Roots::new(config.mirrors.roots(config.origin, role, &config.architecture)),
                keys: keys.clone(),
                required: name == config.suite,
                snapshot: config.mirrors.is_snapshot(),
                folder: folder.into(),
                repository: None,
                name,
            });
        }
        for repository in &config.repositories {
            let wanted = &repository.architectures;
            if wanted.is_empty() || wanted.contains(&config.architecture) {
                suites.push(of_repository(repository, &config.mirrors)?);
            }
        }
        Ok(Suites(suites))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of a suite: `bookworm-security`, or the URL and the suite of a repository with a blank in between.
    pub fn name(&self, suite: usize) -> Option<&str> {
        self.0.get(suite).map(|suite| &*suite.name)
    }

    /// The suite that has a name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|suite| suite.name == name)
    }
}

impl Place {
    fn new(suite: &str, components: Vec<String>, name: &str) -> Result<Self, ArchiveError> {
        let wrong = |path: &str| ArchiveError::Path { suite: name.into(), path: path.into() };
        if let Some(path) = suite.strip_suffix('/') {
            let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
            if parts.iter().any(|part| !is_plain(part)) {
                return Err(wrong(suite));
            }
            return Ok(Place::Flat(parts.join("/")));
        }
        if let Some(path) =
            [suite].into_iter().chain(components.iter().map(String::as_str)).find(|path| !is_path(path))
        {
            return Err(wrong(path));
        }
        Ok(Place::Dists { suite: suite.into(), components })
    }

    /// The path of something relative to the release.
    pub fn path(&self, name: &str) -> String {
        match self {
            Place::Dists { suite, .. } => format!("dists/{suite}/{name}"),
            Place::Flat(path) if path.is_empty() => name.into(),
            Place::Flat(path) => format!("{path}/{name}"),
        }
    }
}

/// Is it a path that leads nowhere but down?
pub(super) fn is_path(path: &str) -> bool {
    path.split('/').all(is_plain)
}

fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.contains(|letter: char| letter.is_control() || letter == '\\')
}

/// What is vendored beside a mirror that is a directory of this machine comes first.
fn of_repository(repository: &Repository, mirrors: &Mirrors) -> Result<Suite, ArchiveError> {
    let Repository { url, suite, components, keyring, .. } = repository;
    let url = url.trim_end_matches('/');
    let shown = masked(url);
    let name = format!("{shown} {suite}");
    let letter =
        |letter: char| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '_' };
    let place = shown.split_once("://").map_or(&*shown, |(_, place)| place);
    let folder = format!("repositories/{}", place.chars().map(letter).collect::<String>());
    let beside = mirrors.local().filter_map(|root| Some(format!("{}/{folder}", root.rsplit_once('/')?.0)));
    Ok(Suite {
        place: Place::new(suite, components.clone(), &name)?,
        roots: Roots::new(beside.chain([url.into()]).collect()),
        keys: Keys::Given(keyring.clone()),
        required: true,
        snapshot: false,
        folder,
        repository: Some(repository.url.clone()),
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(suite: &str, repositories: Vec<Repository>) -> ArchiveConfig {
        ArchiveConfig {
            origin: Origin::Debian,
            suite: suite.into(),
            architecture: "amd64".into(),
            mirrors: Mirrors::new(["http://m.example.com/debian"]),
            keyring: None,
            repositories,
        }
    }

    fn repository(suite: &str, components: &[&str], architectures: &[&str]) -> Repository {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Repository {
            url: "https://u:p@r.example.com/deb/".into(),
            suite: suite.into(),
            components: words(components),
            keyring: vec![],
            architectures: words(architectures),
        }
    }

    #[test]
    fn suites_and_their_places() {
        let repositories = vec![
            repository("stable", &["main"], &[]),
            repository("./", &[], &["arm64", "amd64"]),
            repository("a//./b/", &[], &["amd64"]),
            repository("other", &["main"], &["arm64"]),
        ];
        let suites = Suites::new(&config("bookworm", repositories)).unwrap();
        let shown: Vec<String> = suites
            .0
            .iter()
            .map(|suite| {
                let root = suite.roots.in_order()[0].1;
                format!("{}|{root}|{}|{}|{}", suite.name, suite.place.path("x"), suite.folder, suite.required)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "bookworm|http://m.example.com/debian|dists/bookworm/x|debian|true",
                "bookworm-updates|http://m.example.com/debian|dists/bookworm-updates/x|debian|false",
                "bookworm-security|http://m.example.com/debian-security|dists/bookworm-security/x|debian-security|false",
                "https://***@r.example.com/deb stable|https://u:p@r.example.com/deb|dists/stable/x|repositories/____r.example.com_deb|true",
                "https://***@r.example.com/deb ./|https://u:p@r.example.com/deb|x|repositories/____r.example.com_deb|true",
                "https://***@r.example.com/deb a//./b/|https://u:p@r.example.com/deb|a/b/x|repositories/____r.example.com_deb|true",
            ]
        );
        let vendored = ArchiveConfig {
            mirrors: Mirrors::new(["file:/v/debian"]),
            ..config("sid", vec![repository("./", &[], &[])])
        };
        let suites_of_vendored = Suites::new(&vendored).unwrap();
        let roots: Vec<&str> =
            suites_of_vendored.0[1].roots.in_order().into_iter().map(|(_, root)| root).collect();
        assert_eq!(roots, ["file:/v/repositories/____r.example.com_deb", "https://u:p@r.example.com/deb"]);
        assert_eq!(suites.find("bookworm-security"), Some(2));
        assert_eq!(suites.find("nowhere"), None);
    }

    #[test]
    fn paths_lead_down_only() {
        for suite in ["", "..", "../x", "x/../y", "/x", "x\n"] {
            assert!(Suites::new(&config(suite, vec![])).is_err(), "{suite}");
        }
        for (suite, component) in [("../", "main"), ("x/../y/", "main"), ("x", ".."), ("x", "")] {
            let repositories = vec![repository(suite, &[component], &[])];
            assert!(Suites::new(&config("sid", repositories)).is_err(), "{suite} {component}");
        }
    }
}
