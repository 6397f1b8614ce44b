//! Sources that are archives of packages: `source = "debian:…"`, `packages`, `mirrors`, `[[repositories]]`.

use super::{
    super::{Distribution, PackageRef, Release, Repository, RuntimeSource, raw},
    payload::named_file,
    *,
};

/// How the moment of a snapshot is written: `20260801T000000Z`.
const TIMESTAMP: &str = "00000000T000000Z";

impl Check<'_, '_> {
    /// A release as it stands behind the distribution's name.
    pub(super) fn release(
        &mut self,
        text: &Text,
        distribution: Distribution,
        rest: &str,
    ) -> Option<RuntimeSource> {
        let (suite, timestamp) = rest.split_once('@').map_or((rest, None), |(suite, at)| (suite, Some(at)));
        let name = distribution.name();
        if !is_suite(suite) {
            let example = if distribution == Distribution::Debian { "bookworm" } else { "noble" };
            let wrong = Wrong::new(format!("{} is no suite of {name}", shown(suite)));
            self.bad(&text.span, wrong.help(format!("write its codename, as \"{name}:{example}\"")));
            return None;
        }
        if let Some(timestamp) = timestamp.filter(|timestamp| !is_timestamp(timestamp)) {
            let wrong = Wrong::new(format!("{} is no moment of a snapshot archive", shown(timestamp)));
            let help = format!("write date and time in UTC, as \"{name}:{suite}@20260801T000000Z\"");
            self.bad(&text.span, wrong.help(help));
            return None;
        }
        let (suite, timestamp) = (suite.to_owned(), timestamp.map(String::from));
        Some(RuntimeSource::Archive(Release { distribution, suite, timestamp }))
    }

    /// `packages`: each once, with its version where it has one.
    pub(super) fn packages(&mut self, list: Option<List>) -> Vec<PackageRef> {
        let mut out: Vec<PackageRef> = vec![];
        for text in list.map(|list| list.value).unwrap_or_default() {
            let Some((name, version)) = self.read(&text, package) else { continue };
            if let Some(other) = out.iter().find(|other| other.name == name) {
                let message = format!("the package {name} is in line {}, too", other.line);
                self.conflict(&text.span, message);
                continue;
            }
            out.push(PackageRef { name, version, line: self.line(&text.span) });
        }
        out
    }

    /// `mirrors`: roots of archives.
    pub(super) fn mirrors(&mut self, list: Option<List>) -> Vec<String> {
        let texts = list.map(|list| list.value).unwrap_or_default();
        texts.into_iter().filter_map(|text| self.read(&text, mirror).map(|()| text.value)).collect()
    }

    /// `[[repositories]]`.
    pub(super) fn repositories(&mut self, tables: Option<Vec<At<raw::Repository>>>) -> Vec<Repository> {
        let tables = tables.unwrap_or_default();
        tables.into_iter().filter_map(|table| self.repository(table)).collect()
    }

    fn repository(&mut self, table: At<raw::Repository>) -> Option<Repository> {
        let line = self.line(&table.span);
        let raw::Repository { url, suite, components, keyring, architectures } = table.value;
        let url = url.and_then(|url| self.read(&url, mirror).map(|()| url.value));
        let flat = suite.as_ref().is_some_and(|suite| suite.value.ends_with('/'));
        let suite = suite.and_then(|suite| self.read(&suite, suite_or_flat).map(|()| suite.value));
        let components = match components {
            None if flat => vec![],
            None => vec!["main".into()],
            Some(components) if flat && !components.value.is_empty() => {
                self.conflict(&components.span, "a flat archive has no components".into());
                vec![]
            }
            Some(components) => self.words(components, is_suite, "component"),
        };
        let keyring = keyring.and_then(|file| self.read(&file, named_file).map(|()| file.value));
        let architectures = architectures.map_or(vec![], |all| self.words(all, is_word, "architecture"));
        Some(Repository { url: url?, suite: suite?, components, keyring: keyring?, architectures, line })
    }

    fn words(&mut self, list: List, is_one: fn(&str) -> bool, what: &str) -> Vec<String> {
        let mut out = vec![];
        for text in list.value {
            if is_one(&text.value) {
                out.push(text.value);
            } else {
                self.bad(&text.span, Wrong::new(format!("{} is no {what}", shown(&text.value))));
            }
        }
        out
    }

