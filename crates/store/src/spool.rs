//! Where layers are written first.

use crate::error::{StoreError, write_error};
use crate::positioned::PositionedFile;
use crate::reference::Reference;
use cache::fresh::{FreshFile, sweep};
use oci::{Blob, Descriptor};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory for files without a name: they are gone when bantam ends, however it ends.
///
/// On the file system of a layout, a spooled layer becomes a blob there by a link, not by a copy.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
}

/// A blob that is being written.
#[derive(Debug)]
pub struct SpoolFile {
    file: File,
    dir: PathBuf,
}

impl Spool {
    /// A spool where the first of `destinations` that is a directory or file will be, or else in
    /// `fallback`, which is made.
    ///
    /// # Errors
    /// When neither takes files.
    pub fn for_places<'a>(
        places: impl IntoIterator<Item = &'a Reference>,
        fallback: &Path,
    ) -> Result<Self, StoreError> {
        // A pipe or device is in a directory that is not for files.
        let takes_files = |path: &&Path| !path.exists() || path.is_file() || path.is_dir();
        let near = places.into_iter().filter_map(Reference::path).find(takes_files).and_then(existing);
        if let Some(dir) = near.filter(|dir| FreshFile::create(dir).is_ok()) {
            return Ok(Spool { dir });
        }
        fs::create_dir_all(fallback).map_err(write_error(fallback))?;
        sweep(fallback);
        let spool = Spool { dir: fallback.into() };
        spool.file().map(|_| spool)
    }

    /// A new file for a blob.
    ///
    /// # Errors
    /// When the directory takes none.
    pub fn file(&self) -> Result<SpoolFile, StoreError> {
        let file = FreshFile::create(&self.dir).and_then(FreshFile::into_anonymous);
        Ok(SpoolFile { file: file.map_err(write_error(&self.dir))?, dir: self.dir.clone() })
    }
}

impl SpoolFile {
    /// The blob that was written; `descriptor` was made while writing.
    ///
    /// # Errors
    /// When the file is not as long as the descriptor says.
    pub fn finish(self, descriptor: &Descriptor) -> Result<Arc<dyn Blob>, StoreError> {
        let size = self.file.metadata().map_err(write_error(&self.dir))?.len();
        if size != descriptor.size {
            return Err(StoreError::Mismatch {
                subject: format!("the spooled blob {}", descriptor.digest),
                expected: format!("{} bytes", descriptor.size),
                found: format!("{size} bytes"),
            });
        }
        Ok(file_blob(self.file, descriptor.clone()))
    }
}

impl Write for SpoolFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A blob in a file that nobody writes any more, of which somebody has made sure.
pub fn file_blob(file: File, descriptor: Descriptor) -> Arc<dyn Blob> {
    Arc::new(Spooled { file, descriptor })
}

struct Spooled {
    file: File,
    descriptor: Descriptor,
}

impl Blob for Spooled {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(PositionedFile::new(&self.file)))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

/// The directory itself, or the nearest one above it that is there.
fn existing(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find(|path| path.is_dir()).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spooled_blob_is_read_again_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("not/yet/there");
        let spool = Spool::for_places(&[Reference::layout(&target)], Path::new("/dev/null")).unwrap();
        let mut file = spool.file().unwrap();
        file.write_all(b"layer").unwrap();
        let blob = file.finish(&Descriptor::of("a/b", b"layer")).unwrap();
        for _ in 0..2 {
            let mut text = String::new();
            blob.open().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "layer");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_spool_falls_back_where_the_destination_takes_no_files() {
        let dir = tempfile::tempdir().unwrap();
        let fallback = dir.path().join("cache/tmp");
        let destinations =
            ["docker-daemon:", "oci-archive:/dev/null", "oci:/proc/none"].map(|text| text.parse().unwrap());
        let spool = Spool::for_places(&destinations, &fallback).unwrap();
        assert_eq!(spool.dir, fallback);
    }

    #[test]
    fn a_blob_of_another_length_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::for_places(&[], dir.path()).unwrap();
        let error = spool.file().unwrap().finish(&Descriptor::of("a/b", b"layer")).err().unwrap();
        assert!(error.to_string().ends_with("is 0 bytes, not 5 bytes"), "{error}");
    }
}
