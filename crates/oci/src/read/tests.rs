use super::*;
use crate::{TAR_END, TarEntry, TarKind, padding};
use proptest::prelude::*;
use std::io::Write as _;
use tree::Meta;

/// An entry of a hostile tar, header by header.
fn entry(flag: u8, name: &[u8], link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.set_mode(0o644);
    header.set_uid(1);
    header.set_gid(2);
    header.set_size(content.len() as u64);
    header.as_old_mut().linkflag = [flag];
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len() + padding(content.len() as u64), 0);
    bytes
}

fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = vec![];
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let len = (rest + 1..).find(|len| rest + len.to_string().len() == *len).unwrap();
        write!(body, "{len} {key}=").unwrap();
        body.extend_from_slice(value);
        body.push(b'\n');
    }
    entry(b'x', b"pax", b"", &body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The entries, or the error, in a line each.
fn read(bytes: &[u8]) -> String {
    let mut lines = vec![];
    let result = read_layer(bytes, "", |LayerEntry { path, kind, meta: Meta { mode, uid, gid, xattrs } }| {
        let kind = match kind {
            EntryKind::File { size, offset, digest } => {
                format!("{size} bytes at {offset}, {}", &digest.unwrap().hex()[..6])
            }
            other => format!("{other:?}"),
        };
        let xattrs = if xattrs.is_empty() { String::new() } else { format!(" {xattrs:?}") };
        lines.push(format!("{mode:o} {uid}:{gid} {path} {kind}{xattrs}"));
    });
    match result {
        Ok(_) => lines.join("\n"),
        Err(error) => match std::error::Error::source(&error) {
            None => error.to_string(),
            Some(cause) => format!("{error}: {cause}"),
        },
    }
}

#[test]
fn names_are_normal_whoever_wrote_them() {
    let long = "l".repeat(150);
    let tar = [
        entry(b'5', b"./", b"", b""),
        entry(b'5', b"./etc/", b"", b""),
        entry(b'0', b"/etc/passwd", b"", b"root"),
        entry(0, b"old-directory/", b"", b""),
        entry(b'0', b"etc//group/.", b"", b""),
        pax(&[
            ("path", b"from/pax"),
            ("uid", b"3000000"),
            ("SCHILY.xattr.user.a", b"\0=\n"),
            ("mtime", b"1.5"),
        ]),
        entry(b'0', b"ignored", b"", b""),
        entry(b'L', b"././@LongLink", b"", &[long.as_bytes(), b"\0"].concat()),
        entry(b'K', b"././@LongLink", b"", b"far/away\0"),
        entry(b'2', b"ignored", b"ignored", b""),
        entry(b'g', b"global", b"", b"20 path=all/of/them\n"),
        entry(b'1', b"hard", b"./etc/passwd", b""),
        entry(b'3', b"dev/null", b"", b""),
        TAR_END.to_vec(),
        b"what follows the end is passed over".to_vec(),
    ]
    .concat();
    insta::assert_snapshot!(read(&tar), @r#"
644 1:2 / Directory
644 1:2 /etc Directory
644 1:2 /etc/passwd 4 bytes at 1536, 481349
644 1:2 /old-directory Directory
644 1:2 /etc/group 0 bytes at 3072, e3b0c4
644 3000000:2 /from/pax 0 bytes at 4608, e3b0c4 {"user.a": [0, 61, 10]}
644 1:2 /llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll Symlink("far/away")
644 1:2 /hard HardLink(/etc/passwd)
644 1:2 /dev/null Special("a character device")
"#);
    assert_eq!(read(&tar), read(&gzip(&tar)));
    assert_eq!(read(&tar), read(&zstd::encode_all(&tar[..], 1).unwrap()));
}

#[test]
fn several_members_and_frames_read_as_one() {
    let tar = [entry(b'0', b"a", b"", &[b'x'; 2000]), TAR_END.to_vec()].concat();
    let (first, second) = tar.split_at(700);
    let members = [gzip(first), gzip(second)].concat();
    let frames = [zstd::encode_all(first, 1).unwrap(), zstd::encode_all(second, 1).unwrap()].concat();
    assert_eq!(read(&members), read(&tar));
    assert_eq!(read(&frames), read(&tar));
}

/// Gives a byte at a time, as a slow connection may.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(1);
        self.0.read(&mut buf[..most])
    }
}

#[test]
fn a_slow_reader_is_no_other_layer() {
    let tar = [entry(b'0', b"a", b"", &[b'x'; 2000]), TAR_END.to_vec()].concat();
    for bytes in [&tar, &gzip(&tar), &zstd::encode_all(&tar[..], 1).unwrap()] {
        assert_eq!(read_layer(Slow(bytes), "", |_| ()).unwrap().diff_id, Digest::of(&tar));
    }
}

/// A tar with its headers only: passing over content costs nothing.
struct Sparse {
    headers: Vec<u8>,
    at: usize,
}

impl Read for Sparse {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = (&self.headers[self.at..]).read(buf)?;
        self.at += got;
        Ok(got)
    }
}

