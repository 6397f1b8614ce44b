//! What is done about a row of the table of plugins that is true of the image.

use super::{Gather, by_name::Offer};
use crate::{
    draft::LIBS,
    error::PlanError,
    glob::Glob,
    plugins::{Row, Verdict},
    reason::Reason,
};
use elf::FactsOf;
use std::collections::BTreeSet;
use tree::{Entry, Kind, TreePath, View};

impl Gather<'_> {
    /// Takes the files of a row, or remembers them to be offered.
    pub(super) fn take_row(
        &mut self,
        index: usize,
        row: &'static Row,
        trigger: &TreePath,
        files: Vec<Vec<String>>,
    ) -> Result<(), PlanError> {
        let except: Vec<Glob> = row.except.iter().filter_map(|glob| Glob::new(glob).ok()).collect();
        let (mut globs, mut paths) = (vec![], vec![]);
        for ways in files {
            for way in ways {
                let Ok(glob) = Glob::new(&way) else { continue };
                let mut walked = self.matching(&glob, &except)?;
                walked.items = self.of_use(walked.items)?;
                if !walked.items.iter().any(|(path, _)| self.leads_to_a_file(path)) {
                    continue;
                }
                globs.push(way);
                if row.verdict == Verdict::Take {
                    walked.items = self.loadable(trigger, walked.items);
                    let (by, who) = (Some(trigger.clone()), trigger.to_string());
                    let reason = Reason::LoadedByName { by, who, purpose: row.purpose.clone() };
                    paths.extend(walked.items.iter().map(|(path, _)| path.clone()));
                    self.take_walked(walked, LIBS, &reason)?;
                } else {
                    paths.extend(walked.items.into_iter().map(|(path, _)| path));
                }
                break;
            }
            if row.first && !globs.is_empty() {
                break;
            }
        }
        for path in &paths {
            if self.draft.tree.get(path).is_some_and(|entry| self.is_plugin(path, entry)) {
                self.by_name.plugins.entry(trigger.clone()).or_default().insert(path.clone());
            }
        }
        if row.verdict == Verdict::Hint && !globs.is_empty() {
            self.by_name.offers.entry(index).or_insert(Offer { trigger: trigger.clone(), globs, paths });
        }
        Ok(())
    }

    fn leads_to_a_file(&self, path: &TreePath) -> bool {
        let found = self.overlay().follow(path);
        found.is_ok_and(|found| found.entry.is_some_and(|entry| entry.content().is_some()))
    }

    /// Leaves out what would be told as wrong, and is no loss: links that lead nowhere in the source
    /// either, and scripts whose interpreter is not in the image. Plugins bring no shell along.
    fn of_use(&self, items: Vec<(TreePath, Entry)>) -> Result<Vec<(TreePath, Entry)>, PlanError> {
        let mut kept = vec![];
        for (path, entry) in items {
            if matches!(entry.kind, Kind::Symlink(_)) && self.overlay().follow(&path)?.entry.is_none() {
                continue;
            }
            let content = entry.content().filter(|_| entry.is_executable());
            let shebang = match content {
                Some(content) => elf::shebang_of(content)?,
                None => None,
            };
            let runs = |interpreter: &str| {
                let at = TreePath::parse(interpreter).ok();
                at.is_some_and(|at| self.draft.tree.follow(&at).is_ok_and(|found| found.entry.is_some()))
            };
            if shebang.is_none_or(|shebang| runs(&shebang.interpreter)) {
                kept.push((path, entry));
            }
        }
        Ok(kept)
    }

    /// Leaves out plugins that could not be loaded on the source either, because a library is nowhere;
    /// these are told. A link to one stays out with it.
    fn loadable(&mut self, trigger: &TreePath, items: Vec<(TreePath, Entry)>) -> Vec<(TreePath, Entry)> {
        let plugins = items.iter().filter(|(path, entry)| self.is_plugin(path, entry));
        let plugins: Vec<TreePath> = plugins.map(|(path, _)| path.clone()).collect();
        let program = self.by_name.program_with(trigger).cloned();
        let all: Vec<String> = plugins.iter().map(TreePath::to_string).collect();
        let without = self.missing(program.as_ref(), &[]);
        // Most often nothing is missing, and one look says so.
        if plugins.is_empty() || program.is_some() && self.missing(program.as_ref(), &all) == without {
            return items;
        }
        let mut bad = BTreeSet::new();
        for plugin in plugins {
            let missing = self.missing(program.as_ref(), &[plugin.to_string()]);
            for soname in missing.difference(&without) {
                self.by_name.left_out.entry(soname.clone()).or_default().insert(plugin.clone());
                bad.insert(plugin.clone());
            }
        }
        let leads_to_bad =
            |path: &TreePath| self.overlay().follow(path).is_ok_and(|found| bad.contains(&found.path));
        items.into_iter().filter(|(path, _)| !leads_to_bad(path)).collect()
    }

    /// The libraries that a program lacks when it loads plugins; without a program, that the plugins
    /// lack alone.
    fn missing(&self, program: Option<&TreePath>, plugins: &[String]) -> BTreeSet<String> {
        let closures: Vec<_> = self.linker(|linker| match program {
            Some(program) => vec![linker.closure_with(program, plugins)],
            None => {
                let paths = plugins.iter().filter_map(|plugin| TreePath::parse(plugin).ok());
                paths.map(|path| linker.closure(&path)).collect()
            }
        });
        let missing = closures.into_iter().filter_map(Result::ok).flat_map(|closure| closure.missing);
        missing.map(|missing| missing.soname).collect()
    }

    /// Is this a shared object for the image's machine?
    fn is_plugin(&self, path: &TreePath, entry: &Entry) -> bool {
        let facts =
            entry.content().and_then(|content| self.scope.facts.facts_of(path, content).ok().flatten());
        facts.is_some_and(|facts| self.is_loadable(&facts) && !facts.is_program())
    }
}
