//! Reading tars that somebody else wrote: every size, name and number is checked.
//!
//! Where writers differ, what Go's `archive/tar` makes of it counts, as container runtimes read
//! layers with it: a PAX record overrides the header, a GNU long name overrides both, and global PAX
//! headers say nothing about files.

use crate::tar_entry::{BLOCK, padding};
use crate::{Digest, ReadLayerError};
use std::collections::BTreeMap;
use std::io::{self, Read};
use tree::{Meta, TreePath};

/// The longest PAX header or GNU long name that is read, in bytes.
const MAX_HEADER: u64 = 1 << 20;
/// The most headers that a tar may have.
const MAX_ENTRIES: u64 = 8 << 20;

/// An entry of a tar that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerEntry {
    /// Where it stands; of a whiteout, what it takes away.
    pub path: TreePath,
    /// What it is.
    pub kind: EntryKind,
    /// Mode, owner and extended attributes.
    pub meta: Meta,
}

/// What an entry of a layer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
        /// Where its content starts in the plain tar.
        offset: u64,
        /// The digest of its content, where somebody read it all.
        digest: Option<Digest>,
    },
    /// A symbolic link with its target as written.
    Symlink(String),
    /// Another name of the file at this path.
    HardLink(TreePath),
    /// A device or fifo, in words.
    Special(&'static str),
    /// What lower layers have at the path, and below, is gone.
    Whiteout,
    /// What lower layers have below the path is gone.
    Opaque,
}

/// How a tar names an entry and its owners: bytes that nobody checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawNames {
    /// The name, as `./usr/bin/` or `/usr/bin`.
    pub name: Vec<u8>,
    /// The target of a link; empty for anything else.
    pub link: Vec<u8>,
    /// The owner's name, which may be empty.
    pub user: Vec<u8>,
    /// The group's name, which may be empty.
    pub group: Vec<u8>,
}

/// Bytes that can be passed over. The default reads them; a file can do better.
pub trait Skip: Read {
    /// Passes over `bytes` bytes.
    ///
    /// # Errors
    /// What reading says; `UnexpectedEof` when there are not as many.
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.take(bytes), &mut io::sink())?;
        if skipped == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl<R: Read> Skip for io::BufReader<R> {}
impl Skip for &[u8] {}

/// Reads the entries of a plain tar one after the other.
pub struct TarReader<R> {
    reader: R,
    offset: u64,
    /// Content of the last entry that was not read, and the zeros after it.
    pending: (u64, u64),
    names: RawNames,
    headers: u64,
    ended: bool,
}

/// What the headers before an entry say about it.
#[derive(Default)]
struct Overrides {
    pax: BTreeMap<Vec<u8>, Vec<u8>>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl<R: Skip> TarReader<R> {
    /// A reader at the start of a tar.
    pub fn new(reader: R) -> Self {
        TarReader { reader, offset: 0, pending: (0, 0), names: RawNames::default(), headers: 0, ended: false }
    }

    /// The next entry, or none at the end. Content that was not read is passed over. Whiteouts are
    /// plain files here.
    ///
    /// # Errors
    /// When the bytes are no tar, end too early, or hold something no layer may hold.
    pub fn next_entry(&mut self) -> Result<Option<LayerEntry>, ReadLayerError> {
        let mut overrides = Overrides::default();
        while let Some(block) = self.next_header()? {
            let header = tar::Header::from_byte_slice(&block);
            let size = self.number("size", &header.as_old().size)?;
            match header.as_old().linkflag[0] {
                b'x' => {
                    let body = self.body(size)?;
                    overrides.pax = self.pax_records(&body)?;
                }
                b'g' => {
                    self.body(size)?;
                }
                b'L' => overrides.long_name = Some(until_nul(&self.body(size)?)),
                b'K' => overrides.long_link = Some(until_nul(&self.body(size)?)),
                flag => return self.entry(flag, header, overrides).map(Some),
            }
        }
        Ok(None)
    }

    /// How the tar names the entry that came last, for those who are stricter than whoever reads layers.
    pub fn names(&self) -> &RawNames {
        &self.names
    }

    /// Reads the content of the entry that came last.
    ///
    /// # Errors
    /// What the reader says; `UnexpectedEof` when the tar ends within the content.
    pub fn read_content(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.pending.0).unwrap_or(usize::MAX).min(buf.len());
        let Some(part) = buf.get_mut(..most) else { return Ok(0) };
        let got = self.reader.read(part)?;
        if got == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.pending.0 -= got as u64;
        self.offset += got as u64;
        Ok(got)
    }

