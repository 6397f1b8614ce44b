//! The document as TOML has it: a place for every key of `bantam.toml`, of this version and of
//! later ones. The JSON Schema is made from these types, and its texts from these comments.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap, ops::Range};

/// A value with its place in the text.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    /// The bytes of the text that hold the value; of a `[table]`, those of its header.
    pub(super) span: Range<usize>,
}

pub(super) type Text = At<String>;
pub(super) type List = At<Vec<Text>>;
pub(super) type Texts = At<BTreeMap<Text, Text>>;

/// A bantam spec: an image that holds what a program needs, and nothing else.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "bantam.toml")]
pub(super) struct Document {
    /// The bytes contract. Default: that of the lock, and for a new lock the newest.
    #[schemars(range(min = 1, max = 4294967295u32))]
    pub(super) format: Option<At<i64>>,
    /// The repository of the image, without a tag. Default: the name of the spec's folder.
    pub(super) name: Option<Text>,
    /// The tags. Default: `["latest"]`.
    #[schemars(length(min = 1))]
    pub(super) tags: Option<List>,
    /// The platforms to build for. Default: Linux on the builder's processor.
    #[schemars(length(min = 1))]
    pub(super) platforms: Option<List>,
    /// An image to build upon, by any image reference; its layers are kept as they are.
    pub(super) base: Option<Text>,
    /// The process, and the metadata of the image.
    pub(super) config: Option<At<Config>>,
    /// Where libraries come from.
    pub(super) runtime: Option<At<Runtime>>,
    /// Further signed archives beside the suite.
    pub(super) repositories: Option<Vec<At<Repository>>>,
    /// The payload: files, directories and globs, and where they go.
    pub(super) files: Option<Vec<At<Files>>>,
    /// Directories to make.
    pub(super) dirs: Option<Vec<At<Dir>>>,
    /// Symbolic links to make.
    pub(super) links: Option<Vec<At<Link>>>,
    /// Users beside root, nobody and nonroot.
    pub(super) users: Option<Vec<At<User>>>,
    /// How layers are cut and compressed.
    pub(super) layers: Option<At<Layers>>,
    /// A Python application.
    pub(super) python: Option<At<Python>>,
    /// A Node.js application.
    pub(super) node: Option<At<Node>>,
    /// A Java application.
    pub(super) java: Option<At<Java>>,
    /// What the image may weigh: a build over a limit fails.
    pub(super) limits: Option<At<Limits>>,
    /// What is allowed beyond the defaults.
    pub(super) policy: Option<At<Policy>>,
}

/// The process, and the metadata of the image.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Config {
    /// The program and its fixed arguments. No shell takes part.
    pub(super) entrypoint: Option<List>,
    /// Default arguments; the program itself where there is no entrypoint.
    pub(super) cmd: Option<List>,
    /// Environment variables. PATH is set unless given; SSL_CERT_FILE too where the image has the
    /// bundle.
    pub(super) env: Option<Texts>,
    /// The working directory. Default: `/`.
    pub(super) workdir: Option<Text>,
    /// Who runs the process: `root`, `nonroot`, a user of the image, `uid` or `uid:gid`. Default:
    /// `nonroot`.
    pub(super) user: Option<Text>,
    /// Ports that the process listens on: `8080`, `8080/tcp`, `8000-8010/udp`.
    pub(super) ports: Option<List>,
    /// Directories that are volumes.
    pub(super) volumes: Option<List>,
    /// Labels of the image config.
    pub(super) labels: Option<Texts>,
    /// Annotations of the manifest.
    pub(super) annotations: Option<Texts>,
    /// The signal that stops the process, as `SIGTERM` or `15`.
    pub(super) stop_signal: Option<Text>,
}

