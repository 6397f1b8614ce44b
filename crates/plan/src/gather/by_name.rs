//! What programs load by name while running, which no ELF file says: the C library's own loads, and
//! the plugins and data of the table.

use super::Gather;
use crate::{error::PlanError, finding::Problem, plugins, reason::Reason, tables};
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
    /// The libraries that programs and the payload need themselves.
    direct: BTreeSet<String>,
    /// The paths that the table was asked about.
    asked: BTreeSet<TreePath>,
    /// The rows that something of the image triggers: their place in the table, what triggers them, and
    /// the files that are meant then.
    hits: BTreeSet<(usize, TreePath, Vec<Vec<String>>)>,
    /// What the source has for rows that only hint, each row once.
    pub offers: BTreeMap<usize, Offer>,
    /// The plugins of each library or program.
    pub plugins: BTreeMap<TreePath, BTreeSet<TreePath>>,
    /// Plugins that the source has and could not load, by the library that it lacks.
    pub left_out: BTreeMap<String, BTreeSet<TreePath>>,
    /// How many plugins each program was seen to load.
    judged: BTreeMap<TreePath, usize>,
}

/// What the source has, and nobody took so far.
pub(super) struct Offer {
    pub trigger: TreePath,
    pub globs: Vec<String>,
    pub paths: Vec<TreePath>,
}

impl ByName {
    /// Remembers what a program, or a library of the payload, loads.
    pub fn add_closure(&mut self, by: &TreePath, closure: &Closure) {
        self.direct.extend(closure.facts.needed.iter().cloned());
        if closure.facts.is_program() {
            let libraries = closure.libraries.iter().map(|library| library.resolution.path.clone());
            self.loads.entry(by.clone()).or_default().extend(libraries);
        }
    }

    /// A program that loads this library, or is it.
    pub fn program_with(&self, library: &TreePath) -> Option<&TreePath> {
        let mut programs = self.loads.iter();
        programs.find(|(program, loads)| *program == library || loads.contains(library)).map(|(it, _)| it)
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
        self.take_noted()?;
        self.take_plugins()?;
        self.take_needs_of_plugins()
    }

    /// Ends the search: tells what the source has for programs of the image and was not taken, and
    /// leaves in the draft what each program loads by name.
    ///
    /// # Errors
    /// When a file of the payload cannot be read.
    pub fn finish_by_name(&mut self, process: Option<&TreePath>) -> Result<(), PlanError> {
        for (index, offer) in std::mem::take(&mut self.by_name.offers) {
            // Who took some of it has made up their mind.
            if offer.paths.iter().any(|path| self.draft.has(path)) {
                continue;
            }
            let purpose = plugins::table().get(index).map_or("", |row| &row.purpose);
            let Offer { trigger, globs: files, .. } = offer;
            self.draft.report(Problem::PluginsNotTaken { trigger, files, purpose });
        }
        for (soname, plugins) in std::mem::take(&mut self.by_name.left_out) {
            let (packages, plugins) = (tables::packages_with(&soname), plugins.into_iter().collect());
            self.draft.report(Problem::PluginsLeftOut { soname, plugins, packages });
        }
        for program in self.by_name.loads.keys() {
            let plugins = self.by_name.plugins_of(program).into_iter().map(TreePath::to_string);
            let loads = self.by_name.loads.get(program).into_iter().flatten().chain([program]);
            let noted = loads.filter_map(|file| self.notes.taken.get(file)).flatten().cloned();
            self.draft.by_name.entry(program.clone()).or_default().extend(plugins.chain(noted));
        }
        self.tell_wishes();
        self.tell_mentions(process)
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
            let mut waits = false;
            for (index, row) in plugins::table().iter().enumerate() {
                let Some(files) = row.triggered_by(&path, self.scope.machine) else { continue };
                if row.direct && !self.by_name.direct.contains(path.name()) {
                    // Who needs it may come later.
                    waits = true;
                    continue;
                }
                let trigger = self.draft.tree.follow(&path)?.path;
                if self.by_name.hits.insert((index, trigger.clone(), files.clone())) {
                    self.take_row(index, row, &trigger, files)?;
                }
            }
            if !waits {
                self.by_name.asked.insert(path);
            }
        }
        Ok(())
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
