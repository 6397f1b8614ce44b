//! Puts together what Python brings: what stands where, in which layer, and why.

use super::{
    Work,
    companions::{self, Taken},
    dependencies::{Installed, InstalledFile},
    interpreter::{Found, Interpreter, Libc},
};
use crate::{Ask, LanguageError};
use plan::{
    Brought, BroughtFile, BroughtLayer, DEFAULT_PATH,
    finding::Problem,
    reason::Reason,
    spec::{Python, PythonSources},
};
use std::collections::BTreeMap;
use tree::{Content, Entry, Kind, Sha256Digest, TreePath};

/// What is brought so far.
pub(super) struct Assembly<'a> {
    ask: &'a Ask<'a>,
    table: &'a Python,
    found: &'a Found,
    interpreter: &'a Interpreter,
    work: Option<&'a Work>,
    brought: Brought,
}

/// Where the bytecode of a source goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Into `__pycache__`: the source stays.
    Beside,
    /// Where the source would be.
    Instead,
}

impl<'a> Assembly<'a> {
    pub fn new(ask: &'a Ask<'a>, table: &'a Python, found: &'a Found, work: Option<&'a Work>) -> Self {
        let interpreter = &found.interpreter;
        Assembly { ask, table, found, interpreter, work, brought: Brought::default() }
    }

    /// The program, and the names that it is started by.
    pub fn add_interpreter(&mut self) -> Result<(), LanguageError> {
        let Found { prefix, program: source_program, .. } = self.found;
        let program = &self.interpreter.program;
        let purpose = "the interpreter";
        let found = self.ask.runtime.follow(source_program)?;
        if let Some(entry) = found.entry {
            if !self.found.is_in_place() {
                self.made_of(source_program, &entry)?;
            }
            self.put(program.clone(), entry, self.found.is_in_place(), purpose);
        }
        let bin = prefix.child("bin");
        for link in
            ["python3", "python"].map(|name| bin.child(name)).into_iter().filter(|link| link != program)
        {
            let of_source = self.ask.runtime.entry(&link)?.filter(|entry| match &entry.kind {
                Kind::Symlink(target) => bin.join(target).is_ok_and(|target| target == *program),
                _ => false,
            });
            let is_of_source = of_source.is_some() && self.found.is_in_place();
            let made = || Entry::symlink(program.relative_to(&bin));
            self.put(link, of_source.unwrap_or_else(made), is_of_source, purpose);
        }
        if !self.found.is_in_place() {
            self.add_moved_libraries()?;
        }
        let dir = bin.to_string();
        if !DEFAULT_PATH.split(':').any(|known| known == dir) {
            self.brought.path.push(dir);
        }
        self.brought.entrypoint = vec![program.to_string()];
        Ok(())
    }

    /// The library of an interpreter that stands elsewhere in the image: where the interpreter looks for it is a place on
    /// the builder, unless it looks beside itself.
    fn add_moved_libraries(&mut self) -> Result<(), LanguageError> {
        let Some(home) = self.found.program.parent().and_then(|bin| bin.parent()) else { return Ok(()) };
        let lib = home.child("lib");
        let names = self.ask.runtime.list(&lib)?;
        for name in names.iter().filter(|name| name.starts_with("libpython3.") && name.contains(".so.")) {
            if let Some(entry) = self.ask.runtime.follow(&lib.child(name))?.entry {
                self.made_of(&lib.child(name), &entry)?;
                let dir = self.found.prefix.child("lib");
                self.put(dir.child(name), entry, false, "the interpreter");
                if !self.found.looks_beside_itself {
                    self.brought.env.insert("LD_LIBRARY_PATH".into(), dir.to_string());
                }
            }
        }
        self.brought.managed.insert(home);
        Ok(())
    }

    /// The standard library.
    pub fn add_library(&mut self, files: BTreeMap<TreePath, Entry>) -> Result<(), LanguageError> {
        let in_place = self.interpreter.stdlib == self.found.stdlib;
        let purpose = "its standard library";
        let place = match self.table.sources {
            PythonSources::Keep => Place::Beside,
            PythonSources::App | PythonSources::Drop => Place::Instead,
        };
        for (path, entry) in files {
            let entry = read_only(&path, entry);
            let Some(bytecode) = self.bytecode(&path) else {
                self.load(&path);
                self.put(path, entry, in_place, purpose);
                continue;
            };
            let at = self.place(&path, place)?;
            if place == Place::Instead && in_place {
                self.brought.stand_ins.insert(path.clone(), at.clone());
            }
            self.put(at, Entry::file(bytecode, 0o644), false, purpose);
            if place == Place::Beside {
                self.put(path, entry, in_place, purpose);
            }
        }
        self.brought.managed.insert(self.found.stdlib.clone());
        Ok(())
    }

