//! The libraries of a program on this machine, or in a root file system.

use crate::Error;
use elf::{Closure, FactsMemo, Linker};
use plan::PlanError;
use source::Directory;
use std::path::{Path, PathBuf};
use tree::{Entry, TreePath, View};

/// How many scripts in a row the kernel starts: the file, and interpreters that are scripts themselves.
const SCRIPTS: usize = 4;

/// What a file loads when it is started.
#[derive(Debug)]
pub struct Deps {
    /// The file, as it was asked for.
    pub program: String,
    /// The interpreters of a script as each `#!` names its own: that of the file, that of this
    /// interpreter if it is a script too, and so on. Empty for an ELF file.
    pub interpreters: Vec<String>,
    /// What the file, or the last interpreter of a script, loads. None: that interpreter is missing.
    pub closure: Option<Closure>,
}

impl Deps {
    /// Is nothing missing?
    pub fn is_complete(&self) -> bool {
        self.closure.as_ref().is_some_and(Closure::is_complete)
    }
}

/// Finds the libraries of files: paths of this machine, or with `root` paths inside of that root file
/// system. One answer for each file, in order; an error for one that cannot be read, or is neither an
/// ELF file nor a script.
///
/// # Errors
/// When the root file system cannot be read.
pub fn deps(
    files: &[PathBuf],
    root: Option<&Path>,
    search_path: &str,
) -> Result<Vec<Result<Deps, Error>>, Error> {
    let view = match root {
        Some(root) => Directory::open(root),
        None => Directory::host(),
    };
    let view = view.map_err(|error| Error::Sources {
        shown: String::new(),
        problems: vec![crate::Problem::Source(error)],
    })?;
    let facts = FactsMemo::default();
    let linker = Linker::new(&view, &facts).cache_policy(elf::CachePolicy::OrConf);
    let of_file = |file: &PathBuf| {
        let mut at = inside(file, root)?;
        let program = at.to_string();
        let mut interpreters = vec![];
        while let Some((name, found)) = interpreter(&view, &at, search_path)? {
            if interpreters.len() == SCRIPTS {
                return Err(Error::Scripts { path: file.clone() });
            }
            interpreters.push(name);
            match found {
                None => return Ok(Deps { program, interpreters, closure: None }),
                Some(interpreter) => at = interpreter,
            }
        }
        let closure = linker.closure(&at).map_err(|source| {
            let path = if interpreters.is_empty() { file.clone() } else { at.as_str().into() };
            Error::Elf { path, source }
        })?;
        Ok(Deps { program, interpreters, closure: Some(closure) })
    };
    Ok(files.iter().map(of_file).collect())
}

/// The path of a file in the view.
fn inside(file: &Path, root: Option<&Path>) -> Result<TreePath, Error> {
    let full = match root {
        Some(_) => Path::new("/").join(file),
        None => std::path::absolute(file).map_err(|source| Error::Read { path: file.into(), source })?,
    };
    let text = full.to_str().ok_or_else(|| Error::NotUtf8 { path: file.into() })?;
    TreePath::parse(text).map_err(|error| Error::Usage(error.to_string()))
}

/// The interpreter of a script as it is named, and where it is; none for what is no script.
fn interpreter(
    view: &dyn View,
    at: &TreePath,
    search_path: &str,
) -> Result<Option<(String, Option<TreePath>)>, Error> {
    let found = view.resolve(at)?;
    let Some(content) = found.entry.as_ref().and_then(Entry::content) else { return Ok(None) };
    let Some(shebang) = elf::shebang_of(content).map_err(PlanError::from)? else { return Ok(None) };
    if let Some(program) = elf::env_program(&shebang) {
        let at = plan::find_program(view, &program, search_path).map_err(PlanError::from)?;
        return Ok(Some((program, at)));
    }
    let at = match TreePath::parse(&shebang.interpreter) {
        Ok(at) if view.resolve(&at)?.entry.is_some() => Some(at),
        _ => None,
    };
    Ok(Some((shebang.interpreter, at)))
}
