//! A directory on disk as a view.

use crate::{
    Memory, NoMemory, SourceError,
    file::OpenFile,
    identity::{Moment, nanoseconds},
};
use rustix::fs::{self as sys, AtFlags, FileType, Mode, OFlags, ResolveFlags};
use std::{
    collections::HashMap,
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tree::{
    CAPABILITY_XATTR, Content, ContentHandle, Entry, FileId, FileIdentity, Kind, Meta, ReadAt, TreePath,
    View, ViewError,
};

/// The size of a version 2 capability attribute; version 3 belongs to a user namespace of the builder.
const CAPABILITY_V2_LEN: usize = 20;

/// A root file system in a directory: the host's `/`, or a sysroot.
///
/// Nothing of the builder's own shows: every owner is root, and a mode says only whether a file is a
/// program (0755), another file (0644) or a directory (0755), beside setuid and setgid. A copy of a
/// root file system by another user or under another umask is the same view.
///
/// Names that are not UTF-8 are not seen.
pub struct Directory<'a> {
    root: Arc<Root>,
    moment: Moment,
    memory: &'a dyn Memory,
    memo: Mutex<HashMap<TreePath, Option<Entry>>>,
}

struct Root {
    path: PathBuf,
    fd: OwnedFd,
    /// Is what others may not read kept from them? A copy of a root file system may have been made
    /// under any umask; the machine itself means what its modes say.
    private: bool,
}

impl<'a> Directory<'a> {
    /// Opens the directory at `root`.
    ///
    /// # Errors
    /// When it is missing, no directory, or may not be read.
    pub fn open(root: &Path) -> Result<Self, SourceError> {
        Directory::open_as(root, false)
    }

    fn open_as(root: &Path, private: bool) -> Result<Self, SourceError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = sys::open(root, flags, Mode::empty()).map_err(|errno| match errno {
            rustix::io::Errno::NOENT => SourceError::Missing { path: root.into() },
            rustix::io::Errno::NOTDIR => SourceError::NotADirectory { path: root.into() },
            errno => SourceError::Read { path: root.into(), source: errno.into() },
        })?;
        let root = Arc::new(Root { path: root.into(), fd, private });
        Ok(Directory { root, moment: Moment::now(), memory: &NoMemory, memo: Mutex::default() })
    }

    /// The same, with a memory that is asked what is known of the files.
    #[must_use]
    pub fn with_memory(self, memory: &'a dyn Memory) -> Self {
        Directory { memory, ..self }
    }

    /// The machine that builds. A file that others may not read there is for its owner in an image too.
    ///
    /// # Errors
    /// When `/` may not be read.
    pub fn host() -> Result<Self, SourceError> {
        Directory::open_as(Path::new("/"), true)
    }

    fn look(&self, path: &TreePath) -> Result<Option<Entry>, ViewError> {
        let Some(parent) = path.parent() else {
            return Ok(Some(Entry::directory(0o755)));
        };
        if !self.entry(&parent)?.is_some_and(|entry| entry.is_directory()) {
            return Ok(None);
        }
        let stat = match sys::statat(&self.root.fd, path.relative(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // What may not be looked at is as good as absent: a library there would not load either.
            Err(
                rustix::io::Errno::NOENT
                | rustix::io::Errno::NOTDIR
                | rustix::io::Errno::ACCESS
                | rustix::io::Errno::NAMETOOLONG,
            ) => return Ok(None),
            Err(errno) => return Err(self.error(path, &errno.into())),
        };
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Kind::Directory,
            FileType::Symlink => {
                let target = sys::readlinkat(&self.root.fd, path.relative(), vec![])
                    .map_err(|errno| self.error(path, &errno.into()))?;
                Kind::Symlink(target.into_string().map_err(|target| {
                    let reason = format!("its target {target:?} is not UTF-8");
                    ViewError { subject: self.shown(path), reason }
                })?)
            }
            FileType::RegularFile => self.file(path, &stat),
            FileType::Socket => Kind::Special("a socket"),
            FileType::Fifo => Kind::Special("a fifo"),
            _ => Kind::Special("a device"),
        };
        let mode = match kind {
            Kind::File(_) => {
                let usual = if stat.st_mode & 0o111 != 0 { 0o755 | stat.st_mode & 0o6000 } else { 0o644 };
                let closed = self.root.private && stat.st_mode & 0o004 == 0;
                if closed { usual & 0o6700 } else { usual }
            }
            Kind::Symlink(_) => 0o777,
            _ => 0o755,
        };
        let mut meta = Meta::root(mode);
        if matches!(kind, Kind::File(_)) && mode & 0o111 != 0 {
            meta.xattrs.extend(self.capability(path));
        }
        Ok(Some(Entry { kind, meta }))
    }

    fn file(&self, path: &TreePath, stat: &sys::Stat) -> Kind {
        let (device, inode) = (stat.st_dev, stat.st_ino);
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let identity = FileIdentity {
            device,
            inode,
            size,
            mtime: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
            ctime: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
        };
        let (identity, known) = self.moment.recall(identity, self.memory);
        let file = DirectoryFile {
            root: self.root.clone(),
            path: path.clone(),
            size,
            // Only a file with several names can be a hard link of another.
            id: (stat.st_nlink > 1).then_some(FileId { device, inode }),
            identity,
        };
        Kind::File(Content::with_known(file, known))
    }

    fn capability(&self, path: &TreePath) -> Option<(String, Vec<u8>)> {
        let mut value = [0; 64];
        let len = sys::lgetxattr(self.root.path.join(path.relative()), CAPABILITY_XATTR, &mut value).ok()?;
        (len == CAPABILITY_V2_LEN).then(|| (CAPABILITY_XATTR.into(), value[..len].to_vec()))
    }

    fn shown(&self, path: &TreePath) -> String {
        self.root.shown(path)
    }

    fn error(&self, path: &TreePath, error: &io::Error) -> ViewError {
        ViewError { subject: self.shown(path), reason: error.to_string() }
    }
}

