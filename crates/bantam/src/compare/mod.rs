//! Images side by side: what each weighs, and what of.

mod kind;
mod packages;

pub use kind::Kind;

use crate::{
    Error, Session, build, inside,
    unpacked::{Unpacked, unpacked},
};
use cache::Cache;
use oci::{Compression, ConfigFile, Digest, Image, Platform};
use std::collections::{BTreeMap, HashSet};
use store::{Reference, Stored};
use tree::Tree;

/// What an image weighs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The reference that it was found by.
    pub reference: String,
    /// The name that it has where it was found.
    pub name: Option<String>,
    /// What it is for.
    pub platform: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// Its layers, base first.
    pub layers: Vec<ComparedLayer>,
    /// The bytes of each kind that a container sees; kinds that it has none of are left out.
    pub kinds: BTreeMap<Kind, u64>,
    /// How many files, links and devices a container sees.
    pub files: usize,
    /// How many packages are on record; none where the record is one that is not read.
    pub packages: Option<usize>,
}

/// What a layer weighs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedLayer {
    /// The digest of its bytes as they are stored.
    pub digest: Digest,
    /// Its compressed bytes; none where it is stored as it is, as engines do.
    pub compressed: Option<u64>,
    /// The bytes of its files, those that upper layers hide among them.
    pub unpacked: u64,
    /// What the history says of it.
    pub created_by: String,
}

impl Compared {
    /// The bytes of all layers as a registry keeps them; none where some are stored uncompressed.
    pub fn compressed(&self) -> Option<u64> {
        self.layers.iter().map(|layer| layer.compressed).sum()
    }

    /// The bytes of all files of all layers, which is what `docker images` shows.
    pub fn unpacked(&self) -> u64 {
        self.layers.iter().map(|layer| layer.unpacked).sum()
    }
}

/// Weighs images, each for one platform: without one, an image that is for one platform only is that, and of several
/// this machine's is taken. Layers are unpacked into the cache once.
///
/// # Errors
/// When an image cannot be read, is damaged, or is for other platforms.
pub fn compare(
    references: &[Reference],
    platform: Option<&Platform>,
    session: &Session,
) -> Result<Vec<Compared>, Error> {
    let cache = Cache::new(session.cache.clone());
    let weigh = |reference: &Reference| {
        let stored = inside::find(reference, &session.network)?;
        let image = image(&stored, platform)?;
        compared(reference.to_string(), stored.names().first().cloned(), &image, &cache)
    };
    references.iter().map(weigh).collect()
}

fn image(stored: &Stored, platform: Option<&Platform>) -> Result<Image, Error> {
    match build::host_platform() {
        Some(host) if platform.is_none() && stored.images().len() > 1 => inside::image_for(stored, host),
        _ => inside::image(stored, platform),
    }
}

fn compared(
    reference: String,
    name: Option<String>,
    image: &Image,
    cache: &Cache,
) -> Result<Compared, Error> {
    let config = ConfigFile::parse(&image.config.bytes)?;
    let Unpacked { tree, sizes, .. } = unpacked(&image.layers, &config.rootfs.diff_ids, cache)?;
    let histories = config.history.into_iter().filter(|history| !history.empty_layer);
    let mut created_by = histories.map(|history| history.created_by.unwrap_or_default());
    let layers: Vec<ComparedLayer> = image
        .layers
        .iter()
        .zip(&sizes)
        .map(|((descriptor, _), unpacked)| ComparedLayer {
            digest: descriptor.digest,
            compressed: is_compressed(&descriptor.media_type).then_some(descriptor.size),
            unpacked: *unpacked,
            created_by: created_by.next().unwrap_or_default(),
        })
        .collect();
    let mut kinds = kinds(&tree);
    // What a container does not see is there all the same.
    let seen: u64 = kinds.values().sum();
    let hidden = sizes.iter().sum::<u64>().saturating_sub(seen);
    if hidden > 0 {
        kinds.insert(Kind::Hidden, hidden);
    }
    Ok(Compared {
        reference,
        name,
        platform: image.platform.to_string(),
        digest: image.manifest.descriptor.digest,
        layers,
        kinds,
        files: tree.iter().filter(|(_, entry)| !entry.is_directory()).count(),
        packages: packages::count(&tree)?,
    })
}

fn is_compressed(media_type: &str) -> bool {
    Compression::of_media_type(media_type).is_some_and(|compression| compression != Compression::None)
}

/// The bytes of each kind; a file of several names counts once.
fn kinds(tree: &Tree) -> BTreeMap<Kind, u64> {
    let mut kinds = BTreeMap::new();
    let mut seen = HashSet::new();
    for (path, entry) in tree.iter() {
        let Some(content) = entry.content().filter(|content| content.size() > 0) else { continue };
        if content.file_id().is_none_or(|id| seen.insert(id)) {
            *kinds.entry(Kind::of(path, entry.is_executable())).or_default() += content.size();
        }
    }
    kinds
}
