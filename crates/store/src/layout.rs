//! Writing [OCI image layouts][spec].
//!
//! A layout that is not there yet is filled under another name and then renamed. To one that is
//! there, blobs are added first and `index.json` is replaced last, under a lock on the directory, so
//! that readers see the old images or the new, and no writer loses another's tags.
//!
//! [spec]: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md

use crate::destination::{Content, Destination, Named, Publication, Published, contents, names};
use crate::error::{StoreError, read_error, write_error};
use crate::reference::RefName;
use crate::side_by_side::side_by_side;
use cache::fresh::{FreshDir, FreshFile, link, sweep};
use oci::{Descriptor, Hashing, IndexFile, MAX_DOCUMENT, REF_NAME};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// The file that makes a directory a layout.
pub(crate) const MARKER: &str = "oci-layout";
/// The file that names the images.
pub(crate) const INDEX: &str = "index.json";
/// Where the blobs are.
pub(crate) const BLOBS: &str = "blobs/sha256";
/// The annotation with the full name of an image, which containerd and podman look for.
pub(crate) const FULL_NAME: &str = "io.containerd.image.name";

/// As many blobs are copied at a time: from a registry, each comes over a connection of its own.
const AT_A_TIME: usize = 6;

/// A layout in a directory.
pub(crate) struct Layout {
    pub dir: PathBuf,
    pub name: Option<RefName>,
    pub place: String,
}

/// What `oci-layout` says.
#[derive(Serialize, Deserialize)]
struct Version {
    #[serde(rename = "imageLayoutVersion")]
    version: String,
}

impl Destination for Layout {
    fn publish(&self, publication: &Publication<'_>) -> Result<Published, StoreError> {
        let names = names(self.name.as_ref(), publication.names, &self.place)?;
        loop {
            let done = match lock(&self.dir)? {
                Some(lock) => {
                    add(&self.dir, publication, &names)?;
                    drop(lock);
                    true
                }
                None => create(&self.dir, publication, &names)?,
            };
            if done {
                let digest = publication.artifact.document().descriptor.digest;
                return Ok(Published { digest, names: names.iter().map(Named::text).collect() });
            }
        }
    }
}

/// Makes the bytes of `oci-layout`.
pub(crate) fn marker() -> Vec<u8> {
    br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()
}

/// Puts an image into an index under its names. A name that is there moves; an image without a name
/// is listed once. A tag that stands for another repository's image stays with it: the newcomer is
/// found by its whole name.
pub(crate) fn enter(index: &mut IndexFile, image: &Descriptor, names: &[Named]) {
    let has_name = |entry: &Descriptor| entry.annotations.contains_key(REF_NAME);
    if names.is_empty() {
        if !index.manifests.iter().any(|entry| entry.digest == image.digest) {
            index.manifests.push(image.clone());
        }
        return;
    }
    index.manifests.retain(|entry| entry.digest != image.digest || has_name(entry));
    for Named { ref_name, full } in names {
        let mut entry = image.clone();
        entry.annotations.insert(REF_NAME.into(), ref_name.clone());
        if let Some(full) = full {
            entry.annotations.insert(FULL_NAME.into(), full.normalized());
        }
        let whole = |entry: &Descriptor| entry.annotations.get(FULL_NAME).cloned();
        let at = |index: &IndexFile, name: &str| {
            index
                .manifests
                .iter()
                .position(|entry| entry.annotations.get(REF_NAME).is_some_and(|at| at == name))
        };
        let mut place = at(index, ref_name);
        let other = place.and_then(|place| whole(index.manifests.get(place)?));
        if let (Some(full), Some(other)) = (full, other)
            && full.normalized() != other
        {
            entry.annotations.insert(REF_NAME.into(), full.to_string());
            place = at(index, &full.to_string());
        }
        match place.and_then(|place| index.manifests.get_mut(place)) {
            Some(old) => *old = entry,
            None => index.manifests.push(entry),
        }
    }
}

/// The descriptor by which an index lists an artifact.
pub(crate) fn listed(artifact: &oci::Artifact) -> Descriptor {
    match artifact {
        oci::Artifact::Image(image) => image.descriptor(),
        other => other.document().descriptor.clone(),
    }
}

/// Reads a document of a layout.
pub(crate) fn read_document(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![];
    let file = File::open(path).map_err(read_error(path))?;
    file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).map_err(read_error(path))?;
    Ok(bytes)
}

/// Is the directory a layout of a version that is known? Not, if it is empty.
///
/// # Errors
/// When something else is in it.
pub(crate) fn is_layout(dir: &Path) -> Result<bool, StoreError> {
    let path = dir.join(MARKER);
    let bytes = match read_document(&path) {
        Ok(bytes) => bytes,
        Err(StoreError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let mut entries = fs::read_dir(dir).map_err(read_error(dir))?;
            return if entries.next().is_none() {
                Ok(false)
            } else {
                Err(StoreError::NotALayout(dir.into()))
            };
        }
        Err(error) => return Err(error),
    };
    check_version(&bytes, dir.into()).map(|()| true)
}

/// Checks what the `oci-layout` of a layout in `dir` says.
///
/// # Errors
/// When that is not the version that is known.
pub(crate) fn check_version(marker: &[u8], dir: PathBuf) -> Result<(), StoreError> {
    let version =
        serde_json::from_slice::<Version>(marker).map(|version| version.version).unwrap_or_default();
    if version == "1.0.0" { Ok(()) } else { Err(StoreError::LayoutVersion { dir, version }) }
}

