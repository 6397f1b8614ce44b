//! Files and directories that appear whole or not at all.
//!
//! A new file has no name until it is complete, where the file system can do that; then it is linked
//! to its place in one step. Where a name is needed before, it is `.bantam-PID-N.tmp` beside the
//! target, and whoever made it holds a lock on it: one that nobody holds is of a run that was killed,
//! and [`sweep`] removes it. Nothing is forced to the disk: after a crash of the machine (not of
//! bantam) a file may be empty, and the build is repeated.

use crate::copy::copy;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, open, renameat_with};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = ".bantam-";
const SUFFIX: &str = ".tmp";
/// How many names are tried before something else must be wrong.
const ATTEMPTS: u32 = 10_000;

/// A file that is being written, and is nowhere yet.
#[derive(Debug)]
pub struct FreshFile {
    file: File,
    dir: PathBuf,
    /// The name that it has meanwhile, where the file system takes no files without one.
    name: Option<PathBuf>,
}

impl FreshFile {
    /// A new file in `dir`.
    ///
    /// # Errors
    /// When the directory takes none.
    pub fn create(dir: &Path) -> io::Result<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match open(dir, flags, Mode::from_raw_mode(0o644)) {
            Ok(fd) => Ok(FreshFile { file: fd.into(), dir: dir.into(), name: None }),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {
                FreshFile::create_named(dir)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// An open file that has no name, to get one in `dir`: it is linked there, or copied where it cannot be.
    ///
    /// # Errors
    /// When there can be no more open files.
    pub fn adopt(file: &File, dir: &Path) -> io::Result<Self> {
        Ok(FreshFile { file: file.try_clone()?, dir: dir.into(), name: None })
    }

    fn create_named(dir: &Path) -> io::Result<Self> {
        let (file, name) = with_free_name(dir, |name| {
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o644).open(name)?;
            lock_new(file)
        })?;
        Ok(FreshFile { file, dir: dir.into(), name: Some(name) })
    }

    /// The file, to be written to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the file its place, instead of what may be there.
    ///
    /// # Errors
    /// When it cannot be there; nothing of it is left then, and what was there stays.
    pub fn persist(self, target: &Path) -> io::Result<()> {
        self.persist_open(target).map(drop)
    }

    /// As [`persist`](Self::persist), and gives the file that is there now.
    ///
    /// # Errors
    /// As there.
    pub fn persist_open(mut self, target: &Path) -> io::Result<File> {
        if self.name.is_none() {
            match link(self.file.as_fd(), target) {
                Ok(()) => return self.file.try_clone(),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // A name that is held by a lock, so that no sweep takes it away.
                    let _ = self.file.try_lock();
                    let fd = self.file.as_fd();
                    self.name = Some(with_free_name(&self.dir, |name| link(fd, name).map(Some))?.1);
                }
                Err(_) => {
                    // No way to link a file without a name: a copy gets one from the start.
                    let named = FreshFile::create_named(&self.dir)?;
                    copy(&self.file, &named.file)?;
                    self = named;
                }
            }
        }
        if let Some(name) = &self.name {
            fs::rename(name, target)?;
            self.name = None;
        }
        self.file.try_clone()
    }

    /// The file alone, for who needs no place for it.
    ///
    /// # Errors
    /// When the name that it had cannot be taken away.
    pub fn into_anonymous(mut self) -> io::Result<File> {
        if let Some(name) = self.name.take() {
            fs::remove_file(name)?;
        }
        self.file.try_clone()
    }
}

impl Drop for FreshFile {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = fs::remove_file(name);
        }
    }
}

/// A directory that is being filled, under a name that means nothing.
pub struct FreshDir {
    path: PathBuf,
    placed: bool,
    _lock: File,
}

