//! All that a program loads when it starts.

use crate::search::{Found, Requester};
use crate::versions_check::check_versions;
use crate::{ElfError, Facts, Flavor, Kind, Linker, Loader, Rule, Unusable};
use std::collections::HashMap;
use std::sync::Arc;
use tree::{FileId, Resolution, TreePath};

/// All that a program loads when it starts, and what stands in the way of it.
#[derive(Debug, Clone)]
pub struct Closure {
    /// The program, as it was asked for.
    pub program: TreePath,
    /// Where that leads.
    pub resolution: Resolution,
    /// What the program is.
    pub facts: Arc<Facts>,
    /// The interpreter it names; none for a static program, and for a shared object that is looked at
    /// alone.
    pub interpreter: Option<Interpreter>,
    /// The loader whose rules were followed: the interpreter, or for a shared object that is looked
    /// at alone the usual one of its machine. None for a static program.
    pub loader: Option<Arc<Loader>>,
    /// The libraries, in the order in which they are loaded. The loader is among them where one of
    /// the others needs it.
    pub libraries: Vec<Library>,
    /// How many of them are loaded when the program starts: the rest it loads by name later.
    pub at_start: usize,
    /// The libraries that were not found.
    pub missing: Vec<Missing>,
    /// The symbol versions that are needed of a library that does not have them.
    pub unsatisfied: Vec<Unsatisfied>,
    /// Libraries of which versions are needed, and which define none at all: glibc says so when the
    /// program starts, and goes on.
    pub unversioned: Vec<Unversioned>,
}

/// The interpreter of a program.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// What the program names.
    pub written: String,
    /// The same as a path of the tree.
    pub path: TreePath,
    /// Where that leads, with the links on the way.
    pub resolution: Resolution,
    /// Why it cannot load the program; none if nothing is there, or all is well.
    pub unusable: Option<Unusable>,
}

/// A library of a closure.
#[derive(Debug, Clone)]
pub struct Library {
    /// The name by which it was first needed.
    pub soname: String,
    /// The path by which the loader opens it, before links are followed.
    pub path: TreePath,
    /// Where that leads, with the links on the way: all of them are needed.
    pub resolution: Resolution,
    /// What the library is.
    pub facts: Arc<Facts>,
    /// The objects that need it, by the paths by which they are opened, in load order.
    pub needed_by: Vec<TreePath>,
    /// Why it was looked for there.
    pub rule: Rule,
}

/// A library that was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The name by which it is needed.
    pub soname: String,
    /// The objects that need it.
    pub needed_by: Vec<TreePath>,
    /// A file of that name that cannot be loaded.
    pub found_but: Option<(TreePath, Unusable)>,
}

/// A symbol version that a library should have and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsatisfied {
    /// The version, such as `GLIBC_2.38`.
    pub version: String,
    /// The library, by the path by which it is opened.
    pub library: TreePath,
    /// The objects that need the version.
    pub needed_by: Vec<TreePath>,
    /// Do the library's symbols have no versions at all?
    pub without_table: bool,
}

/// A library of which versions are needed, and which defines none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unversioned {
    /// The library, by the path by which it is opened.
    pub library: TreePath,
    /// The objects that need versions of it.
    pub needed_by: Vec<TreePath>,
}

impl Interpreter {
    /// Is a loader there that can load the program?
    pub fn is_found(&self) -> bool {
        self.resolution.entry.is_some() && self.unusable.is_none()
    }
}

impl Closure {
    /// Does everything that the loader asks for exist?
    pub fn is_complete(&self) -> bool {
        let interpreter = self.interpreter.as_ref().is_none_or(Interpreter::is_found);
        interpreter && self.missing.is_empty() && self.unsatisfied.is_empty()
    }
}

