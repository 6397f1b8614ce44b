//! Would everything in the image start? Judged on the finished tree alone, by the loader that is in
//! it: nothing of the source or the builder is seen here.

use crate::{
    draft::Draft,
    error::PlanError,
    finding::{Finding, Problem, Severity},
    gather::Scope,
    glob::Glob,
    process,
    spec::Allow,
    tables,
};
use elf::{CachePolicy, Closure, ElfError, Facts, FactsOf, Linker};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::{TreePath, View};

/// What the proof goes by.
pub(crate) struct Proof<'a> {
    pub scope: Scope<'a>,
    pub allow: &'a [Allow],
    /// The process's program, with the libraries that the spec says it loads by name.
    pub dlopen: (Option<TreePath>, Vec<String>),
}

/// What the ELF files of the image came to.
#[derive(Default)]
pub(crate) struct Loaded {
    /// What each program loads: its loader and its libraries, by where they are.
    pub programs: BTreeMap<TreePath, Vec<TreePath>>,
    /// What cannot be started, in words: `a shared object`.
    pub others: BTreeMap<TreePath, &'static str>,
}

/// A missing library or version, with everybody who needs it.
type Needs<K> = BTreeMap<K, BTreeSet<TreePath>>;

#[derive(Default)]
struct Verdict {
    missing: Needs<String>,
    unusable: BTreeMap<String, (TreePath, String)>,
    off_path: Needs<(String, TreePath)>,
    versions: Needs<(String, TreePath)>,
    unversioned: Needs<TreePath>,
}

impl Proof<'_> {
    /// Judges every file of the draft, and reports what would not start.
    ///
    /// # Errors
    /// When the image's own files cannot be read.
    pub fn run(&self, draft: &mut Draft) -> Result<Loaded, PlanError> {
        let mut problems = vec![];
        let (files, others) = self.elf_files(draft, &mut problems);
        let mut verdict = Verdict::default();
        let linker = Linker::new(&draft.tree, self.scope.facts)
            .ld_library_path(self.scope.library_path)
            .cache_policy(CachePolicy::AsIs);
        let mut loaded = Loaded { others, ..Loaded::default() };
        for (path, facts) in files.iter().filter(|(_, facts)| facts.is_program()) {
            let by_name = if self.dlopen.0.as_ref() == Some(path) { &self.dlopen.1[..] } else { &[] };
            match linker.closure_with(path, by_name) {
                Ok(closure) => {
                    self.judge_interpreter(draft, path, facts, &closure, &mut problems);
                    let interpreter =
                        closure.interpreter.iter().map(|interpreter| &interpreter.resolution.path);
                    let libraries = closure.libraries.iter().map(|library| &library.resolution.path);
                    loaded.programs.insert(path.clone(), interpreter.chain(libraries).cloned().collect());
                    verdict.add(closure, None);
                }
                Err(error) => problems.push(damaged(path, &error)),
            }
        }
        let names = names_of(&files);
        let reached: BTreeSet<&TreePath> = loaded.programs.values().flatten().collect();
        for (path, _) in files.iter().filter(|(path, facts)| !facts.is_program() && !reached.contains(path)) {
            match linker.closure(path) {
                Ok(closure) => verdict.add(closure, Some(&names)),
                Err(error) => problems.push(damaged(path, &error)),
            }
        }
        self.judge_scripts(draft, &mut problems)?;
        self.judge_companions(draft, files.keys(), &mut problems)?;
        problems.extend(self.words(draft, verdict).into_iter().map(Finding::new));
        draft.findings.extend(problems);
        Ok(loaded)
    }

    /// Every ELF file that could be loaded, with its facts; and those that could not be started.
    fn elf_files(
        &self,
        draft: &Draft,
        problems: &mut Vec<Finding>,
    ) -> (BTreeMap<TreePath, Arc<Facts>>, BTreeMap<TreePath, &'static str>) {
        let mut files = BTreeMap::new();
        let mut others = BTreeMap::new();
        for (path, entry) in draft.tree.iter() {
            let Some(content) = entry.content() else { continue };
            match self.scope.facts.facts_of(path, content) {
                Ok(None) => {}
                Ok(Some(facts)) if matches!(facts.kind, elf::Kind::Other(_)) => {
                    others.insert(path.clone(), facts.kind.word());
                }
                Ok(Some(facts)) if !facts.machine.matches(self.scope.machine) => {
                    let (is, wanted) = (facts.machine.to_string(), self.scope.machine.to_string());
                    problems.push(Finding::new(Problem::WrongMachine { path: path.clone(), is, wanted }));
                }
                Ok(Some(facts)) => {
                    if !facts.is_program() {
                        others.insert(path.clone(), facts.kind.word());
                    }
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
        (files, others)
    }

    fn judge_interpreter(
        &self,
        draft: &Draft,
        program: &TreePath,
        facts: &Facts,
        closure: &Closure,
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
        let loaders = || draft.tree.iter().map(|(path, _)| path.name().to_owned());
        let hint = if unusable.is_some() {
            None
        } else if is_musl(&written) && loaders().any(|name| name.starts_with("ld-linux")) {
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
        let problem = Problem::MissingInterpreter { program, interpreter: written, unusable, hint };
        problems.push(Finding::new(problem));
    }

    fn judge_scripts(&self, draft: &Draft, problems: &mut Vec<Finding>) -> Result<(), PlanError> {
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
                problems.push(Finding::new(Problem::MissingScriptInterpreter {
                    script,
                    interpreter,
                    of_source,
                }));
                continue;
            }
            if let Some(program) = elf::env_program(&shebang)
                && process::find(&draft.tree, &program, &TreePath::root(), self.scope.path)?.is_none()
            {
                let (script, path) = (path.clone(), self.scope.path.to_owned());
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
        for (library, needed_by) in verdict.unversioned {
            problems.push(Problem::Unversioned { library, needed_by: needed_by.into_iter().collect() });
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
        for unversioned in &closure.unversioned {
            let needed_by = unversioned.needed_by.iter().map(at);
            self.unversioned.entry(at(&unversioned.library)).or_default().extend(needed_by);
        }
        for unsatisfied in &closure.unsatisfied {
            let key = (unsatisfied.version.clone(), at(&unsatisfied.library));
            self.versions.entry(key).or_default().extend(unsatisfied.needed_by.iter().map(at));
        }
    }
}

fn damaged(path: &TreePath, error: &ElfError) -> Finding {
    Finding::new(Problem::DamagedElf { path: path.clone(), reason: error.to_string() })
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
