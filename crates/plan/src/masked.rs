//! What of a source an image may take.

use crate::{
    draft::Draft,
    finding::Problem,
    glob::Glob,
    policy,
    spec::{Pattern, Spec},
};
use std::sync::atomic::{AtomicBool, Ordering};
use tree::{Entry, TreePath, View, ViewError};

/// A source without what `drop` names, and without what a runtime mounts over any image: on the host,
/// links into `/proc` lead to the builder's own process.
pub(crate) struct Masked<'a> {
    view: &'a dyn View,
    drop: Vec<Drop<'a>>,
}

/// A glob of `drop`, and whether it hid anything.
struct Drop<'a> {
    pattern: &'a Pattern,
    glob: Glob,
    is_used: AtomicBool,
}

impl<'a> Masked<'a> {
    pub fn new(view: &'a dyn View, spec: &'a Spec) -> Self {
        let drop = spec.runtime.drop.iter().filter_map(|pattern| {
            let glob = Glob::new(&pattern.glob).ok()?;
            Some(Drop { pattern, glob, is_used: AtomicBool::new(false) })
        });
        Masked { view, drop: drop.collect() }
    }

    /// Tells what of `drop` hid nothing so far.
    pub fn tell_unused(&self, draft: &mut Draft) {
        for Drop { pattern, .. } in self.drop.iter().filter(|drop| !drop.is_used.load(Ordering::Relaxed)) {
            draft.report(Problem::NothingDropped { glob: pattern.glob.clone(), line: pattern.line });
        }
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
        if policy::is_mounted(path) {
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
        if policy::is_mounted(dir) {
            return Ok(vec![]);
        }
        let mut names = self.view.list(dir)?;
        if dir.is_root() || !self.drop.is_empty() {
            names.retain(|name| {
                let path = dir.child(name);
                let dropped = self.droppers(&path).inspect(|drop| drop.set_used()).count();
                dropped == 0 && !policy::is_mounted(&path)
            });
        }
        Ok(names)
    }
}
