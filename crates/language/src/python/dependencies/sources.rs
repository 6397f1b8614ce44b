//! The sources of a project: what of its folder counts, and a copy of that for build tools that write beside what they read.

use super::{checkout, inputs};
use crate::{LanguageError, Workshop, kept::key, tool::Workplace};
use source::{Found, Step, walk};
use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::symlink,
    path::Path,
};
use tree::{Kind, Sha256Digest};

/// The version of what is kept of a project.
const DOMAIN: &str = "project-3";
/// Directories that are no source of a project, wherever they are.
const NO_SOURCE: [&str; 9] =
    [".git", ".hg", ".venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"];
/// Locks at its top, which no build reads.
const LOCKS: [&str; 4] = ["bantam.lock", "uv.lock", "poetry.lock", "pdm.lock"];
/// What an archive of an image may begin with.
const OF_IMAGE: [&[u8]; 4] = [b"oci-layout", b"blobs/", b"manifest.json", b"index.json"];
/// Words of whoever takes a version from a checkout, or something from beside the project: a copy has neither.
const ELSEWHERE: [&str; 17] = [
    "scm",
    "vcs",
    "versioneer",
    "versioningit",
    "dunamai",
    "pbr",
    "git describe",
    "'git'",
    "\"git\"",
    "git ",
    "import git",
    "subprocess",
    "..",
    ".parent",
    "parents[",
    "dirname(dirname",
    "workspace",
];

/// The sources of a project.
pub(super) struct Sources<'a> {
    folder: &'a Path,
    found: Vec<Found>,
}

impl<'a> Sources<'a> {
    /// Reads the folder of a project.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(workshop: &Workshop<'_>, folder: &'a Path) -> Result<Self, LanguageError> {
        let step = |path: &str, is_dir: bool| match is_left_by_tools(folder, path, is_dir) {
            true => Step::Skip,
            false => Step::Take,
        };
        let found = walk(folder, false, workshop.memory, &step).map_err(LanguageError::first)?;
        Ok(Sources { folder, found })
    }

    /// Stands for them: their names, and the digests of what is in them.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn key(&self) -> Result<Sha256Digest, LanguageError> {
        let mut parts = vec![];
        for found in &self.found {
            let mut part = found.path.clone().into_bytes();
            part.push(0);
            match &found.entry.kind {
                Kind::File(content) => {
                    part.push(u8::from(found.entry.is_executable()));
                    part.extend_from_slice(&content.sha256()?.0);
                }
                Kind::Symlink(target) => part.extend_from_slice(target.as_bytes()),
                Kind::Directory | Kind::Special(_) => continue,
            }
            parts.push(part);
        }
        if may_take_version_from_commit(self.folder)? {
            parts.extend(checkout::state(self.folder));
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        Ok(key(DOMAIN, &parts))
    }

    /// A copy of them, if whoever builds the project would write into its folder; none where it is built as it stands.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub fn copy(&self) -> Result<Option<Workplace>, LanguageError> {
        if !writes_into_folder(self.folder)? {
            return Ok(None);
        }
        let place = Workplace::new().map_err(LanguageError::write(std::env::temp_dir()))?;
        for Found { path, entry } in &self.found {
            let (from, to) = (self.folder.join(path), place.path().join(path));
            let made = match &entry.kind {
                Kind::Directory => fs::create_dir_all(&to),
                Kind::File(_) => fs::copy(&from, &to).map(drop),
                Kind::Symlink(target) => match self.leads_out(&from) {
                    true => fs::canonicalize(&from).and_then(|real| symlink(real, &to)),
                    false => symlink(target, &to),
                },
                Kind::Special(_) => Ok(()),
            };
            made.map_err(LanguageError::write(&to))?;
        }
        Ok(Some(place))
    }

    /// Does a link lead to what is there, outside of the folder?
    fn leads_out(&self, link: &Path) -> bool {
        match (fs::canonicalize(link), fs::canonicalize(self.folder)) {
            (Ok(real), Ok(folder)) => !real.starts_with(folder),
            _ => false,
        }
    }
}

/// Is it no source, but what tools made of sources?
fn is_left_by_tools(folder: &Path, path: &str, is_dir: bool) -> bool {
    let full = folder.join(path);
    let (top, name) = path.rsplit_once('/').unwrap_or(("", path));
    if !is_dir {
        let is_made = top == "dist" && (name.ends_with(".whl") || name.ends_with(".tar.gz"));
        let is_image = || top.is_empty() && name.ends_with(".tar") && begins_as_image(&full);
        return LOCKS.contains(&path) || is_made || is_image();
    }
    let is_of_setuptools = || {
        let starts = ["lib.", "bdist.", "temp.", "scripts-"];
        let is_named = name == "lib" || starts.iter().any(|start| name.starts_with(start));
        top == "build" && is_named && !folder.join("build/__init__.py").is_file()
    };
    NO_SOURCE.contains(&name)
        || name.ends_with(".egg-info")
        || is_of_setuptools()
        || ["pyvenv.cfg", "oci-layout"].iter().any(|mark| !path.is_empty() && full.join(mark).is_file())
}

