//! The files that say where apt takes packages from.

use super::{one_line, stanzas};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// All sources of binary packages that are enabled, in apt's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AptSources {
    /// Them.
    pub sources: Vec<AptSource>,
}

/// A source of packages: each of its suites is at each of its URIs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AptSource {
    /// The roots of the archive. Those of schemes that nothing is fetched by here, such as `cdrom:`, are left out.
    pub uris: Vec<String>,
    /// Suites, or paths that end in `/`.
    pub suites: Vec<String>,
    /// Components; none for a path.
    pub components: Vec<String>,
    /// Who must have signed it, if that is said.
    pub signed_by: Option<SignedBy>,
    /// The other options, by the names that they have in `.sources` files, in lower case.
    pub options: BTreeMap<String, String>,
}

/// Who must have signed a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedBy {
    /// Owners of these fingerprints, or of keys in these files.
    Named(Vec<String>),
    /// Owners of the keys in this text.
    Inline(String),
}

/// The sources cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AptError {
    /// A file or directory cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is longer than any.
    #[error("{} is longer than {MAX_FILE} bytes", path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// A file has something that apt would not take either.
    #[error("{}:{line}: {what}", path.display())]
    Syntax {
        /// The path.
        path: PathBuf,
        /// The number of the line.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Something wrong in a file: the number of the line, and what it is.
pub(super) type Wrong = (usize, &'static str);

impl AptSources {
    /// Reads `etc/apt/sources.list` and the files in `etc/apt/sources.list.d` below `root`.
    ///
    /// # Errors
    /// When one of them cannot be read, or has what is no source. That none is there is no error.
    pub fn read(root: &Path) -> Result<Self, AptError> {
        let apt = root.join("etc/apt");
        let mut files = vec![apt.join("sources.list")];
        let dir = apt.join("sources.list.d");
        match fs::read_dir(&dir) {
            Ok(listed) => {
                let mut parts = vec![];
                for entry in listed {
                    let entry = entry.map_err(|source| AptError::Read { path: dir.clone(), source })?;
                    parts.extend(
                        entry.file_name().to_str().filter(|name| is_part(name)).map(|name| dir.join(name)),
                    );
                }
                parts.sort();
                files.extend(parts);
            }
            Err(error) if is_absent(&error) => {}
            Err(source) => return Err(AptError::Read { path: dir, source }),
        }
        let mut sources = vec![];
        for path in files {
            let Some(text) = read(&path)? else { continue };
            let of_stanzas = path.extension().is_some_and(|extension| extension == "sources");
            let parsed = if of_stanzas { stanzas::parse(&text) } else { one_line::parse(&text) };
            sources.extend(parsed.map_err(|(line, what)| AptError::Syntax { path, line, what })?);
        }
        for source in &mut sources {
            source.uris.retain(|uri| is_fetched(uri));
        }
        sources.retain(|source: &AptSource| !source.uris.is_empty());
        Ok(AptSources { sources })
    }
}

impl SignedBy {
    /// What an option says.
    pub(super) fn parse(value: &str) -> Self {
        if value.contains("-----BEGIN") {
            return SignedBy::Inline(value.into());
        }
        let names = value.split(|letter: char| letter == ',' || letter.is_whitespace());
        SignedBy::Named(names.filter(|name| !name.is_empty()).map(String::from).collect())
    }
}

fn read(path: &Path) -> Result<Option<String>, AptError> {
    let failed = |source| AptError::Read { path: path.into(), source };
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Ok(None),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let mut bytes = vec![];
    let file = fs::File::open(path).map_err(failed)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(AptError::TooLong { path: path.into() });
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Does apt read a file of this name?
fn is_part(name: &str) -> bool {
    let known = name.ends_with(".list") || name.ends_with(".sources");
    known
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter))
        && !name.starts_with('.')
}

fn is_fetched(uri: &str) -> bool {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https" | "file" | "copy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_the_order_of_apt() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(AptSources::read(dir.path()).unwrap(), AptSources::default());
        let apt = dir.path().join("etc/apt");
        let parts = apt.join("sources.list.d");
        fs::create_dir_all(&parts).unwrap();
        fs::create_dir(parts.join("dir.list")).unwrap();
        for (name, uri) in [
            ("20.list", "c"),
            ("10.list", "b"),
            ("10.list.save", "no"),
            (".hidden.list", "no"),
            ("a b.list", "no"),
        ] {
            fs::write(parts.join(name), format!("deb http://{uri}.example.com x main\n")).unwrap();
        }
        fs::write(
            apt.join("sources.list"),
            "deb http://a.example.com x main\ndeb cdrom:[Debian 12]/ x main\n",
        )
        .unwrap();
        fs::write(
            parts.join("30.sources"),
            "Types: deb\nURIs: mirror+file:/etc/apt/mirrors/d.list http://d.example.com s3://bucket\nSuites: x\nComponents: main\n",
        )
        .unwrap();
        let read = AptSources::read(dir.path()).unwrap();
        let uris: Vec<&str> =
            read.sources.iter().flat_map(|source| &source.uris).map(String::as_str).collect();
        assert_eq!(uris, ["a", "b", "c", "d"].map(|name| format!("http://{name}.example.com")));

        fs::write(parts.join("40.list"), "\ndeb http://e.example.com\n").unwrap();
        let error = AptSources::read(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("etc/apt/sources.list.d/40.list:2: it names no suite"), "{error}");
    }
}
