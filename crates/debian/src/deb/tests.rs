use super::testing::{Compress, Tar, ar, control, deb, gzip, package, xz, zstd};
use super::{DebKind, Limits, Unpacked, read_deb};
use oci::Hashing;
use std::error::Error as _;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tree::Sha256Digest;

fn read_with(bytes: &[u8], limits: &Limits) -> Result<(Unpacked, Vec<u8>), String> {
    let mut content = vec![];
    let mut hashing = Hashing::new(&mut content);
    let read = read_deb(bytes, &Sha256Digest::of(bytes), "p_1", limits, &mut hashing);
    let read = read.map_err(|error| {
        let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        format!("{error}{source}")
    });
    Ok((read?, content))
}

fn read(bytes: &[u8]) -> Result<(Unpacked, Vec<u8>), String> {
    read_with(bytes, &Limits::PACKAGE)
}

fn listing(unpacked: &Unpacked) -> String {
    let mut text = String::new();
    for (path, entry) in &unpacked.entries {
        let kind = match &entry.kind {
            DebKind::Directory => "d".into(),
            DebKind::File(number) => {
                let file = unpacked.files[*number as usize];
                format!("f{number} {}+{}", file.offset, file.size)
            }
            DebKind::Symlink(target) => format!("l {target}"),
        };
        let meta = &entry.meta;
        writeln!(text, "{:o} {}:{} {path} {kind}", meta.mode, meta.uid, meta.gid).unwrap();
    }
    text
}

fn sample() -> Tar {
    Tar::default()
        .dir("./")
        .dir("./usr/")
        .raw(b'0', b"./usr/a", 0o4755, "0:0", b"", b"aaa")
        .hard_link("./usr/b", "./usr/a")
        .symlink("./usr/c", "/etc/passwd")
        .raw(b'0', b"./usr/shadow", 0o640, "root:shadow", b"", b"s")
        .raw(b'0', b"./usr/other", 0o640, "somebody:7", b"", b"")
}

