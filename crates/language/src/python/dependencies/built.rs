//! Projects of this machine that are installed, too: built into wheels, once for each state of their sources.

use super::{
    checkout, inputs,
    place::Placed,
    tags::WheelName,
    uv::Uv,
    wheel::{self, Stop, Unpack},
};
use crate::{
    LanguageError, Workshop,
    kept::{Keeper, Kept, key},
};
use source::{Step, walk};
use std::{fs::File, path::Path};

/// The version of what is kept.
const DOMAIN: &str = "project-2";
/// Directories that are no source of a project, wherever they are.
const NO_SOURCE: [&str; 9] =
    [".git", ".hg", ".venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"];
/// The same at its top, where tools leave what they made; unless it is a package of that name.
const MADE: [&str; 5] = ["build", "dist", "target", "venv", "node_modules"];
/// Locks at its top, which no build reads.
const LOCKS: [&str; 4] = ["bantam.lock", "uv.lock", "poetry.lock", "pdm.lock"];

/// What came of a project.
pub(super) enum Built {
    /// It is there.
    Placed(Placed),
    /// Its wheel is for one platform only: name, and what it is for.
    Compiled(String, String),
    /// It is damaged: name, and in words that follow "is damaged:".
    Damaged(String, String),
}

/// Is the project one that is installed? One without a build system is only a list of dependencies.
///
/// # Errors
/// When its `pyproject.toml` cannot be read.
pub(super) fn is_package(pyproject: &Path) -> Result<bool, LanguageError> {
    let document = inputs::document(pyproject)?;
    let said = document["tool"]["uv"]["package"].as_bool();
    Ok(said.unwrap_or(!document["build-system"].is_null()))
}

/// Builds the project in a folder, unless the cache has it. `shown` is what messages call it.
///
/// # Errors
/// When it cannot be read or built.
pub(super) fn build(workshop: &Workshop<'_>, folder: &Path, shown: &str) -> Result<Built, LanguageError> {
    let key = key_of(workshop, folder)?;
    if let Some(kept) = Kept::open(workshop.cache, &key) {
        return Ok(Built::Placed(Placed { of: kept.note.clone(), kept }));
    }
    let uv = Uv::find(folder, workshop.offline, &format!("building {shown}"))?;
    let (_temp, path) = uv.build()?;
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some(name) = WheelName::parse(&file_name) else {
        return Ok(Built::Damaged(shown.into(), format!("{file_name} is no name of a wheel")));
    };
    let of = format!("{} {}", name.name, name.version);
    if !name.is_pure() {
        return Ok(Built::Compiled(of, name.target()));
    }
    let file = File::open(&path).map_err(LanguageError::read(&path))?;
    let keeper =
        Keeper::new(workshop.cache, key, &file_name).map_err(LanguageError::write(workshop.cache.dir()))?;
    match wheel::unpack(&file, keeper, &Unpack { name: &name.name, built_here: true, note: &of }) {
        Ok(kept) => Ok(Built::Placed(Placed { of, kept })),
        Err(Stop::Damaged(why)) => Ok(Built::Damaged(of, why)),
        Err(Stop::Io(error)) => Err(LanguageError::write(workshop.cache.dir())(error)),
    }
}

/// Stands for the sources of a project: their names, and the digests of what is in them.
fn key_of(workshop: &Workshop<'_>, folder: &Path) -> Result<tree::Sha256Digest, LanguageError> {
    let is_package = |path: &str| folder.join(path).join("__init__.py").is_file();
    let step = |path: &str, is_dir: bool| {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_left = match is_dir {
            true => {
                NO_SOURCE.contains(&name)
                    || name.ends_with(".egg-info")
                    || MADE.contains(&path) && !is_package(path)
                    // An image that was written here is none either.
                    || folder.join(path).join("oci-layout").exists()
            }
            false => LOCKS.contains(&path) || !path.contains('/') && path.ends_with(".tar"),
        };
        if is_left { Step::Skip } else { Step::Take }
    };
    let found = walk(folder, false, workshop.memory, &step).map_err(LanguageError::first)?;
    let mut parts = vec![];
    for found in &found {
        let mut part = found.path.clone().into_bytes();
        part.push(0);
        match &found.entry.kind {
            tree::Kind::File(content) => {
                part.push(u8::from(found.entry.is_executable()));
                part.extend_from_slice(&content.sha256()?.0);
            }
            tree::Kind::Symlink(target) => part.extend_from_slice(target.as_bytes()),
            tree::Kind::Directory | tree::Kind::Special(_) => continue,
        }
        parts.push(part);
    }
    if may_take_version_from_commit(folder)? {
        parts.extend(checkout::state(folder));
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Ok(key(DOMAIN, &parts))
}

/// May the version of a project be that of its commit? One that does not say its version may take it from there.
fn may_take_version_from_commit(folder: &Path) -> Result<bool, LanguageError> {
    let pyproject = folder.join("pyproject.toml");
    if !pyproject.is_file() {
        return Ok(true);
    }
    Ok(inputs::document(&pyproject)?["project"]["version"].is_null())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::python::dependencies::testing::with_workshop;
    use std::fs;

    #[test]
    fn what_tools_leave_changes_no_project() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let key = || with_workshop(dir.path(), |workshop| key_of(workshop, dir.path()).unwrap());
        write("pyproject.toml", "[project]\nname = 'a'\nversion = '1'\n");
        write("a/build/x.py", "1");
        let first = key();
        for left in [
            "build/x",
            "a.egg-info/x",
            ".git/HEAD",
            "a/__pycache__/x.pyc",
            "bantam.lock",
            "uv.lock",
            "a.tar",
            "image/oci-layout",
        ] {
            write(left, "left");
            assert_eq!(key(), first, "{left}");
        }
        let mut last = first;
        let mut changes = |path: &str, text: &str| {
            write(path, text);
            let now = key();
            assert_ne!(now, last, "{path}");
            last = now;
        };
        changes("a/build/x.py", "2");
        changes("build/__init__.py", "a package");
        changes("pyproject.toml", "[project]\nname = 'a'\ndynamic = ['version']\n");
        changes(".git/HEAD", "another commit");
        changes(".git/refs/tags/v2", "another tag");
        // The same content at another time, and in another file, is the same.
        fs::rename(dir.path().join("a"), dir.path().join("b")).unwrap();
        write("a/build/x.py", "2");
        write("a/__pycache__/x.pyc", "left");
        fs::remove_dir_all(dir.path().join("b")).unwrap();
        fs::remove_dir_all(dir.path().join("a.egg-info")).unwrap();
        assert_eq!(key(), last);
    }
}
