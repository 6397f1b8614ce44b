//! What `ldconfig` finds in directories: the entries of a cache, and links that are lacking.

use crate::hwcaps::{HWCAPS, subdirectories};
use crate::ldsocache::compare_names;
use crate::memo::FactsOf;
use crate::{CacheEntry, ElfError, Facts, Kind, Machine, Variant, cache_flags};
use goblin::elf::header::{EM_386, EM_AARCH64, EM_ARM, EM_X86_64};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tree::{Entry, Resolution, TreePath, View};

/// What `ldconfig` makes of a tree.
#[derive(Debug, Default)]
pub struct Ldconfig {
    /// The entries of the cache, in the order of their directories.
    pub entries: Vec<CacheEntry>,
    /// The links that it would make, each with its target: from the soname of a library to its file.
    pub links: Vec<(TreePath, String)>,
    /// Files with the name of a library that could not be read.
    pub problems: Vec<ElfError>,
}

/// Looks through directories as `ldconfig` on such a machine does: give those of `ld.so.conf`, then
/// those built into the loader. A directory that is there twice, by another path, counts once, by its
/// first path.
///
/// Each directory has at most one library for a soname: of several, the one whose file name is the
/// highest.
pub fn ldconfig(view: &dyn View, facts: &dyn FactsOf, dirs: &[TreePath], machine: &Machine) -> Ldconfig {
    let mut search = Search { view, facts, machine, seen: BTreeSet::new(), found: Ldconfig::default() };
    for dir in dirs {
        if let Err(error) = search.with_variants(dir) {
            search.found.problems.push(error);
        }
    }
    search.found
}

struct Search<'a> {
    view: &'a dyn View,
    facts: &'a dyn FactsOf,
    machine: &'a Machine,
    seen: BTreeSet<TreePath>,
    found: Ldconfig,
}

/// The library that stands for a soname in a directory.
struct Chosen {
    file: String,
    is_link: bool,
    facts: Arc<Facts>,
    real: TreePath,
}

impl Search<'_> {
    fn with_variants(&mut self, dir: &TreePath) -> Result<(), ElfError> {
        if !self.directory(dir, None)? {
            return Ok(());
        }
        for name in subdirectories(self.view, dir)? {
            self.directory(&dir.child(HWCAPS).child(&name), Some(&name))?;
        }
        Ok(())
    }

    /// Looks through a directory, if it is there and was not before.
    fn directory(&mut self, dir: &TreePath, hwcaps: Option<&str>) -> Result<bool, ElfError> {
        let found = self.view.resolve(dir)?;
        if !found.entry.is_some_and(|entry| entry.is_directory()) || !self.seen.insert(found.path.clone()) {
            return Ok(false);
        }
        let mut chosen: BTreeMap<String, Chosen> = BTreeMap::new();
        for file in self.view.list(&found.path)?.into_iter().filter(|name| is_library_name(name)) {
            match self.library(&found.path, file) {
                Ok(Some((soname, library))) => choose(&mut chosen, soname, library),
                Ok(None) => {}
                Err(error) => self.found.problems.push(error),
            }
        }
        for (soname, library) in chosen {
            let Some(flags) = cache_flags(&library.facts) else { continue };
            let (file, variant) = match hwcaps {
                None => {
                    self.link(&found.path, &soname, &library);
                    (&soname, Variant::Baseline)
                }
                Some(name) => {
                    let (directory, isa_level) = (name.into(), library.facts.isa_level);
                    (&library.file, Variant::Hwcaps { directory, isa_level })
                }
            };
            let path = dir.child(file);
            self.found.entries.push(CacheEntry { soname, path, flags, variant });
        }
        Ok(true)
    }

    /// The library that a file of a directory is, and its soname.
    fn library(&self, real_dir: &TreePath, file: String) -> Result<Option<(String, Chosen)>, ElfError> {
        let path = real_dir.child(&file);
        let is_link =
            self.view.entry(&path)?.is_some_and(|entry| matches!(entry.kind, tree::Kind::Symlink(_)));
        let Resolution { path: real, entry, .. } = self.view.resolve(&path)?;
        let Some(content) = entry.as_ref().and_then(Entry::content) else { return Ok(None) };
        let Some(facts) = self.facts.facts_of(&real, content)? else { return Ok(None) };
        let loadable = matches!(facts.kind, Kind::SharedObject | Kind::Executable);
        if !loadable || !self.is_indexed(&facts.machine) {
            return Ok(None);
        }
        let soname = facts.soname.clone().unwrap_or_else(|| file.clone());
        // A link under the soname, or the `.so` link that compilers use, stands for itself. Any other
        // link is taken as the library it leads to.
        let is_link =
            is_link && (soname == file || (file.ends_with(".so") && soname.starts_with(file.as_str())));
        let soname = if is_link { file.clone() } else { soname };
        let is_name = !soname.is_empty() && !soname.contains('/') && soname != "." && soname != "..";
        Ok(is_name.then_some((soname, Chosen { file, is_link, facts, real })))
    }

    /// Does `ldconfig` of the machine look at libraries of the other? It does for the 32-bit ones that
    /// the same processors run.
    fn is_indexed(&self, other: &Machine) -> bool {
        let family = |machine: &Machine| match machine.machine {
            EM_386 => EM_X86_64,
            EM_ARM => EM_AARCH64,
            machine => machine,
        };
        family(self.machine) == family(other) && self.machine.endian == other.endian
    }

    /// Notes the link from the soname to the file, unless it is there, or a file is in its place.
    fn link(&mut self, real_dir: &TreePath, soname: &str, library: &Chosen) {
        if library.is_link || library.file == soname {
            return;
        }
        let path = real_dir.child(soname);
        let there = self.view.entry(&path).ok().flatten();
        let is_file = there.is_some_and(|entry| !matches!(entry.kind, tree::Kind::Symlink(_)));
        let is_right = self.view.resolve(&path).is_ok_and(|found| found.path == library.real);
        if !is_file && !is_right {
            self.found.links.push((path, library.file.clone()));
        }
    }
}

/// A file comes before a link, and the higher name before the lower.
fn choose(chosen: &mut BTreeMap<String, Chosen>, soname: String, library: Chosen) {
    let is_better = chosen.get(&soname).is_none_or(|known| {
        (!library.is_link && known.is_link)
            || (library.is_link == known.is_link && compare_names(&known.file, &library.file).is_lt())
    });
    if is_better {
        chosen.insert(soname, library);
    }
}

fn is_library_name(name: &str) -> bool {
    let is_library = (name.starts_with("lib") || name.starts_with("ld-")) && name.contains(".so");
    is_library || name.starts_with("ld.so.") || name.starts_with("ld64.so.")
}
