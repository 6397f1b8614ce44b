//! The lock of a build: read, held against what was taken, written.

use crate::{Error, Target};
use plan::{
    Plan,
    lock::{Lock, LockedFile, diff},
    spec::Platform,
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// The newest bytes contract that this bantam writes, and the only one so far.
const FORMAT: u32 = 1;

/// The lock of a target, as it is on disk.
pub(crate) struct LockFile {
    path: PathBuf,
    known: Option<Lock>,
    source: String,
    format: u32,
}

/// May a lock change?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locking {
    /// It is written when absent, and refreshed with a notice when files of the machine changed.
    Refresh,
    /// Nothing may change: an absent lock, or a change, is an error.
    Locked,
    /// It is written anew, whatever it says now.
    Renew,
}

impl LockFile {
    /// Reads the lock of a target; none where it has none.
    ///
    /// # Errors
    /// When it cannot be read, or does not fit the spec.
    pub fn read(target: &Target, other: Option<&Path>, locking: Locking) -> Result<Option<Self>, Error> {
        let Some(path) = target.lock_file().map(|beside| other.map_or(beside, PathBuf::from)) else {
            return Ok(None);
        };
        let source = target.source();
        let known = match std::fs::read_to_string(&path) {
            Ok(_) if locking == Locking::Renew => None,
            Ok(text) => {
                Some(Lock::parse(&text).map_err(|source| Error::Lock { path: path.clone(), source })?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Read { path, source }),
        };
        let wanted = target.spec.format;
        if let Some(lock) = &known {
            let misfit = |what, lock: &str, spec: &str| Error::LockMisfit {
                path: path.clone(),
                what,
                lock: lock.into(),
                spec: spec.into(),
            };
            if lock.source != source {
                return Err(misfit("source", &lock.source, &source));
            }
            if wanted.is_some_and(|wanted| wanted != lock.format) {
                let spec = wanted.unwrap_or(FORMAT).to_string();
                return Err(misfit("format", &lock.format.to_string(), &spec));
            }
        } else if locking == Locking::Locked {
            return Err(Error::LockAbsent { path });
        }
        let format = known.as_ref().map(|lock| lock.format).or(wanted).unwrap_or(FORMAT);
        Ok(Some(LockFile { path, known, source, format }))
    }

    /// Holds the lock against what plans took, and gives the text to write with what changed in
    /// words; none when it says so already.
    ///
    /// # Errors
    /// When a file cannot be read, or something changed that may not.
    pub fn update(&self, plans: &[Plan], locking: Locking) -> Result<Option<LockUpdate>, Error> {
        let mut images: BTreeMap<Platform, Vec<LockedFile>> =
            self.known.as_ref().map(|lock| lock.images.clone()).unwrap_or_default();
        for plan in plans {
            images.insert(plan.platform, locked_files(plan)?);
        }
        let lock = Lock { format: self.format, source: self.source.clone(), images };
        let Some(known) = &self.known else {
            return Ok(Some(LockUpdate { path: self.path.clone(), text: lock.to_text(), changes: None }));
        };
        let changes = diff(known, &lock);
        if changes.is_empty() {
            return Ok(None);
        }
        let changes = changes.to_string();
        if locking == Locking::Locked {
            return Err(Error::LockChanged { path: self.path.clone(), changes });
        }
        Ok(Some(LockUpdate { path: self.path.clone(), text: lock.to_text(), changes: Some(changes) }))
    }
}

/// A lock to write.
pub(crate) struct LockUpdate {
    path: PathBuf,
    text: String,
    /// What changed; none for a new lock.
    pub changes: Option<String>,
}

impl LockUpdate {
    /// Writes the lock in one step.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn write(&self) -> Result<(), Error> {
        crate::files::write(&self.path, self.text.as_bytes())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn locked_files(plan: &Plan) -> Result<Vec<LockedFile>, Error> {
    let mut owners = BTreeMap::new();
    for package in &plan.packages {
        for path in &package.files {
            owners.insert(path, format!("{}={}", package.name, package.version));
        }
    }
    let mut files = vec![];
    for (path, content) in &plan.taken {
        let sha256 = content.sha256().map_err(|source| Error::Plan(source.into()))?;
        files.push(LockedFile { path: path.clone(), sha256, package: owners.get(path).cloned() });
    }
    Ok(files)
}
