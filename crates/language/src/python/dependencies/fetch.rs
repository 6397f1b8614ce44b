//! Brings wheels into the cache: unpacked ones are found there, others are downloaded, checked and unpacked.

use super::{
    place::Placed,
    tags::WheelName,
    wheel::{self, Stop, Unpack},
};
use crate::{
    LanguageError, Workshop,
    kept::{Keeper, Kept, key},
};
use ::fetch::{Digest, Expect, FetchError};
use oci::Hashing;
use plan::lock::{ArtifactKind, LockedArtifact};
use std::{
    fs::File,
    io::{self, Seek as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tree::Sha256Digest;

/// No wheel is longer, in bytes.
const MAX_WHEEL: u64 = 8 << 30;
/// So many are fetched at a time at most: an index is to be treated kindly.
const AT_A_TIME: usize = 6;

/// A wheel that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The distribution's name, as whoever wants it writes it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The name of the file.
    pub file: String,
    /// Its digest, where that is known.
    pub sha256: Option<Sha256Digest>,
    /// Its length in bytes, where that is known.
    pub size: Option<u64>,
    /// When it was published, in seconds since 1970; 0 where that is not known.
    pub date: i64,
    /// Where it is: a URL, or a path seen from the folder of the requirements. None: nobody asked yet.
    pub at: Option<String>,
    /// Does the requirement itself say where it is?
    pub direct: bool,
}

/// A wheel that was brought.
pub(super) struct Fetched {
    /// What a lock pins.
    pub pin: LockedArtifact,
    /// Its files.
    pub placed: Placed,
}

/// What came of a wheel.
pub(super) type Outcome = Result<Fetched, Failure>;

/// Why a wheel is not there.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is damaged: in words that follow "is damaged:".
    Damaged(String),
    /// It is not in the cache, and nobody asked where it is.
    Nowhere,
    /// It cannot be had.
    Failed(LanguageError),
}

/// Brings wheels, in their order. `folder` is what their paths are seen from.
pub(super) fn all(workshop: &Workshop<'_>, folder: &Path, wanted: &[Wanted]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Outcome)>> = Mutex::default();
    let workers = workshop.jobs.get().min(AT_A_TIME).min(wanted.len().max(1));
    // The workshop as a whole is not for several threads; these parts are.
    let shop = Shop { cache: workshop.cache, client: workshop.client, offline: workshop.offline, folder };
    let work = || {
        while let Some((index, wheel)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            wanted.get(index).map(|wheel| (index, wheel))
        } {
            let outcome = shop.bring(wheel);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, outcome));
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The file of this machine that a place names; none where the place is elsewhere. `folder` is what paths are seen from.
pub(super) fn local_path(folder: &Path, at: &str) -> Option<PathBuf> {
    match at.contains("://") {
        true => ::fetch::http::Url::parse(at).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok(),
        false => Some(folder.join(at)),
    }
}

struct Shop<'a> {
    cache: &'a cache::Cache,
    client: &'a ::fetch::Client,
    offline: bool,
    folder: &'a Path,
}

impl Shop<'_> {
    fn bring(&self, wanted: &Wanted) -> Outcome {
        if let Some(sha256) = &wanted.sha256
            && let Some(kept) = Kept::open(self.cache, &key(wheel::DOMAIN, &[&sha256.0]))
            && let Some(size) =
                kept.note.parse().ok().filter(|size| wanted.size.is_none_or(|known| known == *size))
        {
            return Ok(fetched(wanted, *sha256, size, kept));
        }
        let url = self.url(wanted, wanted.at.as_ref().ok_or(Failure::Nowhere)?)?;
        let file = tempfile::tempfile().map_err(LanguageError::write(std::env::temp_dir()))?;
        let expect = Expect {
            size: wanted.size,
            digest: wanted.sha256.map(|digest| Digest::Sha256(digest.0)),
            limit: wanted.size.unwrap_or(MAX_WHEEL),
        };
        match self.client.download(&url, &file, &expect, &|_| {}) {
            Ok(()) => {}
            Err(error @ (FetchError::Digest { .. } | FetchError::Size { .. })) => {
                return Err(Failure::Damaged(error.to_string()));
            }
            Err(source) => {
                let what = wanted.file.clone();
                return Err(Failure::Failed(LanguageError::Fetch { what, source: Box::new(source) }));
            }
        }
        let written = LanguageError::write(std::env::temp_dir());
        let sha256 = match wanted.sha256 {
            Some(sha256) => sha256,
            None => digest_of(&file).map_err(written)?,
        };
        let size = file.metadata().map_err(LanguageError::read(&wanted.file))?.len();
        let name = WheelName::parse(&wanted.file)
            .ok_or_else(|| Failure::Damaged(format!("{} is no name of a wheel", wanted.file)))?;
        let key = key(wheel::DOMAIN, &[&sha256.0]);
        let keeper =
            Keeper::new(self.cache, key, &wanted.file).map_err(LanguageError::write(self.cache.dir()))?;
        let note = size.to_string();
        let how = Unpack { name: &name, built_here: false, note: &note };
        match wheel::unpack(&file, keeper, &how) {
            Ok(kept) => Ok(fetched(wanted, sha256, size, kept)),
            Err(Stop::Damaged(why)) => Err(Failure::Damaged(why)),
            Err(Stop::Io(error)) => Err(Failure::Failed(LanguageError::write(self.cache.dir())(error))),
        }
    }

    fn url(&self, wanted: &Wanted, at: &str) -> Result<String, LanguageError> {
        let unavailable = || LanguageError::Offline { what: wanted.file.clone() };
        if at.contains("://") {
            let is_local = at.starts_with("file:");
            return if self.offline && !is_local { Err(unavailable()) } else { Ok(at.into()) };
        }
        let path: PathBuf = self.folder.join(at);
        let path = std::path::absolute(&path).map_err(LanguageError::read(&path))?;
        let url = ::fetch::http::Url::from_file_path(&path);
        url.map(Into::into).map_err(|()| LanguageError::read(&path)(std::io::ErrorKind::InvalidInput.into()))
    }
}

fn fetched(wanted: &Wanted, sha256: Sha256Digest, size: u64, kept: Kept) -> Fetched {
    let Wanted { name, version, file, date, at, direct, .. } = wanted.clone();
    let of = format!("{name} {version}");
    let pin = LockedArtifact {
        kind: ArtifactKind::Wheel,
        name,
        version,
        file,
        sha256,
        size,
        date,
        url: at.filter(|_| direct).map(|at| without_secrets(&at)),
    };
    Fetched { pin, placed: Placed { of, kept } }
}

/// A URL without who asks: a lock is for everybody to read. A path is as it was.
fn without_secrets(at: &str) -> String {
    match ::fetch::http::Url::parse(at) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            // Neither fails for a URL that has a user.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.into()
        }
        _ => at.to_owned(),
    }
}

fn digest_of(mut file: &File) -> io::Result<Sha256Digest> {
    file.rewind()?;
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut file, &mut hashing)?;
    Ok(Sha256Digest(*hashing.finish().0.bytes()))
}

impl From<LanguageError> for Failure {
    fn from(error: LanguageError) -> Self {
        Failure::Failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn a_lock_tells_no_secrets() {
        for (at, want) in [
            ("https://me:secret@files.example/a.whl#x", "https://files.example/a.whl#x"),
            ("https://token@files.example/a.whl", "https://files.example/a.whl"),
            ("https://files.example/a%2Bb.whl", "https://files.example/a%2Bb.whl"),
            ("dist/a.whl", "dist/a.whl"),
        ] {
            assert_eq!(without_secrets(at), want);
        }
    }
}
