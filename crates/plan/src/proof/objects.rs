//! Which files of the image are ELF files, and are they for its machine?

use crate::{
    draft::Draft,
    finding::{Finding, Problem, Severity},
    gather::Scope,
};
use elf::{ElfError, Facts, FactsOf};
use std::{collections::BTreeMap, sync::Arc};
use tree::TreePath;

/// The ELF files of an image.
#[derive(Default)]
pub(super) struct Objects {
    /// Those that could be loaded, with their facts.
    pub files: BTreeMap<TreePath, Arc<Facts>>,
    /// Those that cannot be started, in words: `a shared object`.
    pub others: BTreeMap<TreePath, &'static str>,
}

/// Reads the ELF files of the draft, and reports those that are damaged or for another machine.
pub(super) fn read(draft: &Draft, scope: Scope<'_>, problems: &mut Vec<Finding>) -> Objects {
    let mut objects = Objects::default();
    for (path, entry) in draft.tree.iter() {
        let Some(content) = entry.content() else { continue };
        match scope.facts.facts_of(path, content) {
            Ok(None) => {}
            Ok(Some(facts)) if matches!(facts.kind, elf::Kind::Other(_)) => {
                objects.others.insert(path.clone(), facts.kind.word());
            }
            // Code for a graphics card is data to the program that brings it.
            Ok(Some(facts)) if !facts.machine.has_linux() && facts.interpreter.is_none() => {
                objects.others.insert(path.clone(), "for an unknown machine");
            }
            Ok(Some(facts)) if !facts.machine.matches(scope.machine) => {
                let (is, wanted) = (facts.machine.to_string(), scope.machine.to_string());
                let of_source = draft.taken.contains(path);
                // Packages bring helpers for what else the processors run: they harm nobody who does
                // not start them. One that needs a loader could not be judged.
                let harmless =
                    of_source && facts.interpreter.is_none() && scope.machine.also_runs(&facts.machine);
                let problem = Problem::WrongMachine { path: path.clone(), is, wanted, of_source };
                if harmless && !facts.is_program() {
                    objects.others.insert(path.clone(), facts.kind.word());
                }
                let severity = if harmless { Severity::Warning } else { Severity::Error };
                problems.push(Finding::new(problem).with_severity(severity));
            }
            Ok(Some(facts)) => {
                // A library that names a loader can be started, as the C library can.
                if !facts.is_program() && facts.interpreter.is_none() {
                    objects.others.insert(path.clone(), facts.kind.word());
                }
                objects.files.insert(path.clone(), facts);
            }
            Err(error) => {
                let problem = damaged(path, &error);
                // A file that nothing can execute may be anything that begins like ELF.
                let severity = if entry.is_executable() || path.name().contains(".so") {
                    Severity::Error
                } else {
                    Severity::Warning
                };
                problems.push(Finding::new(problem).with_severity(severity));
            }
        }
    }
    objects
}

/// A file that cannot be understood, with the reason alone: the path says which one it is.
pub(super) fn damaged(path: &TreePath, error: &ElfError) -> Problem {
    let reason = match error {
        ElfError::Damaged { what, .. } => what.clone(),
        other => other.to_string(),
    };
    Problem::DamagedElf { path: path.clone(), reason }
}
