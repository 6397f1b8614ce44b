//! What files say themselves that they load by name (`.note.dlopen`), and what the constants of the
//! payload's own files name.

use super::Gather;
use crate::{error::PlanError, finding::Problem, reason::Reason, tables};
use elf::{DlopenNote, Facts, FactsOf, Priority};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::{Entry, TreePath};

/// What notes were found, and what came of them.
#[derive(Default)]
pub(super) struct Notes {
    /// Files with notes that were not looked at yet.
    new: BTreeMap<TreePath, Arc<Facts>>,
    seen: BTreeSet<TreePath>,
    /// What was taken for whom.
    pub taken: BTreeMap<TreePath, BTreeSet<String>>,
    /// What would be good to have.
    wishes: Vec<(TreePath, DlopenNote)>,
}

impl Notes {
    /// Remembers a file that is in the image, if it has notes.
    pub fn add(&mut self, path: &TreePath, facts: &Arc<Facts>) {
        if !facts.dlopen_notes.is_empty() && self.seen.insert(path.clone()) {
            self.new.insert(path.clone(), facts.clone());
        }
    }
}

impl Gather<'_> {
    /// Takes what notes say that files do not work without.
    pub(super) fn take_noted(&mut self) -> Result<(), PlanError> {
        for (file, facts) in std::mem::take(&mut self.notes.new) {
            for note in &facts.dlopen_notes {
                match note.priority {
                    Priority::Required => self.take_required(&file, note)?,
                    Priority::Recommended => self.notes.wishes.push((file.clone(), note.clone())),
                    // Few would miss it.
                    Priority::Suggested => {}
                }
            }
        }
        Ok(())
    }

    /// Tells what notes recommend, the source has, and the image has not.
    pub(super) fn tell_wishes(&mut self) {
        let mut wanted: BTreeMap<TreePath, Vec<String>> = BTreeMap::new();
        for (file, note) in std::mem::take(&mut self.notes.wishes) {
            if note.sonames.iter().any(|soname| self.is_called(soname)) {
                continue;
            }
            let program = self.by_name.program_with(&file);
            if let Some(soname) = note.sonames.iter().find(|it| self.find_library(it, program).is_some()) {
                wanted.entry(file).or_default().push(soname.clone());
            }
        }
        for (file, sonames) in wanted {
            self.draft.report(Problem::NotedNotTaken { file, sonames });
        }
    }

    /// Tells the names of libraries among the constants of the payload's files, and of the process's
    /// program, that nothing in the image is called by, whatever its version: who names several wants
    /// one of them. Nothing is taken for them: what a text means nobody knows.
    ///
    /// # Errors
    /// When a file of the payload cannot be read.
    pub(super) fn tell_mentions(&mut self, program: Option<&TreePath>) -> Result<(), PlanError> {
        let mut found = vec![];
        for (path, entry) in self.draft.tree.iter() {
            let is_of_source = self.draft.taken.contains(path) || self.draft.made.contains(path);
            let is_of_others = is_of_source || self.draft.is_of_base(path);
            if is_of_others && Some(path) != program {
                continue;
            }
            let Some(content) = entry.content() else { continue };
            let Ok(Some(facts)) = self.scope.facts.facts_of(path, content) else { continue };
            if !self.is_loadable(&facts) && !facts.is_program() {
                continue;
            }
            // A file whose headers make no sense is told by the proof.
            let Ok(names) = self.scope.facts.mentions_of(content, &facts) else { continue };
            if !names.is_empty() {
                found.push((path, facts, names));
            }
        }
        // Few of many files have one of the names.
        let asked: BTreeSet<&str> =
            found.iter().flat_map(|(.., names)| names).map(|name| without_version(name)).collect();
        let files = self.draft.tree.iter().filter(|(_, entry)| !asked.is_empty() && !entry.is_directory());
        let here: BTreeSet<&str> =
            files.map(|(path, _)| without_version(path.name())).filter(|name| asked.contains(name)).collect();
        let mut mentioned = vec![];
        for (path, facts, names) in found {
            let noted = facts.dlopen_notes.iter().flat_map(|note| &note.sonames);
            let noted: BTreeSet<&str> = noted.map(|soname| without_version(soname)).collect();
            // A static glibc has the names of its shared self, and no program wants two C libraries.
            let is_own = |name: &str| name == "libc.so" && facts.interpreter.is_none();
            let is_told = |name: &str| here.contains(name) || noted.contains(name) || is_own(name);
            let names: Vec<String> =
                names.iter().filter(|name| !is_told(without_version(name))).cloned().collect();
            if !names.is_empty() {
                mentioned.push((path.clone(), names));
            }
        }
        for (file, names) in mentioned {
            let (at_hand, other): (Vec<String>, Vec<String>) =
                names.into_iter().partition(|name| self.find_library(name, program).is_some());
            let packages: BTreeSet<String> =
                other.iter().flat_map(|name| tables::packages_with(name)).collect();
            let packages = packages.into_iter().collect();
            self.draft.report(Problem::Mentioned { file, at_hand, other, packages });
        }
        Ok(())
    }

    /// Takes the first of the libraries of a note that there is.
    fn take_required(&mut self, file: &TreePath, note: &DlopenNote) -> Result<(), PlanError> {
        let purpose = note.description.as_ref().or(note.feature.as_ref());
        let purpose = purpose.map_or_else(|| "as its note says".into(), |text| format!("for {text}"));
        let program = self.by_name.program_with(file).cloned();
        for soname in &note.sonames {
            let (by, who) = (Some(file.clone()), file.to_string());
            let reason = Reason::LoadedByName { by, who, purpose: purpose.clone() };
            if self.take_library(soname, program.as_ref(), reason)? {
                self.notes.taken.entry(file.clone()).or_default().insert(soname.clone());
                return Ok(());
            }
        }
        let packages: BTreeSet<String> =
            note.sonames.iter().flat_map(|soname| tables::packages_with(soname)).collect();
        let (file, sonames) = (file.clone(), note.sonames.clone());
        self.draft.report(Problem::MissingNoted {
            file,
            sonames,
            purpose,
            packages: packages.into_iter().collect(),
        });
        Ok(())
    }

    /// Is anything in the image called so?
    fn is_called(&self, name: &str) -> bool {
        self.draft
            .tree
            .iter()
            .any(|(path, entry): (&TreePath, &Entry)| path.name() == name && !entry.is_directory())
    }
}

/// `libssl.so` of `libssl.so.3`.
fn without_version(name: &str) -> &str {
    name.find(".so").map_or(name, |at| &name[..at + 3])
}
