//! Do the variables of the environment lead to what is in the image?

mod locale;
mod table;
mod zone;

use crate::{
    draft::Draft,
    finding::{Fix, Problem},
    gather::Scope,
    nearest::nearest,
    policy::is_mounted,
    process::{
        Process,
        access::{R, X, blocked},
    },
    spec::{Config, Dir},
    tables::packages_with,
};
use elf::{CachePolicy, Linker};
use std::collections::{BTreeMap, BTreeSet};
use table::{Kind, Variable};
use tree::{TreePath, View, ViewError};

/// Where the C library has time zones.
const ZONEINFO: &str = "/usr/share/zoneinfo";

/// Where the files of a distribution are, and of what is installed beside it.
const SYSTEM: &[&str] = &["/usr/", "/etc/", "/opt/", "/lib/", "/lib64/"];

/// What the variables of the spec are held against.
pub(crate) struct Environment<'a> {
    pub config: &'a Config,
    /// The variables that the spec names itself: what a base has is its own affair.
    pub own: &'a BTreeMap<String, String>,
    pub process: &'a Process,
    /// The directories of the spec: what is below them may be made while running.
    pub dirs: &'a [Dir],
    /// Where what is missing may be.
    pub source: &'a dyn View,
    pub scope: Scope<'a>,
    /// The process's program, where it is.
    pub program: Option<&'a TreePath>,
}

/// Something that a variable leads to, and that is not as it should be: `path` is it, `why` a clause about
/// it, `fix` what would bring it.
struct Wrong {
    path: String,
    why: String,
    fix: Option<Fix>,
}