impl View for Directory<'_> {
    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, ViewError> {
        let memo = || self.memo.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = memo().get(path) {
            return Ok(known.clone());
        }
        let entry = self.look(path)?;
        memo().insert(path.clone(), entry.clone());
        Ok(entry)
    }

    fn list(&self, dir: &TreePath) -> Result<Vec<String>, ViewError> {
        if !self.entry(dir)?.is_some_and(|entry| entry.is_directory()) {
            return Ok(vec![]);
        }
        let failed = |error: io::Error| self.error(dir, &error);
        let fd = self.root.open(dir, OFlags::RDONLY | OFlags::DIRECTORY).map_err(failed)?;
        let mut names = vec![];
        for entry in sys::Dir::new(fd).map_err(|errno| failed(errno.into()))? {
            let entry = entry.map_err(|errno| failed(errno.into()))?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        names.sort();
        Ok(names)
    }
}

impl Root {
    /// The path as the builder knows it.
    fn shown(&self, path: &TreePath) -> String {
        self.path.join(path.relative()).display().to_string()
    }

    /// Opens `path` without following any link: the caller has resolved them inside the root.
    fn open(&self, path: &TreePath, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let name = if path.is_root() { "." } else { path.relative() };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match sys::openat2(&self.fd, name, flags, Mode::empty(), resolve) {
            // Old kernels do not have the call, and some seccomp filters refuse it.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => self.walk_open(path, flags),
            result => result.map_err(Into::into),
        }
    }

    fn walk_open(&self, path: &TreePath, flags: OFlags) -> io::Result<OwnedFd> {
        let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut dir = self.fd.try_clone()?;
        let parent = path.parent().unwrap_or_else(TreePath::root);
        for name in parent.names() {
            dir = sys::openat(&dir, name, through, Mode::empty())?;
        }
        let name = if path.is_root() { "." } else { path.name() };
        Ok(sys::openat(dir.as_fd(), name, flags, Mode::empty())?)
    }
}

struct DirectoryFile {
    root: Arc<Root>,
    path: TreePath,
    size: u64,
    id: Option<FileId>,
    identity: Option<FileIdentity>,
}

