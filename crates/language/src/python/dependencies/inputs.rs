//! The files of a project that say which packages it wants, and their digests: a lock is of exactly these.

use super::hashes::Hashes;
use crate::LanguageError;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::Path,
};
use tree::Sha256Digest;

/// No file with requirements is larger, in bytes.
const MAX_FILE: u64 = 64 << 20;
/// No requirements are of more files.
const MAX_FILES: usize = 256;

/// What is wanted, by the files that say so.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Inputs {
    /// The files, as the spec would name them, with what they say.
    pub digests: BTreeMap<String, Sha256Digest>,
    /// What they say of digests of files.
    pub hashes: Hashes,
}

impl Inputs {
    /// A requirements file, with all that it includes. Paths are relative to `folder`.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn of_requirements(folder: &Path, file: &str) -> Result<Self, LanguageError> {
        let mut inputs = Inputs::default();
        let mut left = vec![tidy(file)];
        while let Some(file) = left.pop() {
            if inputs.digests.contains_key(&file) {
                continue;
            }
            if inputs.digests.len() == MAX_FILES {
                let source = io::Error::other(format!("{MAX_FILES} files with requirements are the most"));
                return Err(LanguageError::input(folder.join(file))(source));
            }
            let text = read(&folder.join(&file))?;
            inputs.digests.insert(file.clone(), Sha256Digest::of(text.as_bytes()));
            let dir = file.rsplit_once('/').map_or("", |(dir, _)| dir);
            for line in logical_lines(&text) {
                match included(&line) {
                    Some(path) if !path.contains("://") => {
                        left.push(if path.starts_with('/') || dir.is_empty() {
                            tidy(path)
                        } else {
                            tidy(&format!("{dir}/{path}"))
                        });
                    }
                    Some(_) => {}
                    None => inputs.hashes.read(&line).map_err(|why| {
                        let source = io::Error::new(io::ErrorKind::InvalidData, why);
                        LanguageError::input(folder.join(&file))(source)
                    })?,
                }
            }
        }
        Ok(inputs)
    }

    /// What `pyproject.toml` says of dependencies, and `uv.lock` where there is one.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn of_project(folder: &Path, project: &str, lock: Option<&str>) -> Result<Self, LanguageError> {
        let mut inputs = Inputs::default();
        let project = tidy(project);
        inputs.digests.insert(project.clone(), wishes(&folder.join(&project))?);
        if let Some(lock) = lock {
            let text = read(&folder.join(lock))?;
            inputs.digests.insert(lock.into(), Sha256Digest::of(text.as_bytes()));
        }
        Ok(inputs)
    }
}

/// The digest of what a `pyproject.toml` says of dependencies. A new version of the project does not change it.
///
/// # Errors
/// When it cannot be read.
pub(super) fn wishes(path: &Path) -> Result<Sha256Digest, LanguageError> {
    let document = document(path)?;
    let project = &document["project"];
    let wishes = json!([
        project["dependencies"],
        project["optional-dependencies"],
        project["requires-python"],
        project["dynamic"],
        document["dependency-groups"],
        document["tool"]["uv"],
    ]);
    Ok(Sha256Digest::of(wishes.to_string().as_bytes()))
}

/// A `pyproject.toml`.
///
/// # Errors
/// When it cannot be read, or is none.
pub(super) fn document(path: &Path) -> Result<Value, LanguageError> {
    toml::from_str(&read(path)?).map_err(|error: toml::de::Error| {
        LanguageError::input(path)(io::Error::new(io::ErrorKind::InvalidData, error.message().to_owned()))
    })
}

/// A path without the parts that say nothing.
pub(super) fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            (part, _) => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    let text = format!("{root}{}", parts.join("/"));
    if text.is_empty() { ".".into() } else { text }
}

fn read(path: &Path) -> Result<String, LanguageError> {
    let failed = LanguageError::input(path);
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text));
    match read {
        Ok(length) if length as u64 > MAX_FILE => Err(failed(io::ErrorKind::FileTooLarge.into())),
        Ok(_) => Ok(text),
        Err(error) => Err(failed(error)),
    }
}

