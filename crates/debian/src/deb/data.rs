//! The files of a package: `data.tar`.

use super::compression::TooLarge;
use super::error::{DebError, PathFault};
use super::limits::Limits;
use super::owners;
use cache::PartRange;
use oci::{EntryKind, Hashing, LayerEntry, RawNames, ReadLayerError, TarReader};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use tree::{Head, Meta, PathError, Sha256Digest, TreePath};

/// How much is read at a time.
const STEP: usize = 128 << 10;
/// The longest target of a symbolic link that Linux follows, in bytes.
const MAX_TARGET: usize = 4095;

/// An entry of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebEntry {
    /// What it is.
    pub kind: DebKind,
    /// Mode and owner. Packages have no extended attributes.
    pub meta: Meta,
}

/// What an entry of a package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DebKind {
    /// A directory.
    Directory,
    /// A regular file: its number in the list of ranges. Hard links have the same.
    File(u32),
    /// A symbolic link with its target as written.
    Symlink(String),
}

/// The entries of a `data.tar`, the root among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    pub entries: BTreeMap<TreePath, DebEntry>,
    pub files: Vec<PartRange>,
}

impl Data {
    /// Reads the plain tar called `member`, of at most `most` bytes, and writes the content of its files one after
    /// the other.
    pub fn read<W: Write>(
        reader: impl Read,
        (package, member): (&str, &str),
        (limits, most): (&Limits, u64),
        content: &mut Hashing<W>,
    ) -> Result<Self, DebError> {
        let mut tar = plain_tar(reader);
        let mut data = Data::default();
        let mut buf = vec![0; STEP];
        let (mut offset, mut names) = (0u64, 0);
        let too_much = |what, limit| DebError::TooMuch { package: package.into(), what, limit };
        while let Some(entry) = tar.next_entry().map_err(tar_error(package, member))? {
            let raw = tar.names().clone();
            let fault = |fault| path_error(package, &raw.name, fault);
            check_names(&raw, &entry).map_err(fault)?;
            names += entry.path.as_str().len() + raw.link.len();
            if names > limits.names {
                return Err(too_much("bytes in its paths", limits.names as u64));
            }
            if data.entries.len() >= limits.entries {
                return Err(too_much("entries", limits.entries as u64));
            }
            if data.entries.contains_key(&entry.path) {
                return Err(fault(PathFault::Twice));
            }
            let mut meta = meta(&entry.meta, &raw);
            let kind = match entry.kind {
                EntryKind::Directory => DebKind::Directory,
                EntryKind::Symlink(target) => DebKind::Symlink(target),
                EntryKind::HardLink(target) => match data.entries.get(&target) {
                    Some(DebEntry { kind: DebKind::File(number), meta: of_file }) => {
                        // The names of a file have one mode and one owner.
                        meta = of_file.clone();
                        DebKind::File(*number)
                    }
                    _ => return Err(fault(PathFault::HardLink(target.to_string()))),
                },
                EntryKind::File { size, .. } => {
                    if offset.saturating_add(size) > most {
                        return Err(too_much("bytes", most));
                    }
                    let (sha256, head) = copy(&mut tar, size, &mut buf, content, (package, member))?;
                    let number = u32::try_from(data.files.len()).unwrap_or(u32::MAX);
                    data.files.push(PartRange { offset, size, sha256, head });
                    offset += size;
                    DebKind::File(number)
                }
                EntryKind::Special(what) => return Err(fault(PathFault::Special(what))),
                EntryKind::Whiteout | EntryKind::Opaque => {
                    return Err(fault(PathFault::Special("a whiteout")));
                }
            };
            if entry.path.is_root() && kind != DebKind::Directory {
                return Err(fault(PathFault::Root));
            }
            data.entries.insert(entry.path, DebEntry { kind, meta });
        }
        only_zeros(tar.into_inner(), &mut buf, (package, member))?;
        data.check_parents().map_err(|(path, fault)| path_error(package, path.as_str().as_bytes(), fault))?;
        Ok(data)
    }

    /// Is everything that stands above an entry a directory, where the package has it?
    pub fn check_parents(&self) -> Result<(), (TreePath, PathFault)> {
        for path in self.entries.keys() {
            let Some(parent) = path.ancestors().find_map(|dir| Some((self.entries.get(&dir)?, dir))) else {
                continue;
            };
            if parent.0.kind != DebKind::Directory {
                return Err((path.clone(), PathFault::BelowNoDirectory(parent.1.to_string())));
            }
        }
        Ok(())
    }
}

