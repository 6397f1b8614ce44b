//! What an archive says of a suite: its `Release` file, once its signature was verified.
//!
//! Implements the file described as [`Release`][format] in Debian's description of repositories.
//!
//! [format]: https://wiki.debian.org/DebianRepository/Format#A.22Release.22_files

mod checksum;
mod error;
#[cfg(test)]
mod tests;

pub use checksum::Checksum;
pub use error::ReleaseError;

use crate::date::{self, SKEW, seconds, shown};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// A suite, as its `Release` file describes it.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// Who made it: `Debian`.
    pub origin: Option<String>,
    /// What it is: `Debian-Security`.
    pub label: Option<String>,
    /// The name of the suite, which may mean another release some day: `stable`.
    pub suite: Option<String>,
    /// The name of the release: `bookworm`, `bookworm-security`. Ubuntu's `noble-updates` is `noble` here.
    pub codename: Option<String>,
    /// The number of the release: `12.11`.
    pub version: Option<String>,
    /// When it was made.
    pub date: Option<SystemTime>,
    /// Until when it counts.
    pub valid_until: Option<SystemTime>,
    /// The architectures that it has, `all` among them where there are indexes of it.
    pub architectures: Vec<String>,
    /// The components as written: `main`, but `updates/main` where security archives have it so.
    pub components: Vec<String>,
    /// Files can be had by their digest.
    pub acquire_by_hash: bool,
    /// The indexes of packages of an architecture hold those of `all`, too, even if `all` is an architecture.
    pub no_support_for_architecture_all: bool,
    /// Fingerprints of the keys that should sign the next one.
    pub signed_by: Vec<String>,
    /// `NotAutomatic`: its packages are taken only where no other suite has any.
    pub not_automatic: bool,
    /// `ButAutomaticUpgrades`, beside it: as for backports.
    pub but_automatic_upgrades: bool,
    files: BTreeMap<String, IndexFile>,
}

/// A file that a `Release` file lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexFile {
    /// Its length in bytes.
    pub size: u64,
    /// The strongest digest that is given for it.
    pub checksum: Checksum,
}

impl Release {
    /// Reads the text of a `Release` file.
    ///
    /// # Errors
    /// When it is malformed, or has no digests but those of MD5 and SHA-1.
    pub fn parse(text: &[u8]) -> Result<Self, ReleaseError> {
        let text = String::from_utf8_lossy(text);
        let fields = fields(&text)?;
        let get = |name: &str| fields.get(&name.to_ascii_lowercase());
        let value = |name: &str| get(name).map(|field| field.value).filter(|value| !value.is_empty());
        let words = |name: &str, separators: &[char]| {
            let words = value(name).unwrap_or_default().split(separators);
            words.filter(|word| !word.is_empty()).map(String::from).collect::<Vec<_>>()
        };
        let date = |field: &'static str| {
            let parse = |value: &str| {
                date::parse(value).ok_or_else(|| ReleaseError::Date { field, value: value.into() })
            };
            value(field).map(parse).transpose()
        };
        let (sha256, sha512) = (get("SHA256"), get("SHA512"));
        let mut files = BTreeMap::new();
        // A stronger digest takes the place of a weaker one.
        for (table, parse) in [(sha256, Checksum::parse_sha256 as Parse), (sha512, Checksum::parse_sha512)] {
            let read = table.map(|field| table_of(field, parse)).transpose()?;
            for (path, file) in read.into_iter().flatten() {
                let other = files.insert(path.clone(), file);
                if other.is_some_and(|other: IndexFile| other.size != file.size) {
                    return Err(ReleaseError::Conflicting { path });
                }
            }
        }
        if sha256.is_none() && sha512.is_none() {
            return Err(ReleaseError::NoDigests);
        }
        Ok(Release {
            origin: value("Origin").map(String::from),
            label: value("Label").map(String::from),
            suite: value("Suite").map(String::from),
            codename: value("Codename").map(String::from),
            version: value("Version").map(String::from),
            date: date("Date")?,
            valid_until: date("Valid-Until")?,
            architectures: words("Architectures", &[' ', '\t']),
            components: words("Components", &[' ', '\t']),
            acquire_by_hash: value("Acquire-By-Hash")
                .is_some_and(|value| ["yes", "true", "1"].contains(&value)),
            no_support_for_architecture_all: words("No-Support-for-Architecture-all", &[' ', '\t', ','])
                .iter()
                .any(|index| index == "Packages"),
            not_automatic: value("NotAutomatic") == Some("yes"),
            but_automatic_upgrades: value("ButAutomaticUpgrades") == Some("yes"),
            signed_by: words("Signed-By", &[' ', '\t', ',']),
            files,
        })
    }

    /// Is this the suite that was asked for, by its own name or its code name, and does it count at `now`? Snapshots of
    /// an archive have expired, so that `waive_valid_until` says to take those that have.
    ///
    /// A path instead of a name, as flat repositories have (`./`), means whatever is there.
    ///
    /// # Errors
    /// When it is another suite, has expired, or is from the future.
    pub fn check(&self, now: SystemTime, asked: &str, waive_valid_until: bool) -> Result<(), ReleaseError> {
        if !self.is_called(asked) {
            let names = [self.suite.as_deref(), self.codename.as_deref()];
            let found = names.into_iter().flatten().collect::<Vec<_>>().join(", ");
            return Err(ReleaseError::Suite { asked: asked.into(), found });
        }
        let now = seconds(now);
        if let Some(until) = self.valid_until.map(seconds)
            && until < now
            && !waive_valid_until
        {
            return Err(ReleaseError::Expired { suite: asked.into(), until: shown(until) });
        }
        match self.date.map(seconds) {
            Some(date) if date > now.saturating_add(SKEW) => {
                Err(ReleaseError::FromTheFuture { suite: asked.into(), date: shown(date) })
            }
            _ => Ok(()),
        }
    }

    /// A file that it lists, by its path from the directory of the `Release` file.
    pub fn file(&self, path: &str) -> Option<&IndexFile> {
        self.files.get(path)
    }

    /// All files that it lists, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &IndexFile)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// Where a file can be had by its digest, if the archive offers that: it stays there for some time after a newer one
    /// has taken its place.
    pub fn by_hash(&self, path: &str) -> Option<String> {
        let file = self.file(path).filter(|_| self.acquire_by_hash)?;
        Some(by_hash(path, file.checksum.name(), &file.checksum.hex()))
    }

    /// Has it this component? Debian's security archive writes `updates/main` for what it has in `main`.
    pub fn has_component(&self, name: &str) -> bool {
        self.components.iter().any(|component| component == name || component.ends_with(&format!("/{name}")))
    }

    fn is_called(&self, asked: &str) -> bool {
        let (suite, codename) = (self.suite.as_deref(), self.codename.as_deref());
        // Security suites were once called `buster/updates`.
        let name = asked.strip_suffix("/updates").unwrap_or(asked);
        if asked.ends_with('/') || (suite.is_none() && codename.is_none()) || suite == Some(asked) {
            return true;
        }
        // `noble` is the code name of `noble-updates`, which is not what was asked for.
        let is_pocket =
            suite.and_then(|suite| suite.strip_prefix(name)).is_some_and(|rest| rest.starts_with('-'));
        codename == Some(asked) && !is_pocket || name != asked && codename == Some(name)
    }
}

