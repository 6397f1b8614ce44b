//! What is in a cache directory.

use crate::blob::{BLOBS, NOTE, note_path};
use crate::cache::TMP;
use crate::error::{CacheError, read_error};
use crate::fresh;
use crate::place::key;
use crate::record::{RECORDS, RecordKind};
use crate::used;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The images of builds that were given no destination: an OCI layout.
pub(crate) const IMAGES: &str = "images";

/// What an entry of a cache directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EntryKind {
    /// A record of a layer.
    Layers,
    /// A record of chunks.
    Chunks,
    /// A record of facts.
    Facts,
    /// A record of a package.
    Packages,
    /// A record of archives.
    Archives,
    /// A record of which package has which file.
    Contents,
    /// A record of notes.
    Notes,
    /// A record of the plain tar of a layer.
    Plain,
    /// A record of a tree that was made for images.
    Trees,
    /// A record of a version of bantam that keeps others.
    OtherRecords,
    /// A blob.
    Blobs,
    /// The images of builds without a destination. They are one entry.
    Images,
    /// A file or directory that is being written, or was when its run was killed.
    Temporary,
}

/// How much there is of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage(BTreeMap<EntryKind, (u64, u64)>);

impl EntryKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [EntryKind; 13] = [
        EntryKind::Layers,
        EntryKind::Chunks,
        EntryKind::Facts,
        EntryKind::Packages,
        EntryKind::Archives,
        EntryKind::Contents,
        EntryKind::Notes,
        EntryKind::Plain,
        EntryKind::Trees,
        EntryKind::OtherRecords,
        EntryKind::Blobs,
        EntryKind::Images,
        EntryKind::Temporary,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::Layers => "layers",
            EntryKind::Chunks => "chunks",
            EntryKind::Facts => "facts",
            EntryKind::Packages => "packages",
            EntryKind::Archives => "archives",
            EntryKind::Contents => "contents",
            EntryKind::Notes => "notes",
            EntryKind::Plain => "plain",
            EntryKind::Trees => "trees",
            EntryKind::OtherRecords => "other",
            EntryKind::Blobs => "blobs",
            EntryKind::Images => "images",
            EntryKind::Temporary => "temporary",
        }
    }
}

impl Usage {
    /// Entries and bytes of a kind. A file counts once, however many names it has here, and with its
    /// whole length, whether or not it shares blocks.
    pub fn of_kind(&self, kind: EntryKind) -> (u64, u64) {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// Entries and bytes of all kinds.
    pub fn total(&self) -> (u64, u64) {
        self.0.values().fold((0, 0), |(entries, bytes), (more, size)| (entries + more, bytes + size))
    }

    pub(crate) fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut usage = Usage::default();
        for entry in entries {
            let (count, bytes) = usage.0.entry(entry.kind).or_default();
            *count += 1;
            *bytes += entry.bytes;
        }
        usage
    }
}

/// Something in a cache directory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub kind: EntryKind,
    pub path: PathBuf,
    pub bytes: u64,
    /// How long it was not used.
    pub age: Duration,
}

/// Everything in a cache directory that is bantam's.
pub(crate) fn scan(dir: &Path) -> Result<Vec<Entry>, CacheError> {
    let mut scan = Scan::default();
    scan.temporaries(dir)?;
    // First, so that what images have is theirs: to remove the blob would free nothing.
    scan.images(&dir.join(IMAGES))?;
    scan.records(&dir.join(RECORDS))?;
    scan.blobs(&dir.join(BLOBS))?;
    for entry in entries(&dir.join(TMP))? {
        scan.temporary(entry.path());
    }
    Ok(scan.found)
}

#[derive(Default)]
struct Scan {
    found: Vec<Entry>,
    /// Files that were counted: images and blobs are often two names of one.
    counted: BTreeSet<(u64, u64)>,
}

