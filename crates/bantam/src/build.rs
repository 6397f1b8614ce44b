//! The whole way: targets in, images at their destinations out.

use crate::{
    Error, Output, Target,
    baseline::tell_growth,
    changes,
    event::{Event, Watch},
    failures::{Failure, Failures, Numbered, refuse},
    images::{bases, files, write},
    layers::{Layers, StoredChunks},
    lockfile::{LockFile, LockUpdate, Locking},
    notes::Notes,
    places::{self, Place},
    planned::Planner,
    remembered::Remembered,
    session::Session,
    shared, when,
};
use cache::Cache;
use oci::{Artifact, LayerOptions};
use plan::{
    Plan,
    finding::Finding,
    spec::{Architecture, Compression, Platform, RuntimeSource},
};
use std::{
    num::NonZeroUsize,
    panic,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
use store::{Publication, Published, Reference, SharedPlace, Spool};

/// What to build, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// What to build.
    pub targets: Vec<Target>,
    /// Where the images go; empty: into the cache.
    pub outputs: Vec<Output>,
    /// Only these platforms; empty: those of the spec.
    pub platforms: Vec<Platform>,
    /// How the run goes about it.
    pub session: Session,
    /// Caches of others that are asked for what that one lacks, and are not written.
    pub cache_from: Vec<SharedPlace>,
    /// Caches of others that get all that is written.
    pub cache_to: Vec<SharedPlace>,
    /// The value of `SOURCE_DATE_EPOCH`.
    pub source_date_epoch: Option<String>,
    /// Files that the caller writes about the build.
    pub receipts: Vec<PathBuf>,
    /// An image that growth is told against.
    pub baseline: Option<Reference>,
}

/// An image that was built.
pub struct Built {
    /// The repository.
    pub name: String,
    /// `name:tag` for every tag.
    pub names: Vec<String>,
    /// The image, or the index of several.
    pub artifact: Artifact,
    /// What the image of each platform has, in the order of the artifact's images.
    pub images: Vec<Summary>,
    /// What the images were made of, in the same order.
    pub plans: Vec<Plan>,
    /// The spec, for messages.
    pub shown: String,
    pub(crate) is_pushed: bool,
}

/// What there is to say about one image.
#[derive(Debug, Clone)]
pub struct Summary {
    /// What it is for.
    pub platform: Platform,
    /// How many files it has, directories aside.
    pub files: usize,
    /// The packages that files are of: name and version.
    pub packages: Vec<(String, String)>,
    /// The layers: name, bytes as stored, bytes of the files.
    pub layers: Vec<(String, u64, u64)>,
    /// Findings that stopped nothing.
    pub findings: Vec<Finding>,
}

impl Built {
    /// An image in a registry is called as it is there, by whoever takes it: the first that it went to counts.
    fn is_at(&mut self, output: &Output, published: Published) {
        let pushed = output.place().filter(|place| place.registry().is_some() && !self.is_pushed);
        if let Some(Reference::Registry(place)) = pushed {
            self.name = place.repository();
            self.names = published.names;
        }
        self.is_pushed |= output.is_registry();
    }

    /// `name@sha256:…`.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.artifact.document().descriptor.digest)
    }
}

/// Plans every image of a target, without a byte of a layer. `receipts` are files that the caller
/// writes about it: they are part of no payload.
///
/// # Errors
/// When something cannot be read. What is wrong with the images is in their findings.
pub fn check(
    target: &Target,
    platforms: &[Platform],
    receipts: &[PathBuf],
    session: &Session,
    watch: Watch<'_>,
) -> Result<Vec<Plan>, Error> {
    let lock = LockFile::read(target, session.lock_file.as_deref(), session.locking)?;
    check_with(target, lock.as_ref(), platforms, receipts, session, watch)
}

/// As [`check`], with a lock that was read.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_with(
    target: &Target,
    lock: Option<&LockFile>,
    platforms: &[Platform],
    receipts: &[PathBuf],
    session: &Session,
    watch: Watch<'_>,
) -> Result<Vec<Plan>, Error> {
    let own: Vec<PathBuf> = receipts.iter().cloned().chain(target.lock_file()).collect();
    let cache = Cache::new(session.cache.clone());
    let (remembered, notes) = (Remembered::read(&cache, [target]), Notes::read(&cache, [target]));
    let planner = Planner::new(session, &cache, &remembered, &notes);
    let plans = planner.plans(target, &platforms_of(target, platforms)?, lock, &own, watch)?;
    tell(target, &plans, watch);
    // A cache that takes nothing is no reason to say so here.
    let _ = remembered.write(&cache, target, &plans);
    let _ = notes.write(&cache);
    Ok(plans)
}

