//! An image as a value: documents and the blobs they name.

use crate::document::{ConfigFile, Document, DocumentError, History, IndexFile, Manifest, RootFs, RunConfig};
use crate::{Blob, Descriptor, Digest, Layer, MemoryBlob, Platform, media_type, rfc3339};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What an image says of itself: the builder's part of the [config][spec].
///
/// [spec]: https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// The processor, by Go's name.
    pub architecture: String,
    /// The operating system.
    pub os: String,
    /// The processor's variant.
    pub variant: Option<String>,
    /// When the image was made, in seconds since 1970.
    pub created: i64,
    /// Who runs it: `65532:65532`; empty is root.
    pub user: String,
    /// Ports that it listens at: `8080/tcp`.
    pub exposed_ports: BTreeSet<String>,
    /// `NAME=value`, in order.
    pub env: Vec<String>,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// The arguments that a user may replace.
    pub cmd: Vec<String>,
    /// Directories for data.
    pub volumes: BTreeSet<String>,
    /// Where the program starts.
    pub working_dir: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The signal that stops it; empty is `SIGTERM`.
    pub stop_signal: String,
}

/// A layer with its bytes and its line of history.
pub struct AssembledLayer {
    /// What was written.
    pub layer: Layer,
    /// Where the bytes are.
    pub blob: Arc<dyn Blob>,
    /// What the history says of it.
    pub created_by: String,
}

/// One image, for one platform.
#[derive(Clone)]
pub struct Image {
    /// The manifest.
    pub manifest: Document,
    /// The config that it names.
    pub config: Document,
    /// The layers that it names, base first, in its order.
    pub layers: Vec<(Descriptor, Arc<dyn Blob>)>,
    /// What the image is for.
    pub platform: Platform,
}

/// Images of several platforms under one name, and whatever else is listed with them.
#[derive(Clone)]
pub struct Index {
    /// The index.
    pub document: Document,
    /// The images, in its order; those of an index within it stand where that is listed.
    pub images: Vec<Image>,
    /// What is below it and no image, each after what it names itself: attestations, artifacts, inner indexes.
    pub parts: Vec<Part>,
    /// What it lists and is no manifest.
    pub blobs: Vec<Arc<dyn Blob>>,
}

/// A manifest that is not that of an image, or an index within another, with the blobs that it names.
#[derive(Clone)]
pub struct Part {
    /// The manifest or index.
    pub document: Document,
    /// The blobs that it names; not the manifests.
    pub blobs: Vec<Arc<dyn Blob>>,
}

/// What a name stands for.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // a build has a handful of them
pub enum Artifact {
    /// One image.
    Image(Image),
    /// Several.
    Index(Index),
    /// Something else that is kept as images are: a chart, a signature.
    Other(Part),
}

/// Puts an image together: writes its config and its manifest. Each layer has one line of history.
///
/// # Errors
/// When there is no layer, a blob is not that of its layer, a time cannot be written, or the documents
/// are not what the specification wants.
pub fn assemble(
    config: &ImageConfig,
    layers: Vec<AssembledLayer>,
    annotations: BTreeMap<String, String>,
) -> Result<Image, DocumentError> {
    let mut stack = Stack::default();
    stack.add(config, layers)?;
    stack.image(config, annotations)
}

/// Puts an image together upon another: the layers of the base come first, as they are, and so does its history. What
/// the base's config says of running it and [`ImageConfig`] has no word for, such as a health check, is kept; triggers
/// for those who build upon it (`OnBuild`) are not.
///
/// # Errors
/// As [`assemble`]; and when the base's documents do not go together.
pub fn assemble_upon(
    base: &Image,
    config: &ImageConfig,
    layers: Vec<AssembledLayer>,
    annotations: BTreeMap<String, String>,
) -> Result<Image, DocumentError> {
    let mut stack = Stack::of(base)?;
    // Who made the base did not make what lies on it.
    stack.author = None;
    stack.add(config, layers)?;
    stack.image(config, annotations)
}