/// The path of a file by its digest, which does not change while a mirror is updated. `algorithm` is the name of the
/// field that lists it.
pub(crate) fn by_hash(path: &str, algorithm: &str, hex: &str) -> String {
    let dir = path.rsplit_once('/').map(|(dir, _)| format!("{dir}/")).unwrap_or_default();
    format!("{dir}by-hash/{algorithm}/{hex}")
}

type Parse = fn(&str) -> Option<Checksum>;

/// A field: the rest of its line, and the lines that go on with it, which all have a number.
struct Field<'a> {
    value: &'a str,
    lines: Vec<(usize, &'a str)>,
}

/// The fields of the one paragraph of a text, by their names in lower case.
fn fields(text: &str) -> Result<BTreeMap<String, Field<'_>>, ReleaseError> {
    let mut fields: BTreeMap<String, Field<'_>> = BTreeMap::new();
    let mut last: Option<String> = None;
    let mut ended = false;
    for (line, number) in text.lines().zip(1..) {
        let wrong = |what: &str| ReleaseError::Malformed { line: number, what: what.into() };
        if line.trim_ascii().is_empty() {
            ended = !fields.is_empty();
            continue;
        }
        if ended {
            return Err(wrong("a second paragraph begins"));
        }
        if line.starts_with([' ', '\t']) {
            let field = last.as_ref().and_then(|last| fields.get_mut(last));
            field.ok_or_else(|| wrong("it goes on with no field"))?.lines.push((number, line.trim_ascii()));
            continue;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| wrong("it is no field"))?;
        let key = name.trim_ascii_end().to_ascii_lowercase();
        let field = Field { value: value.trim_ascii(), lines: vec![] };
        if fields.insert(key.clone(), field).is_some() {
            return Err(ReleaseError::Twice { line: number, field: name.into() });
        }
        last = Some(key);
    }
    Ok(fields)
}

/// The lines `DIGEST SIZE PATH` of a table of files.
fn table_of(field: &Field<'_>, parse: Parse) -> Result<BTreeMap<String, IndexFile>, ReleaseError> {
    let mut files = BTreeMap::new();
    for (line, text) in &field.lines {
        let wrong = |what: &str| ReleaseError::Malformed { line: *line, what: format!("{what}: `{text}`") };
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let [digest, size, path] = parts[..] else { return Err(wrong("it is no digest, size and path")) };
        let checksum = parse(digest).ok_or_else(|| wrong("the digest is none"))?;
        let size = size.parse().map_err(|_| wrong("the size is none"))?;
        let path = relative(path).ok_or_else(|| wrong("the path leads elsewhere"))?;
        let file = IndexFile { size, checksum };
        if files.insert(path.to_owned(), file).is_some_and(|other| other != file) {
            return Err(ReleaseError::Conflicting { path: path.into() });
        }
    }
    Ok(files)
}

/// A path below the directory of the `Release` file: it becomes part of a URL, and of the names of files.
fn relative(path: &str) -> Option<&str> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let is_name = |name: &str| {
        !["", ".", ".."].contains(&name)
            && !name.contains(|letter: char| letter.is_control() || letter == '\\')
    };
    path.split('/').all(is_name).then_some(path)
}
