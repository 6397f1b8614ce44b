//! What a spec means, after every check that needs no file.

use super::{Java, Node, Platform, Python};
use std::collections::BTreeMap;
use tree::TreePath;

/// A checked spec.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The bytes contract, if the spec names one.
    pub format: Option<u32>,
    /// The repository without tag; none: the name of the spec's folder.
    pub name: Option<String>,
    /// Tags, at least one.
    pub tags: Vec<String>,
    /// The platforms to build for; empty: Linux on the builder's processor.
    pub platforms: Vec<Platform>,
    /// The image to build upon; none: from nothing.
    pub base: Option<BaseRef>,
    /// The process and the image's metadata.
    pub config: Config,
    /// Where libraries come from.
    pub runtime: Runtime,
    /// Signed archives beside the suite that libraries come from.
    pub repositories: Vec<Repository>,
    /// The payload, in the order of the spec.
    pub files: Vec<Files>,
    /// Directories to make.
    pub dirs: Vec<Dir>,
    /// Symbolic links to make.
    pub links: Vec<Link>,
    /// Users beside root, nobody and nonroot.
    pub users: Vec<User>,
    /// How layers are cut and compressed.
    pub layers: Layers,
    /// What the image may weigh.
    pub limits: Limits,
    /// What is allowed beyond the defaults.
    pub policy: Policy,
    /// The Python application.
    pub python: Option<Python>,
    /// The Node.js application.
    pub node: Option<Node>,
    /// The Java application.
    pub java: Option<Java>,
}

/// `base`: an image to build upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseRef {
    /// Its reference as the spec writes it; variables unexpanded.
    pub reference: String,
    /// The line.
    pub line: Line,
}

/// A place in the spec: the line, from 1; 0 where there is no spec file.
pub type Line = usize;

/// `[config]`.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The program and its fixed arguments.
    pub entrypoint: Vec<String>,
    /// Default arguments, or the program where there is no entrypoint.
    pub cmd: Vec<String>,
    /// Environment variables; PATH and SSL_CERT_FILE are added by the planner.
    pub env: BTreeMap<String, String>,
    /// The line of each of them.
    pub env_lines: BTreeMap<String, Line>,
    /// The working directory; none: that of the base image, else `/`.
    pub workdir: Option<TreePath>,
    /// Who runs the process; none: who does in the base image unless that is root, else nonroot.
    pub user: Option<UserRef>,
    /// Ports as the image config writes them: `8080/tcp`.
    pub ports: Vec<String>,
    /// Volumes.
    pub volumes: Vec<TreePath>,
    /// Labels of the config.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The signal that stops the process, by name: `SIGTERM`.
    pub stop_signal: Option<String>,
    /// The line of `[config]`, for findings about the process.
    pub line: Line,
}

/// A user or group, by name or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    /// A number.
    Number(u32),
    /// A name to look up in the image's passwd or group.
    Name(String),
}

/// `user = "nonroot"`, `owner = "0:0"`: a user, and a group where one is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRef {
    /// The user.
    pub user: Id,
    /// The group; none: the user's own.
    pub group: Option<Id>,
}

/// `[runtime]`.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// Where libraries come from.
    pub source: RuntimeSource,
    /// Which well-known files enter.
    pub profile: Profile,
    /// Packages of the source that are wanted.
    pub packages: Vec<PackageRef>,
    /// Does every file of every named package enter, documentation and all?
    pub whole_packages: bool,
    /// Libraries loaded by name at run time.
    pub dlopen: Vec<Soname>,
    /// Files of the source kept beyond the closure.
    pub keep: Vec<Pattern>,
    /// Files of the source left out.
    pub drop: Vec<Pattern>,
    /// Mirrors of the archive, in their order; empty: those of the machine.
    pub mirrors: Vec<String>,
    /// A file beside the spec with the keys that may sign the suite; none: the distribution's own.
    pub keyring: Option<String>,
    /// Files beside the spec with certificates that the image's bundle gets, too.
    pub ca: Vec<CaFile>,
    /// Is there a layer with busybox on top?
    pub variant: Variant,
    /// The line of `[runtime]`.
    pub line: Line,
}

