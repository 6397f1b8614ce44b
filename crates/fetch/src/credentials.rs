//! Who asks, host by host.

use crate::netrc::{self, Entry};
use reqwest::Url;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The largest file of credentials that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// A user and a password. They never show.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password, or token.
    pub password: String,
}

/// The users and passwords for hosts, as [netrc] files and apt's [auth.conf] have them.
///
/// [netrc]: https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html
/// [auth.conf]: https://manpages.debian.org/stable/apt/apt_auth.conf.5.en.html
#[derive(Debug, Clone, Default)]
pub struct Logins {
    entries: Vec<Entry>,
}

impl Logins {
    /// Those of `NETRC`, else of `~/.netrc`.
    pub fn of_user() -> Self {
        let named = std::env::var_os("NETRC").filter(|name| !name.is_empty()).map(PathBuf::from);
        let path = named.or_else(|| std::env::home_dir().map(|home| home.join(".netrc")));
        let mut logins = Logins::default();
        if let Some(path) = path {
            logins.add_file(&path, false);
        }
        logins
    }

    /// The same, then those of `etc/apt/auth.conf` and `etc/apt/auth.conf.d/*.conf` below `root`.
    ///
    /// Theirs are sent over `https:` only, unless they say another scheme.
    #[must_use]
    pub fn with_apt(mut self, root: &Path) -> Self {
        let apt = root.join("etc/apt");
        self.add_file(&apt.join("auth.conf"), true);
        let listed = fs::read_dir(apt.join("auth.conf.d")).into_iter().flatten().flatten();
        let mut parts: Vec<PathBuf> = listed.map(|entry| entry.path()).collect();
        parts.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
        parts.sort();
        for path in parts {
            self.add_file(&path, true);
        }
        self
    }

    /// Those of the text of a netrc file.
    pub fn parse(text: &str) -> Self {
        Logins { entries: netrc::parse(text, false) }
    }

    /// The first that are for a URL; none, if it is no URL.
    pub fn get(&self, url: &str) -> Option<Credentials> {
        self.of(&Url::parse(url).ok()?)
    }

    pub(crate) fn of(&self, url: &Url) -> Option<Credentials> {
        self.entries.iter().find(|entry| entry.is_for(url)).map(|entry| entry.credentials.clone())
    }

    // A file that is not there or not to be read is as good as none: the server will ask.
    fn add_file(&mut self, path: &Path, of_apt: bool) {
        let Ok(meta) = fs::metadata(path) else { return };
        if !meta.is_file() || meta.len() > MAX_FILE {
            return;
        }
        if let Ok(text) = fs::read_to_string(path) {
            self.entries.extend(netrc::parse(&text, of_apt));
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_apt() {
        let dir = tempfile::tempdir().unwrap();
        let apt = dir.path().join("etc/apt");
        fs::create_dir_all(apt.join("auth.conf.d")).unwrap();
        fs::write(apt.join("auth.conf"), "machine a.example.com login a password first\n").unwrap();
        fs::write(apt.join("auth.conf.d/20.conf"), "machine b.example.com login b password third").unwrap();
        fs::write(apt.join("auth.conf.d/10.conf"), "machine b.example.com login b password second").unwrap();
        fs::write(apt.join("auth.conf.d/05.bak"), "machine b.example.com login b password never").unwrap();
        let logins = Logins::default().with_apt(dir.path());
        for (url, expected) in [
            ("https://a.example.com/", Some("first")),
            ("http://a.example.com/", None),
            ("https://b.example.com/", Some("second")),
        ] {
            let found = logins.get(url).map(|found| found.password);
            assert_eq!(found.as_deref(), expected, "{url}");
        }
        assert!(!format!("{logins:?}").contains("first"));
    }
}