impl crate::Skip for Sparse {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        // Less than a block is what pads a header.
        if bytes < 512 {
            self.at += bytes as usize;
        }
        Ok(())
    }
}

#[test]
fn files_may_be_larger_than_ustar_can_say() {
    let mut headers = vec![];
    let meta = Meta::root(0o644);
    for (name, size) in [("large", (8 << 30) + 1), ("after", 0), ("huge", 1 << 40)] {
        TarEntry { name, kind: TarKind::File(size), meta: &meta }.write_header(&mut headers);
    }
    headers.extend_from_slice(&TAR_END);
    let mut tar = TarReader::new(Sparse { headers, at: 0 });
    let mut found = vec![];
    while let Some(entry) = tar.next_entry().unwrap() {
        if let EntryKind::File { size, offset, .. } = entry.kind {
            found.push((entry.path.to_string(), size, offset));
        }
    }
    let second = 3 * 512 + (8 << 30) + 512;
    assert_eq!(
        found,
        [
            ("/large".into(), (8 << 30) + 1, 3 * 512),
            ("/after".into(), 0, second + 512),
            ("/huge".into(), 1 << 40, second + 4 * 512)
        ]
    );
}

#[test]
fn whiteouts_are_told() {
    let tar = [
        entry(b'0', b"etc/.wh.passwd", b"", b""),
        entry(b'0', b"var/.wh..wh..opq", b"", b""),
        entry(b'0', b".wh..wh.plnk", b"", b""),
        entry(b'0', b".wh..wh..opq", b"", b""),
    ]
    .concat();
    insta::assert_snapshot!(read(&tar), @"
644 1:2 /etc/passwd Whiteout
644 1:2 /var Opaque
644 1:2 / Opaque
");
}

#[test]
fn hostile_tars_are_refused() {
    let mut wrong_sum = entry(b'0', b"a", b"", b"");
    wrong_sum[0] = b'b';
    let mut huge = tar::Header::new_gnu();
    huge.set_entry_type(tar::EntryType::Regular);
    huge.set_size(u64::MAX);
    huge.set_cksum();
    let mut huge_pax = huge.clone();
    huge_pax.set_entry_type(tar::EntryType::XHeader);
    huge_pax.set_size(1 << 40);
    huge_pax.set_cksum();
    let lone_zeros = [&[0; 512][..], &entry(b'0', b"a", b"", b"")].concat();
    let long_path = "d/".repeat(3000);
    let mut wrong_digit = entry(b'0', b"a", b"", b"");
    wrong_digit[124] = b'9';
    let sum: u32 = 256
        + wrong_digit
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 0 } else { u32::from(*byte) })
            .sum::<u32>();
    wrong_digit[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("climbs", entry(b'0', b"../etc/passwd", b"", b"")),
        ("climbs within", entry(b'0', b"a/../b", b"", b"")),
        ("climbs by PAX", [pax(&[("path", b"a/../../b")]), entry(b'0', b"a", b"", b"")].concat()),
        ("hard link climbs", entry(b'1', b"a", b"../../etc/shadow", b"")),
        ("whiteout climbs", entry(b'0', b"a/.wh...", b"", b"")),
        ("not UTF-8", entry(b'0', b"caf\xe9", b"", b"")),
        ("NUL", [pax(&[("path", b"a\0b")]), entry(b'0', b"a", b"", b"")].concat()),
        ("long path", [pax(&[("path", long_path.as_bytes())]), entry(b'0', b"a", b"", b"")].concat()),
        ("NUL in a target", [pax(&[("linkpath", b"a\0b")]), entry(b'2', b"a", b"", b"")].concat()),
        ("not a tar", b"#!/bin/sh\n".repeat(100)),
        ("short", b"short".to_vec()),
        ("wrong checksum", wrong_sum),
        ("wrong digit", wrong_digit),
        ("cut content", entry(b'0', b"a", b"", &[1; 600])[..1000].to_vec()),
        ("endless", huge.as_bytes().to_vec()),
        ("endless PAX", huge_pax.as_bytes().to_vec()),
        ("lone zeros", lone_zeros),
        ("sparse", entry(b'S', b"a", b"", b"")),
        ("PAX sparse", [pax(&[("GNU.sparse.major", b"1")]), entry(b'0', b"a", b"", b"")].concat()),
        ("unknown type", entry(b'Z', b"a", b"", b"")),
        ("PAX without a number", entry(b'x', b"p", b"", b"x path=a\n")),
        ("PAX too long", entry(b'x', b"p", b"", b"99 path=a\n")),
        ("PAX of nothing", entry(b'x', b"p", b"", b"0 \n")),
        ("PAX without a newline", entry(b'x', b"p", b"", b"9 path=aX")),
        ("PAX size", [pax(&[("size", b"-1")]), entry(b'0', b"a", b"", b"")].concat()),
        ("PAX uid", [pax(&[("uid", b"4294967296")]), entry(b'0', b"a", b"", b"")].concat()),
        ("broken gzip", gzip(&entry(b'0', b"a", b"", b""))[..40].to_vec()),
        ("broken zstd", vec![0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ];
    let answers: Vec<String> = cases.iter().map(|(name, bytes)| format!("{name}: {}", read(bytes))).collect();
    insta::assert_snapshot!(answers.join("\n").replace(&long_path, "(long)"), @r#"
climbs: the tar holds `../etc/passwd`, which leads outside of it
climbs within: the tar holds `a/../b`, which leads outside of it
climbs by PAX: the tar holds `a/../../b`, which leads outside of it
hard link climbs: the tar holds `../../etc/shadow`, which leads outside of it
whiteout climbs: the tar holds `/a/.wh...`, which leads outside of it
not UTF-8: the tar holds the name `caf�`, which is not UTF-8
NUL: the tar holds a name that is no path: `a\0b` holds a NUL byte
long path: the tar holds a name that is no path: `(long)` is longer than a path may be
NUL in a target: byte 1536 of the tar: the target of the link /a is no text
not a tar: byte 512 of the tar: the field checksum is no number
short: byte 0 of the tar: the tar ends too early
wrong checksum: byte 512 of the tar: the header's checksum is wrong
wrong digit: byte 512 of the tar: the field size is no number
cut content: byte 1000 of the tar: the tar ends within a file
endless: byte 512 of the tar: a size is too large
endless PAX: the tar has more than 1048576 bytes in an extended header
lone zeros: byte 1024 of the tar: a single empty block stands between entries
sparse: byte 512 of the tar: a sparse file, which layers cannot hold
PAX sparse: byte 1536 of the tar: a sparse file, which layers cannot hold
unknown type: byte 512 of the tar: /a is of the unknown type 'Z'
PAX without a number: byte 521 of the tar: a PAX record is malformed
PAX too long: byte 522 of the tar: a PAX record is malformed
PAX of nothing: byte 515 of the tar: a PAX record is malformed
PAX without a newline: byte 521 of the tar: a PAX record is malformed
PAX size: byte 1536 of the tar: the PAX record size is no number
PAX uid: byte 1536 of the tar: an owner's number is too large
broken gzip: byte 0 of the tar: the tar ends too early
broken zstd: byte 0 of the tar: the tar ends too early
"#);
}

#[test]
fn the_media_type_must_be_right_where_it_is_known() {
    let tar = entry(b'0', b"a", b"", b"");
    let error = read_layer(&tar[..], crate::media_type::LAYER_GZIP, |_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the media type says compression gzip, the bytes are none");
    read_layer(&gzip(&tar)[..], crate::media_type::LAYER_GZIP, |_| ()).unwrap();
}

#[test]
fn an_empty_layer_is_one() {
    for bytes in [&[][..], &TAR_END, &TAR_END.repeat(10)] {
        let summary = read_layer(bytes, "", |entry| panic!("{entry:?}")).unwrap();
        assert_eq!(summary, LayerSummary { diff_id: Digest::of(bytes), tar_size: bytes.len() as u64 });
    }
}

/// A tar with a bit of everything, to be damaged.
fn honest() -> Vec<u8> {
    let mut tar = vec![];
    let meta = Meta { xattrs: [("user.a".to_string(), vec![1, 2])].into(), ..Meta::root(0o644) };
    for (name, kind) in [
        ("d", TarKind::Directory),
        ("d/f", TarKind::File(3)),
        ("d/é", TarKind::Symlink("f")),
        ("h", TarKind::HardLink("d/f")),
    ] {
        TarEntry { name, kind, meta: &meta }.write_header(&mut tar);
        if let TarKind::File(size) = kind {
            tar.extend_from_slice(b"abc");
            tar.resize(tar.len() + padding(size), 0);
        }
    }
    tar.extend_from_slice(&TAR_END);
    tar
}

/// Gives a damaged header a right checksum, so that what is behind it is reached.
fn mend_checksums(tar: &mut [u8]) {
    for block in tar.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

proptest! {
    #[test]
    fn damaged_tars_never_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        mend in any::<bool>(),
        compress in 0..3,
    ) {
        let mut tar = honest();
        for (at, byte) in damage {
            let at = at.index(tar.len());
            tar[at] = byte;
        }
        if mend {
            mend_checksums(&mut tar);
        }
        let whole = tar.len();
        tar.truncate(cut.index(2 * whole).min(whole));
        let bytes = match compress {
            0 => tar,
            1 => gzip(&tar),
            _ => zstd::encode_all(&tar[..], 1).unwrap(),
        };
        let mut entries = 0;
        let result = read_layer(&bytes[..], "", |entry| {
            entries += 1;
            assert!(entry.path.as_str().starts_with('/'));
        });
        prop_assert!(entries <= 8);
        if let Ok(summary) = result {
            prop_assert!(summary.tar_size as usize <= whole);
        }
    }

    #[test]
    fn damaged_streams_never_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        zstd in any::<bool>(),
    ) {
        let mut bytes = if zstd { zstd::encode_all(&honest()[..], 1).unwrap() } else { gzip(&honest()) };
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let digest = read_layer(&bytes[..], "", |_| ()).map(|summary| summary.tar_size);
        prop_assert!(digest.is_err() || digest.is_ok_and(|size| size < 1 << 20));
    }
}