/// Where libraries come from, and which of its files enter beyond the closure.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Runtime {
    /// `host`, `debian:SUITE`, `ubuntu:SUITE`, `rootfs:DIR`, `image:REF` or `none`. A suite may be taken of a moment: `debian:SUITE@20260801T000000Z`. Default: `host`.
    pub(super) source: Option<Text>,
    /// Which well-known files enter. Default: `auto`, which becomes `python`, `node` or `java` where that
    /// table is there.
    pub(super) profile: Option<At<Profile>>,
    /// Packages of the source that are wanted, as `NAME` or `NAME=VERSION`.
    pub(super) packages: Option<List>,
    /// Libraries that the program loads by name at run time.
    pub(super) dlopen: Option<List>,
    /// Files of the source that are kept beyond the closure: globs.
    pub(super) keep: Option<List>,
    /// Files of the source that are left out: globs.
    pub(super) drop: Option<List>,
    /// Whether every file of every named package enters. Default: false.
    pub(super) whole_packages: Option<At<bool>>,
    /// Mirrors of the archive, in their order. Default: those of the machine.
    pub(super) mirrors: Option<List>,
    /// A file with the keys that may sign the suite. Default: those of the distribution.
    pub(super) keyring: Option<Text>,
    /// Files with certificates that are added to the image's bundle.
    pub(super) ca: Option<List>,
    /// `debug` adds a layer with busybox. Default: `release`.
    pub(super) variant: Option<At<Variant>>,
}

/// A signed archive beside the suite.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Repository {
    /// The address of the archive.
    #[schemars(required)]
    pub(super) url: Option<Text>,
    /// The suite; that of a flat archive ends in a slash.
    #[schemars(required)]
    pub(super) suite: Option<Text>,
    /// The components. Default: `["main"]`.
    pub(super) components: Option<List>,
    /// A file with the keys that may sign it.
    #[schemars(required)]
    pub(super) keyring: Option<Text>,
    /// The architectures that it has, as Debian writes them. Default: all.
    pub(super) architectures: Option<List>,
}

/// A part of the payload.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("oneOf" = [{ "required": ["from"] }, { "required": ["content"] }]))]
pub(super) struct Files {
    /// A file, directory or glob, relative to the spec. The contents of a directory go into `to`.
    /// Variables are expanded.
    pub(super) from: Option<Text>,
    /// Where it goes: into that directory if it ends in `/`, else under that name. Variables are
    /// expanded.
    #[schemars(required)]
    pub(super) to: Option<Text>,
    /// The text of a small file, instead of `from`.
    pub(super) content: Option<Text>,
    /// What is not taken, in the syntax of `.dockerignore`, relative to `from`.
    pub(super) exclude: Option<List>,
    /// A file with such patterns, relative to the spec.
    pub(super) ignore_file: Option<Text>,
    /// The owner of all that enters. Default: `0:0`.
    pub(super) owner: Option<Text>,
    /// The mode of files, in octal. Default: 0755 for executables, 0644 for the rest.
    #[schemars(regex(pattern = r"^[0-7]{3,4}$"))]
    pub(super) mode: Option<Text>,
    /// File capabilities, as `setcap` takes them.
    pub(super) caps: Option<List>,
    /// What becomes of symbolic links. Default: `keep`.
    pub(super) links: Option<At<Links>>,
    /// The layer that it goes to. Default: `app`.
    #[schemars(regex(pattern = "^[a-z0-9-]+$"))]
    pub(super) layer: Option<Text>,
}

/// A directory to make.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Dir {
    /// The directory.
    #[schemars(required)]
    pub(super) path: Option<Text>,
    /// Its owner. Default: `0:0`.
    pub(super) owner: Option<Text>,
    /// Its mode, in octal. Default: 0755.
    #[schemars(regex(pattern = r"^[0-7]{3,4}$"))]
    pub(super) mode: Option<Text>,
    /// Whether it is a volume too. Default: false.
    pub(super) volume: Option<At<bool>>,
}

/// A symbolic link to make.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Link {
    /// Where the link stands.
    #[schemars(required)]
    pub(super) path: Option<Text>,
    /// Its target, as it is written into the link.
    #[schemars(required)]
    pub(super) to: Option<Text>,
}

