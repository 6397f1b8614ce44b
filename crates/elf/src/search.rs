//! Where the loader looks for a library, and what it makes of what it finds there.

use crate::memo::FactsOf;
use crate::symbols::Objects;
use crate::{Cache, ElfError, Endian, Facts, Flavor, Kind, Loader, Machine, Notebook, ld_so_conf};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tree::{Entry, Resolution, TreePath, View};

/// The largest list of musl's directories that is read, in bytes.
const MAX_PATH_FILE: u64 = 1 << 20;

/// What stands in for a cache that the view does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachePolicy {
    /// Nothing: what the loader would do. Right for an image.
    AsIs,
    /// The directories of `/etc/ld.so.conf`, as `ldconfig` would have put them into the cache. Right
    /// for a tree that is made of packages whose scripts did not run.
    OrConf,
}

/// Why the loader looked where it found a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// `DT_RPATH` of the object that needs it, or of one further up that made this one be loaded.
    Rpath,
    /// `DT_RUNPATH` of the object that needs it.
    Runpath,
    /// The environment.
    LdLibraryPath,
    /// `/etc/ld.so.cache`, which is made from `/etc/ld.so.conf`.
    LdSoConf,
    /// The directories built into the loader; for musl also those of its `.path` file.
    Default,
    /// It is needed by its path.
    Path,
    /// It is the loader itself.
    Interpreter,
}

/// Why a file that has the name of a library is not loaded as one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// It is for another machine.
    Machine(Machine),
    /// It is no ELF file.
    NotElf,
    /// It is a program or library that would need a loader itself, where one should be.
    NoLoader(&'static str),
    /// Its header is none that the loader takes, with the reason as a clause.
    Header(&'static str),
    /// It is something that cannot be loaded: a directory, a program, debug information.
    Kind(&'static str),
    /// It is damaged, or cannot be read, or its links lead in circles.
    Unreadable(String),
}

/// Finds libraries in a view as the loader would.
pub struct Linker<'a> {
    view: &'a dyn View,
    facts: &'a dyn FactsOf,
    ld_library_path: Vec<String>,
    policy: CachePolicy,
    secure: bool,
    memo: Mutex<Memo>,
    objects: Mutex<Objects>,
}

#[derive(Default)]
struct Memo {
    dirs: HashMap<String, Option<Arc<Dir>>>,
    configs: HashMap<(TreePath, Endian), Arc<Config>>,
    loaders: HashMap<TreePath, Arc<Loader>>,
}

/// A directory that is searched.
pub(crate) struct Dir {
    /// As the loader opens it.
    path: TreePath,
    /// Without links.
    real: TreePath,
    /// The links that were followed to it.
    links: Vec<TreePath>,
}

/// What a loader is told by the file that configures it.
enum Config {
    None,
    /// glibc's cache.
    Cache(Arc<Cache>),
    /// Directories that would be in glibc's cache.
    Conf(Vec<Arc<Dir>>),
    /// Directories in place of musl's built-in ones.
    Path(Vec<String>),
}

/// An object that a search is made for.
pub(crate) struct Requester<'a> {
    pub facts: &'a Facts,
    /// What `$ORIGIN` means to it.
    pub origin: &'a TreePath,
}

/// A library that was found.
pub(crate) struct Found {
    pub path: TreePath,
    pub resolution: Resolution,
    pub facts: Arc<Facts>,
    pub rule: Rule,
}

/// What came of looking at one place.
enum Look {
    Nothing,
    Unusable(TreePath, Unusable),
    File(TreePath, Resolution, Arc<Facts>),
}

/// What came of a search: nothing, perhaps with the first file that had the name but was of no use.
pub(crate) type Sought = Result<Found, Option<(TreePath, Unusable)>>;