/// Is a tar archive one of an image?
fn begins_as_image(file: &Path) -> bool {
    let mut start = [0; 16];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && OF_IMAGE.iter().any(|name| start.starts_with(name))
}

/// Does whoever builds the project write into its folder, and need nothing but what is in it? That is setuptools, which is
/// also meant where nobody is named.
fn writes_into_folder(folder: &Path) -> Result<bool, LanguageError> {
    let pyproject = folder.join("pyproject.toml");
    if pyproject.is_file() {
        let backend = &inputs::document(&pyproject)?["build-system"]["build-backend"];
        if !backend.as_str().is_none_or(|backend| backend.starts_with("setuptools")) {
            return Ok(false);
        }
    }
    let mut texts = ["pyproject.toml", "setup.cfg", "setup.py"].into_iter();
    Ok(!texts.any(|name| {
        let text = fs::read(folder.join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        ELSEWHERE.iter().any(|word| text.contains(word))
    }))
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
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    fn write(dir: &Path, path: &str, text: &str) {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_tools_leave_changes_no_project_and_all_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| write(dir.path(), path, text);
        let key = || {
            with_workshop(dir.path(), |workshop| Sources::of(workshop, dir.path()).unwrap().key().unwrap())
        };
        write("pyproject.toml", "[project]\nname = 'a'\nversion = '1'\n");
        write("a/build/lib/x.py", "1");
        let first = key();
        for left in [
            "build/lib/x.py",
            "build/lib.linux-x86_64-cpython-313/x.so",
            "build/bdist.linux-x86_64/x",
            "dist/a-1-py3-none-any.whl",
            "dist/a-1.tar.gz",
            "a.egg-info/x",
            ".git/HEAD",
            "a/__pycache__/x.pyc",
            "bantam.lock",
            "uv.lock",
            "env/pyvenv.cfg",
            "image/oci-layout",
        ] {
            write(left, "left");
            assert_eq!(key(), first, "{left}");
        }
        write("a.tar", &format!("oci-layout{}", "\0".repeat(502)));
        assert_eq!(key(), first, "an image");
        let mut last = first;
        let mut changes = |path: &str, text: &str| {
            write(path, text);
            let now = key();
            assert_ne!(now, last, "{path}");
            last = now;
        };
        changes("a/build/lib/x.py", "2");
        changes("dist/app.js", "made by another tool");
        changes("dist/app.js", "made anew");
        changes("build/index.html", "1");
        changes("target/app.wasm", "1");
        changes("node_modules/a/index.js", "1");
        changes("data.tar", "no image");
        changes("build/__init__.py", "a package");
        changes("pyproject.toml", "[project]\nname = 'a'\ndynamic = ['version']\n");
        changes(".git/HEAD", "another commit");
        changes(".git/refs/tags/v2", "another tag");
        // The same content at another time, and in another file, is the same.
        fs::rename(dir.path().join("a"), dir.path().join("b")).unwrap();
        write("a/build/lib/x.py", "2");
        write("a/__pycache__/x.pyc", "left");
        fs::remove_dir_all(dir.path().join("b")).unwrap();
        fs::remove_dir_all(dir.path().join("a.egg-info")).unwrap();
        assert_eq!(key(), last);
    }

    #[test]
    fn a_copy_is_of_what_counts() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, outside) = (dir.path().join("shop"), dir.path().join("outside.txt"));
        write(dir.path(), "outside.txt", "x");
        write(&folder, "pyproject.toml", "[build-system]\nbuild-backend = 'setuptools.build_meta'\n");
        write(&folder, "shop/run.sh", "#!/bin/sh\n");
        write(&folder, "build/lib/old.py", "");
        fs::set_permissions(folder.join("shop/run.sh"), Permissions::from_mode(0o755)).unwrap();
        symlink("run.sh", folder.join("shop/link")).unwrap();
        symlink("../../outside.txt", folder.join("shop/out")).unwrap();
        let copy = with_workshop(dir.path(), |workshop| Sources::of(workshop, &folder).unwrap().copy());
        let copy = copy.unwrap().unwrap();
        let at = |path: &str| copy.path().join(path);
        assert_eq!(fs::metadata(at("shop/run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(at("shop/link")).unwrap(), Path::new("run.sh"));
        assert_eq!(fs::canonicalize(at("shop/out")).unwrap(), fs::canonicalize(outside).unwrap());
        assert!(!at("build/lib").exists());
    }

    #[test]
    fn only_setuptools_gets_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        for (pyproject, setup, want) in [
            ("[build-system]\nbuild-backend = 'setuptools.build_meta'\n", "", true),
            ("[build-system]\nrequires = ['setuptools']\n", "", true),
            ("", "from setuptools import setup\n", true),
            ("[build-system]\nbuild-backend = 'hatchling.build'\n", "", false),
            ("[build-system]\nrequires = ['setuptools', 'setuptools-scm']\n", "", false),
            ("", "setup(use_scm_version=True)\n", false),
            ("", "open('../VERSION')\n", false),
        ] {
            write(dir.path(), "pyproject.toml", pyproject);
            write(dir.path(), "setup.py", setup);
            assert_eq!(writes_into_folder(dir.path()).unwrap(), want, "{pyproject}{setup}");
        }
    }
}
