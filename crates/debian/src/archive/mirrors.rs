//! Where archives are to be had.
//!
//! A mirror is the root of an archive: the URL that has `dists/` below it. What a distribution keeps in another root is
//! found from one that is named:
//!
//! - Debian's security archive is that of a mirror whose name ends in `-security`, if there is one. Else it is beside
//!   each mirror, where `debian` is `debian-security` (`…/debian` → `…/debian-security`, `…/debian/${timestamp}` →
//!   `…/debian-security/${timestamp}`), or the last part of another name has `-security` behind it; and else in the same
//!   root.
//! - Ubuntu's is in the same root. Its architectures other than amd64 and i386 are in the root `ubuntu-ports` beside
//!   `ubuntu`, and else in the same one.
//!
//! `${timestamp}` in a mirror stands for the moment of a snapshot, and only mirrors with it have any.

use super::origin::{Origin, Role};
use super::roots::is_local;
use fetch::masked;
use std::fmt;

/// What stands for the moment of a snapshot.
const TIMESTAMP: &str = "${timestamp}";
/// How the names of security archives end.
const SECURITY: &str = "-security";
/// What Ubuntu's main root has.
const UBUNTU_MAIN: [&str; 2] = ["amd64", "i386"];

/// The mirrors of a distribution, in the order in which they are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors {
    main: Vec<String>,
    /// Those that have security fixes only, or are known to have them.
    security: Vec<String>,
    moment: Option<Moment>,
}

/// A moment that a snapshot archive has: `20260801T000000Z`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment(String);

/// No mirror will do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MirrorError {
    /// None is named anywhere.
    #[error("no mirror of {} is known: none is given, and this machine's apt has none", origin.name())]
    Unknown {
        /// The distribution.
        origin: Origin,
    },
    /// A moment is asked for, of mirrors that have no snapshots.
    #[error("no mirror has {TIMESTAMP} in its URL, for {moment}: {}", mirrors.join(", "))]
    NoSnapshots {
        /// The moment.
        moment: Moment,
        /// The mirrors there are.
        mirrors: Vec<String>,
    },
    /// No moment is asked for, of mirrors that have nothing else.
    #[error("all mirrors have {TIMESTAMP} in their URL, and no moment is given: {}", mirrors.join(", "))]
    OnlySnapshots {
        /// The mirrors there are.
        mirrors: Vec<String>,
    },
    /// It is no moment.
    #[error("{0:?} is no moment of the form 20260801T000000Z")]
    Moment(String),
}

impl Mirrors {
    /// Mirrors as users write them.
    pub fn new<S: AsRef<str>>(urls: impl IntoIterator<Item = S>) -> Self {
        let mut mirrors = Mirrors::default();
        for url in urls {
            let url = url.as_ref().trim().trim_end_matches('/');
            let list = if is_security(url) { &mut mirrors.security } else { &mut mirrors.main };
            add(list, url.to_owned());
        }
        mirrors
    }

    /// The same, with those that are known to have security fixes.
    #[must_use]
    pub fn with_security<S: AsRef<str>>(mut self, urls: impl IntoIterator<Item = S>) -> Self {
        for url in urls {
            add(&mut self.security, url.as_ref().trim().trim_end_matches('/').into());
        }
        self
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.main.is_empty() && self.security.is_empty()
    }

    /// The mirrors of a distribution: those that are `given`, else those that `environment` (the value of
    /// `BANTAM_MIRROR`, separated by white space) names, else those that `apt` has.
    ///
    /// # Errors
    /// When there is none.
    pub fn choose(
        origin: Origin,
        given: &[String],
        environment: Option<&str>,
        apt: impl FnOnce() -> Mirrors,
    ) -> Result<Self, MirrorError> {
        let mut mirrors = Mirrors::new(given);
        if mirrors.is_empty() {
            mirrors = Mirrors::new(environment.unwrap_or_default().split_whitespace());
        }
        if mirrors.is_empty() {
            mirrors = apt();
        }
        if mirrors.is_empty() { Err(MirrorError::Unknown { origin }) } else { Ok(mirrors) }
    }

    /// Those of them that have a moment, or else that are not of snapshots.
    ///
    /// # Errors
    /// When there is none.
    pub fn at(mut self, moment: Option<Moment>) -> Result<Self, MirrorError> {
        let all: Vec<String> = self.main.iter().chain(&self.security).map(|url| masked(url)).collect();
        let fits = |url: &String| url.contains(TIMESTAMP) == moment.is_some();
        self.main.retain(fits);
        self.security.retain(fits);
        if self.is_empty() {
            return Err(match moment {
                Some(moment) => MirrorError::NoSnapshots { moment, mirrors: all },
                None => MirrorError::OnlySnapshots { mirrors: all },
            });
        }
        self.moment = moment;
        Ok(self)
    }