    /// What Python reads beside it, and the environment that says so.
    pub fn add_companions(&mut self, taken: Vec<Taken>) {
        let env = &mut self.brought.env;
        if companions::has_locale(&taken) || matches!(self.interpreter.libc, Libc::Musl(_)) {
            env.insert("LANG".into(), "C.UTF-8".into());
        }
        // Nobody may write beside the sources, and trying costs time.
        env.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
        // What a process said last is lost when it is killed, unless it was written at once.
        env.insert("PYTHONUNBUFFERED".into(), "1".into());
        for (path, entry, purpose) in taken {
            self.put(path, entry, true, purpose);
        }
    }

    /// The dependencies, with their bytecode.
    pub fn add_dependencies(&mut self, installed: Installed) -> Result<(), LanguageError> {
        let Installed { files, replaced, path, shed, problems, pins } = installed;
        self.brought.replaced.extend(replaced);
        let line = self.table.line;
        for InstalledFile { path, entry, of } in files {
            let is_module = path.is_within(&self.interpreter.site);
            let entry = if is_module { read_only_by_python(&path, entry) } else { entry };
            let reason = Reason::OfDependency { language: "python".into(), dependency: of, line };
            let mut put = |path: TreePath, entry: Entry| {
                let (layer, reason) = (BroughtLayer::Dependencies, reason.clone());
                self.brought.files.push(BroughtFile { path, entry, layer, of_source: false, reason });
            };
            let Some(bytecode) = bytecode_of(self.work, &path) else {
                put(path.clone(), entry);
                self.load(&path);
                continue;
            };
            // A script that is run by its name is read as it is.
            let is_script = entry.is_executable() && entry.content().is_some_and(is_script);
            let place = match self.table.sources {
                PythonSources::Drop if !is_script => Place::Instead,
                _ => Place::Beside,
            };
            put(self.interpreter.place(&path, place)?, Entry::file(bytecode, 0o644));
            if place == Place::Beside {
                put(path, entry);
            }
        }
        // Programs of dependencies come before those of the interpreter.
        self.brought.path.splice(0..0, path);
        self.brought.problems.extend(problems);
        if !shed.is_empty() {
            let sorts = shed.iter().map(|(sort, (files, bytes))| (sort.name(), *files, *bytes)).collect();
            self.brought.problems.push(Problem::Shed { language: "python", sorts, line });
        }
        self.brought.pins.add(pins);
        Ok(())
    }

    /// The bytecode of the application, of which bantam has the sources already.
    pub fn add_application(&mut self, sources: &BTreeMap<TreePath, Content>) -> Result<(), LanguageError> {
        for (path, entry) in self.ask.payload.iter() {
            // Bytecode that this machine left there is by its clock.
            let is_cached = path.parent().is_some_and(|dir| dir.name() == "__pycache__");
            if is_cached && path.name().ends_with(".pyc") {
                self.brought.replaced.insert(path.clone());
            } else if entry.content().is_some() && !self.brought.replaced.contains(path) {
                self.load(path);
            }
        }
        for (path, content) in sources {
            let Some(bytecode) = self.bytecode(path) else { continue };
            let place = match self.table.sources {
                PythonSources::Drop if is_module(path) && !self.is_named(path) && !is_script(content) => {
                    Place::Instead
                }
                _ => Place::Beside,
            };
            if place == Place::Instead {
                self.brought.replaced.insert(path.clone());
            }
            self.brought.files.push(BroughtFile {
                path: self.place(path, place)?,
                entry: Entry::file(bytecode, 0o644),
                layer: BroughtLayer::App,
                of_source: false,
                reason: Reason::Profile {
                    name: "python".into(),
                    purpose: "bytecode of the application".into(),
                },
            });
        }
        Ok(())
    }

    /// Notes what the standard library is made of.
    pub fn add_origin(&mut self, digest: Option<Sha256Digest>) {
        if let Some(digest) = digest {
            self.ask.made_of(&self.found.stdlib, digest, &mut self.brought.pins);
        }
    }

    /// All that is brought.
    pub fn finish(self) -> Brought {
        self.brought
    }

    fn made_of(&mut self, path: &TreePath, entry: &Entry) -> Result<(), LanguageError> {
        if let Some(content) = entry.content() {
            self.ask.made_of(path, content.sha256()?, &mut self.brought.pins);
        }
        Ok(())
    }