/// A package by name, with the line that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRef {
    /// The name: `libpq5`.
    pub name: String,
    /// The one version that will do, from `libpq5=15.8-0+deb12u1`; none: the newest.
    pub version: Option<String>,
    /// Its line.
    pub line: Line,
}

/// A file with certificates, relative to the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaFile {
    /// The file; variables unexpanded.
    pub path: String,
    /// Its line.
    pub line: Line,
}

/// Which of the variants of an image is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// What the program needs.
    Release,
    /// The same lower layers, and one with busybox on top.
    Debug,
}

/// One `[[repositories]]`: a signed archive beside the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The root of the archive.
    pub url: String,
    /// The suite; a flat archive's ends in a slash: `./`.
    pub suite: String,
    /// The components; none in a flat archive.
    pub components: Vec<String>,
    /// A file beside the spec with the keys that may sign it.
    pub keyring: String,
    /// The architectures that it has, as Debian writes them; empty: all.
    pub architectures: Vec<String>,
    /// The line of the table.
    pub line: Line,
}

/// A library by name, with the line that names it.
#[derive(Debug, Clone)]
pub struct Soname {
    /// The name: `libgomp.so.1`.
    pub name: String,
    /// Its line.
    pub line: Line,
}

/// A glob over paths of the image, with the line that has it: `/usr/lib/*/gconv/*.so`. `*` stays
/// within a component, `**` does not.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The glob: absolute, checked to compile.
    pub glob: String,
    /// Its line.
    pub line: Line,
}

/// Where libraries come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeSource {
    /// The machine that builds.
    Host,
    /// A directory that holds a root file system, relative to the spec; variables unexpanded.
    Rootfs(String),
    /// A finished image, by its reference; variables unexpanded.
    Image(String),
    /// The packages of a distribution's archive.
    Archive(Release),
    /// Nowhere: the payload brings all it needs.
    None,
}

/// A release of a distribution: `debian:bookworm`, `ubuntu:noble`, `debian:bookworm@20260801T000000Z`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Release {
    /// Whose it is.
    pub distribution: Distribution,
    /// The suite or codename.
    pub suite: String,
    /// The moment of a snapshot archive: `20260801T000000Z`.
    pub timestamp: Option<String>,
}

/// Who makes the packages of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Distribution {
    Debian,
    Ubuntu,
}

/// Which well-known files enter beside payload and closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Profile {
    Auto,
    None,
    Static,
    BaseNossl,
    Base,
    Cc,
    Python,
    Node,
    Java,
}

/// One `[[files]]`.
#[derive(Debug, Clone)]
pub struct Files {
    /// What is taken.
    pub from: From,
    /// Where it goes, variables unexpanded; a trailing slash means "into this directory".
    pub to: String,
    /// Patterns of what is not taken, in the syntax of `.dockerignore`, relative to `from`.
    pub exclude: Vec<String>,
    /// A file with more such patterns, relative to the spec.
    pub ignore_file: Option<String>,
    /// The owner of all that enters.
    pub owner: UserRef,
    /// The mode of files; none: 0755 for executables, 0644 for the rest.
    pub mode: Option<u32>,
    /// File capabilities, as `cap_from_text(3)` reads them; checked.
    pub caps: Vec<String>,
    /// What becomes of symbolic links.
    pub links: LinkPolicy,
    /// The layer.
    pub layer: String,
    /// The line of the table.
    pub line: Line,
}

/// What a `[[files]]` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// A path or glob on the builder, relative to the spec; variables unexpanded.
    Path(String),
    /// Text in the spec itself; never expanded.
    Content(String),
}

/// What becomes of symbolic links in a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LinkPolicy {
    Keep,
    Follow,
    Error,
}

/// One `[[dirs]]`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Dir {
    pub path: TreePath,
    pub owner: UserRef,
    pub mode: u32,
    /// Is it a volume too?
    pub volume: bool,
    pub line: Line,
}

