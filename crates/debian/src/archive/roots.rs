//! The roots that an archive's files are asked of, one after the other.

use super::error::Said;
use fetch::FetchError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// The roots of an archive. One that could not be reached is asked last from then on.
#[derive(Debug)]
pub(super) struct Roots {
    urls: Vec<String>,
    down: Vec<AtomicBool>,
}

/// What is to be done after a mirror gave nothing.
pub(super) enum Next {
    /// Another may.
    Ask,
    /// No other would change it.
    Stop(FetchError),
}

impl Roots {
    pub fn new(urls: Vec<String>) -> Self {
        let down = urls.iter().map(|_| AtomicBool::default()).collect();
        Roots { urls, down }
    }

    /// Each root with its number: those that could be reached first.
    pub fn in_order(&self) -> Vec<(usize, &str)> {
        let mut roots: Vec<(usize, &str)> = self.urls.iter().map(String::as_str).enumerate().collect();
        roots.sort_by_key(|(at, _)| self.is_down(*at));
        roots
    }

    /// The URL of a root.
    pub fn url(&self, root: usize) -> &str {
        self.urls.get(root).map_or("", String::as_str)
    }

    /// Asks one root after the other, `first` before the others, until one gives something.
    ///
    /// # Errors
    /// What no mirror would change; and within, what each mirror said.
    pub fn ask<T>(
        &self,
        first: Option<usize>,
        get: impl Fn(&str) -> Result<T, Said>,
    ) -> Result<Result<T, Vec<Said>>, FetchError> {
        let mut said = vec![];
        let mut roots = self.in_order();
        roots.sort_by_key(|(at, _)| self.is_down(*at) || Some(*at) != first);
        for (at, root) in roots {
            match get(root) {
                Ok(got) => return Ok(Ok(got)),
                Err(problem) => match self.after(at, problem, &mut said) {
                    Next::Ask => {}
                    Next::Stop(error) => return Err(error),
                },
            }
        }
        Ok(Err(said))
    }

    /// Notes what a root said.
    pub fn after(&self, at: usize, problem: Said, said: &mut Vec<Said>) -> Next {
        match problem {
            Said::Fetch(error @ (FetchError::Write { .. } | FetchError::Setup { .. })) => {
                return Next::Stop(error);
            }
            // One that gave some of a file is there.
            Said::Fetch(FetchError::GaveUp { ref tries, .. }) if tries.iter().any(|one| one.received > 0) => {
            }
            Said::Fetch(FetchError::GaveUp { .. } | FetchError::Tls { .. } | FetchError::NotTls { .. }) => {
                if let Some(down) = self.down.get(at) {
                    down.store(true, Relaxed);
                }
            }
            _ => {}
        }
        said.push(problem);
        Next::Ask
    }

    fn is_down(&self, at: usize) -> bool {
        self.down.get(at).is_some_and(|down| down.load(Relaxed))
    }
}

/// Is it a directory of this machine?
pub(super) fn is_local(root: &str) -> bool {
    let scheme = root.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("file" | "copy"))
}
