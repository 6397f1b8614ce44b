//! An archive whose indexes are at hand.

use super::access::Access;
use super::config::ArchiveConfig;
use super::error::ArchiveError;
use super::files::{self, Form, Found};
use super::release::{Asking, Held};
use super::suites::{Place, Suite, Suites};
use super::unpack::Packed;
use super::verify::{ListedFile, Verify};
use crate::index::IndexText;
use fetch::Digest;
use std::fs::File;
use std::io::{self, Read};
use std::thread;
use std::time::SystemTime;

/// The longest text of an index that is read, in bytes.
const MAX_TEXT: u64 = 512 << 20;

/// An archive whose releases are verified and whose indexes are read, for one architecture.
#[derive(Debug)]
pub struct Archive {
    pub(super) suites: Suites,
    /// For each suite what there is of it.
    pub(super) opened: Vec<Option<Opened>>,
    architecture: String,
    indexes: Vec<IndexText>,
    absent: Vec<Absent>,
}

/// A suite that is there.
#[derive(Debug)]
pub(super) struct Opened {
    pub held: Held,
    /// The indexes of packages that are used.
    pub used: Vec<Form>,
}

/// A suite, or an index of one, that no mirror has and that may be absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// The suite.
    pub suite: String,
    /// What the mirrors said.
    pub said: String,
}

/// A `Contents` file: which package has which files.
#[derive(Debug)]
pub struct ContentsFile {
    /// Which of the archive's suites it is from, as a position in its [`Suites`].
    pub suite: usize,
    /// Where it is from, for messages.
    pub origin: String,
    /// The digest of the compressed file, by which the result of reading it can be kept.
    pub digest: Digest,
    /// The length of the compressed file in bytes.
    pub size: u64,
    file: File,
    packed: Packed,
}

impl Archive {
    /// Gets the releases of all suites, verifies them, and gets the indexes of their packages.
    ///
    /// Files that the cache has are not fetched again. With an offline client, releases are those that were last seen.
    /// A mirror that has not what its release lists may be in the middle of an update: other forms of the index are tried,
    /// and then the release is fetched once more, from another mirror if there is one.
    ///
    /// # Errors
    /// When a suite cannot be had. One that belongs to a release may be absent, see [`absent`](Self::absent).
    pub fn open(
        config: &ArchiveConfig,
        access: Access<'_>,
        verify: &dyn Verify,
        now: SystemTime,
    ) -> Result<Self, ArchiveError> {
        let suites = Suites::new(config)?;
        let asking = Asking { access, verify, now };
        let outcomes: Vec<Result<Part, ArchiveError>> = thread::scope(|scope| {
            let open = |(at, suite)| scope.spawn(move || asking.open(at, suite, &config.architecture));
            let parts: Vec<_> = suites.0.iter().enumerate().map(open).collect();
            let join = |part: thread::ScopedJoinHandle<'_, _>| match part.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            parts.into_iter().map(join).collect()
        });
        let mut archive = Archive {
            suites,
            opened: vec![],
            architecture: config.architecture.clone(),
            indexes: vec![],
            absent: vec![],
        };
        let mut errors = vec![];
        for outcome in outcomes {
            match outcome {
                Ok(part) => {
                    archive.opened.push(part.opened);
                    archive.indexes.extend(part.indexes);
                    archive.absent.extend(part.absent);
                }
                Err(error) => errors.push(error),
            }
        }
        match ArchiveError::of(errors) {
            Some(error) => Err(error),
            None => Ok(archive),
        }
    }

    /// Its suites.
    pub fn suites(&self) -> &Suites {
        &self.suites
    }

    /// The priority of each suite, by its number: see [`crate::solve`].
    pub fn priorities(&self) -> Vec<i32> {
        let of = |opened: &Option<Opened>| opened.as_ref().map_or(0, |opened| opened.held.listing.priority);
        self.opened.iter().map(of).collect()
    }

    /// The architecture that it was opened for.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The indexes of packages, in the order of the suites. They are large: who asks again gets none.
    pub fn take_indexes(&mut self) -> Vec<IndexText> {
        std::mem::take(&mut self.indexes)
    }

    /// Suites that no mirror has, or has as they should be, though others of their sort are: nobody can tell whether one
    /// is held back.
    pub fn absent(&self) -> &[Absent] {
        &self.absent
    }