#[test]
fn a_package_is_read_in_every_compression() {
    let control_tar = Tar::default()
        .dir("./")
        .file("./control", &control("pp"))
        .file("./postinst", "#!/bin/sh\n")
        .file("./unknown", "x")
        .end();
    let data = sample().end();
    let pack: [(&str, Compress); 4] = [("", <[u8]>::to_vec), (".gz", gzip), (".xz", xz), (".zst", zstd)];
    for (suffix, compress) in pack {
        let (control_name, data_name) = (format!("control.tar{suffix}"), format!("data.tar{suffix}"));
        let bytes = ar(&[
            ("debian-binary", b"2.0\n"),
            ("_signature", b"x"),
            (&control_name, &compress(&control_tar)),
            ("_more", b"xy"),
            (&data_name, &compress(&data)),
            ("later", b"x"),
        ]);
        let (unpacked, content) = read(&bytes).unwrap();
        assert_eq!(content, b"aaas", "{suffix}");
        assert_eq!(unpacked.control.control, control("pp"));
        assert_eq!(unpacked.control.scripts.postinst.as_deref(), Some(&b"#!/bin/sh\n"[..]));
        assert_eq!(unpacked.control.scripts.preinst, None);
        assert_eq!(unpacked.files[0].sha256, Sha256Digest::of(b"aaa"));
        insta::allow_duplicates!(insta::assert_snapshot!(listing(&unpacked), @"
        755 0:0 / d
        755 0:0 /usr d
        4755 0:0 /usr/a f0 0+3
        4755 0:0 /usr/b f0 0+3
        777 0:0 /usr/c l /etc/passwd
        640 1000:7 /usr/other f2 4+0
        640 0:42 /usr/shadow f1 3+1
        "));
    }
}

#[test]
fn packages_that_could_do_harm_are_refused() {
    let data = |tar: Tar| package("pp", tar);
    let bin = &b"2.0\n"[..];
    let control_tar = &Tar::default().file("./control", &control("pp")).end()[..];
    let members = |members: &[(&str, &[u8])]| ar(members);
    let controlled = |text: &str| deb(Tar::default().file("./control", text), Tar::default());
    let device = |flag| Tar::default().raw(flag, b"./dev/x", 0o666, "0:0", b"", b"");
    let mut flipped = package("pp", sample());
    flipped[300] ^= 1;
    let truncated = |cut| {
        let whole = package("pp", sample());
        whole[..whole.len() - cut].to_vec()
    };
    let mut broken_xz = xz(&sample().end());
    let middle = broken_xz.len() / 2;
    broken_xz[middle] ^= 0xff;
    let zipped = gzip(&sample().end());
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("climbs", data(Tar::default().file("../etc/passwd", "x"))),
        ("climbs within", data(Tar::default().file("./usr/../../etc/passwd", "x"))),
        ("absolute", data(Tar::default().file("/etc/passwd", "x"))),
        ("line feed", data(Tar::default().file("./a\nb", "x"))),
        ("escape", data(Tar::default().file("./a\x1b[31m", "x"))),
        ("not UTF-8", data(Tar::default().raw(b'0', b"./\xff", 0o644, "0:0", b"", b""))),
        ("long", data(Tar::default().raw(b'L', b"l", 0o644, "0:0", b"", &b"d/".repeat(3000)).file("x", ""))),
        ("character device", data(device(b'3'))),
        ("block device", data(device(b'4'))),
        ("fifo", data(device(b'6'))),
        ("hard link outside", data(Tar::default().hard_link("./a", "../../etc/shadow"))),
        ("hard link to nothing", data(Tar::default().hard_link("./a", "./etc/shadow"))),
        ("hard link to what comes later", data(Tar::default().hard_link("./a", "./b").file("./b", ""))),
        ("hard link to a link", data(Tar::default().symlink("./b", "/etc/shadow").hard_link("./a", "./b"))),
        ("through a link", data(Tar::default().symlink("./etc", "/etc").file("./etc/passwd", "x"))),
        ("below a file", data(Tar::default().file("./a/b", "").file("./a", ""))),
        ("twice", data(Tar::default().file("./a", "1").file("a", "2"))),
        ("file over directory", data(Tar::default().dir("./a/").file("./a", "2"))),
        ("directory over file", data(Tar::default().file("./a", "2").dir("./a/"))),
        ("empty target", data(Tar::default().symlink("./a", ""))),
        ("line feed in a target", data(Tar::default().symlink("./a", "x\ny"))),
        ("root that is a link", data(Tar::default().symlink("./", "/etc"))),
        ("unknown type", data(device(b'Z'))),
        ("after the end", {
            let mut tar = sample().end();
            tar.extend(b"more");
            members(&[("debian-binary", bin), ("control.tar", control_tar), ("data.tar", &tar)])
        }),
        ("cut in the last member", truncated(5_000)),
        ("cut in the middle", truncated(15_000)),
        ("garbage behind", [package("pp", sample()), b"garbage".to_vec()].concat()),
        ("a header damaged", flipped),
        (
            "xz damaged",
            members(&[("debian-binary", bin), ("control.tar", control_tar), ("data.tar.xz", &broken_xz)]),
        ),
        (
            "garbage behind gzip",
            members(&[
                ("debian-binary", bin),
                ("control.tar", control_tar),
                ("data.tar.gz", &[&zipped[..], b"zz"].concat()),
            ]),
        ),
        (
            "gzip cut",
            members(&[
                ("debian-binary", bin),
                ("control.tar", control_tar),
                ("data.tar.gz", &zipped[..zipped.len() - 12]),
            ]),
        ),
        (
            "not gzip",
            members(&[("debian-binary", bin), ("control.tar", control_tar), ("data.tar.gz", b"plain")]),
        ),
        (
            "bzip2",
            members(&[("debian-binary", bin), ("control.tar", control_tar), ("data.tar.bz2", b"BZh9")]),
        ),
        ("lzma", members(&[("debian-binary", bin), ("control.tar", control_tar), ("data.tar.lzma", b"x")])),
        ("no data", members(&[("debian-binary", bin), ("control.tar", control_tar)])),
        ("no control", members(&[("debian-binary", bin), ("data.tar", b"")])),
        ("another member", members(&[("debian-binary", bin), ("evil", b""), ("control.tar", control_tar)])),
        ("no debian-binary", members(&[("control.tar", control_tar)])),
        ("format 3", members(&[("debian-binary", b"3.0\n")])),
        ("no format", members(&[("debian-binary", b"")])),
        ("empty", vec![]),
        ("no control file", deb(Tar::default(), Tar::default())),
        ("no name", controlled("Version: 1\nArchitecture: all\n")),
        ("a name that is a path", controlled("Package: ../../x\nVersion: 1\nArchitecture: all\n")),
        ("an odd version", controlled("Package: xx\nVersion: 1 2\nArchitecture: all\n")),
        ("two paragraphs", controlled("Package: xx\nVersion: 1\nArchitecture: all\n\nPackage: yy\n")),
    ];
    let mut text = String::new();
    for (name, bytes) in cases {
        let outcome = read(&bytes).map(|_| "read").map_or_else(|error| error, String::from);
        writeln!(text, "{name}: {outcome}").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn another_digest_is_told_before_what_else_is_wrong() {
    for bytes in [package("pp", sample()), b"no archive at all".to_vec()] {
        let wanted = Sha256Digest([0; 32]);
        let error = read_deb(&bytes[..], &wanted, "p_1", &Limits::PACKAGE, &mut Hashing::new(vec![]));
        let found = Sha256Digest::of(&bytes);
        let want = format!("p_1: the package has the digest {found} instead of {wanted}");
        assert_eq!(error.unwrap_err().to_string(), want);
    }
}

/// Ten gigabytes of zeros in a few megabytes: what a decompressor makes of a short part that stands there often.
#[test]
fn bombs_are_put_out_quickly() {
    let zeros = vec![0; 64 << 20];
    let mut header = Tar::default().raw(b'0', b"./bomb", 0o644, "0:0", b"", b"").0;
    // The file says that it has all these zeros: base 256, for it is more than octal digits can say.
    let mut tar_header = tar::Header::new_gnu();
    tar_header.as_mut_bytes().copy_from_slice(&header);
    tar_header.set_size(10 << 30);
    tar_header.set_cksum();
    header.copy_from_slice(tar_header.as_bytes());
    let honest = Tar::default().file("./control", &control("pp")).end();
    let compress: [(&str, Compress); 3] =
        [("data.tar.gz", gzip), ("data.tar.xz", xz), ("data.tar.zst", zstd)];
    for (name, compress) in compress {
        let part = compress(&zeros);
        for start in [compress(&header), compress(&Tar::default().dir("./").0)] {
            let bomb = [start, part.repeat(160)].concat();
            assert!(bomb.len() < 64 << 20, "{name} {}", bomb.len());
            let bytes = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &honest), (name, &bomb)]);
            let limits = Limits { always: 1 << 20, expansion: 10, ..Limits::PACKAGE };
            let start = Instant::now();
            let error = read_with(&bytes, &limits).unwrap_err();
            assert!(error.starts_with("p_1: the package has more than "), "{name}: {error}");
            assert!(start.elapsed() < Duration::from_secs(5), "{name}: {:?}", start.elapsed());
        }
    }
}

