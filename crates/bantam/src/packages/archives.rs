//! The archives of a run: each is opened once, and only when packages are to be chosen; each package is fetched and
//! unpacked once.

use super::found::Found;
use crate::{
    Error, Session, Target,
    event::{Event, Watch},
    runtime::Runtime,
};
use cache::{Cache, RecordKind};
use debian::{
    apt::{AptSources, mirrors_of},
    archive::{
        Access, Archive, ArchiveConfig, Keyrings, Mirrors, Moment, Origin, Progress, Repository, Suites,
        Wanted,
    },
    contents::Contents,
    index::Index,
    pack::Pack,
    rootfs::{Conflict, Options, RootFs},
};
use fetch::Client;
use plan::{
    Plan,
    finding::Problem,
    lock::LockedPackage,
    spec::{Distribution, Release},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::SystemTime,
};
use tree::Sha256Digest;

/// How many packages are fetched at a time.
const FETCHES: usize = 6;
/// Where apt of this machine has its sources.
const APT_ROOT: &str = "/";

/// The archives of a run.
pub(crate) struct Archives<'a> {
    session: &'a Session,
    cache: &'a Cache,
    client: OnceLock<Client>,
    /// By all that says which archive it is.
    known: Mutex<HashMap<String, Arc<KnownArchive>>>,
    /// Root file systems, by the digests of their packages.
    runtimes: Mutex<HashMap<Vec<Sha256Digest>, Arc<Runtime<'a>>>>,
}

/// An archive for one architecture.
pub(super) struct KnownArchive {
    config: ArchiveConfig,
    suites: Suites,
    opened: Mutex<Option<Arc<OpenArchive>>>,
}

/// An archive whose indexes were read.
pub(super) struct OpenArchive {
    pub archive: Archive,
    pub index: Index,
    contents: OnceLock<FilesOfPackages>,
}

/// Which package has which file.
#[derive(Default)]
struct FilesOfPackages {
    lists: Vec<Contents>,
    /// Is there a list that no mirror has?
    incomplete: bool,
}

impl<'a> Archives<'a> {
    pub fn new(session: &'a Session, cache: &'a Cache) -> Self {
        let (client, known, runtimes) = Default::default();
        Archives { session, cache, client, known, runtimes }
    }