    /// The reader, wherever it stands.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// The next block that is no zero block, checked; none at the end.
    fn next_header(&mut self) -> Result<Option<[u8; BLOCK]>, ReadLayerError> {
        if self.ended {
            return Ok(None);
        }
        let (content, zeros) = std::mem::take(&mut self.pending);
        let skip = content.saturating_add(zeros);
        self.reader.skip(skip).map_err(|error| self.io(error))?;
        self.offset = self.offset.saturating_add(skip);
        self.headers += 1;
        if self.headers > MAX_ENTRIES {
            return Err(ReadLayerError::TooMuch { what: "entries", limit: MAX_ENTRIES });
        }
        let Some(block) = self.block()? else {
            self.ended = true;
            return Ok(None);
        };
        if block.iter().all(|byte| *byte == 0) {
            self.ended = true;
            return match self.block()? {
                Some(second) if second.iter().any(|byte| *byte != 0) => {
                    Err(self.malformed("a single empty block stands between entries"))
                }
                _ => Ok(None),
            };
        }
        let header = tar::Header::from_byte_slice(&block);
        let sum = |signed: bool| {
            let byte = |at: usize, byte: u8| match at {
                148..156 => i64::from(b' '),
                _ if signed => i64::from(byte as i8),
                _ => i64::from(byte),
            };
            block.iter().enumerate().map(|(at, value)| byte(at, *value)).sum::<i64>()
        };
        let told = self.number("checksum", &header.as_old().cksum)?;
        if ![sum(false), sum(true)].contains(&i64::try_from(told).unwrap_or(-1)) {
            return Err(self.malformed("the header's checksum is wrong"));
        }
        Ok(Some(block))
    }