/// Locks a layout against other writers; nothing if it is not there.
fn lock(dir: &Path) -> Result<Option<File>, StoreError> {
    loop {
        let file = match File::open(dir) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(read_error(dir)(error)),
        };
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(Some(file)),
            locked => locked.map_err(write_error(dir))?,
        }
        // Somebody may have put another directory there meanwhile.
        let id = |meta: fs::Metadata| (meta.dev(), meta.ino());
        let held = file.metadata().map(id).map_err(read_error(dir))?;
        if fs::metadata(dir).map(id).is_ok_and(|now| now == held) {
            return Ok(Some(file));
        }
    }
}

/// Makes a new layout; not, if somebody else was faster.
fn create(dir: &Path, publication: &Publication<'_>, names: &[Named]) -> Result<bool, StoreError> {
    let parent = parent(dir);
    fs::create_dir_all(parent).map_err(write_error(parent))?;
    sweep(parent);
    let fresh = FreshDir::create(parent).map_err(write_error(dir))?;
    add(fresh.path(), publication, names).map_err(|error| named_so(error, fresh.path(), dir))?;
    match fresh.persist(dir) {
        Ok(()) => Ok(true),
        // A link that leads nowhere is in the way, too, and stays so.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
                && dir.exists() =>
        {
            Ok(false)
        }
        Err(error) => Err(write_error(dir)(error)),
    }
}

/// Adds an image to the layout in `dir`, which the caller has locked. What was written of it is taken
/// away again when something fails.
fn add(dir: &Path, publication: &Publication<'_>, names: &[Named]) -> Result<(), StoreError> {
    sweep(dir);
    let is_layout = is_layout(dir)?;
    let index_path = dir.join(INDEX);
    let mut index = IndexFile::new(vec![]);
    if is_layout {
        let bytes = read_document(&index_path)?;
        index = IndexFile::parse(&bytes)
            .map_err(|source| StoreError::Document { place: index_path.display().to_string(), source })?;
    }
    enter(&mut index, &listed(publication.artifact), names);
    let index = index
        .document()
        .map_err(|source| StoreError::Document { place: index_path.display().to_string(), source })?;

    let undo = Undo::default();
    let blobs = dir.join(BLOBS);
    for made in [dir.join("blobs"), blobs.clone()] {
        match fs::create_dir(&made) {
            Ok(()) => undo.add(made),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(write_error(&made)(error)),
        }
    }
    sweep(&blobs);
    let contents = contents(publication.artifact);
    let contents: Vec<&Content<'_>> = contents.values().collect();
    side_by_side(&contents, AT_A_TIME, |content| put(&blobs, content, &undo))?;
    if !is_layout {
        let path = dir.join(MARKER);
        undo.add(path.clone());
        replace(&path, &marker())?;
    }
    replace(&index_path, &index.bytes)?;
    undo.forget();
    Ok(())
}

/// Puts a blob into a layout. One that is there is read, unless it is the very file that was to be put there.
fn put(blobs: &Path, content: &Content<'_>, undo: &Undo) -> Result<(), StoreError> {
    let descriptor = content.descriptor();
    let path = blobs.join(descriptor.digest.hex());
    let there = fs::symlink_metadata(&path).ok();
    if there.as_ref().is_some_and(|meta| meta.is_file() && holds(&path, meta, content)) {
        return Ok(());
    }
    if there.is_none() {
        undo.add(path.clone());
        if let Content::Blob(blob) = content
            && let Some(fd) = blob.fd()
            && link(fd, &path).is_ok()
        {
            return Ok(());
        }
    }
    let mut fresh = FreshFile::create(blobs).map_err(write_error(&path))?;
    content.copy(fresh.file()).map_err(|error| error.or(write_error(&path)))?;
    fresh.persist(&path).map_err(write_error(&path))
}

/// Is the file at `path` this blob? One that cannot be read is not.
fn holds(path: &Path, meta: &fs::Metadata, content: &Content<'_>) -> bool {
    let Descriptor { digest, size, .. } = content.descriptor();
    let is_itself = || {
        let Content::Blob(blob) = content else { return false };
        let own = blob.fd().and_then(|fd| rustix::fs::fstat(fd).ok());
        own.is_some_and(|own| (own.st_dev, own.st_ino) == (meta.dev(), meta.ino()))
    };
    let has_digest = || {
        let mut hash = Hashing::new(io::sink());
        let read = File::open(path).and_then(|file| io::copy(&mut file.take(size + 1), &mut hash));
        read.is_ok() && hash.finish() == (*digest, *size)
    };
    meta.len() == *size && (is_itself() || has_digest())
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut fresh = FreshFile::create(parent(path)).map_err(write_error(path))?;
    fresh.file().write_all(bytes).map_err(write_error(path))?;
    fresh.persist(path).map_err(write_error(path))
}

/// The directory that holds a path, even of a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// An error as if the directory had its name already.
fn named_so(error: StoreError, fresh: &Path, dir: &Path) -> StoreError {
    let named = |path: PathBuf| path.strip_prefix(fresh).map_or(path.clone(), |rest| dir.join(rest));
    match error {
        StoreError::Write { path, source } => StoreError::Write { path: named(path), source },
        StoreError::Read { path, source } => StoreError::Read { path: named(path), source },
        error => error,
    }
}

/// Paths that are taken away again unless all goes well; directories only if they are empty.
#[derive(Default)]
struct Undo(Mutex<Vec<PathBuf>>);

impl Undo {
    fn add(&self, path: PathBuf) {
        self.paths().push(path);
    }

    fn forget(&self) {
        self.paths().clear();
    }

    fn paths(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for path in self.paths().iter().rev() {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
    }
}