    /// The archive that a target takes its packages from.
    ///
    /// # Errors
    /// When no mirror is known, or a file that the spec names cannot be read.
    pub(super) fn archive(
        &self,
        target: &Target,
        release: &Release,
        architecture: &str,
    ) -> Result<Arc<KnownArchive>, Error> {
        let config = self.config(target, release, architecture)?;
        let key = format!("{config:?}");
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return Ok(Arc::clone(known));
        }
        let suites = Suites::new(&config)?;
        let known = Arc::new(KnownArchive { config, suites, opened: Mutex::default() });
        Ok(Arc::clone(lock().entry(key).or_insert(known)))
    }

    fn config(&self, target: &Target, release: &Release, architecture: &str) -> Result<ArchiveConfig, Error> {
        let origin = match release.distribution {
            Distribution::Debian => Origin::Debian,
            Distribution::Ubuntu => Origin::Ubuntu,
        };
        let apt = || match AptSources::read(Path::new(APT_ROOT)) {
            Ok(sources) => mirrors_of(origin, &sources),
            // Whoever has no apt here names mirrors; the error says so.
            Err(_) => Mirrors::default(),
        };
        let environment = self.session.mirrors.as_deref();
        let mirrors = Mirrors::choose(origin, &target.spec.runtime.mirrors, environment, apt)?;
        let moment = release.timestamp.as_deref().map(Moment::parse).transpose()?;
        let read = |file: &str| {
            let path = target.folder.join(file);
            std::fs::read(&path).map_err(|source| Error::Read { path, source })
        };
        let mut repositories = vec![];
        for repository in &target.spec.repositories {
            repositories.push(Repository {
                url: repository.url.clone(),
                suite: repository.suite.clone(),
                components: repository.components.clone(),
                keyring: read(&repository.keyring)?,
                architectures: repository.architectures.clone(),
            });
        }
        Ok(ArchiveConfig {
            origin,
            suite: release.suite.clone(),
            architecture: architecture.into(),
            mirrors: mirrors.at(moment)?,
            keyring: target.spec.runtime.keyring.as_deref().map(read).transpose()?,
            repositories,
        })
    }

    fn client(&self) -> &Client {
        let options = || fetch::Options {
            offline: self.session.offline,
            logins: fetch::Logins::of_user().with_apt(Path::new(APT_ROOT)),
            ..fetch::Options::default()
        };
        self.client.get_or_init(|| Client::new(options()))
    }

    fn access<'s>(&'s self, progress: &'s (dyn Fn(Progress<'_>) + Sync)) -> Access<'s> {
        Access { client: self.client(), cache: self.cache, jobs: FETCHES, progress }
    }

    /// The indexes of an archive.
    ///
    /// # Errors
    /// When a suite cannot be had, or nobody signed it who may.
    pub(super) fn open(&self, known: &KnownArchive, watch: Watch<'_>) -> Result<Arc<OpenArchive>, Error> {
        // Who else wants the same archive waits for it.
        let mut opened = known.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*opened {
            return Ok(Arc::clone(opened));
        }
        let mut archive = Archive::open(&known.config, self.access(&|_| {}), &Keyrings, SystemTime::now())?;
        for absent in archive.absent() {
            let text = format!("no mirror has the suite {}", absent.suite);
            watch(Event::Notice { text: &text, details: std::slice::from_ref(&absent.said) });
        }
        let index = Index::new(&known.config.architecture, archive.take_indexes())?;
        let new = Arc::new(OpenArchive { archive, index, contents: OnceLock::new() });
        *opened = Some(Arc::clone(&new));
        Ok(new)
    }

    /// Which package has which file of an archive.
    ///
    /// # Errors
    /// When a list of that cannot be had.
    pub(super) fn contents<'o>(&self, open: &'o OpenArchive, watch: Watch<'_>) -> Result<Found<'o>, Error> {
        if open.contents.get().is_none() {
            let mut all = vec![];
            let (files, absent) = open.archive.contents(self.access(&|_| {}))?;
            if !absent.is_empty() {
                let suites: BTreeSet<&str> = absent.iter().map(|absent| &*absent.suite).collect();
                let suites = suites.into_iter().collect::<Vec<_>>().join(", ");
                let text = format!(
                    "which package has which file is not known of all of {suites}: packages are looked for by name"
                );
                let details: Vec<String> = absent.iter().map(|absent| absent.said.clone()).collect();
                watch(Event::Notice { text: &text, details: &details });
            }
            for file in files {
                let key = Sha256Digest::of(format!("{:?}", file.digest).as_bytes());
                let kept = self.cache.record(RecordKind::Contents, &key);
                let contents = match kept.and_then(|bytes| Contents::from_bytes(&bytes).ok()) {
                    Some(contents) => contents,
                    None => {
                        let unreadable = |source| Error::Contents { origin: file.origin.clone(), source };
                        let reader = file.reader().map_err(|source| unreadable(source.into()))?;
                        let contents = Contents::read(reader).map_err(|source| unreadable(source.into()))?;
                        // A cache that takes nothing makes the next run slower.
                        let _ = self.cache.put_record(RecordKind::Contents, &key, &contents.to_bytes());
                        contents
                    }
                };
                all.push(contents);
            }
            let _ = open.contents.set(FilesOfPackages { lists: all, incomplete: !absent.is_empty() });
        }
        let (lists, incomplete) =
            open.contents.get().map_or((&[][..], false), |known| (&known.lists[..], known.incomplete));
        Ok(Found { index: &open.index, contents: lists, incomplete })
    }

    /// The packages unpacked, as the file tree that they make together. What they are is in the same order as before,
    /// with the dates of those that had none.
    ///
    /// # Errors
    /// When one cannot be had, or is no package.
    pub(super) fn unpacked(
        &self,
        known: &KnownArchive,
        release: &Release,
        packages: &mut [LockedPackage],
        watch: Watch<'_>,
    ) -> Result<Arc<Runtime<'a>>, Error> {
        let digests: Vec<Sha256Digest> = packages.iter().map(|package| package.sha256).collect();
        let lock = || self.runtimes.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = lock().get(&digests).map(Arc::clone);
        let runtime = match runtime {
            Some(runtime) => runtime,
            None => {
                let packs = self.packs(known, packages, watch)?;
                let options = Options {
                    merged_usr: known.config.origin.merges_usr(&release.suite),
                    ..Options::default()
                };
                let (rootfs, problems) = RootFs::new(packs, &options);
                let runtime = Arc::new(Runtime::of_packages(
                    rootfs,
                    problems.into_iter().filter_map(problem).collect(),
                ));
                Arc::clone(lock().entry(digests).or_insert(runtime))
            }
        };
        let dates: BTreeMap<&str, i64> = runtime.dates().collect();
        for package in packages {
            if let Some(date) = dates.get(&*package.name) {
                package.date = *date;
            }
        }
        Ok(runtime)
    }

    /// Writes the packages of an image, and the indexes that list them, into a directory.
    ///
    /// # Errors
    /// When something cannot be had or written.
    pub fn vendor(
        &self,
        target: &Target,
        release: &Release,
        plan: &Plan,
        dir: &Path,
        watch: Watch<'_>,
    ) -> Result<debian::archive::Vendored, Error> {
        let known = self.archive(target, release, plan.platform.architecture.debian())?;
        let open = self.open(&known, watch)?;
        let mut wanted = vec![];
        for package in &plan.pinned {
            wanted.push(known.wanted(package)?);
        }
        Ok(open.archive.vendor(dir, &wanted, self.access(&|_| {}))?)
    }

    /// Each package unpacked, from the cache or the archive.
    fn packs(
        &self,
        known: &KnownArchive,
        packages: &[LockedPackage],
        watch: Watch<'_>,
    ) -> Result<Vec<Arc<Pack>>, Error> {
        let mut packs: Vec<Option<Arc<Pack>>> =
            packages.iter().map(|package| Pack::open(self.cache, &package.sha256).map(Arc::new)).collect();
        let absent: Vec<usize> = (0..packs.len()).filter(|at| packs[*at].is_none()).collect();
        if absent.is_empty() {
            return Ok(packs.into_iter().flatten().collect());
        }
        let mut wanted = vec![];
        for at in &absent {
            wanted.push(known.wanted(&packages[*at])?);
        }
        let bytes = wanted.iter().map(|wanted| wanted.size).sum();
        watch(Event::FetchStarted { packages: wanted.len(), bytes });
        // How many bytes of each were told; one that is tried again is not told twice.
        let told: Mutex<HashMap<String, u64>> = Mutex::default();
        let progress = |progress: Progress<'_>| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            let told = told.entry(progress.path.into()).or_default();
            watch(Event::FetchAdvanced { bytes: progress.received.saturating_sub(*told) });
            *told = progress.received.max(*told);
        };
        let files = known.suites.fetch(&wanted, self.access(&progress))?;
        let todo: Vec<(usize, std::fs::File)> = absent.into_iter().zip(files).collect();
        let unpacked = crate::build::side_by_side(self.session.jobs, &todo, &|(at, file)| {
            let package = &packages[*at];
            let shown = format!("{} {}", package.name, package.version);
            Pack::unpack(self.cache, &package.sha256, file, &shown)
        });
        watch(Event::FetchDone);
        for ((at, _), pack) in todo.iter().zip(unpacked) {
            packs[*at] = Some(Arc::new(pack?));
        }
        Ok(packs.into_iter().flatten().collect())
    }
}