/// Holds the lock of a target against its plans, as a build would; nothing is written.
///
/// # Errors
/// When the lock cannot be read or does not fit the spec, or would change where it must not.
pub fn check_lock(
    target: &Target,
    file: Option<&Path>,
    locking: Locking,
    plans: &[Plan],
) -> Result<(), Error> {
    match LockFile::read(target, file, locking)? {
        Some(lock) if locking == Locking::Locked => lock.update(plans, locking).map(|_| ()),
        _ => Ok(()),
    }
}

/// What came of a build of which some images may have failed.
pub struct Outcome {
    /// The images that were built and published, in the order of their targets.
    pub built: Vec<Built>,
    /// The targets of which no image was, in their order.
    pub failed: Vec<Failure>,
}

/// Builds every target and publishes it to every destination. Nothing is published unless all of them
/// could be built.
///
/// # Errors
/// The first thing that stops it; images that would not start are one [`Error::Refused`].
pub fn build(request: &Request, watch: Watch<'_>) -> Result<Vec<Built>, Error> {
    run(request, false, watch).map(|outcome| outcome.built)
}

/// Builds every target that can be built, and publishes it. One that cannot is left out, with its lock as it was, and
/// keeps no other from being built.
///
/// # Errors
/// What concerns all of them: a request that makes no sense, destinations that cannot be.
pub fn build_what_can_be(request: &Request, watch: Watch<'_>) -> Result<Outcome, Error> {
    run(request, true, watch)
}

fn run(request: &Request, keep_going: bool, watch: Watch<'_>) -> Result<Outcome, Error> {
    let created = when::created(request.source_date_epoch.as_deref())?;
    let session = &request.session;
    if session.lock_file.is_some() && request.targets.len() > 1 {
        let count = request.targets.len();
        return Err(Error::Usage(format!("--lock-file names one lock, and {count} specs are to be built")));
    }
    let images = Output::Place(Reference::layout(session.cache.join("images")));
    let outputs: &[Output] =
        if request.outputs.is_empty() { std::slice::from_ref(&images) } else { &request.outputs };
    let with_platforms = |target| Ok((target, platforms_of(target, &request.platforms)?));
    let targets: Vec<(&Target, Vec<Platform>)> =
        request.targets.iter().map(with_platforms).collect::<Result<_, Error>>()?;
    let places = places::open(outputs, &targets, &session.network)?;
    let cache = shared::cache(request, watch);
    let mut failed = Failures::new(keep_going, &request.targets);
    let mut works = vec![];
    let locks = side_by_side(session.jobs, &targets, &|(target, _)| {
        LockFile::read(target, session.lock_file.as_deref(), session.locking)
    });
    for (number, ((target, platforms), lock)) in targets.into_iter().zip(locks).enumerate() {
        let options = LayerOptions { threads: session.jobs, ..layers_for(outputs, target)? };
        if let Some(lock) = failed.unless(number, lock)? {
            works.push(Work { number, target, platforms, options, lock, plans: vec![], update: None });
        }
    }
    let own = own_files(request, outputs);
    let spool = Spool::for_places(outputs.iter().filter_map(Output::place), &session.cache.join("tmp"))?;
    watch(Event::Begun { images: works.len() });

    let remembered = Remembered::read(&cache, &request.targets);
    let notes = Notes::read(&cache, &request.targets);
    let planner = Planner::new(session, &cache, &remembered, &notes);
    let planned = side_by_side(session.jobs, &works, &|work| {
        planner.plans(work.target, &work.platforms, work.lock.as_ref(), &own, watch)
    });
    let mut done = vec![];
    for (mut work, planned) in works.into_iter().zip(planned) {
        let Some(plans) = failed.unless(work.number, planned)? else { continue };
        tell(work.target, &plans, watch);
        if let Some(baseline) = &request.baseline {
            tell_growth(baseline, &session.network, &plans, watch)?;
        }
        work.plans = plans;
        done.push(work);
    }
    let works = failed.unless_refused(done, &|work| {
        work.plans.iter().map(|plan| (work.target, plan.platform, &plan.findings[..])).collect()
    })?;
    let updates = side_by_side(session.jobs, &works, &|work| {
        work.lock.as_ref().map_or(Ok(None), |lock| lock.update(&work.plans, session.locking))
    });
    let mut done = vec![];
    for (mut work, update) in works.into_iter().zip(updates) {
        let Some(update) = failed.unless(work.number, update)? else { continue };
        work.update = update;
        done.push(work);
    }

    let mut built = vec![];
    let chunks = StoredChunks::new(&cache);
    for Work { number, target, options, lock, plans, update, .. } in done {
        let layers = Layers::new(&spool, options, &chunks);
        let bases = bases(&planner, target, lock.as_ref(), &plans, outputs);
        let image = bases.and_then(|bases| write(target, plans, &bases, created, &layers, watch));
        let Some(image) = failed.unless(number, image)? else { continue };
        if let Err(error) = remembered.write(&cache, target, &image.plans) {
            chunks.complain(&error, watch);
        }
        watch(Event::Built { name: &target.name });
        built.push(Made { number, target, image, update });
    }
    if let Err(error) = notes.write(&cache) {
        chunks.complain(&error, watch);
    }
    cache.troubles().iter().for_each(|error| chunks.complain(error, watch));
    let built = failed.unless_refused(built, &|made| {
        made.image.images.iter().map(|image| (made.target, image.platform, &image.findings[..])).collect()
    })?;
    let mut ready = vec![];
    for made in built {
        let written = made.update.as_ref().map_or(Ok(()), |lock| write_lock(lock, watch));
        if failed.unless(made.number, written)?.is_some() {
            ready.push(made);
        }
    }
    for (output, Place { shown, destination }) in outputs.iter().zip(&places) {
        watch(Event::Publishing { destination: shown });
        // A layout lists images in the order in which they come.
        let jobs = if output.is_registry() { session.jobs } else { NonZeroUsize::MIN };
        let outcomes = side_by_side(jobs, &ready, &|made: &Made<'_>| {
            let publication = Publication { artifact: &made.image.artifact, names: &made.image.names };
            destination.publish(&publication).map_err(Error::from)
        });
        let mut published = vec![];
        for (mut made, outcome) in ready.into_iter().zip(outcomes) {
            if let Some(there) = failed.unless(made.number, outcome)? {
                made.image.is_at(output, there);
                published.push(made);
            }
        }
        ready = published;
        watch(Event::Published { destination: shown });
    }
    cache.upkeep();
    Ok(Outcome { built: ready.into_iter().map(|made| made.image).collect(), failed: failed.into_list() })
}

