//! Would everything in the image start? Judged on the finished tree alone, by the loader that is in
//! it: nothing of the source or the builder is seen here.

use crate::{
    draft::Draft,
    error::PlanError,
    finding::{Finding, Problem, Severity},
    glob::Glob,
    process,
    spec::Allow,
    tables,
};
use elf::{Closure, Facts, FactsMemo, FactsOf, Interpreter, Linker, Machine};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::{TreePath, View};

/// As much of a file as the kernel looks at for a `#!`.
const SHEBANG: usize = 256;

/// What the proof goes by.
pub(crate) struct Proof<'a> {
    pub machine: &'a Machine,
    pub facts: &'a FactsMemo,
    /// The directories of LD_LIBRARY_PATH in the image.
    pub library_path: &'a str,
    /// The PATH of the image.
    pub path: &'a str,
    pub allow: &'a [Allow],
}

/// A missing library or version, with everybody who needs it.
type Needs<K> = BTreeMap<K, BTreeSet<TreePath>>;

#[derive(Default)]
struct Verdict {
    missing: Needs<String>,
    unusable: BTreeMap<String, (TreePath, String)>,
    off_path: Needs<(String, TreePath)>,
    versions: Needs<(String, TreePath)>,
    /// Every file that the closure of a program loads.
    reached: BTreeSet<TreePath>,
}

impl Proof<'_> {
    /// Judges every file of the draft, and reports what would not start.
    ///
    /// # Errors
    /// When the image's own files cannot be read.
    pub fn run(&self, draft: &mut Draft) -> Result<(), PlanError> {
        let mut problems = vec![];
        let files = self.elf_files(draft, &mut problems)?;
        let mut verdict = Verdict::default();
        let linker = Linker::new(&draft.tree, self.facts).ld_library_path(self.library_path);
        for (path, facts) in files.iter().filter(|(_, facts)| facts.is_program()) {
            let Ok(closure) = linker.closure(path) else { continue };
            self.judge_interpreter(draft, path, facts, &closure, &mut problems)?;
            verdict.reached.extend(closure.libraries.iter().map(|library| library.resolution.path.clone()));
            verdict.add(closure, None);
        }
        let names = names_of(&files);
        let loaded = std::mem::take(&mut verdict.reached);
        for (path, _) in files.iter().filter(|(path, facts)| !facts.is_program() && !loaded.contains(*path)) {
            if let Ok(closure) = linker.closure(path) {
                verdict.add(closure, Some(&names));
            }
        }
        self.judge_scripts(draft, &mut problems)?;
        self.judge_companions(draft, files.keys(), &mut problems)?;
        problems.extend(self.words(draft, verdict).into_iter().map(Finding::new));
        draft.findings.extend(problems);
        Ok(())
    }

    /// Every ELF file that could be loaded, with its facts.
    fn elf_files(
        &self,
        draft: &Draft,
        problems: &mut Vec<Finding>,
    ) -> Result<BTreeMap<TreePath, Arc<Facts>>, PlanError> {
        let mut files = BTreeMap::new();
        for (path, entry) in draft.tree.iter() {
            let Some(content) = entry.content() else { continue };
            match self.facts.facts_of(path, content) {
                Ok(None) => {}
                Ok(Some(facts)) if matches!(facts.kind, elf::Kind::Other(_)) => {}
                Ok(Some(facts)) if !facts.machine.matches(self.machine) => {
                    let (is, wanted) = (facts.machine.to_string(), self.machine.to_string());
                    problems.push(Finding::new(Problem::WrongMachine { path: path.clone(), is, wanted }));
                }
                Ok(Some(facts)) => {
                    files.insert(path.clone(), facts);
                }
                Err(error) => {
                    let problem = Problem::DamagedElf { path: path.clone(), reason: error.to_string() };
                    // A file that nothing can execute may be anything that begins like ELF.
                    let severity = if entry.is_executable() || path.name().contains(".so") {
                        Severity::Error
                    } else {
                        Severity::Warning
                    };
                    problems.push(Finding { problem, severity });
                }
            }
        }
        Ok(files)
    }

    fn judge_interpreter(
        &self,
        draft: &Draft,
        program: &TreePath,
        facts: &Facts,
        closure: &Closure,
        problems: &mut Vec<Finding>,
    ) -> Result<(), PlanError> {
        let Some(written) = facts.interpreter.clone() else { return Ok(()) };
        if closure.interpreter.as_ref().is_some_and(Interpreter::is_found) {
            return Ok(());
        }
        let is_musl = |name: &str| name.contains("ld-musl");
        let loaders = || draft.tree.iter().map(|(path, _)| path.name().to_owned());
        let hint = if is_musl(&written) && loaders().any(|name| name.starts_with("ld-linux")) {
            Some(format!(
                "{program} is built for musl, this image is glibc: build it for a -gnu target, link it \
                 statically, or take the libraries from a musl root file system"
            ))
        } else if !is_musl(&written) && loaders().any(|name| is_musl(&name)) {
            Some(format!(
                "{program} is built for glibc, this image is musl: build it for a -musl target, or take \
                 the libraries from a glibc root file system"
            ))
        } else if is_musl(&written) {
            Some(format!(
                "{program} is built for musl, and the runtime source has no musl: link it statically, or \
                 name a root file system with musl as [runtime] source"
            ))
        } else {
            Some("take it from a [runtime] source that has it, or link the program statically".into())
        };
        let program = program.clone();
        problems.push(Finding::new(Problem::MissingInterpreter { program, interpreter: written, hint }));
        Ok(())
    }

    fn judge_scripts(&self, draft: &Draft, problems: &mut Vec<Finding>) -> Result<(), PlanError> {
        for (path, entry) in draft.tree.iter().filter(|(_, entry)| entry.is_executable()) {
            let Some(content) = entry.content() else { continue };
            let head = content.head(SHEBANG)?;
            let Some(shebang) = elf::shebang(&head) else { continue };
            let interpreter = shebang.interpreter.clone();
            let runs = |at: &TreePath| -> Result<bool, PlanError> {
                Ok(draft.tree.resolve(at)?.entry.is_some_and(|entry| entry.is_executable()))
            };
            let found = match TreePath::parse(&interpreter) {
                Ok(at) => runs(&at)?,
                Err(_) => false,
            };
            if !found {
                let script = path.clone();
                problems.push(Finding::new(Problem::MissingScriptInterpreter { script, interpreter }));
                continue;
            }
            if let Some(program) = elf::env_program(&shebang)
                && process::find(&draft.tree, &program, &TreePath::root(), self.path)?.is_none()
            {
                let (script, path) = (path.clone(), self.path.to_owned());
                problems.push(Finding::new(Problem::MissingOnPath { script, program, path }));
            }
        }
        Ok(())
    }

    fn judge_companions<'p>(
        &self,
        draft: &Draft,
        programs: impl Iterator<Item = &'p TreePath>,
        problems: &mut Vec<Finding>,
    ) -> Result<(), PlanError> {
        for program in programs {
            let Some((prefix, version, row)) = tables::companion(program) else { continue };
            let there = |probe: &&&str| {
                let path = prefix.join(&probe.replace("{}", &version));
                path.is_ok_and(|path| draft.tree.resolve(&path).is_ok_and(|found| found.entry.is_some()))
            };
            if row.probes.iter().find(there).is_none() {
                problems.push(Finding::new(Problem::MissingCompanion {
                    program: program.clone(),
                    files: row.files(&version),
                    purpose: row.purpose,
                }));
            }
        }
        Ok(())
    }

    fn words(&self, draft: &Draft, verdict: Verdict) -> Vec<Problem> {
        let allowed = |soname: &str| {
            self.allow.iter().any(|allow| match allow {
                Allow::Unresolved(glob) => Glob::new(glob).is_ok_and(|glob| glob.matches(soname)),
                _ => false,
            })
        };
        let mut problems = vec![];
        for (soname, needed_by) in verdict.missing {
            if allowed(&soname) {
                continue;
            }
            let needed_by: Vec<TreePath> = needed_by.into_iter().collect();
            let first = needed_by.first().map(|path| draft.reasons.chain(path)).unwrap_or_default();
            let chain = first.into_iter().map(|(path, _)| path).collect();
            let packages = tables::packages_with(&soname);
            let unusable = verdict.unusable.get(&soname).cloned();
            problems.push(Problem::MissingLibrary { soname, needed_by, chain, packages, unusable });
        }
        for ((version, library), needed_by) in verdict.versions {
            let needed_by = needed_by.into_iter().collect();
            problems.push(Problem::MissingVersion { version, library, needed_by });
        }
        for ((soname, path), needed_by) in verdict.off_path {
            let needed_by = needed_by.into_iter().collect();
            problems.push(Problem::OffSearchPath { soname, path, needed_by });
        }
        problems
    }
}