impl Rule {
    /// The rule as `bantam deps --json` names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Rpath => "rpath",
            Rule::Runpath => "runpath",
            Rule::LdLibraryPath => "LD_LIBRARY_PATH",
            Rule::LdSoConf => "ld.so.conf",
            Rule::Default => "default",
            Rule::Path => "path",
            Rule::Interpreter => "interpreter",
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        use Rule::{Default, Interpreter, LdLibraryPath, LdSoConf, Path, Rpath, Runpath};
        let all = [Rpath, Runpath, LdLibraryPath, LdSoConf, Default, Path, Interpreter];
        let known = all.into_iter().find(|rule| rule.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is no rule of a loader"))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Machine(machine) => write!(f, "it is for {machine}"),
            Unusable::NotElf => f.write_str("it is not an ELF file"),
            Unusable::NoLoader(word) => write!(f, "it is {word}, and no loader"),
            Unusable::Header(reason) => f.write_str(reason),
            Unusable::Kind(word) => write!(f, "it is {word}"),
            Unusable::Unreadable(reason) => f.write_str(reason),
        }
    }
}

impl<'a> Linker<'a> {
    /// A linker without `LD_LIBRARY_PATH`, which takes `/etc/ld.so.conf` where there is no cache.
    pub fn new(view: &'a dyn View, facts: &'a dyn FactsOf) -> Self {
        Linker {
            view,
            facts,
            ld_library_path: vec![],
            policy: CachePolicy::OrConf,
            secure: false,
            memo: Mutex::default(),
            objects: Mutex::default(),
        }
    }

    /// The linker with this `LD_LIBRARY_PATH`: directories with colons or semicolons between them.
    pub fn ld_library_path(mut self, path: &str) -> Self {
        self.ld_library_path = path.split([':', ';']).map(String::from).collect();
        self
    }

    /// The linker with another choice for views without a cache.
    pub fn cache_policy(mut self, policy: CachePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The linker for programs that gain rights when they are started (`AT_SECURE`: setuid, setgid, file
    /// capabilities): their loader goes neither by `LD_LIBRARY_PATH` nor by the program's own `$ORIGIN`,
    /// except where glibc's leads into its built-in directories.
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self.ld_library_path.clear();
        self
    }

    /// The view it looks at.
    pub fn view(&self) -> &'a dyn View {
        self.view
    }

