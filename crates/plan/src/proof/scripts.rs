//! Does the `#!` of every script that can be executed lead to something that can?

use crate::{
    draft::Draft,
    error::PlanError,
    finding::{Finding, Problem},
    gather::Scope,
    process,
};
use tree::{TreePath, View};

/// Reports scripts whose interpreter is not in the image.
///
/// # Errors
/// When the image's own files cannot be read.
pub(super) fn judge(draft: &Draft, scope: Scope<'_>, problems: &mut Vec<Finding>) -> Result<(), PlanError> {
    for (path, entry) in draft.tree.iter().filter(|(_, entry)| entry.is_executable()) {
        let Some(content) = entry.content() else { continue };
        let Some(shebang) = elf::shebang_of(content)? else { continue };
        let interpreter = shebang.interpreter.clone();
        let runs = |at: &TreePath| -> Result<bool, PlanError> {
            Ok(draft.tree.follow(at)?.entry.is_some_and(|entry| entry.is_executable()))
        };
        let found = match TreePath::parse(&interpreter) {
            Ok(at) => runs(&at)?,
            Err(_) => false,
        };
        if !found {
            let script = path.clone();
            let of_source = draft.taken.contains(path);
            problems.push(Finding::new(Problem::MissingScriptInterpreter { script, interpreter, of_source }));
            continue;
        }
        if let Some(program) = elf::env_program(&shebang)
            && process::find(&draft.tree, &program, &TreePath::root(), scope.path)?.is_none()
        {
            let (script, path) = (path.clone(), scope.path.to_owned());
            problems.push(Finding::new(Problem::MissingOnPath { script, program, path }));
        }
    }
    Ok(())
}