impl FreshDir {
    /// A new directory in `parent`.
    ///
    /// # Errors
    /// When it takes none.
    pub fn create(parent: &Path) -> io::Result<Self> {
        let (lock, path) = with_free_name(parent, |name| {
            fs::create_dir(name)?;
            match File::open(name) {
                Ok(dir) => lock_new(dir),
                // A sweep was faster: until it is locked, it looks abandoned.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        Ok(FreshDir { path, placed: false, _lock: lock })
    }

    /// Where it is meanwhile.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the directory its place. Nothing may be there yet.
    ///
    /// # Errors
    /// When something is, or it cannot be there; nothing of it is left then.
    pub fn persist(mut self, target: &Path) -> io::Result<()> {
        match renameat_with(CWD, &self.path, CWD, target, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            // File systems that cannot refuse: an empty directory may be replaced, nothing else.
            Err(Errno::INVAL | Errno::NOSYS) => fs::rename(&self.path, target)?,
            Err(error) => return Err(error.into()),
        }
        self.placed = true;
        Ok(())
    }
}

impl Drop for FreshDir {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Removes from `dir` what killed runs left there. What cannot be removed stays.
pub fn sweep(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_temporary(&entry.file_name())) {
        if let Some(_lock) = abandoned(&entry.path()) {
            let _ = remove(&entry.path());
        }
    }
}

/// Is it a name of what is being made, or was by a run that was killed?
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// The lock on a temporary file or directory of a run that was killed; nothing, if somebody has it.
pub(crate) fn abandoned(path: &Path) -> Option<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let kind = file.metadata().ok()?.file_type();
    ((kind.is_file() || kind.is_dir()) && file.try_lock().is_ok()).then_some(file)
}

/// Removes a file, or a directory with all that is in it; never what a link leads to.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let is_dir = fs::symlink_metadata(path)?.is_dir();
    if is_dir { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Links an open file to `target`, where nothing may be yet.
///
/// # Errors
/// When something is, or the file system cannot.
pub fn link(fd: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let here = format!("/proc/self/fd/{}", fd.as_raw_fd());
    Ok(linkat(CWD, here, CWD, target, AtFlags::SYMLINK_FOLLOW)?)
}

/// Tries names in `dir` until `make` finds one free. `make` says nothing when it lost a race.
fn with_free_name<T>(
    dir: &Path,
    mut make: impl FnMut(&Path) -> io::Result<Option<T>>,
) -> io::Result<(T, PathBuf)> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    for _ in 0..ATTEMPTS {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = dir.join(format!("{PREFIX}{}-{number}{SUFFIX}", std::process::id()));
        match make(&name) {
            Ok(Some(made)) => return Ok((made, name)),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Locks what was just made; nothing if a sweep was faster and took it away.
fn lock_new(file: File) -> io::Result<Option<File>> {
    let held = file.try_lock();
    let gone = file.metadata()?.nlink() == 0;
    // Where a file system knows no locks, nobody sweeps either.
    Ok(if gone || matches!(held, Err(fs::TryLockError::WouldBlock)) { None } else { Some(file) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole() {
        let dir = tempfile::tempdir().unwrap();
        for create in [FreshFile::create, FreshFile::create_named] {
            for text in ["first", "second"] {
                let mut fresh = create(dir.path()).unwrap();
                fresh.file().write_all(text.as_bytes()).unwrap();
                assert!(!names(dir.path()).contains(&"first".to_string()));
                fresh.persist(&dir.path().join("target")).unwrap();
                assert_eq!(fs::read_to_string(dir.path().join("target")).unwrap(), text);
                assert_eq!(names(dir.path()), ["target"]);
            }
            drop(create(dir.path()).unwrap());
            assert_eq!(names(dir.path()), ["target"]);
        }
    }

    #[test]
    fn a_directory_is_made_while_others_sweep() {
        let dir = tempfile::tempdir().unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    sweep(dir.path());
                }
            });
            let made: Vec<io::Result<bool>> =
                (0..5_000).map(|_| Ok(FreshDir::create(dir.path())?.path().is_dir())).collect();
            done.store(true, Ordering::Relaxed);
            for is_there in made {
                assert!(is_there.unwrap());
            }
        });
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_directory_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        let first = FreshDir::create(dir.path()).unwrap();
        fs::write(first.path().join("x"), "x").unwrap();
        let second = FreshDir::create(dir.path()).unwrap();
        first.persist(&target).unwrap();
        assert_eq!(second.persist(&target).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(dir.path()), ["target"]);
        assert_eq!(names(&target), ["x"]);
    }

    #[test]
    fn a_sweep_takes_what_nobody_holds() {
        let dir = tempfile::tempdir().unwrap();
        let file = FreshFile::create_named(dir.path()).unwrap();
        let kept = FreshDir::create(dir.path()).unwrap();
        fs::write(dir.path().join(".bantam-1-2.tmp"), "").unwrap();
        fs::create_dir(dir.path().join(".bantam-1-3.tmp")).unwrap();
        fs::write(dir.path().join(".bantam-1-3.tmp/x"), "").unwrap();
        fs::write(dir.path().join("other.tmp"), "").unwrap();
        sweep(dir.path());
        let mut want: Vec<String> = [file.name.as_deref().unwrap(), kept.path(), Path::new("other.tmp")]
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_string())
            .into();
        want.sort();
        assert_eq!(names(dir.path()), want);
    }
}
