//! Descriptors and platforms.

use crate::{Digest, document::null_to_default};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::{fmt, str::FromStr};

/// The annotation with the tag of a manifest in an index of a layout.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Names a blob: what it is, its digest and its size. [Specification][spec].
///
/// [spec]: https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type of the blob.
    pub media_type: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Free annotations, sorted.
    #[serde(default, deserialize_with = "null_to_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What an image in an index is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The kind of an artifact that is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Where else the blob can be had.
    #[serde(default, deserialize_with = "null_to_default", skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// The blob itself in base64, if it is small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// The system and processor that an image is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system, by Go's name: `linux`.
    pub os: String,
    /// The processor, by Go's name: `amd64`.
    pub architecture: String,
    /// The variant of the processor: `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The version of the system; met with Windows only.
    #[serde(default, rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
}

/// A text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not of the form os/architecture or os/architecture/variant")]
pub struct PlatformError(pub String);

impl Descriptor {
    /// A descriptor without annotations.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Descriptor {
            media_type: media_type.into(),
            digest,
            size,
            annotations: BTreeMap::new(),
            platform: None,
            artifact_type: None,
            urls: vec![],
            data: None,
        }
    }

    /// The descriptor of `bytes`.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Descriptor::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// Do both name the same bytes?
    pub fn same_blob(&self, other: &Descriptor) -> bool {
        self.digest == other.digest && self.size == other.size
    }
}

impl Platform {
    /// Can an image for `self` run where `wanted` is asked for? A variant that is not asked for
    /// does not matter, and neither does the `v8` that all arm64 is.
    pub fn serves(&self, wanted: &Platform) -> bool {
        let v8 = |platform: &Platform| {
            platform.variant.clone().filter(|variant| platform.architecture != "arm64" || variant != "v8")
        };
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (wanted.variant.is_none() || v8(self) == v8(wanted))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;
    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let names: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match names[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err(PlatformError(text.into())),
        };
        if names.iter().any(|name| name.is_empty()) {
            return Err(PlatformError(text.into()));
        }
        Ok(Platform {
            os: os.into(),
            architecture: architecture.into(),
            variant: variant.map(String::from),
            os_version: None,
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_read_and_written() {
        for text in ["linux/amd64", "linux/arm/v7"] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), text);
        }
        for text in ["linux", "linux/", "/amd64", "a/b/c/d", ""] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_platform_serves_what_names_less() {
        let serves = |have: &str, want: &str| {
            have.parse::<Platform>().unwrap().serves(&want.parse::<Platform>().unwrap())
        };
        assert!(serves("linux/arm/v7", "linux/arm"));
        assert!(serves("linux/arm64", "linux/arm64/v8"));
        assert!(serves("linux/arm64/v8", "linux/arm64"));
        assert!(!serves("linux/arm/v6", "linux/arm/v7"));
        assert!(!serves("linux/amd64", "linux/arm64"));
        assert!(!serves("windows/amd64", "linux/amd64"));
    }

    #[test]
    fn a_descriptor_takes_what_go_writes() {
        let text = r#"{"mediaType":"a/b","size":3,"annotations":null,"urls":null,"extra":1,
            "digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#;
        let descriptor: Descriptor = serde_json::from_str(text).unwrap();
        assert_eq!(descriptor, Descriptor::of("a/b", b"abc"));
    }
}
