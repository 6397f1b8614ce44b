//! Is every symbol that the objects of a program need defined by one of them?

use super::objects::{Objects, damaged};
use crate::finding::{Finding, Missed, Problem, Severity};
use elf::{Closure, ElfError, Flavor, Interpreter, Linker, UndefinedSymbol};
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// The symbols that the programs of an image do not find.
#[derive(Default)]
pub(super) struct Symbols {
    /// The programs that do not find them, by the object that needs them.
    undefined: BTreeMap<(TreePath, Missed, Vec<UndefinedSymbol>), BTreeSet<TreePath>>,
    /// Objects that are linked with another C library than the program that loads them.
    other_libc: BTreeMap<TreePath, Flavor>,
    /// Objects whose symbols make no sense.
    unreadable: BTreeMap<TreePath, ElfError>,
}

impl Symbols {
    /// Adds the symbols that a program does not find. Where a library is missing, or too old for a
    /// version of it, there is an error about that, and what it lacks is not told once more.
    pub fn add(&mut self, linker: &Linker<'_>, closure: &Closure) {
        let is_startable = closure.interpreter.as_ref().is_none_or(Interpreter::is_found);
        if !is_startable || !closure.missing.is_empty() {
            return;
        }
        let found = linker.undefined_symbols(closure);
        for (path, error) in found.unreadable {
            self.unreadable.insert(path, error);
        }
        let is_told = |symbol: &UndefinedSymbol| {
            let mut told = closure.unsatisfied.iter();
            told.any(|told| symbol.version.as_ref() == Some(&told.version))
        };
        let flavor = closure.loader.as_ref().map(|loader| loader.flavor);
        let mut by_object: BTreeMap<(TreePath, bool), Vec<UndefinedSymbol>> = BTreeMap::new();
        for symbol in found.symbols.into_iter().filter(|symbol| !is_told(symbol)) {
            let library = closure.libraries.iter().position(|library| library.path == symbol.object);
            let (real, facts) = library.map_or((&closure.resolution, &closure.facts), |at| {
                (&closure.libraries[at].resolution, &closure.libraries[at].facts)
            });
            if let Some(libc) = facts.libc().filter(|libc| Some(*libc) != flavor) {
                self.other_libc.insert(real.path.clone(), libc);
            }
            let is_plugin = library.is_some_and(|at| at >= closure.at_start);
            by_object.entry((real.path.clone(), is_plugin)).or_default().push(symbol);
        }
        for ((object, is_plugin), symbols) in by_object {
            let missed = match is_plugin {
                _ if symbols.iter().all(|symbol| symbol.is_lazy) => Missed::OnCall,
                true => Missed::OnLoad,
                false => Missed::AtStart,
            };
            let programs = self.undefined.entry((object, missed, symbols)).or_default();
            programs.insert(closure.resolution.path.clone());
        }
    }

    /// What was added, as findings.
    pub fn findings(self, linker: &Linker<'_>, objects: &Objects) -> Vec<Finding> {
        let unreadable = self.unreadable.iter();
        let unreadable = unreadable
            .map(|(path, error)| Finding::new(damaged(path, error)).with_severity(Severity::Warning));
        let undefined = self.undefined.into_iter().map(|((object, missed, symbols), programs)| {
            let libraries = objects.files.iter().filter(|(_, facts)| facts.kind == elf::Kind::SharedObject);
            let defined_by = symbols.first().and_then(|symbol| {
                libraries.map(|(path, _)| path).find(|path| linker.defines(path, symbol)).cloned()
            });
            let symbols = symbols.into_iter().map(|symbol| match symbol.version {
                Some(version) => format!("{}@{version}", symbol.symbol),
                None => symbol.symbol,
            });
            Finding::new(Problem::UndefinedSymbol {
                built_for: self.other_libc.get(&object).copied(),
                object,
                symbols: symbols.collect(),
                programs: programs.into_iter().collect(),
                missed,
                defined_by,
            })
        });
        unreadable.chain(undefined).collect()
    }
}
