//! Blobs under their digest, and the notes by which one is believed without being read.
//!
//! A note says which file it was that had the right digest: its inode, its size and the time of its last
//! modification. Links to it in other directories change none of them; a write to it changes the time.
//! `docs/cache.md` has the format.

use crate::copy::{copy, each_block};
use crate::error::{CacheError, read_error, write_error};
use crate::fresh::FreshFile;
use crate::place::Place;
use crate::used;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tree::Sha256Digest;

/// The directory of the blobs.
pub(crate) const BLOBS: &str = "blobs/sha256";
/// How the name of a note ends.
pub(crate) const NOTE: &str = ".note";

/// A file system may tell two moments apart only if so much is between them: what was modified less
/// than this before it was read may be modified after, and say the same time.
const MOMENT: Duration = Duration::from_secs(2);
/// No note is longer.
const MAX_NOTE: u64 = 256;

impl Place {
    /// Where a blob is.
    pub fn blob_path(&self, digest: &Sha256Digest) -> PathBuf {
        self.dir.join(blob_path(digest))
    }

    /// A blob, if it is there and undamaged.
    pub fn blob(&self, digest: &Sha256Digest, size: u64) -> Option<File> {
        let path = self.blob_path(digest);
        let (file, meta) = self.open(&path)?;
        if meta.len() != size {
            self.drop_damaged(&path, &meta);
            return None;
        }
        if self.believes(&path, &meta) {
            return Some(file);
        }
        let settled = used::age(&meta) > MOMENT;
        if hash(&file).ok()? != *digest {
            self.drop_damaged(&path, &meta);
            return None;
        }
        if settled {
            let _ = self.note(&path, &meta);
        }
        Some(file)
    }

    /// Stores the blob in `file`, unless it is there undamaged.
    pub fn put_blob(&self, digest: &Sha256Digest, file: &File) -> Result<(), CacheError> {
        let path = self.blob_path(digest);
        let meta = file.metadata().map_err(read_error(&path))?;
        if self.blob(digest, meta.len()).is_some() {
            return Ok(());
        }
        let dir = path.parent().unwrap_or(&path);
        let fresh = if meta.nlink() == 0 {
            fs::create_dir_all(dir).and_then(|()| FreshFile::adopt(file, dir))
        } else {
            // Who named it may go on to write to it.
            self.fresh(&path).and_then(|mut fresh| copy(file, fresh.file()).map(|()| fresh))
        };
        fresh.and_then(|fresh| self.place(fresh, &path)).map_err(write_error(&path))
    }

    /// Stores what `fill` writes into a new file, if that says that it has written it and it is the blob. Gives it, open
    /// to be read from its start.
    pub fn take_blob(
        &self,
        digest: &Sha256Digest,
        size: u64,
        fill: impl FnOnce(&File) -> bool,
    ) -> Option<File> {
        let path = self.blob_path(digest);
        let own = self.fresh(&path);
        let is_own = own.is_ok();
        // A cache that cannot be written to keeps nobody from reading another.
        let mut fresh = own.or_else(|_| FreshFile::create(&std::env::temp_dir())).ok()?;
        let mut file = fresh.file().try_clone().ok()?;
        if !fill(&file) || file.metadata().ok()?.len() != size || hash(&file).ok()? != *digest {
            return None;
        }
        if is_own && self.place(fresh, &path).is_ok() {
            return self.blob(digest, size);
        }
        file.rewind().ok().map(|()| file)
    }

    /// Gives a file that has the right digest its place, and notes that it has.
    fn place(&self, fresh: FreshFile, path: &Path) -> io::Result<()> {
        let file = fresh.persist_open(path)?;
        // Any write from now on shows in the time. Without a note it is a blob all the same.
        if file.set_modified(SystemTime::now() - MOMENT).is_ok() {
            let _ = file.metadata().and_then(|meta| self.note(path, &meta));
        }
        Ok(())
    }

    /// Does the note of a blob say that this file is it?
    fn believes(&self, path: &Path, meta: &Metadata) -> bool {
        if !self.is_ours() {
            return false;
        }
        let Some((file, note_meta)) = self.open(&note_path(path)) else { return false };
        let mut text = String::new();
        let read = (&file).take(MAX_NOTE).read_to_string(&mut text);
        let believed = read.is_ok() && text == note_text(meta);
        if believed {
            used::mark(&file, &note_meta);
        }
        believed
    }

    fn note(&self, path: &Path, meta: &Metadata) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        self.write(&note_path(path), &[note_text(meta).as_bytes()])
    }
}

/// Where a blob is in a cache, as a path.
pub fn blob_path(digest: &Sha256Digest) -> String {
    let hex = digest.hex();
    let (shard, rest) = hex.split_at_checked(2).unwrap_or_default();
    format!("{BLOBS}/{shard}/{rest}")
}

/// The digest of a whole file, wherever it is read next.
pub(crate) fn hash(file: &File) -> io::Result<Sha256Digest> {
    let mut hash = Sha256::new();
    each_block(file, 0, |block| {
        hash.update(block);
        Ok(())
    })?;
    Ok(Sha256Digest(hash.finalize().into()))
}

/// The file with the note of a blob. Its own time is when the blob was last used.
pub(crate) fn note_path(blob: &Path) -> PathBuf {
    let mut path = blob.as_os_str().to_owned();
    path.push(NOTE);
    path.into()
}

fn note_text(meta: &Metadata) -> String {
    format!("bantam 1 {} {} {}.{:09}\n", meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())
}