impl ContentHandle for DirectoryFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        Ok(Box::new(OpenFile(File::from(self.root.open(&self.path, OFlags::RDONLY)?))))
    }

    fn origin(&self) -> String {
        self.root.shown(&self.path)
    }

    fn file_id(&self) -> Option<FileId> {
        self.id
    }

    fn identity(&self) -> Option<FileIdentity> {
        self.identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn p(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn sample() -> (tempfile::TempDir, Directory<'static>) {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        std::fs::create_dir_all(at("usr/lib")).unwrap();
        std::fs::write(at("usr/lib/libz.so.1.3"), "z").unwrap();
        std::fs::set_permissions(at("usr/lib/libz.so.1.3"), std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::hard_link(at("usr/lib/libz.so.1.3"), at("usr/lib/other")).unwrap();
        symlink("libz.so.1.3", at("usr/lib/libz.so.1")).unwrap();
        symlink("usr/lib", at("lib")).unwrap();
        symlink("/etc", at("outside")).unwrap();
        symlink("../../../../../../etc/passwd", at("climbs")).unwrap();
        std::fs::create_dir(at("etc")).unwrap();
        std::fs::write(at("etc/passwd"), "inside").unwrap();
        let view = Directory::open(temp.path()).unwrap();
        (temp, view)
    }

    #[test]
    fn entries_hide_the_builder() {
        let (_temp, view) = sample();
        let entry = view.entry(&p("/usr/lib/libz.so.1.3")).unwrap().unwrap();
        assert_eq!(entry.meta, Meta::root(0o755));
        assert_eq!(view.entry(&p("/etc/passwd")).unwrap().unwrap().meta, Meta::root(0o644));
        assert_eq!(view.list(&p("/usr/lib")).unwrap(), ["libz.so.1", "libz.so.1.3", "other"]);
    }

    #[test]
    fn links_stay_inside_the_root() {
        let (_temp, view) = sample();
        for path in ["/outside/passwd", "/climbs"] {
            let found = view.resolve(&p(path)).unwrap();
            assert_eq!(found.path, p("/etc/passwd"), "{path}");
            assert_eq!(found.entry.unwrap().content().unwrap().read(100).unwrap(), b"inside");
        }
        assert!(view.entry(&p("/outside/passwd")).unwrap().is_none(), "an entry follows no link");
        assert!(view.list(&p("/lib")).unwrap().is_empty());
    }

    #[test]
    fn a_directory_swapped_for_a_link_is_not_followed() {
        let (temp, view) = sample();
        let entry = view.entry(&p("/etc/passwd")).unwrap().unwrap();
        std::fs::rename(temp.path().join("etc"), temp.path().join("was")).unwrap();
        symlink("was", temp.path().join("etc")).unwrap();
        assert!(entry.content().unwrap().read(100).is_err());
        assert!(view.root.walk_open(&p("/etc/passwd"), OFlags::RDONLY).is_err());
        assert!(view.root.walk_open(&p("/was/passwd"), OFlags::RDONLY).is_ok());
    }

    #[test]
    fn what_others_may_not_read_on_the_machine_stays_so() {
        let (temp, _) = sample();
        let private = Directory::open_as(temp.path(), true).unwrap();
        assert_eq!(private.entry(&p("/usr/lib/libz.so.1.3")).unwrap().unwrap().meta.mode, 0o700);
        assert_eq!(private.entry(&p("/etc/passwd")).unwrap().unwrap().meta.mode, 0o644);
    }

    #[test]
    fn hard_links_are_known() {
        let (_temp, view) = sample();
        let id = |path| view.entry(&p(path)).unwrap().unwrap().content().unwrap().file_id();
        assert!(id("/usr/lib/other").is_some());
        assert_eq!(id("/usr/lib/other"), id("/usr/lib/libz.so.1.3"));
        assert_eq!(id("/etc/passwd"), None);
    }

    #[test]
    fn what_is_no_directory_says_so() {
        let (temp, _view) = sample();
        let text = |name: &str| Directory::open(&temp.path().join(name)).err().unwrap().to_string();
        assert!(text("nowhere").ends_with("nowhere does not exist"));
        assert!(text("etc/passwd").ends_with("etc/passwd is no directory"));
    }
}
