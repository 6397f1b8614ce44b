//! Finished images that a run builds upon or takes from: each is opened once.

use crate::{
    Error, Locking, Session, Target, inside,
    unpacked::{Unpacked, unpacked},
};
use cache::Cache;
use oci::{Compression, ConfigFile, Digest, Image, Manifest};
use plan::{Base, BaseConfig, expand::Vars, lock::LockedImage, spec::Platform};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use store::{Network, Reference, Stored};
use tree::{Sha256Digest, Tree, TreePath};

/// The annotation with the name of the image that another is built upon.
pub(crate) const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// The annotation with its digest.
pub(crate) const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// A finished image for one platform.
pub(crate) struct Finished {
    /// As the spec names it, variables expanded.
    pub reference: String,
    /// Its documents, and where its layers are.
    pub image: Image,
    /// What a container of it sees.
    pub tree: Arc<Tree>,
    /// The layer that each path is from, from 0 at the bottom.
    pub layers: Arc<BTreeMap<TreePath, usize>>,
    /// What a lock pins of it.
    pub pin: LockedImage,
}

impl Finished {
    /// The image of a platform, with its layers at hand in the cache.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or is for other platforms.
    pub fn open(
        stored: &Stored,
        reference: String,
        platform: Platform,
        cache: &Cache,
    ) -> Result<Self, Error> {
        let image = inside::image_for(stored, platform)?;
        Finished::of(image, reference, Some(stored.document().descriptor.digest), cache)
    }

    /// An image whose documents are at hand. `digest` is what a reference led to; none: the manifest.
    ///
    /// # Errors
    /// As [`Finished::open`].
    pub fn of(image: Image, reference: String, digest: Option<Digest>, cache: &Cache) -> Result<Self, Error> {
        let diff_ids = ConfigFile::parse(&image.config.bytes)?.rootfs.diff_ids;
        let Unpacked { tree, layers, .. } = unpacked(&image.layers, &diff_ids, cache)?;
        let sha256 = |digest: Digest| Sha256Digest(*digest.bytes());
        let manifest = image.manifest.descriptor.digest;
        let pin = LockedImage { digest: sha256(digest.unwrap_or(manifest)), manifest: sha256(manifest) };
        Ok(Finished { reference, image, tree: tree.into(), layers: layers.into(), pin })
    }

    /// What says upon which image another was built: annotations of its manifest, beside its own.
    pub fn annotations(&self, own: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let digest = self.image.manifest.descriptor.digest.to_string();
        let base = [(BASE_NAME, self.reference.clone()), (BASE_DIGEST, digest)];
        let base = base.into_iter().map(|(key, value)| (key.to_owned(), value));
        own.clone().into_iter().chain(base).collect()
    }

    /// Its name, and its bytes as stored and of its files.
    pub fn weight(&self) -> (String, u64, u64) {
        let stored = self.image.layers.iter().map(|(layer, _)| layer.size).sum();
        (self.reference.clone(), stored, self.tree.content_size())
    }

    /// Is one of its layers in zstd?
    pub fn has_zstd(&self) -> bool {
        let mut layers = self.image.layers.iter();
        layers.any(|(layer, _)| Compression::of_media_type(&layer.media_type) == Some(Compression::Zstd))
    }

    /// The image as the planner builds upon it.
    ///
    /// # Errors
    /// When its documents cannot be read.
    pub fn base(&self) -> Result<Base, Error> {
        Ok(Base {
            reference: self.reference.clone(),
            tree: Arc::clone(&self.tree),
            layers: Arc::clone(&self.layers),
            config: config_of(&self.image)?,
            pin: self.pin,
        })
    }
}

/// How a container of an image is run.
///
/// # Errors
/// When its documents cannot be read.
pub(crate) fn config_of(image: &Image) -> Result<BaseConfig, Error> {
    let run = ConfigFile::parse(&image.config.bytes)?.config;
    Ok(BaseConfig {
        entrypoint: run.entrypoint,
        cmd: run.cmd,
        env: run.env,
        workdir: run.working_dir,
        user: run.user,
        ports: run.exposed_ports,
        volumes: run.volumes,
        labels: run.labels,
        annotations: Manifest::parse(&image.manifest.bytes)?.annotations,
        stop_signal: run.stop_signal,
    })
}

/// The finished images of a run. Each place is opened once: a name means one image, whatever moves meanwhile.
pub(crate) struct FinishedImages<'a> {
    session: &'a Session,
    cache: &'a Cache,
    open: Mutex<Open>,
}

/// What is open already, by the reference of its place.
#[derive(Default)]
struct Open {
    places: HashMap<String, Stored>,
    images: HashMap<(String, Platform), Arc<Finished>>,
}

impl<'a> FinishedImages<'a> {
    /// None is open yet.
    pub fn new(session: &'a Session, cache: &'a Cache) -> Self {
        FinishedImages { session, cache, open: Mutex::default() }
    }

