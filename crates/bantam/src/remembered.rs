//! What was found out about files in earlier runs, by what the file system says of them.
//!
//! A record holds all files of a target's images, each as in `docs/cache.md`. Files that are no longer there leave
//! it when it is written anew.

use crate::Target;
use cache::{Cache, RecordKind};
use plan::Plan;
use std::collections::BTreeMap;
use tree::{Content, FileIdentity, HEAD, Head, Known, Sha256Digest};

/// What is known of the files of the targets of a run.
#[derive(Default)]
pub(crate) struct Remembered {
    /// The record of each target that has one.
    records: BTreeMap<Sha256Digest, Files>,
}

impl source::Memory for Remembered {
    fn known(&self, identity: &FileIdentity) -> Known {
        let key = key_of(identity);
        self.records.values().find_map(|files| files.known(&key)).unwrap_or_default()
    }
}

impl Remembered {
    /// Reads what earlier runs left about targets. What cannot be read is forgotten.
    pub fn read<'a>(cache: &Cache, targets: impl IntoIterator<Item = &'a Target>) -> Self {
        let record = |target: &Target| {
            let key = target.record_key();
            Some((key, Files(cache.record(RecordKind::Facts, &key)?)))
        };
        Remembered { records: targets.into_iter().filter_map(record).collect() }
    }

    /// Leaves what is known now to the next run.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn write(&self, cache: &Cache, target: &Target, plans: &[Plan]) -> Result<(), cache::CacheError> {
        let contents =
            || plans.iter().flat_map(|plan| plan.tree.iter()).filter_map(|(_, entry)| entry.content());
        // What is in a blob is found there as fast.
        let contents = || contents().filter(|content| content.may_change());
        let key = target.record_key();
        let record = self.records.get(&key);
        if record.is_some_and(|record| record.says_all(contents())) {
            return Ok(());
        }
        let files = Files::of(contents());
        if record == Some(&files) {
            return Ok(());
        }
        cache.put_record(RecordKind::Facts, &key, &files.0)
    }
}

impl Target {
    /// Every target has records of its own: those of its spec, or of its program.
    pub(crate) fn record_key(&self) -> Sha256Digest {
        let program = || self.folder.join(self.spec.config.entrypoint.join("/").trim_start_matches('/'));
        let path = self.file.clone().unwrap_or_else(program);
        let path = std::path::absolute(&path).unwrap_or(path);
        Sha256Digest::of(path.as_os_str().as_encoded_bytes())
    }
}

/// The files of a record, sorted by their bytes: they are looked for where they are.
#[derive(PartialEq, Eq)]
struct Files(Vec<u8>);

const KEY: usize = 3 * 8 + 2 * 16;
/// Key, flags, length of the beginning, beginning, digest.
const FILE: usize = KEY + 1 + 1 + HEAD + 32;

const HAS_DIGEST: u8 = 1;
const HAS_HEAD: u8 = 2;

impl Files {
    fn of<'a>(contents: impl Iterator<Item = &'a Content>) -> Self {
        let mut files: Vec<[u8; FILE]> = contents.filter_map(encode).collect();
        files.sort_unstable();
        files.dedup();
        Files(files.concat())
    }

    fn known(&self, key: &[u8; KEY]) -> Option<Known> {
        // What is left over at the end is no file.
        let files = self.0.as_chunks::<FILE>().0;
        let at = files.binary_search_by(|file| file[..KEY].cmp(key)).ok()?;
        decode(files.get(at)?)
    }

    /// Is nothing known of these files but what is written here, and nothing written of others? It may say no where
    /// a file has several names.
    fn says_all<'a>(&self, contents: impl Iterator<Item = &'a Content>) -> bool {
        let mut count = 0;
        for content in contents.filter(|content| content.identity().is_some()) {
            if content.has_news() {
                return false;
            }
            count += usize::from(content.is_known());
        }
        count * FILE == self.0.len()
    }
}

