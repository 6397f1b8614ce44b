//! What the cache keeps of archives: files by their digests, and the releases that were last seen.

use super::error::ArchiveError;
use super::verify::{ListedFile, Signed};
use cache::{Cache, RecordKind};
use fetch::Digest;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use tree::Sha256Digest;

/// A file to download to. Where the cache cannot have one, it is somewhere else.
pub(super) fn new_file(cache: &Cache) -> Result<File, ArchiveError> {
    cache
        .new_file()
        .or_else(|_| tempfile::tempfile())
        .map_err(|source| ArchiveError::Write { path: std::env::temp_dir(), source })
}

/// A file that is kept, by whatever digest it is known.
pub(super) fn find(cache: &Cache, listed: &ListedFile) -> Option<File> {
    let digest = match listed.digest {
        Digest::Sha256(digest) => Sha256Digest(digest),
        Digest::Sha512(digest) => {
            let known = cache.record(RecordKind::Archives, &sha512_key(&digest))?;
            Sha256Digest(known.try_into().ok()?)
        }
    };
    cache.blob(&digest, listed.size)
}

/// Keeps a file that has the digest and is not written to any more. A cache that cannot keep it costs time only.
pub(super) fn keep(cache: &Cache, listed: &ListedFile, file: &File) -> io::Result<()> {
    let digest = match listed.digest {
        Digest::Sha256(digest) => Sha256Digest(digest),
        Digest::Sha512(sha512) => {
            let digest = hash(file)?;
            let _ = cache.put_record(RecordKind::Archives, &sha512_key(&sha512), &digest.0);
            digest
        }
    };
    let _ = cache.put_blob(&digest, file);
    Ok(())
}

/// Keeps the release that a root has, to be found when nothing may be fetched.
pub(super) fn keep_release(cache: &Cache, root: &str, path: &str, signed: &Signed) {
    let (text, signatures): (&[u8], &[u8]) = match signed {
        Signed::Inline(text) => (text, &[]),
        Signed::Detached { text, signatures } => (text, signatures),
    };
    let mut payload = (text.len() as u64).to_le_bytes().to_vec();
    payload.extend(text);
    payload.extend(signatures);
    let _ = cache.put_record(RecordKind::Archives, &release_key(root, path), &payload);
}

/// The release that a root had when it was last asked. It has to be verified like any other.
pub(super) fn find_release(cache: &Cache, root: &str, path: &str) -> Option<Signed> {
    let payload = cache.record(RecordKind::Archives, &release_key(root, path))?;
    let (len, rest) = payload.split_first_chunk()?;
    let (text, signatures) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
    Some(match signatures {
        [] => Signed::Inline(text.into()),
        signatures => Signed::Detached { text: text.into(), signatures: signatures.into() },
    })
}

fn sha512_key(digest: &[u8; 64]) -> Sha256Digest {
    Sha256Digest::of(&[&b"sha512\0"[..], digest].concat())
}

fn release_key(root: &str, path: &str) -> Sha256Digest {
    Sha256Digest::of(format!("release\0{}\0{path}", root.trim_end_matches('/')).as_bytes())
}

fn hash(file: &File) -> io::Result<Sha256Digest> {
    let mut file = file;
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 256 << 10];
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(got) => hash.update(block.get(..got).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.rewind()?;
    Ok(Sha256Digest(hash.finalize().into()))
}
