//! The libraries of a program on this machine, or in a root file system.

use crate::Error;
use elf::{Closure, FactsMemo, Linker};
use source::Directory;
use std::path::{Path, PathBuf};
use tree::{Content, Entry, TreePath, View};

/// As much of a file as the kernel looks at for a `#!`.
const SHEBANG: usize = 256;

/// What a file loads when it is started.
#[derive(Debug)]
pub struct Deps {
    /// The file, as it was asked for.
    pub program: String,
    /// The program that interprets a script; none for an ELF file.
    pub script_of: Option<String>,
    /// What the file, or the interpreter of a script, loads. None: the interpreter is missing.
    pub closure: Option<Closure>,
}

impl Deps {
    /// Is nothing missing?
    pub fn is_complete(&self) -> bool {
        self.closure.as_ref().is_some_and(Closure::is_complete)
    }
}

/// Finds the libraries of files: paths of this machine, or with `root` paths inside of that root file
/// system. One answer for each file, in order.
///
/// # Errors
/// The first file that cannot be read, or is neither an ELF file nor a script.
pub fn deps(files: &[PathBuf], root: Option<&Path>, path: &str) -> Result<Vec<Deps>, Error> {
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
    let inside = |file: &Path| -> Result<TreePath, Error> {
        let full = match root {
            Some(_) => Path::new("/").join(file),
            None => std::path::absolute(file).map_err(|source| Error::Read { path: file.into(), source })?,
        };
        let text = full.to_str().ok_or_else(|| Error::NotUtf8 { path: file.into() })?;
        TreePath::parse(text).map_err(|error| Error::Usage(error.to_string()))
    };
    let mut all = vec![];
    for file in files {
        let at = inside(file)?;
        let program = at.to_string();
        let failed = |source| Error::Elf { path: file.clone(), source };
        all.push(match interpreter(&view, &at, path)? {
            Found::Elf => {
                Deps { program, script_of: None, closure: Some(linker.closure(&at).map_err(failed)?) }
            }
            Found::Script(name, None) => Deps { program, script_of: Some(name), closure: None },
            Found::Script(name, Some(at)) => {
                let closure = Some(linker.closure(&at).map_err(failed)?);
                Deps { program, script_of: Some(name), closure }
            }
        });
    }
    Ok(all)
}

enum Found {
    Elf,
    /// A script: the interpreter as it is named, and where it is.
    Script(String, Option<TreePath>),
}

fn interpreter(view: &dyn View, at: &TreePath, path: &str) -> Result<Found, Error> {
    let found = view.resolve(at).map_err(|error| Error::Plan(error.into()))?;
    let Some(content) = found.entry.as_ref().and_then(Entry::content) else { return Ok(Found::Elf) };
    let head = head(content)?;
    let Some(shebang) = elf::shebang(&head) else { return Ok(Found::Elf) };
    let resolve = |at: TreePath| -> Result<Option<TreePath>, Error> {
        let found = view.resolve(&at).map_err(|error| Error::Plan(error.into()))?;
        Ok(found.entry.is_some().then_some(at))
    };
    if let Some(program) = elf::env_program(&shebang) {
        let at = plan::find_program(view, &program, path).map_err(|error| Error::Plan(error.into()))?;
        return Ok(Found::Script(program, at));
    }
    let at = TreePath::parse(&shebang.interpreter).map_or(Ok(None), resolve)?;
    Ok(Found::Script(shebang.interpreter, at))
}

fn head(content: &Content) -> Result<Vec<u8>, Error> {
    content.head(SHEBANG).map_err(|error| Error::Plan(error.into()))
}