    /// Gets the lists of which package has which file, for the architecture and for all. Suites without any have none;
    /// those that no mirror has as their release lists them are absent.
    ///
    /// # Errors
    /// When one that is listed cannot be had for another reason.
    pub fn contents(&self, access: Access<'_>) -> Result<(Vec<ContentsFile>, Vec<Absent>), ArchiveError> {
        let mut contents = vec![];
        let mut absent = vec![];
        for (at, (suite, opened)) in self.suites.0.iter().zip(&self.opened).enumerate() {
            let Some(Opened { held, .. }) = opened else { continue };
            for wanted in contents_of(suite, held, &self.architecture) {
                let (found, form) = match files::any(suite, held, wanted, access) {
                    Ok(found) => found,
                    Err(error) if error.may_be_stale() && !access.client.is_offline() => {
                        absent.push(Absent { suite: suite.name.clone(), said: error.to_string() });
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let Found { packed, file, origin, .. } = found;
                let ListedFile { size, digest } = form.listed;
                contents.push(ContentsFile { suite: at, origin, digest, size, file, packed });
            }
        }
        Ok((contents, absent))
    }
}

impl ContentsFile {
    /// Its text, from the start. Only one reader reads at a time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn reader(&self) -> io::Result<Box<dyn Read + Send>> {
        self.packed.reader(self.file.try_clone()?)
    }
}

/// What came of one suite.
struct Part {
    opened: Option<Opened>,
    indexes: Vec<IndexText>,
    absent: Vec<Absent>,
}

impl Asking<'_> {
    fn open(&self, at: usize, suite: &Suite, architecture: &str) -> Result<Part, ArchiveError> {
        let held = match self.release(suite, None)? {
            Ok(held) => held,
            Err(said) => {
                let said = said.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                let absent = vec![Absent { suite: suite.name.clone(), said }];
                return Ok(Part { opened: None, indexes: vec![], absent });
            }
        };
        let error = match self.indexes(at, suite, held, architecture) {
            Ok(part) => return Ok(part),
            Err((stale, error)) if error.may_be_stale() && !self.access.client.is_offline() => {
                match self.release(suite, Some(stale.root))? {
                    Ok(held) if held.signed != stale.signed || held.root != stale.root => {
                        match self.indexes(at, suite, held, architecture) {
                            Ok(part) => return Ok(part),
                            Err((_, error)) => error,
                        }
                    }
                    _ => error,
                }
            }
            Err((_, error)) => return Err(error),
        };
        if suite.required || !error.may_be_stale() {
            return Err(error);
        }
        // A mirror that has not what the release of a suite lists has as little of it as one without the suite.
        let absent = vec![Absent { suite: suite.name.clone(), said: error.to_string() }];
        Ok(Part { opened: None, indexes: vec![], absent })
    }

    /// The indexes that a release lists. An error comes with that release.
    fn indexes(
        &self,
        at: usize,
        suite: &Suite,
        held: Held,
        architecture: &str,
    ) -> Result<Part, (Box<Held>, ArchiveError)> {
        let mut part = Part { opened: None, indexes: vec![], absent: vec![] };
        let mut used = vec![];
        for Named { name, required } in packages_of(suite, &held, architecture) {
            let forms = files::forms(&held.listing, &name);
            if forms.is_empty() {
                let error = ArchiveError::NoIndex {
                    suite: suite.name.clone(),
                    wanted: name,
                    architectures: held.listing.architectures.clone(),
                };
                if required && suite.required {
                    return Err((Box::new(held), error));
                }
                if required {
                    part.absent.push(Absent { suite: suite.name.clone(), said: error.to_string() });
                }
                continue;
            }
            // Nothing need be fetched to know what is empty.
            if held.listing.files.get(&name).is_some_and(|plain| plain.size == 0) {
                continue;
            }
            let read = files::any(suite, &held, forms, self.access).and_then(|(found, form)| {
                let Found { packed, file, origin, .. } = found;
                let text = packed.text(file, MAX_TEXT, &origin)?;
                Ok((IndexText { suite: at, origin, text }, form))
            });
            match read {
                Ok((text, form)) => {
                    part.indexes.push(text);
                    used.push(form);
                }
                Err(error) => return Err((Box::new(held), error)),
            }
        }
        part.opened = Some(Opened { held, used });
        Ok(part)
    }
}

/// An index by its name without an ending.
struct Named {
    name: String,
    /// Is it strange if there is none?
    required: bool,
}

/// The indexes of packages of a suite.
fn packages_of(suite: &Suite, held: &Held, architecture: &str) -> Vec<Named> {
    let Place::Dists { components, .. } = &suite.place else {
        return vec![Named { name: "Packages".into(), required: true }];
    };
    let listing = &held.listing;
    let with_all = listing.architectures.iter().any(|name| name == "all") && !listing.without_all;
    let mut names = vec![];
    for component in components {
        let name = |architecture| format!("{component}/binary-{architecture}/Packages");
        names.push(Named { name: name(architecture), required: true });
        if with_all {
            names.push(Named { name: name("all"), required: false });
        }
    }
    names
}

/// The lists of files of a suite: of each component, or of all together.
fn contents_of(suite: &Suite, held: &Held, architecture: &str) -> Vec<Vec<Form>> {
    let Place::Dists { components, .. } = &suite.place else { return vec![] };
    let mut wanted = vec![];
    for architecture in [architecture, "all"] {
        let listed = |name: &str| Some(files::forms(&held.listing, name)).filter(|forms| !forms.is_empty());
        let name = format!("Contents-{architecture}");
        let of_components = components.iter().filter_map(|component| listed(&format!("{component}/{name}")));
        let before = wanted.len();
        wanted.extend(of_components);
        if wanted.len() == before {
            wanted.extend(listed(&name));
        }
    }
    wanted
}