    /// Who keeps what was found out between runs, if anybody does.
    pub(crate) fn notebook(&self) -> Option<&'a dyn Notebook> {
        self.facts.notebook()
    }

    /// Where a path leads and what the file there is.
    ///
    /// # Errors
    /// When nothing is there, it is no ELF file, or it is damaged.
    pub fn object(&self, path: &TreePath) -> Result<(Resolution, Arc<Facts>), ElfError> {
        let resolution = self.view.resolve(path)?;
        let entry = resolution.entry.as_ref().ok_or_else(|| ElfError::NotFound(path.clone()))?;
        let not_elf = |found: &str| ElfError::NotElf { path: path.clone(), found: found.into() };
        let content = entry.content().ok_or_else(|| not_elf(entry.word()))?;
        let facts = self.facts.facts_of(&resolution.path, content)?;
        let facts = facts.ok_or_else(|| not_elf("some other file"))?;
        Ok((resolution, facts))
    }

    /// What the loader at `path` has built in: read from it if it is there and of a known kind, else
    /// what is usual for the machine.
    pub fn loader(&self, path: &TreePath, machine: &Machine) -> Arc<Loader> {
        if let Some(loader) = self.memo().loaders.get(path) {
            return loader.clone();
        }
        let found = self.view.resolve(path).ok().and_then(|found| found.entry);
        let content = found.as_ref().and_then(Entry::content);
        let read = content.and_then(|content| self.facts.loader_of(path, content));
        let loader = read.unwrap_or_else(|| Arc::new(Loader::usual(path, machine)));
        self.memo().loaders.insert(path.clone(), loader.clone());
        loader
    }

    /// Searches for a library that `chain[0]` needs. The chain goes on with the object that made
    /// this one be loaded, up to the program.
    pub(crate) fn search(&self, loader: &Loader, chain: &[Requester<'_>], name: &str) -> Sought {
        let (Some(first), Some(program)) = (chain.first(), chain.last()) else { return Err(None) };
        let machine = &program.facts.machine;
        let mut seeker =
            Seeker { linker: self, machine, flavor: loader.flavor, name, strict: false, unusable: None };
        if name.contains('/') {
            let text = expand(name, first.origin, loader, machine);
            return seeker.at_path(&text).ok_or(seeker.unusable);
        }
        let found = match loader.flavor {
            Flavor::Glibc => seeker.glibc(loader, chain, first, program),
            Flavor::Musl => seeker.musl(loader, chain, program),
        };
        found.ok_or(seeker.unusable)
    }

    /// The directory that a text names, if one is there. A relative one depends on the working
    /// directory of the program, which is not known.
    fn dir(&self, text: &str) -> Option<Arc<Dir>> {
        if let Some(known) = self.memo().dirs.get(text) {
            return known.clone();
        }
        let dir = self.walk(text).map(Arc::new);
        self.memo().dirs.insert(text.into(), dir.clone());
        dir
    }

    fn walk(&self, text: &str) -> Option<Dir> {
        if !text.starts_with('/') {
            return None;
        }
        let mut path = TreePath::root();
        let mut links = vec![];
        for name in text.split('/') {
            if name == ".." {
                // Up from where the links lead, as the kernel goes, not up in the text.
                let found = self.view.resolve(&path).ok()?;
                found.entry.filter(Entry::is_directory)?;
                links.extend(found.links);
                path = found.path.parent().unwrap_or(found.path);
            } else {
                path = path.join(name).ok()?;
            }
        }
        let found = self.view.resolve(&path).ok()?;
        found.entry.filter(Entry::is_directory)?;
        links.extend(found.links);
        Some(Dir { path, real: found.path, links })
    }

    fn look(&self, dir: &Dir, name: &str, machine: &Machine, flavor: Flavor) -> Look {
        if matches!(name, "" | "." | "..") {
            return Look::Nothing;
        }
        let (Ok(path), Ok(real)) = (dir.path.join(name), dir.real.join(name)) else { return Look::Nothing };
        let found = match self.view.entry(&real) {
            Ok(Some(Entry { kind: tree::Kind::Symlink(_), .. })) => self.view.resolve(&real),
            Ok(entry) => Ok(Resolution { path: real, entry, links: vec![] }),
            Err(error) => Err(error.into()),
        };
        let mut resolution = match found {
            Ok(resolution) => resolution,
            Err(error) => return Look::Unusable(path, Unusable::Unreadable(error.to_string())),
        };
        let Some(entry) = &resolution.entry else { return Look::Nothing };
        let Some(content) = entry.content() else {
            return Look::Unusable(path, Unusable::Kind(entry.word()));
        };
        let facts = match self.facts.facts_of(&resolution.path, content) {
            Ok(Some(facts)) => facts,
            Ok(None) => return Look::Unusable(path, Unusable::NotElf),
            Err(error) => return Look::Unusable(path, Unusable::Unreadable(error.to_string())),
        };
        if !facts.machine.matches(machine) {
            return Look::Unusable(path, Unusable::Machine(facts.machine));
        }
        if let Some(reason) = facts.refused.filter(|_| flavor == Flavor::Glibc) {
            return Look::Unusable(path, Unusable::Header(reason));
        }
        match facts.kind {
            Kind::SharedObject => {}
            Kind::Executable if !facts.is_pie => {}
            kind => return Look::Unusable(path, Unusable::Kind(kind.word())),
        }
        resolution.links.splice(0..0, dir.links.iter().cloned());
        Look::File(path, resolution, facts)
    }

    fn config(&self, loader: &Loader, machine: &Machine) -> Arc<Config> {
        let key = (loader.config.clone(), machine.endian);
        if let Some(config) = self.memo().configs.get(&key) {
            return config.clone();
        }
        let config = Arc::new(self.read_config(loader, machine));
        self.memo().configs.insert(key, config.clone());
        config
    }

    /// A configuration that cannot be read is to the loader as one that is not there.
    fn read_config(&self, loader: &Loader, machine: &Machine) -> Config {
        let found = self.view.resolve(&loader.config).ok().and_then(|found| found.entry);
        match (loader.flavor, found.as_ref().and_then(Entry::content)) {
            (Flavor::Musl, Some(content)) => {
                let bytes = content.read(MAX_PATH_FILE).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                Config::Path(text.split([':', '\n']).map(String::from).collect())
            }
            (Flavor::Glibc, Some(content)) => Config::Cache(self.facts.cache_of(content, machine.endian)),
            (Flavor::Glibc, None) if self.policy == CachePolicy::OrConf => {
                let conf = loader.config.parent().map(|etc| etc.child("ld.so.conf"));
                let dirs = conf.map(|conf| ld_so_conf(self.view, &conf).dirs).unwrap_or_default();
                Config::Conf(dirs.iter().filter_map(|dir| self.dir(dir.as_str())).collect())
            }
            (_, None) => Config::None,
        }
    }

    /// What is known of symbols.
    pub(crate) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memo(&self) -> MutexGuard<'_, Memo> {
        self.memo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One search for one name.
struct Seeker<'s> {
    linker: &'s Linker<'s>,
    machine: &'s Machine,
    flavor: Flavor,
    name: &'s str,
    /// Does the loader give up at a file of no use, rather than look further?
    strict: bool,
    unusable: Option<(TreePath, Unusable)>,
}

