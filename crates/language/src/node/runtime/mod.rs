//! The program `node`: the official one, or that of the runtime source.

mod official;
mod own;
mod version;

use super::NAME;
use crate::{
    Ask, LanguageError,
    kept::{Keeper, Kept, key},
};
use plan::{Brought, BroughtFile, BroughtLayer, finding::Problem, lock::LockedArtifact, spec::Node};
use std::io::Cursor;
use tree::{Content, TreePath};

/// The package of a suite that has it.
pub(super) const PACKAGE: &str = "nodejs";
/// Where one stands that the source does not have at a place of its own.
const PROGRAM: &str = "/usr/local/bin/node";

/// The program, and what comes with it.
pub(super) struct Runtime {
    /// Where it stands in the image.
    pub program: TreePath,
    content: Content,
    files: Vec<BroughtFile>,
    /// The file of the source for which it stands.
    original: Option<TreePath>,
    /// The file of the source that it is made of, where it does not enter as it is there.
    made_of: Option<(TreePath, Content)>,
    pin: Option<LockedArtifact>,
}

/// Finds the program, or says that there is none.
///
/// # Errors
/// As [`crate::bring`].
pub(super) fn bring(ask: &Ask<'_>, table: &Node) -> Result<Result<Runtime, Problem>, LanguageError> {
    let found = match &table.version {
        Some(version) => official::bring(ask, table, version)?,
        None => own::bring(ask, table)?,
    };
    let mut runtime = match found {
        Ok(runtime) => runtime,
        Err(problem) => return Ok(Err(problem)),
    };
    if table.strip {
        runtime.strip(ask)?;
    }
    Ok(Ok(runtime))
}

impl Runtime {
    /// The bytes of the program.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Puts it where it belongs.
    ///
    /// # Errors
    /// When what it is made of cannot be read.
    pub fn put(self, ask: &Ask<'_>, brought: &mut Brought) -> Result<(), LanguageError> {
        brought.files.extend(self.files);
        if let Some((path, content)) = self.made_of {
            ask.made_of(&path, content.sha256()?, &mut brought.pins);
        }
        brought.pins.artifacts.extend(self.pin);
        brought.stand_ins.extend(self.original.map(|original| (original, self.program)));
        Ok(())
    }

    /// Takes the symbol table out of the program.
    fn strip(&mut self, ask: &Ask<'_>) -> Result<(), LanguageError> {
        let sha256 = self.content.sha256()?;
        let key = key("node-stripped-1", &[&sha256.0]);
        let at = TreePath::root().child(NAME);
        let kept = match Kept::open(ask.workshop.cache, &key) {
            Some(kept) => kept,
            None => {
                let bytes = elf::strip(&self.content).map_err(|source| LanguageError::Strip {
                    program: self.content.origin(),
                    source: Box::new(source),
                })?;
                let failed = |error| LanguageError::write(std::env::temp_dir())(error);
                let mut keeper = Keeper::new(ask.workshop.cache, key, "node, stripped").map_err(failed)?;
                keeper.file(at.clone(), 0o755, &mut Cursor::new(bytes)).map_err(failed)?;
                keeper.finish("").map_err(failed)?
            }
        };
        let Some(entry) = kept.entries.get(&at) else { return Ok(()) };
        for file in self.files.iter_mut().filter(|file| file.path == self.program) {
            file.entry = entry.clone();
            if std::mem::take(&mut file.of_source) {
                self.original = Some(file.path.clone());
                self.made_of = Some((file.path.clone(), self.content.clone()));
            }
        }
        Ok(())
    }
}

/// A file of the runtime.
fn file(path: TreePath, entry: tree::Entry, of_source: bool, reason: plan::reason::Reason) -> BroughtFile {
    BroughtFile { path, entry, layer: BroughtLayer::Runtime, of_source, reason }
}
