//! Headers of tar entries, the same bytes for the same entry everywhere.
//!
//! POSIX ustar; a PAX extended header stands before it only where ustar cannot say something. The
//! format is written down in `docs/layer-format.md`.

use std::collections::BTreeMap;
use std::io::Write as _;
use tree::Meta;

/// The time of every entry: 1 January 1980, in seconds since 1970. Not 0, which some readers take
/// for "no time".
pub const ENTRY_TIME: u64 = 315_532_800;

/// A tar is made of blocks of this many bytes.
pub(crate) const BLOCK: usize = 512;
/// Two empty blocks end a tar.
pub const TAR_END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Names from this length on do not fit ustar together with their NUL.
const LONG_NAME: usize = 100;
/// Ids from here on need more than seven octal digits.
const LARGE_ID: u32 = 1 << 21;
/// Sizes from here on need more than eleven octal digits.
const LARGE_SIZE: u64 = 1 << 33;
/// What the PAX header itself is called. Only readers that know no PAX see it.
const PAX_NAME: &str = "@PaxHeader";

/// An entry of a tar that is to be written.
#[derive(Debug, Clone, Copy)]
pub struct TarEntry<'a> {
    /// The name: no leading slash, and for a directory none at its end.
    pub name: &'a str,
    /// What it is.
    pub kind: TarKind<'a>,
    /// Mode, owner and extended attributes.
    pub meta: &'a Meta,
}

/// What an entry of a tar is.
#[derive(Debug, Clone, Copy)]
pub enum TarKind<'a> {
    /// A directory.
    Directory,
    /// A file with this many bytes of content.
    File(u64),
    /// A symbolic link with its target as written.
    Symlink(&'a str),
    /// Another name of the file that this earlier entry is.
    HardLink(&'a str),
}

impl TarEntry<'_> {
    /// Appends the header, with a PAX header before it where one is needed. Content follows, and
    /// [`padding`].
    pub fn write_header(&self, out: &mut Vec<u8>) {
        let directory_name;
        let name = match self.kind {
            TarKind::Directory => {
                directory_name = format!("{}/", self.name);
                &directory_name
            }
            _ => self.name,
        };
        let (flag, size, link) = match self.kind {
            TarKind::Directory => (b'5', 0, ""),
            TarKind::File(size) => (b'0', size, ""),
            TarKind::Symlink(target) => (b'2', 0, target),
            TarKind::HardLink(target) => (b'1', 0, target),
        };
        let Meta { mode, uid, gid, xattrs } = self.meta;

        let mut records: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut record = |needed: bool, key: &str, value: String| {
            if needed {
                records.insert(key.into(), value.into_bytes());
            }
        };
        record(!fits(name), "path", name.into());
        record(!fits(link), "linkpath", link.into());
        record(*uid >= LARGE_ID, "uid", uid.to_string());
        record(*gid >= LARGE_ID, "gid", gid.to_string());
        record(size >= LARGE_SIZE, "size", size.to_string());
        for (key, value) in xattrs {
            records.insert(format!("SCHILY.xattr.{key}"), value.clone());
        }
        if !records.is_empty() {
            let body = pax_body(&records);
            write_block(out, b'x', PAX_NAME, "", body.len() as u64, &Meta::root(0o644));
            out.extend_from_slice(&body);
            out.resize(out.len() + padding(body.len() as u64), 0);
        }
        let small = |id: u32| if id < LARGE_ID { id } else { 0 };
        let meta = Meta { mode: *mode, uid: small(*uid), gid: small(*gid), xattrs: BTreeMap::new() };
        write_block(out, flag, name, link, if size < LARGE_SIZE { size } else { 0 }, &meta);
    }
}

/// How many zeros follow content of this size.
pub fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

/// Can ustar write this name itself?
fn fits(name: &str) -> bool {
    name.len() < LONG_NAME && name.is_ascii()
}

fn write_block(out: &mut Vec<u8>, flag: u8, name: &str, link: &str, size: u64, meta: &Meta) {
    let mut header = tar::Header::new_ustar();
    copy_ascii(&mut header.as_old_mut().name, name);
    copy_ascii(&mut header.as_old_mut().linkname, link);
    header.set_mode(meta.mode & 0o7777);
    header.set_uid(meta.uid.into());
    header.set_gid(meta.gid.into());
    header.set_size(size);
    header.set_mtime(ENTRY_TIME);
    header.set_entry_type(tar::EntryType::new(flag));
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.set_device_major(0);
        ustar.set_device_minor(0);
    }
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
}

/// Writes what fits of a name. Where it does not fit whole, PAX has it; this is for readers that
/// know no PAX.
fn copy_ascii(field: &mut [u8; 100], name: &str) {
    let ascii = name.chars().map(|letter| if letter.is_ascii() { letter as u8 } else { b'_' });
    for (byte, letter) in field[..LONG_NAME - 1].iter_mut().zip(ascii) {
        *byte = letter;
    }
}

