//! JSON documents: the config, manifest and index of the [image specification][spec].
//!
//! Documents are written as canonical JSON (RFC 8785: sorted keys, no blanks), so that equal values
//! are equal bytes. They are read leniently, as Go does: unknown keys are skipped, `null` is empty.
//!
//! [spec]: https://github.com/opencontainers/image-spec/tree/v1.1.0

use crate::{Descriptor, Digest, media_type};
use canon_json::CanonJsonSerialize as _;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The longest document that is read, in bytes. Registries refuse manifests over 4 MiB; configs with
/// a long history may be larger.
pub const MAX_DOCUMENT: u64 = 16 << 20;

/// A document as it is stored: its bytes and what names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Media type, digest and size.
    pub descriptor: Descriptor,
    /// The JSON.
    pub bytes: Vec<u8>,
}

/// A document could not be read, or an image not be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The bytes are not the JSON that they should be.
    #[error("{subject} is not as the image specification says")]
    Json {
        /// What was read: `the manifest`.
        subject: &'static str,
        /// Where, and what was expected.
        source: serde_json::Error,
    },
    /// The document is longer than any is.
    #[error("{subject} has {size} bytes; more than {MAX_DOCUMENT} are not read")]
    TooLong {
        /// What was read.
        subject: &'static str,
        /// Its length in bytes.
        size: u64,
    },
    /// A time that RFC 3339 cannot write.
    #[error("{0} seconds since 1970 is not within the years 0 to 9999")]
    Time(i64),
    /// An image must have a layer.
    #[error("an image without layers is refused by registries and runtimes")]
    NoLayers,
    /// A layer and the blob that is to hold it are not of each other.
    #[error("the blob {found} does not hold the layer {expected}")]
    WrongBlob {
        /// The layer's digest.
        expected: Digest,
        /// The blob's digest.
        found: Digest,
    },
    /// What was written is not what the image specification wants.
    #[error("{subject} that was made is not as the image specification says")]
    Refused {
        /// What was made: `the manifest`.
        subject: &'static str,
        /// What is wrong with it.
        source: oci_spec::OciSpecError,
    },
    /// A base image whose config does not say of each layer what is in it.
    #[error("the base image has {layers} layers, and its config knows {diff_ids}")]
    BaseLayers {
        /// The layers of its manifest.
        layers: usize,
        /// Those of its config.
        diff_ids: usize,
    },
    /// Two images of an index are for one platform.
    #[error("two images are for {0}")]
    SamePlatform(crate::Platform),
}

/// An image manifest: the config and the layers of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// What the document says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The kind of an artifact that is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The config.
    pub config: Descriptor,
    /// The layers, base first.
    pub layers: Vec<Descriptor>,
    /// What an artifact is about: the manifest that it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free annotations.
    #[serde(default, deserialize_with = "null_to_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An image index: manifests, one a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexFile {
    /// Always 2.
    pub schema_version: u32,
    /// What the document says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The kind of an index that is of an artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifests.
    #[serde(default, deserialize_with = "null_to_default")]
    pub manifests: Vec<Descriptor>,
    /// What an artifact is about: the manifest that it refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Free annotations.
    #[serde(default, deserialize_with = "null_to_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An image config, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// When the image was made, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The processor.
    #[serde(default)]
    pub architecture: String,
    /// The operating system.
    #[serde(default)]
    pub os: String,
    /// The processor's variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How a container of the image is run.
    #[serde(default, deserialize_with = "null_to_default")]
    pub config: RunConfig,
    /// The layers, by the digests of their plain tars.
    #[serde(default, deserialize_with = "null_to_default")]
    pub rootfs: RootFs,
    /// How each layer came about.
    #[serde(default, deserialize_with = "null_to_default", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
}

/// How a container is run, unless its user says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs)] // the specification's own names
pub struct RunConfig {
    #[serde(deserialize_with = "null_to_default", skip_serializing_if = "String::is_empty")]
    pub user: String,
    #[serde(
        deserialize_with = "keys",
        serialize_with = "as_keys",
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    pub exposed_ports: BTreeSet<String>,
    #[serde(deserialize_with = "null_to_default", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    #[serde(deserialize_with = "null_to_default", skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    #[serde(deserialize_with = "null_to_default", skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    #[serde(
        deserialize_with = "keys",
        serialize_with = "as_keys",
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    pub volumes: BTreeSet<String>,
    #[serde(deserialize_with = "null_to_default", skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    #[serde(deserialize_with = "null_to_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_to_default", skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// What engines keep beside these, such as `Healthcheck`.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// The layers of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The digests of the plain tars, base first.
    #[serde(default, deserialize_with = "null_to_default")]
    pub diff_ids: Vec<Digest>,
}