/// A tar that is read from `reader`.
pub fn plain_tar<R: Read>(reader: R) -> TarReader<BufReader<R>> {
    TarReader::new(BufReader::with_capacity(STEP, reader))
}

/// What the tar reader says, with the package.
pub fn tar_error<'a>(package: &'a str, member: &'a str) -> impl FnOnce(ReadLayerError) -> DebError + 'a {
    move |error| {
        let fault = |path: &str, fault| path_error(package, path.as_bytes(), fault);
        match error {
            ReadLayerError::Read(source) => read_error(package, member, source),
            ReadLayerError::Escapes(path) => fault(&path, PathFault::Escapes),
            ReadLayerError::NotUtf8(path) => fault(&path, PathFault::NotUtf8),
            ReadLayerError::Path(PathError::TooLong(path)) => fault(&path, PathFault::TooLong),
            ReadLayerError::Path(PathError::Nul(path)) => fault(&path, PathFault::Control),
            source => DebError::Tar { package: package.into(), member: member.into(), source },
        }
    }
}

fn read_error(package: &str, member: &str, source: io::Error) -> DebError {
    match source.get_ref().and_then(|error| error.downcast_ref::<TooLarge>()) {
        Some(TooLarge { limit }) => {
            DebError::TooMuch { package: package.into(), what: "bytes", limit: *limit }
        }
        None => DebError::Decompress { package: package.into(), member: member.into(), source },
    }
}

/// An error about a path, which is shown so that no byte of it harms a terminal.
fn path_error(package: &str, path: &[u8], fault: PathFault) -> DebError {
    let path = String::from_utf8_lossy(path);
    let shown: String = path
        .chars()
        .take(300)
        .flat_map(|letter| {
            let plain = (!letter.is_control()).then_some(letter);
            plain.into_iter().chain(letter.escape_default().filter(move |_| plain.is_none()))
        })
        .collect();
    DebError::Path { package: package.into(), path: shown, fault }
}

/// What `tree::TreePath` lets pass and a package may not have.
fn check_names(names: &RawNames, entry: &LayerEntry) -> Result<(), PathFault> {
    let is_control = |name: &[u8]| name.iter().any(|byte| *byte < b' ' || *byte == 0x7f);
    if is_control(&names.name) {
        return Err(PathFault::Control);
    }
    if names.name.starts_with(b"/") {
        return Err(PathFault::Absolute);
    }
    if let EntryKind::Symlink(target) = &entry.kind
        && (target.is_empty() || target.len() > MAX_TARGET || is_control(target.as_bytes()))
    {
        return Err(PathFault::Target(target.escape_default().take(300).collect()));
    }
    Ok(())
}

/// The owner by its name, where that is one that all systems have, else by its number.
fn meta(meta: &Meta, names: &RawNames) -> Meta {
    Meta {
        mode: meta.mode,
        uid: owners::user_number(&names.user).unwrap_or(meta.uid),
        gid: owners::group_number(&names.group).unwrap_or(meta.gid),
        xattrs: BTreeMap::new(),
    }
}

fn copy<R: oci::Skip, W: Write>(
    tar: &mut TarReader<R>,
    size: u64,
    buf: &mut [u8],
    content: &mut Hashing<W>,
    (package, member): (&str, &str),
) -> Result<(Sha256Digest, Head), DebError> {
    let (mut hash, mut head) = (Sha256::new(), Head::of(&[]));
    let mut left = size;
    while left > 0 {
        let got = tar.read_content(buf).map_err(|error| read_error(package, member, error))?;
        let part = buf.get(..got).unwrap_or_default();
        hash.update(part);
        head.add(part);
        content.write_all(part).map_err(|source| DebError::Write { package: package.into(), source })?;
        left = left.saturating_sub(got as u64);
    }
    Ok((Sha256Digest(hash.finalize().into()), head))
}

/// Writers fill the last record with zeros; anything else after the end was put there to be overlooked.
fn only_zeros(
    mut reader: impl Read,
    buf: &mut [u8],
    (package, member): (&str, &str),
) -> Result<(), DebError> {
    loop {
        let got = match reader.read(buf) {
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read_error(package, member, error)),
        };
        if got == 0 {
            return Ok(());
        }
        if buf.iter().take(got).any(|byte| *byte != 0) {
            return Err(DebError::Trailing { package: package.into(), member: member.into() });
        }
    }
}