/// A user of the image, with a group of the same name.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct User {
    /// The name.
    #[schemars(required)]
    pub(super) name: Option<Text>,
    /// The number of the user.
    #[schemars(required, range(min = 0, max = 4294967294u32))]
    pub(super) uid: Option<At<i64>>,
    /// The number of the group. Default: that of the user.
    #[schemars(range(min = 0, max = 4294967294u32))]
    pub(super) gid: Option<At<i64>>,
    /// The home directory. Default: `/home/NAME`.
    pub(super) home: Option<Text>,
}

/// How layers are cut and compressed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Layers {
    /// The compression. Default: `gzip`.
    pub(super) compression: Option<At<Compression>>,
    /// The level: 1 to 9 for gzip, 1 to 22 for zstd. Default: that of the compression.
    #[schemars(range(min = 1, max = 22))]
    pub(super) level: Option<At<i64>>,
    /// `auto` cuts by rate of change, `single` makes one layer. Default: `auto`.
    pub(super) split: Option<At<Split>>,
}

/// A Python application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Python {
    /// A requirements file.
    pub(super) requirements: Option<Text>,
    /// A pyproject.toml, with its lock file where there is one.
    pub(super) project: Option<Text>,
    /// A virtual environment.
    pub(super) venv: Option<Text>,
    /// How much of the standard library enters. Default: `pruned`.
    pub(super) stdlib: Option<At<Stdlib>>,
    /// Whether bytecode is compiled beforehand. Default: true.
    pub(super) bytecode: Option<At<bool>>,
    /// Which source files enter. Default: `app`: those of the app and its dependencies.
    pub(super) sources: Option<At<Sources>>,
    /// What of dependencies is left out: `stubs`, `headers`, `static-libraries`, `tests`, `docs`. Default: the first
    /// three.
    pub(super) shed: Option<List>,
}

/// A Node.js application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Node {
    /// The folder with package.json and its lock file. Default: that of the spec, where it has both and the payload
    /// brings no node_modules.
    pub(super) project: Option<Text>,
    /// The version of the official binary, as `22`. Default: the source's own node.
    pub(super) version: Option<Text>,
    /// Whether the binary is stripped of its symbols. Default: false.
    pub(super) strip: Option<At<bool>>,
    /// What of dependencies is left out: `source-maps`, `docs`, `tests`, `types`. Default: nothing.
    pub(super) shed: Option<List>,
}

/// A Java application.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Java {
    /// The archive with the program. Variables are expanded.
    pub(super) jar: Option<Text>,
    /// `auto`, or the modules of the runtime. Default: `auto`, those that the jar needs.
    pub(super) modules: Option<At<Modules>>,
}

/// Modules of Java: a word, or their names.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Modules {
    Word(String),
    Names(Vec<String>),
}

impl JsonSchema for Modules {
    fn schema_name() -> Cow<'static, str> {
        "Modules".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
    }
}

/// What the image may weigh.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    /// The sum of the compressed layers: bytes, or a text such as `30 MB`.
    pub(super) compressed: Option<At<Size>>,
    /// The sum of all files: bytes, or a text such as `80 MiB`.
    pub(super) unpacked: Option<At<Size>>,
    /// The number of entries.
    #[schemars(range(min = 0))]
    pub(super) files: Option<At<i64>>,
    /// The number of packages of which the image holds a file.
    #[schemars(range(min = 0))]
    pub(super) packages: Option<At<i64>>,
}

/// What is allowed beyond the defaults.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Policy {
    /// Of: `shell`, `setuid`, `secrets`, `secrets:GLOB`, `world-writable`, `dangling-links`,
    /// `root-user`, `unresolved:SONAME`.
    pub(super) allow: Option<List>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Profile {
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

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Variant {
    Release,
    Debug,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Links {
    Keep,
    Follow,
    Error,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Compression {
    Gzip,
    Zstd,
    None,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Split {
    Auto,
    Single,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stdlib {
    Full,
    Pruned,
    Reachable,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sources {
    Keep,
    App,
    Drop,
}

/// A size: a number of bytes, or a text with a unit.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Size {
    Bytes(i64),
    Text(String),
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "minimum": 0 })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<T>::deserialize(deserializer)?;
        Ok(At { span: spanned.span(), value: spanned.into_inner() })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: PartialOrd> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}
