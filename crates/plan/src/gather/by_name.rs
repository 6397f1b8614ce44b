//! What programs load by name while running, which no ELF file says: the C library's own loads, and
//! the plugins and data of the table.

use super::Gather;
use crate::{
    draft::LIBS,
    error::PlanError,
    finding::Problem,
    glob::Glob,
    plugins::{self, Row, Verdict},
    reason::Reason,
};
use elf::{Closure, Facts, FactsOf};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::{Entry, TreePath, View};

/// More than any real nsswitch.conf.
const MAX_NSSWITCH: u64 = 1 << 20;

/// What is known of what programs load by name.
#[derive(Default)]
pub(super) struct ByName {
    /// What each program loads, by where it is.
    loads: BTreeMap<TreePath, BTreeSet<TreePath>>,
    /// The paths that the table was asked about.
    asked: BTreeSet<TreePath>,
    /// The rows that something of the image triggers: their place in the table, and what triggers them.
    hits: BTreeSet<(usize, TreePath)>,
    /// What the source has for rows that only hint, each row once.
    offers: BTreeMap<usize, Offer>,
    /// The plugins of each library or program.
    plugins: BTreeMap<TreePath, BTreeSet<TreePath>>,
    /// How many plugins each program was seen to load.
    judged: BTreeMap<TreePath, usize>,
}

/// What the source has, and nobody took so far.
struct Offer {
    trigger: TreePath,
    globs: Vec<String>,
    paths: Vec<TreePath>,
}

impl ByName {
    /// Remembers what a program loads.
    pub fn add_closure(&mut self, program: &TreePath, closure: &Closure) {
        if closure.facts.is_program() {
            let libraries = closure.libraries.iter().map(|library| library.resolution.path.clone());
            self.loads.entry(program.clone()).or_default().extend(libraries);
        }
    }

    /// The plugins of a program and of all that it loads.
    fn plugins_of(&self, program: &TreePath) -> BTreeSet<&TreePath> {
        let loads = self.loads.get(program).into_iter().flatten();
        loads.chain([program]).filter_map(|loader| self.plugins.get(loader)).flatten().collect()
    }
}

