//! What a lock holds of finished images.

use crate::spec::Platform;
use std::{collections::BTreeMap, fmt};
use tree::Sha256Digest;

/// The image that another is built upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedBase {
    /// `base` of the spec, as written there.
    pub reference: String,
    /// What it was for each platform.
    pub images: BTreeMap<Platform, LockedImage>,
}

/// A finished image for one platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedImage {
    /// The digest that the reference led to: of the manifest, or of an index of several.
    pub digest: Sha256Digest,
    /// The digest of the manifest for the platform.
    pub manifest: Sha256Digest,
}

impl fmt::Display for LockedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.manifest.fmt(f)
    }
}
