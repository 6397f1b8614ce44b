//! What of the standard library enters: all, what images run with, or what is imported. The table is
//! `data/python/stdlib.toml`.

use super::{
    bytecode::{Compiled, Import},
    imports::Modules,
    interpreter::Found,
};
use crate::LanguageError;
use plan::{Glob, spec::Stdlib};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};
use tree::{Entry, Kind, TreePath, View};

const TABLE: &str = include_str!("../../data/python/stdlib.toml");
/// Directories of packages, which are dependencies, and of bytecode that another machine's clock is in.
const NOT_OF_IT: &[&str] = &["site-packages", "dist-packages", "__pycache__"];
/// No standard library has more files, nor is any nested deeper.
const MAX_FILES: usize = 50_000;
const MAX_DEPTH: usize = 40;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    left_out: Vec<LeftOut>,
    not_followed: Vec<Named>,
    always: Vec<Named>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftOut {
    files: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    by: By,
    #[serde(rename = "why")]
    _why: String,
}

/// Whose imports count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    /// Those of the application and its dependencies.
    #[default]
    Anybody,
    /// Those of the application.
    Application,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    modules: Vec<String>,
    #[serde(rename = "why")]
    _why: String,
}

/// The table, ready to be asked.
struct Rules {
    left_out: Vec<(Vec<Glob>, LeftOut)>,
    not_followed: Vec<String>,
    always: Vec<Glob>,
}

/// What the application and its dependencies import.
#[derive(Default)]
pub(super) struct Imports {
    /// Imports of the application.
    pub application: BTreeSet<Import>,
    /// Imports of its dependencies.
    pub dependencies: BTreeSet<Import>,
}

impl Imports {
    /// Does anybody import one of these modules, or something in it?
    pub fn have(&self, modules: &[impl AsRef<str>]) -> bool {
        is_imported(modules, &self.application) || is_imported(modules, &self.dependencies)
    }

    /// The modules without which the application cannot be imported, each once, by the first part of their names.
    pub fn of_application(&self) -> BTreeSet<String> {
        let always = self.application.iter().filter(|import| matches!(import, Import::Always(_)));
        let first = always.filter_map(|import| import.name().split('.').next());
        first.filter(|name| !name.is_empty()).map(String::from).collect()
    }

    fn ask_for(&self, row: &LeftOut) -> bool {
        match row.by {
            By::Application => is_imported(&row.unless, &self.application),
            By::Anybody => self.have(&row.unless),
        }
    }
}

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        // The table is part of the program, and tests read it.
        let table: Option<Table> = toml::from_str(TABLE).ok();
        let Some(Table { left_out, not_followed, always }) = table else {
            return Rules { left_out: vec![], not_followed: vec![], always: vec![] };
        };
        let globs = |texts: &[String]| texts.iter().filter_map(|text| Glob::new(text).ok()).collect();
        Rules {
            left_out: left_out.into_iter().map(|row| (globs(&row.files), row)).collect(),
            not_followed: not_followed.into_iter().flat_map(|row| row.modules).collect(),
            always: always.iter().flat_map(|row| globs(&row.modules)).collect::<Vec<Glob>>(),
        }
    })
}

/// A standard library as a source has it.
pub(super) struct Library {
    /// Its files, by where they stand in the image; links are followed.
    pub files: BTreeMap<TreePath, Entry>,
    root: TreePath,
    /// What a mode leaves out whatever is imported, below the root.
    hidden: BTreeSet<String>,
}

