//! What was found out about files in earlier runs, by what the file system says of them.
//!
//! A record holds all files of a target's images, each as in `docs/cache.md`. Files that are no longer there leave
//! it when it is written anew.

use crate::Target;
use cache::{Cache, RecordKind};
use plan::Plan;
use std::collections::{BTreeMap, HashMap};
use tree::{FileIdentity, HEAD, Known, Sha256Digest};

/// What is known of the files of the targets of a run.
#[derive(Default)]
pub(crate) struct Remembered {
    known: HashMap<FileIdentity, Known>,
    /// The record of each target, as it was read.
    records: HashMap<Sha256Digest, Sha256Digest>,
}

impl source::Memory for Remembered {
    fn known(&self, identity: &FileIdentity) -> Known {
        self.known.get(identity).cloned().unwrap_or_default()
    }
}

impl Remembered {
    /// Reads what earlier runs left about targets. What cannot be read is forgotten.
    pub fn read<'a>(cache: &Cache, targets: impl IntoIterator<Item = &'a Target>) -> Self {
        let mut remembered = Remembered::default();
        for target in targets {
            let key = key(target);
            let Some(record) = cache.record(RecordKind::Facts, &key) else { continue };
            let Some(known) = decode(&record) else { continue };
            remembered.records.insert(key, Sha256Digest::of(&record));
            if remembered.known.is_empty() {
                remembered.known = known;
            } else {
                remembered.known.extend(known);
            }
        }
        remembered
    }

    /// Leaves what is known now to the next run.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn write(&self, cache: &Cache, target: &Target, plans: &[Plan]) -> Result<(), cache::CacheError> {
        let contents =
            plans.iter().flat_map(|plan| plan.tree.iter()).filter_map(|(_, entry)| entry.content());
        let known: BTreeMap<FileIdentity, Known> = contents
            .filter_map(|content| Some((content.identity()?, content.known())))
            .filter(|(_, known)| *known != Known::default())
            .collect();
        let (key, record) = (key(target), encode(&known));
        if self.records.get(&key) == Some(&Sha256Digest::of(&record)) {
            return Ok(());
        }
        cache.put_record(RecordKind::Facts, &key, &record)
    }
}

/// Every target has a record of its own: that of its spec, or of its program.
fn key(target: &Target) -> Sha256Digest {
    let program = || target.folder.join(target.spec.config.entrypoint.join("/").trim_start_matches('/'));
    let path = target.file.clone().unwrap_or_else(program);
    let path = std::path::absolute(&path).unwrap_or(path);
    Sha256Digest::of(path.as_os_str().as_encoded_bytes())
}

const HAS_DIGEST: u8 = 1;
const HAS_HEAD: u8 = 2;

fn encode(known: &BTreeMap<FileIdentity, Known>) -> Vec<u8> {
    let mut out = vec![];
    for (FileIdentity { device, inode, size, mtime, ctime }, Known { head, sha256 }) in known {
        for number in [device, inode, size] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&mtime.to_le_bytes());
        out.extend_from_slice(&ctime.to_le_bytes());
        let has = |it: bool, flag| if it { flag } else { 0 };
        out.push(has(sha256.is_some(), HAS_DIGEST) | has(head.is_some(), HAS_HEAD));
        if let Some(digest) = sha256 {
            out.extend_from_slice(&digest.0);
        }
        if let Some(head) = head {
            out.push(u8::try_from(head.len()).unwrap_or(0));
            out.extend_from_slice(head);
        }
    }
    out
}

fn decode(mut bytes: &[u8]) -> Option<HashMap<FileIdentity, Known>> {
    fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (taken, rest) = bytes.split_first_chunk::<N>()?;
        *bytes = rest;
        Some(*taken)
    }
    let mut files = HashMap::with_capacity(bytes.len() / 128);
    while !bytes.is_empty() {
        let bytes = &mut bytes;
        let identity = FileIdentity {
            device: u64::from_le_bytes(take(bytes)?),
            inode: u64::from_le_bytes(take(bytes)?),
            size: u64::from_le_bytes(take(bytes)?),
            mtime: i128::from_le_bytes(take(bytes)?),
            ctime: i128::from_le_bytes(take(bytes)?),
        };
        let [flags] = take(bytes)?;
        let sha256 = if flags & HAS_DIGEST == 0 { None } else { Some(Sha256Digest(take(bytes)?)) };
        let head = if flags & HAS_HEAD == 0 { None } else { Some(take_head(bytes)?) };
        files.insert(identity, Known { head, sha256 });
    }
    Some(files)
}

fn take_head(bytes: &mut &[u8]) -> Option<Box<[u8]>> {
    let (len, rest) = bytes.split_first()?;
    let len = usize::from(*len);
    let (head, rest) = rest.split_at_checked(len).filter(|_| len <= HEAD)?;
    *bytes = rest;
    Some(head.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let identity = |inode| FileIdentity { device: 1, inode, size: 3, mtime: -4, ctime: 5 };
        let known = |head: &[u8], sha256| Known { head: Some(head.into()), sha256 };
        let files: BTreeMap<FileIdentity, Known> = [
            (identity(1), known(b"", None)),
            (identity(2), known(&[7; HEAD], Some(Sha256Digest([9; 32])))),
            (identity(3), Known { head: None, sha256: Some(Sha256Digest([1; 32])) }),
        ]
        .into();
        let bytes = encode(&files);
        assert_eq!(decode(&bytes), Some(files.into_iter().collect()));
        assert_eq!(decode(&[]), Some(HashMap::new()));
        for cut in [1, 30, bytes.len() - 1] {
            assert_eq!(decode(&bytes[..cut]), None);
        }
    }
}