/// What is found by its key; nothing where nothing is known of a file, or nothing tells it from others.
fn encode(content: &Content) -> Option<[u8; FILE]> {
    let (key, known) = (key_of(&content.identity()?), content.known());
    let Known { head, sha256 } = known;
    if known == Known::default() {
        return None;
    }
    let has = |it: bool, flag| if it { flag } else { 0 };
    let flags = has(sha256.is_some(), HAS_DIGEST) | has(head.is_some(), HAS_HEAD);
    let head = head.unwrap_or(Head::of(&[]));
    let digest = sha256.map_or([0; 32], |digest| digest.0);
    let mut file = [0; FILE];
    let len = [u8::try_from(head.len()).unwrap_or(0)];
    let padding = &[0; HEAD][head.len()..];
    let fields = [&key[..], &[flags], &len, &head, padding, &digest];
    for (to, from) in file.iter_mut().zip(fields.into_iter().flatten()) {
        *to = *from;
    }
    Some(file)
}

fn decode(file: &[u8; FILE]) -> Option<Known> {
    let (_, [flags, len, rest @ ..]) = file.split_first_chunk::<KEY>()? else { return None };
    let (head, digest) = rest.split_first_chunk::<HEAD>()?;
    let head = head.get(..usize::from(*len))?;
    let digest = digest.try_into().ok()?;
    Some(Known {
        head: (flags & HAS_HEAD != 0).then(|| Head::of(head)),
        sha256: (flags & HAS_DIGEST != 0).then_some(Sha256Digest(digest)),
    })
}

/// Files that were made together are near each other where the highest byte comes first.
fn key_of(identity: &FileIdentity) -> [u8; KEY] {
    let FileIdentity { device, inode, size, mtime, ctime } = identity;
    let mut key = [0; KEY];
    let numbers = [device, inode, size].map(|number| number.to_be_bytes());
    let times = [mtime, ctime].map(|time| time.to_be_bytes());
    for (to, from) in key.iter_mut().zip(numbers.as_flattened().iter().chain(times.as_flattened())) {
        *to = *from;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use tree::{ContentHandle, ReadAt};

    struct File(FileIdentity);

    impl ContentHandle for File {
        fn size(&self) -> u64 {
            self.0.size
        }

        fn open(&self) -> io::Result<Box<dyn ReadAt + '_>> {
            Ok(Box::new(&b"new"[..]))
        }

        fn origin(&self) -> String {
            "the test".into()
        }

        fn identity(&self) -> Option<FileIdentity> {
            Some(self.0)
        }
    }

    fn identity(inode: u64) -> FileIdentity {
        FileIdentity { device: 1, inode, size: 3, mtime: -4, ctime: 5 }
    }

    #[test]
    fn what_is_written_is_found_again() {
        let digest = |byte| Some(Sha256Digest([byte; 32]));
        let known = [
            (300, Known { head: Some(Head::of(&[])), sha256: None }),
            (2, Known { head: Some(Head::of(&[7; HEAD])), sha256: digest(9) }),
            (77, Known { head: None, sha256: digest(1) }),
            (5, Known::default()),
        ];
        let contents = known.map(|(inode, known)| Content::with_known(File(identity(inode)), known));
        let files = Files::of(contents.iter().chain(&contents));
        assert_eq!(files.0.len(), 3 * FILE, "what is known, each file once");
        for (inode, known) in known {
            let found = files.known(&key_of(&identity(inode)));
            assert_eq!(found.unwrap_or_default(), known, "{inode}");
        }
        assert_eq!(files.known(&key_of(&FileIdentity { ctime: 6, ..identity(2) })), None);
        assert_eq!(Files(files.0[..FILE - 1].to_vec()).known(&key_of(&identity(2))), None);
        assert_eq!(Files(vec![0xff; FILE]).known(&[0xff; KEY]), None, "a beginning that is too long");
    }

    #[test]
    fn a_record_is_written_anew_for_news_only() {
        let known = Known { head: Some(Head::of(b"new")), sha256: None };
        let contents = [1, 2].map(|inode| Content::with_known(File(identity(inode)), known));
        let files = Files::of(contents.iter());
        assert!(files.says_all(contents.iter()));
        assert!(!files.says_all(contents[..1].iter()), "one is gone");
        contents[1].sha256().unwrap();
        assert!(!files.says_all(contents.iter()), "a digest is known");
        let unknown = Content::new(File(identity(3)));
        assert!(
            files.says_all(
                [&contents[0], &Content::with_known(File(identity(2)), known), &unknown].into_iter()
            )
        );
        unknown.head(2).unwrap();
        assert!(!files.says_all(contents[..1].iter().chain([&unknown])), "another was read");
    }
}