impl Linker<'_> {
    /// What a program, or a shared object alone, loads when it starts.
    ///
    /// # Errors
    /// Only when the file itself is not there, is no ELF file, or is damaged. Whatever is wrong with
    /// what it loads is part of the closure.
    pub fn closure(&self, program: &TreePath) -> Result<Closure, ElfError> {
        self.closure_with(program, &[])
    }

    /// What a program loads when it starts and then loads these libraries or plugins by name or path,
    /// as `dlopen` called from the program does.
    ///
    /// # Errors
    /// As [`Linker::closure`].
    pub fn closure_with(&self, program: &TreePath, dlopen: &[String]) -> Result<Closure, ElfError> {
        let (resolution, facts) = self.object(program)?;
        if let Kind::Other(found) = facts.kind {
            return Err(ElfError::NotElf { path: program.clone(), found: found.into() });
        }
        let mut closure = Closure {
            program: program.clone(),
            resolution,
            facts,
            interpreter: None,
            loader: None,
            libraries: vec![],
            at_start: 0,
            missing: vec![],
            unsatisfied: vec![],
            unversioned: vec![],
        };
        if closure.facts.kind == Kind::StaticExecutable {
            return Ok(closure);
        }
        let interpreter = match &closure.facts.interpreter {
            Some(written) => Some(self.interpreter(written, &closure.facts)?),
            None => None,
        };
        let loader_path = match &interpreter {
            Some(interpreter) => Some(interpreter.path.clone()),
            None => self.usual_interpreter(&closure.facts)?,
        };
        let loader_path = loader_path.unwrap_or_else(TreePath::root);
        let loader = self.loader(&loader_path, &closure.facts.machine);
        closure.loader = Some(loader.clone());
        // A library that can be run is judged as a library.
        closure.interpreter = interpreter.filter(|_| closure.facts.kind == Kind::Executable);

        let mut process = Process::new(self, &loader, &closure);
        process.load_all();
        closure.at_start = process.objects.len() - 1;
        for name in dlopen {
            process.load(0, name, true);
        }
        process.load_all();
        if loader.flavor == Flavor::Glibc {
            check_versions(&mut process, &mut closure);
        }
        closure.missing = process.missing;
        closure.libraries = process.objects.into_iter().skip(1).map(Object::into_library).collect();
        Ok(closure)
    }

    fn interpreter(&self, written: &str, facts: &Facts) -> Result<Interpreter, ElfError> {
        // The kernel takes a relative name from the working directory; containers start at `/`.
        let path = TreePath::root().join(written)?;
        let resolution = self.view().resolve(&path)?;
        let unusable = match self.object(&path) {
            _ if resolution.entry.is_none() => None,
            _ if resolution.entry.as_ref().is_some_and(|entry| entry.content().is_none()) => {
                resolution.entry.as_ref().map(|entry| Unusable::Kind(entry.word()))
            }
            Ok((_, found)) if !found.machine.matches(&facts.machine) => {
                Some(Unusable::Machine(found.machine))
            }
            Ok((_, found)) => match found.kind {
                Kind::Other(word) => Some(Unusable::Kind(word)),
                // The kernel starts it as it is: nobody loads for it what it needs.
                kind if found.interpreter.is_some() || !found.needed.is_empty() => {
                    Some(Unusable::NoLoader(kind.word()))
                }
                _ => None,
            },
            Err(ElfError::NotElf { .. }) => Some(Unusable::NotElf),
            Err(error) => Some(Unusable::Unreadable(error.to_string())),
        };
        Ok(Interpreter { written: written.into(), path, resolution, unusable })
    }

    /// The usual interpreter for the machine that the view has, or else would have.
    fn usual_interpreter(&self, facts: &Facts) -> Result<Option<TreePath>, ElfError> {
        let candidates = facts.machine.loader_candidates();
        let paths = candidates.iter().map(|path| TreePath::parse(path)).collect::<Result<Vec<_>, _>>()?;
        for path in &paths {
            if self.object(path).is_ok_and(|(_, found)| found.machine.matches(&facts.machine)) {
                return Ok(Some(path.clone()));
            }
        }
        Ok(paths.into_iter().next())
    }
}

