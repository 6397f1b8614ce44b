//! What of a source an image may take.

use crate::{
    draft::Draft,
    finding::Problem,
    glob::Glob,
    policy,
    spec::{Pattern, Spec},
};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};
use tree::{Entry, TreePath, View, ViewError};

/// A source without what `drop` names, and without what a runtime mounts over any image: on the host,
/// links into `/proc` lead to the builder's own process.
pub(crate) struct Masked<'a> {
    view: &'a dyn View,
    drop: Vec<Drop<'a>>,
    /// Directories of which a language takes what it needs itself.
    managed: &'a BTreeSet<TreePath>,
}

/// A glob of `drop`, and whether it hid anything.
struct Drop<'a> {
    pattern: &'a Pattern,
    glob: Glob,
    is_used: AtomicBool,
}

impl<'a> Masked<'a> {
    pub fn new(view: &'a dyn View, spec: &'a Spec, managed: &'a BTreeSet<TreePath>) -> Self {
        let drop = spec.runtime.drop.iter().filter_map(|pattern| {
            let glob = Glob::new(&pattern.glob).ok()?;
            Some(Drop { pattern, glob, is_used: AtomicBool::new(false) })
        });
        Masked { view, drop: drop.collect(), managed }
    }

    /// Tells what of `drop` hid nothing so far.
    pub fn tell_unused(&self, draft: &mut Draft) {
        for Drop { pattern, .. } in self.drop.iter().filter(|drop| !drop.is_used.load(Ordering::Relaxed)) {
            draft.report(Problem::NothingDropped { glob: pattern.glob.clone(), line: pattern.line });
        }
    }

    /// Does `drop` name this path of what a language brings?
    pub fn drops(&self, path: &TreePath) -> bool {
        self.droppers(path).inspect(|drop| drop.set_used()).count() > 0
    }

    /// Is a path there only for whoever starts a program, or for a language that takes it itself?
    fn is_hidden(&self, path: &TreePath) -> bool {
        policy::is_mounted(path) || self.managed.iter().any(|dir| path.is_within(dir))
    }

    /// What of `drop` names this path.
    fn droppers(&self, path: &TreePath) -> impl Iterator<Item = &Drop<'_>> {
        self.drop.iter().filter(|drop| drop.glob.matches(path.as_str()))
    }
}

impl Drop<'_> {
    fn set_used(&self) {
        self.is_used.store(true, Ordering::Relaxed);
    }
}

impl View for Masked<'_> {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, ViewError> {
        if self.is_hidden(path) {
            return Ok(None);
        }
        let mut dropped = self.droppers(path).peekable();
        if dropped.peek().is_none() {
            return self.view.entry(path);
        }
        // What cannot be read may well be why it is dropped.
        if !matches!(self.view.entry(path), Ok(None)) {
            dropped.for_each(Drop::set_used);
        }
        Ok(None)
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<String>, ViewError> {
        if self.is_hidden(dir) {
            return Ok(vec![]);
        }
        let mut names = self.view.list(dir)?;
        if dir.is_root() || !self.drop.is_empty() || !self.managed.is_empty() {
            names.retain(|name| {
                let path = dir.child(name);
                let dropped = self.droppers(&path).inspect(|drop| drop.set_used()).count();
                dropped == 0 && !self.is_hidden(&path)
            });
        }
        Ok(names)
    }
}
