//! What the payload needs of the source: libraries, loaders, interpreters, and the links to them.

mod by_name;
mod notes;
mod packed;
mod rows;
mod walk;

pub(crate) use walk::Choice;

use crate::{
    draft::{BASE, Draft, LIBS, Origin},
    error::PlanError,
    finding::Problem,
    process,
    reason::Reason,
    tables,
};
use by_name::ByName;
use elf::{CachePolicy, Closure, Facts, FactsMemo, FactsOf, Library, Linker, Machine, Rule, Shebang};
use notes::Notes;
use std::collections::{BTreeMap, BTreeSet};
use tree::{Entry, Kind, Overlay, Resolution, TreePath, View};

/// What programs of the image go by, wherever they are looked at.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub machine: &'a Machine,
    /// What is known of ELF files.
    pub facts: &'a FactsMemo,
    /// LD_LIBRARY_PATH in the image.
    pub library_path: &'a str,
    /// The PATH of the image.
    pub path: &'a str,
}

/// Collects into a draft what its files need of a source.
pub(crate) struct Gather<'a> {
    pub draft: &'a mut Draft,
    /// Where libraries come from.
    pub source: &'a dyn View,
    pub scope: Scope<'a>,
    /// Directories that the loader was told of, or has built in, with the libraries found there.
    pub library_dirs: BTreeMap<TreePath, BTreeSet<TreePath>>,
    /// Scripts of whole packages that start with a shell: they bring none.
    pub quiet_scripts: BTreeSet<TreePath>,
    queue: Vec<TreePath>,
    seen: BTreeSet<TreePath>,
    /// What is known of what programs load by name.
    by_name: ByName,
    notes: Notes,
}

/// What a file was found to need.
enum Need {
    Libraries(Box<Closure>),
    Interpreter(Shebang),
}

impl<'a> Gather<'a> {
    pub fn new(draft: &'a mut Draft, source: &'a dyn View, scope: Scope<'a>) -> Self {
        // Whatever the user brought is looked at: not only the entrypoint needs libraries. What a base has is looked at
        // when something asks for it.
        let is_file = |path: &TreePath, entry: &Entry| entry.content().is_some() && draft.is_own(path);
        let files = draft.tree.iter().filter(|(path, entry)| is_file(path, entry));
        let queue = files.map(|(path, _)| path.clone()).collect();
        let (library_dirs, seen, quiet_scripts) = Default::default();
        let (by_name, notes) = (ByName::default(), Notes::default());
        Gather { draft, source, scope, library_dirs, quiet_scripts, queue, seen, by_name, notes }
    }

