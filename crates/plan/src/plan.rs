//! The way through: a spec and its sources in, an image as a value out.

use crate::{
    accounts::{Accounts, PackageAccounts},
    base::{self, Base, Merged, Setting},
    brought::Brought,
    certificates::{self, CaSource},
    debug,
    draft::{APP, BASE, Draft, LIBS, Origin},
    environment::Environment,
    error::PlanError,
    expand::Vars,
    finding::{Finding, Problem, Severity},
    gather::{Choice, Gather, Scope},
    glob::Glob,
    layers::{self, LayerPlan},
    lock::{LockedImage, LockedLanguage, LockedPackage},
    masked::Masked,
    node,
    packages::{self, LeftOut, Package, Wanted},
    payload::{self, Taken},
    policy, process,
    process::Process,
    profile,
    proof::Proof,
    reason::{Reason, Reasons},
    search_path,
    spec::{Config, Platform, Profile, RuntimeSource, Spec, Variant},
};
use elf::{FactsMemo, Machine, Notebook};
use std::{collections::BTreeMap, sync::Arc};
use tree::{Entry, Tree, TreePath, View, ViewError};

/// Everything outside of the spec that a plan is made of.
pub struct Sources<'a> {
    /// Where libraries come from; none where the payload brings all it needs.
    pub runtime: Option<&'a dyn View>,
    /// The image to build upon.
    pub base: Option<&'a Base>,
    /// What a lock pins of the runtime source where that is a finished image.
    pub source_image: Option<LockedImage>,
    /// What each `[[files]]` takes, in their order.
    pub payload: &'a [Taken],
    /// The files of `ca`, in their order.
    pub ca: &'a [CaSource],
    /// What languages bring.
    pub brought: &'a Brought,
    /// What the runtime source itself is known to lack.
    pub known: &'a [Problem],
    /// The packages of an archive that the runtime source is made of.
    pub pinned: Vec<LockedPackage>,
    /// The users and groups that the packages of the runtime source make.
    pub accounts: &'a PackageAccounts,
    /// What earlier plans with this runtime source found out.
    pub memo: &'a Memo,
}

/// What plans with one runtime source find out about it, kept for the next of them.
#[derive(Default)]
pub struct Memo {
    facts: FactsMemo,
    pub(crate) packages: packages::Memo,
}

impl Memo {
    /// A memo that begins with what earlier runs noted, and leaves notes to later ones.
    pub fn with_notebook(notebook: Arc<dyn Notebook>) -> Self {
        Memo { facts: FactsMemo::with_notebook(notebook), ..Memo::default() }
    }

    /// What is known of ELF files.
    pub(crate) fn facts(&self) -> &FactsMemo {
        &self.facts
    }
}

