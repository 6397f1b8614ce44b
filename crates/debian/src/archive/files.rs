//! Files that a release lists: verified, kept, fetched once.

use super::access::{Access, Progress};
use super::error::{ArchiveError, Said};
use super::kept;
use super::release::Held;
use super::suites::{Suite, is_path};
use super::unpack::Packed;
use super::verify::{ListedFile, Listing};
use fetch::{Digest, Expect, FetchError, join, masked};
use std::fs::File;

/// The longest file that is fetched, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// A listed file that is at hand.
#[derive(Debug)]
pub(super) struct Found {
    /// Its path relative to the release.
    pub path: String,
    pub packed: Packed,
    pub file: File,
    /// Where it is from, for messages.
    pub origin: String,
}

/// A form in which a release lists a file.
#[derive(Debug, Clone)]
pub(super) struct Form {
    /// Its path relative to the release.
    pub path: String,
    pub packed: Packed,
    pub listed: ListedFile,
}

/// The forms in which a release lists a file, the best first.
pub(super) fn forms(listing: &Listing, name: &str) -> Vec<Form> {
    let form = |packed: Packed| {
        let path = format!("{name}{}", packed.ending());
        // Flat archives may list their files with a `./` before it.
        let listed = listing.files.get(&path).or_else(|| listing.files.get(&format!("./{path}")))?;
        Some(Form { path, packed, listed: *listed })
    };
    Packed::ALL.into_iter().filter_map(form).collect()
}

/// A file in the first of its forms that can be had.
pub(super) fn any(
    suite: &Suite,
    held: &Held,
    forms: Vec<Form>,
    access: Access<'_>,
) -> Result<(Found, Form), ArchiveError> {
    let mut path = String::new();
    let mut all = vec![];
    for form in forms {
        match file(suite, held, form.clone(), access) {
            Ok(found) => return Ok((found, form)),
            Err(ArchiveError::Index { said, .. }) => {
                let next = said.iter().any(Said::is_of_one_form);
                path = if path.is_empty() { form.path } else { path };
                all.extend(said);
                if !next {
                    break;
                }
            }
            Err(error) if all.is_empty() => return Err(error),
            // What was wrong with a better form tells more.
            Err(_) => break,
        }
    }
    Err(ArchiveError::Index { suite: suite.name.clone(), path, said: all })
}

/// A file that the release of a suite lists, in one form.
pub(super) fn file(
    suite: &Suite,
    held: &Held,
    Form { path, packed, listed }: Form,
    access: Access<'_>,
) -> Result<Found, ArchiveError> {
    if !is_path(&path) {
        return Err(ArchiveError::Path { suite: suite.name.clone(), path });
    }
    let plain = suite.place.path(&path);
    if listed.size > MAX_FILE {
        let origin = masked(&format!("{}/{plain}", suite.roots.url(held.root)));
        return Err(ArchiveError::TooLong { origin, limit: MAX_FILE });
    }
    if let Some(file) = kept::find(access.cache, &listed) {
        let origin = masked(&format!("{}/{plain}", suite.roots.url(held.root)));
        return Ok(Found { path, packed, file, origin });
    }
    let file = kept::new_file(access.cache)?;
    let expect = Expect::exactly(listed.size, listed.digest);
    let by_hash = held.listing.by_hash.then(|| by_hash(suite, &path, &listed));
    let (progress, size) = (access.progress, listed.size);
    let heard = |received| progress(Progress { path: &path, suite: &suite.name, size, received });
    let asked = suite.roots.ask(Some(held.root), |root| {
        for path in by_hash.iter().chain([&plain]) {
            let url = join(root, path).map_err(Said::Fetch)?;
            match access.client.download(&url, &file, &expect, &heard) {
                Ok(()) => return Ok(masked(&format!("{root}/{plain}"))),
                // Not every mirror has files by their hash, and those that do may have dropped this one.
                Err(
                    FetchError::NotFound { .. } | FetchError::Forbidden { .. } | FetchError::Status { .. },
                ) if path != &plain => {}
                Err(error) => return Err(Said::Fetch(error)),
            }
        }
        let url = masked(root);
        Err(Said::Fetch(FetchError::NotFound { url, status: None }))
    });
    let origin = match asked.map_err(ArchiveError::Fetch)? {
        Ok(origin) => origin,
        Err(said) => return Err(ArchiveError::Index { suite: suite.name.clone(), path, said }),
    };
    let kept = kept::keep(access.cache, &listed, &file);
    kept.map_err(|source| ArchiveError::Read { origin: origin.clone(), source })?;
    Ok(Found { path, packed, file, origin })
}

/// The path by which a file does not change while a mirror is updated.
fn by_hash(suite: &Suite, path: &str, listed: &ListedFile) -> String {
    let digest = listed.digest.to_string();
    let (_, hex) = digest.split_once(':').unwrap_or_default();
    let name = match listed.digest {
        Digest::Sha256(_) => "SHA256",
        Digest::Sha512(_) => "SHA512",
    };
    suite.place.path(&crate::release::by_hash(path, name, hex))
}
