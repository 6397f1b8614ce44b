//! One directory of entries: where they are, and its records.

use crate::error::{CacheError, write_error};
use crate::fresh::{self, FreshFile};
use crate::record::{self, HEAD, MAX_RECORD, MAX_RECORD_FILE, RecordKind};
use crate::used;
use rustix::fs::OFlags;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tree::Sha256Digest;

/// A directory of entries.
#[derive(Debug)]
pub(crate) struct Place {
    pub dir: PathBuf,
    /// May it be changed? If not, it may hold anything, and is not believed without reading.
    ours: bool,
    /// A lock that tells `prune` that somebody works here. It keeps nobody from anything.
    presence: OnceLock<File>,
}

impl Place {
    pub fn new(dir: PathBuf, ours: bool) -> Self {
        Place { dir, ours, presence: OnceLock::new() }
    }

    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// Where records of a kind are.
    pub fn records(&self, kind: RecordKind) -> PathBuf {
        self.dir.join(kind.folder())
    }

    /// Where a record is.
    pub fn record_path(&self, kind: RecordKind, key: &Sha256Digest) -> PathBuf {
        self.dir.join(kind.path(key))
    }

    /// The payload of a record, if it is there and undamaged.
    pub fn record(&self, kind: RecordKind, key: &Sha256Digest) -> Option<Vec<u8>> {
        let path = self.record_path(kind, key);
        let (file, meta) = self.open(&path)?;
        let is_record = (HEAD as u64..=MAX_RECORD_FILE).contains(&meta.len());
        let payload = if is_record {
            let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).ok()?);
            (&file).take(meta.len()).read_to_end(&mut bytes).ok()?;
            record::payload(kind, key, bytes)
        } else {
            None
        };
        match payload {
            Some(_) if self.ours => used::mark(&file, &meta),
            Some(_) => {}
            None => self.drop_damaged(&path, &meta),
        }
        payload
    }

    /// Writes a record, instead of one that may be there.
    pub fn put_record(&self, kind: RecordKind, key: &Sha256Digest, payload: &[u8]) -> Result<(), CacheError> {
        let path = self.record_path(kind, key);
        if payload.len() > MAX_RECORD {
            return Err(CacheError::RecordSize { path, size: payload.len() });
        }
        self.write(&path, &[&record::head(kind, key, payload), payload]).map_err(write_error(&path))
    }

    /// Writes a record with its head, unless it is there.
    pub fn put_record_file(
        &self,
        kind: RecordKind,
        key: &Sha256Digest,
        record: &[u8],
    ) -> Result<(), CacheError> {
        let there = self.record(kind, key);
        if there.as_deref() == record.get(HEAD..) {
            return Ok(());
        }
        let path = self.record_path(kind, key);
        self.write(&path, &[record]).map_err(write_error(&path))
    }

    /// Is there any record of a kind?
    pub fn has_any(&self, kind: RecordKind) -> bool {
        self.keys(kind).next().is_some()
    }

    /// The keys of a kind, most recently used first, with the size of each payload.
    pub fn recent(&self, kind: RecordKind) -> impl Iterator<Item = (Sha256Digest, u64)> {
        let with_meta = |(key, entry): (Sha256Digest, fs::DirEntry)| {
            let meta = entry.metadata().ok().filter(Metadata::is_file)?;
            Some((key, meta.len().checked_sub(HEAD as u64)?, meta.modified().ok()?))
        };
        let mut listed: Vec<_> = self.keys(kind).filter_map(with_meta).collect();
        listed.sort_by(|(key, _, used), (other_key, _, other)| other.cmp(used).then(key.cmp(other_key)));
        listed.into_iter().map(|(key, size, _)| (key, size))
    }

    fn keys(&self, kind: RecordKind) -> impl Iterator<Item = (Sha256Digest, fs::DirEntry)> {
        let entries = fs::read_dir(self.records(kind)).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some((key(entry.file_name().to_str()?)?, entry)))
    }

    /// Opens the file of an entry. What stands in its place and is no file goes away.
    pub fn open(&self, path: &Path) -> Option<(File, Metadata)> {
        self.work_here();
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
        if matches!(&opened, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            return None;
        }
        let opened = opened.and_then(|file| file.metadata().map(|meta| (file, meta))).ok();
        let found = opened.filter(|(_, meta)| meta.is_file());
        if found.is_none() && self.ours && fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file()) {
            let _ = fresh::remove(path);
        }
        found
    }

    /// Removes an entry that is damaged, unless another has taken its place meanwhile.
    pub fn drop_damaged(&self, path: &Path, damaged: &Metadata) {
        let id = |meta: &Metadata| (meta.dev(), meta.ino());
        if self.ours && fs::symlink_metadata(path).is_ok_and(|now| id(&now) == id(damaged)) {
            let _ = fs::remove_file(path);
        }
    }

    /// Writes a file, instead of one that may be there.
    pub fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        let mut fresh = self.fresh(path)?;
        for part in parts {
            fresh.file().write_all(part)?;
        }
        fresh.persist(path)
    }

    /// A new file that will be at `path`.
    pub fn fresh(&self, path: &Path) -> io::Result<FreshFile> {
        let dir = path.parent().unwrap_or(path);
        FreshFile::create(dir).or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            fs::create_dir_all(dir)?;
            self.work_here();
            FreshFile::create(dir)
        })
    }

    fn work_here(&self) {
        if self.presence.get().is_none()
            && let Ok(dir) = File::open(&self.dir)
        {
            // Who prunes has it for a moment: then this is told with the next entry.
            if dir.try_lock_shared().is_ok() {
                let _ = self.presence.set(dir);
            }
        }
    }
}

/// The digest that a name of a file is, if it is one.
pub(crate) fn key(name: &str) -> Option<Sha256Digest> {
    let mut digest = [0; 32];
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if name.len() != 64 || !name.bytes().all(is_hex) {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(name.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(Sha256Digest(digest))
}