/// An image as a value: what goes into it, cut into layers, and why.
#[derive(Debug)]
pub struct Plan {
    /// What it is for.
    pub platform: Platform,
    /// The layers, lowest first.
    pub layers: Vec<LayerPlan>,
    /// The whole tree.
    pub tree: Tree,
    /// Why each path is there.
    pub reasons: Reasons,
    /// The process.
    pub process: Process,
    /// `[config]` of the spec, with what the base image adds.
    pub config: Config,
    /// What the image config says, and who said it: the spec or the base; nothing without a base.
    pub settings: Vec<Setting>,
    /// What a lock pins of the base image.
    pub base: Option<LockedImage>,
    /// What a lock pins of the runtime source where that is a finished image.
    pub source_image: Option<LockedImage>,
    /// The packages of which files are kept.
    pub packages: Vec<Package>,
    /// The packages that others depend on, and that no program of the image needs.
    pub left_out: Vec<LeftOut>,
    /// The packages of an archive that it was made of: what a lock pins of an archive.
    pub pinned: Vec<LockedPackage>,
    /// What a lock pins of what languages brought.
    pub language: LockedLanguage,
    /// The packages that build tools were made of, and the platform that those run on.
    pub tools: Option<(Platform, Vec<LockedPackage>)>,
    /// The files and links that came from the runtime source: what a lock pins of any other.
    pub taken: BTreeMap<TreePath, Entry>,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Are there errors among the findings?
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Plans an image: places the payload, takes what it needs from the source, and judges the result.
///
/// # Errors
/// Only when something cannot be read; what is wrong with the image is in [`Plan::findings`].
pub fn plan(spec: &Spec, platform: Platform, sources: &Sources<'_>) -> Result<Plan, PlanError> {
    let mut draft = sources.base.map(Draft::upon).unwrap_or_default();
    let mut accounts = accounts_of(&mut draft, spec)?;
    let of_base = sources.base.and_then(|base| base::variable(&base.config, "PATH"));
    let (asked, own) = (&sources.brought.config(&spec.config, of_base), &spec.config.env);
    let Merged { config, env_order } = match sources.base {
        Some(base) => base::merge(asked, &base.config, &accounts),
        None => Merged { config: asked.clone(), env_order: vec![] },
    };
    let spec = &Spec { config, ..spec.clone() };
    let debug = Spec { config: debug::config(&spec.config, process::path_of(&spec.config)), ..spec.clone() };
    let spec = if spec.runtime.variant == Variant::Debug { &debug } else { spec };
    let machine = platform.architecture.machine().ok_or(PlanError::Machine(platform))?;
    let vars = Vars::of(platform, spec.runtime.variant);
    let nothing = Tree::new();
    let masked = sources.runtime.map(|view| Masked::new(view, spec, &sources.brought.managed));
    let source: &dyn View = masked.as_ref().map_or(&nothing, |masked| masked);

    accounts.add_packages(sources.accounts, &spec.config.user());
    let placed = payload::place(&mut draft, &spec.files, sources.payload, &vars)?;
    payload::read_accounts(&mut accounts, &placed)?;
    let placed = placed.into_iter().filter(|file| !sources.brought.replaced.contains(&file.path)).collect();
    payload::put(&mut draft, placed, &accounts, &spec.policy.allow, source)?;
    put_listed(&mut draft, spec, &accounts, source)?;
    sources.brought.put(&mut draft, &spec.policy.allow, masked.as_ref())?;
    profile::put_own(&mut draft, &accounts, spec)?;

    let facts = &sources.memo.facts;
    let library_path = spec.config.env.get("LD_LIBRARY_PATH").map_or("", String::as_str);
    let library_path = process::library_path(library_path, &spec.config.workdir());
    let path = process::path_of(&spec.config);
    let scope = Scope { machine: &machine, facts, library_path: &library_path, path };
    gather(&mut draft, spec, platform, sources, source, scope)?;
    if let Some(masked) = &masked {
        masked.tell_unused(&mut draft);
    }
    certificates::add(&mut draft, sources.ca)?;
    if spec.runtime.variant == Variant::Debug {
        debug::put(&mut draft, source, spec.runtime.line)?;
    }
    let (packages, left_out) = match sources.runtime {
        Some(_) if spec.runtime.profile != Profile::None => {
            packages::add(&mut draft, source, &sources.brought.stand_ins, &sources.memo.packages)?
        }
        _ => Default::default(),
    };
    let packages = match sources.base {
        Some(base) => packages::with_those_of(&base.tree, packages, &mut draft)?,
        None => packages,
    };
    profile::put_os_release(&mut draft, spec.runtime.profile)?;

    let process = process::decide(&spec.config, &spec.dirs, &accounts, &env_order, &mut draft);
    let allow = &spec.policy.allow;
    let program = program_of(&draft, &spec.config)?;
    if let Some(program) = &program {
        let dlopen = spec.runtime.dlopen.iter().map(|library| library.name.clone());
        draft.by_name.entry(program.clone()).or_default().extend(dlopen);
    }
    sources.brought.tell_loads(&mut draft);
    let proof = Proof {
        scope,
        allow,
        process: &process,
        program: program.as_ref(),
        is_glibc_source: is_glibc(source, &machine)?,
    };
    let loaded = proof.run(&mut draft)?;
    process::check(&mut draft, &spec.config, &process, &loaded)?;
    process::named::check(&mut draft, &spec.config, &process, &spec.dirs)?;
    let (config, dirs, program) = (&spec.config, &spec.dirs, program.as_ref());
    Environment { config, own, process: &process, dirs, source, scope, program }.check(&mut draft)?;
    process::check_root(&mut draft, &process, allow, spec.config.line);
    policy::check(&mut draft, allow, &spec.runtime.keep, &process.volumes)?;
    policy::check_limits(&mut draft, &spec.limits, &packages);
    for problem in sources.known {
        if concerns(problem, spec, &draft, &packages) {
            draft.report(problem.clone());
        }
    }
    let settings = sources.base.map(|base| base::settings(asked, &base.config, &spec.config, &process));
    Ok(Plan {
        left_out,
        settings: settings.unwrap_or_default(),
        config: spec.config.clone(),
        base: sources.base.map(|base| base.pin),
        source_image: sources.source_image,
        pinned: sources.pinned.clone(),
        language: sources.brought.pins.clone(),
        ..finish(draft, spec, platform, process, packages)
    })
}

/// The accounts of every image, of the base, and of the spec. A user of the spec that the base knows as another is
/// reported.
fn accounts_of(draft: &mut Draft, spec: &Spec) -> Result<Accounts, PlanError> {
    let mut accounts = Accounts::of(&draft.tree)?;
    for user in &spec.users {
        if let Some(known) = accounts.user(&user.name).filter(|known| *known != (user.uid, user.gid)) {
            let (name, wanted, line) = (user.name.clone(), (user.uid, user.gid), user.line);
            draft.report(Problem::UserOfBase { name, known, wanted, line });
        }
        accounts.add(user);
    }
    Ok(accounts)
}

/// Does something that the source lacks matter to this image?
fn concerns(problem: &Problem, spec: &Spec, draft: &Draft, packages: &[Package]) -> bool {
    match problem {
        // What only brings data to something else is set up for others.
        Problem::ScriptNotRun { package, .. } => packages.iter().any(|kept| {
            let is_named = spec.runtime.packages.iter().any(|named| named.name == kept.name);
            kept.name == *package && (is_named || has_code(kept, draft))
        }),
        problem => problem.subject().is_none_or(|path| draft.has(path)),
    }
}

/// Is there a program or a library among the files of a package?
fn has_code(package: &Package, draft: &Draft) -> bool {
    package.files.iter().any(|path| {
        let is_library = path.name().ends_with(".so") || path.name().contains(".so.");
        is_library || draft.tree.get(path).is_some_and(Entry::is_executable)
    })
}

/// Takes from the source what the profile, `keep`, the process and the payload need.
fn gather(
    draft: &mut Draft,
    spec: &Spec,
    platform: Platform,
    sources: &Sources<'_>,
    source: &dyn View,
    scope: Scope<'_>,
) -> Result<(), PlanError> {
    let mut gather = Gather::new(draft, source, scope);
    let profile = spec.runtime.profile;
    for wanted in profile.files() {
        let Ok(at) = TreePath::parse(wanted.path) else { continue };
        let reason = Reason::Profile { name: profile.name().into(), purpose: wanted.purpose.into() };
        let taken = gather.take_all(&at, BASE, &reason, &|path| {
            if Profile::leaves_out(path) { Choice::Leave } else { Choice::Take }
        })?;
        if taken == 0 {
            gather.draft.report_of_profile(profile, wanted.path, wanted.purpose);
        }
    }
    for wanted in profile.libraries() {
        let reason = Reason::Profile { name: profile.name().into(), purpose: wanted.purpose.into() };
        if !gather.take_library(wanted.soname, None, reason)? {
            gather.draft.report_of_profile(profile, wanted.soname, wanted.purpose);
        }
    }
    if profile.has_libc() {
        // An image that others build upon has programs later.
        let loaders = scope.machine.loader_candidates().iter().filter_map(|path| TreePath::parse(path).ok());
        for loader in loaders {
            let reason =
                Reason::Profile { name: profile.name().into(), purpose: "the loader of programs".into() };
            gather.take(&loader, BASE, reason)?;
        }
    }
    let mut wanted = Wanted::new(&mut gather, spec, platform, source, sources)?;
    wanted.take(&mut gather)?;
    keep(&mut gather, spec)?;
    take_program(&mut gather, &spec.config)?;
    gather.run()?;
    wanted.take_what_waits(&mut gather)?;
    let program = match find_program(&gather, &spec.config)? {
        Some(at) => Some(gather.overlay().follow(&at)?.path),
        None => None,
    };
    for library in &spec.runtime.dlopen {
        if !gather.take_library(&library.name, program.as_ref(), Reason::Listed { line: library.line })? {
            let packages = crate::tables::packages_with(&library.name);
            let soname = library.name.clone();
            gather.draft.report(Problem::MissingDlopen { soname, packages, line: library.line });
        }
    }
    gather.take_packed(&sources.brought.packed, &spec.policy.allow)?;
    gather.run()?;
    gather.finish_by_name(program.as_ref())?;
    let dirs = std::mem::take(&mut gather.library_dirs);
    search_path::write(draft, scope.machine, scope.facts, &dirs)?;
    Ok(())
}

/// Takes what `keep` names.
fn keep(gather: &mut Gather<'_>, spec: &Spec) -> Result<(), PlanError> {
    for pattern in &spec.runtime.keep {
        let reason = Reason::Listed { line: pattern.line };
        let Ok(glob) = Glob::new(&pattern.glob) else { continue };
        let taken = match glob.literal().map(TreePath::parse) {
            // One path: what is there, with all below it.
            Some(Ok(path)) => gather.take_all(&path, LIBS, &reason, &|_| Choice::Take)?,
            _ => gather.take_matching(&glob, LIBS, &reason)?,
        };
        if taken == 0 {
            gather.draft.report(Problem::NothingKept { glob: pattern.glob.clone(), line: pattern.line });
        }
    }
    Ok(())
}

/// Takes the process's program from the source where the payload does not bring it.
pub(crate) fn take_program(gather: &mut Gather<'_>, config: &Config) -> Result<(), PlanError> {
    if let Some(at) = find_program(gather, config)? {
        gather.take(&at, LIBS, Reason::Entrypoint { line: config.line })?;
    }
    Ok(())
}

/// Where the process's program is in the image, links resolved.
pub(crate) fn program_of(draft: &Draft, config: &Config) -> Result<Option<TreePath>, PlanError> {
    let Some(program) = process::program(config) else { return Ok(None) };
    match process::find(&draft.tree, program, &config.workdir(), process::path_of(config))? {
        Some(at) => Ok(Some(draft.tree.follow(&at)?.path)),
        None => Ok(None),
    }
}

fn find_program(gather: &Gather<'_>, config: &Config) -> Result<Option<TreePath>, PlanError> {
    let Some(program) = process::program(config) else { return Ok(None) };
    let (path, workdir) = (process::path_of(config), config.workdir());
    // A package manager is no part of an image, unless something else brings it.
    if node::is_package_manager(program) {
        return Ok(process::find(&gather.draft.tree, program, &workdir, path)?);
    }
    Ok(process::find(&gather.overlay(), program, &workdir, path)?)
}

/// Puts `[[dirs]]`, `[[links]]` and the homes of `[[users]]`.
fn put_listed(
    draft: &mut Draft,
    spec: &Spec,
    accounts: &Accounts,
    source: &dyn View,
) -> Result<(), PlanError> {
    for dir in &spec.dirs {
        if dir.path.is_root() {
            let reason = "the root is there, and 0755".to_owned();
            draft.report(Problem::BadPath { path: "/".into(), reason, line: dir.line });
            continue;
        }
        let (uid, gid) = draft.numbers(accounts, &dir.owner, dir.line).unwrap_or((0, 0));
        let entry = Entry::directory(dir.mode).owned_by(uid, gid);
        let path = payload::join_usr(draft, source, &dir.path, true)?;
        // The spec says what the directory is like; files that went into it said only that it is.
        if draft.has(&path) && draft.tree.get(&path).is_some_and(Entry::is_directory) {
            draft.set_meta(&path, entry.meta, APP);
            draft.reasons.add(&path, Reason::Listed { line: dir.line });
            continue;
        }
        draft.put(&path, entry, Origin::Payload, APP, Reason::Listed { line: dir.line })?;
    }
    for link in &spec.links {
        let entry = Entry::symlink(link.to.clone());
        let path = payload::join_usr(draft, source, &link.path, false)?;
        draft.put(&path, entry, Origin::Payload, APP, Reason::Listed { line: link.line })?;
    }
    for user in &spec.users {
        let home = payload::join_usr(draft, source, &user.home, true)?;
        if draft.tree.get(&home).is_none() && !home.is_root() {
            let entry = Entry::directory(0o700).owned_by(user.uid, user.gid);
            draft.put(&home, entry, Origin::Payload, APP, Reason::Listed { line: user.line })?;
        }
    }
    Ok(())
}

pub(crate) fn finish(
    draft: Draft,
    spec: &Spec,
    platform: Platform,
    process: Process,
    packages: Vec<Package>,
) -> Plan {
    let mut named: Vec<String> = vec![];
    for files in &spec.files {
        if !named.contains(&files.layer) {
            named.push(files.layer.clone());
        }
    }
    let layers = layers::cut(&draft, spec.layers.split, &named);
    let entry = |path: &TreePath| Some((path.clone(), draft.tree.get(path)?.clone()));
    let taken = draft.taken.iter().filter_map(entry).filter(|(_, entry)| !entry.is_directory()).collect();
    let Draft { tree, reasons, findings, .. } = draft;
    let mut findings: Vec<Finding> =
        findings.into_iter().map(|finding| located(finding, spec, &reasons)).collect();
    findings.sort_by(|a, b| (a.severity, a.problem.code()).cmp(&(b.severity, b.problem.code())));
    Plan {
        platform,
        layers,
        tree,
        reasons,
        process,
        config: Config::default(),
        settings: vec![],
        base: None,
        source_image: None,
        packages,
        left_out: vec![],
        pinned: vec![],
        language: LockedLanguage::default(),
        tools: None,
        taken,
        findings,
    }
}

/// A finding with the line of the spec that brought what it is about; else that of the table that
/// decides it.
fn located(finding: Finding, spec: &Spec, reasons: &Reasons) -> Finding {
    let brought = finding.problem.subject().and_then(|path| reasons.line(path));
    let table = match &finding.problem {
        Problem::NotAllowed { .. } | Problem::VolumeNotWritable { .. } => spec.config.line,
        Problem::MissingOfProfile { .. } | Problem::MissingRunTimeLoad { .. } => spec.runtime.line,
        // The process's program, and what it needs, where no line names them but that of the process.
        problem if problem.subject().is_some_and(|path| reasons.is_of_process(path)) => spec.config.line,
        _ => 0,
    };
    let of_archive = matches!(spec.runtime.source, RuntimeSource::Archive(_));
    // What is wrong with a base is told, and stops nothing as long as nothing of the image needs it.
    let severity = match finding.severity {
        Severity::Error if is_of_base(&finding.problem, reasons) => Severity::Warning,
        severity => severity,
    };
    Finding { of_archive, severity, ..finding.at(brought.unwrap_or(table)) }
}

/// Is a problem one of files that are there only because the base has them?
fn is_of_base(problem: &Problem, reasons: &Reasons) -> bool {
    match problem {
        Problem::MissingLibrary { needed_by, .. } | Problem::MissingVersion { needed_by, .. } => {
            needed_by.iter().all(|path| reasons.are_of_base(path))
        }
        Problem::MissingInterpreter { program: path, .. }
        | Problem::MissingCompanion { program: path, .. }
        | Problem::MissingScriptInterpreter { script: path, .. }
        | Problem::MissingOnPath { script: path, .. }
        | Problem::MissingNoted { file: path, .. }
        | Problem::UndefinedSymbol { object: path, .. }
        | Problem::WrongMachine { path, .. }
        | Problem::DamagedElf { path, .. } => reasons.are_of_base(path),
        _ => false,
    }
}

/// Does a source have the loader that glibc has on this machine?
fn is_glibc(source: &dyn View, machine: &Machine) -> Result<bool, ViewError> {
    for path in machine.loader_candidates().iter().filter(|path| !path.contains("ld-musl")) {
        if TreePath::parse(path)
            .is_ok_and(|path| source.follow(&path).is_ok_and(|found| found.entry.is_some()))
        {
            return Ok(true);
        }
    }
    Ok(false)
}