    /// Is it a moment of snapshots that is taken?
    pub fn is_snapshot(&self) -> bool {
        self.moment.is_some()
    }

    /// Those that are directories of this machine.
    pub(super) fn local(&self) -> impl Iterator<Item = &str> {
        self.main.iter().map(String::as_str).filter(|url| is_local(url))
    }

    /// The roots where suites of a role may be, in the order in which they are asked.
    pub fn roots(&self, origin: Origin, role: Role, architecture: &str) -> Vec<String> {
        let mut roots = vec![];
        match (origin, role) {
            (Origin::Debian, Role::Main) => {
                let of_security =
                    self.security.iter().filter_map(|url| beside(url, "debian-security", "debian"));
                self.main.iter().cloned().for_each(|url| add(&mut roots, url));
                if self.main.is_empty() {
                    of_security.for_each(|url| add(&mut roots, url));
                    self.security.iter().cloned().for_each(|url| add(&mut roots, url));
                }
            }
            (Origin::Debian, Role::Security) => {
                self.security.iter().cloned().for_each(|url| add(&mut roots, url));
                if self.security.is_empty() {
                    for url in &self.main {
                        let fixes = beside(url, "debian", "debian-security").or_else(|| appended(url));
                        fixes.into_iter().chain([url.clone()]).for_each(|url| add(&mut roots, url));
                    }
                }
            }
            (Origin::Ubuntu, role) => {
                let ports = !UBUNTU_MAIN.contains(&architecture);
                let (from, to) = if ports { ("ubuntu", "ubuntu-ports") } else { ("ubuntu-ports", "ubuntu") };
                let (first, then) = match role {
                    Role::Main => (&self.main, &self.security),
                    Role::Security => (&self.security, &self.main),
                };
                // One pocket is beside the other.
                for url in first.iter().chain(then) {
                    beside(url, from, to)
                        .into_iter()
                        .chain([url.clone()])
                        .for_each(|url| add(&mut roots, url));
                }
            }
        }
        match &self.moment {
            Some(moment) => roots.iter().map(|root| root.replace(TIMESTAMP, &moment.0)).collect(),
            None => roots,
        }
    }
}

