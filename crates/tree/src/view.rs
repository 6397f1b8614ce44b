//! The seam to every place that files come from.

use crate::{Entry, Resolution, ResolveError, TreePath, resolve};

/// Where files come from: a tree in memory, a directory on disk, a package, an image.
///
/// A view does not follow symbolic links: an entry is what stands at exactly that path, and a path
/// below a link stands nowhere. [`View::resolve`] follows links inside the root. Asking twice gives
/// the same answer.
pub trait View: Send + Sync {
    /// What stands at `path`, or none. The root is always a directory.
    ///
    /// # Errors
    /// When the place cannot be read; that nothing is there is no error.
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, ViewError>;

    /// The names in the directory at `dir`, sorted bytewise; none where no directory is.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn list(&self, dir: &TreePath) -> Result<Vec<String>, ViewError>;

    /// Where `path` leads when every symbolic link is followed, without leaving the root.
    ///
    /// # Errors
    /// When a link loops, leads outside of the root, or the place cannot be read.
    fn resolve(&self, path: &TreePath) -> Result<Resolution, ResolveError> {
        resolve(self, path)
    }

    /// As [`View::resolve`], for those to whom a link in circles is no more than one that leads nowhere.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn follow(&self, path: &TreePath) -> Result<Resolution, ViewError> {
        match resolve(self, path) {
            Ok(found) => Ok(found),
            Err(ResolveError::View(error)) => Err(error),
            Err(_) => Ok(Resolution { path: path.clone(), entry: None, links: vec![] }),
        }
    }

    /// Where `path` itself stands when every link on the way to it is followed, as [`View::follow`] does.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn follow_parents(&self, path: &TreePath) -> Result<TreePath, ViewError> {
        match path.parent() {
            Some(parent) if !parent.is_root() => Ok(self.follow(&parent)?.path.child(path.name())),
            _ => Ok(path.clone()),
        }
    }
}

/// A place could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot read {subject}: {reason}")]
pub struct ViewError {
    /// The path, as the builder knows it.
    pub subject: String,
    /// What went wrong.
    pub reason: String,
}

/// Two views, one over the other: a directory in both is merged, anything else hides what is below.
pub struct Overlay<'a> {
    /// What is seen first.
    pub upper: &'a dyn View,
    /// What shows through.
    pub lower: &'a dyn View,
}

impl View for Overlay<'_> {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, ViewError> {
        if let Some(entry) = self.upper.entry(path)? {
            return Ok(Some(entry));
        }
        if self.hidden(path)? { Ok(None) } else { self.lower.entry(path) }
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<String>, ViewError> {
        match self.upper.entry(dir)? {
            Some(entry) if !entry.is_directory() => return Ok(vec![]),
            None if self.hidden(dir)? => return Ok(vec![]),
            _ => {}
        }
        let mut names = self.upper.list(dir)?;
        names.extend(self.lower.list(dir)?);
        names.sort();
        names.dedup();
        Ok(names)
    }
}

impl Overlay<'_> {
    /// Is something that is no directory in the way of `path` in the upper view?
    fn hidden(&self, path: &TreePath) -> Result<bool, ViewError> {
        for dir in path.ancestors() {
            if let Some(entry) = self.upper.entry(&dir)? {
                return Ok(!entry.is_directory());
            }
        }
        Ok(false)
    }
}

impl<V: View + ?Sized> View for &V {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, ViewError> {
        (**self).entry(path)
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<String>, ViewError> {
        (**self).list(dir)
    }
}