/// What packages do not agree on, as a plan tells it.
fn problem(problem: debian::rootfs::Problem) -> Option<Problem> {
    match problem {
        debian::rootfs::Problem::Conflict(Conflict { path, kept, dropped }) => {
            Some(Problem::PackagesClash { path, packages: [kept.0, dropped.0] })
        }
        debian::rootfs::Problem::Unhandled { package, lines } => {
            let commands = lines.into_iter().map(|line| line.text).collect();
            let package = package.split([' ', ':']).next().unwrap_or_default().to_owned();
            Some(Problem::ScriptNotRun { package, commands })
        }
        // What cannot be read is told by who needs it; a lock has each package once.
        _ => None,
    }
}

impl KnownArchive {
    /// The name of a suite as a lock has it.
    pub fn suite(&self, number: usize) -> String {
        self.suites.name(number).unwrap_or_default().into()
    }

    /// Where a package of a lock is.
    ///
    /// # Errors
    /// When the spec names no archive that has it.
    pub fn wanted(&self, package: &LockedPackage) -> Result<Wanted, Error> {
        let suite = self.suites.find(&package.suite).ok_or_else(|| Error::UnknownSuite {
            package: package.name.clone(),
            suite: package.suite.clone(),
        })?;
        Ok(Wanted { suite, filename: package.path.clone(), size: package.size, sha256: package.sha256 })
    }
}