/// A process as the loader builds it up.
pub(crate) struct Process<'a> {
    linker: &'a Linker<'a>,
    loader: &'a Loader,
    /// The loader, until something needs it; then where it is among the objects.
    interpreter: Result<usize, Option<Object>>,
    interpreter_names: Vec<String>,
    /// Everything loaded, the program first, in load order.
    pub objects: Vec<Object>,
    /// How many of the objects have had loaded what they need.
    done: usize,
    /// What each name is bound to.
    names: HashMap<String, usize>,
    files: HashMap<TreePath, usize>,
    inodes: HashMap<FileId, usize>,
    pub missing: Vec<Missing>,
    missing_names: HashMap<String, usize>,
}

/// A loaded file.
pub(crate) struct Object {
    soname: String,
    pub path: TreePath,
    resolution: Resolution,
    pub facts: Arc<Facts>,
    needed_by: Vec<TreePath>,
    rule: Rule,
    /// What `$ORIGIN` means to it.
    origin: TreePath,
    /// The object that made it be loaded.
    parent: Option<usize>,
}

impl<'a> Process<'a> {
    fn new(linker: &'a Linker<'a>, loader: &'a Loader, closure: &Closure) -> Self {
        let mut process = Process {
            linker,
            loader,
            interpreter: Err(None),
            interpreter_names: vec![loader.path.to_string(), loader.path.name().into()],
            objects: vec![],
            done: 0,
            names: HashMap::new(),
            files: HashMap::new(),
            inodes: HashMap::new(),
            missing: vec![],
            missing_names: HashMap::new(),
        };
        if let Ok((resolution, facts)) = linker.object(&loader.path) {
            process.interpreter_names = vec![loader.path.to_string()];
            process.interpreter_names.extend(facts.soname.clone());
            process.interpreter_names.extend(closure.facts.interpreter.clone());
            process.interpreter = Err(Some(Object {
                soname: String::new(),
                path: loader.path.clone(),
                origin: parent(&loader.path),
                resolution,
                facts,
                needed_by: vec![],
                rule: Rule::Interpreter,
                parent: None,
            }));
        }
        process.add(Object {
            soname: closure.facts.soname.clone().unwrap_or_default(),
            path: closure.program.clone(),
            origin: parent(&closure.resolution.path),
            resolution: closure.resolution.clone(),
            facts: closure.facts.clone(),
            needed_by: vec![],
            rule: Rule::Path,
            parent: None,
        });
        process
    }

    /// Loads what the objects need that are there, and what those need, breadth first.
    fn load_all(&mut self) {
        while let Some(object) = self.objects.get(self.done) {
            let facts = object.facts.clone();
            for name in &facts.filters {
                self.load(self.done, name, true);
            }
            for name in &facts.auxiliaries {
                self.load(self.done, name, false);
            }
            for name in &facts.needed {
                self.load(self.done, name, true);
            }
            self.done += 1;
        }
    }

    /// Loads what the object at `by` needs by this name.
    fn load(&mut self, by: usize, name: &str, required: bool) {
        let requester = self.objects[by].path.clone();
        if let Some(bound) = self.names.get(name) {
            self.need(*bound, requester, by);
            return;
        }
        if self.is_loader(name) {
            // A loader that is not there is told as such, and not again by every name of it.
            if let Some(bound) = self.take_loader(name) {
                self.need(bound, requester, by);
            }
            return;
        }
        let mut chain = vec![];
        let mut at = Some(by);
        while let Some(object) = at.and_then(|at| self.objects.get(at)) {
            chain.push(Requester { facts: &object.facts, origin: &object.origin });
            at = object.parent;
        }
        match self.linker.search(self.loader, &chain, name) {
            Ok(found) => self.bind(by, name, found, requester),
            Err(found_but) if required => self.miss(name, requester, found_but),
            Err(_) => {}
        }
    }

    /// Does the loader know itself by this name?
    pub fn is_loader(&self, name: &str) -> bool {
        match self.loader.flavor {
            Flavor::Glibc => self.interpreter_names.iter().any(|known| known == name),
            Flavor::Musl => name == self.loader.path.as_str() || is_musl_libc(name),
        }
    }

