//! The payload: files of the user's own, read from the builder's disk.

use crate::{
    SourceError,
    file::OpenFile,
    identity::{Memory, Moment, nanoseconds},
};
use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    panic,
    path::{Path, PathBuf},
    thread,
};
use tree::{Content, ContentHandle, Entry, FileIdentity, Kind, Meta, ReadAt};
use walkdir::{DirEntry, WalkDir};

/// What to do with something met on a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is part of the payload.
    Take,
    /// It is not, but something below it may be.
    Pass,
    /// Neither it nor anything below it is.
    Skip,
}

/// Something of a payload.
#[derive(Debug)]
pub struct Found {
    /// Its path below the walk's start, without a leading slash; empty for the start itself.
    pub path: String,
    /// What it is. The owner is root; the mode is the disk's.
    pub entry: Entry,
}

/// Reads what is at `start` and below, sorted by path, as far as `step` says (which is given the path
/// below the start, and whether it is a directory). With `follow`, links stand for what they lead to.
/// `memory` is asked what is known of the files.
///
/// # Errors
/// Everything that could not be read, not only the first.
pub fn walk(
    start: &Path,
    follow: bool,
    memory: &dyn Memory,
    step: &mut dyn FnMut(&str, bool) -> Step,
) -> Result<Vec<Found>, Vec<SourceError>> {
    let moment = Moment::now();
    let mut taken = vec![];
    let mut errors = vec![];
    let mut walk = WalkDir::new(start).follow_links(follow).sort_by_file_name().into_iter();
    while let Some(next) = walk.next() {
        let entry = match next {
            Ok(entry) => entry,
            Err(error) => {
                errors.push(walk_error(&error, start));
                continue;
            }
        };
        let at = entry.path();
        let Some(path) = below(at, start) else {
            // Only an error if it would be taken: lossy names match globs well enough to tell.
            let lossy = at.strip_prefix(start).unwrap_or(at).to_string_lossy().into_owned();
            if step(&lossy, entry.file_type().is_dir()) == Step::Take {
                errors.push(SourceError::NotUtf8 { path: at.into() });
            }
            continue;
        };
        let is_dir = entry.file_type().is_dir();
        match step(path, is_dir) {
            Step::Take => {
                let path = path.to_owned();
                taken.push((path, entry));
            }
            Step::Pass => {}
            Step::Skip if is_dir => walk.skip_current_dir(),
            Step::Skip => {}
        }
    }
    let look = |(path, entry): &(String, DirEntry)| {
        let meta = entry.metadata().map_err(|error| walk_error(&error, start))?;
        Ok(Found { path: path.clone(), entry: read_entry(entry.path(), &meta, moment, memory)? })
    };
    let mut found = Vec::with_capacity(taken.len());
    for looked in in_parts(&taken, &look) {
        match looked {
            Ok(one) => found.push(one),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// The path below `start`, if it is text.
fn below<'p>(path: &'p Path, start: &Path) -> Option<&'p str> {
    let (path, start) = (path.as_os_str().as_encoded_bytes(), start.as_os_str().as_encoded_bytes());
    let rest = path.strip_prefix(start)?;
    std::str::from_utf8(rest.strip_prefix(b"/").unwrap_or(rest)).ok()
}

/// So few are not worth a thread.
const FEW: usize = 256;

/// Looks at each, on all processors: what the file system says takes longer than anything else.
fn in_parts<T: Sync, R: Send>(all: &[T], look: &(dyn Fn(&T) -> R + Sync)) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let size = all.len().div_ceil(threads).max(FEW);
    thread::scope(|scope| {
        let mut parts = all.chunks(size);
        let first = parts.next().unwrap_or_default();
        let others: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().map(look).collect::<Vec<_>>())).collect();
        let mut looked: Vec<R> = first.iter().map(look).collect();
        for part in others {
            looked.extend(part.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        looked
    })
}

fn read_entry(
    path: &Path,
    meta: &Metadata,
    moment: Moment,
    memory: &dyn Memory,
) -> Result<Entry, SourceError> {
    let kind = meta.file_type();
    let kind = if kind.is_dir() {
        Kind::Directory
    } else if kind.is_file() {
        let identity = FileIdentity {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            mtime: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            ctime: nanoseconds(meta.ctime(), meta.ctime_nsec()),
        };
        let (identity, known) = moment.recall(identity, memory);
        let file = PayloadFile { path: path.into(), size: meta.len(), identity };
        Kind::File(Content::with_known(file, known))
    } else if kind.is_symlink() {
        let target = std::fs::read_link(path)
            .map_err(|source| SourceError::Read { path: path.into(), source })?
            .into_os_string()
            .into_string()
            .map_err(|_| SourceError::NotUtf8 { path: path.into() })?;
        Kind::Symlink(target)
    } else if kind.is_socket() {
        Kind::Special("a socket")
    } else if kind.is_fifo() {
        Kind::Special("a fifo")
    } else {
        Kind::Special("a device")
    };
    Ok(Entry { kind, meta: Meta::root(meta.permissions().mode() & 0o7777) })
}