/// Writes the lock of a target anew, and says what changed: the line that names the lock, and a line
/// for each change. None: the lock says so already. With [`Locking::Renew`], `moved` are the packages whose pins move; none:
/// all. With `dry`, nothing is written.
///
/// # Errors
/// When the image would not be built, or the lock cannot be written.
pub fn lock(
    target: &Target,
    session: &Session,
    dry: bool,
    watch: Watch<'_>,
) -> Result<Option<Vec<String>>, Error> {
    let Some(lock) = LockFile::read(target, session.lock_file.as_deref(), session.locking)? else {
        return Err(Error::Usage("a program has no lock; write a spec for it".into()));
    };
    lock.must_have(&session.moved)?;
    let plans = check_with(target, Some(&lock), &[], &[], session, watch)?;
    refuse(plans.iter().map(|plan| (target, plan.platform, &plan.findings[..])))?;
    match lock.update(&plans, session.locking)? {
        None => Ok(None),
        Some(update) if dry => {
            let mut changes = update.changes;
            if matches!(target.spec.runtime.source, RuntimeSource::Archive(_)) {
                changes.extend(changes::since_lock(target, session, &plans, watch)?);
            }
            Ok(Some(changes))
        }
        Some(update) => {
            update.write()?;
            let colon = if update.changes.is_empty() { "" } else { ":" };
            let written = format!("wrote {}{colon}", update.path().display());
            Ok(Some(std::iter::once(written).chain(update.changes).collect()))
        }
    }
}

/// The platform of this machine, where bantam knows it.
pub fn host_platform() -> Option<Platform> {
    Architecture::from_uname(std::env::consts::ARCH).map(Platform::linux)
}

/// A target on its way.
struct Work<'a> {
    /// Which of the targets it is.
    number: usize,
    target: &'a Target,
    platforms: Vec<Platform>,
    options: LayerOptions,
    lock: Option<LockFile>,
    plans: Vec<Plan>,
    update: Option<LockUpdate>,
}

