//! Does every program find what it loads, and every shared object that no program loads?

use super::{
    Opened, Proof, interpreter, libc,
    objects::{Objects, damaged},
    symbols::Symbols,
    verdict::Verdict,
};
use crate::{
    draft::Draft,
    finding::Finding,
    process::{
        Process,
        access::{PASS, R, X},
    },
};
use elf::{CachePolicy, Closure, ElfError, Facts, Linker};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::{Entry, Resolution, TreePath};

/// What is opened to start each program. Reports what is missing.
pub(super) fn judge(
    proof: &Proof<'_>,
    draft: &Draft,
    linker: &Linker<'_>,
    objects: &Objects,
    problems: &mut Vec<Finding>,
) -> BTreeMap<TreePath, Vec<Opened>> {
    let mut verdict = Verdict::default();
    let mut symbols = Symbols::default();
    let mut programs = BTreeMap::new();
    for (path, facts) in objects.files.iter().filter(|(_, facts)| facts.is_program()) {
        let by_name = draft.by_name.get(path).map_or(&[][..], Vec::as_slice);
        let gains_rights = draft.tree.get(path).is_some_and(|entry| gains_rights(entry, proof.process));
        let closure = match gains_rights {
            false => linker.closure_with(path, by_name),
            true => secure_closure(proof, linker, path, by_name, &mut verdict),
        };
        match closure {
            Ok(closure) => {
                interpreter::judge(draft, path, facts, &closure, proof.is_glibc_source, problems);
                programs.insert(path.clone(), opened(&closure));
                symbols.add(linker, &closure);
                if let Some(advice) = libc::of_missing(&closure, proof.is_glibc_source) {
                    closure.missing.iter().for_each(|missing| verdict.advise(&missing.soname, &advice));
                }
                verdict.add(closure, None);
            }
            Err(error) => problems.push(Finding::new(damaged(path, &error))),
        }
    }
    let names = names_of(&objects.files);
    let reached: BTreeSet<&TreePath> = programs.values().flatten().map(|opened| &opened.path).collect();
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

/// Does a program gain rights when the process's user starts it? Then its loader trusts less.
fn gains_rights(entry: &Entry, process: &Process) -> bool {
    let meta = &entry.meta;
    let setuid = meta.mode & 0o4000 != 0 && meta.uid != process.uid;
    let setgid = meta.mode & 0o2010 == 0o2010 && meta.gid != process.gid;
    setuid || setgid || (process.uid != 0 && meta.xattrs.contains_key("security.capability"))
}

/// What a program that gains rights loads, with advice about what it would find only without them.
fn secure_closure(
    proof: &Proof<'_>,
    linker: &Linker<'_>,
    path: &TreePath,
    by_name: &[String],
    verdict: &mut Verdict,
) -> Result<Closure, ElfError> {
    let plain = linker.closure_with(path, by_name)?;
    let secure = Linker::new(linker.view(), proof.scope.facts).cache_policy(CachePolicy::AsIs).secure();
    let closure = secure.closure_with(path, by_name)?;
    for missing in &closure.missing {
        if plain.missing.iter().all(|it| it.soname != missing.soname) {
            verdict.advise(
                &missing.soname,
                &format!(
                    "{path} has a setuid bit or file capabilities, for which the loader takes neither \
                     LD_LIBRARY_PATH nor $ORIGIN: put {} into a directory where it looks anyway, or link \
                     the program with the absolute path as its RUNPATH",
                    missing.soname
                ),
            );
        }
    }
    Ok(closure)
}

/// The loader, which the kernel executes, and the libraries, which it reads.
fn opened(closure: &Closure) -> Vec<Opened> {
    let with_links = |resolution: &Resolution, right| {
        let links = resolution.links.iter().map(|path| Opened { path: path.clone(), right: PASS });
        links.chain([Opened { path: resolution.path.clone(), right }]).collect::<Vec<_>>()
    };
    let interpreter = closure.interpreter.as_ref().map(|interpreter| &interpreter.resolution);
    // What nobody may execute is told about the program that names it.
    let is_open = |resolution: &&Resolution| resolution.entry.as_ref().is_some_and(Entry::is_executable);
    // The loader is there already when a library needs it by name.
    let libraries = closure.libraries.iter().map(|library| &library.resolution);
    let libraries = libraries.filter(|library| interpreter.is_none_or(|loader| loader.path != library.path));
    interpreter
        .filter(is_open)
        .into_iter()
        .flat_map(|loader| with_links(loader, X))
        .chain(libraries.flat_map(|library| with_links(library, R)))
        .collect()
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