fn walk_error(error: &walkdir::Error, start: &Path) -> SourceError {
    let path = error.path().unwrap_or(start).to_path_buf();
    if error.loop_ancestor().is_some() {
        return SourceError::Loop { path };
    }
    match error.io_error() {
        Some(io) if io.kind() == io::ErrorKind::NotFound => match std::fs::read_link(&path) {
            Ok(target) => SourceError::Dangling { path, target: target.display().to_string() },
            Err(_) => SourceError::Missing { path },
        },
        Some(io) => {
            let source = io.raw_os_error().map_or_else(|| io.kind().into(), io::Error::from_raw_os_error);
            SourceError::Read { path, source }
        }
        None => SourceError::Read { path, source: io::Error::other(error.to_string()) },
    }
}

struct PayloadFile {
    path: PathBuf,
    size: u64,
    identity: Option<FileIdentity>,
}

impl ContentHandle for PayloadFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
        // Should a fifo have taken the file's place: opening it must not hang.
        let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
        let file: File = OpenOptions::new().read(true).custom_flags(nonblock).open(&self.path)?;
        Ok(Box::new(OpenFile(file)))
    }

    fn origin(&self) -> String {
        self.path.display().to_string()
    }

    fn identity(&self) -> Option<FileIdentity> {
        self.identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoMemory;
    use std::{fs, os::unix::fs::symlink};

    fn sample() -> tempfile::TempDir {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        fs::create_dir_all(at("b/deep")).unwrap();
        fs::write(at("b/deep/z"), "zz").unwrap();
        fs::write(at("b-c"), "x").unwrap();
        fs::create_dir(at("node_modules")).unwrap();
        fs::write(at("node_modules/x"), "").unwrap();
        symlink("b-c", at("link")).unwrap();
        temp
    }

    fn paths(found: &[Found]) -> Vec<&str> {
        found.iter().map(|item| &*item.path).collect()
    }

    #[test]
    fn a_walk_takes_what_the_step_says() {
        let temp = sample();
        let mut seen = vec![];
        let found = walk(temp.path(), false, &NoMemory, &mut |path, is_dir| {
            seen.push(path.to_owned());
            match path {
                "node_modules" => Step::Skip,
                "b" => Step::Pass,
                _ if is_dir => Step::Take,
                _ => Step::Take,
            }
        })
        .unwrap();
        assert_eq!(paths(&found), ["", "b/deep", "b/deep/z", "b-c", "link"]);
        assert!(!seen.contains(&"node_modules/x".into()), "a skipped directory is not entered");
        assert!(matches!(&found[4].entry.kind, Kind::Symlink(target) if target == "b-c"));
        assert_eq!(found[2].entry.content().unwrap().read(10).unwrap(), b"zz");
    }

    #[test]
    fn following_links_makes_them_files() {
        let temp = sample();
        let found = walk(temp.path(), true, &NoMemory, &mut |_, _| Step::Take).unwrap();
        let link = found.iter().find(|item| item.path == "link").unwrap();
        assert_eq!(link.entry.content().unwrap().read(10).unwrap(), b"x");
    }

    #[test]
    fn every_error_is_told() {
        let temp = sample();
        symlink("nowhere", temp.path().join("dangling")).unwrap();
        symlink("..", temp.path().join("b/loop")).unwrap();
        let errors = walk(temp.path(), true, &NoMemory, &mut |_, _| Step::Take).unwrap_err();
        let mut text: Vec<String> = errors
            .iter()
            .map(|error| error.to_string().replace(&temp.path().display().to_string(), "/p"))
            .collect();
        text.sort();
        assert_eq!(
            text,
            [
                "/p/b/loop is a link to a directory that holds it",
                "/p/dangling is a link to `nowhere`, which does not exist"
            ]
        );
        let missing = walk(&temp.path().join("none"), false, &NoMemory, &mut |_, _| Step::Take).unwrap_err();
        assert!(missing[0].to_string().ends_with("none does not exist"));
    }
}
