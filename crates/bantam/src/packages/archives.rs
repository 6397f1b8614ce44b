//! The archives of a run: each is opened once, and only when packages are to be chosen; each package is fetched and
//! unpacked once.

use super::found::{Found, Lists};
use crate::{
    Error, Session, Target,
    event::{Event, Watch},
    notes::Notes,
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
    index::{Index, IndexText},
    pack::Pack,
    rootfs::{Conflict, Options, RootFs},
};
use fetch::Client;
use plan::{
    finding::Problem,
    lock::LockedPackage,
    spec::{Architecture, Distribution, Release},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::SystemTime,
};
use tree::Sha256Digest;

/// How many packages are fetched at a time.
const FETCHES: usize = 6;
/// The archives of a run.
pub(crate) struct Archives<'a> {
    session: &'a Session,
    cache: &'a Cache,
    notes: &'a Notes,
    client: OnceLock<Client>,
    /// By all that says which archive it is.
    known: Mutex<HashMap<String, Arc<KnownArchive>>>,
    /// Packages that are unpacked, by their digests.
    packs: Mutex<HashMap<Sha256Digest, Arc<Pack>>>,
    /// Root file systems that were made.
    runtimes: Mutex<HashMap<RootFsKey, Arc<Runtime<'a>>>>,
}

/// What a root file system is made of: is `/usr` merged, and the digests of its packages.
type RootFsKey = (bool, Vec<Sha256Digest>);

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
    /// Which of its suites packages are taken of before others.
    pub priorities: Vec<i32>,
    /// The lists of its packages' files, once they were asked for.
    lists: Mutex<Option<Lists>>,
}

