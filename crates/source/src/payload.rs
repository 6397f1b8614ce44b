//! The payload: files of the user's own, read from the builder's disk.

use crate::{
    SourceError, below,
    file::OpenFile,
    identity::{Memory, Moment, nanoseconds},
};
use rustix::fs::{AtFlags, CWD, FileType, Stat, statat};
use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use tree::{Content, ContentHandle, Entry, FileIdentity, Kind, Meta, ReadAt};
use walkdir::WalkDir;

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
    step: &(dyn Fn(&str, bool) -> Step + Sync),
) -> Result<Vec<Found>, Vec<SourceError>> {
    let looker = Looker { moment: Moment::now(), memory };
    let stat = statat(CWD, start, AtFlags::SYMLINK_NOFOLLOW);
    let dir = stat.ok().filter(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
    let looked = match dir {
        Some(stat) if !follow => {
            let take = |path, full: PathBuf, stat: &Stat| looker.found(path, &full, &Looked::of_stat(stat));
            let chosen = step("", true);
            let taken = (chosen == Step::Take).then(|| take(String::new(), start.into(), &stat));
            let below = if chosen == Step::Skip { vec![] } else { below::below(start, step, &take) };
            taken.into_iter().chain(below).collect()
        }
        _ => following(start, follow, &looker, step),
    };
    let mut found = Vec::with_capacity(looked.len());
    let mut errors = vec![];
    for looked in looked {
        match looked {
            Ok(one) => found.push(one),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// The same for a start that is no directory, and where links are followed, which may lead into each other.
fn following(
    start: &Path,
    follow: bool,
    looker: &Looker<'_>,
    step: &dyn Fn(&str, bool) -> Step,
) -> Vec<Result<Found, SourceError>> {
    let mut looked = vec![];
    let mut walk = WalkDir::new(start).follow_links(follow).sort_by_file_name().into_iter();
    while let Some(next) = walk.next() {
        let entry = match next {
            Ok(entry) => entry,
            Err(error) => {
                looked.push(Err(walk_error(&error, start)));
                continue;
            }
        };
        let at = entry.path();
        let Some(path) = path_below(at, start) else {
            // Only an error if it would be taken: lossy names match globs well enough to tell.
            let lossy = at.strip_prefix(start).unwrap_or(at).to_string_lossy().into_owned();
            if step(&lossy, entry.file_type().is_dir()) == Step::Take {
                looked.push(Err(SourceError::NotUtf8 { path: at.into() }));
            }
            continue;
        };
        let is_dir = entry.file_type().is_dir();
        match step(path, is_dir) {
            Step::Take => {
                let meta = entry.metadata().map_err(|error| walk_error(&error, start));
                looked.push(
                    meta.and_then(|meta| looker.found(path.to_owned(), at, &Looked::of_metadata(&meta))),
                );
            }
            Step::Pass => {}
            Step::Skip if is_dir => walk.skip_current_dir(),
            Step::Skip => {}
        }
    }
    looked
}

/// The path below `start`, if it is text.
fn path_below<'p>(path: &'p Path, start: &Path) -> Option<&'p str> {
    let (path, start) = (path.as_os_str().as_encoded_bytes(), start.as_os_str().as_encoded_bytes());
    let rest = path.strip_prefix(start)?;
    std::str::from_utf8(rest.strip_prefix(b"/").unwrap_or(rest)).ok()
}

/// What the file system says of something.
struct Looked {
    mode: u32,
    identity: FileIdentity,
}

impl Looked {
    fn of_stat(stat: &Stat) -> Self {
        let identity = FileIdentity {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
            ctime: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
        };
        Looked { mode: stat.st_mode, identity }
    }

    fn of_metadata(meta: &Metadata) -> Self {
        let identity = FileIdentity {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            mtime: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            ctime: nanoseconds(meta.ctime(), meta.ctime_nsec()),
        };
        Looked { mode: meta.mode(), identity }
    }
}

/// Makes entries of what is met.
struct Looker<'a> {
    moment: Moment,
    memory: &'a dyn Memory,
}

impl Looker<'_> {
    fn found(&self, path: String, full: &Path, looked: &Looked) -> Result<Found, SourceError> {
        let kind = match FileType::from_raw_mode(looked.mode) {
            FileType::Directory => Kind::Directory,
            FileType::RegularFile => {
                let (identity, known) = self.moment.recall(looked.identity, self.memory);
                let file = PayloadFile { path: full.into(), size: looked.identity.size, identity };
                Kind::File(Content::with_known(file, known))
            }
            FileType::Symlink => {
                let target = std::fs::read_link(full)
                    .map_err(|source| SourceError::Read { path: full.into(), source })?
                    .into_os_string()
                    .into_string()
                    .map_err(|_| SourceError::NotUtf8 { path: full.into() })?;
                Kind::Symlink(target)
            }
            FileType::Socket => Kind::Special("a socket"),
            FileType::Fifo => Kind::Special("a fifo"),
            _ => Kind::Special("a device"),
        };
        Ok(Found { path, entry: Entry { kind, meta: Meta::root(looked.mode & 0o7777) } })
    }
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
    use std::{
        ffi::OsStr,
        fs,
        os::unix::{ffi::OsStrExt, fs::symlink},
        sync::Mutex,
    };

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
        let seen = Mutex::new(vec![]);
        let found = walk(temp.path(), false, &NoMemory, &|path, is_dir| {
            seen.lock().unwrap().push(path.to_owned());
            match path {
                "node_modules" => Step::Skip,
                "b" => Step::Pass,
                _ if is_dir => Step::Take,
                _ => Step::Take,
            }
        })
        .unwrap();
        assert_eq!(paths(&found), ["", "b/deep", "b/deep/z", "b-c", "link"]);
        assert!(
            !seen.into_inner().unwrap().contains(&"node_modules/x".into()),
            "a skipped directory is not entered"
        );
        assert!(matches!(&found[4].entry.kind, Kind::Symlink(target) if target == "b-c"));
        assert_eq!(found[2].entry.content().unwrap().read(10).unwrap(), b"zz");
    }

    #[test]
    fn following_links_makes_them_files() {
        let temp = sample();
        let found = walk(temp.path(), true, &NoMemory, &|_, _| Step::Take).unwrap();
        let link = found.iter().find(|item| item.path == "link").unwrap();
        assert_eq!(link.entry.content().unwrap().read(10).unwrap(), b"x");
    }

    #[test]
    fn every_error_is_told() {
        let temp = sample();
        symlink("nowhere", temp.path().join("dangling")).unwrap();
        symlink("..", temp.path().join("b/loop")).unwrap();
        let errors = walk(temp.path(), true, &NoMemory, &|_, _| Step::Take).unwrap_err();
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
        let missing = walk(&temp.path().join("none"), false, &NoMemory, &|_, _| Step::Take).unwrap_err();
        assert!(missing[0].to_string().ends_with("none does not exist"));
    }

    #[test]
    fn many_directories_come_in_the_order_of_one_walk() {
        let temp = tempfile::tempdir().unwrap();
        for (dir, count) in [("a", 40), ("a-b", 3), ("a.b/deep/er", 300), ("\u{e4}", 12)] {
            for number in 0..count {
                let dir = temp.path().join(format!("{dir}/{number}/x"));
                fs::create_dir_all(&dir).unwrap();
                fs::write(dir.join(format!("{number}.txt")), "text").unwrap();
                symlink("nowhere", dir.join("link")).unwrap();
            }
        }
        fs::create_dir_all(temp.path().join("a/7").join(OsStr::from_bytes(b"\xff/inside"))).unwrap();
        let step = |path: &str, _: bool| match path {
            "a-b" => Step::Pass,
            "a/39" => Step::Skip,
            _ if path.contains('\u{fffd}') => Step::Pass,
            _ => Step::Take,
        };
        let looker = Looker { moment: Moment::now(), memory: &NoMemory };
        let one_by_one: Vec<Found> =
            following(temp.path(), false, &looker, &step).into_iter().collect::<Result<_, _>>().unwrap();
        let found = walk(temp.path(), false, &NoMemory, &step).unwrap();
        assert_eq!(paths(&found), paths(&one_by_one));
        assert!(found.len() > 1400, "{}", found.len());
        for (one, other) in found.iter().zip(&one_by_one) {
            assert_eq!(one.entry.meta, other.entry.meta, "{}", one.path);
            assert_eq!(one.entry.word(), other.entry.word(), "{}", one.path);
        }
        let taken = walk(temp.path(), false, &NoMemory, &|_, _| Step::Take).unwrap_err();
        assert!(
            matches!(&taken[..], [SourceError::NotUtf8 { .. }, SourceError::NotUtf8 { .. }]),
            "{taken:?}"
        );
    }
}