    /// Takes `path` from the image so far or from the source, with every link on the way. What it
    /// leads to is looked at later. False: nothing is there.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn take(&mut self, path: &TreePath, layer: &str, reason: Reason) -> Result<bool, PlanError> {
        let found = self.overlay().follow(path)?;
        self.take_found(&found, layer, [reason])
    }

    /// Takes an entry of the source itself, at the path where it stands: a link is not followed.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn put_of_package(
        &mut self,
        path: &TreePath,
        entry: Entry,
        reason: &Reason,
    ) -> Result<(), PlanError> {
        self.put(path, entry, LIBS, reason.clone())
    }

    /// As [`Gather::put_of_package`], for what an interpreter reads: it needs none of its own, whatever its first line says.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn put_read(&mut self, path: &TreePath, entry: Entry, reason: &Reason) -> Result<(), PlanError> {
        if !self.draft.has(path) {
            self.seen.insert(path.clone());
            self.draft.read.insert(path.clone());
        }
        self.put_of_package(path, entry, reason)
    }

    /// Takes what a path was found to lead to.
    fn take_found(
        &mut self,
        found: &Resolution,
        layer: &str,
        reasons: impl IntoIterator<Item = Reason>,
    ) -> Result<bool, PlanError> {
        let Some(entry) = &found.entry else { return Ok(false) };
        self.take_links(&found.links, &found.path, layer)?;
        for reason in reasons {
            self.put(&found.path, entry.clone(), layer, reason)?;
        }
        Ok(true)
    }

    /// Looks at everything that was taken, takes what it needs, and looks at that, until nothing new
    /// comes.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn run(&mut self) -> Result<(), PlanError> {
        loop {
            while !self.queue.is_empty() {
                let batch: Vec<TreePath> = std::mem::take(&mut self.queue);
                let batch: Vec<TreePath> =
                    batch.into_iter().filter(|path| self.seen.insert(path.clone())).collect();
                for (path, need) in self.look(batch)? {
                    match need {
                        Need::Libraries(closure) => self.take_closure(&path, *closure)?,
                        Need::Interpreter(shebang) => self.take_interpreter(&path, &shebang)?,
                    }
                }
            }
            for link in self.links_to_source()? {
                self.take_target(&link, LIBS)?;
            }
            self.take_by_name()?;
            if self.queue.is_empty() {
                return Ok(());
            }
        }
    }

    /// Takes a library by name, as if `program` (else the loader itself) asked for it while running.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn take_library(
        &mut self,
        soname: &str,
        program: Option<&TreePath>,
        reason: Reason,
    ) -> Result<bool, PlanError> {
        let Some(closure) = self.find_library(soname, program) else { return Ok(false) };
        let Some(library) = closure.libraries.iter().find(|library| library.soname == soname) else {
            return Ok(false);
        };
        self.take(&library.path.clone(), layer_of(soname), reason)?;
        // What it needs is found in the scope of who asked, whose own search path counts.
        let asker = closure.resolution.path.clone();
        self.take_closure(&asker, closure)?;
        Ok(true)
    }

    /// What is loaded when `program` (else the loader itself) asks for a library while running; none if
    /// the library is nowhere.
    fn find_library(&self, soname: &str, program: Option<&TreePath>) -> Option<Closure> {
        let loaders = self.scope.machine.loader_candidates();
        let loaders = loaders.iter().filter_map(|path| TreePath::parse(path).ok());
        let askers = program.cloned().into_iter().chain(loaders);
        let names = [soname.to_owned()];
        self.linker(|linker| {
            // A program that cannot be read, or is none, asks for nothing.
            let mut closures = askers.filter_map(|asker| linker.closure_with(&asker, &names).ok());
            closures.find(|closure| closure.libraries.iter().any(|library| library.soname == soname))
        })
    }

    /// What each file needs: all of them are seen with the tree as it is now.
    fn look(&self, batch: Vec<TreePath>) -> Result<Vec<(TreePath, Need)>, PlanError> {
        let mut needs = vec![];
        let overlay = self.overlay();
        let linker = self.configured(Linker::new(&overlay, self.scope.facts));
        for path in batch {
            let Some(entry) = self.draft.tree.get(&path) else { continue };
            let Some(content) = entry.content() else { continue };
            // A damaged file needs nothing that could be known; the proof tells it.
            let Ok(facts) = self.scope.facts.facts_of(&path, content) else { continue };
            match facts {
                Some(facts) if self.is_loadable(&facts) => {
                    if let Ok(closure) = linker.closure(&path) {
                        needs.push((path, Need::Libraries(Box::new(closure))));
                    }
                }
                // One that something else than its package asks for is to be run.
                None if self.quiet_scripts.contains(&path) && self.draft.reasons.are_of_package(&path) => {}
                None if entry.is_executable() => {
                    if let Some(shebang) = elf::shebang_of(content)? {
                        needs.push((path, Need::Interpreter(shebang)));
                    }
                }
                _ => {}
            }
        }
        Ok(needs)
    }

    fn is_loadable(&self, facts: &Facts) -> bool {
        matches!(facts.kind, elf::Kind::Executable | elf::Kind::SharedObject)
            && facts.machine.matches(self.scope.machine)
    }

    fn take_closure(&mut self, program: &TreePath, closure: Closure) -> Result<(), PlanError> {
        if let Some(interpreter) = &closure.interpreter {
            self.take(&interpreter.path, BASE, Reason::Interprets { program: program.clone() })?;
        }
        // Reasons name files by where they are, not by how they are opened.
        let mut real: BTreeMap<TreePath, TreePath> = closure
            .libraries
            .iter()
            .map(|library| (library.path.clone(), library.resolution.path.clone()))
            .collect();
        real.insert(closure.program.clone(), program.clone());
        if closure.facts.is_program() || !self.draft.taken.contains(program) {
            self.by_name.add_closure(program, &closure);
        }
        self.notes.add(program, &closure.facts);
        for library in &closure.libraries {
            self.notes.add(&library.resolution.path, &library.facts);
        }
        for missing in &closure.missing {
            if let Some((path, why)) = &missing.found_but {
                self.draft.unusable.insert(missing.soname.clone(), (path.clone(), why.to_string()));
            }
        }
        for library in closure.libraries {
            self.note_dir(&library);
            let layer = layer_of(&library.soname);
            // Whoever asked for a library by name does not need it to start.
            let facts = &closure.facts;
            let named = [&facts.needed, &facts.filters, &facts.auxiliaries];
            let needed = |by: &&TreePath| {
                **by != closure.program || named.iter().any(|names| names.contains(&library.soname))
            };
            let reasons = library.needed_by.iter().filter(needed).map(|by| {
                let by = real.get(by).unwrap_or(by).clone();
                Reason::NeededBy { by, soname: library.soname.clone(), rule: library.rule }
            });
            self.take_found(&library.resolution, layer, reasons)?;
            for variant in elf::hwcaps_variants(&self.overlay(), &library.path)? {
                let of = library.resolution.path.clone();
                self.take(&variant, layer, Reason::Variant { of })?;
            }
            // Its own needs are part of this closure.
            self.seen.insert(library.resolution.path);
        }
        Ok(())
    }

    fn take_interpreter(&mut self, path: &TreePath, shebang: &Shebang) -> Result<(), PlanError> {
        let reason = || Reason::Interprets { program: path.clone() };
        if let Ok(at) = TreePath::parse(&shebang.interpreter) {
            self.take(&at, LIBS, reason())?;
        }
        if let Some(program) = elf::env_program(shebang) {
            let found = process::find(&self.overlay(), &program, &TreePath::root(), self.scope.path)?;
            if let Some(at) = found {
                self.take(&at, LIBS, reason())?;
            }
        }
        Ok(())
    }

    /// Links of the payload that lead to programs and libraries that only the source has. Other files
    /// of the machine do not enter because a link points at them: who wants them names them.
    fn links_to_source(&self) -> Result<Vec<TreePath>, PlanError> {
        const SYSTEM: &[&str] = &[
            "/usr/bin",
            "/usr/sbin",
            "/usr/lib",
            "/usr/lib32",
            "/usr/lib64",
            "/usr/libexec",
            "/bin",
            "/sbin",
            "/lib",
            "/lib32",
            "/lib64",
        ];
        let system: Vec<TreePath> = SYSTEM.iter().filter_map(|dir| TreePath::parse(dir).ok()).collect();
        let mut links = vec![];
        for (path, entry) in self.draft.tree.iter() {
            if !matches!(entry.kind, Kind::Symlink(_)) || self.seen.contains(path) {
                continue;
            }
            if self.draft.tree.follow(path)?.entry.is_some() {
                continue;
            }
            let led = self.overlay().follow(path)?;
            if system.iter().any(|dir| led.path.is_within(dir)) {
                links.push(path.clone());
            }
        }
        Ok(links)
    }

    fn take_target(&mut self, link: &TreePath, layer: &str) -> Result<(), PlanError> {
        self.seen.insert(link.clone());
        let found = self.overlay().follow(link)?;
        // An empty directory is not what a link to a full one means: then the link leads nowhere, and
        // that is told.
        let Some(entry) = found.entry.filter(|entry| !entry.is_directory()) else { return Ok(()) };
        // The link itself has reasons of its own.
        let further: Vec<TreePath> = found.links.into_iter().filter(|other| other != link).collect();
        self.take_links(&further, &found.path, layer)?;
        self.put(&found.path, entry, layer, Reason::Linked { from: link.clone() })
    }

    fn take_links(&mut self, links: &[TreePath], to: &TreePath, layer: &str) -> Result<(), PlanError> {
        for link in links {
            let reason = Reason::LeadsTo { to: to.clone() };
            if self.draft.has(link) {
                self.draft.reasons.add(link, reason);
            } else if let Some(entry) = self.overlay().entry(link)? {
                let layer = if link.parent().is_some_and(|dir| dir.is_root()) { BASE } else { layer };
                self.put(link, entry, layer, reason)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, path: &TreePath, entry: Entry, layer: &str, reason: Reason) -> Result<(), PlanError> {
        let is_new = self.draft.is_of_base(path) && !self.seen.contains(path);
        if is_new && entry.content().is_some() {
            self.queue.push(path.clone());
        }
        if self.draft.has(path) || path.is_root() {
            self.draft.reasons.add(path, reason);
            return Ok(());
        }
        if let Kind::Special(word) = entry.kind {
            let from = "the source".to_owned();
            self.draft.report_of(Problem::SpecialFile { path: path.clone(), word, from }, &reason);
            return Ok(());
        }
        if entry.content().is_some() {
            self.queue.push(path.clone());
        }
        Ok(self.draft.put(path, entry, Origin::Source, layer, reason)?)
    }

    /// Remembers the directory of a library that the loader may not find without being told.
    fn note_dir(&mut self, library: &Library) {
        if let (Rule::LdSoConf | Rule::Default, Some(dir)) = (library.rule, library.path.parent()) {
            self.library_dirs.entry(dir).or_default().insert(library.resolution.path.clone());
        }
    }

    /// The image so far over the source.
    pub fn overlay(&self) -> Overlay<'_> {
        Overlay { upper: &self.draft.tree, lower: self.source }
    }

    fn linker<T>(&self, ask: impl FnOnce(&Linker<'_>) -> T) -> T {
        let overlay = self.overlay();
        ask(&self.configured(Linker::new(&overlay, self.scope.facts)))
    }

    fn configured<'l>(&self, linker: Linker<'l>) -> Linker<'l> {
        linker.ld_library_path(self.scope.library_path).cache_policy(CachePolicy::OrConf)
    }
}

/// The layer of a library: the C library and its loader change least.
fn layer_of(soname: &str) -> &'static str {
    if tables::is_libc(soname) { BASE } else { LIBS }
}