/// An image that was built, and is not published yet.
struct Made<'a> {
    number: usize,
    target: &'a Target,
    image: Built,
    update: Option<LockUpdate>,
}

/// Tells what came of the plans of a target.
fn tell(target: &Target, plans: &[Plan], watch: Watch<'_>) {
    for plan in plans {
        watch(Event::Planned {
            shown: &target.shown(),
            platform: plan.platform,
            findings: &plan.findings,
            files: files(plan),
            packages: plan.packages.len(),
            unpacked: plan.tree.content_size(),
        });
    }
}

/// Does something with each of many, on so many threads; what comes of it is in their order.
pub(crate) fn side_by_side<T: Sync, R: Send>(
    jobs: NonZeroUsize,
    many: &[T],
    each: &(dyn Fn(&T) -> R + Sync),
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = vec![];
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = many.get(at) else { return done };
            done.push((at, each(one)));
        }
    };
    let mut all: Vec<(usize, R)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.get().min(many.len())).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| panic::resume_unwind(panic)))
            .collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, done)| done).collect()
}

pub(crate) fn platforms_of(target: &Target, asked: &[Platform]) -> Result<Vec<Platform>, Error> {
    let of_spec = &target.spec.platforms;
    if asked.is_empty() && !of_spec.is_empty() {
        return Ok(each_once(of_spec));
    }
    if let Some(other) = asked.iter().find(|platform| !of_spec.is_empty() && !of_spec.contains(platform)) {
        let known = of_spec.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(Error::Usage(format!("--platform {other}: {} is for {known}", target.shown())));
    }
    if !asked.is_empty() {
        return Ok(each_once(asked));
    }
    let host = host_platform();
    let host = host.ok_or_else(|| Error::Usage("name a platform: this machine's is not known".into()))?;
    Ok(vec![host])
}

/// Everything that a build writes.
fn own_files(request: &Request, outputs: &[Output]) -> Vec<PathBuf> {
    let mut own: Vec<PathBuf> = request.receipts.clone();
    own.push(request.session.cache.clone());
    own.extend(outputs.iter().filter_map(|output| output.place()?.path()).map(PathBuf::from));
    own.extend(request.session.lock_file.clone());
    own.extend(request.targets.iter().filter_map(Target::lock_file));
    own
}

fn each_once(platforms: &[Platform]) -> Vec<Platform> {
    let mut once = vec![];
    for platform in platforms {
        if !once.contains(platform) {
            once.push(*platform);
        }
    }
    once
}

/// How layers are compressed. Docker loads no zstd: what goes nowhere else is in gzip instead, and is
/// the same image to Docker, which knows layers by what is in them.
fn layers_for(outputs: &[Output], target: &Target) -> Result<LayerOptions, Error> {
    let layers = target.spec.layers;
    let compression = match layers.compression {
        Compression::Gzip => oci::Compression::Gzip,
        Compression::Zstd => oci::Compression::Zstd,
        Compression::None => oci::Compression::None,
    };
    let as_asked = LayerOptions { compression, level: layers.level, threads: NonZeroUsize::MIN };
    let refusing = outputs.iter().filter(|output| output.refuses_zstd()).count();
    match refusing {
        _ if compression != oci::Compression::Zstd => Ok(as_asked),
        0 => Ok(as_asked),
        all if all == outputs.len() => {
            Ok(LayerOptions { compression: oci::Compression::Gzip, level: None, ..as_asked })
        }
        _ => Err(Error::Usage(format!(
            "{} asks for zstd, which Docker does not load: build for it in a run of its own",
            target.shown()
        ))),
    }
}

impl Numbered for Work<'_> {
    fn number(&self) -> usize {
        self.number
    }
}

impl Numbered for Made<'_> {
    fn number(&self) -> usize {
        self.number
    }
}

pub(crate) fn write_lock(lock: &LockUpdate, watch: Watch<'_>) -> Result<(), Error> {
    let shown = lock.path().display();
    match lock.write() {
        Ok(()) if lock.changes.is_empty() => {}
        Ok(()) => watch(Event::Notice { text: &format!("{shown} refreshed:"), details: &lock.changes }),
        Err(error) if lock.asked => return Err(error),
        // A build in a folder that may not be written is no worse for it.
        Err(error) => {
            let cause =
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            let text = format!("no lock was written: {error}{cause}; --lock-file names another place");
            watch(Event::Notice { text: &text, details: &[] });
        }
    }
    Ok(())
}