    fn put(&mut self, path: TreePath, entry: Entry, of_source: bool, purpose: &'static str) {
        let reason = Reason::Profile { name: "python".into(), purpose: purpose.into() };
        self.brought.files.push(BroughtFile { path, entry, layer: BroughtLayer::Runtime, of_source, reason });
    }

    /// An extension module is loaded by the interpreter, in its scope.
    fn load(&mut self, path: &TreePath) {
        if is_extension(path.name()) {
            self.brought.loads.entry(self.interpreter.program.clone()).or_default().insert(path.clone());
        }
    }

    fn bytecode(&self, path: &TreePath) -> Option<Content> {
        bytecode_of(self.work, path)
    }

    fn place(&self, path: &TreePath, place: Place) -> Result<TreePath, LanguageError> {
        self.interpreter.place(path, place)
    }

    /// Does the process name this file?
    fn is_named(&self, path: &TreePath) -> bool {
        let config = &self.ask.spec.config;
        let workdir = config.workdir.clone().unwrap_or_else(TreePath::root);
        // A word may be an option with a file behind it: `--config=conf.py`, `-cconf.py`.
        let words = config.entrypoint.iter().chain(&config.cmd);
        words.flat_map(|word| named_in(word)).any(|word| workdir.join(word).is_ok_and(|named| named == *path))
    }
}

fn bytecode_of(work: Option<&Work>, path: &TreePath) -> Option<Content> {
    work?.bytecode(path).cloned()
}

impl Interpreter {
    /// Where the bytecode of a source stands.
    fn place(&self, path: &TreePath, place: Place) -> Result<TreePath, LanguageError> {
        let stem = path.name().strip_suffix(".py").unwrap_or(path.name());
        let dir = path.parent().unwrap_or_else(TreePath::root);
        Ok(match place {
            Place::Beside => dir.join("__pycache__")?.child(&format!("{stem}.{}.pyc", self.cache_tag())),
            Place::Instead => dir.child(&format!("{stem}.pyc")),
        })
    }
}

/// What a word of the process may name: itself, or what stands behind an option.
fn named_in(word: &str) -> impl Iterator<Item = &str> {
    let behind = word.split_once('=').map(|(_, value)| value);
    let short = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    [Some(word), behind, short.and_then(|rest| rest.get(1..))].into_iter().flatten()
}

/// Can a source be imported by its name? Programs read others by their path, as they do `gunicorn.conf.py`.
fn is_module(path: &TreePath) -> bool {
    let stem = path.name().strip_suffix(".py").unwrap_or(path.name());
    !stem.is_empty() && stem.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// A file of the standard library is read, whatever its first line and mode say of running it: what those name need not be
/// in the image.
fn read_only(path: &TreePath, mut entry: Entry) -> Entry {
    if !path.name().contains(".so") && entry.content().is_some() {
        entry.meta.mode &= !0o111;
    }
    entry
}

/// As [`read_only`], for a module of a dependency.
fn read_only_by_python(path: &TreePath, mut entry: Entry) -> Entry {
    if path.name().ends_with(".py") && entry.content().is_some() {
        entry.meta.mode &= !0o111;
    }
    entry
}

/// Is a shared object of this name an extension module? Libraries that come with one are found by the loader.
fn is_extension(name: &str) -> bool {
    name.ends_with(".so")
        && (!name.starts_with("lib") || name.contains(".cpython-") || name.contains(".abi3."))
}

/// Does it say what starts it? One that cannot be read is told when it is written.
fn is_script(content: &Content) -> bool {
    content.starts_with(b"#!").unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_names_stays_a_source() {
        let named = |word| named_in(word).collect::<Vec<_>>().join(" ");
        for (word, want) in [
            ("conf.py", "conf.py"),
            ("--config=conf.py", "--config=conf.py conf.py"),
            ("-cconf.py", "-cconf.py conf.py"),
            ("-", "-"),
        ] {
            assert_eq!(named(word), want, "{word}");
        }
        for (name, is) in
            [("shop.py", true), ("__init__.py", true), ("gunicorn.conf.py", false), ("a-b.py", false)]
        {
            assert_eq!(is_module(&TreePath::root().child(name)), is, "{name}");
        }
    }

    #[test]
    fn extension_modules_are_known_by_their_names() {
        for (name, is) in [
            ("_ssl.cpython-313-x86_64-linux-gnu.so", true),
            ("_rust.abi3.so", true),
            ("_speedups.so", true),
            ("lib.cpython-312-x86_64-linux-gnu.so", true),
            ("libscipy_openblas64_-ff651d7f.so", false),
            ("libgfortran.so.5", false),
            ("os.py", false),
        ] {
            assert_eq!(is_extension(name), is, "{name}");
        }
    }
}
