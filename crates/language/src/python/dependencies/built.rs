//! Projects of this machine that are installed, too: built into wheels, once for each state of their sources.

use super::{
    inputs,
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
use std::{
    fs::{self, File},
    path::Path,
};

/// The version of what is kept.
const DOMAIN: &str = "project-1";
/// Directories that are no source of a project, wherever they are.
const NO_SOURCE: [&str; 9] =
    [".git", ".hg", ".venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"];
/// The same at its top, where tools leave what they made.
const MADE: [&str; 6] = ["build", "dist", "target", "venv", "node_modules", "bantam.lock"];
/// What says of which commit a checkout is, for versions that are taken from it.
const COMMIT: [&str; 3] = [".git/HEAD", ".git/logs/HEAD", ".git/packed-refs"];

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

/// Stands for the sources of a project: by what the file system says of files that were left alone, by the digest of
/// others.
fn key_of(workshop: &Workshop<'_>, folder: &Path) -> Result<tree::Sha256Digest, LanguageError> {
    let step = |path: &str, is_dir: bool| {
        let name = path.rsplit('/').next().unwrap_or_default();
        let no_source = is_dir && (NO_SOURCE.contains(&name) || name.ends_with(".egg-info"));
        // An image that was written here is none either.
        let is_image = || match is_dir {
            true => folder.join(path).join("oci-layout").exists(),
            false => !path.contains('/') && path.ends_with(".tar"),
        };
        if no_source || MADE.contains(&path) || is_image() { Step::Skip } else { Step::Take }
    };
    let found = walk(folder, false, workshop.memory, &step).map_err(LanguageError::first)?;
    let mut parts = vec![];
    for found in &found {
        let mut part = found.path.clone().into_bytes();
        part.push(0);
        match &found.entry.kind {
            tree::Kind::File(content) => {
                part.push(u8::from(found.entry.is_executable()));
                match content.identity() {
                    Some(id) => {
                        part.extend_from_slice(&id.device.to_le_bytes());
                        part.extend_from_slice(&id.inode.to_le_bytes());
                        part.extend_from_slice(&id.size.to_le_bytes());
                        part.extend_from_slice(&id.mtime.to_le_bytes());
                        part.extend_from_slice(&id.ctime.to_le_bytes());
                    }
                    None => part.extend_from_slice(&content.sha256()?.0),
                }
            }
            tree::Kind::Symlink(target) => part.extend_from_slice(target.as_bytes()),
            tree::Kind::Directory | tree::Kind::Special(_) => continue,
        }
        parts.push(part);
    }
    if may_take_version_from_commit(folder)? {
        parts.extend(COMMIT.iter().filter_map(|file| fs::read(folder.join(file)).ok()));
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

    #[test]
    fn what_tools_leave_changes_no_project() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let key = || {
            // Files that were written just now are told apart by their digests.
            std::thread::sleep(std::time::Duration::from_millis(40));
            with_workshop(dir.path(), |workshop| key_of(workshop, dir.path()).unwrap())
        };
        write("pyproject.toml", "[project]\nname = 'a'\nversion = '1'\n");
        write("a/build/x.py", "1");
        let first = key();
        for left in [
            "build/x",
            "a.egg-info/x",
            ".git/HEAD",
            "a/__pycache__/x.pyc",
            "bantam.lock",
            "a.tar",
            "image/oci-layout",
        ] {
            write(left, "left");
            assert_eq!(key(), first, "{left}");
        }
        write("a/build/x.py", "2");
        let second = key();
        assert_ne!(second, first);
        write("pyproject.toml", "[project]\nname = 'a'\ndynamic = ['version']\n");
        let third = key();
        write(".git/HEAD", "another commit");
        assert_ne!(key(), third);
    }
}
