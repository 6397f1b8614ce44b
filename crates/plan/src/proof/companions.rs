//! Are the files there that a program does not start without, and that no ELF file names?

use crate::{
    draft::Draft,
    error::PlanError,
    finding::{Finding, Problem},
    tables,
};
use tree::{TreePath, View};

/// Reports programs whose companions are not in the image.
///
/// # Errors
/// When the image's own files cannot be read.
pub(super) fn judge<'p>(
    draft: &Draft,
    programs: impl Iterator<Item = &'p TreePath>,
    problems: &mut Vec<Finding>,
) -> Result<(), PlanError> {
    for program in programs {
        let Some((prefix, version, row)) = tables::companion(program) else { continue };
        let there = |probe: &&&str| {
            let path = prefix.join(&probe.replace("{}", &version));
            path.is_ok_and(|path| draft.tree.follow(&path).is_ok_and(|found| found.entry.is_some()))
        };
        // The interpreter of a virtual environment has its library elsewhere.
        let is_venv = draft.tree.get(&prefix.child("pyvenv.cfg")).is_some();
        if !is_venv && !row.probes.iter().any(|probe| there(&probe)) {
            problems.push(Finding::new(Problem::MissingCompanion {
                program: program.clone(),
                files: row.files(&prefix, &version),
                purpose: row.purpose,
            }));
        }
    }
    Ok(())
}