impl Environment<'_> {
    /// Reports variables that lead nowhere: each thing once.
    ///
    /// # Errors
    /// When links of the image or the source cannot be followed.
    pub fn check(&self, draft: &mut Draft) -> Result<(), ViewError> {
        let overruled = |name: &str| {
            // LC_ALL takes the place of every other locale.
            let all = self.config.env.get("LC_ALL").is_some_and(|all| !all.is_empty());
            all && (name == "LANG" || name.starts_with("LC_")) && name != "LC_ALL"
        };
        for (name, value) in self.own.iter().filter(|(name, _)| !overruled(name)) {
            let Some(variable) = table::find(name) else { continue };
            let mut told: BTreeSet<String> = BTreeSet::new();
            for Wrong { path, why, fix } in self.judge(draft, variable, value)? {
                if told.insert(path.clone()) {
                    let (name, value, what) = (name.clone(), value.clone(), variable.what);
                    let line = self.config.env_lines.get(&name).copied().unwrap_or(self.config.line);
                    draft.report(Problem::EnvPath { name, value, path, why, what, fix, line });
                }
            }
        }
        Ok(())
    }

    fn judge(&self, draft: &Draft, variable: &Variable, value: &str) -> Result<Vec<Wrong>, ViewError> {
        let one = |kind| Ok(self.element(draft, variable, value, kind)?.into_iter().collect());
        match variable.kind {
            _ if value.is_empty() => Ok(vec![]),
            Kind::Zone => self.zone(draft, variable, value),
            Kind::Locale => self.locale(draft, variable, value),
            Kind::Preload => self.preload(draft, variable, value),
            Kind::Search => self.search(draft, value),
            Kind::List => self.each(draft, variable, value.split(':'), Kind::Either),
            Kind::Libraries => {
                // The loader replaces $ORIGIN, $LIB and $PLATFORM.
                let dirs = value.split([':', ';']).filter(|dir| !dir.contains('$'));
                self.each(draft, variable, dirs, Kind::Directory)
            }
            kind @ (Kind::File | Kind::Directory | Kind::Own | Kind::Either | Kind::With(_)) => one(kind),
        }
    }

    fn each<'v>(
        &self,
        draft: &Draft,
        variable: &Variable,
        elements: impl Iterator<Item = &'v str>,
        kind: Kind,
    ) -> Result<Vec<Wrong>, ViewError> {
        let mut wrong = vec![];
        for element in elements.filter(|element| !element.is_empty()) {
            // Java takes every archive of a directory.
            let element = element.strip_suffix("/*").unwrap_or(element);
            wrong.extend(self.element(draft, variable, element, kind)?);
        }
        Ok(wrong)
    }

    /// What is wrong with one path.
    fn element(
        &self,
        draft: &Draft,
        variable: &Variable,
        text: &str,
        kind: Kind,
    ) -> Result<Option<Wrong>, ViewError> {
        let Ok(named) = self.process.workdir.join(text) else {
            let why = format!("`{text}` is no path");
            return Ok(Some(Wrong { path: text.into(), why, fix: None }));
        };
        let at = match kind {
            Kind::With(program) => named.join(program).unwrap_or_else(|_| named.clone()),
            _ => named.clone(),
        };
        if self.may_come_later(&at) {
            return Ok(None);
        }
        let wrong = |why: String, fix| Some(Wrong { path: at.to_string(), why: format!("{at} {why}"), fix });
        let found = draft.tree.follow(&at)?;
        let Some(entry) = &found.entry else {
            return Ok(wrong("is not in the image".into(), self.fix(variable, &named, &at)?));
        };
        let is_directory = entry.is_directory();
        let wants_directory = matches!(kind, Kind::Directory | Kind::Own);
        if wants_directory && !is_directory || kind == Kind::File && is_directory {
            return Ok(wrong(format!("is {}", entry.word()), None));
        }
        let right = if is_directory || matches!(kind, Kind::With(_)) { X } else { R };
        if blocked(&draft.tree, self.process, &found.path, right)?.is_some() {
            let Process { uid, gid, .. } = self.process;
            return Ok(wrong(format!("cannot be used by the user {uid}:{gid}"), None));
        }
        Ok(None)
    }

    fn search(&self, draft: &Draft, value: &str) -> Result<Vec<Wrong>, ViewError> {
        for dir in value.split(':') {
            let Ok(at) = self.process.workdir.join(dir) else { continue };
            let is_there = draft.tree.follow(&at)?.entry.is_some_and(|entry| entry.is_directory());
            if is_there || self.may_come_later(&at) {
                return Ok(vec![]);
            }
        }
        let why = "none of its directories is in the image".into();
        Ok(vec![Wrong { path: value.into(), why, fix: None }])
    }

    fn zone(&self, draft: &Draft, variable: &Variable, value: &str) -> Result<Vec<Wrong>, ViewError> {
        let Some(name) = zone::file_of(value) else { return Ok(vec![]) };
        let dir = self.config.env.get("TZDIR").map_or(ZONEINFO, String::as_str);
        let Ok(at) = self.process.workdir.join(dir).and_then(|dir| dir.join(name)) else {
            return Ok(vec![Wrong { path: name.into(), why: format!("`{name}` is no path"), fix: None }]);
        };
        let Some(mut wrong) = self.element(draft, variable, at.as_str(), Kind::File)? else {
            return Ok(vec![]);
        };
        let known = at.parent().map_or(Ok(vec![]), |dir| self.source.list(&dir))?;
        if !known.is_empty() && !matches!(wrong.fix, Some(Fix::Keep(_))) {
            // The source has zones, and not this one.
            let near = nearest(at.name(), known.iter().map(String::as_str));
            let near = near.map_or(String::new(), |name| format!("; `{name}` is near"));
            wrong.fix = Some(Fix::Do(format!(
                "write a name that {ZONEINFO} of the source has (Debian's tzdata-legacy has the old ones){near}"
            )));
        }
        Ok(vec![wrong])
    }

    fn locale(&self, draft: &Draft, variable: &Variable, value: &str) -> Result<Vec<Wrong>, ViewError> {
        // Other C libraries have one locale, whatever its name.
        let is_glibc = draft.tree.iter().any(|(path, _)| path.name() == "libc.so.6");
        if locale::is_built_in(value) || !is_glibc {
            return Ok(vec![]);
        }
        let locpath = self.config.env.get("LOCPATH").map_or("", String::as_str);
        let locpath = locpath.split(':').filter(|dir| !dir.is_empty());
        let locpath: Vec<TreePath> = locpath.filter_map(|dir| self.process.workdir.join(dir).ok()).collect();
        if locpath.iter().any(|dir| self.may_come_later(dir)) {
            return Ok(vec![]);
        }
        let category = locale::category(variable.name);
        if locale::find(&draft.tree, value, category, &locpath)?.is_some() {
            return Ok(vec![]);
        }
        let fix = match locale::find(self.source, value, category, &locpath)? {
            Some(at) => Some(Fix::Keep(vec![at.to_string()])),
            None if value.starts_with("C.") => Some(Fix::Install(vec!["libc-bin".into()])),
            None => Some(Fix::Install(variable.packages.iter().map(ToString::to_string).collect())),
        };
        let dir = locpath.first().map_or(locale::LOCALES, TreePath::as_str);
        let why = "the image has no such locale".into();
        Ok(vec![Wrong { path: format!("{dir}/{value}"), why, fix }])
    }

    fn preload(&self, draft: &Draft, variable: &Variable, value: &str) -> Result<Vec<Wrong>, ViewError> {
        let mut wrong = vec![];
        let names = value.split([':', ' ', '\t', '\n']);
        for name in names.filter(|name| !name.is_empty() && !name.contains('$')) {
            if name.contains('/') {
                wrong.extend(self.element(draft, variable, name, Kind::File)?);
            } else if self.is_not_loaded(draft, name) {
                let why = format!("the loader does not find {name}");
                let fix = match packages_with(name) {
                    packages if self.is_of_source(draft, name) || packages.is_empty() => {
                        Fix::Set("runtime", format!("dlopen = [\"{name}\"]"))
                    }
                    packages => Fix::Install(packages),
                };
                wrong.push(Wrong { path: name.into(), why, fix: Some(fix) });
            }
        }
        Ok(wrong)
    }

    /// Does the process's program load libraries, and not find this one?
    fn is_not_loaded(&self, draft: &Draft, soname: &str) -> bool {
        self.loads(&draft.tree, CachePolicy::AsIs, soname) == Some(false)
    }

    fn is_of_source(&self, draft: &Draft, soname: &str) -> bool {
        let overlay = tree::Overlay { upper: &draft.tree, lower: self.source };
        self.loads(&overlay, CachePolicy::OrConf, soname) == Some(true)
    }

    fn loads(&self, view: &dyn View, policy: CachePolicy, soname: &str) -> Option<bool> {
        let linker =
            Linker::new(view, self.scope.facts).ld_library_path(self.scope.library_path).cache_policy(policy);
        let closure = linker.closure_with(self.program?, &[soname.to_owned()]).ok()?;
        closure.interpreter.as_ref()?;
        Some(closure.libraries.iter().any(|library| library.soname == soname))
    }

    /// What brings what is missing at a path into the image: a directory of its own, to keep what the
    /// variable names, or first to install what has it.
    fn fix(&self, variable: &Variable, named: &TreePath, at: &TreePath) -> Result<Option<Fix>, ViewError> {
        if variable.kind == Kind::Own {
            return Ok(Some(Fix::directory(named, self.process.uid, self.process.gid)));
        }
        // What lies elsewhere on the machine that builds is of whoever works there.
        let is_of_system = SYSTEM.iter().any(|dir| named.as_str().starts_with(dir));
        if is_of_system && self.source.follow(at)?.entry.is_some() {
            return Ok(Some(Fix::Keep(vec![named.to_string()])));
        }
        let packages: Vec<String> = variable.packages.iter().map(ToString::to_string).collect();
        Ok((!packages.is_empty()).then_some(Fix::Install(packages)))
    }

    /// May this be there once the process runs: on a volume, in a directory that is there to be
    /// written, or where the runtime mounts something?
    fn may_come_later(&self, path: &TreePath) -> bool {
        let writable = ["/tmp", "/var/tmp"].into_iter().filter_map(|dir| TreePath::parse(dir).ok());
        let dirs = self.dirs.iter().map(|dir| dir.path.clone()).chain(writable);
        is_mounted(path)
            || self.process.volumes.iter().any(|volume| path.is_within(volume))
            || dirs.into_iter().any(|dir| !dir.is_root() && path.is_within(&dir))
    }
}