    /// Puts the loader among the objects, if it is there and not yet among them.
    fn take_loader(&mut self, name: &str) -> Option<usize> {
        let at = match &mut self.interpreter {
            Ok(at) => *at,
            Err(object) => {
                let object = object.take()?;
                self.add(Object { soname: name.into(), ..object })
            }
        };
        self.interpreter = Ok(at);
        Some(at)
    }

    fn bind(&mut self, by: usize, name: &str, found: Found, requester: TreePath) {
        let Found { path, resolution, facts, rule } = found;
        let is_loader =
            matches!(&self.interpreter, Err(Some(object)) if object.resolution.path == resolution.path);
        let known =
            self.same_file(&resolution).or_else(|| if is_loader { self.take_loader(name) } else { None });
        let bound = known.unwrap_or_else(|| {
            self.add(Object {
                soname: name.into(),
                origin: parent(&path),
                path,
                resolution,
                facts,
                needed_by: vec![],
                rule,
                parent: Some(by),
            })
        });
        self.names.entry(name.into()).or_insert(bound);
        self.need(bound, requester, by);
    }

    /// Notes that a library was not found. Another object may find it all the same, by its own path.
    fn miss(&mut self, name: &str, requester: TreePath, found_but: Option<(TreePath, Unusable)>) {
        let at = *self.missing_names.entry(name.into()).or_insert_with(|| {
            self.missing.push(Missing { soname: name.into(), needed_by: vec![], found_but });
            self.missing.len() - 1
        });
        let needed_by = &mut self.missing[at].needed_by;
        if !needed_by.contains(&requester) {
            needed_by.push(requester);
        }
    }

    /// The object that was loaded from the same file under another name.
    fn same_file(&self, resolution: &Resolution) -> Option<usize> {
        let inode = resolution.entry.as_ref().and_then(|entry| entry.content()?.file_id());
        let by_inode = || inode.and_then(|inode| self.inodes.get(&inode));
        self.files.get(&resolution.path).or_else(by_inode).copied()
    }

    fn need(&mut self, bound: usize, requester: TreePath, by: usize) {
        if bound != by && bound != 0 && !self.objects[bound].needed_by.contains(&requester) {
            self.objects[bound].needed_by.push(requester);
        }
    }

    fn add(&mut self, object: Object) -> usize {
        let at = self.objects.len();
        // musl knows a library by the name it was searched by, glibc also by its soname and path.
        let mut names = vec![object.soname.clone()];
        if self.loader.flavor == Flavor::Glibc {
            names.push(object.path.to_string());
            names.extend(object.facts.soname.clone());
            if object.rule == Rule::Interpreter {
                names.extend(self.interpreter_names.iter().cloned());
            }
        }
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            self.names.entry(name).or_insert(at);
        }
        self.files.entry(object.resolution.path.clone()).or_insert(at);
        if let Some(inode) = object.resolution.entry.as_ref().and_then(|entry| entry.content()?.file_id()) {
            self.inodes.entry(inode).or_insert(at);
        }
        self.objects.push(object);
        at
    }

    /// The object that a name is bound to, once all is loaded.
    pub fn object(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }
}

impl Object {
    fn into_library(self) -> Library {
        let Object { soname, path, resolution, facts, needed_by, rule, .. } = self;
        Library { soname, path, resolution, facts, needed_by, rule }
    }
}

/// The names by which musl knows itself: those of the libraries that it is all of in one file.
fn is_musl_libc(name: &str) -> bool {
    const PARTS: [&str; 7] = ["c", "pthread", "rt", "m", "dl", "util", "xnet"];
    let part = name.strip_prefix("lib").and_then(|name| name.split_once('.')).map(|(part, _)| part);
    part.is_some_and(|part| PARTS.contains(&part))
}

fn parent(path: &TreePath) -> TreePath {
    path.parent().unwrap_or_else(TreePath::root)
}
