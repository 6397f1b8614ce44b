//! Which symbols of a program nothing in its closure defines, as the loader would say when it binds
//! them all.
//!
//! The symbols of a file are read on their own, apart from its facts: only those who ask for them pay.
//! `table` is what is read of a file, `relocations` which of its symbols are looked up at all, `hash` and
//! `lookup` how a symbol is found in one file, and `scope` how in all files of a process.

mod hash;
mod lookup;
mod relocations;
mod scope;
mod table;

use crate::notebook::NoteKey;
use crate::{Closure, ElfError, Facts, Flavor, Linker, Rule};
use hash::Name;
use lookup::{Wanted, defines};
use relocations::References;
pub(crate) use scope::Objects;
use scope::Scope;
use table::Version;
use tree::{Entry, Resolution, Sha256Digest, TreePath};

/// The symbols of a closure that are looked up, and not found.
#[derive(Debug, Default)]
pub struct Undefined {
    /// The symbols, by object in load order.
    pub symbols: Vec<UndefinedSymbol>,
    /// Objects whose symbols make no sense. What they define is not known, so that there are no
    /// `symbols` then.
    pub unreadable: Vec<(TreePath, ElfError)>,
}

/// A symbol that an object of a closure needs and none defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UndefinedSymbol {
    /// The object that needs it, by the path by which it is opened.
    pub object: TreePath,
    /// The symbol, as it is called by the linker.
    pub symbol: String,
    /// The version that is needed.
    pub version: Option<String>,
    /// Is it looked up when it is first called, and not before the program starts?
    pub is_lazy: bool,
}

impl Linker<'_> {
    /// The symbols of a closure that the loader looks up and does not find: those that `ldd -r` shows.
    /// Weak ones are none of them, and the loader is taken to have all it needs.
    ///
    /// What is loaded at start is looked up in what is loaded at start. What is loaded by name later may
    /// also find its symbols in anything else that is loaded by name.
    pub fn undefined_symbols(&self, closure: &Closure) -> Undefined {
        let mut result = Undefined::default();
        let Some(loader) = &closure.loader else { return result };
        let key = self.notebook().zip(note_key(closure, loader.flavor));
        if key.is_some_and(|(notebook, key)| notebook.read(&key).is_some()) {
            return result;
        }
        let mut objects = self.objects();
        objects.trim();
        let mut scope = Scope::new(loader.flavor);
        let mut members = vec![];
        for member in members_of(closure) {
            let Some(content) = member.resolution.entry.as_ref().and_then(Entry::content) else { continue };
            match objects.number(&member.resolution.path, content) {
                Ok(number) => members.push((number, member)),
                Err(error) => result.unreadable.push((member.resolution.path.clone(), error)),
            }
        }
        if !result.unreadable.is_empty() {
            return result;
        }
        let (at_start, later) = members.split_at(members.len().min(1 + closure.at_start));
        for group in [at_start, later] {
            for (number, member) in group {
                scope.add(*number, member.name, member.facts, member.is_loader);
            }
            for (number, member) in group.iter().filter(|(_, member)| !member.is_loader) {
                let undefined = objects.undefined(*number, &scope, &member.facts.needed);
                let Some(table) = objects.table(*number) else { continue };
                result.symbols.extend(undefined.into_iter().filter_map(|import| {
                    let symbol = table.symbol(import.symbol)?;
                    let version = table.wanted_version(import.symbol);
                    Some(UndefinedSymbol {
                        object: member.path.clone(),
                        symbol: String::from_utf8_lossy(table.name(&symbol)).into_owned(),
                        version: version.map(|version| version.name.clone()),
                        is_lazy: import.references == References::CALLS
                            && !table.binds_now
                            && loader.flavor == Flavor::Glibc,
                    })
                }));
            }
        }
        if let Some((notebook, key)) = key.filter(|_| result.symbols.is_empty()) {
            notebook.write(key, vec![]);
        }
        result
    }

    /// Would the object at `path` have that symbol for the one that needs it? No, where nothing can be
    /// read.
    pub fn defines(&self, path: &TreePath, wanted: &UndefinedSymbol) -> bool {
        let Ok(found) = self.view().resolve(path) else { return false };
        let Some(content) = found.entry.as_ref().and_then(Entry::content) else { return false };
        let mut objects = self.objects();
        let table = objects.number(&found.path, content).ok().and_then(|number| objects.table(number));
        let name = Name::new(wanted.symbol.as_bytes());
        let version = wanted.version.clone().map(|name| Version { name, ..Version::default() });
        let wanted = Wanted { name: &name, version: version.as_ref(), references: References::CALLS };
        table.is_some_and(|table| defines(table, &wanted, Flavor::Glibc))
    }
}

/// An object of a closure.
struct Member<'c> {
    /// The name by which it was first needed.
    name: &'c str,
    path: &'c TreePath,
    resolution: &'c Resolution,
    facts: &'c Facts,
    is_loader: bool,
}

fn members_of(closure: &Closure) -> impl Iterator<Item = Member<'_>> {
    let program = Member {
        name: "",
        path: &closure.program,
        resolution: &closure.resolution,
        facts: &closure.facts,
        is_loader: false,
    };
    let libraries = closure.libraries.iter().map(|library| Member {
        name: &library.soname,
        path: &library.path,
        resolution: &library.resolution,
        facts: &library.facts,
        is_loader: library.rule == Rule::Interpreter,
    });
    std::iter::once(program).chain(libraries)
}

/// The key of the note that a closure lacks no symbol: all that it depends on. None where some file may be another
/// the next time without being told apart.
fn note_key(closure: &Closure, flavor: Flavor) -> Option<Sha256Digest> {
    let mut key = NoteKey::new("symbols");
    key.number(u64::from(flavor == Flavor::Musl));
    key.number(closure.at_start as u64);
    for member in members_of(closure) {
        // What is no file defines and needs nothing.
        let Some(content) = member.resolution.entry.as_ref().and_then(Entry::content) else { continue };
        key.text(member.name);
        key.text(member.resolution.path.as_str());
        key.number(u64::from(member.is_loader));
        key.content(content)?;
    }
    Some(key.finish())
}
