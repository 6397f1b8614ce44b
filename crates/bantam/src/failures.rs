//! Images that are refused and targets that failed: what stops a build, and what it goes on without.

use crate::{Error, Refusal, Target};
use plan::{
    finding::{Finding, Severity},
    spec::Platform,
};
use std::collections::BTreeMap;

/// A target that was not built, or not published.
pub struct Failure {
    /// The spec, for messages.
    pub shown: String,
    /// What stopped it.
    pub error: Error,
}

/// An image, what it is for, and what is wrong with it.
pub(crate) type Judged<'a> = (&'a Target, Platform, &'a [Finding]);

/// Stops for every image that has errors, at once.
pub(crate) fn refuse<'a>(images: impl Iterator<Item = Judged<'a>>) -> Result<(), Error> {
    let mut count = 0;
    let mut refused = vec![];
    for (target, platform, findings) in images {
        count += 1;
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let (name, shown) = (target.name.clone(), target.shown());
            refused.push(Refusal { name, platform, findings: findings.to_vec(), shown });
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Error::Refused { refused, count }) }
}

/// The targets that failed so far, where that does not stop the others.
pub(crate) struct Failures<'a> {
    keep_going: bool,
    targets: &'a [Target],
    failed: BTreeMap<usize, Error>,
}

impl<'a> Failures<'a> {
    pub(crate) fn new(keep_going: bool, targets: &'a [Target]) -> Self {
        Self { keep_going, targets, failed: BTreeMap::new() }
    }

    /// What came of a target; nothing if it failed, which is noted.
    ///
    /// # Errors
    /// The failure, where it stops the others.
    pub(crate) fn unless<T>(&mut self, target: usize, outcome: Result<T, Error>) -> Result<Option<T>, Error> {
        match outcome {
            Ok(done) => Ok(Some(done)),
            Err(error) if self.keep_going => {
                self.failed.insert(target, error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Those of the targets whose images have no errors.
    ///
    /// # Errors
    /// All that have some, where they stop the others.
    pub(crate) fn unless_refused<T: Numbered>(
        &mut self,
        all: Vec<T>,
        judged: &dyn for<'t> Fn(&'t T) -> Vec<Judged<'t>>,
    ) -> Result<Vec<T>, Error> {
        if !self.keep_going {
            refuse(all.iter().flat_map(judged))?;
            return Ok(all);
        }
        let mut kept = vec![];
        for one in all {
            let outcome = refuse(judged(&one).into_iter());
            if self.unless(one.number(), outcome)?.is_some() {
                kept.push(one);
            }
        }
        Ok(kept)
    }

    pub(crate) fn into_list(self) -> Vec<Failure> {
        let shown = |target: usize| self.targets.get(target).map(Target::shown).unwrap_or_default();
        let failed = self.failed.into_iter();
        failed.map(|(target, error)| Failure { shown: shown(target), error }).collect()
    }
}

/// Of one of the targets.
pub(crate) trait Numbered {
    fn number(&self) -> usize;
}