impl Scan {
    fn records(&mut self, dir: &Path) -> Result<(), CacheError> {
        for sort in directories(dir)? {
            self.temporaries(&sort)?;
            let known = RecordKind::ALL.into_iter().find(|kind| sort.ends_with(kind.dir()));
            let kind = match known {
                Some(RecordKind::Layer) => EntryKind::Layers,
                Some(RecordKind::Chunks) => EntryKind::Chunks,
                Some(RecordKind::Facts) => EntryKind::Facts,
                Some(RecordKind::Packages) => EntryKind::Packages,
                Some(RecordKind::Archives) => EntryKind::Archives,
                Some(RecordKind::Contents) => EntryKind::Contents,
                Some(RecordKind::Notes) => EntryKind::Notes,
                Some(RecordKind::Plain) => EntryKind::Plain,
                Some(RecordKind::Trees) => EntryKind::Trees,
                None => EntryKind::OtherRecords,
            };
            for entry in entries(&sort)? {
                if entry.file_name().to_str().and_then(key).is_some()
                    && let Some(meta) = file(&entry)
                {
                    let bytes = self.count(&meta);
                    self.found.push(Entry { kind, path: entry.path(), bytes, age: used::age(&meta) });
                }
            }
        }
        Ok(())
    }

    fn blobs(&mut self, dir: &Path) -> Result<(), CacheError> {
        for shard in directories(dir)? {
            self.temporaries(&shard)?;
            let shard_name = shard.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for entry in entries(&shard)? {
                let (name, path) = (entry.file_name(), entry.path());
                let Some(name) = name.to_str() else { continue };
                let digest = |rest: &str| key(&format!("{shard_name}{rest}"));
                let Some(meta) = file(&entry) else { continue };
                if digest(name).is_some() {
                    let note = fs::symlink_metadata(note_path(&path)).ok();
                    let age = used::age(note.as_ref().unwrap_or(&meta));
                    let bytes = self.count(&meta) + note.map_or(0, |note| note.len());
                    self.found.push(Entry { kind: EntryKind::Blobs, path, bytes, age });
                } else if let Some(blob) = name.strip_suffix(NOTE)
                    && digest(blob).is_some()
                    && !shard.join(blob).exists()
                {
                    self.temporary(path);
                }
            }
        }
        Ok(())
    }

    fn images(&mut self, dir: &Path) -> Result<(), CacheError> {
        let Ok(meta) = fs::metadata(dir.join("index.json")) else { return Ok(()) };
        let mut bytes = 0;
        let mut waiting = vec![dir.to_path_buf()];
        while let Some(dir) = waiting.pop() {
            self.temporaries(&dir)?;
            for entry in entries(&dir)? {
                match entry.file_type() {
                    _ if fresh::is_temporary(&entry.file_name()) => {}
                    Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                    _ => bytes += file(&entry).map_or(0, |meta| self.count(&meta)),
                }
            }
        }
        let age = used::age(&meta);
        self.found.push(Entry { kind: EntryKind::Images, path: dir.into(), bytes, age });
        Ok(())
    }

    fn temporaries(&mut self, dir: &Path) -> Result<(), CacheError> {
        for entry in entries(dir)? {
            if fresh::is_temporary(&entry.file_name()) {
                self.temporary(entry.path());
            }
        }
        Ok(())
    }

    fn temporary(&mut self, path: PathBuf) {
        let Ok(meta) = fs::symlink_metadata(&path) else { return };
        let bytes = if meta.is_dir() { self.below(&path) } else { self.count(&meta) };
        self.found.push(Entry { kind: EntryKind::Temporary, path, bytes, age: used::age(&meta) });
    }

    /// The bytes of all files in a directory. What cannot be read does not count.
    fn below(&mut self, dir: &Path) -> u64 {
        let mut bytes = 0;
        let mut waiting = vec![dir.to_path_buf()];
        while let Some(dir) = waiting.pop() {
            for entry in entries(&dir).unwrap_or_default() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                    _ => bytes += file(&entry).map_or(0, |meta| self.count(&meta)),
                }
            }
        }
        bytes
    }

    fn count(&mut self, meta: &Metadata) -> u64 {
        if self.counted.insert((meta.dev(), meta.ino())) { meta.len() } else { 0 }
    }
}

fn directories(dir: &Path) -> Result<Vec<PathBuf>, CacheError> {
    let all = entries(dir)?.into_iter();
    Ok(all
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect())
}

/// What is in a directory, by name; nothing, if it is not there.
fn entries(dir: &Path) -> Result<Vec<DirEntry>, CacheError> {
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>().map_err(read_error(dir))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => vec![],
        Err(error) => return Err(read_error(dir)(error)),
    };
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

fn file(entry: &DirEntry) -> Option<Metadata> {
    entry.metadata().ok().filter(Metadata::is_file)
}
