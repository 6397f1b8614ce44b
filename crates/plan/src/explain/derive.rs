//! Reasons found in a finished image, whose builder may have been anybody.
//!
//! What a loader, a kernel or a scanner would make of the image is certain: the process's program,
//! interpreters, libraries, links, records of packages. What its builder was told is not in it: a file
//! that nothing else in the image asks for is there because its layer has it.

use super::{Basis, Graph, PackageRecord, Place, PlaceKind, Record};
use crate::{
    PlanError, packages, process,
    reason::{Reason, Reasons},
};
use elf::{CachePolicy, Closure, FactsMemo, FactsOf, Linker, Rule};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, Entry, Tree, TreePath, View};

/// More than any real nsswitch.conf.
const MAX_NSSWITCH: u64 = 1 << 20;
/// What bantam's own history says before the name of a layer.
const OWN_HISTORY: &str = "bantam: ";

/// A finished image, as its documents and layers say it.
pub struct Finished<'a> {
    /// How it is called.
    pub name: String,
    /// What it is for.
    pub platform: String,
    /// What a container sees.
    pub tree: &'a Tree,
    /// The layer that each path is from, from 0 at the base.
    pub layers: BTreeMap<TreePath, usize>,
    /// What the history says of each layer.
    pub history: Vec<String>,
    /// The program and its arguments: entrypoint, then cmd.
    pub command: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// The working directory.
    pub workdir: TreePath,
}

/// Derives the record of an image.
///
/// # Errors
/// When its content cannot be read.
pub fn derive(image: &Finished<'_>) -> Result<Record, PlanError> {
    let variable = |name: &str| {
        let value = |variable: &'_ String| variable.strip_prefix(name)?.strip_prefix('=').map(String::from);
        image.env.iter().find_map(value)
    };
    let search_path = variable("PATH").unwrap_or_else(|| process::DEFAULT_PATH.into());
    let library_path = variable("LD_LIBRARY_PATH").unwrap_or_default();
    let library_path = process::library_path(&library_path, &image.workdir);
    let facts = FactsMemo::default();
    let linker =
        Linker::new(image.tree, &facts).ld_library_path(&library_path).cache_policy(CachePolicy::AsIs);
    let mut derived = Derived {
        tree: image.tree,
        facts: &facts,
        linker,
        search_path: &search_path,
        reasons: Reasons::default(),
    };
    if let Some(program) = image.command.first()
        && let Some(at) = process::find(image.tree, program, &image.workdir, &search_path)?
    {
        derived.add(&at, Reason::Entrypoint { line: 0 })?;
    }
    derived.objects()?;
    derived.scripts()?;
    derived.run_time_loads()?;
    let found = packages::recorded(image.tree)?;
    let mut owners: BTreeMap<TreePath, BTreeSet<String>> = BTreeMap::new();
    let mut packages = BTreeMap::new();
    for package in found {
        let key = match packages.contains_key(&package.name) {
            false => package.name.clone(),
            true => format!("{}:{}", package.name, package.architecture),
        };
        for path in &package.files {
            owners.entry(path.clone()).or_default().insert(key.clone());
        }
        derived.package(&package.name)?;
        let (version, architecture) = (package.version, package.architecture);
        packages.insert(key, PackageRecord { version, architecture });
    }

    let names: Vec<String> = image
        .history
        .iter()
        .enumerate()
        .map(|(index, text)| text.strip_prefix(OWN_HISTORY).map_or((index + 1).to_string(), String::from))
        .collect();
    let mut places: BTreeMap<TreePath, Place> = BTreeMap::new();
    let entries: Vec<(&TreePath, &Entry)> = image.tree.iter().filter(|(path, _)| !path.is_root()).collect();
    let parents: BTreeSet<TreePath> = entries.iter().filter_map(|(path, _)| path.parent()).collect();
    for (path, entry) in entries {
        let Some(kind) = PlaceKind::of(entry) else { continue };
        if parents.contains(path) {
            derived.reasons.add(path, Reason::Parent);
        }
        let layer = image.layers.get(path).and_then(|layer| names.get(*layer)).cloned();
        let packages = owners.remove(path).unwrap_or_default();
        places.insert(
            path.clone(),
            Place { kind, layer, packages, reasons: derived.reasons.of(path).to_vec() },
        );
    }
    let mut record = Record {
        name: image.name.clone(),
        platform: image.platform.clone(),
        basis: Basis::Derived,
        spec: None,
        lines: BTreeMap::new(),
        config: vec![],
        search_path: search_path.clone(),
        packages,
        left_out: BTreeMap::new(),
        places,
    };
    // First what nothing asks for; then what only asks for itself, in circles.
    for circles in [false, true] {
        let graph = Graph::new(&record);
        let unexplained: Vec<TreePath> = record
            .places
            .iter()
            .filter(|(path, place)| (circles || place.reasons.is_empty()) && !graph.is_explained(path))
            .map(|(path, _)| path.clone())
            .collect();
        for path in unexplained {
            let layer = image.layers.get(&path).copied().unwrap_or(0);
            let created_by = image.history.get(layer).cloned().unwrap_or_default();
            let reason = Reason::Layer { number: layer + 1, created_by };
            if let Some(place) = record.places.get_mut(&path) {
                place.reasons.insert(0, reason);
            }
        }
    }
    Ok(record)
}

