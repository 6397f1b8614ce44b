//! Taking many files at once: all that is below a directory, all that a glob matches.

use super::Gather;
use crate::{error::PlanError, glob::Glob, reason::Reason};
use tree::{Entry, Kind, TreePath, View};

/// What to do about something below a directory that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Take it.
    Take,
    /// Do not take it, but look at what is below it.
    Pass,
    /// Take neither it nor what is below it.
    Leave,
}

/// What was chosen of all that stands at a path and below it.
pub(super) struct Walked {
    /// The links on the way, and where they led.
    links: Vec<TreePath>,
    start: TreePath,
    /// By where they are.
    pub items: Vec<(TreePath, Entry)>,
}

impl Gather<'_> {
    /// Takes what is at a path of the source, and of all that is below it what `choice` says. Says how
    /// many files that were.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn take_all(
        &mut self,
        path: &TreePath,
        layer: &str,
        reason: &Reason,
        choice: &dyn Fn(&TreePath) -> Choice,
    ) -> Result<usize, PlanError> {
        let walked = self.walk(path, choice)?;
        self.take_walked(walked, layer, reason)
    }

    /// Takes what a glob matches, with what links among it lead to; a directory that matches stands
    /// for all that is below it. Says how many files that were.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn take_matching(&mut self, glob: &Glob, layer: &str, reason: &Reason) -> Result<usize, PlanError> {
        let walked = self.matching(glob, &[])?;
        self.take_walked(walked, layer, reason)
    }

    /// What a glob matches of image and source, without what the others match; a directory stands for
    /// all that is below it.
    pub(super) fn matching(&self, glob: &Glob, except: &[Glob]) -> Result<Walked, PlanError> {
        let prefix = glob.literal().unwrap_or(glob.literal_prefix());
        let Ok(start) = TreePath::parse(prefix) else { return Ok(Walked::nothing()) };
        let real = self.overlay().follow(&start)?.path;
        self.walk(&start, &|path| {
            // The glob is about paths as written; the walk goes on behind the links of its start.
            let below = path.below(&real).unwrap_or_default();
            let written = start.join(below).unwrap_or_else(|_| path.clone());
            let inside = || written.ancestors().take_while(|dir| dir.is_within(&start));
            if except.iter().any(|glob| glob.matches(written.as_str())) {
                Choice::Leave
            } else if glob.matches(written.as_str()) || inside().any(|dir| glob.matches(dir.as_str())) {
                Choice::Take
            } else if glob.reaches_below(written.as_str()) {
                Choice::Pass
            } else {
                Choice::Leave
            }
        })
    }

    pub(super) fn take_walked(
        &mut self,
        walked: Walked,
        layer: &str,
        reason: &Reason,
    ) -> Result<usize, PlanError> {
        let mut taken = 0;
        for (path, entry) in walked.items {
            taken += usize::from(!entry.is_directory());
            let is_link = matches!(entry.kind, Kind::Symlink(_));
            self.put(&path, entry, layer, reason.clone())?;
            if is_link {
                // What a link leads to is part of what was asked for.
                self.take_target(&path, layer)?;
            }
        }
        if taken > 0 {
            self.take_links(&walked.links, &walked.start, layer)?;
        }
        Ok(taken)
    }

    fn walk(&self, path: &TreePath, choice: &dyn Fn(&TreePath) -> Choice) -> Result<Walked, PlanError> {
        let overlay = self.overlay();
        let found = overlay.follow(path)?;
        let Some(entry) = found.entry else { return Ok(Walked::nothing()) };
        let mut walked = Walked { links: found.links, start: found.path.clone(), items: vec![] };
        let mut todo = vec![(found.path, entry)];
        while let Some((path, entry)) = todo.pop() {
            let chosen = choice(&path);
            if entry.is_directory() && chosen != Choice::Leave {
                for name in overlay.list(&path)? {
                    let child = path.child(&name);
                    if let Some(entry) = overlay.entry(&child)? {
                        todo.push((child, entry));
                    }
                }
            }
            if chosen == Choice::Take && !matches!(entry.kind, Kind::Special(_)) {
                walked.items.push((path, entry));
            }
        }
        Ok(walked)
    }
}

impl Walked {
    fn nothing() -> Self {
        Walked { links: vec![], start: TreePath::root(), items: vec![] }
    }
}