impl Verdict {
    /// Adds what a closure lacks. `names`: for a file that no program is known to load, a library that
    /// is somewhere in the image may be found by the one that does.
    fn add(&mut self, closure: Closure, names: Option<&BTreeMap<String, TreePath>>) {
        // Findings name files by where they are, not by how they are opened.
        let mut real: BTreeMap<&TreePath, &TreePath> =
            closure.libraries.iter().map(|library| (&library.path, &library.resolution.path)).collect();
        real.insert(&closure.program, &closure.resolution.path);
        let at = |path: &TreePath| real.get(path).map_or_else(|| path.clone(), |real| (*real).clone());
        for missing in &closure.missing {
            let needed_by = missing.needed_by.iter().map(at);
            let soname = missing.soname.clone();
            if let Some(path) = names.and_then(|names| names.get(&soname)) {
                self.off_path.entry((soname, path.clone())).or_default().extend(needed_by);
                continue;
            }
            if let Some((path, unusable)) = &missing.found_but {
                self.unusable.insert(soname.clone(), (path.clone(), unusable.to_string()));
            }
            self.missing.entry(soname).or_default().extend(needed_by);
        }
        for unsatisfied in &closure.unsatisfied {
            let key = (unsatisfied.version.clone(), at(&unsatisfied.library));
            self.versions.entry(key).or_default().extend(unsatisfied.needed_by.iter().map(at));
        }
    }
}

/// The names that files of the image answer to: their own, and their soname.
fn names_of(files: &BTreeMap<TreePath, Arc<Facts>>) -> BTreeMap<String, TreePath> {
    let mut names = BTreeMap::new();
    for (path, facts) in files {
        for name in facts.soname.iter().map(String::as_str).chain([path.name()]) {
            names.entry(name.to_owned()).or_insert_with(|| path.clone());
        }
    }
    names
}
