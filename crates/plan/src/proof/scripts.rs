//! Does the `#!` of every script that can be executed lead to something that can?

use crate::{
    draft::Draft,
    error::PlanError,
    finding::{Finding, Problem, Severity},
    gather::Scope,
    process,
};
use elf::Shebang;
use tree::{TreePath, View};

/// How many scripts in a row the kernel goes through before it gives up.
const MAX_SCRIPTS: usize = 5;

/// Reports scripts whose interpreter is not in the image, or cannot run them.
///
/// # Errors
/// When the image's own files cannot be read.
pub(super) fn judge(
    draft: &Draft,
    scope: Scope<'_>,
    program: Option<&TreePath>,
    is_whole: bool,
    problems: &mut Vec<Finding>,
) -> Result<(), PlanError> {
    for (path, entry) in draft.tree.iter().filter(|(_, entry)| entry.is_executable()) {
        if draft.read.contains(path) && program != Some(path) {
            continue;
        }
        let Some(content) = entry.content() else { continue };
        let Some(shebang) = elf::shebang_of(content)? else { continue };
        let interpreter = shebang.interpreter.clone();
        // What the process runs is wanted, wherever it is from.
        let of_source = draft.taken.contains(path) && program != Some(path);
        let finding = |problem| match Finding::new(problem) {
            finding if is_whole && of_source => finding.with_severity(Severity::Warning),
            finding => finding,
        };
        let unusable = match interpreter_of(draft, &shebang)? {
            Interpreter::Missing => None,
            Interpreter::Useless(why) => Some(why.to_owned()),
            Interpreter::Script(next) if row(draft, &next)? >= MAX_SCRIPTS => {
                Some(format!("the kernel goes through no more than {MAX_SCRIPTS} scripts"))
            }
            Interpreter::Script(_) | Interpreter::Program => {
                let missing = match (elf::env_unsplit(&shebang), elf::env_program(&shebang)) {
                    (Some(all), _) => Some(all.to_owned()),
                    (None, Some(program)) => {
                        let found = process::find(&draft.tree, &program, &TreePath::root(), scope.path)?;
                        found.is_none().then_some(program)
                    }
                    (None, None) => None,
                };
                if let Some(program) = missing {
                    let (script, path) = (path.clone(), scope.path.to_owned());
                    problems.push(finding(Problem::MissingOnPath { script, program, path, of_source }));
                }
                continue;
            }
        };
        let script = path.clone();
        let problem = Problem::MissingScriptInterpreter { script, interpreter, unusable, of_source };
        problems.push(finding(problem));
    }
    Ok(())
}

/// What a `#!` leads to.
enum Interpreter {
    Missing,
    /// Something that cannot be started, and why.
    Useless(&'static str),
    Program,
    Script(Shebang),
}

fn interpreter_of(draft: &Draft, shebang: &Shebang) -> Result<Interpreter, PlanError> {
    let Ok(path) = TreePath::parse(&shebang.interpreter) else { return Ok(Interpreter::Missing) };
    let Some(entry) = draft.tree.follow(&path)?.entry else { return Ok(Interpreter::Missing) };
    let Some(content) = entry.content() else { return Ok(Interpreter::Useless("it is no regular file")) };
    if !entry.is_executable() {
        return Ok(Interpreter::Useless("its mode has no execute bit"));
    }
    // Whether a program is one for this machine is told elsewhere.
    if content.starts_with(b"\x7fELF")? {
        return Ok(Interpreter::Program);
    }
    Ok(match elf::shebang_of(content)? {
        Some(next) => Interpreter::Script(next),
        None => {
            Interpreter::Useless("it is neither an ELF program nor a script that begins with #! and a path")
        }
    })
}

/// How many scripts there are in a row from the one with this line on; no more than the kernel would
/// go through are counted. One of them that leads nowhere is told by itself.
fn row(draft: &Draft, first: &Shebang) -> Result<usize, PlanError> {
    let mut shebang = first.clone();
    for count in 1..MAX_SCRIPTS {
        match interpreter_of(draft, &shebang)? {
            Interpreter::Script(next) => shebang = next,
            _ => return Ok(count),
        }
    }
    Ok(MAX_SCRIPTS)
}
