//! The record of a package, as `docs/cache.md` describes it.

use crate::deb::{ControlFiles, DebEntry, DebKind, Scripts, Unpacked};
use cache::PartRange;
use std::collections::BTreeMap;
use tree::{Meta, Sha256Digest, TreePath};

/// The version of the format. A change of it is also a change of the record's directory.
const VERSION: u32 = 1;

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
        let mut out = Encoder(vec![]);
        out.number(VERSION);
        out.0.extend(self.blob.0);
        out.0.extend(self.blob_size.to_le_bytes());
        out.0.extend(built.to_le_bytes());
        for text in [&control.control, &control.conffiles, &control.md5sums] {
            out.text(text.as_bytes());
        }
        let Scripts { preinst, postinst, prerm, postrm, triggers } = &control.scripts;
        for script in [preinst, postinst, prerm, postrm, triggers] {
            out.0.push(script.is_some().into());
            out.text(script.as_deref().unwrap_or_default());
        }
        out.number(files.len() as u32);
        for file in files {
            out.0.extend(file.offset.to_le_bytes());
            out.0.extend(file.size.to_le_bytes());
            out.0.extend(file.sha256.0);
        }
        out.number(entries.len() as u32);
        let mut last = "";
        for (path, entry) in entries {
            let path = path.as_str();
            let shared = last.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
            let shared = path.floor_char_boundary(shared);
            out.number(shared as u32);
            out.text(path.get(shared..).unwrap_or_default().as_bytes());
            last = path;
            for number in [entry.meta.mode, entry.meta.uid, entry.meta.gid] {
                out.number(number);
            }
            match &entry.kind {
                DebKind::Directory => out.0.push(b'd'),
                DebKind::File(number) => {
                    out.0.push(b'f');
                    out.number(*number);
                }
                DebKind::Symlink(target) => {
                    out.0.push(b'l');
                    out.text(target.as_bytes());
                }
            }
        }
        out.0
    }

    /// What a record says; nothing, if it is not one that [`encode`](Self::encode) makes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder(bytes);
        if rest.number()? != VERSION {
            return None;
        }
        let blob = rest.digest()?;
        let blob_size = rest.long()?;
        let built = rest.long()?;
        let control = ControlFiles {
            control: rest.string()?,
            conffiles: rest.string()?,
            md5sums: rest.string()?,
            scripts: Scripts {
                preinst: rest.script()?,
                postinst: rest.script()?,
                prerm: rest.script()?,
                postrm: rest.script()?,
                triggers: rest.script()?,
            },
        };
        control.check().ok()?;
        let files = rest.files(blob_size)?;
        let entries = rest.entries(files.len())?;
        let unpacked = Unpacked { control, entries, files, built };
        rest.0.is_empty().then_some(Record { blob, blob_size, unpacked })
    }
}

struct Encoder(Vec<u8>);

impl Encoder {
    fn number(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u32);
        self.0.extend(text);
    }
}

struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn digest(&mut self) -> Option<Sha256Digest> {
        self.array().map(Sha256Digest)
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = self.number()?;
        std::str::from_utf8(self.bytes(len.try_into().ok()?)?).ok()
    }

    fn string(&mut self) -> Option<String> {
        self.text().map(String::from)
    }

    fn script(&mut self) -> Option<Option<Vec<u8>>> {
        let [there] = self.array()?;
        let len = self.number()?;
        let text = self.bytes(len.try_into().ok()?)?;
        match there {
            0 if text.is_empty() => Some(None),
            1 => Some(Some(text.to_vec())),
            _ => None,
        }
    }

    /// Files that stand one after the other, and are the whole blob together.
    fn files(&mut self, blob_size: u64) -> Option<Vec<PartRange>> {
        let count = self.number()?;
        // A count that the bytes cannot have asks for no memory.
        let mut files = Vec::with_capacity((count as usize).min(self.0.len() / 48));
        let mut end = 0u64;
        for _ in 0..count {
            let file = PartRange { offset: self.long()?, size: self.long()?, sha256: self.digest()? };
            if file.offset != end {
                return None;
            }
            end = end.checked_add(file.size)?;
            files.push(file);
        }
        (end == blob_size).then_some(files)
    }

    /// Entries in the order of their paths, each below directories.
    fn entries(&mut self, files: usize) -> Option<BTreeMap<TreePath, DebEntry>> {
        let count = self.number()?;
        let mut entries: Vec<(TreePath, DebEntry)> = vec![];
        let mut last = String::new();
        for _ in 0..count {
            let shared = usize::try_from(self.number()?).ok()?;
            let rest = self.text()?;
            let text = [last.get(..shared)?, rest].concat();
            let path = TreePath::parse(&text).ok()?;
            if path.as_str() != text || entries.last().is_some_and(|(before, _)| *before >= path) {
                return None;
            }
            let meta = Meta {
                mode: self.number().filter(|mode| *mode <= 0o7777)?,
                uid: self.number()?,
                gid: self.number()?,
                xattrs: BTreeMap::new(),
            };
            let kind = match self.array()? {
                [b'd'] => DebKind::Directory,
                [b'f'] => DebKind::File(self.number().filter(|number| (*number as usize) < files)?),
                [b'l'] => DebKind::Symlink(self.string()?),
                _ => return None,
            };
            last = text;
            entries.push((path, DebEntry { kind, meta }));
        }
        Some(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let entry = |kind, mode| DebEntry { kind, meta: Meta::root(mode) };
        let file = |offset, size| PartRange { offset, size, sha256: Sha256Digest([7; 32]) };
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