/// The lines without comments, those that go on with a backslash as one.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = vec![];
    let mut open = String::new();
    for line in text.lines() {
        let bare = match line.find(" #") {
            _ if line.trim_start().starts_with('#') => "",
            Some(at) => &line[..at],
            None => line,
        };
        match bare.trim_end().strip_suffix('\\') {
            Some(part) => {
                open.push_str(part);
                open.push(' ');
            }
            None => {
                open.push_str(bare);
                lines.push(std::mem::take(&mut open).trim().to_owned());
            }
        }
    }
    lines.push(open.trim().to_owned());
    lines.retain(|line| !line.is_empty());
    lines
}

/// The file that a line includes.
fn included(line: &str) -> Option<&str> {
    ["--requirement", "--constraint", "-r", "-c"].into_iter().find_map(|option| {
        let rest = line.strip_prefix(option)?;
        let is_long = option.starts_with("--");
        let path = match rest.strip_prefix('=') {
            Some(path) if is_long => path,
            _ if is_long && !rest.starts_with(char::is_whitespace) => return None,
            _ => rest,
        };
        Some(path.trim().trim_matches(['"', '\'']))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn requirements_are_all_that_they_include() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            fs::create_dir_all(dir.path().join("req")).unwrap();
            fs::write(dir.path().join(name), text).unwrap();
        };
        let digest = "ba0efaa9080b619ff2f3459d1d500c57bddea4a6b424b60a91141db6fd2f08bc";
        write(
            "req/prod.txt",
            &format!(
                "# none\n-r base.txt # base\n--constraint=../limits.txt\n-c ../limits.txt\nFoo_Bar[x]==1 \\\n    --hash=sha256:{digest} \\\n --hash=sha512:00\n"
            ),
        );
        write("req/base.txt", "flask\n-r prod.txt\n-r https://example.com/more.txt\n");
        write("limits.txt", "flask<4\n");
        let inputs = Inputs::of_requirements(dir.path(), "./req/prod.txt").unwrap();
        assert_eq!(inputs.digests.keys().collect::<Vec<_>>(), ["limits.txt", "req/base.txt", "req/prod.txt"]);
        assert_eq!(inputs.digests["limits.txt"], Sha256Digest::of(b"flask<4\n"));
        assert!(inputs.hashes.allow("foo-bar", Sha256Digest::from_hex(digest).as_ref()));
        assert!(inputs.hashes.refuses("flask").is_some(), "one has a digest, so all need one");
        write("limits.txt", "-e . --hash=sha256:00\n");
        let of_none = Inputs::of_requirements(dir.path(), "limits.txt").unwrap_err();
        let why = std::error::Error::source(&of_none).unwrap().to_string();
        assert_eq!(why, "`-e . --hash=sha256:00` names a digest, and no package");
        let missing = Inputs::of_requirements(dir.path(), "none.txt").unwrap_err();
        assert!(missing.to_string().ends_with("none.txt"), "{missing}");
    }

    #[test]
    fn a_new_version_of_a_project_wants_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let of = |text: &str| {
            fs::write(dir.path().join("pyproject.toml"), text).unwrap();
            Inputs::of_project(dir.path(), "pyproject.toml", None).unwrap().digests["pyproject.toml"]
        };
        let one = of("[project]\nname = 'a'\nversion = '1'\ndependencies = ['b']\n[tool.ruff]\nx = 1\n");
        assert_eq!(one, of("[tool.ruff]\n[project]\nversion = '2'\ndependencies = ['b']\nname = 'a'\n"));
        assert_ne!(one, of("[project]\nname = 'a'\nversion = '1'\ndependencies = ['b', 'c']\n"));
        assert_ne!(one, of("[project]\ndependencies = ['b']\n[tool.uv]\nindex-url = 'x'\n"));
        fs::write(dir.path().join("pyproject.toml"), "[").unwrap();
        assert!(Inputs::of_project(dir.path(), "pyproject.toml", None).is_err());
    }

    #[test]
    fn paths_are_tidied() {
        for (path, want) in [
            ("./a//b", "a/b"),
            ("a/../b", "b"),
            ("../a", "../a"),
            ("/a/./b", "/a/b"),
            (".", "."),
            ("a/..", "."),
        ] {
            assert_eq!(tidy(path), want);
        }
    }
}