impl Moment {
    /// Reads a moment.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, MirrorError> {
        let form = |(at, letter): (usize, u8)| match at {
            8 => letter == b'T',
            15 => letter == b'Z',
            _ => letter.is_ascii_digit(),
        };
        let is_one = text.len() == 16 && text.bytes().enumerate().all(form);
        if is_one { Ok(Moment(text.into())) } else { Err(MirrorError::Moment(text.into())) }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn add(list: &mut Vec<String>, url: String) {
    if !url.is_empty() && !list.contains(&url) {
        list.push(url);
    }
}

/// Where the path of a URL begins.
fn path_start(url: &str) -> usize {
    match url.find("://") {
        Some(host) => url[host + 3..].find('/').map_or(url.len(), |slash| host + 3 + slash),
        None => url.find(':').map_or(0, |colon| colon + 1),
    }
}

/// The last part of a path that names something, as a range of the URL.
fn name(url: &str) -> Option<std::ops::Range<usize>> {
    let start = path_start(url);
    let path = url.get(start..)?.trim_end_matches('/');
    let path = path.strip_suffix(TIMESTAMP).map_or(path, |path| path.trim_end_matches('/'));
    let last = path.rfind('/').map_or(0, |slash| slash + 1);
    (last < path.len()).then_some(start + last..start + path.len())
}

fn is_security(url: &str) -> bool {
    name(url).is_some_and(|name| url[name].ends_with(SECURITY))
}

/// The URL with another name for the last part that is `from`.
fn beside(url: &str, from: &str, to: &str) -> Option<String> {
    let start = path_start(url);
    let mut parts: Vec<&str> = url.get(start..)?.split('/').collect();
    let part = parts.iter_mut().rev().find(|part| **part == from)?;
    *part = to;
    Some(format!("{}{}", &url[..start], parts.join("/")))
}

fn appended(url: &str) -> Option<String> {
    let name = name(url)?;
    Some(format!("{}{SECURITY}{}", &url[..name.end], &url[name.end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(urls: &str, moment: Option<&str>, origin: Origin, role: Role, architecture: &str) -> String {
        let moment = moment.map(|moment| Moment::parse(moment).unwrap());
        match Mirrors::new(urls.split(' ')).at(moment) {
            Ok(mirrors) => mirrors.roots(origin, role, architecture).join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn roots_are_found_from_what_a_user_writes() {
        let moment = Some("20260801T000000Z");
        let snapshot = "http://s.example.com/archive/debian/${timestamp}/";
        for (urls, moment, main, security) in [
            (
                "http://m.example.com/debian",
                None,
                "http://m.example.com/debian",
                "http://m.example.com/debian-security http://m.example.com/debian",
            ),
            (
                "http://a.example.com/debian/ https://b.example.com/x/deb file:/srv/debian",
                None,
                "http://a.example.com/debian https://b.example.com/x/deb file:/srv/debian",
                "http://a.example.com/debian-security http://a.example.com/debian \
                 https://b.example.com/x/deb-security https://b.example.com/x/deb \
                 file:/srv/debian-security file:/srv/debian",
            ),
            (
                "http://a.example.com/debian http://b.example.com/debian-security",
                None,
                "http://a.example.com/debian",
                "http://b.example.com/debian-security",
            ),
            (
                "http://b.example.com/debian-security",
                None,
                "http://b.example.com/debian http://b.example.com/debian-security",
                "http://b.example.com/debian-security",
            ),
            ("http://debian", None, "http://debian", "http://debian"),
            (
                snapshot,
                moment,
                "http://s.example.com/archive/debian/20260801T000000Z",
                "http://s.example.com/archive/debian-security/20260801T000000Z \
                 http://s.example.com/archive/debian/20260801T000000Z",
            ),
            (
                "http://m.example.com/debian http://s.example.com/deb/${timestamp}",
                moment,
                "http://s.example.com/deb/20260801T000000Z",
                "http://s.example.com/deb-security/20260801T000000Z http://s.example.com/deb/20260801T000000Z",
            ),
        ] {
            assert_eq!(roots(urls, moment, Origin::Debian, Role::Main, "amd64"), main);
            assert_eq!(roots(urls, moment, Origin::Debian, Role::Security, "amd64"), security);
        }
        let none = "all mirrors have ${timestamp} in their URL, and no moment is given: ";
        let found = roots(snapshot, None, Origin::Debian, Role::Main, "amd64");
        assert!(found.starts_with(none), "{found}");
        let found = roots("http://u:p@a.example.com/d", moment, Origin::Debian, Role::Main, "amd64");
        let expected =
            "no mirror has ${timestamp} in its URL, for 20260801T000000Z: http://***@a.example.com/d";
        assert_eq!(found, expected);
    }

    #[test]
    fn ubuntu_has_its_ports_beside() {
        for (urls, architecture, expected) in [
            ("http://a.example.com/ubuntu", "amd64", "http://a.example.com/ubuntu"),
            (
                "http://a.example.com/ubuntu",
                "arm64",
                "http://a.example.com/ubuntu-ports http://a.example.com/ubuntu",
            ),
            (
                "http://a.example.com/ubuntu-ports",
                "i386",
                "http://a.example.com/ubuntu http://a.example.com/ubuntu-ports",
            ),
            ("http://a.example.com/x", "arm64", "http://a.example.com/x"),
        ] {
            for role in [Role::Main, Role::Security] {
                assert_eq!(roots(urls, None, Origin::Ubuntu, role, architecture), expected);
            }
        }
    }

    #[test]
    fn the_nearest_to_the_user_counts() {
        let given = ["http://given.example.com".to_owned()];
        let apt = || Mirrors::new(["http://apt.example.com"]);
        let choose = |given: &[String], environment: Option<&str>, apt: fn() -> Mirrors| {
            let mirrors = Mirrors::choose(Origin::Debian, given, environment, apt);
            mirrors.map(|mirrors| mirrors.main).map_err(|error| error.to_string())
        };
        let environment = Some(" http://one.example.com  http://two.example.com\n");
        assert_eq!(choose(&given, environment, apt).unwrap(), given);
        assert_eq!(
            choose(&[], environment, apt).unwrap(),
            ["http://one.example.com", "http://two.example.com"]
        );
        assert_eq!(choose(&[], Some(" "), apt).unwrap(), ["http://apt.example.com"]);
        let error = choose(&[], None, Mirrors::default).unwrap_err();
        assert_eq!(error, "no mirror of debian is known: none is given, and this machine's apt has none");
    }

    #[test]
    fn moments() {
        assert!(Moment::parse("20260801T000000Z").is_ok());
        for text in [
            "",
            "20260801",
            "20260801T000000",
            "2026-08-01T00:00Z",
            "20260801t000000z",
            "20260801T000000Z/..",
        ] {
            assert!(Moment::parse(text).is_err(), "{text}");
        }
    }
}
