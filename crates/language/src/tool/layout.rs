//! A part of a root file system on the builder's disk, so that a program of it can be run.

use super::Workplace;
use crate::LanguageError;
use elf::{FactsMemo, Linker};
use std::{
    collections::BTreeSet,
    fs, io,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};
use tree::{Entry, Kind, TreePath, View};

/// No file of a build tool is larger, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// A program and what it needs, in a temporary directory that goes with it.
pub(crate) struct LaidOut {
    dir: Workplace,
    program: TreePath,
    loader: Option<TreePath>,
    library_dirs: BTreeSet<TreePath>,
}

impl LaidOut {
    /// Writes a program, its libraries, and what is below some directories.
    ///
    /// # Errors
    /// When something cannot be read or written, or the program is not there.
    pub fn new(view: &dyn View, program: &TreePath, more: &[TreePath]) -> Result<Self, LanguageError> {
        let dir = Workplace::new().map_err(LanguageError::write(std::env::temp_dir()))?;
        let facts = FactsMemo::default();
        let found = view.follow(program)?;
        let program = found.path.clone();
        let mut laid = LaidOut { dir, program: program.clone(), loader: None, library_dirs: BTreeSet::new() };
        laid.take(view, &program)?;
        let linker = Linker::new(view, &facts);
        let closure = linker.closure(&program).map_err(|error| LanguageError::Tools(Box::new(error)))?;
        if let Some(interpreter) = &closure.interpreter {
            laid.take(view, &interpreter.path)?;
            laid.loader = Some(interpreter.path.clone());
        }
        for library in &closure.libraries {
            laid.take(view, &library.path)?;
            laid.library_dirs.extend(library.resolution.path.parent());
        }
        for path in more {
            laid.take_all(view, path)?;
        }
        Ok(laid)
    }

    /// The same, with what these libraries need, which the program loads by name.
    ///
    /// # Errors
    /// As [`LaidOut::new`].
    pub fn with_libraries_of(mut self, view: &dyn View, loaded: &[TreePath]) -> Result<Self, LanguageError> {
        let facts = FactsMemo::default();
        let linker = Linker::new(view, &facts);
        for library in loaded {
            let closure = linker.closure(library).map_err(|error| LanguageError::Tools(Box::new(error)))?;
            self.library_dirs.extend(closure.resolution.path.parent());
            for library in &closure.libraries {
                self.take(view, &library.path)?;
                self.library_dirs.extend(library.resolution.path.parent());
            }
        }
        Ok(self)
    }

    /// Where a path of the root file system is on the builder's disk.
    pub fn at(&self, path: &TreePath) -> PathBuf {
        self.dir.path().join(path.relative())
    }

    /// The program, started by its own loader with its own libraries, and with nothing of the environment.
    pub fn command(&self) -> Command {
        let mut command = match &self.loader {
            None => Command::new(self.at(&self.program)),
            Some(loader) => {
                let mut command = Command::new(self.at(loader));
                let dirs: Vec<String> =
                    self.library_dirs.iter().map(|dir| self.at(dir).display().to_string()).collect();
                command.arg("--library-path").arg(dirs.join(":")).arg(self.at(&self.program));
                command
            }
        };
        command.env_clear().current_dir(self.dir.path());
        command
    }

    fn take_all(&self, view: &dyn View, path: &TreePath) -> Result<(), LanguageError> {
        let found = view.follow(path)?;
        let Some(entry) = found.entry else { return Ok(()) };
        if !entry.is_directory() {
            return self.take(view, path);
        }
        for name in view.list(&found.path)? {
            let child = found.path.child(&name);
            match view.entry(&child)? {
                Some(entry) if entry.is_directory() => self.take_all(view, &child)?,
                // A link may lead to what nobody runs.
                Some(Entry { kind: Kind::Symlink(_), .. }) if view.follow(&child)?.entry.is_none() => {}
                Some(Entry { kind: Kind::Special(_), .. }) | None => {}
                Some(_) => self.take(view, &child)?,
            }
        }
        Ok(())
    }

    /// Writes the file that a path leads to, and the links on the way, which stay inside.
    fn take(&self, view: &dyn View, path: &TreePath) -> Result<(), LanguageError> {
        let found = view.follow(path)?;
        for link in &found.links {
            let Some(Entry { kind: Kind::Symlink(target), .. }) = view.entry(link)? else { continue };
            let parent = link.parent().unwrap_or_else(TreePath::root);
            let led = parent.join(&target)?;
            self.write(link, |at| symlink(led.relative_to(&parent), at))?;
        }
        let Some(entry) = found.entry else {
            let source = io::Error::from(io::ErrorKind::NotFound);
            return Err(LanguageError::read(path.as_str())(source));
        };
        let Some(content) = entry.content() else {
            let at = self.at(&found.path);
            return fs::create_dir_all(&at).map_err(LanguageError::write(at));
        };
        let bytes = content.read(MAX_FILE)?;
        let mode = if entry.is_executable() { 0o700 } else { 0o600 };
        self.write(&found.path, |at| {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(at)?;
            file.write_all(&bytes)
        })
    }

    fn write(
        &self,
        path: &TreePath,
        make: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), LanguageError> {
        let at = self.at(path);
        if let Some(parent) = at.parent() {
            fs::create_dir_all(parent).map_err(LanguageError::write(parent))?;
        }
        match make(&at) {
            // It is one of the files that were written before.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            result => result.map_err(LanguageError::write(at)),
        }
    }
}
