//! The signed release of a suite, from the first mirror that has one that counts.

use super::access::Access;
use super::error::{ArchiveError, Said};
use super::kept;
use super::roots::{Next, is_local};
use super::suites::{Place, Suite};
use super::verify::{Asked, Listing, Signed, Verify};
use fetch::{Expect, FetchError, join, masked};
use std::time::SystemTime;

/// The longest release that is read, in bytes.
const MAX_RELEASE: u64 = 16 << 20;

/// A release, and who had it.
#[derive(Debug)]
pub(super) struct Held {
    pub listing: Listing,
    pub signed: Signed,
    /// The number of the root.
    pub root: usize,
}

/// What is needed to find a release.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub access: Access<'a>,
    pub verify: &'a dyn Verify,
    pub now: SystemTime,
}

impl Asking<'_> {
    /// The release of a suite; what the mirrors said, if none has that suite and it may be absent. The root `last` is
    /// asked after the others.
    pub fn release(
        &self,
        suite: &Suite,
        last: Option<usize>,
    ) -> Result<Result<Held, Vec<Said>>, ArchiveError> {
        let mut said = vec![];
        let mut roots = suite.roots.in_order();
        roots.sort_by_key(|(at, _)| Some(*at) == last);
        for (at, root) in roots {
            let problem = match self.release_at(suite, root) {
                Ok((listing, signed)) => return Ok(Ok(Held { listing, signed, root: at })),
                Err(problem) => problem,
            };
            if let Next::Stop(error) = suite.roots.after(at, problem, &mut said) {
                return Err(ArchiveError::Fetch(error));
            }
        }
        if !suite.required && said.iter().all(Said::is_absent) {
            return Ok(Err(said));
        }
        Err(ArchiveError::Release { suite: suite.name.clone(), said })
    }

    fn release_at(&self, suite: &Suite, root: &str) -> Result<(Listing, Signed), Said> {
        let url = |name: &str| join(root, &suite.place.path(name)).map_err(Said::Fetch);
        let (inline, text, signatures) = (url("InRelease")?, url("Release")?, url("Release.gpg")?);
        let read =
            |url: &str| self.access.client.read(url, &Expect::at_most(MAX_RELEASE)).map_err(Said::Fetch);
        let fresh = match read(&inline) {
            Ok(bytes) => Ok((Signed::Inline(bytes), &inline)),
            Err(absent) if absent.is_absent() => match read(&text) {
                // A release without signatures is as good as none, but not the same.
                Ok(bytes) => match read(&signatures) {
                    Ok(signatures) => Ok((Signed::Detached { text: bytes, signatures }, &text)),
                    Err(error) if error.is_absent() => Err(unsigned(&text)),
                    Err(error) => Err(error),
                },
                Err(error) if error.is_absent() => Err(absent),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let path = suite.place.path("");
        let (signed, from) = match fresh {
            Ok(fresh) => fresh,
            Err(Said::Fetch(offline @ FetchError::Offline { .. })) => {
                let last = kept::find_release(self.access.cache, root, &path).ok_or(Said::Fetch(offline))?;
                (last, &inline)
            }
            Err(problem) => return Err(problem),
        };
        let listing = self.verify.verify(&signed, &self.asked(suite, root));
        let listing = listing.map_err(|source| Said::Unverified { url: masked(from), source })?;
        if !self.access.client.is_offline() && !is_local(root) {
            kept::keep_release(self.access.cache, root, &path, &signed);
        }
        Ok((listing, signed))
    }

    /// What is of the past was valid then. A directory of this machine holds nothing back that its owner did not.
    fn asked<'s>(&self, suite: &'s Suite, root: &str) -> Asked<'s> {
        Asked {
            suite: match &suite.place {
                Place::Dists { suite, .. } => suite,
                Place::Flat(_) => "./",
            },
            keys: &suite.keys,
            now: self.now,
            check_valid_until: !suite.snapshot && !is_local(root) && !self.access.client.is_offline(),
        }
    }
}

fn unsigned(url: &str) -> Said {
    let source = "it is not signed: there is neither InRelease nor Release.gpg beside it";
    Said::Unverified { url: masked(url), source: source.into() }
}