impl Library {
    /// Reads the directory of an interpreter. With a mode that leaves files out, those that nobody can ask for are not
    /// there.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn read(view: &dyn View, found: &Found, mode: Stdlib) -> Result<Self, LanguageError> {
        let root = found.interpreter.stdlib.clone();
        let mut library = Library { files: BTreeMap::new(), root, hidden: BTreeSet::new() };
        library.walk(view, &found.stdlib, &found.interpreter.stdlib, 0)?;
        if mode != Stdlib::Full {
            let root = library.root.clone();
            let rows = left_out(|row| !row.unless.is_empty());
            library.files.retain(|path, _| {
                let path = below(path, &root);
                let is_left = matches(&rows, &path);
                if is_left {
                    library.hidden.insert(path);
                }
                !is_left
            });
        }
        Ok(library)
    }

    fn walk(
        &mut self,
        view: &dyn View,
        from: &TreePath,
        to: &TreePath,
        depth: usize,
    ) -> Result<(), LanguageError> {
        for name in view.list(from)? {
            let (source, path) = (from.child(&name), to.child(&name));
            if NOT_OF_IT.contains(&&*name) || depth > MAX_DEPTH || self.files.len() > MAX_FILES {
                continue;
            }
            match view.entry(&source)? {
                Some(Entry { kind: Kind::Directory, .. }) => self.walk(view, &source, &path, depth + 1)?,
                Some(entry @ Entry { kind: Kind::File(_), .. }) => {
                    self.files.insert(path, entry);
                }
                // A link to another file of the library is that file; others are of whoever set up the machine.
                Some(Entry { kind: Kind::Symlink(_), .. }) => {
                    let found = view.follow(&source)?;
                    let entry = found.entry.filter(|entry| entry.content().is_some());
                    if let Some(entry) = entry.filter(|_| found.path.parent().as_ref() == Some(from)) {
                        self.files.insert(path, entry);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Has it a module that its mode leaves out, with these imports?
    pub fn leaves_out(&self, module: &str, imports: &Imports) -> bool {
        let stem = format!("/{}", module.replace('.', "/"));
        let is_there = |path: &String| {
            let at = self.root.join(path.trim_start_matches('/'));
            self.hidden.contains(path) || at.is_ok_and(|at| self.files.contains_key(&at))
        };
        let paths = [format!("{stem}.py"), format!("{stem}/__init__.py")];
        let mut paths = paths.iter().filter(|path| matches(&left_out(|_| false), path) && is_there(path));
        paths.any(|path| matches(&left_out(|row| imports.ask_for(row)), path))
    }

    /// What of it enters. `imports` are those of the application and its dependencies; none: they are not known.
    pub fn select(
        self,
        mode: Stdlib,
        imports: Option<&Imports>,
        compiled: &Compiled,
    ) -> Result<BTreeMap<TreePath, Entry>, LanguageError> {
        let Library { mut files, root, .. } = self;
        if mode == Stdlib::Full {
            return Ok(files);
        }
        if let Some(imports) = imports {
            let rows = left_out(|row| imports.ask_for(row));
            files.retain(|path, _| !matches(&rows, &below(path, &root)));
        }
        let (Stdlib::Reachable, Some(imports)) = (mode, imports) else { return Ok(files) };
        let modules = Modules::of(&files, &root, &compiled.imports)?;
        let all = imports.application.union(&imports.dependencies).cloned().collect();
        let always = |module: &str| {
            let path = format!("/{}", module.replace('.', "/"));
            rules().always.iter().any(|glob| glob.matches(&path))
        };
        let reached = modules.reached(&all, always, &rules().not_followed);
        files.retain(|path, _| modules.at(path).is_none_or(|module| reached.contains(module)));
        Ok(files)
    }
}

/// A path below the directory of the standard library, as globs have it.
fn below(path: &TreePath, root: &TreePath) -> String {
    format!("/{}", path.below(root).unwrap_or(path.relative()))
}

/// The files that rows leave out which are not asked for.
fn left_out(is_asked_for: impl Fn(&LeftOut) -> bool) -> Vec<&'static Glob> {
    let rows = rules().left_out.iter().filter(|(_, row)| !is_asked_for(row));
    rows.flat_map(|(globs, _)| globs).collect()
}

fn matches(globs: &[&Glob], path: &str) -> bool {
    globs.iter().any(|glob| glob.matches(path))
}

/// Is one of these modules, or something in it, imported?
fn is_imported(modules: &[impl AsRef<str>], imports: &BTreeSet<Import>) -> bool {
    imports.iter().any(|import| import.is_stated() && is_within(import.name(), modules))
}

/// Is a name that of one of these modules, or of something in it?
pub(super) fn is_within(name: &str, modules: &[impl AsRef<str>]) -> bool {
    let mut rests = modules.iter().filter_map(|module| name.strip_prefix(module.as_ref()));
    rests.any(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole_and_each_row_has_a_reason() {
        let table: Table = toml::from_str(TABLE).unwrap();
        for (files, why) in table
            .left_out
            .iter()
            .map(|row| (&row.files, &row._why))
            .chain(table.always.iter().map(|row| (&row.modules, &row._why)))
        {
            assert!(!files.is_empty() && !why.is_empty() && !why.ends_with('.'), "{files:?}");
            for glob in files {
                assert!(glob.starts_with('/') && Glob::new(glob).is_ok(), "{glob}");
            }
        }
        for Named { modules, _why } in &table.not_followed {
            assert!(!modules.is_empty() && !_why.ends_with('.'), "{modules:?}");
        }
    }

    #[test]
    fn what_an_application_lacks_is_known() {
        let root = TreePath::parse("/lib/python3.13").unwrap();
        let entry = || Entry::file(tree::Content::bytes("", "test"), 0o644);
        let files = ["os.py", "lib2to3/__init__.py", "tkinter/__init__.py"];
        let files = files.map(|path| (root.join(path).unwrap(), entry()));
        let hidden = BTreeSet::from(["/turtle.py".to_owned(), "/idlelib/__init__.py".to_owned()]);
        let library = Library { files: files.into(), root, hidden };
        let named = ["turtle", "idlelib.idle", "tkinter.ttk", "lib2to3", "os", "antigravity", ".turtle"];
        let application = named.map(|name| Import::Always(name.into())).into();
        let imports = Imports { application, ..Imports::default() };
        let all = imports.of_application();
        let left: Vec<&String> = all.iter().filter(|name| library.leaves_out(name, &imports)).collect();
        assert_eq!(left, ["idlelib", "turtle"], "what is asked for enters");
        let none = Imports::default();
        assert!(library.leaves_out("tkinter", &none) && !library.leaves_out("os", &none));
    }

    #[test]
    fn what_images_do_not_run_with_stays_out() {
        let named = |names: &[&str]| names.iter().map(|name| Import::Named((*name).into())).collect();
        for (path, of, left_out) in [
            ("/os.py", &[][..], false),
            ("/json/decoder.py", &[], false),
            ("/unittest/mock.py", &[], false),
            ("/_sysconfigdata__linux_x86_64-linux-gnu.py", &[], false),
            ("/lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so", &[], false),
            ("/lib-dynload/_ctypes.cpython-313-x86_64-linux-gnu.so", &[], false),
            ("/lib-dynload/_ctypes_test.cpython-313-x86_64-linux-gnu.so", &[], true),
            ("/lib-dynload/_testcapi.cpython-313-x86_64-linux-gnu.so", &[], true),
            ("/lib-dynload/xxlimited_35.cpython-313-x86_64-linux-gnu.so", &[], true),
            ("/test/support/__init__.py", &[], true),
            ("/unittest/test/test_case.py", &[], true),
            ("/distutils/command/wininst-9.0.exe", &[], true),
            ("/config-3.13-x86_64-linux-gnu/Makefile", &[], true),
            ("/lib-dynload/nis.cpython-311-x86_64-linux-gnu.so", &[], true),
            ("/lib-dynload/_dbm.cpython-313-x86_64-linux-gnu.so", &["shelve"], false),
            ("/lib-dynload/_dbm.cpython-313-x86_64-linux-gnu.so", &["dbmx"], true),
            ("/lib2to3/pytree.py", &["lib2to3.pgen2"], false),
            ("/lib2to3/tests/support.py", &["lib2to3.pgen2"], true),
            // What a dependency can do on a screen is not why an application has it.
            ("/tkinter/__init__.py", &["tkinter.ttk"], true),
            ("/curses/ascii.py", &[], true),
            ("/dbm/dumb.py", &[], false),
        ] {
            let imports = Imports { dependencies: named(of), ..Imports::default() };
            let found = matches(&super::left_out(|row| imports.ask_for(row)), path);
            assert_eq!(found, left_out, "{path} with {of:?}");
        }
    }
}
