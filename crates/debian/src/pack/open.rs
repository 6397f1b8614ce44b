//! A package that is at hand.

use super::record::Record;
use crate::deb::{ControlFiles, DebEntry, DebError, DebKind, Limits, Unpacked, field, read_deb};
use cache::{Cache, CacheError, Parts, RecordKind};
use oci::Hashing;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};
use std::os::unix::fs::FileExt as _;
use tree::{Entry, Kind, Sha256Digest, TreePath};

/// How much is written at a time.
const STEP: usize = 1 << 20;

/// A package that was unpacked: what it says of itself, its entries, and where the content of its files is.
pub struct Pack {
    control: ControlFiles,
    entries: BTreeMap<TreePath, Entry>,
    built: u64,
    trouble: Option<CacheError>,
}

impl Pack {
    /// The package with this digest, if the cache has it undamaged.
    pub fn open(cache: &Cache, sha256: &Sha256Digest) -> Option<Self> {
        let bytes = cache.record(RecordKind::Packages, sha256)?;
        let Record { blob, blob_size, unpacked } = Record::decode(&bytes)?;
        let file = cache.blob(&blob, blob_size)?;
        Some(Pack::new(file, sha256, unpacked, None))
    }

    /// Unpacks a `.deb` into the cache. `package` is what errors call it, such as its name and version.
    ///
    /// The file is read once, by its offsets; the digest is that of what was read. Where the cache cannot be
    /// written, the package is at hand all the same, and [`trouble`](Self::trouble) says why.
    ///
    /// # Errors
    /// When the file cannot be read, has another digest, or is no package that an image can have files of.
    pub fn unpack(cache: &Cache, sha256: &Sha256Digest, deb: &File, package: &str) -> Result<Self, DebError> {
        let (file, unnamed) = match cache.new_file() {
            Ok(file) => (file, None),
            Err(error) => (tempfile::tempfile().map_err(write_error(package))?, Some(error)),
        };
        let mut content = Hashing::new(BufWriter::with_capacity(STEP, &file));
        let unpacked = read_deb(FromStart(deb, 0), sha256, package, &Limits::PACKAGE, &mut content)?;
        content.flush().map_err(write_error(package))?;
        let (blob, blob_size) = content.finish();
        let blob = Sha256Digest(*blob.bytes());
        let record = Record { blob, blob_size, unpacked };
        let kept = match unnamed {
            Some(error) => Err(error),
            // The blob first: a record without it would be a lie.
            None => cache
                .put_blob(&blob, &file)
                .and_then(|()| cache.put_record(RecordKind::Packages, sha256, &record.encode())),
        };
        Ok(Pack::new(file, sha256, record.unpacked, kept.err()))
    }

    /// The files of `control.tar`.
    pub fn control(&self) -> &ControlFiles {
        &self.control
    }

    /// The value of a field of the control file, as far as its first line.
    pub fn field(&self, key: &str) -> Option<&str> {
        field(&self.control.control, key)
    }

    /// The package's name.
    pub fn name(&self) -> &str {
        self.field("Package").unwrap_or_default()
    }

    /// The package's version.
    pub fn version(&self) -> &str {
        self.field("Version").unwrap_or_default()
    }

    /// The package's architecture, as Debian writes it.
    pub fn architecture(&self) -> &str {
        self.field("Architecture").unwrap_or_default()
    }

    /// When it was built, in seconds since 1970.
    pub fn built(&self) -> i64 {
        self.built.try_into().unwrap_or(0)
    }

    /// Every entry under the path that the package has it at, parents before children. The root is among them where
    /// the package has it.
    pub fn entries(&self) -> &BTreeMap<TreePath, Entry> {
        &self.entries
    }

    /// Why the cache does not have the package now, where it could not be written.
    pub fn trouble(&self) -> Option<&CacheError> {
        self.trouble.as_ref()
    }

    fn new(file: File, sha256: &Sha256Digest, unpacked: Unpacked, trouble: Option<CacheError>) -> Self {
        let Unpacked { control, entries, files, built } = unpacked;
        let value = |key| field(&control.control, key).unwrap_or_default();
        let name = format!("the package {} {}", value("Package"), value("Version"));
        let parts = Parts::new(file, name, sha256);
        let mut contents = vec![None; files.len()];
        let entry = |(path, entry): (TreePath, DebEntry)| {
            let kind = match entry.kind {
                DebKind::Directory => Kind::Directory,
                DebKind::Symlink(target) => Kind::Symlink(target),
                DebKind::File(number) => {
                    let at = number as usize;
                    let range = *files.get(at)?;
                    let slot = contents.get_mut(at)?;
                    Kind::File(slot.get_or_insert_with(|| parts.content(number.into(), range, &path)).clone())
                }
            };
            Some((path, Entry { kind, meta: entry.meta }))
        };
        let entries = entries.into_iter().filter_map(entry).collect();
        Pack { control, entries, built, trouble }
    }
}

impl fmt::Debug for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pack({} {} {})", self.name(), self.version(), self.architecture())
    }
}

/// Reads a file from its start without moving where others read it.
struct FromStart<'a>(&'a File, u64);

impl Read for FromStart<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.0.read_at(buf, self.1)?;
        self.1 += got as u64;
        Ok(got)
    }
}

fn write_error(package: &str) -> impl FnOnce(io::Error) -> DebError + '_ {
    move |source| DebError::Write { package: package.into(), source }
}
