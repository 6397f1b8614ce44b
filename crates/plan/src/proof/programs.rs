//! Does every program find what it loads, and every shared object that no program loads?

use super::{
    Proof, interpreter,
    objects::{Objects, damaged},
    symbols::Symbols,
    verdict::Verdict,
};
use crate::{draft::Draft, finding::Finding};
use elf::{Facts, Linker};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::TreePath;

/// What each program loads: its loader and its libraries, by where they are. Reports what is missing.
pub(super) fn judge(
    proof: &Proof<'_>,
    draft: &Draft,
    linker: &Linker<'_>,
    objects: &Objects,
    problems: &mut Vec<Finding>,
) -> BTreeMap<TreePath, Vec<TreePath>> {
    let mut verdict = Verdict::default();
    let mut symbols = Symbols::default();
    let mut programs = BTreeMap::new();
    for (path, facts) in objects.files.iter().filter(|(_, facts)| facts.is_program()) {
        let by_name = draft.by_name.get(path).map_or(&[][..], Vec::as_slice);
        match linker.closure_with(path, by_name) {
            Ok(closure) => {
                interpreter::judge(draft, path, facts, &closure, proof.is_glibc_source, problems);
                let interpreter = closure.interpreter.iter().map(|interpreter| &interpreter.resolution.path);
                let libraries = closure.libraries.iter().map(|library| &library.resolution.path);
                programs.insert(path.clone(), interpreter.chain(libraries).cloned().collect());
                symbols.add(linker, &closure);
                verdict.add(closure, None);
            }
            Err(error) => problems.push(Finding::new(damaged(path, &error))),
        }
    }
    let names = names_of(&objects.files);
    let reached: BTreeSet<&TreePath> = programs.values().flatten().collect();
    let is_lone = |path: &TreePath, facts: &Facts| !facts.is_program() && !reached.contains(path);
    for (path, _) in objects.files.iter().filter(|(path, facts)| is_lone(path, facts)) {
        match linker.closure(path) {
            Ok(closure) => verdict.add(closure, Some(&names)),
            Err(error) => problems.push(Finding::new(damaged(path, &error))),
        }
    }
    problems.extend(verdict.problems(draft, proof.scope.facts, proof.allow).into_iter().map(Finding::new));
    problems.extend(symbols.findings(linker, objects));
    programs
}

/// The names that files of the image answer to: their own, and their soname.
fn names_of(files: &BTreeMap<TreePath, Arc<Facts>>) -> BTreeMap<String, TreePath> {
    let mut names = BTreeMap::new();
    for (path, facts) in files {
        for name in facts.soname.iter().map(String::as_str).chain([path.name()]) {
            names.entry(name.to_owned()).or_insert_with(|| path.clone());
        }
    }
    names
}
