//! What is below a directory, without following links: a `stat` for each file, on all processors.
//!
//! Directories that were met and not read yet wait in a stack that all threads take from. What is in an open directory
//! is looked at by its name alone, so that the kernel does not go through a whole path for each file.

use crate::{SourceError, payload::Step};
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, Stat, openat, statat},
    io::Errno,
};
use std::{
    ffi::{CString, OsStr},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    panic,
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread, vec,
};

/// What is asked about all that is met: its path below the start, and whether it is a directory.
pub(crate) type Ask<'a> = &'a (dyn Fn(&str, bool) -> Step + Sync);

/// What becomes of what is taken: its path below the start, where it is on the builder, what `stat` says of it.
pub(crate) type Take<'a, T> = &'a (dyn Fn(String, PathBuf, &Stat) -> Result<T, SourceError> + Sync);

/// So many directories that wait are worth a thread.
const MANY: usize = 8;

/// How much of a directory is read at once, in bytes.
const BUFFER: usize = 32 << 10;

/// What is taken below the directory `start`, in the order of paths: a directory is followed by all that is below it,
/// names are sorted by their bytes. What could not be read stands in its place.
pub(crate) fn below<T: Send>(start: &Path, ask: Ask<'_>, take: Take<'_, T>) -> Vec<Result<T, SourceError>> {
    let first = Waiting { places: vec![Place { number: 0, path: vec![] }], met: 1, under_way: 0 };
    let walk = Walk { start, ask, take, waiting: Mutex::new(first), changed: Condvar::new() };
    let mut buffer = Vec::with_capacity(BUFFER);
    let mut listings = vec![];
    while let Some(place) = walk.next_of_few() {
        listings.push(walk.read(place, &mut buffer));
    }
    let others = thread::available_parallelism().map_or(1, usize::from) - 1;
    if !walk.waiting().places.is_empty() {
        thread::scope(|scope| {
            let others: Vec<_> = (0..others).map(|_| scope.spawn(|| walk.work())).collect();
            listings.extend(walk.work());
            for other in others {
                listings.extend(other.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
            }
        });
    }
    in_order(listings)
}

struct Walk<'a, T> {
    start: &'a Path,
    ask: Ask<'a>,
    take: Take<'a, T>,
    waiting: Mutex<Waiting>,
    /// Tells of directories that wait, and of the end.
    changed: Condvar,
}

/// The directories that nobody has read yet.
struct Waiting {
    places: Vec<Place>,
    /// How many were met: the number of the next.
    met: usize,
    /// How many are being read, in which more may be met.
    under_way: usize,
}

/// A directory: its number, and its path below the start.
struct Place {
    number: usize,
    path: Vec<u8>,
}

/// What is in a directory.
struct Listing<T> {
    number: usize,
    /// The number of the first directory that was met in it; the others follow.
    first: usize,
    found: Vec<Found<T>>,
}

/// An entry of a directory, as far as it matters.
struct Found<T> {
    taken: Option<Result<T, SourceError>>,
    /// Is it a directory that was put among those that wait?
    is_entered: bool,
}