/// How one layer came about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By what, in words or as a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The step changed the config only, and no layer stands for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

impl Default for RootFs {
    fn default() -> Self {
        RootFs { kind: "layers".into(), diff_ids: vec![] }
    }
}

impl Document {
    /// Writes `value` as canonical JSON.
    pub(crate) fn write<T: Serialize>(
        subject: &'static str,
        media_type: &str,
        value: &T,
    ) -> Result<Self, DocumentError> {
        let json =
            |error: std::io::Error| DocumentError::Json { subject, source: serde_json::Error::io(error) };
        let bytes = value.to_canon_json_vec().map_err(json)?;
        Ok(Document { descriptor: Descriptor::of(media_type, &bytes), bytes })
    }
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When the bytes are no manifest, or too many.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        parse("the manifest", bytes)
    }

    /// The manifest as it is stored.
    ///
    /// # Errors
    /// When a number is too large for JSON.
    pub fn document(&self) -> Result<Document, DocumentError> {
        Document::write("the manifest", self.media_type.as_deref().unwrap_or(media_type::MANIFEST), self)
    }
}

impl IndexFile {
    /// An index of these manifests.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        IndexFile {
            schema_version: 2,
            media_type: Some(media_type::INDEX.into()),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Reads an index.
    ///
    /// # Errors
    /// When the bytes are no index, or too many.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        parse("the index", bytes)
    }

    /// The index as it is stored.
    ///
    /// # Errors
    /// When a number is too large for JSON.
    pub fn document(&self) -> Result<Document, DocumentError> {
        Document::write("the index", self.media_type.as_deref().unwrap_or(media_type::INDEX), self)
    }
}

impl ConfigFile {
    /// Reads a config.
    ///
    /// # Errors
    /// When the bytes are no config, or too many.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        parse("the config", bytes)
    }

    /// The config as it is stored.
    ///
    /// # Errors
    /// None is known; the writer's are passed on.
    pub fn document(&self) -> Result<Document, DocumentError> {
        Document::write("the config", media_type::CONFIG, self)
    }

    /// What the image is for.
    pub fn platform(&self) -> crate::Platform {
        crate::Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone(),
            os_version: None,
        }
    }
}

/// Reads `null` as empty: Go writes an absent list so.
pub(crate) fn null_to_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn parse<T: DeserializeOwned>(subject: &'static str, bytes: &[u8]) -> Result<T, DocumentError> {
    let size = bytes.len() as u64;
    if size > MAX_DOCUMENT {
        return Err(DocumentError::TooLong { subject, size });
    }
    serde_json::from_slice(bytes).map_err(|source| DocumentError::Json { subject, source })
}

/// A set is written as an object whose values are empty objects.
#[derive(Serialize, Deserialize)]
struct Empty {}

fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    let map: BTreeMap<String, Option<Empty>> = null_to_default(deserializer)?;
    Ok(map.into_keys().collect())
}

fn as_keys<S: serde::Serializer>(set: &BTreeSet<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(set.iter().map(|key| (key, Empty {})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_read_as_docker_writes_it() {
        let config = ConfigFile::parse(
            br#"{"architecture":"amd64","os":"linux","container":"x","docker_version":"20.10",
            "config":{"Hostname":"","Env":null,"Cmd":["sh"],"Volumes":null,"ExposedPorts":{"80/tcp":{}},
                "Labels":null,"OnBuild":null,"Healthcheck":{"Test":["CMD"]}},
            "history":[{"created":"2020-01-01T00:00:00Z","empty_layer":true}],
            "rootfs":{"type":"layers","diff_ids":null}}"#,
        )
        .unwrap();
        assert_eq!(config.config.cmd, ["sh"]);
        assert_eq!(config.config.exposed_ports, BTreeSet::from(["80/tcp".into()]));
        assert!(config.config.env.is_empty() && config.rootfs.diff_ids.is_empty());
        assert!(config.history[0].empty_layer);
    }

    #[test]
    fn wrong_documents_are_refused_by_name() {
        let error = Manifest::parse(b"[]").unwrap_err();
        assert_eq!(error.to_string(), "the manifest is not as the image specification says");
        let error = ConfigFile::parse(&vec![b' '; MAX_DOCUMENT as usize + 1]).unwrap_err();
        assert_eq!(error.to_string(), "the config has 16777217 bytes; more than 16777216 are not read");
    }
}
