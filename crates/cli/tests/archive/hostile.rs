//! Packages and indexes that mean harm: each is refused in words, soon, and nothing of it is left behind.

use crate::world::{Folder, Server, archive, base, files_below, has_in_order, libc, library};
use debian::testing::{Packing, TestArchive, TestPackage};
use std::time::{Duration, Instant};

/// An entry of a tar as it stands: type, name, link target, bytes.
type Raw<'a> = (u8, &'a [u8], &'a [u8], &'a [u8]);

fn header(kind: u8, name: &[u8], link: &[u8], size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o755);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_cksum();
    header
}

fn tar(entries: &[Raw<'_>]) -> Vec<u8> {
    let mut tar = vec![];
    for (kind, name, link, bytes) in entries {
        tar.extend(header(*kind, name, link, bytes.len() as u64).as_bytes());
        tar.extend(*bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.extend([0; 1024]);
    tar
}

/// Ten gigabytes in one, in parts that are compressed alike.
fn bomb(packing: Packing) -> Vec<u8> {
    const PART: u64 = 64 << 20;
    const PARTS: u64 = 160;
    let head = header(b'0', b"./usr/share/bomb", b"", PART * PARTS);
    let zeros = packing.pack(&vec![0; PART as usize]);
    let mut bytes = packing.pack(head.as_bytes());
    (0..PARTS).for_each(|_| bytes.extend(&zeros));
    bytes
}

/// Builds an image that wants `evil`, which must fail with these words, within a while and without a trace.
fn refused(evil: TestPackage, expected: &[&str]) {
    let (folder, server) = (Folder::new(), Server::of(&archive().package(evil)));
    folder.spec(&[server.url("debian")], "packages = [\"evil\"]");
    let before = files_below(folder.0.path());
    let start = Instant::now();
    let err = folder.fails(5, &["build"]);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    assert!(has_in_order(&err, expected), "{err}\n{expected:?}");
    assert!(err.len() < 2000 && !err.contains("panicked"), "{err}");
    let outside = |path: &std::path::PathBuf| !path.starts_with(folder.path("cache"));
    let after: Vec<_> = files_below(folder.0.path()).into_iter().filter(outside).collect();
    assert_eq!(after, before);
    // The cache is as good as before.
    folder.spec(&[server.url("debian")], "");
    let digest = folder.build(&[]);
    folder.forget();
    assert_eq!(folder.build(&["--locked"]), digest);
}

fn evil() -> TestPackage {
    TestPackage::new("evil")
}

#[test]
fn paths_that_lead_elsewhere() {
    let file = |name: &'static str| vec![(b'0', name.as_bytes(), &b""[..], &b"x"[..])];
    for (entries, expected) in [
        (file("../../outside"), &["evil 1.0", "`../../outside`", "leads outside of the package"][..]),
        (file("./usr/../../outside"), &["evil 1.0", "leads outside of the package"]),
        (file("/etc/passwd"), &["evil 1.0", "`/etc/passwd`", "is absolute"]),
        (file("./usr/a\nb"), &["evil 1.0", "./usr/a", "holds a control character"]),
        (file("./usr/\u{1b}[2J"), &["evil 1.0", "holds a control character"]),
        (vec![(b'0', b"./usr/\xff", b"", b"x")], &["evil 1.0", "is not UTF-8"]),
        ([file("./usr/a"), file("./usr/a")].concat(), &["`./usr/a`", "stands twice in the package"]),
        (vec![(b'3', b"./dev/mem", b"", b"")], &["`./dev/mem`", "which no image can have"]),
        (vec![(b'4', b"./dev/sda", b"", b"")], &["`./dev/sda`", "which no image can have"]),
        (vec![(b'6', b"./run/fifo", b"", b"")], &["`./run/fifo`", "which no image can have"]),
        (
            vec![(b'1', b"./usr/link", b"../../../etc/shadow", b"")],
            &["evil 1.0", "leads outside of the package"],
        ),
        (
            vec![(b'1', b"./usr/link", b"/etc/shadow", b"")],
            &["./usr/link", "is a hard link to `/etc/shadow`"],
        ),
        (
            vec![(b'2', b"./usr/dir", b"/tmp", b""), (b'0', b"./usr/dir/file", b"", b"x")],
            &["stands below", "which is no directory"],
        ),
        ([file("./usr/file"), file("./usr/file/x")].concat(), &["stands below", "which is no directory"]),
    ] {
        refused(evil().data("data.tar", tar(&entries)), expected);
    }
}

#[test]
fn links_without_an_end() {
    // Links may lead anywhere, as in any root file system; nobody follows them out of the image.
    let package = evil()
        .link("/usr/share/evil/loop", "loop")
        .link("/usr/share/evil/up", "../../../../../../../../etc/shadow")
        .link("/usr/share/evil/absolute", "/etc/shadow")
        .file("/usr/share/evil/x", "x");
    let (folder, server) = (Folder::new(), Server::of(&archive().package(package)));
    folder.spec(&[server.url("debian")], "packages = [\"evil\"]");
    let (code, _, err) = folder.bantam(&["build"]);
    assert!((code == 0 || code == 4) && !err.contains("panicked"), "{code} {err}");
    let root = std::fs::read_to_string("/etc/shadow").unwrap_or_default();
    assert!(root.is_empty() || !err.contains(&root), "{err}");
}

#[test]
fn more_than_anybody_has() {
    for (packing, name) in
        [(Packing::Gzip, "data.tar.gz"), (Packing::Xz, "data.tar.xz"), (Packing::Zstd, "data.tar.zst")]
    {
        refused(evil().data(name, bomb(packing)), &["evil 1.0", "more than", "bytes"]);
    }
}

#[test]
fn more_entries_than_anybody_has() {
    let mut entries = vec![];
    for number in 0..1_000_100u32 {
        entries.extend(header(b'5', format!("./usr/{number}").as_bytes(), b"", 0).as_bytes());
    }
    entries.extend([0; 1024]);
    refused(
        evil().data("data.tar.zst", Packing::Zstd.pack(&entries)),
        &["evil 1.0", "more than 1000000 entries"],
    );
}

#[test]
fn what_is_no_package() {
    let good = evil().file("/usr/share/evil/x", "x").deb();
    let mut size = good.clone();
    size[8 + 48..8 + 58].copy_from_slice(b"9999999999");
    let mut minus = good.clone();
    minus[8 + 48..8 + 58].copy_from_slice(b"-1        ");
    let mut end = good.clone();
    end[8 + 58] = b'x';
    for (deb, expected) in [
        (vec![], &["evil"][..]),
        (b"!<arch>\n".to_vec(), &["evil 1.0", "byte"]),
        (b"<html>not found</html>".to_vec(), &["evil 1.0", "byte 0"]),
        (good[..good.len() / 2].to_vec(), &["evil 1.0"]),
        (good[..good.len() - 3].to_vec(), &["evil 1.0"]),
        (size, &["evil 1.0", "the archive ends within a member"]),
        (minus, &["evil 1.0", "byte 8"]),
        (end, &["evil 1.0", "byte 8"]),
        (evil().data("data.tar.xz", &b"no xz"[..]).deb(), &["evil 1.0", "data.tar.xz"]),
        (evil().data("data.tar.lzma", &b"x"[..]).deb(), &["evil 1.0", "data.tar.lzma"]),
        (evil().data("data.tar", vec![b'x'; 2048]).deb(), &["evil 1.0", "data.tar is no tar"]),
    ] {
        refused(evil().raw(deb), expected);
    }
    // Another package than its index says.
    let other = TestPackage::new("other").version("3").file("/usr/share/evil/x", "x").deb();
    refused(evil().raw(other), &["evil 1.0 amd64: the package says of itself that it is other 3"]);
}

fn index(archive: TestArchive, expected: &[&str]) {
    let (folder, server) = (Folder::new(), Server::of(&archive));
    folder.spec(&[server.url("debian")], "packages = [\"evil\"]");
    let before = files_below(folder.0.path());
    let start = Instant::now();
    let (code, out, err) = folder.bantam(&["build"]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(
        matches!(code, 3..=5) && out.is_empty() && has_in_order(&err, expected),
        "{code} {err}\n{expected:?}"
    );
    assert!(err.len() < 3000 && !err.contains("panicked"), "{} {err:.3000}", err.len());
    let outside = |path: &std::path::PathBuf| !path.starts_with(folder.path("cache"));
    assert_eq!(files_below(folder.0.path()).into_iter().filter(outside).collect::<Vec<_>>(), before);
}

#[test]
fn indexes_that_mean_harm() {
    let stanza = |fields: &str| {
        let sha256 = "0".repeat(64);
        archive().stanza(&format!(
            "Package: evil\nVersion: 1.0\nArchitecture: amd64\nSize: 5\nSHA256: {sha256}\n{fields}\n\n"
        ))
    };
    for filename in
        ["../../etc/passwd", "/etc/passwd", "pool/../../x.deb", "file:///etc/passwd", "pool//x.deb"]
    {
        index(stanza(&format!("Filename: {filename}")), &[filename]);
    }
    index(stanza("Filename: http://example.com/x.deb"), &["http://example.com/x.deb"]);
    let whole = |text: &str| archive().stanza(text);
    index(
        whole(
            "Package: evil\nVersion: 1.0\nArchitecture: amd64\nSize: 99999999999999999999999\nFilename: x.deb\n\n",
        ),
        &["Size"],
    );
    index(
        whole("Package: evil\nVersion: 1.0\nArchitecture: amd64\nSize: -5\nFilename: x.deb\n\n"),
        &["Size"],
    );
    index(stanza(&format!("Filename: {}", "x".repeat(10 << 20))), &["evil"]);
    index(stanza(&format!("Filename: x.deb\nDepends: {}", "a, ".repeat(3 << 20))), &["evil"]);
    index(stanza("Filename: x.deb\nDepends: libfoo1 (>= "), &["evil"]);
    index(whole("no field at all\n\n"), &["Packages"]);
    index(whole("Package: ../evil\nVersion: 1.0\nArchitecture: amd64\nFilename: x\nSize: 1\n\n"), &["evil"]);
    // A size that no package has.
    let most = u64::MAX;
    index(
        whole(&format!(
            "Package: evil\nVersion: 1.0\nArchitecture: amd64\nSize: {most}\nSHA256: {}\nFilename: x.deb\n\n",
            "0".repeat(64)
        )),
        &["x.deb"],
    );
}

#[test]
fn releases_that_mean_harm() {
    let packages = "main/binary-amd64/Packages";
    let large = ["", ".gz", ".xz"]
        .iter()
        .fold(archive(), |archive, ending| archive.listed(&format!("{packages}{ending}"), 2 << 30));
    index(large, &["Packages.xz", "more than"]);
    index(archive().listed("../../../etc/passwd", 1), &[]);
    index(archive().field("Architectures", &"amd64 ".repeat(1 << 20)), &[]);
    index(archive().field("Date", "the day after tomorrow"), &["Date", "the day after tomorrow"]);
}

#[test]
fn contents_that_mean_harm() {
    let archive = || base().package(libc()).package(library("foo", 1, &[]));
    for lines in [
        &b"\xff\xfe\x00 libs/evil\n"[..],
        b"usr/lib/x86_64-linux-gnu/libfoo.so.1 libs/nowhere,../../x,,/,\n",
        b"../../../usr/lib/libfoo.so.1 libs/evil\n",
        b"no owner\n\n\n   \n",
        &[b'x'; 20 << 20],
    ] {
        let (folder, server) = (Folder::new(), Server::of(&archive().contents_lines(lines)));
        folder.spec(&[server.url("debian")], "");
        let (code, out, err) = folder.bantam(&["build"]);
        assert!(code == 0 && !out.is_empty() || code == 5 && err.contains("Contents"), "{code} {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}