#[test]
fn endless_lists_end_at_the_limits() {
    let limits = Limits { entries: 100, names: 2000, control_file: 10_000, ..Limits::PACKAGE };
    let many = (0..200).fold(Tar::default(), |tar, number| tar.file(&format!("./{number}"), ""));
    let long =
        (0..50).fold(Tar::default(), |tar, number| tar.symlink(&format!("./{number}"), &"x".repeat(90)));
    let fat = Tar::default().file("./control", &control("pp")).file("./md5sums", &"x".repeat(20_000));
    let crowded = (0..200).fold(Tar::default(), |tar, number| tar.file(&format!("./{number}"), ""));
    for (bytes, want) in [
        (package("pp", many), "p_1: the package has more than 100 entries"),
        (package("pp", long), "p_1: the package has more than 2000 bytes in its paths"),
        (deb(fat, Tar::default()), "p_1: the package has more than 10000 bytes in a control file"),
        (deb(crowded, Tar::default()), "p_1: the package has more than 100 control files"),
    ] {
        assert_eq!(read_with(&bytes, &limits).unwrap_err(), want);
    }
}

#[test]
fn a_window_that_takes_much_memory_is_refused() {
    let tar = Tar::default().dir("./").end();
    let limits = Limits { memory: 100, ..Limits::PACKAGE };
    let honest = Tar::default().file("./control", &control("pp")).end();
    let bytes = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &honest), ("data.tar.xz", &xz(&tar))]);
    let error = read_with(&bytes, &limits).unwrap_err();
    assert!(error.starts_with("p_1: data.tar.xz cannot be decompressed"), "{error}");
    // A zstd frame whose header asks for a window of 2 GiB, and nothing more.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00];
    let bytes = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &honest), ("data.tar.zst", &frame)]);
    let error = read(&bytes).unwrap_err();
    assert!(error.starts_with("p_1: data.tar.zst cannot be decompressed"), "{error}");
}

#[test]
fn no_changed_byte_does_harm() {
    let data = Tar::default()
        .dir("./usr/")
        .file("./usr/a", "aaa")
        .hard_link("./usr/b", "./usr/a")
        .symlink("./c", "a");
    let control_tar = Tar::default().file("./control", &control("pp")).end();
    let control_tar = gzip(&control_tar);
    let compress: [(&str, Compress); 4] =
        [("data.tar", <[u8]>::to_vec), ("data.tar.gz", gzip), ("data.tar.xz", xz), ("data.tar.zst", zstd)];
    let limits = Limits { always: 1 << 20, ..Limits::PACKAGE };
    for (name, compress) in compress {
        let data = compress(&data.clone().end());
        let whole = ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control_tar), (name, &data)]);
        let mut refused = 0;
        let length = whole.len().min(1500);
        for at in 0..length {
            for value in [0, b'0', 0x80, 0xff] {
                let mut spoiled = whole.clone();
                spoiled[at] = value;
                refused += usize::from(read_with(&spoiled, &limits).is_err());
            }
            refused += usize::from(read_with(&whole[..at], &limits).is_err());
        }
        assert!(refused > length, "{name}: {refused}");
    }
}