impl<T: Send> Walk<'_, T> {
    /// Reads directories until none is left.
    fn work(&self) -> Vec<Listing<T>> {
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut listings = vec![];
        while let Some(place) = self.next() {
            listings.push(self.read(place, &mut buffer));
        }
        listings
    }

    /// Reads a directory, and puts those in it among those that wait.
    fn read(&self, place: Place, buffer: &mut Vec<u8>) -> Listing<T> {
        let mut dirs = vec![];
        let found = self.list(&place.path, buffer).map(|(dir, names)| {
            let each = names.into_iter();
            each.map(|(name, kind)| self.look(&dir, &place.path, &name, kind, &mut dirs)).collect()
        });
        let failed = |errno| {
            let taken = Some(Err(self.failed(&place.path, errno)));
            vec![Found { taken, is_entered: false }]
        };
        let found = found.unwrap_or_else(failed);
        Listing { number: place.number, first: self.enter(dirs), found }
    }

    /// The names in a directory, sorted, each with what the directory says that it is.
    fn list(&self, path: &[u8], buffer: &mut Vec<u8>) -> Result<(OwnedFd, Vec<(CString, FileType)>), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = openat(CWD, self.full(path), flags, Mode::empty())?;
        let mut names = vec![];
        let mut entries = RawDir::new(&dir, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                names.push((entry.file_name().to_owned(), entry.file_type()));
            }
        }
        names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok((dir, names))
    }

    /// Takes an entry of a directory, or not.
    fn look(
        &self,
        dir: &OwnedFd,
        above: &[u8],
        name: &CString,
        kind: FileType,
        dirs: &mut Vec<Vec<u8>>,
    ) -> Found<T> {
        let path = joined(above, name.to_bytes());
        let stat = || statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| self.failed(&path, errno));
        // Not every file system says in a directory what its entries are.
        let kind = match kind {
            FileType::Unknown => stat().map(|stat| FileType::from_raw_mode(stat.st_mode)),
            known => Ok(known),
        };
        let is_dir = match kind {
            Ok(kind) => kind == FileType::Directory,
            Err(error) => return Found { taken: Some(Err(error)), is_entered: false },
        };
        let text = String::from_utf8(path.clone());
        // Names that are no text match well enough to tell whether they would be taken.
        let step = match &text {
            Ok(text) => (self.ask)(text, is_dir),
            Err(_) => (self.ask)(&String::from_utf8_lossy(&path), is_dir),
        };
        let taken = (step == Step::Take).then(|| {
            let full = self.full(&path);
            match text {
                Ok(text) => (self.take)(text, full, &stat()?),
                Err(_) => Err(SourceError::NotUtf8 { path: full }),
            }
        });
        let is_entered = is_dir && step != Step::Skip;
        if is_entered {
            dirs.push(path);
        }
        Found { taken, is_entered }
    }

    /// A directory to be read; none when all were, by whomever.
    fn next(&self) -> Option<Place> {
        let mut waiting = self.waiting();
        loop {
            if let Some(place) = waiting.places.pop() {
                waiting.under_way += 1;
                return Some(place);
            }
            if waiting.under_way == 0 {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The same while few wait, for who reads alone.
    fn next_of_few(&self) -> Option<Place> {
        if self.waiting().places.len() < MANY { self.next() } else { None }
    }

    /// Puts what was met in a directory, which has been read now, among those that wait. Gives the number of the first.
    fn enter(&self, dirs: Vec<Vec<u8>>) -> usize {
        let mut waiting = self.waiting();
        let first = waiting.met;
        waiting.met += dirs.len();
        // The last comes first off the stack.
        waiting.places.extend((first..).zip(dirs).map(|(number, path)| Place { number, path }));
        waiting.under_way -= 1;
        self.changed.notify_all();
        first
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn full(&self, path: &[u8]) -> PathBuf {
        if path.is_empty() { self.start.into() } else { self.start.join(OsStr::from_bytes(path)) }
    }

    fn failed(&self, path: &[u8], errno: Errno) -> SourceError {
        let path = self.full(path);
        match errno {
            Errno::NOENT => SourceError::Missing { path },
            errno => SourceError::Read { path, source: errno.into() },
        }
    }
}

fn joined(above: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(above.len() + 1 + name.len());
    if !above.is_empty() {
        path.extend_from_slice(above);
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// All that was found, each directory followed by what is in it.
fn in_order<T>(mut listings: Vec<Listing<T>>) -> Vec<Result<T, SourceError>> {
    let count = listings.iter().map(|listing| listing.found.len()).sum();
    listings.sort_unstable_by_key(|listing| listing.number);
    let mut listings: Vec<(usize, vec::IntoIter<Found<T>>)> =
        listings.into_iter().map(|listing| (listing.first, listing.found.into_iter())).collect();
    let mut all = Vec::with_capacity(count);
    let mut inside = vec![0];
    while let Some((next, found)) = inside.last().and_then(|number| listings.get_mut(*number)) {
        let Some(Found { taken, is_entered }) = found.next() else {
            inside.pop();
            continue;
        };
        all.extend(taken);
        if is_entered {
            inside.push(*next);
            *next += 1;
        }
    }
    all
}