    /// Keys that have a meaning only where packages come from an archive, or where there are packages at all.
    pub(super) fn fits_source(&mut self, runtime: &raw::Runtime, source: &RuntimeSource) {
        let of_archive = matches!(source, RuntimeSource::Archive(_));
        let raw::Runtime { packages, mirrors, keyring, whole_packages, .. } = runtime;
        let only_archive = [
            ("mirrors", mirrors.as_ref().filter(|list| !list.value.is_empty()).map(|list| &list.span)),
            ("keyring", keyring.as_ref().map(|file| &file.span)),
        ];
        for (key, span) in only_archive {
            if let Some(span) = span.filter(|_| !of_archive) {
                let message = format!(
                    "`{key}` has a meaning only with a source such as \"debian:bookworm\": no package is downloaded"
                );
                self.conflict(span, message);
            }
        }
        let only_packages = [
            ("packages", packages.as_ref().filter(|list| !list.value.is_empty()).map(|list| &list.span)),
            ("whole-packages", whole_packages.as_ref().filter(|whole| whole.value).map(|whole| &whole.span)),
        ];
        for (key, span) in only_packages {
            if let Some(span) = span.filter(|_| *source == RuntimeSource::None) {
                self.conflict(span, format!("`{key}` has no meaning with `source = \"none\"`"));
            }
        }
    }
}

/// Reads a package: its name by Debian's policy, and perhaps a version behind `=`.
fn package(text: &str) -> Result<(String, Option<String>), Wrong> {
    let (name, version) = text.split_once('=').map_or((text, None), |(name, version)| (name, Some(version)));
    let good = name.len() > 1 && name.starts_with(|first: char| first.is_ascii_alphanumeric());
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let is_library = name.ends_with(".so") || name.contains(".so.");
    if !good || is_library || !name.chars().all(letter) {
        let wrong = Wrong::new(format!("{} is no name of a package", shown(name)));
        return Err(if is_library {
            wrong.help("libraries stand in `dlopen`, by the name that a program asks for")
        } else if name.contains(':') {
            wrong.help("leave the architecture out: it is that of the platform")
        } else {
            wrong.help("write it as the distribution has it, as \"libpq5\"")
        });
    }
    let is_version = |version: &str| {
        version.starts_with(|first: char| first.is_ascii_digit())
            && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+-:~".contains(c))
    };
    match version {
        Some(version) if !is_version(version) => {
            let wrong = Wrong::new(format!("{} is no version of a package", shown(version)));
            Err(wrong.help("write the whole version, as \"libpq5=15.8-0+deb12u1\", or the name alone"))
        }
        version => Ok((name.into(), version.map(String::from))),
    }
}

/// Checks the root of an archive.
fn mirror(url: &str) -> Result<(), Wrong> {
    const SCHEMES: [&str; 4] = ["http://", "https://", "file:/", "copy:/"];
    let rest = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme));
    let host = rest.filter(|rest| !rest.is_empty());
    match host {
        Some(_) if !url.contains(char::is_whitespace) => Ok(()),
        Some(_) => Err(Wrong::new(format!("{} has a space in it", shown(url)))),
        None => Err(Wrong::new(format!("{} is no address of an archive", shown(url)))
            .help("it begins with `https://`, `http://`, `file:/` or `copy:/`")),
    }
}

fn suite_or_flat(text: &str) -> Result<(), Wrong> {
    let path = text.trim_end_matches('/');
    let good = if text.ends_with('/') {
        path.is_empty() || path == "." || path.split('/').all(|part| part != ".." && is_suite(part))
    } else {
        is_suite(text)
    };
    if good { Ok(()) } else { Err(Wrong::new(format!("{} is no suite", shown(text)))) }
}

/// Is this the name of a suite or component? It becomes part of an address.
fn is_suite(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c))
    };
    !text.is_empty() && text.split('/').all(part)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_timestamp(text: &str) -> bool {
    let same = |(have, want): (u8, u8)| if want == b'0' { have.is_ascii_digit() } else { have == want };
    text.len() == TIMESTAMP.len() && text.bytes().zip(TIMESTAMP.bytes()).all(same)
}