/// One `[[links]]`.
#[derive(Debug, Clone)]
pub struct Link {
    /// Where the link stands.
    pub path: TreePath,
    /// Its target, as written.
    pub to: String,
    /// The line of the table.
    pub line: Line,
}

/// One `[[users]]`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: TreePath,
    pub line: Line,
}

/// `[layers]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layers {
    /// The compression of layers.
    pub compression: Compression,
    /// Its level; none: the compression's default.
    pub level: Option<u32>,
    /// How the tree is cut.
    pub split: Split,
}

/// The compression of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Compression {
    Gzip,
    Zstd,
    None,
}

/// How the tree is cut into layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// By rate of change.
    Auto,
    /// One layer.
    Single,
}

/// `[limits]`: bytes and counts; none is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Limits {
    pub compressed: Option<u64>,
    pub unpacked: Option<u64>,
    pub files: Option<u64>,
    pub packages: Option<u64>,
    pub line: Line,
}

/// `[policy]`.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// What is allowed beyond the defaults.
    pub allow: Vec<Allow>,
}

/// One thing that `[policy] allow` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// A shell in the image.
    Shell,
    /// Setuid and setgid programs.
    Setuid,
    /// Secrets in the payload: all, or those whose path in the image matches the glob.
    Secrets(Option<String>),
    /// World-writable files.
    WorldWritable,
    /// Links that lead nowhere.
    DanglingLinks,
    /// A process that runs as root.
    RootUser,
    /// Libraries that stay unresolved: a glob over sonames.
    Unresolved(String),
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            format: None,
            name: None,
            tags: vec!["latest".into()],
            platforms: vec![],
            base: None,
            config: Config::default(),
            runtime: Runtime::default(),
            repositories: vec![],
            files: vec![],
            dirs: vec![],
            links: vec![],
            users: vec![],
            layers: Layers { compression: Compression::Gzip, level: None, split: Split::Auto },
            limits: Limits::default(),
            policy: Policy::default(),
            python: None,
            node: None,
            java: None,
        }
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Runtime {
            source: RuntimeSource::Host,
            profile: Profile::Auto,
            packages: vec![],
            whole_packages: false,
            dlopen: vec![],
            keep: vec![],
            drop: vec![],
            mirrors: vec![],
            keyring: None,
            ca: vec![],
            variant: Variant::Release,
            line: 0,
        }
    }
}

impl Config {
    /// The working directory, where nothing else is said.
    pub fn workdir(&self) -> TreePath {
        self.workdir.clone().unwrap_or_else(TreePath::root)
    }

    /// Who runs the process, where nothing else is said.
    pub fn user(&self) -> UserRef {
        self.user.clone().unwrap_or_else(UserRef::nonroot)
    }
}

impl UserRef {
    /// The user that every image has for its process.
    pub fn nonroot() -> Self {
        UserRef { user: Id::Name("nonroot".into()), group: None }
    }

    /// What a text such as `nonroot` or `1000:1000` names; none where it names nobody.
    pub fn read(text: &str) -> Option<Self> {
        super::values::user(text).ok()
    }

    /// root, by number.
    pub fn root() -> Self {
        UserRef { user: Id::Number(0), group: Some(Id::Number(0)) }
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.distribution.name(), self.suite)?;
        match &self.timestamp {
            Some(timestamp) => write!(f, "@{timestamp}"),
            None => Ok(()),
        }
    }
}

impl Variant {
    /// Its name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Release => "release",
            Variant::Debug => "debug",
        }
    }
}

impl Distribution {
    /// Its name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Distribution::Debian => "debian",
            Distribution::Ubuntu => "ubuntu",
        }
    }
}

impl std::fmt::Display for RuntimeSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RuntimeSource::Host => write!(f, "host"),
            RuntimeSource::Rootfs(dir) => write!(f, "rootfs:{dir}"),
            RuntimeSource::Image(reference) => write!(f, "image:{reference}"),
            RuntimeSource::Archive(release) => write!(f, "{release}"),
            RuntimeSource::None => write!(f, "none"),
        }
    }
}