/// What an image is put together of, beside an [`ImageConfig`].
#[derive(Default)]
pub(crate) struct Stack {
    pub layers: Vec<(Descriptor, Arc<dyn Blob>)>,
    pub diff_ids: Vec<Digest>,
    pub history: Vec<History>,
    pub author: Option<String>,
    /// What the config says of running it, and [`ImageConfig`] has no word for.
    pub other: BTreeMap<String, Value>,
}

impl Stack {
    /// That of a base: what others take over of it.
    pub fn of(base: &Image) -> Result<Self, DocumentError> {
        let ConfigFile { config, rootfs, mut history, author, .. } = ConfigFile::parse(&base.config.bytes)?;
        let (layers, diff_ids) = (base.layers.len(), rootfs.diff_ids.len());
        if layers != diff_ids {
            return Err(DocumentError::BaseLayers { layers, diff_ids });
        }
        // History may be left out, but not of some of the layers.
        let told = history.iter().filter(|step| !step.empty_layer).count();
        history.extend((told..layers).map(|_| History::default()));
        let mut other = config.other;
        other.retain(|key, value| key != "OnBuild" && !value.is_null());
        let layers = base.layers.clone();
        Ok(Stack { layers, diff_ids: rootfs.diff_ids, history, author, other })
    }

    /// Lays layers on top.
    fn add(&mut self, config: &ImageConfig, layers: Vec<AssembledLayer>) -> Result<(), DocumentError> {
        self.history.extend(config.history(&layers)?);
        for AssembledLayer { layer, blob, .. } in layers {
            if !layer.descriptor.same_blob(blob.descriptor()) {
                let (expected, found) = (layer.descriptor.digest, blob.descriptor().digest);
                return Err(DocumentError::WrongBlob { expected, found });
            }
            self.diff_ids.push(layer.diff_id);
            self.layers.push((layer.descriptor, blob));
        }
        Ok(())
    }

    /// The image of it.
    pub fn image(
        self,
        config: &ImageConfig,
        annotations: BTreeMap<String, String>,
    ) -> Result<Image, DocumentError> {
        if self.layers.is_empty() {
            return Err(DocumentError::NoLayers);
        }
        let Stack { layers, diff_ids, history, author, other } = self;
        let file = ConfigFile { author, ..config.file(diff_ids, history, other)? };
        let platform = file.platform();
        let config = file.document()?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::MANIFEST.into()),
            artifact_type: None,
            config: config.descriptor.clone(),
            layers: layers.iter().map(|(descriptor, _)| descriptor.clone()).collect(),
            subject: None,
            annotations,
        }
        .document()?;
        second_reader(&manifest, &config)?;
        Ok(Image { manifest, config, layers, platform })
    }
}

/// Reads what was written with other eyes: what the specification's own types refuse, a registry or a
/// runtime would refuse later. (They do not write it, because their maps have no order.)
fn second_reader(manifest: &Document, config: &Document) -> Result<(), DocumentError> {
    let refused = |subject, source| DocumentError::Refused { subject, source };
    oci_spec::image::ImageManifest::from_reader(&manifest.bytes[..])
        .map_err(|source| refused("the manifest", source))?;
    oci_spec::image::ImageConfiguration::from_reader(&config.bytes[..])
        .map_err(|source| refused("the config", source))?;
    Ok(())
}

impl Index {
    /// Joins images under one name, sorted by platform.
    ///
    /// # Errors
    /// When two are for one platform.
    pub fn new(mut images: Vec<Image>, annotations: BTreeMap<String, String>) -> Result<Self, DocumentError> {
        images.sort_by(|a, b| a.platform.cmp(&b.platform));
        if let Some([first, _]) =
            images.array_windows().find(|[first, second]| first.platform == second.platform)
        {
            return Err(DocumentError::SamePlatform(first.platform.clone()));
        }
        let manifests = images.iter().map(Image::descriptor).collect();
        let document = IndexFile { annotations, ..IndexFile::new(manifests) }.document()?;
        Ok(Index { document, images, parts: vec![], blobs: vec![] })
    }
}