    /// A whole block, or none where the stream ends between blocks.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, ReadLayerError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while let Some(rest @ [_, ..]) = block.get_mut(filled..) {
            match self.reader.read(rest) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(self.io(io::ErrorKind::UnexpectedEof.into())),
                Ok(got) => filled += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.io(error)),
            }
        }
        self.offset += BLOCK as u64;
        Ok(Some(block))
    }

    /// The body of a header that speaks of the next entry.
    fn body(&mut self, size: u64) -> Result<Vec<u8>, ReadLayerError> {
        if size > MAX_HEADER {
            return Err(ReadLayerError::TooMuch { what: "bytes in an extended header", limit: MAX_HEADER });
        }
        let mut body = vec![0; usize::try_from(size).unwrap_or(0)];
        self.reader.read_exact(&mut body).map_err(|error| self.io(error))?;
        self.offset += size;
        self.pending = (0, padding(size) as u64);
        Ok(body)
    }

    fn entry(
        &mut self,
        flag: u8,
        header: &tar::Header,
        overrides: Overrides,
    ) -> Result<LayerEntry, ReadLayerError> {
        let old = header.as_old();
        let Overrides { pax, long_name, long_link } = overrides;
        let pax_text = |key: &str| pax.get(key.as_bytes()).filter(|value| !value.is_empty());
        let pax_number = |this: &Self, key: &'static str, otherwise: &[u8]| match pax_text(key) {
            None => this.number(key, otherwise),
            Some(value) => std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| this.malformed(format!("the PAX record {key} is no number"))),
        };
        if flag == b'S' || pax.keys().any(|key| key.starts_with(b"GNU.sparse.")) {
            return Err(self.malformed("a sparse file, which layers cannot hold"));
        }
        let name =
            long_name.or_else(|| pax_text("path").cloned()).unwrap_or_else(|| header.path_bytes().into());
        let link =
            long_link.or_else(|| pax_text("linkpath").cloned()).unwrap_or_else(|| until_nul(&old.linkname));
        let owner = |key, field: Option<&[u8]>| {
            pax_text(key).cloned().unwrap_or_else(|| until_nul(field.unwrap_or_default()))
        };
        let [user, group] =
            [owner("uname", header.username_bytes()), owner("gname", header.groupname_bytes())];
        self.names = RawNames { name: name.clone(), link: link.clone(), user, group };
        let path = tree_path(&name)?;
        let size = pax_number(self, "size", &old.size)?;
        let id =
            |number: u64| u32::try_from(number).map_err(|_| self.malformed("an owner's number is too large"));
        let meta = Meta {
            mode: (self.number("mode", &old.mode)? & 0o7777) as u32,
            uid: id(pax_number(self, "uid", &old.uid)?)?,
            gid: id(pax_number(self, "gid", &old.gid)?)?,
            xattrs: xattrs(&pax),
        };
        let kind = match flag {
            0 if name.ends_with(b"/") => EntryKind::Directory,
            0 | b'0' | b'7' => {
                self.offset.checked_add(size).ok_or_else(|| self.malformed("a size is too large"))?;
                self.pending = (size, padding(size) as u64);
                EntryKind::File { size, offset: self.offset, digest: None }
            }
            b'1' => EntryKind::HardLink(tree_path(&link)?),
            b'2' => EntryKind::Symlink(match String::from_utf8(link) {
                Ok(target) if !target.contains('\0') => target,
                _ => return Err(self.malformed(format!("the target of the link {path} is no text"))),
            }),
            b'3' => EntryKind::Special("a character device"),
            b'4' => EntryKind::Special("a block device"),
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Special("a fifo"),
            _ => return Err(self.malformed(format!("{path} is of the unknown type {:?}", char::from(flag)))),
        };
        Ok(LayerEntry { path, kind, meta })
    }

    /// A number of a header: octal digits, or base 256 where the first bit is set.
    fn number(&self, field: &'static str, bytes: &[u8]) -> Result<u64, ReadLayerError> {
        let number = match bytes {
            [first, rest @ ..] if first & 0x80 != 0 => {
                rest.iter().try_fold(u64::from(first & 0x7f), |sum, byte| {
                    sum.checked_mul(256)?.checked_add((*byte).into())
                })
            }
            _ => {
                let text = std::str::from_utf8(&until_nul(bytes)).map(|text| text.trim().to_string());
                match text.as_deref() {
                    Ok("") => Some(0),
                    Ok(text) => u64::from_str_radix(text, 8).ok(),
                    Err(_) => None,
                }
            }
        };
        number.ok_or_else(|| self.malformed(format!("the field {field} is no number")))
    }

    /// `LENGTH KEY=VALUE\n`, one after the other; the last of a key counts.
    fn pax_records(&self, mut body: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ReadLayerError> {
        let wrong = || self.malformed("a PAX record is malformed");
        let mut records = BTreeMap::new();
        while !body.is_empty() {
            let blank = body.iter().position(|byte| *byte == b' ').ok_or_else(wrong)?;
            let (digits, _) = body.split_at(blank);
            let len = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<usize>().ok());
            let record = len.and_then(|len| body.get(blank + 1..len)).ok_or_else(wrong)?;
            let [record @ .., b'\n'] = record else { return Err(wrong()) };
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
            let (key, value) = record.split_at(equals);
            records.insert(key.to_vec(), value.get(1..).unwrap_or_default().to_vec());
            body = len.and_then(|len| body.get(len..)).unwrap_or_default();
        }
        Ok(records)
    }

    fn io(&self, source: io::Error) -> ReadLayerError {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.malformed("the tar ends too early"),
            _ => ReadLayerError::Read(source),
        }
    }

    fn malformed(&self, what: impl Into<String>) -> ReadLayerError {
        ReadLayerError::Malformed { offset: self.offset, what: what.into() }
    }
}

/// The path that a name in a tar stands for. A name may be absolute or begin with `./`; `..` has no
/// place in it.
fn tree_path(name: &[u8]) -> Result<TreePath, ReadLayerError> {
    let lossy = || String::from_utf8_lossy(name).into_owned();
    let text = std::str::from_utf8(name).map_err(|_| ReadLayerError::NotUtf8(lossy()))?;
    if text.split('/').any(|part| part == "..") {
        return Err(ReadLayerError::Escapes(lossy()));
    }
    TreePath::root().join(text).map_err(ReadLayerError::Path)
}

fn xattrs(pax: &BTreeMap<Vec<u8>, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let named = |(key, value): (&Vec<u8>, &Vec<u8>)| {
        let name = std::str::from_utf8(key.strip_prefix(b"SCHILY.xattr.")?).ok()?;
        Some((name.to_string(), value.clone()))
    };
    pax.iter().filter_map(named).collect()
}

fn until_nul(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().take_while(|byte| *byte != 0).collect()
}
