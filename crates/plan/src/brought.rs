//! What languages bring to an image, beside what its payload and packages would.

use crate::{
    draft::{APP, DEPENDENCIES, Draft, Origin, RUNTIME},
    error::PlanError,
    finding::Problem,
    lock::LockedLanguage,
    masked::Masked,
    payload,
    process::DEFAULT_PATH,
    reason::Reason,
    secrets,
    spec::{Allow, Config},
};
use std::collections::{BTreeMap, BTreeSet};
use tree::{Entry, TreePath};

/// What languages bring: files with their reasons, and what else a plan must know to judge them.
#[derive(Debug, Default)]
pub struct Brought {
    /// The files and links.
    pub files: Vec<BroughtFile>,
    /// Directories of the runtime source of which nothing enters but what is among `files`.
    pub managed: BTreeSet<TreePath>,
    /// Files of the payload that stay out: something among `files` stands for them.
    pub replaced: BTreeSet<TreePath>,
    /// Files of the runtime source for which others stand, by these: scanners are told of their packages all the same.
    pub stand_ins: BTreeMap<TreePath, TreePath>,
    /// For each program: the shared objects that it loads while it runs, in its own scope.
    pub loads: BTreeMap<TreePath, BTreeSet<TreePath>>,
    /// What shared objects need that programs unpack from archives of the image while they run.
    pub packed: Vec<PackedNeed>,
    /// Variables of the environment that are set unless the spec sets them.
    pub env: BTreeMap<String, String>,
    /// Directories that `PATH` begins with unless the spec sets it.
    pub path: Vec<String>,
    /// The process, where the spec has none.
    pub entrypoint: Vec<String>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What a lock pins.
    pub pins: LockedLanguage,
}

/// A file or link that a language brings.
#[derive(Debug, Clone)]
pub struct BroughtFile {
    /// Where it stands in the image.
    pub path: TreePath,
    /// What it is.
    pub entry: Entry,
    /// How often it changes.
    pub layer: BroughtLayer,
    /// Is it the runtime source's own, at its own path?
    pub of_source: bool,
    /// Why it is there.
    pub reason: Reason,
}

/// A library that a shared object needs which stands in an archive: a program unpacks it while it runs, and loads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedNeed {
    /// The program that loads it.
    pub program: TreePath,
    /// The archive in the image.
    pub archive: TreePath,
    /// The shared object, by its path in the archive.
    pub object: String,
    /// The library that it needs.
    pub soname: String,
}

/// The layers that languages fill, by rate of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BroughtLayer {
    /// The runtime of the language.
    Runtime,
    /// The dependencies of the application.
    Dependencies,
    /// The application.
    App,
}

impl Brought {
    /// Adds what another language brings.
    pub fn add(&mut self, other: Brought) {
        let Brought {
            files,
            managed,
            replaced,
            stand_ins,
            loads,
            packed,
            env,
            path,
            entrypoint,
            problems,
            pins,
        } = other;
        self.files.extend(files);
        self.managed.extend(managed);
        self.replaced.extend(replaced);
        self.stand_ins.extend(stand_ins);
        for (program, objects) in loads {
            self.loads.entry(program).or_default().extend(objects);
        }
        self.packed.extend(packed);
        for (name, value) in env {
            self.env.entry(name).or_insert(value);
        }
        self.path.extend(path.into_iter().filter(|dir| !self.path.contains(dir)).collect::<Vec<_>>());
        if self.entrypoint.is_empty() {
            self.entrypoint = entrypoint;
        }
        self.problems.extend(problems);
        self.pins.add(pins);
    }
}

impl Brought {
    /// What the spec says of the process, with what languages say where the spec says nothing: it counts as the spec's,
    /// also over a base. `path` is the base's `PATH`.
    pub(crate) fn config(&self, config: &Config, path: Option<&str>) -> Config {
        let mut config = config.clone();
        for (name, value) in &self.env {
            config.env.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if !self.path.is_empty() && !config.env.contains_key("PATH") {
            let dirs = self.path.iter().map(String::as_str).chain([path.unwrap_or(DEFAULT_PATH)]);
            config.env.insert("PATH".into(), dirs.collect::<Vec<_>>().join(":"));
        }
        if config.entrypoint.is_empty() && config.cmd.is_empty() {
            config.entrypoint.clone_from(&self.entrypoint);
        }
        config
    }

    /// Puts the files into the image, where nothing of the payload stands, and reports what is wrong. What `drop` of the
    /// source names stays out, also of dependencies: under the name that it has in the source, too.
    ///
    /// What is of the application is looked at for secrets, as the payload is; what others published keeps none.
    pub(crate) fn put(
        &self,
        draft: &mut Draft,
        allow: &[Allow],
        source: Option<&Masked<'_>>,
    ) -> Result<(), PlanError> {
        let originals: BTreeMap<&TreePath, &TreePath> =
            self.stand_ins.iter().map(|(original, made)| (made, original)).collect();
        let is_dropped = |file: &BroughtFile| {
            let names = [Some(&file.path), originals.get(&file.path).copied()];
            let drops = |path: &TreePath| source.is_some_and(|source| source.drops(path));
            file.layer != BroughtLayer::App && names.into_iter().flatten().any(drops)
        };
        for file in self.files.iter().filter(|file| !is_dropped(file)) {
            let line = draft.reasons.line_of(&file.reason).unwrap_or(0);
            if payload::is_whiteout(draft, &file.path, line) {
                continue;
            }
            if file.layer == BroughtLayer::App
                && let Some(why) = payload::look_for_secret(&file.path, &file.entry)?
                && !secrets::allowed(&file.path, allow)
            {
                draft.report_of(Problem::Secret { path: file.path.clone(), why }, &file.reason);
            }
            let origin = if file.of_source { Origin::Source } else { Origin::Generated };
            draft.put(&file.path, file.entry.clone(), origin, file.layer.name(), file.reason.clone())?;
        }
        let made: Vec<TreePath> = self.stand_ins.values().filter(|path| draft.has(path)).cloned().collect();
        draft.made.extend(made);
        for problem in &self.problems {
            draft.report(problem.clone());
        }
        Ok(())
    }

    /// Tells what programs load while they run.
    pub(crate) fn tell_loads(&self, draft: &mut Draft) {
        for (program, objects) in &self.loads {
            let names = objects.iter().filter(|path| draft.has(path)).map(ToString::to_string);
            let names: Vec<String> = names.collect();
            draft.by_name.entry(program.clone()).or_default().extend(names);
        }
    }
}

impl BroughtLayer {
    /// The name of the layer.
    pub fn name(self) -> &'static str {
        match self {
            BroughtLayer::Runtime => RUNTIME,
            BroughtLayer::Dependencies => DEPENDENCIES,
            BroughtLayer::App => APP,
        }
    }
}
