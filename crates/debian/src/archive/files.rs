//! Files that a release lists: verified, kept, fetched once.

use super::error::{ArchiveError, Said};
use super::kept;
use super::release::Held;
use super::suites::{Suite, is_path};
use super::unpack::Packed;
use super::verify::{ListedFile, Listing};
use cache::Cache;
use fetch::{Client, Digest, Expect, FetchError, join, masked};
use std::fs::File;

/// A listed file that is at hand.
#[derive(Debug)]
pub(super) struct Found {
    /// Its path relative to the release.
    pub path: String,
    pub packed: Packed,
    pub file: File,
    /// Where it is from, for messages.
    pub origin: String,
    pub listed: ListedFile,
}

/// The best form in which a release lists a file; nothing, if it lists none.
pub(super) fn best(listing: &Listing, name: &str, forms: &[Packed]) -> Option<(String, Packed, ListedFile)> {
    forms.iter().find_map(|packed| {
        let path = format!("{name}{}", packed.ending());
        // Flat archives may list their files with a `./` before it.
        let listed = listing.files.get(&path).or_else(|| listing.files.get(&format!("./{path}")))?;
        Some((path, *packed, *listed))
    })
}

/// A file that the release of a suite lists.
pub(super) fn file(
    suite: &Suite,
    held: &Held,
    (path, packed, listed): (String, Packed, ListedFile),
    client: &Client,
    cache: &Cache,
) -> Result<Found, ArchiveError> {
    if !is_path(&path) {
        return Err(ArchiveError::Path { suite: suite.name.clone(), path });
    }
    let plain = suite.place.path(&path);
    if let Some(file) = kept::find(cache, &listed) {
        let origin = masked(&format!("{}/{plain}", suite.roots.url(held.root)));
        return Ok(Found { path, packed, file, origin, listed });
    }
    let file = kept::new_file(cache)?;
    let expect = Expect::exactly(listed.size, listed.digest);
    let by_hash = held.listing.by_hash.then(|| by_hash(suite, &path, &listed));
    let asked = suite.roots.ask(Some(held.root), |root| {
        for path in by_hash.iter().chain([&plain]) {
            let url = join(root, path).map_err(Said::Fetch)?;
            match client.download(&url, &file, &expect, &|_| {}) {
                Ok(()) => return Ok(url),
                // Not every mirror has files by their hash, and those that do may have dropped this one.
                Err(FetchError::NotFound { .. } | FetchError::Forbidden { .. }) if path != &plain => {}
                Err(error) => return Err(Said::Fetch(error)),
            }
        }
        let url = masked(root);
        Err(Said::Fetch(FetchError::NotFound { url, status: None }))
    });
    let url = match asked.map_err(ArchiveError::Fetch)? {
        Ok(url) => url,
        Err(said) => return Err(ArchiveError::Index { suite: suite.name.clone(), path, said }),
    };
    let origin = masked(&url);
    let kept = kept::keep(cache, &listed, &file);
    kept.map_err(|source| ArchiveError::Read { origin: origin.clone(), source })?;
    Ok(Found { path, packed, file, origin, listed })
}

/// The path by which a file does not change while a mirror is updated.
fn by_hash(suite: &Suite, path: &str, listed: &ListedFile) -> String {
    let digest = listed.digest.to_string();
    let (_, hex) = digest.split_once(':').unwrap_or_default();
    let name = match listed.digest {
        Digest::Sha256(_) => "SHA256",
        Digest::Sha512(_) => "SHA512",
    };
    let hashed = format!("by-hash/{name}/{hex}");
    suite.place.path(&match path.rsplit_once('/') {
        Some((dir, _)) => format!("{dir}/{hashed}"),
        None => hashed,
    })
}
