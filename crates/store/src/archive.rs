//! Writing image archives: an OCI layout in a tar, and what `docker save` writes.
//!
//! An `oci-archive:` of one platform, without zstd, also carries Docker's `manifest.json`, which
//! names the same blobs: `docker load`, `podman load`, `skopeo` and `ctr` all take the same file.
//! The tar is written by the same rules as a layer.

use crate::destination::{
    Content, CopyError, Destination, Named, Publication, Published, contents, docker_image, names,
};
use crate::error::{StoreError, write_error};
use crate::layout::{BLOBS, INDEX, MARKER, enter, listed, marker, parent};
use crate::reference::RefName;
use cache::fresh::{FreshFile, sweep};
use oci::{Artifact, Image, IndexFile, TAR_END, TarEntry, TarKind, padding};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use tree::Meta;

/// Docker's list of images in an archive.
pub(crate) const DOCKER_MANIFEST: &str = "manifest.json";

/// The length of a tar's headers, and of what contents are filled up to, in bytes.
const HEADER: u64 = 512;

/// Which archive it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// A layout, with Docker's `manifest.json` where that can be.
    Oci,
    /// Docker's `manifest.json` and what it names.
    Docker,
}

/// An archive in a file.
pub(crate) struct Archive {
    pub file: PathBuf,
    pub name: Option<RefName>,
    pub place: String,
    pub flavour: Flavour,
}

/// An image in `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DockerImage {
    /// The name of the config in the archive.
    pub config: String,
    /// Names with tags.
    #[serde(default)]
    pub repo_tags: Option<Vec<String>>,
    /// The names of the layers in the archive, base first.
    #[serde(default)]
    pub layers: Option<Vec<String>>,
}

impl Destination for Archive {
    fn publish(&self, publication: &Publication<'_>) -> Result<Published, StoreError> {
        let artifact = publication.artifact;
        let names = names(self.name.as_ref(), publication.names, &self.place)?;
        let entries = Entries::new(artifact, &names, self.flavour, &self.place)?;
        let failed = |error| write_error(&self.file)(error);
        match fs::metadata(&self.file) {
            // A pipe or a device takes the bytes as they come: `/dev/stdout`.
            Ok(meta) if !meta.is_file() => {
                let mut out = OpenOptions::new().write(true).open(&self.file).map_err(failed)?;
                entries.write(&mut out).map_err(|error| error.or(failed))?;
            }
            // A link stays one; what it leads to is replaced.
            Ok(_) => place(&entries, &fs::canonicalize(&self.file).map_err(failed)?)?,
            Err(_) => place(&entries, &self.file)?,
        }
        let digest = artifact.document().descriptor.digest;
        Ok(Published { digest, names: names.iter().map(Named::text).collect() })
    }
}

/// Writes an archive to where it appears whole or not at all.
fn place(entries: &Entries<'_>, file: &Path) -> Result<(), StoreError> {
    let parent = parent(file);
    fs::create_dir_all(parent).map_err(write_error(parent))?;
    sweep(parent);
    let mut fresh = FreshFile::create(parent).map_err(write_error(file))?;
    entries.write(fresh.file()).map_err(|error| error.or(write_error(file)))?;
    fresh.persist(file).map_err(write_error(file))
}

/// The entries of an archive, sorted by name.
pub(crate) struct Entries<'a>(BTreeMap<String, Entry<'a>>);

enum Entry<'a> {
    Directory,
    File(Vec<u8>),
    Content(Content<'a>),
}

impl<'a> Entries<'a> {
    /// The archive of an image.
    ///
    /// # Errors
    /// When the archive cannot hold it.
    pub fn new(
        artifact: &'a Artifact,
        names: &[Named],
        flavour: Flavour,
        place: &str,
    ) -> Result<Self, StoreError> {
        let document = |source| StoreError::Document { place: place.into(), source };
        let docker = match flavour {
            Flavour::Docker => Some(docker_image(artifact, place)?),
            Flavour::Oci => match artifact {
                Artifact::Image(image) if docker_image(artifact, place).is_ok() => Some(image),
                _ => None,
            },
        };
        let mut entries =
            BTreeMap::from([("blobs".to_string(), Entry::Directory), (BLOBS.to_string(), Entry::Directory)]);
        for (digest, content) in contents(artifact) {
            entries.insert(blob_name(&digest), Entry::Content(content));
        }
        if flavour == Flavour::Oci {
            let mut index = IndexFile::new(vec![]);
            enter(&mut index, &listed(artifact), names);
            entries.insert(INDEX.into(), Entry::File(index.document().map_err(document)?.bytes));
            entries.insert(MARKER.into(), Entry::File(marker()));
        }
        if let Some(image) = docker {
            let json = serde_json::to_vec(&[docker_manifest(image, names)]);
            let json = json
                .map_err(|source| document(oci::DocumentError::Json { subject: DOCKER_MANIFEST, source }))?;
            entries.insert(DOCKER_MANIFEST.into(), Entry::File(json));
        }
        Ok(Entries(entries))
    }

    /// The length of the tar, in bytes.
    pub fn size(&self) -> u64 {
        let headers = self.0.len() as u64 * HEADER;
        let contents = self.0.values().map(|entry| match entry {
            Entry::Directory => 0,
            Entry::File(bytes) => bytes.len() as u64,
            Entry::Content(content) => content.descriptor().size,
        });
        contents.map(|size| size.next_multiple_of(HEADER)).sum::<u64>() + headers + TAR_END.len() as u64
    }

    /// Writes the tar.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), CopyError> {
        for (name, entry) in &self.0 {
            let (kind, mode) = match entry {
                Entry::Directory => (TarKind::Directory, 0o755),
                Entry::File(bytes) => (TarKind::File(bytes.len() as u64), 0o644),
                Entry::Content(content) => (TarKind::File(content.descriptor().size), 0o644),
            };
            let mut header = vec![];
            TarEntry { name, kind, meta: &Meta::root(mode) }.write_header(&mut header);
            out.write_all(&header).map_err(CopyError::Write)?;
            match entry {
                Entry::Directory => {}
                Entry::File(bytes) => out.write_all(bytes).map_err(CopyError::Write)?,
                Entry::Content(content) => content.copy(out)?,
            }
            if let TarKind::File(size) = kind {
                out.write_all(TAR_END.get(..padding(size)).unwrap_or_default()).map_err(CopyError::Write)?;
            }
        }
        out.write_all(&TAR_END).and_then(|()| out.flush()).map_err(CopyError::Write)
    }
}

fn docker_manifest(image: &Image, names: &[Named]) -> DockerImage {
    let tags: Vec<String> =
        names.iter().filter_map(|name| name.full.as_ref()).map(ToString::to_string).collect();
    DockerImage {
        config: blob_name(&image.config.descriptor.digest),
        repo_tags: (!tags.is_empty()).then_some(tags),
        layers: Some(image.layers.iter().map(|(layer, _)| blob_name(&layer.digest)).collect()),
    }
}

fn blob_name(digest: &oci::Digest) -> String {
    format!("{BLOBS}/{}", digest.hex())
}