impl Gather<'_> {
    /// Takes what is loaded by name, as far as what is in the image so far tells.
    pub(super) fn take_by_name(&mut self) -> Result<(), PlanError> {
        self.take_run_time_loads()?;
        self.take_plugins()?;
        self.take_needs_of_plugins()
    }

    /// Ends the search: tells what the source has for programs of the image and was not taken, and
    /// leaves in the draft what each program loads by name.
    pub fn finish_by_name(&mut self) {
        for (index, offer) in std::mem::take(&mut self.by_name.offers) {
            // Who took some of it has made up their mind.
            if offer.paths.iter().any(|path| self.draft.has(path)) {
                continue;
            }
            let purpose = plugins::table().get(index).map_or("", |row| &row.purpose);
            let Offer { trigger, globs: files, .. } = offer;
            self.draft.report(Problem::PluginsNotTaken { trigger, files, purpose });
        }
        for program in self.by_name.loads.keys() {
            let plugins = self.by_name.plugins_of(program).into_iter().map(TreePath::to_string);
            self.draft.by_name.entry(program.clone()).or_default().extend(plugins);
        }
    }

    /// What the C library loads by name while running.
    fn take_run_time_loads(&mut self) -> Result<(), PlanError> {
        let Some((at, libc)) = self.libc()? else { return Ok(()) };
        let path = TreePath::parse("/etc/nsswitch.conf").ok();
        let nsswitch = match path.and_then(|path| self.draft.tree.get(&path)).and_then(Entry::content) {
            Some(content) => Some(String::from_utf8_lossy(&content.read(MAX_NSSWITCH)?).into_owned()),
            None => None,
        };
        for load in elf::glibc_runtime_loads(nsswitch.as_deref(), &libc) {
            let (by, who) = (Some(at.clone()), "the C library".to_owned());
            let reason = Reason::LoadedByName { by, who, purpose: load.purpose.clone() };
            if !self.take_library(&load.soname, None, reason)? {
                let problem = Problem::MissingRunTimeLoad { soname: load.soname, purpose: load.purpose };
                if !self.draft.findings.iter().any(|finding| finding.problem == problem) {
                    self.draft.report(problem);
                }
            }
        }
        Ok(())
    }

    /// glibc and its facts, if the image has it.
    fn libc(&self) -> Result<Option<(TreePath, Arc<Facts>)>, PlanError> {
        for (path, _) in self.draft.tree.iter().filter(|(path, _)| path.name() == "libc.so.6") {
            let found = self.draft.tree.follow(path)?;
            let content = found.entry.as_ref().and_then(Entry::content);
            if let Some(Ok(Some(facts))) =
                content.map(|content| self.scope.facts.facts_of(&found.path, content))
            {
                return Ok(Some((found.path, facts)));
            }
        }
        Ok(None)
    }

    /// Asks the table about all that was taken since it was last asked.
    fn take_plugins(&mut self) -> Result<(), PlanError> {
        // What the payload brings looks where whoever built it put things, not where a distribution does.
        let new: Vec<TreePath> = self.draft.taken.difference(&self.by_name.asked).cloned().collect();
        for path in new {
            for (index, row) in plugins::table().iter().enumerate() {
                let Some(files) = row.triggered_by(&path, self.scope.machine) else { continue };
                let trigger = self.draft.tree.follow(&path)?.path;
                if self.by_name.hits.insert((index, trigger.clone())) {
                    self.take_row(index, row, &trigger, files)?;
                }
            }
            self.by_name.asked.insert(path);
        }
        Ok(())
    }

    /// Takes the files of a row, or remembers them to be offered.
    fn take_row(
        &mut self,
        index: usize,
        row: &'static Row,
        trigger: &TreePath,
        files: Vec<Vec<String>>,
    ) -> Result<(), PlanError> {
        let except: Vec<Glob> = row.except.iter().filter_map(|glob| Glob::new(glob).ok()).collect();
        let (mut globs, mut paths) = (vec![], vec![]);
        for ways in files {
            for way in ways {
                let Ok(glob) = Glob::new(&way) else { continue };
                let mut walked = self.matching(&glob, &except)?;
                if row.verdict == Verdict::Take {
                    walked.items = self.without_scripts(walked.items)?;
                }
                if !self.leads_to_a_file(&walked.items)? {
                    continue;
                }
                globs.push(way);
                paths.extend(walked.items.iter().map(|(path, _)| path.clone()));
                if row.verdict == Verdict::Take {
                    let (by, who) = (Some(trigger.clone()), trigger.to_string());
                    let reason = Reason::LoadedByName { by, who, purpose: row.purpose.clone() };
                    self.take_walked(walked, LIBS, &reason)?;
                }
                break;
            }
            if row.first && !globs.is_empty() {
                break;
            }
        }
        for path in &paths {
            let Some(content) = self.draft.tree.get(path).and_then(Entry::content) else { continue };
            let facts = self.scope.facts.facts_of(path, content).ok().flatten();
            if facts.is_some_and(|facts| self.is_loadable(&facts) && !facts.is_program()) {
                self.by_name.plugins.entry(trigger.clone()).or_default().insert(path.clone());
            }
        }
        if row.verdict == Verdict::Hint && !globs.is_empty() {
            self.by_name.offers.entry(index).or_insert(Offer { trigger: trigger.clone(), globs, paths });
        }
        Ok(())
    }

    fn leads_to_a_file(&self, items: &[(TreePath, Entry)]) -> Result<bool, PlanError> {
        for (path, _) in items.iter().filter(|(_, entry)| !entry.is_directory()) {
            if self.overlay().follow(path)?.entry.is_some_and(|entry| entry.content().is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Scripts among plugins do not bring a shell or another interpreter along: they stay out where it
    /// is not in the image.
    fn without_scripts(&self, items: Vec<(TreePath, Entry)>) -> Result<Vec<(TreePath, Entry)>, PlanError> {
        let mut kept = vec![];
        for (path, entry) in items {
            let content = entry.content().filter(|_| entry.is_executable());
            let shebang = match content {
                Some(content) => elf::shebang_of(content)?,
                None => None,
            };
            let runs = |interpreter: &str| {
                let at = TreePath::parse(interpreter).ok();
                at.is_some_and(|at| self.draft.tree.follow(&at).is_ok_and(|found| found.entry.is_some()))
            };
            if shebang.is_none_or(|shebang| runs(&shebang.interpreter)) {
                kept.push((path, entry));
            }
        }
        Ok(kept)
    }

    /// Takes what plugins need, in the scope of each program that loads them.
    fn take_needs_of_plugins(&mut self) -> Result<(), PlanError> {
        let programs: Vec<TreePath> = self.by_name.loads.keys().cloned().collect();
        for program in programs {
            let plugins: Vec<String> =
                self.by_name.plugins_of(&program).into_iter().map(TreePath::to_string).collect();
            if self.by_name.judged.insert(program.clone(), plugins.len()).unwrap_or(0) == plugins.len() {
                continue;
            }
            if let Ok(closure) = self.linker(|linker| linker.closure_with(&program, &plugins)) {
                self.take_closure(&program, closure)?;
            }
        }
        Ok(())
    }
}
