//! The packages that a spec or profile names, and what of them and of those that they depend on enters the image.

use super::{
    alternatives::Alternatives,
    database::{Database, field},
    rules::rules,
};
use crate::{
    draft::LIBS,
    error::PlanError,
    finding::Problem,
    gather::Gather,
    nearest::nearest,
    plan::Sources,
    policy, process,
    profile::ProfilePackage,
    reason::Reason,
    spec::{Allow, Line, PackageRef, Platform, Spec},
};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Content, Entry, Kind, TreePath, View};

/// What there is to take of the packages of a source.
pub(crate) struct Wanted<'a> {
    spec: &'a Spec,
    source: &'a dyn View,
    database: Option<Database<'a>>,
    known: &'a [Problem],
    /// The packages that were named, by dpkg's name, with the line of the spec; 0: a profile names it.
    named: BTreeMap<String, Line>,
    /// Those that they depend on: who does, and the line that named what is wanted.
    dependencies: BTreeMap<String, (String, Line)>,
    /// The links of alternatives.
    alternatives: Alternatives,
    /// Scripts whose interpreter is a shell: they enter where one does.
    shell_scripts: Vec<(TreePath, Reason)>,
    /// Links of dependencies: they enter where what they lead to does.
    links: Vec<(TreePath, Reason)>,
}

/// May a file enter?
enum Entrance {
    Open,
    /// Where a shell enters.
    WithShell,
    Closed,
}