impl Seeker<'_> {
    /// The order of glibc: `_dl_map_object` of its `elf/dl-load.c`.
    fn glibc(
        &mut self,
        loader: &Loader,
        chain: &[Requester<'_>],
        first: &Requester<'_>,
        program: &Requester<'_>,
    ) -> Option<Found> {
        if first.facts.runpath.is_none() {
            for object in chain.iter().filter(|object| object.facts.runpath.is_none()) {
                let rpath = self.trusted(&object.facts.rpath, object, program, loader);
                if let Some(found) = self.along(&rpath, object.origin, loader, Rule::Rpath) {
                    return Some(found);
                }
            }
        }
        let env = &self.linker.ld_library_path;
        if let Some(found) = self.along(env, program.origin, loader, Rule::LdLibraryPath) {
            return Some(found);
        }
        let runpath = first.facts.runpath.as_deref().unwrap_or_default();
        let runpath = self.trusted(runpath, first, program, loader);
        if let Some(found) = self.along(&runpath, first.origin, loader, Rule::Runpath) {
            return Some(found);
        }
        let closed = if first.facts.nodeflib { &loader.builtin_dirs[..] } else { &[] };
        let config = self.linker.config(loader, self.machine);
        let is_closed = |path: &TreePath| closed.iter().any(|dir| path.is_within(dir));
        match &*config {
            Config::Cache(cache) => {
                let entry = cache.find(self.name, self.machine);
                let entry = entry.filter(|entry| !is_closed(&entry.path));
                if let Some(found) = entry.and_then(|entry| self.at_path(entry.path.as_str())) {
                    return Some(Found { rule: Rule::LdSoConf, ..found });
                }
            }
            Config::Conf(dirs) => {
                for dir in dirs.iter().filter(|dir| !is_closed(&dir.path)) {
                    if let Some(found) = self.in_dir(dir, Rule::LdSoConf).filter(|f| self.would_be_cached(f))
                    {
                        return Some(found);
                    }
                }
            }
            Config::None | Config::Path(_) => {}
        }
        if first.facts.nodeflib { None } else { self.in_builtin(loader) }
    }

    /// The order of musl: `load_library` of its `ldso/dynlink.c`. Whatever has the name is taken.
    fn musl(&mut self, loader: &Loader, chain: &[Requester<'_>], program: &Requester<'_>) -> Option<Found> {
        self.strict = true;
        let env = &self.linker.ld_library_path;
        if let Some(found) = self.along(env, program.origin, loader, Rule::LdLibraryPath) {
            return Some(found);
        }
        for object in chain {
            let (paths, rule) = match &object.facts.runpath {
                Some(runpath) => (runpath, Rule::Runpath),
                None => (&object.facts.rpath, Rule::Rpath),
            };
            // A path with any other `$` than `$ORIGIN` does not count at all.
            let known = |path: &String| !path.replace("$ORIGIN", "").replace("${ORIGIN}", "").contains('$');
            let trusted = self.trusted(paths, object, program, loader).len() == paths.len();
            if !trusted || !paths.iter().all(known) {
                continue;
            }
            if let Some(found) = self.along(paths, object.origin, loader, rule) {
                return Some(found);
            }
        }
        match &*self.linker.config(loader, self.machine) {
            Config::Path(dirs) => self.along(dirs, program.origin, loader, Rule::Default),
            _ => self.in_builtin(loader),
        }
    }

    /// The search path of an object without what a program that gains rights may not say:
    /// `_dl_dst_substitute` of glibc's `elf/dl-load.c`, `fixup_rpath` of musl's `ldso/dynlink.c`.
    fn trusted<'p>(
        &self,
        paths: &'p [String],
        object: &Requester<'_>,
        program: &Requester<'_>,
        loader: &Loader,
    ) -> Cow<'p, [String]> {
        if !self.linker.secure || !std::ptr::eq(object, program) {
            return Cow::Borrowed(paths);
        }
        let is_trusted = |path: &&String| {
            let own = path.contains("$ORIGIN") || path.contains("${ORIGIN}");
            let builtin = || {
                let dir = TreePath::parse(&expand(path, object.origin, loader, self.machine));
                dir.is_ok_and(|dir| loader.builtin_dirs.iter().any(|trusted| dir.is_within(trusted)))
            };
            !own || self.flavor == Flavor::Glibc && builtin()
        };
        Cow::Owned(paths.iter().filter(is_trusted).cloned().collect())
    }

    fn along(&mut self, paths: &[String], origin: &TreePath, loader: &Loader, rule: Rule) -> Option<Found> {
        paths.iter().find_map(|path| {
            let dir = self.linker.dir(&expand(path, origin, loader, self.machine))?;
            self.in_dir(&dir, rule)
        })
    }

    fn in_builtin(&mut self, loader: &Loader) -> Option<Found> {
        loader.builtin_dirs.iter().find_map(|dir| {
            let dir = self.linker.dir(dir.as_str())?;
            self.in_dir(&dir, Rule::Default)
        })
    }

    /// A library at a path, as it is needed or as the cache has it.
    fn at_path(&mut self, text: &str) -> Option<Found> {
        let (dir, name) = text.rsplit_once('/')?;
        let dir = self.linker.dir(if dir.is_empty() { "/" } else { dir })?;
        self.take(&dir, name, Rule::Path)
    }

    fn in_dir(&mut self, dir: &Dir, rule: Rule) -> Option<Found> {
        self.take(dir, self.name, rule)
    }

    fn take(&mut self, dir: &Dir, name: &str, rule: Rule) -> Option<Found> {
        if self.strict && self.unusable.is_some() {
            return None;
        }
        match self.linker.look(dir, name, self.machine, self.flavor) {
            Look::Nothing => None,
            Look::Unusable(path, why) => {
                // glibc looks on only where a file is of another class or machine.
                self.strict |= !matches!(why, Unusable::Machine(_));
                self.unusable.get_or_insert((path, why));
                None
            }
            Look::File(path, resolution, facts) => Some(Found { path, resolution, facts, rule }),
        }
    }

    /// Would `ldconfig` have put this file into the cache under the name? It goes by sonames, and
    /// takes the name of the file where it has none, or that of a `.so` link which compilers use.
    fn would_be_cached(&self, found: &Found) -> bool {
        let Some(soname) = &found.facts.soname else { return true };
        let is_link = || found.resolution.links.iter().any(|link| link.name() == self.name);
        soname == self.name || (self.name.ends_with(".so") && soname.starts_with(self.name) && is_link())
    }
}

/// A search path with `$ORIGIN`, `$LIB` and `$PLATFORM` replaced, in braces or not.
fn expand(text: &str, origin: &TreePath, loader: &Loader, machine: &Machine) -> String {
    if !text.contains('$') {
        return text.into();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let tokens = [
            ("ORIGIN", origin.as_str()),
            ("LIB", loader.lib_token.as_str()),
            ("PLATFORM", machine.platform()),
        ];
        let replaced = tokens.iter().find_map(|(token, value)| {
            let braced =
                rest[1..].strip_prefix('{').and_then(|rest| rest.strip_prefix(token)?.strip_prefix('}'));
            let bare = || {
                let after = rest[1..].strip_prefix(token)?;
                let ends = !after.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '_');
                ends.then_some(after)
            };
            braced.or_else(bare).map(|after| (*value, after))
        });
        match replaced {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('$');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}