struct Derived<'a> {
    tree: &'a Tree,
    facts: &'a FactsMemo,
    linker: Linker<'a>,
    search_path: &'a str,
    reasons: Reasons,
}

impl Derived<'_> {
    /// Adds a reason to what a path leads to, with the links on the way. False: nothing is there.
    fn add(&mut self, path: &TreePath, reason: Reason) -> Result<bool, PlanError> {
        let found = self.tree.follow(path)?;
        if found.entry.is_none() {
            return Ok(false);
        }
        for link in &found.links {
            self.reasons.add(link, Reason::LeadsTo { to: found.path.clone() });
        }
        self.reasons.add(&found.path, reason);
        Ok(true)
    }

    /// What each program loads, and then each library that none of them does.
    fn objects(&mut self) -> Result<(), PlanError> {
        let mut alone: Vec<&TreePath> = vec![];
        let mut reached: BTreeSet<TreePath> = BTreeSet::new();
        for (path, entry) in self.tree.iter() {
            let Some(content) = entry.content() else { continue };
            // What is damaged needs nothing that could be known.
            let Ok(Some(facts)) = self.facts.facts_of(path, content) else { continue };
            match facts.kind {
                elf::Kind::SharedObject => alone.push(path),
                elf::Kind::Executable => {
                    if let Ok(closure) = self.linker.closure(path) {
                        reached
                            .extend(closure.libraries.iter().map(|library| library.resolution.path.clone()));
                        self.closure(path, &closure)?;
                    }
                }
                _ => {}
            }
        }
        for path in alone.into_iter().filter(|path| !reached.contains(*path)) {
            if let Ok(closure) = self.linker.closure(path) {
                self.closure(path, &closure)?;
            }
        }
        Ok(())
    }

    fn closure(&mut self, program: &TreePath, closure: &Closure) -> Result<(), PlanError> {
        if let Some(interpreter) = &closure.interpreter {
            self.add(&interpreter.path, Reason::Interprets { program: program.clone() })?;
        }
        let mut real: BTreeMap<&TreePath, &TreePath> =
            closure.libraries.iter().map(|library| (&library.path, &library.resolution.path)).collect();
        real.insert(&closure.program, program);
        for library in &closure.libraries {
            for by in &library.needed_by {
                let by = (*real.get(by).unwrap_or(&by)).clone();
                let (soname, rule) = (library.soname.clone(), library.rule);
                self.add(&library.path, Reason::NeededBy { by, soname, rule })?;
            }
            let of = || library.resolution.path.clone();
            for variant in elf::hwcaps_variants(self.tree, &library.path)? {
                self.add(&variant, Reason::Variant { of: of() })?;
            }
            if library.rule == Rule::LdSoConf
                && let Ok(cache) = TreePath::parse("/etc/ld.so.cache")
            {
                self.add(&cache, Reason::LoaderCache { of: of() })?;
            }
        }
        Ok(())
    }

    fn scripts(&mut self) -> Result<(), PlanError> {
        for (path, entry) in self.tree.iter().filter(|(_, entry)| entry.is_executable()) {
            let Some(content) = entry.content() else { continue };
            let Some(shebang) = elf::shebang_of(content)? else { continue };
            let reason = || Reason::Interprets { program: path.clone() };
            if let Ok(at) = TreePath::parse(&shebang.interpreter) {
                self.add(&at, reason())?;
            }
            if let Some(program) = elf::env_program(&shebang)
                && let Some(at) = process::find(self.tree, &program, &TreePath::root(), self.search_path)?
            {
                self.add(&at, reason())?;
            }
        }
        Ok(())
    }

    /// What the C library loads by name.
    fn run_time_loads(&mut self) -> Result<(), PlanError> {
        let libc =
            self.tree.iter().find(|(path, entry)| path.name() == "libc.so.6" && entry.content().is_some());
        let Some((libc, content)) = libc.and_then(|(path, entry)| Some((path, entry.content()?))) else {
            return Ok(());
        };
        let Ok(Some(facts)) = self.facts.facts_of(libc, content) else { return Ok(()) };
        let nsswitch = match TreePath::parse("/etc/nsswitch.conf") {
            Ok(path) => self.tree.follow(&path)?.entry,
            Err(_) => None,
        };
        let small = |content: &&Content| content.size() <= MAX_NSSWITCH;
        let nsswitch = match nsswitch.as_ref().and_then(Entry::content).filter(small) {
            Some(content) => Some(String::from_utf8_lossy(&content.read(MAX_NSSWITCH)?).into_owned()),
            None => None,
        };
        for load in elf::glibc_runtime_loads(nsswitch.as_deref(), &facts) {
            let names = [load.soname.clone()];
            // It is looked for as by any program of this C library: with the libraries beside it.
            let Ok(closure) = self.linker.closure_with(libc, &names) else { continue };
            let found = closure.libraries.iter().find(|library| library.soname == load.soname);
            if let Some(library) = found {
                let (by, who) = (Some(libc.clone()), "the C library".to_owned());
                self.add(&library.path, Reason::LoadedByName { by, who, purpose: load.purpose })?;
            }
        }
        Ok(())
    }

    /// What says that a package is there.
    fn package(&mut self, name: &str) -> Result<(), PlanError> {
        for path in packages::records_of(name) {
            if self.tree.follow(&path)?.entry.is_some() {
                self.add(&path, Reason::Package { name: name.into() })?;
            }
        }
        Ok(())
    }
}
