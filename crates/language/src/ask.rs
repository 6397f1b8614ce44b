//! What a language is asked for, and what it may use.

use crate::LanguageError;
use cache::Cache;
use fetch::Client;
use plan::{
    lock::LockedLanguage,
    spec::{Architecture, Platform, RuntimeSource, Spec},
};
use source::Memory;
use std::{num::NonZeroUsize, path::Path, sync::Arc};
use tree::{Sha256Digest, Tree, TreePath, View};

/// What a language is asked for: what it brings to one image.
pub struct Ask<'a> {
    /// The spec, with a table of the language.
    pub spec: &'a Spec,
    /// The folder that paths of the spec are relative to.
    pub folder: &'a Path,
    /// What the image is for.
    pub platform: Platform,
    /// The files of the runtime source; an empty tree where there is none.
    pub runtime: &'a dyn View,
    /// The payload, at the paths of the image.
    pub payload: &'a Tree,
    /// What a lock pins for this platform; none where it pins nothing, or pins are to move.
    pub pinned: Option<&'a LockedLanguage>,
    /// What it may use.
    pub workshop: &'a Workshop<'a>,
}

impl Ask<'_> {
    /// Notes for the lock that a runtime is made of this file or folder, where no package pins that.
    pub(crate) fn made_of(&self, path: &TreePath, digest: Sha256Digest, pins: &mut LockedLanguage) {
        if self.locks_files() {
            pins.runtime.insert(path.clone(), digest);
        }
    }

    /// Is the runtime source one of files, which no package pins?
    pub(crate) fn locks_files(&self) -> bool {
        use RuntimeSource::{Host, Image, Rootfs};
        matches!(self.spec.runtime.source, Host | Rootfs(_) | Image(_))
    }
}

/// What languages work with, whatever the image.
pub struct Workshop<'a> {
    /// Where what was made is kept.
    pub cache: &'a Cache,
    /// What downloads.
    pub client: &'a Client,
    /// What is known of files of this machine.
    pub memory: &'a dyn Memory,
    /// May nothing be fetched?
    pub offline: bool,
    /// May the lock not change? Then nothing is resolved that is not pinned.
    pub locked: bool,
    /// How much is done at a time.
    pub jobs: NonZeroUsize,
    /// The builder's processor.
    pub builder: Architecture,
    /// Build tools that are packages.
    pub tools: &'a dyn BuildTools,
    /// Tells what takes a while, or what people should know, in a line.
    pub notice: &'a (dyn Fn(&str) + Sync),
}

/// Build tools that are packages of the suite that an image takes its packages from, pinned in the lock.
pub trait BuildTools: Sync {
    /// The root file system that these packages make with all that they depend on, for a processor.
    ///
    /// # Errors
    /// When the runtime source is no archive of packages, or they cannot be had.
    fn root(&self, packages: &[String], architecture: Architecture) -> Result<BuildRoot<'_>, LanguageError>;
}

/// A root file system of build tools.
#[derive(Clone)]
pub struct BuildRoot<'t> {
    /// Its files.
    pub view: Arc<dyn View + 't>,
    /// Stands for the packages that it is made of: another digest, other packages.
    pub digest: Sha256Digest,
}
