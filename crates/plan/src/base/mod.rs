//! The image that another is built upon, as a value: what is in it, and how a container of it is run.

mod merge;
mod settings;
mod unmerge;

pub(crate) use merge::{Merged, merge, variable};
pub(crate) use settings::settings;
pub use settings::{Origin, Setting};
pub(crate) use unmerge::unmerge;

use crate::{lock::LockedImage, reason::Reason};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tree::{Tree, TreePath};

/// An image to build upon.
#[derive(Debug, Clone)]
pub struct Base {
    /// As the spec names it, variables expanded.
    pub reference: String,
    /// What a container of it sees.
    pub tree: Arc<Tree>,
    /// The layer that each path is from, from 0 at the bottom.
    pub layers: Arc<BTreeMap<TreePath, usize>>,
    /// How a container of it is run.
    pub config: BaseConfig,
    /// What a lock pins of it.
    pub pin: LockedImage,
}

/// How a container of a finished image is run, as its config says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseConfig {
    /// The program and its fixed arguments.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// `NAME=value`, in order.
    pub env: Vec<String>,
    /// The working directory; empty is the root.
    pub workdir: String,
    /// Who runs the process, by name or number; empty is root.
    pub user: String,
    /// Ports: `8080/tcp`.
    pub ports: BTreeSet<String>,
    /// Volumes.
    pub volumes: BTreeSet<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The signal that stops the process; empty is the engine's own.
    pub stop_signal: String,
}

impl Base {
    /// Why a path of it is in the image.
    pub(crate) fn reason(&self, path: &TreePath) -> Reason {
        let layer = self.layers.get(path).map_or(1, |layer| layer + 1);
        Reason::Base { reference: self.reference.clone(), layer }
    }
}
