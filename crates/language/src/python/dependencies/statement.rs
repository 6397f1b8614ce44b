//! What a spec names for the dependencies: a requirements file, or a project.

use super::{
    built,
    inputs::{self, Inputs},
    marker,
};
use crate::{LanguageError, python::interpreter::Interpreter};
use std::path::{Path, PathBuf};
use tree::Sha256Digest;

/// A lock of a workspace is looked for so many folders up.
const MAX_UP: usize = 8;

/// What is named, and what it says.
pub(super) struct Statement {
    /// The file, as the spec names it.
    pub shown: String,
    /// The name of the file in its folder.
    pub file: String,
    /// Its folder, relative to that of the spec.
    pub dir: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Which sort it is.
    pub sort: Sort,
    /// All that it says.
    pub inputs: Inputs,
}

/// The sorts of files that name dependencies.
pub(super) enum Sort {
    /// Requirements.
    Requirements,
    /// A project.
    Project {
        /// Its `uv.lock`, or that of the workspace that it is of, as the spec would name it.
        lock: Option<String>,
        /// Is it installed itself?
        is_package: bool,
        /// The Pythons that it is for.
        python: Option<String>,
    },
}

impl Statement {
    /// A requirements file, relative to the folder of the spec.
    ///
    /// # Errors
    /// When it, or what it includes, cannot be read.
    pub fn requirements(folder: &Path, file: &str) -> Result<Self, LanguageError> {
        let inputs = Inputs::of_requirements(folder, file)?;
        Ok(Statement::new(folder, file, Sort::Requirements, inputs))
    }

    /// A `pyproject.toml`, or its folder, relative to the folder of the spec.
    ///
    /// # Errors
    /// When it, or its lock, cannot be read.
    pub fn project(folder: &Path, file: &str) -> Result<Self, LanguageError> {
        let file =
            if folder.join(file).is_dir() { format!("{file}/pyproject.toml") } else { file.to_owned() };
        let path = folder.join(&file);
        let document = inputs::document(&path)?;
        let dir = inputs::tidy(&format!("{file}/.."));
        let lock = lock_of(folder, &dir)?;
        let inputs = Inputs::of_project(folder, &file, lock.as_deref())?;
        let sort = Sort::Project {
            lock,
            is_package: built::is_package(&path)?,
            python: document["project"]["requires-python"].as_str().map(str::to_owned),
        };
        Ok(Statement::new(folder, &file, sort, inputs))
    }

    fn new(folder: &Path, file: &str, sort: Sort, inputs: Inputs) -> Self {
        let shown = inputs::tidy(file);
        let (dir, name) = shown.rsplit_once('/').unwrap_or((".", &shown));
        let dir = if dir.is_empty() { "/" } else { dir };
        let (dir, name) = (dir.to_owned(), name.to_owned());
        Statement { folder: folder.join(&dir), shown, file: name, dir, sort, inputs }
    }

    /// Why it is not for an interpreter.
    pub fn refuses(&self, interpreter: &Interpreter) -> Option<String> {
        let Sort::Project { python: Some(python), .. } = &self.sort else { return None };
        let (major, minor) = interpreter.version;
        let fits = marker::is_release_of(&format!("{major}.{minor}"), python);
        (!fits).then(|| format!("it asks for Python {python}, and the runtime has Python {major}.{minor}"))
    }

    /// A file of a project beside the named one, whose sources are installed, too: how a lock names it, and what it
    /// says. `local` is a folder, seen from that of the statement.
    ///
    /// # Errors
    /// When there is none.
    pub fn local(&self, spec: &Path, local: &str) -> Result<(String, Sha256Digest), LanguageError> {
        let dir = if local.starts_with('/') { local.to_owned() } else { format!("{}/{local}", self.dir) };
        let project = inputs::tidy(&format!("{dir}/pyproject.toml"));
        if spec.join(&project).exists() {
            let digest = inputs::wishes(&spec.join(&project))?;
            return Ok((project, digest));
        }
        let setup = inputs::tidy(&format!("{dir}/setup.py"));
        let path = spec.join(&setup);
        let text = std::fs::read(&path).map_err(LanguageError::read(path))?;
        Ok((setup, Sha256Digest::of(&text)))
    }
}

/// The `uv.lock` of the project in a folder: its own, or that of the workspace that it is of.
fn lock_of(spec: &Path, dir: &str) -> Result<Option<String>, LanguageError> {
    for up in 0..MAX_UP {
        let above = inputs::tidy(&format!("{dir}/{}", "../".repeat(up)));
        let lock = inputs::tidy(&format!("{above}/uv.lock"));
        if !spec.join(&lock).is_file() {
            continue;
        }
        let project = spec.join(&above).join("pyproject.toml");
        let is_workspace = up == 0
            || project.is_file() && inputs::document(&project)?["tool"]["uv"]["workspace"].is_object();
        return Ok(is_workspace.then_some(lock));
    }
    Ok(None)
}