impl Part {
    /// An artifact: blobs of some type, without a config, that may refer to a subject.
    ///
    /// # Errors
    /// When a size is too large for JSON.
    pub fn artifact(
        artifact_type: &str,
        mut blobs: Vec<Arc<dyn Blob>>,
        subject: Option<Descriptor>,
        annotations: BTreeMap<String, String>,
    ) -> Result<Self, DocumentError> {
        let empty: Arc<dyn Blob> = Arc::new(MemoryBlob::new(media_type::EMPTY, &b"{}"[..]));
        if blobs.is_empty() {
            // A manifest must have a layer; the empty one says that there is nothing.
            blobs.push(Arc::clone(&empty));
        }
        let document = Manifest {
            schema_version: 2,
            media_type: Some(media_type::MANIFEST.into()),
            artifact_type: Some(artifact_type.into()),
            config: empty.descriptor().clone(),
            layers: blobs.iter().map(|blob| blob.descriptor().clone()).collect(),
            subject: subject.map(|subject| Descriptor { platform: None, ..subject }),
            annotations,
        }
        .document()?;
        blobs.push(empty);
        Ok(Part { document, blobs })
    }
}

impl Image {
    /// The manifest's descriptor with the platform, as an index lists it.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor { platform: Some(self.platform.clone()), ..self.manifest.descriptor.clone() }
    }
}

impl Artifact {
    /// The document that a name leads to: the manifest or the index.
    pub fn document(&self) -> &Document {
        match self {
            Artifact::Image(image) => &image.manifest,
            Artifact::Index(index) => &index.document,
            Artifact::Other(part) => &part.document,
        }
    }

    /// The images: one, or those of an index; none of what is no image.
    pub fn images(&self) -> &[Image] {
        match self {
            Artifact::Image(image) => std::slice::from_ref(image),
            Artifact::Index(index) => &index.images,
            Artifact::Other(_) => &[],
        }
    }

    /// Every manifest and index, each after those that it names: the last is [`document`](Self::document).
    pub fn manifests(&self) -> Vec<&Document> {
        let mut manifests: Vec<&Document> = self.images().iter().map(|image| &image.manifest).collect();
        match self {
            Artifact::Image(_) => {}
            Artifact::Index(index) => {
                manifests.extend(index.parts.iter().map(|part| &part.document));
                manifests.push(&index.document);
            }
            Artifact::Other(part) => manifests.push(&part.document),
        }
        manifests
    }

    /// Every blob but the configs of images, which are documents.
    pub fn blobs(&self) -> impl Iterator<Item = &Arc<dyn Blob>> {
        let layers = self.images().iter().flat_map(|image| image.layers.iter().map(|(_, blob)| blob));
        let (parts, listed) = match self {
            Artifact::Image(_) => (&[][..], &[][..]),
            Artifact::Index(index) => (&index.parts[..], &index.blobs[..]),
            Artifact::Other(part) => (std::slice::from_ref(part), &[][..]),
        };
        layers.chain(parts.iter().flat_map(|part| &part.blobs)).chain(listed)
    }
}

impl ImageConfig {
    fn created(&self) -> Result<String, DocumentError> {
        rfc3339(self.created).ok_or(DocumentError::Time(self.created))
    }

    fn history(&self, layers: &[AssembledLayer]) -> Result<Vec<History>, DocumentError> {
        let created = self.created()?;
        let step = |layer: &AssembledLayer| History {
            created: Some(created.clone()),
            created_by: Some(layer.created_by.clone()),
            ..History::default()
        };
        Ok(layers.iter().map(step).collect())
    }

    fn file(
        &self,
        diff_ids: Vec<Digest>,
        history: Vec<History>,
        other: BTreeMap<String, Value>,
    ) -> Result<ConfigFile, DocumentError> {
        Ok(ConfigFile {
            created: Some(self.created()?),
            author: None,
            architecture: self.architecture.clone(),
            os: self.os.clone(),
            variant: self.variant.clone(),
            config: RunConfig {
                user: self.user.clone(),
                exposed_ports: self.exposed_ports.clone(),
                env: self.env.clone(),
                entrypoint: self.entrypoint.clone(),
                cmd: self.cmd.clone(),
                volumes: self.volumes.clone(),
                working_dir: self.working_dir.clone(),
                labels: self.labels.clone(),
                stop_signal: self.stop_signal.clone(),
                other,
            },
            rootfs: RootFs { diff_ids, ..RootFs::default() },
            history,
        })
    }
}