impl<'a> Archives<'a> {
    pub fn new(session: &'a Session, cache: &'a Cache, notes: &'a Notes) -> Self {
        let (client, known, packs, runtimes) = Default::default();
        Archives { session, cache, notes, client, known, packs, runtimes }
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
        let apt = || match AptSources::read(&self.session.apt_root) {
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
            logins: fetch::Logins::of_user().with_apt(&self.session.apt_root),
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
        let priorities = archive.priorities();
        let new = Arc::new(OpenArchive { archive, index, priorities, lists: Mutex::default() });
        *opened = Some(Arc::clone(&new));
        Ok(new)
    }

    /// Which package has which file of an archive.
    ///
    /// # Errors
    /// When a list cannot be read. That no mirror has one as it is signed is a notice: packages are looked for by name
    /// then.
    pub(super) fn lists<'o>(&self, open: &'o OpenArchive, watch: Watch<'_>) -> Result<Found<'o>, Error> {
        // Who else wants them waits: they are large.
        let mut lists = open.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let lists = match &*lists {
            Some(known) => known.clone(),
            None => lists.insert(self.read_lists(&open.archive, watch)?).clone(),
        };
        Ok(Found { index: &open.index, lists })
    }

    fn read_lists(&self, archive: &Archive, watch: Watch<'_>) -> Result<Lists, Error> {
        let (files, absent) = archive.contents(self.access(&|_| {}))?;
        let complete = absent.is_empty();
        if !complete {
            let text =
                "lists of the archive's files are missing: what is not in the others is looked for by name";
            let details: Vec<String> = absent.into_iter().map(|absent| absent.said).collect();
            watch(Event::Notice { text, details: &details });
        }
        let mut all = vec![];
        for file in files {
            let key = Sha256Digest::of(format!("{:?}", file.digest).as_bytes());
            let kept = self.cache.record(RecordKind::Contents, &key);
            if let Some(contents) = kept.and_then(|bytes| Contents::from_bytes(&bytes).ok()) {
                all.push(contents);
                continue;
            }
            let unreadable = |source| Error::Contents { origin: file.origin.clone(), source };
            let reader = file.reader().map_err(|source| unreadable(source.into()))?;
            let contents = Contents::read(reader).map_err(|source| unreadable(source.into()))?;
            // A cache that takes nothing makes the next run slower.
            let _ = self.cache.put_record(RecordKind::Contents, &key, &contents.to_bytes());
            all.push(contents);
        }
        Ok(Lists { contents: all.into(), complete })
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
        let merged_usr = known.config.origin.merges_usr(&release.suite);
        let digests: Vec<Sha256Digest> = packages.iter().map(|package| package.sha256).collect();
        let key = (merged_usr, digests);
        let lock = || self.runtimes.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = lock().get(&key).map(Arc::clone);
        let runtime = match runtime {
            Some(runtime) => runtime,
            None => {
                let packs = self.packs(known, packages, watch)?;
                let (rootfs, problems) = RootFs::new(packs, &Options { merged_usr });
                let mut known = vec![];
                for problem in problems {
                    known.extend(told(problem)?);
                }
                let runtime = Arc::new(Runtime::of_packages(rootfs, known, self.notes.memo()));
                Arc::clone(lock().entry(key).or_insert(runtime))
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

    /// The index of an archive, with packages that are no longer in it: a lock keeps what the archive does not.
    ///
    /// # Errors
    /// When what a package says of itself cannot be read.
    pub(super) fn index_with<'o>(
        &self,
        known: &KnownArchive,
        open: &'o OpenArchive,
        packages: &[LockedPackage],
    ) -> Result<Cow<'o, Index>, Error> {
        let mut texts = vec![];
        for package in packages {
            let candidates = open.index.candidates(&package.name)?;
            if candidates.iter().any(|candidate| candidate.version.as_str() == package.version) {
                continue;
            }
            let (Some(pack), Some(suite)) =
                (Pack::open(self.cache, &package.sha256), known.suites.find(&package.suite))
            else {
                continue;
            };
            let LockedPackage { path, size, sha256, .. } = package;
            let control = pack.control().control.trim_end();
            let text = format!("{control}\nFilename: {path}\nSize: {size}\nSHA256: {}\n", sha256.hex());
            texts.push(IndexText { suite, origin: "the lock".into(), text });
        }
        if texts.is_empty() {
            return Ok(Cow::Borrowed(&open.index));
        }
        Ok(Cow::Owned(open.index.with(texts)?))
    }

    /// Writes packages of an architecture, and the indexes that list them, into a directory.
    ///
    /// # Errors
    /// When something cannot be had or written.
    pub fn vendor(
        &self,
        target: &Target,
        release: &Release,
        architecture: Architecture,
        packages: &[LockedPackage],
        dir: &Path,
        watch: Watch<'_>,
    ) -> Result<debian::archive::Vendored, Error> {
        let known = self.archive(target, release, architecture.debian())?;
        let open = self.open(&known, watch)?;
        let mut wanted = vec![];
        for package in packages {
            wanted.push(known.wanted(package)?);
        }
        Ok(open.archive.vendor(dir, &wanted, self.access(&|_| {}))?)
    }

    /// Each package unpacked, from the cache or the archive. Who else wants packages waits: they may be the same.
    fn packs(
        &self,
        known: &KnownArchive,
        packages: &[LockedPackage],
        watch: Watch<'_>,
    ) -> Result<Vec<Arc<Pack>>, Error> {
        let mut here = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut packs: Vec<Option<Arc<Pack>>> = vec![];
        for package in packages {
            let known = here.get(&package.sha256).cloned();
            let pack = known.or_else(|| Pack::open(self.cache, &package.sha256).map(Arc::new));
            packs.push(pack.map(|pack| is_it(package, pack)).transpose()?);
        }
        let absent: Vec<usize> = (0..packs.len()).filter(|at| packs[*at].is_none()).collect();
        if absent.is_empty() {
            return Ok(packs.into_iter().flatten().collect());
        }
        let mut wanted = vec![];
        for at in &absent {
            wanted.push(known.wanted(&packages[*at])?);
        }
        // An index may say of a package that it is as large as any number.
        let bytes = wanted.iter().fold(0u64, |bytes, wanted| bytes.saturating_add(wanted.size));
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
            let pack = is_it(&packages[*at], Arc::new(pack?))?;
            here.insert(packages[*at].sha256, Arc::clone(&pack));
            packs[*at] = Some(pack);
        }
        Ok(packs.into_iter().flatten().collect())
    }
}

/// The package, if it is what it should be by its own words.
fn is_it(package: &LockedPackage, pack: Arc<Pack>) -> Result<Arc<Pack>, Error> {
    let LockedPackage { name, version, architecture, .. } = package;
    if (pack.name(), pack.version(), pack.architecture()) == (&**name, &**version, &**architecture) {
        return Ok(pack);
    }
    let found = format!("{} {} {}", pack.name(), pack.version(), pack.architecture());
    Err(Error::OtherPackage { package: format!("{name} {version} {architecture}"), found })
}

/// What packages do not agree on, as a plan tells it.
///
/// # Errors
/// When something of them cannot be read that others are made of.
fn told(problem: debian::rootfs::Problem) -> Result<Option<Problem>, Error> {
    Ok(match problem {
        debian::rootfs::Problem::Conflict(Conflict { path, kept, dropped }) => {
            Some(Problem::PackagesClash { path, packages: [kept.0, dropped.0] })
        }
        debian::rootfs::Problem::Unhandled { package, lines } => {
            let commands = lines.into_iter().map(|line| line.text).collect();
            let package = package.split([' ', ':']).next().unwrap_or_default().to_owned();
            Some(Problem::ScriptNotRun { package, commands })
        }
        debian::rootfs::Problem::Unreadable { path, reason } => {
            return Err(Error::OfPackages { path: path.to_string(), reason });
        }
        // A lock has each package once.
        _ => None,
    })
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