    /// The image that a text of a spec names. `pinned` is what the lock says for each platform: a registry gives that one,
    /// whatever its tag leads to by now; for a platform without a pin what the others are pinned to, if that has it.
    /// Anywhere else the image is as it is.
    ///
    /// # Errors
    /// When the text names no image, or the image cannot be opened.
    pub fn get(
        &self,
        target: &Target,
        text: &str,
        platform: Platform,
        pinned: Option<&BTreeMap<Platform, LockedImage>>,
    ) -> Result<Arc<Finished>, Error> {
        let wrong = |source: Box<dyn std::error::Error + Send + Sync>| Error::SpecReference {
            shown: target.shown(),
            text: text.into(),
            source,
        };
        let name = |platform| {
            let vars = Vars::of(platform, target.spec.runtime.variant);
            plan::expand::expand(text, &vars).map_err(|error| wrong(error.into()))
        };
        let expanded = name(platform)?;
        let reference: Reference =
            expanded.parse().map_err(|error: store::ReferenceError| wrong(error.into()))?;
        // Who moves the pins of some packages leaves the others.
        let moves = self.session.locking == Locking::Renew && self.session.moved.is_empty();
        let pinned = pinned.filter(|_| !moves);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut place = within(reference, target);
        if let Reference::Registry(image) = &place {
            let at = |pin: &LockedImage| {
                Reference::Registry(store::ImageName { digest: Some(pin.digest.into()), ..image.clone() })
            };
            if let Some(pin) = pinned.and_then(|pinned| pinned.get(&platform)) {
                place = at(pin);
            } else {
                for (other, pin) in pinned.into_iter().flatten() {
                    let there = at(pin);
                    if name(*other)? == expanded && has(open.place(&there, &self.session.network)?, platform)
                    {
                        place = there;
                        break;
                    }
                }
            }
        }
        let key = (place.to_string(), platform);
        if let Some(known) = open.images.get(&key) {
            return Ok(Arc::clone(known));
        }
        let stored = open.place(&place, &self.session.network)?;
        let finished = Arc::new(Finished::open(stored, expanded, platform, self.cache)?);
        open.images.insert(key, Arc::clone(&finished));
        Ok(finished)
    }
}

impl Open {
    fn place(&mut self, place: &Reference, network: &Network) -> Result<&Stored, Error> {
        Ok(match self.places.entry(place.to_string()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(inside::find(place, network)?),
        })
    }
}

/// Is there an image for a platform?
fn has(stored: &Stored, platform: Platform) -> bool {
    platform.to_string().parse().is_ok_and(|platform| stored.image(Some(&platform)).is_ok())
}

/// Where a reference of a spec is: paths are relative to the spec's folder.
fn within(reference: Reference, target: &Target) -> Reference {
    let below = |path: PathBuf| target.folder.join(path);
    match reference {
        Reference::Layout { dir, name } => Reference::Layout { dir: below(dir), name },
        Reference::OciArchive { file, name } => Reference::OciArchive { file: below(file), name },
        Reference::DockerArchive { file, name } => Reference::DockerArchive { file: below(file), name },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use oci::{Artifact, AssembledLayer, ImageConfig, LayerOptions, MemoryBlob, assemble, write_layer};
    use std::num::NonZeroUsize;

    fn image(text: &str) -> Artifact {
        let compression = Compression::None;
        let options = LayerOptions { compression, level: None, threads: NonZeroUsize::MIN };
        let tree = Tree::from_lines(&format!("644 0:0 /a = {text}")).unwrap();
        let mut bytes = vec![];
        let layer = write_layer(&tree, &options, &mut bytes, &|_| ()).unwrap();
        let blob = Arc::new(MemoryBlob::new(compression.media_type(), bytes));
        let config =
            ImageConfig { architecture: "amd64".into(), os: "linux".into(), ..ImageConfig::default() };
        let layers = vec![AssembledLayer { layer, blob, created_by: "test".into() }];
        Artifact::Image(assemble(&config, layers, BTreeMap::new()).unwrap())
    }

    #[test]
    fn a_name_means_one_image_in_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let network = Network::offline();
        let reference: Reference = format!("oci:{}", dir.path().join("base").display()).parse().unwrap();
        let publish = |artifact: &Artifact| {
            let names = ["example.com/base:1".to_owned()];
            let destination = store::destination(&reference, &network).unwrap();
            destination.publish(&store::Publication { artifact, names: &names }).unwrap();
        };
        let (first, second) = (image("one"), image("two"));
        let mut open = Open::default();
        for artifact in [&first, &second] {
            publish(artifact);
            let found = open.place(&reference, &network).unwrap();
            assert_eq!(found.document().descriptor.digest, first.document().descriptor.digest);
            assert!(
                has(found, "linux/amd64".parse().unwrap()) && !has(found, "linux/arm64".parse().unwrap())
            );
        }
        let found = Open::default().place(&reference, &network).unwrap().document().descriptor.digest;
        assert_eq!(found, second.document().descriptor.digest);
    }
}
