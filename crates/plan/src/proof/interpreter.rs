//! Is the loader that a program names there, and can it load the program?

use super::libc;
use crate::{
    draft::Draft,
    finding::{Finding, Problem},
};
use elf::{Closure, Facts, Flavor};
use tree::TreePath;

/// Reports a loader that is not there or of no use.
pub(super) fn judge(
    draft: &Draft,
    program: &TreePath,
    facts: &Facts,
    closure: &Closure,
    is_glibc_source: bool,
    problems: &mut Vec<Finding>,
) {
    let (Some(written), Some(found)) = (facts.interpreter.clone(), &closure.interpreter) else { return };
    let unusable = match (&found.unusable, &found.resolution.entry) {
        (Some(unusable), _) => Some(unusable.to_string()),
        (None, Some(entry)) if entry.is_executable() => return,
        (None, Some(_)) => Some("its mode has no execute bit".to_owned()),
        (None, None) => None,
    };
    let is_musl = |name: &str| name.contains("ld-musl");
    let names = || draft.tree.iter().map(|(path, _)| path.name());
    let is_glibc = || is_glibc_source || names().any(|name| name == "libc.so.6");
    let hint = if unusable.is_some() {
        None
    } else if is_musl(&written) && is_glibc() {
        Some(libc::advice(program, Flavor::Musl))
    } else if !is_musl(&written) && names().any(is_musl) {
        Some(libc::advice(program, Flavor::Glibc))
    } else if is_musl(&written) {
        Some(format!(
            "{program} is built for musl, and the runtime source has no musl: link it statically, or \
             name a root file system with musl as [runtime] source"
        ))
    } else {
        Some("take it from a [runtime] source that has it, or link the program statically".into())
    };
    let program = program.clone();
    let problem = Problem::MissingInterpreter { program, interpreter: written, unusable, hint };
    problems.push(Finding::new(problem));
}
