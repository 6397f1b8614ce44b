//! Which imports of an object are defined in a scope, for many scopes that share objects.
//!
//! A symbol is found if any object of the scope defines it, in whatever order they are searched. So
//! once it is known who defines a symbol for an object, it is found in every scope that has both, and
//! a library costs next to nothing from the second program on.

use super::hash::Name;
use super::lookup::{Wanted, defines, without_64};
use super::relocations::References;
use super::table::{Import, SymbolTable, UNDEFINED, WEAK};
use crate::{ElfError, Facts, Flavor};
use std::collections::{BTreeSet, HashMap};
use tree::{Content, TreePath};

/// How much memory the tables may take before all are forgotten, in bytes.
const MAX_WEIGHT: usize = 256 << 20;

/// The objects that were looked at, by number.
#[derive(Default)]
pub(crate) struct Objects {
    numbers: HashMap<TreePath, usize>,
    objects: Vec<Object>,
    weight: usize,
}

struct Object {
    /// None if the file has no symbols.
    table: Option<SymbolTable>,
    /// Who defines each of its imports, as far as it is known.
    definers: Vec<Option<usize>>,
}

/// The objects in which a process looks for symbols.
pub(crate) struct Scope<'c> {
    pub flavor: Flavor,
    /// The objects in load order, the program first.
    pub order: Vec<usize>,
    pub members: BTreeSet<usize>,
    /// The same by the names that others need them by.
    pub names: HashMap<&'c str, usize>,
    /// Where the loader is one of them.
    pub loader: Option<usize>,
}

impl<'c> Scope<'c> {
    /// A scope without any objects.
    pub fn new(flavor: Flavor) -> Self {
        Scope { flavor, order: vec![], members: BTreeSet::new(), names: HashMap::new(), loader: None }
    }

    /// Adds the object that is loaded next.
    pub fn add(&mut self, number: usize, soname: &'c str, facts: &'c Facts, is_loader: bool) {
        self.order.push(number);
        self.members.insert(number);
        for name in std::iter::once(soname).chain(facts.soname.as_deref()) {
            self.names.entry(name).or_insert(number);
        }
        if is_loader {
            self.loader = Some(number);
        }
    }
}

impl Objects {
    /// The number of an object, whose table is read if it was not yet.
    pub fn number(&mut self, path: &TreePath, content: &Content) -> Result<usize, ElfError> {
        if let Some(number) = self.numbers.get(path) {
            return Ok(*number);
        }
        let table = SymbolTable::read(content)?;
        let imports = table.as_ref().map_or(0, |table| table.imports.len());
        self.weight += table.as_ref().map_or(0, SymbolTable::weight);
        self.objects.push(Object { table, definers: vec![None; imports] });
        self.numbers.insert(path.clone(), self.objects.len() - 1);
        Ok(self.objects.len() - 1)
    }

    /// The symbols of an object.
    pub fn table(&self, number: usize) -> Option<&SymbolTable> {
        self.objects.get(number)?.table.as_ref()
    }

    /// Forgets everything if that is a lot. Numbers do not count any more then.
    pub fn trim(&mut self) {
        if self.weight > MAX_WEIGHT {
            *self = Objects::default();
        }
    }

    /// The imports of an object that nothing in the scope defines, and that do not do without. `needed`
    /// names the objects that most likely have them.
    pub fn undefined(&mut self, number: usize, scope: &Scope<'_>, needed: &[String]) -> Vec<Import> {
        let Some(table) = self.table(number) else { return vec![] };
        let likely = needed.iter().filter_map(|name| scope.names.get(name.as_str()).copied());
        let likely: Vec<usize> = likely.collect();
        let mut undefined = vec![];
        let mut definers = self.objects[number].definers.clone();
        for (import, definer) in table.imports.iter().zip(&mut definers) {
            if is_optional(table, *import, scope.flavor) {
                continue;
            }
            if definer.is_none_or(|definer| !scope.members.contains(&definer)) {
                *definer = self.search(number, *import, scope, &likely);
            }
            if definer.is_none() {
                undefined.push(*import);
            }
        }
        self.objects[number].definers = definers;
        undefined
    }

    /// The object of the scope that defines an import of another one.
    fn search(&self, number: usize, import: Import, scope: &Scope<'_>, likely: &[usize]) -> Option<usize> {
        let table = self.table(number)?;
        let symbol = table.symbol(import.symbol)?;
        let name = Name::new(table.name(&symbol));
        let version = table.wanted_version(import.symbol);
        let wanted = Wanted { name: &name, version, references: import.references };
        let has = |candidate: usize, wanted: &Wanted<'_>| {
            self.table(candidate).is_some_and(|table| defines(table, wanted, scope.flavor))
        };
        // What a program has a copy of is somebody else's.
        let program = scope.order.first().copied().filter(|_| import.references.has(References::COPY));
        let own = (symbol.section != UNDEFINED).then_some(number);
        let named = version.and_then(|version| scope.names.get(version.library.as_deref()?).copied());
        let first = own.into_iter().chain(named).chain(likely.iter().copied());
        let mut candidates =
            first.filter(|first| scope.members.contains(first)).chain(scope.order.iter().copied());
        let found = candidates.find(|candidate| Some(*candidate) != program && has(*candidate, &wanted));
        if found.is_some() || scope.flavor == Flavor::Glibc {
            return found;
        }
        let name = Name::new(without_64(name.text)?);
        let wanted = Wanted { name: &name, version: None, references: References::CALLS };
        scope.loader.filter(|loader| has(*loader, &wanted))
    }
}

/// Is it no harm if the symbol is nowhere?
fn is_optional(table: &SymbolTable, import: Import, flavor: Flavor) -> bool {
    table.symbol(import.symbol).is_none_or(|symbol| {
        symbol.binding == WEAK && (flavor == Flavor::Glibc || symbol.section == UNDEFINED)
    })
}
