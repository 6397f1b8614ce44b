//! The record of a package, as `docs/cache.md` describes it.

use crate::deb::{ControlFiles, DebEntry, DebKind, Scripts, Unpacked};
use cache::{Decoder, Encoder, PartRange};
use std::collections::BTreeMap;
use tree::{Meta, Sha256Digest, TreePath};

/// The version of the format. A change of it is also a change of the record's directory.
const VERSION: u32 = 2;

/// A package and the blob with its content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub blob: Sha256Digest,
    pub blob_size: u64,
    pub unpacked: Unpacked,
}

impl Record {
    pub fn encode(&self) -> Vec<u8> {
        let Unpacked { control, entries, files, built } = &self.unpacked;
        let mut out = Encoder::new();
        out.number(VERSION);
        out.digest(&self.blob);
        out.long(self.blob_size);
        out.long(*built);
        for text in [&control.control, &control.conffiles, &control.md5sums] {
            out.text(text.as_bytes());
        }
        let Scripts { preinst, postinst, prerm, postrm, triggers } = &control.scripts;
        for script in [preinst, postinst, prerm, postrm, triggers] {
            out.byte(script.is_some().into());
            out.text(script.as_deref().unwrap_or_default());
        }
        out.number(files.len() as u32);
        files.iter().for_each(|file| out.part(file));
        out.number(entries.len() as u32);
        for (path, entry) in entries {
            out.path(path);
            for number in [entry.meta.mode, entry.meta.uid, entry.meta.gid] {
                out.number(number);
            }
            match &entry.kind {
                DebKind::Directory => out.byte(b'd'),
                DebKind::File(number) => {
                    out.byte(b'f');
                    out.number(*number);
                }
                DebKind::Symlink(target) => {
                    out.byte(b'l');
                    out.text(target.as_bytes());
                }
            }
        }
        out.finish()
    }

    /// What a record says; nothing, if it is not one that [`encode`](Self::encode) makes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(bytes);
        if rest.number()? != VERSION {
            return None;
        }
        let blob = rest.digest()?;
        let blob_size = rest.long()?;
        let built = rest.long()?;
        let control = ControlFiles {
            control: rest.text()?.into(),
            conffiles: rest.text()?.into(),
            md5sums: rest.text()?.into(),
            scripts: Scripts {
                preinst: script(&mut rest)?,
                postinst: script(&mut rest)?,
                prerm: script(&mut rest)?,
                postrm: script(&mut rest)?,
                triggers: script(&mut rest)?,
            },
        };
        control.check().ok()?;
        let files = files(&mut rest, blob_size)?;
        let entries = entries(&mut rest, files.len())?;
        let unpacked = Unpacked { control, entries, files, built };
        (rest.left() == 0).then_some(Record { blob, blob_size, unpacked })
    }
}

fn script(rest: &mut Decoder<'_>) -> Option<Option<Vec<u8>>> {
    let there = rest.byte()?;
    let text = rest.text_bytes()?;
    match there {
        0 if text.is_empty() => Some(None),
        1 => Some(Some(text.to_vec())),
        _ => None,
    }
}

/// Files that stand one after the other, and are the whole blob together.
fn files(rest: &mut Decoder<'_>, blob_size: u64) -> Option<Vec<PartRange>> {
    let count = rest.number()?;
    // A count that the bytes cannot have asks for no memory.
    let mut files = Vec::with_capacity((count as usize).min(rest.left() / 49));
    let mut end = 0u64;
    for _ in 0..count {
        let file = rest.part(blob_size)?;
        if file.offset != end {
            return None;
        }
        end = end.checked_add(file.size)?;
        files.push(file);
    }
    (end == blob_size).then_some(files)
}

/// Entries in the order of their paths, each below directories.
fn entries(rest: &mut Decoder<'_>, files: usize) -> Option<BTreeMap<TreePath, DebEntry>> {
    let count = rest.number()?;
    let mut entries: Vec<(TreePath, DebEntry)> = vec![];
    for _ in 0..count {
        let path = rest.path()?;
        if entries.last().is_some_and(|(before, _)| *before >= path) {
            return None;
        }
        let meta = Meta {
            mode: rest.number().filter(|mode| *mode <= 0o7777)?,
            uid: rest.number()?,
            gid: rest.number()?,
            xattrs: BTreeMap::new(),
        };
        let kind = match rest.byte()? {
            b'd' => DebKind::Directory,
            b'f' => DebKind::File(rest.number().filter(|number| (*number as usize) < files)?),
            b'l' => DebKind::Symlink(rest.text()?.into()),
            _ => return None,
        };
        entries.push((path, DebEntry { kind, meta }));
    }
    Some(entries.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let entry = |kind, mode| DebEntry { kind, meta: Meta::root(mode) };
        let file = |offset, size| {
            let head = tree::Head::of(&b"#!/bin/sh"[..size as usize]);
            PartRange { offset, size, sha256: Sha256Digest([7; 32]), head }
        };
        let entries = [
            ("/", entry(DebKind::Directory, 0o755)),
            ("/usr", entry(DebKind::Directory, 0o755)),
            ("/usr/é", entry(DebKind::File(0), 0o4755)),
            ("/usr/è", entry(DebKind::File(0), 0o4755)),
            ("/usr/x", entry(DebKind::File(1), 0o644)),
            ("/usr/y", entry(DebKind::Symlink("x".into()), 0o777)),
        ];
        let control = ControlFiles {
            control: "Package: xx\nVersion: 1\nArchitecture: all\n".into(),
            scripts: Scripts { postinst: Some(b"#!".to_vec()), triggers: Some(vec![]), ..Default::default() },
            ..Default::default()
        };
        let entries = entries.map(|(path, entry)| (TreePath::parse(path).unwrap(), entry)).into();
        let unpacked = Unpacked { control, entries, files: vec![file(0, 3), file(3, 0)], built: 7 };
        Record { blob: Sha256Digest([9; 32]), blob_size: 3, unpacked }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Record::decode(&record().encode()).unwrap(), record());
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_read_without_harm() {
        let bytes = record().encode();
        for len in 0..bytes.len() {
            assert_eq!(Record::decode(&bytes[..len]), None, "{len} bytes");
        }
        assert_eq!(Record::decode(&[&bytes[..], b"x"].concat()), None);
        for at in 0..bytes.len() {
            for value in [0, 1, b'/', 0x7f, 0xff] {
                let mut spoiled = bytes.clone();
                spoiled[at] = value;
                // Some changes give another record that makes sense: the head of the record shows those.
                if let Some(read) = Record::decode(&spoiled) {
                    assert_eq!(Record::decode(&read.encode()).unwrap(), read);
                }
            }
        }
    }

    #[test]
    fn records_that_lie_are_none() {
        let spoil = |change: fn(&mut Record)| {
            let mut record = record();
            change(&mut record);
            Record::decode(&record.encode())
        };
        assert_eq!(spoil(|record| record.blob_size = 4), None);
        assert_eq!(spoil(|record| record.unpacked.files[1].offset = 2), None);
        assert_eq!(spoil(|record| record.unpacked.files[1].size = u64::MAX), None);
        assert_eq!(spoil(|record| record.unpacked.files.truncate(1)), None);
        assert_eq!(spoil(|record| record.unpacked.control.control = "Package: ../x".into()), None);
    }
}
