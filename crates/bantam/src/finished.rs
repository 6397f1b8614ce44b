//! Finished images that a run builds upon or takes from: each is opened once.

use crate::{Error, Locking, Session, Target, inside, unpacked::unpacked};
use cache::Cache;
use oci::{Compression, ConfigFile, Digest, Image, Manifest};
use plan::{Base, BaseConfig, expand::Vars, lock::LockedImage, spec::Platform};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use store::Reference;
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
    /// Opens an image, with its layers at hand in the cache.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or is for other platforms.
    pub fn open(
        place: &Reference,
        reference: String,
        platform: Platform,
        session: &Session,
        cache: &Cache,
    ) -> Result<Self, Error> {
        let stored = inside::find(place, &session.network)?;
        let image = inside::image_for(&stored, platform)?;
        Finished::of(image, reference, Some(stored.document().descriptor.digest), cache)
    }

    /// An image whose documents are at hand. `digest` is what a reference led to; none: the manifest.
    ///
    /// # Errors
    /// As [`Finished::open`].
    pub fn of(image: Image, reference: String, digest: Option<Digest>, cache: &Cache) -> Result<Self, Error> {
        let diff_ids = ConfigFile::parse(&image.config.bytes)?.rootfs.diff_ids;
        let (tree, layers) = unpacked(&image.layers, &diff_ids, cache)?;
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

/// The finished images of a run.
pub(crate) struct FinishedImages<'a> {
    session: &'a Session,
    cache: &'a Cache,
    open: Mutex<HashMap<(String, Platform), Arc<Finished>>>,
}

impl<'a> FinishedImages<'a> {
    /// None is open yet.
    pub fn new(session: &'a Session, cache: &'a Cache) -> Self {
        FinishedImages { session, cache, open: Mutex::default() }
    }

    /// The image that a text of a spec names. `pinned` is what the lock says: a registry gives that one, whatever its
    /// tag leads to by now; anywhere else the image is as it is.
    ///
    /// # Errors
    /// When the text names no image, or the image cannot be opened.
    pub fn get(
        &self,
        target: &Target,
        text: &str,
        platform: Platform,
        pinned: Option<LockedImage>,
    ) -> Result<Arc<Finished>, Error> {
        let vars = Vars::of(platform, target.spec.runtime.variant);
        let wrong = |source: Box<dyn std::error::Error + Send + Sync>| Error::SpecReference {
            shown: target.shown(),
            text: text.into(),
            source,
        };
        let expanded = plan::expand::expand(text, &vars).map_err(|error| wrong(error.into()))?;
        let reference: Reference =
            expanded.parse().map_err(|error: store::ReferenceError| wrong(error.into()))?;
        // Who moves the pins of some packages leaves the others.
        let moves = self.session.locking == Locking::Renew && self.session.moved.is_empty();
        let place = within(reference, target, pinned.filter(|_| !moves));
        let key = (place.to_string(), platform);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = open.get(&key) {
            return Ok(Arc::clone(known));
        }
        let finished = Arc::new(Finished::open(&place, expanded, platform, self.session, self.cache)?);
        open.insert(key, Arc::clone(&finished));
        Ok(finished)
    }
}

/// Where a reference of a spec is: paths are relative to the spec's folder, and a registry is asked for what is pinned.
fn within(reference: Reference, target: &Target, pinned: Option<LockedImage>) -> Reference {
    let below = |path: PathBuf| target.folder.join(path);
    match (reference, pinned) {
        (Reference::Layout { dir, name }, _) => Reference::Layout { dir: below(dir), name },
        (Reference::OciArchive { file, name }, _) => Reference::OciArchive { file: below(file), name },
        (Reference::DockerArchive { file, name }, _) => Reference::DockerArchive { file: below(file), name },
        (Reference::Registry(name), Some(pin)) => {
            Reference::Registry(store::ImageName { digest: Some(pin.digest.into()), ..name })
        }
        (other, _) => other,
    }
}
