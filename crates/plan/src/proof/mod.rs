//! Would everything in the image start? Judged on the finished tree alone, by the loader that is in
//! it: nothing of the source or the builder is seen here.
//!
//! Each file here asks one question of the image, and adds what is wrong to a list of problems.

mod companions;
mod interpreter;
mod libc;
mod objects;
mod processor;
mod programs;
mod scripts;
mod symbols;
mod verdict;

use crate::{draft::Draft, error::PlanError, gather::Scope, process::Process, spec::Allow};
use elf::{CachePolicy, Linker};
use std::collections::BTreeMap;
use tree::TreePath;

/// What the proof goes by.
pub(crate) struct Proof<'a> {
    pub scope: Scope<'a>,
    pub allow: &'a [Allow],
    pub process: &'a Process,
    /// The program that the process runs, where the image has it.
    pub program: Option<&'a TreePath>,
    /// Does the source have glibc? It decides what is advised, never what is judged.
    pub is_glibc_source: bool,
    /// Do packages enter as a whole, with scripts whose interpreter does not?
    pub is_whole: bool,
}

/// What the ELF files of the image came to.
#[derive(Default)]
pub(crate) struct Loaded {
    /// What is opened to start each program beside itself: its loader and its libraries, and the links to
    /// them.
    pub programs: BTreeMap<TreePath, Vec<Opened>>,
    /// What cannot be started, in words: `a shared object`.
    pub others: BTreeMap<TreePath, &'static str>,
}

/// A file or link that is opened to start a program.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    /// Where it is.
    pub path: TreePath,
    /// What is done with it, as the rights of [`access`](crate::process::access).
    pub right: u32,
}

impl Proof<'_> {
    /// Judges every file of the draft, and reports what would not start.
    ///
    /// # Errors
    /// When the image's own files cannot be read.
    pub fn run(&self, draft: &mut Draft) -> Result<Loaded, PlanError> {
        let mut problems = vec![];
        let linker = Linker::new(&draft.tree, self.scope.facts)
            .ld_library_path(self.scope.library_path)
            .cache_policy(CachePolicy::AsIs);
        let objects = objects::read(draft, self.scope, &mut problems);
        let programs = programs::judge(self, draft, &linker, &objects, &mut problems);
        processor::judge(&objects, &programs, &mut problems);
        scripts::judge(draft, self.scope, self.program, self.is_whole, &mut problems)?;
        companions::judge(draft, objects.files.keys(), &mut problems)?;
        draft.findings.extend(problems);
        Ok(Loaded { programs, others: objects.others })
    }
}