/// Records are `LENGTH KEY=VALUE\n`, where the length counts its own digits.
fn pax_body(records: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut body = vec![];
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut len = rest + 1;
        while rest + digits(len) > len {
            len += 1;
        }
        let _ = write!(body, "{len} {key}=");
        body.extend_from_slice(value);
        body.push(b'\n');
    }
    body
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, kind: TarKind<'_>, meta: &Meta) -> Vec<u8> {
        let mut out = vec![];
        TarEntry { name, kind, meta }.write_header(&mut out);
        out
    }

    /// What the fields of the last block say.
    fn fields(bytes: &[u8]) -> String {
        let block = &bytes[bytes.len() - BLOCK..];
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&block[range]).trim_end_matches('\0').to_string()
        };
        format!(
            "{} mode={} uid={} gid={} size={} mtime={} type={} link={} magic={:?} names={:?} dev={}/{}",
            text(0..100),
            text(100..108),
            text(108..116),
            text(116..124),
            text(124..136),
            text(136..148),
            text(156..157),
            text(157..257),
            text(257..265),
            text(265..329),
            text(329..337),
            text(337..345),
        )
    }

    /// The records of the PAX header that stands first.
    fn pax(bytes: &[u8]) -> String {
        let size = tar::Header::from_byte_slice(&bytes[..BLOCK]).size().unwrap() as usize;
        assert_eq!(bytes[156], b'x');
        String::from_utf8_lossy(&bytes[BLOCK..BLOCK + size]).into_owned()
    }

    #[test]
    fn plain_entries_are_one_block() {
        let meta = Meta { mode: 0o4755, uid: 65532, gid: 2_097_151, ..Meta::root(0) };
        insta::assert_snapshot!(fields(&header("usr/bin/x", TarKind::File(8_589_934_591), &meta)), @r#"usr/bin/x mode=0004755 uid=0177774 gid=7777777 size=77777777777 mtime=02263523000 type=0 link= magic="ustar\000" names="" dev=0000000/0000000"#);
        insta::assert_snapshot!(fields(&header("usr", TarKind::Directory, &Meta::root(0o755))), @r#"usr/ mode=0000755 uid=0000000 gid=0000000 size=00000000000 mtime=02263523000 type=5 link= magic="ustar\000" names="" dev=0000000/0000000"#);
        insta::assert_snapshot!(fields(&header("lib", TarKind::Symlink("usr/lib"), &Meta::root(0o777))), @r#"lib mode=0000777 uid=0000000 gid=0000000 size=00000000000 mtime=02263523000 type=2 link=usr/lib magic="ustar\000" names="" dev=0000000/0000000"#);
        for kind in [TarKind::Directory, TarKind::File(8_589_934_591), TarKind::HardLink("a")] {
            assert_eq!(header("x", kind, &meta).len(), BLOCK);
        }
    }

    #[test]
    fn what_ustar_cannot_say_is_said_by_pax() {
        let root = Meta::root(0o644);
        let long = "n".repeat(100);
        let fitting = "n".repeat(98);
        let capability = Meta {
            uid: LARGE_ID,
            gid: u32::MAX,
            xattrs: BTreeMap::from([("security.capability".into(), vec![1, 0, 0, 2, b'=', b'\n'])]),
            ..root.clone()
        };
        assert_eq!(header(&fitting, TarKind::Directory, &root).len(), BLOCK);
        assert_eq!(header(&fitting[1..], TarKind::Symlink(&long[1..]), &root).len(), BLOCK);
        insta::assert_debug_snapshot!(pax(&header(&long[1..], TarKind::Directory, &root)), @r#""110 path=nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn/\n""#);
        insta::assert_debug_snapshot!(pax(&header("x", TarKind::Symlink(&long), &root)), @r#""114 linkpath=nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\n""#);
        insta::assert_debug_snapshot!(pax(&header("é", TarKind::HardLink("ß"), &root)), @r#""15 linkpath=ß\n11 path=é\n""#);
        insta::assert_debug_snapshot!(pax(&header("x", TarKind::File(LARGE_SIZE), &capability)), @r#""43 SCHILY.xattr.security.capability=\u{1}\0\0\u{2}=\n\n18 gid=4294967295\n19 size=8589934592\n15 uid=2097152\n""#);
        insta::assert_snapshot!(fields(&header("né/", TarKind::File(LARGE_SIZE), &capability)), @r#"n_/ mode=0000644 uid=0000000 gid=0000000 size=00000000000 mtime=02263523000 type=0 link= magic="ustar\000" names="" dev=0000000/0000000"#);
        insta::assert_snapshot!(fields(&header("né/", TarKind::File(LARGE_SIZE), &capability)[..BLOCK]), @r#"@PaxHeader mode=0000644 uid=0000000 gid=0000000 size=00000000154 mtime=02263523000 type=x link= magic="ustar\000" names="" dev=0000000/0000000"#);
    }

    #[test]
    fn a_record_counts_its_own_digits() {
        for len in 0..1200 {
            let body = pax_body(&BTreeMap::from([("path".into(), vec![b'x'; len])]));
            let (count, _) = std::str::from_utf8(&body).unwrap().split_once(' ').unwrap();
            assert_eq!(count.parse(), Ok(body.len()));
        }
    }

    #[test]
    fn content_is_padded_to_blocks() {
        assert_eq!([0, 1, 511, 512, 513].map(padding), [0, 511, 1, 0, 511]);
    }
}