impl<'a> Wanted<'a> {
    /// Looks for the packages that the spec names, and for all that they depend on. What is nowhere is reported.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn new(
        gather: &mut Gather<'_>,
        spec: &'a Spec,
        platform: Platform,
        source: &'a dyn View,
        sources: &'a Sources<'_>,
    ) -> Result<Self, PlanError> {
        let database = Database::open(source, &sources.memo.packages)?;
        let (named, dependencies, alternatives, shell_scripts, links) = Default::default();
        let mut wanted = Wanted {
            spec,
            source,
            database,
            known: sources.known,
            named,
            dependencies,
            alternatives,
            shell_scripts,
            links,
        };
        let architecture = platform.architecture.debian();
        let profile = spec.runtime.profile.whole_packages().filter(|_| spec.runtime.whole_packages);
        for package in profile {
            wanted.name_of_profile(gather, package, architecture)?;
        }
        for package in &spec.runtime.packages {
            if let Some(near) = wanted.other_version(package, architecture) {
                let (name, line, near) = (package.name.clone(), package.line, Some(near));
                let problem = Problem::MissingPackage { name, near, no_database: false, line };
                if !sources.known.iter().any(|known| known.identity() == problem.identity()) {
                    gather.draft.report(problem);
                }
                continue;
            }
            wanted.name(gather, std::slice::from_ref(&package.name), package.line, architecture)?;
        }
        wanted.follow(architecture)?;
        Ok(wanted)
    }

    /// A package that a profile stands for.
    fn name_of_profile(
        &mut self,
        gather: &mut Gather<'_>,
        package: &ProfilePackage,
        architecture: &str,
    ) -> Result<(), PlanError> {
        let Some(database) = self.database.as_ref().filter(|_| !package.of.is_empty() || package.optional)
        else {
            return self.name(gather, &package.names, 0, architecture);
        };
        let dependents = package.of.iter().filter_map(|name| database.find(name, architecture));
        let depended = dependents.flat_map(|dependent| database.depends(dependent)).flatten();
        let depended = depended.filter(|name| package.matches(name));
        let optional = package.names.iter().map(String::as_str).filter(|_| package.of.is_empty());
        let found = depended.chain(optional).filter_map(|name| database.find(name, architecture));
        let found: Vec<String> = found.map(String::from).collect();
        found.into_iter().try_for_each(|found| self.add_named(found, 0, architecture))
    }

    /// The version that the source has of a package, where the spec wants another: as the spec would write it.
    fn other_version(&self, package: &PackageRef, architecture: &str) -> Option<String> {
        let (database, wanted) = (self.database.as_ref()?, package.version.as_ref()?);
        let control = database.control(database.find(&package.name, architecture)?)?;
        let version = field(control, "Version").filter(|version| version != wanted)?;
        Some(format!("{}={version}", package.name))
    }

    fn name(
        &mut self,
        gather: &mut Gather<'_>,
        alternatives: &[String],
        line: Line,
        architecture: &str,
    ) -> Result<(), PlanError> {
        let found = self.database.as_ref().and_then(|database| {
            alternatives.iter().find_map(|name| database.find(name, architecture).map(String::from))
        });
        match found {
            Some(package) => self.add_named(package, line, architecture),
            None => {
                let name = alternatives.first().cloned().unwrap_or_default();
                let is_told = |problem: &Problem| matches!(problem, Problem::MissingPackage { name: told, .. } if *told == name);
                if self.known.iter().any(is_told) {
                    return Ok(());
                }
                let near = self.database.as_ref().and_then(|database| nearest(&name, database.names()));
                let near = near.map(String::from);
                let no_database = self.database.is_none();
                gather.draft.report(Problem::MissingPackage { name, near, no_database, line });
                Ok(())
            }
        }
    }

    /// A package that owns nothing but documentation stands for what it depends on.
    fn add_named(&mut self, package: String, line: Line, architecture: &str) -> Result<(), PlanError> {
        let Some(database) = &self.database else { return Ok(()) };
        if self.named.contains_key(&package) {
            return Ok(());
        }
        let mut owns = false;
        for path in database.files(&package)? {
            let path = self.source.follow_parents(&path)?;
            let is_file = self.source.entry(&path)?.is_some_and(|entry| !entry.is_directory());
            owns |= is_file && rules().left_out(&path, true).is_none();
        }
        let stands_for: Vec<String> = if owns || self.spec.runtime.whole_packages {
            vec![]
        } else {
            let first = |all: Vec<&str>| all.into_iter().find_map(|name| database.find(name, architecture));
            let depends = database.depends(&package).into_iter().filter_map(first);
            depends
                .filter(|name| rules().unused(bare(name), bare(&package)).is_none())
                .map(String::from)
                .collect()
        };
        self.named.insert(package, line);
        stands_for.into_iter().try_for_each(|other| self.add_named(other, line, architecture))
    }

    /// Follows what the named packages depend on.
    fn follow(&mut self, architecture: &str) -> Result<(), PlanError> {
        let Some(database) = &self.database else { return Ok(()) };
        let mut todo: Vec<(String, Line)> =
            self.named.iter().map(|(name, line)| (name.clone(), *line)).collect();
        todo.reverse();
        let mut seen: BTreeSet<String> = self.named.keys().cloned().collect();
        while let Some((package, line)) = todo.pop() {
            for alternatives in database.depends(&package) {
                let found = alternatives.iter().find_map(|name| database.find(name, architecture));
                let Some(found) = found else { continue };
                let mut names = alternatives.iter().copied().chain([bare(found)]);
                if names.any(|name| rules().unused(name, bare(&package)).is_some()) {
                    continue;
                }
                if seen.insert(found.into()) {
                    self.dependencies.insert(found.into(), (package.clone(), line));
                    todo.push((found.into(), line));
                }
            }
        }
        Ok(())
    }

    /// Takes what the rules say of every package; scripts for a shell wait until it is known whether there is one.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn take(&mut self, gather: &mut Gather<'_>) -> Result<(), PlanError> {
        let Some(database) = self.database.take() else { return Ok(()) };
        if !self.named.is_empty() {
            self.alternatives = Alternatives::read(self.source)?;
        }
        let named: Vec<(String, Line)> =
            self.named.iter().map(|(name, line)| (name.clone(), *line)).collect();
        for (package, line) in named {
            let reason = Reason::OfPackage { package: bare(&package).into(), line };
            self.take_named(gather, database.files(&package)?, &reason)?;
        }
        // What a profile stands for is all of it.
        let by_spec = self.named.iter().filter(|(_, line)| **line > 0);
        let akin: BTreeSet<&str> = by_spec.map(|(package, _)| database.source_of(package)).collect();
        for (package, (dependent, line)) in self.dependencies.clone() {
            let (name, dependent) = (bare(&package).to_owned(), bare(&dependent).to_owned());
            let reason = Reason::DataOf { package: name, dependent, line };
            let is_akin = akin.contains(database.source_of(&package));
            self.take_data(gather, database.files(&package)?, is_akin, &reason)?;
        }
        self.database = Some(database);
        Ok(())
    }

    fn take_named(
        &mut self,
        gather: &mut Gather<'_>,
        files: Vec<TreePath>,
        reason: &Reason,
    ) -> Result<(), PlanError> {
        let whole = self.spec.runtime.whole_packages;
        let holders: BTreeSet<TreePath> = files.iter().filter_map(TreePath::parent).collect();
        for listed in files {
            let path = gather.source.follow_parents(&listed)?;
            if policy::is_mounted(&path) || (!whole && rules().left_out(&path, true).is_some()) {
                continue;
            }
            let Some(entry) = gather.source.entry(&path)? else { continue };
            match &entry.kind {
                // A directory that holds something comes with that, unless its mode or owner says something.
                Kind::Directory
                    if holders.contains(&listed) && !whole && entry.meta == tree::Meta::root(0o755) => {}
                Kind::Directory | Kind::Special(_) => gather.put_of_package(&path, entry, reason)?,
                Kind::Symlink(_) if whole => gather.put_of_package(&path, entry, reason)?,
                Kind::Symlink(_) => self.take_link(gather, &path, reason)?,
                Kind::File(_) => self.take_file(gather, &path, entry, reason)?,
            }
            for link in self.alternatives.of(&path) {
                if rules().left_out(&link, true).is_none() {
                    self.take_link(gather, &link, reason)?;
                }
            }
        }
        Ok(())
    }

    /// A link of a named package brings what it leads to, unless that is a script that does not enter.
    fn take_link(
        &mut self,
        gather: &mut Gather<'_>,
        path: &TreePath,
        reason: &Reason,
    ) -> Result<(), PlanError> {
        let found = gather.overlay().follow(path)?;
        let entry = match found.entry {
            Some(entry) if !gather.draft.has(&found.path) => self.entrance(gather, &entry)?,
            _ => Entrance::Open,
        };
        match entry {
            Entrance::Open => {
                gather.take(path, LIBS, reason.clone())?;
            }
            Entrance::WithShell => self.links.push((path.clone(), reason.clone())),
            Entrance::Closed => {}
        }
        Ok(())
    }

    fn take_file(
        &mut self,
        gather: &mut Gather<'_>,
        path: &TreePath,
        entry: Entry,
        reason: &Reason,
    ) -> Result<(), PlanError> {
        let entrance = self.entrance(gather, &entry)?;
        if self.spec.runtime.whole_packages {
            // It enters, and brings no shell along.
            if matches!(entrance, Entrance::WithShell) {
                gather.quiet_scripts.insert(path.clone());
            }
            return gather.put_of_package(path, entry, reason);
        }
        match entrance {
            Entrance::Open => gather.put_of_package(path, entry, reason)?,
            Entrance::WithShell => self.shell_scripts.push((path.clone(), reason.clone())),
            Entrance::Closed => {}
        }
        Ok(())
    }

    /// May this file of a named package enter? Scripts need their interpreter.
    fn entrance(&self, gather: &Gather<'_>, entry: &Entry) -> Result<Entrance, PlanError> {
        let shebang = match entry.content().filter(|_| entry.is_executable()) {
            Some(content) => elf::shebang_of(content)?,
            None => None,
        };
        let Some(shebang) = shebang else { return Ok(Entrance::Open) };
        let overlay = gather.overlay();
        let mut interpreters = TreePath::parse(&shebang.interpreter).into_iter().collect::<Vec<_>>();
        if let Some(program) = elf::env_program(&shebang) {
            let found = process::find(&overlay, &program, &TreePath::root(), gather.scope.path)?;
            let Some(found) = found else { return Ok(Entrance::Closed) };
            interpreters.push(found);
        }
        let mut has_shell = false;
        for interpreter in &interpreters {
            let found = overlay.follow(interpreter)?;
            if found.entry.is_none() {
                return Ok(Entrance::Closed);
            }
            has_shell |= policy::is_shell(&found.path) || policy::is_shell(interpreter);
        }
        let waits = has_shell && !self.spec.policy.allow.contains(&Allow::Shell);
        Ok(if waits { Entrance::WithShell } else { Entrance::Open })
    }

    /// `is_akin`: is the package of the same source as one that is named? Then what it has for programs to load by name
    /// is for these.
    fn take_data(
        &mut self,
        gather: &mut Gather<'_>,
        files: Vec<TreePath>,
        is_akin: bool,
        reason: &Reason,
    ) -> Result<(), PlanError> {
        let holders: BTreeSet<TreePath> = files.iter().filter_map(TreePath::parent).collect();
        for listed in files {
            let path = gather.source.follow_parents(&listed)?;
            if policy::is_mounted(&path) || rules().left_out(&path, false).is_some() {
                continue;
            }
            for link in self.alternatives.of(&path) {
                if rules().left_out(&link, false).is_none() {
                    self.links.push((link, reason.clone()));
                }
            }
            let Some(entry) = gather.source.entry(&path)? else { continue };
            match &entry.kind {
                Kind::Symlink(_) => self.links.push((path, reason.clone())),
                Kind::File(content) => {
                    let is_object = content.head(4)? == *b"\x7fELF";
                    let is_module = rules().is_module(&path);
                    let is_plugin = is_akin && is_plugin(&path);
                    if is_object && (is_module || is_plugin) || !is_object && !entry.is_executable() {
                        gather.put_of_package(&path, entry, reason)?;
                    } else if !is_object && is_module && !is_for_shell(content)? {
                        // Modules of a language may be programs too; here, an interpreter reads them.
                        gather.put_read(&path, entry, reason)?;
                    }
                }
                Kind::Directory => {
                    let says = !holders.contains(&listed) || entry.meta != tree::Meta::root(0o755);
                    if says && rules().is_state(&path) {
                        gather.put_of_package(&path, entry, reason)?;
                    }
                }
                Kind::Special(_) => {}
            }
        }
        Ok(())
    }

    /// Takes the scripts of a shell that the image turned out to have, and the links that lead somewhere.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn take_what_waits(&mut self, gather: &mut Gather<'_>) -> Result<(), PlanError> {
        for (path, reason) in std::mem::take(&mut self.shell_scripts) {
            let Some(entry) = gather.source.entry(&path)? else { continue };
            let Some(content) = entry.content() else { continue };
            let interpreter =
                elf::shebang_of(content)?.and_then(|shebang| TreePath::parse(&shebang.interpreter).ok());
            let Some(interpreter) = interpreter else { continue };
            if gather.draft.tree.follow(&interpreter)?.entry.is_some() {
                gather.put_of_package(&path, entry, &reason)?;
            }
        }
        for (path, reason) in std::mem::take(&mut self.links) {
            let led = gather.overlay().follow(&path)?.path;
            let there = gather.draft.tree.get(&led).is_some_and(|entry| {
                // A directory that merely holds something is not what a link to it is for.
                !entry.is_directory() || !gather.draft.tree.list(&led).unwrap_or_default().is_empty()
            });
            if there && led != path {
                gather.take(&path, LIBS, reason)?;
            }
        }
        Ok(())
    }
}

/// Is this, if it is a shared object, one that lies apart from the libraries that the loader finds?
fn is_plugin(path: &TreePath) -> bool {
    let Some(below) = path.as_str().strip_prefix("/usr/lib/") else { return false };
    let is_library_dir = below.split('/').count() == 2 && below.contains("-linux-");
    path.name().ends_with(".so") && below.contains('/') && !is_library_dir
}

/// Is this a script for a shell?
fn is_for_shell(content: &Content) -> Result<bool, PlanError> {
    let shebang = elf::shebang_of(content)?;
    let interpreter = shebang.and_then(|shebang| TreePath::parse(&shebang.interpreter).ok());
    Ok(interpreter.is_some_and(|path| policy::is_shell(&path)))
}

/// dpkg's name of a package without its architecture.
fn bare(package: &str) -> &str {
    package.split(':').next().unwrap_or(package)
}
