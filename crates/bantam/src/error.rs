//! What stops a build.

use crate::open;
use language::LanguageError;
use plan::{
    PlanError,
    finding::{Finding, Severity},
    lock::LockError,
    spec::SpecError,
};
use std::{fmt, io, iter, path::PathBuf};

/// Why an image was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument that is neither a spec nor a program.
    #[error("{path} is neither a spec nor a program", path = path.display())]
    NoTarget {
        /// The argument.
        path: PathBuf,
    },
    /// A spec would be written, and there is one.
    #[error("there is a spec already: {file}", file = file.display())]
    SpecThere {
        /// Its file.
        file: PathBuf,
    },
    /// A folder that is no project whose language is known.
    #[error("{folder} is no project {}", what_it_lacks(why), folder = folder.display())]
    NoProject {
        /// The folder.
        folder: PathBuf,
        /// What is there of a project, and what it lacks.
        why: Vec<String>,
    },
    /// A spec that cannot be read.
    #[error("cannot read the spec {file}", file = file.display())]
    Spec {
        /// Its file.
        file: PathBuf,
        /// What the operating system said.
        source: Box<io::Error>,
    },
    /// A spec that is wrong.
    #[error("the spec {file} has {count} error{s}", file = file.display(), count = errors.len(), s = if errors.len() == 1 { "" } else { "s" })]
    SpecErrors {
        /// Its file.
        file: PathBuf,
        /// Its text.
        text: String,
        /// Everything that is wrong.
        errors: Vec<SpecError>,
    },
    /// Sources of a spec that cannot be read.
    #[error("{}", self.lines().join("\n"))]
    Sources {
        /// The spec, for messages.
        shown: String,
        /// Everything that cannot be read.
        problems: Vec<open::Problem>,
    },
    /// A language could not bring its part of an image.
    #[error("{shown}: what its language brings cannot be had")]
    Language {
        /// The spec, for messages.
        shown: String,
        /// Why.
        source: Box<LanguageError>,
    },
    /// Languages need build tools, and this machine is of an architecture that none are chosen for.
    #[error("no build tools of languages are known for machines of the architecture {architecture}")]
    UnknownBuilder {
        /// As Rust calls it.
        architecture: &'static str,
    },
    /// Build tools that are packages cannot be had.
    #[error("the build tools {} cannot be had: {why}", packages.join(", "))]
    NoTools {
        /// The packages.
        packages: Vec<String>,
        /// Why.
        why: String,
    },
    /// A plan that could not be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An image that would not start, or breaks a limit or policy.
    #[error("{}", self.lines().join("\n"))]
    Refused {
        /// Every image that is wrong. Their findings were events; none of them are lost.
        refused: Vec<Refusal>,
        /// How many images were asked for.
        count: usize,
    },
    /// A lock that cannot be understood.
    #[error("the lock {path} cannot be read", path = path.display())]
    Lock {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        source: LockError,
    },
    /// A lock of another spec.
    #[error("the lock {path} does not fit the spec: its {what} is {lock}, the spec's is {spec}", path = path.display())]
    LockMisfit {
        /// Its file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the lock says.
        lock: String,
        /// What the spec says.
        spec: String,
    },
    /// A lock whose packages are not those that the spec wants.
    #[error("{}", self.lines().join("\n"))]
    LockPackages {
        /// The lock.
        path: PathBuf,
        /// What the spec wants and the lock has not.
        lacks: Vec<String>,
        /// What the lock has because the spec wanted it, and does not any more.
        has: Vec<String>,
    },
    /// No lock, where one must be.
    #[error("there is no lock {path}, and --locked allows none to be written", path = path.display())]
    LockAbsent {
        /// Its file.
        path: PathBuf,
    },
    /// A lock that would change, where it must not.
    #[error("{}", self.lines().join("\n"))]
    LockChanged {
        /// Its file.
        path: PathBuf,
        /// What would change, a line each.
        changes: Vec<String>,
    },
    /// `SOURCE_DATE_EPOCH` is no time.
    #[error("SOURCE_DATE_EPOCH is `{text}`, which is no number of seconds since 1970")]
    SourceDateEpoch {
        /// Its value.
        text: String,
    },
    /// A destination that takes one image, and several to go there.
    #[error("{destination} takes one image, and {count} are to be built")]
    OneImage {
        /// The destination.
        destination: String,
        /// How many images there are.
        count: usize,
    },
    /// A destination that takes one platform, and several to go there.
    #[error("{destination} takes an image of one platform, and {shown} is for {count}")]
    OnePlatform {
        /// The destination.
        destination: String,
        /// The spec, for messages.
        shown: String,
        /// How many platforms it is for.
        count: usize,
    },
    /// A request that says two things at once, or too little.
    #[error("{0}")]
    Usage(String),
    /// A layer could not be written.
    #[error("cannot write the layer {name}")]
    Layer {
        /// The layer.
        name: String,
        /// Why.
        source: oci::LayerError,
    },
    /// A layer of an image that exists could not be read.
    #[error("cannot read the layer {digest}")]
    ReadLayer {
        /// Its digest.
        digest: oci::Digest,
        /// Why.
        source: oci::ReadLayerError,
    },
    /// A reference to an image in a spec that is none.
    #[error("{shown}: `{text}` names no image")]
    SpecReference {
        /// The spec, for messages.
        shown: String,
        /// The text.
        text: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An image that does not say what it is built upon.
    #[error("{image} does not say which image it is built upon")]
    UnknownBase {
        /// The image.
        image: String,
    },
    /// The name of a base image leads to another than the one that was built upon.
    #[error("the base image {base} is {found} by now, and {expected} was built upon")]
    MovedBase {
        /// Its name.
        base: String,
        /// The digest that it had.
        expected: String,
        /// The digest that it has.
        found: String,
    },
    /// An image that is not built upon what it is said to be.
    #[error("{image} is not built upon {base}: its first layers are others")]
    OtherBase {
        /// The image.
        image: String,
        /// The digest of the other image's manifest.
        base: String,
    },
    /// A base image with layers that a destination does not take.
    #[error("a layer of the base image {base} is in zstd, which Docker does not load")]
    ZstdBase {
        /// The base image.
        base: String,
    },
    /// The documents of an image could not be made.
    #[error(transparent)]
    Document(#[from] oci::DocumentError),
    /// A place that images go to or come from.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// A registry does not know who asks, or a login cannot be kept.
    #[error(transparent)]
    Auth(#[from] auth::AuthError),
    /// A registry cannot be reached.
    #[error("cannot reach the registry {registry}")]
    Unreachable {
        /// The registry.
        registry: String,
        /// What went wrong.
        source: Box<fetch::FetchError>,
    },
    /// A registry does not work.
    #[error("the registry {registry} does not work: {said}")]
    Unwell {
        /// The registry.
        registry: String,
        /// What it said.
        said: String,
    },
    /// What answers is no registry.
    #[error("{registry} does not answer as a registry: {said}")]
    NoRegistry {
        /// The registry.
        registry: String,
        /// What it said.
        said: String,
    },
    /// A text that names no place for a cache.
    #[error(transparent)]
    SharedPlace(#[from] store::SharedPlaceError),
    /// The cache could not be looked through or changed.
    #[error(transparent)]
    Cache(#[from] cache::CacheError),
    /// A name for a place that cannot be understood.
    #[error(transparent)]
    Reference(#[from] store::ReferenceError),
    /// An ELF file that cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: elf::ElfError,
    },
    /// A path whose links cannot be followed.
    #[error(transparent)]
    Resolve(#[from] tree::ResolveError),
    /// A document of reasons that cannot be understood.
    #[error("cannot read {path}", path = path.display())]
    Reasons {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: plan::explain::RecordError,
    },
    /// A script of a script of a script, further than the kernel goes.
    #[error("{path} is a script whose interpreters are scripts, more than the kernel starts", path = path.display())]
    Scripts {
        /// The first of them.
        path: PathBuf,
    },
    /// A file that cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file that cannot be written.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An archive of packages could not be had, or is not what it says.
    #[error(transparent)]
    Archive(#[from] debian::archive::ArchiveError),
    /// No mirror of an archive is known.
    #[error(transparent)]
    Mirror(#[from] debian::archive::MirrorError),
    /// The list of an archive's packages cannot be read.
    #[error(transparent)]
    Index(#[from] debian::index::IndexError),
    /// The list of which package has which file cannot be read.
    #[error("cannot read {origin}")]
    Contents {
        /// Where it is from.
        origin: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A package is not the one that its archive or the lock says.
    #[error("{package}: the package says of itself that it is {found}")]
    OtherPackage {
        /// Name and version as they should be.
        package: String,
        /// As they are.
        found: String,
    },
    /// Packages that do not fit together.
    #[error(transparent)]
    Solve(#[from] debian::solve::SolveError),
    /// A package that cannot be unpacked.
    #[error(transparent)]
    Deb(#[from] debian::deb::DebError),
    /// A file of packages, that another is made of, cannot be read.
    #[error("cannot read {path} of the packages: {reason}")]
    OfPackages {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A lock has a package of an archive that the spec does not name.
    #[error("the lock has {package} of the archive {suite}, which the spec does not name")]
    UnknownSuite {
        /// The package.
        package: String,
        /// The suite that the lock says it is of.
        suite: String,
    },
    /// A path that is not UTF-8.
    #[error("{path:?} is not UTF-8")]
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// No container engine to run an image with.
    #[error("neither docker nor podman answers: {tried}")]
    NoEngine {
        /// What was tried, with what came of it.
        tried: String,
    },
    /// A container engine that answers, and does not do what it is asked for.
    #[error("{command} failed: {said}")]
    Engine {
        /// What it was asked for: `docker load`.
        command: String,
        /// What came of it.
        said: String,
    },
}

/// An image that is not built.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The image.
    pub name: String,
    /// What it is for.
    pub platform: plan::spec::Platform,
    /// Everything that is wrong, and what is worth knowing beside it.
    pub findings: Vec<Finding>,
    /// The spec, for messages.
    pub shown: String,
}

impl Refusal {
    /// How many of the findings are errors.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    fn line(&self) -> String {
        let count = self.errors();
        let s = if count == 1 { "" } else { "s" };
        format!("{} for {} is not built: {count} error{s}", self.name, self.platform)
    }
}

impl Error {
    /// The text in lines; only names of files can bring further ones.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Error::Refused { refused, count: 1 } => refused.iter().map(Refusal::line).collect(),
            Error::Refused { refused, count } => {
                let head = format!("nothing is built: {} of {count} images have errors", refused.len());
                let images = refused.iter().map(|refusal| format!("  {}", refusal.line()));
                iter::once(head).chain(images).collect()
            }
            Error::Sources { problems, .. } => problems.iter().map(ToString::to_string).collect(),
            Error::LockChanged { path, changes } => {
                let head = format!("the lock {} would change, which --locked forbids:", path.display());
                iter::once(head).chain(changes.iter().cloned()).collect()
            }
            Error::LockPackages { path, lacks, has } => {
                let head = format!("the lock {} does not fit the spec:", path.display());
                let line = |names: &[String], words: &str| {
                    (!names.is_empty()).then(|| format!("  {words}: {}", names.join(", ")))
                };
                let lines = [
                    line(lacks, "the spec wants what the lock does not have"),
                    line(has, "the lock has what the spec does not want any more"),
                ];
                iter::once(head).chain(lines.into_iter().flatten()).collect()
            }
            Error::Solve(error) => error.to_string().lines().map(String::from).collect(),
            Error::Archive(error) => error.lines(),
            other => vec![other.to_string()],
        }
    }
}

/// What a folder lacks to be a project that can be started.
fn what_it_lacks(why: &[String]) -> String {
    match why {
        [] => "of a language that is known".into(),
        why => format!("whose start is known: {}", why.join("; ")),
    }
}

impl fmt::Display for open::Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_cause = |error: &dyn std::error::Error| match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        match self {
            open::Problem::Source(error) => write!(f, "{}", with_cause(error)),
            open::Problem::Payload { line: 0, error } => write!(f, "{}", with_cause(error)),
            open::Problem::Payload { line, error } => {
                write!(f, "[[files]] in line {line}: {}", with_cause(error))
            }
            open::Problem::Files { line, message } => write!(f, "[[files]] in line {line}: {message}"),
            open::Problem::Runtime(error) => write!(f, "[runtime] source: {error}"),
        }
    }
}
