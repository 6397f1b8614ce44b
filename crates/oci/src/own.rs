//! What an image has beside its base's, and the same upon another base.

use crate::document::{ConfigFile, DocumentError, History};
use crate::image::Stack;
use crate::{Blob, Descriptor, Digest, Image, ImageConfig};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an image has beside what it has of its base.
pub struct Own {
    /// The layers, lowest first, as the manifest names them.
    pub layers: Vec<(Descriptor, Arc<dyn Blob>)>,
    /// The digests of their plain tars.
    pub diff_ids: Vec<Digest>,
    /// Its steps of history: one for each layer, and those that changed the config only.
    pub history: Vec<History>,
    author: Author,
    other: BTreeMap<String, Value>,
}

/// Who made an image.
enum Author {
    Nobody,
    OfBase,
    Own(String),
}

impl Own {
    /// What is an image's own; none where its first layers are not those of `base`.
    ///
    /// # Errors
    /// When the documents of one of them do not go together.
    pub fn of(image: &Image, base: &Image) -> Result<Option<Self>, DocumentError> {
        let ConfigFile { config, rootfs, .. } = ConfigFile::parse(&image.config.bytes)?;
        let below = Stack::of(base)?;
        let count = below.layers.len();
        if rootfs.diff_ids.len() != image.layers.len() || !rootfs.diff_ids.starts_with(&below.diff_ids) {
            return Ok(None);
        }
        let all = Stack::of(image)?;
        let layers: Vec<_> = all.layers.into_iter().skip(count).collect();
        let author = match all.author {
            None => Author::Nobody,
            author if author == below.author => Author::OfBase,
            Some(author) => Author::Own(author),
        };
        let mut other = config.other;
        let of_base = ConfigFile::parse(&base.config.bytes)?.config.other;
        other.retain(|key, value| !value.is_null() && of_base.get(key) != Some(value));
        let history = own_history(all.history, &below.history, count, layers.len());
        Ok(Some(Own {
            layers,
            diff_ids: all.diff_ids.into_iter().skip(count).collect(),
            history,
            author,
            other,
        }))
    }

    /// What the history says of each layer.
    pub fn told(&self) -> Vec<String> {
        let steps = self.history.iter().filter(|step| !step.empty_layer);
        steps.map(|step| step.created_by.clone().unwrap_or_default()).collect()
    }
}

/// Puts an image together upon another base than it had: what is its own lies over what the base says, byte for byte as
/// it was. `config` is what both say of what it has words for.
///
/// # Errors
/// When there is no layer, a time cannot be written, the base's documents do not go together, or those of the image would
/// not be what the specification wants.
pub fn assemble_rebased(
    base: &Image,
    config: &ImageConfig,
    own: Own,
    annotations: BTreeMap<String, String>,
) -> Result<Image, DocumentError> {
    let mut stack = Stack::of(base)?;
    stack.layers.extend(own.layers);
    stack.diff_ids.extend(own.diff_ids);
    stack.history.extend(own.history);
    stack.other.extend(own.other);
    stack.author = match own.author {
        Author::Nobody => None,
        Author::OfBase => stack.author,
        Author::Own(author) => Some(author),
    };
    stack.image(config, annotations)
}

/// The steps after those of the base, with one for each of the image's `layers`. Where the base's are not told as the
/// base tells them, they end with its last layer.
fn own_history(all: Vec<History>, base: &[History], base_layers: usize, layers: usize) -> Vec<History> {
    let skipped = if all.starts_with(base) {
        base.len()
    } else {
        let told = all.iter().enumerate().filter(|(_, step)| !step.empty_layer);
        let last = base_layers.checked_sub(1);
        last.and_then(|last| told.map(|(at, _)| at + 1).nth(last)).unwrap_or(0)
    };
    let mut left = layers;
    let mut own: Vec<History> = all.into_iter().skip(skipped).collect();
    own.retain(|step| {
        let is_told = step.empty_layer || left > 0;
        left -= usize::from(is_told && !step.empty_layer);
        is_told
    });
    own.extend((0..left).map(|_| History::default()));
    own
}
