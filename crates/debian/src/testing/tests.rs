use super::*;
use crate::keyring::Keyring;
use crate::release::Release;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 1 July 2024.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_719_792_000)
}

const PACKAGES: &str = "main/binary-amd64/Packages.xz";

fn archive() -> TestArchive {
    TestArchive::new().suite("bookworm").package(libfoo()).package(
        TestPackage::new("foo-data")
            .architecture("all")
            .component("contrib")
            .file("/usr/share/foo/a b", "data"),
    )
}

fn libfoo() -> TestPackage {
    TestPackage::new("libfoo1")
        .version("1:1.0-2")
        .depends("libc6 (>= 2.36)")
        .file("/usr/lib/x86_64-linux-gnu/libfoo.so.1.0", "a library")
        .link("/usr/lib/x86_64-linux-gnu/libfoo.so.1", "libfoo.so.1.0")
        .program("/usr/bin/foo", "a program")
        .script("postinst", "#!/bin/sh\nldconfig\n")
        .conffile("/etc/foo.conf", "a = b\n")
}

fn release(files: &BTreeMap<String, Vec<u8>>, archive: &TestArchive) -> Release {
    let keyring = Keyring::parse(archive.keyring().as_bytes()).unwrap();
    let text = keyring.verify_clearsigned(&files["dists/bookworm/InRelease"], now()).unwrap();
    assert_eq!(text, files["dists/bookworm/Release"]);
    keyring.verify_detached(&text, &files["dists/bookworm/Release.gpg"], now()).unwrap();
    Release::parse(&text).unwrap()
}

#[test]
fn an_archive_is_a_mirror_that_holds_together() {
    let archive = archive();
    let files = archive.files();
    assert_eq!(files, archive.files());
    let names: Vec<&str> =
        files.keys().map(String::as_str).filter(|name| !name.contains("by-hash")).collect();
    assert_eq!(
        names,
        [
            "dists/bookworm/InRelease",
            "dists/bookworm/Release",
            "dists/bookworm/Release.gpg",
            "dists/bookworm/contrib/Contents-all.gz",
            "dists/bookworm/contrib/Contents-amd64.gz",
            "dists/bookworm/contrib/binary-amd64/Packages",
            "dists/bookworm/contrib/binary-amd64/Packages.gz",
            "dists/bookworm/contrib/binary-amd64/Packages.xz",
            "dists/bookworm/main/Contents-all.gz",
            "dists/bookworm/main/Contents-amd64.gz",
            "dists/bookworm/main/binary-amd64/Packages",
            "dists/bookworm/main/binary-amd64/Packages.gz",
            "dists/bookworm/main/binary-amd64/Packages.xz",
            "pool/contrib/f/foo-data/foo-data_1.0_all.deb",
            "pool/main/libf/libfoo1/libfoo1_1.0-2_amd64.deb",
        ]
    );
    let release = release(&files, &archive);
    release.check(now(), "bookworm", false).unwrap();
    assert_eq!(release.components, ["contrib", "main"]);
    assert_eq!(release.architectures, ["all", "amd64"]);
    for (path, file) in release.files() {
        for path in [path.to_owned(), release.by_hash(path).unwrap()] {
            let bytes = &files[&format!("dists/bookworm/{path}")];
            assert_eq!(file.size, bytes.len() as u64, "{path}");
            assert!(file.checksum.is_of(bytes), "{path}");
        }
    }
    let packages = std::str::from_utf8(&files["dists/bookworm/main/binary-amd64/Packages"]).unwrap();
    assert!(packages.starts_with("Package: libfoo1\nVersion: 1:1.0-2\nArchitecture: amd64\n"), "{packages}");
    assert!(packages.contains("\nFilename: pool/main/libf/libfoo1/libfoo1_1.0-2_amd64.deb\n"), "{packages}");
    let mut xz = lzma_rust2::XzReader::new(&files["dists/bookworm/main/binary-amd64/Packages.xz"][..], false);
    let mut unpacked = String::new();
    xz.read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, packages);
    let mut contents = String::new();
    let gz = &files["dists/bookworm/contrib/Contents-all.gz"][..];
    flate2::read::GzDecoder::new(gz).read_to_string(&mut contents).unwrap();
    assert_eq!(
        contents.split_once("  ").map(|(path, rest)| (path, rest.trim())),
        Some(("usr/share/foo/a b", "contrib/libs/foo-data"))
    );
}

#[test]
fn an_archive_can_be_broken() {
    let of = |archive: TestArchive| {
        let files = archive.files();
        let release = release(&files, &archive);
        let file = *release.file(PACKAGES).unwrap();
        let bytes = files.get(&format!("dists/bookworm/{PACKAGES}")).cloned();
        (release, file, bytes)
    };
    let (_, file, bytes) = of(archive().wrong_size(PACKAGES));
    assert_eq!(file.size, bytes.unwrap().len() as u64 + 1);
    let (_, file, bytes) = of(archive().wrong_digest(PACKAGES));
    assert!(!file.checksum.is_of(&bytes.unwrap()));
    let (_, file, bytes) = of(archive().truncated(PACKAGES));
    assert_eq!(file.size / 2, bytes.unwrap().len() as u64);
    let (_, _, bytes) = of(archive().missing(PACKAGES));
    assert_eq!(bytes, None);
    let (release, file, bytes) = of(archive().sha512_only().also_signed_by(TestKey::stranger()));
    assert_eq!((release.check(now(), "bookworm", false), file.checksum.name()), (Ok(()), "SHA512"));
    assert!(file.checksum.is_of(&bytes.unwrap()));
    let (release, ..) = of(archive().expired());
    let error = release.check(now(), "bookworm", false).unwrap_err().to_string();
    assert_eq!(error, "the Release file of bookworm was valid until 2024-01-08T00:00:00Z");
    let text = archive().md5_only().files().remove("dists/bookworm/Release").unwrap();
    assert!(Release::parse(&text).is_err());
    let files = archive().unsigned().files();
    assert!(files.keys().all(|name| !name.ends_with("InRelease") && !name.ends_with(".gpg")));
    let files = archive().without_inrelease().without_by_hash().files();
    assert!(files.keys().all(|name| !name.ends_with("InRelease") && !name.contains("by-hash")));
    assert!(files.contains_key("dists/bookworm/Release.gpg"));
    let stranger = archive().signed_by(TestKey::stranger()).files();
    let keyring = Keyring::parse(archive().keyring().as_bytes()).unwrap();
    assert!(keyring.verify_clearsigned(&stranger["dists/bookworm/InRelease"], now()).is_err());
    let flat: Vec<String> = archive().flat().without_by_hash().files().into_keys().collect();
    assert_eq!(
        flat,
        [
            "InRelease",
            "Packages",
            "Packages.gz",
            "Packages.xz",
            "Release",
            "Release.gpg",
            "foo-data_1.0_all.deb",
            "libfoo1_1.0-2_amd64.deb"
        ]
    );
}

#[test]
fn a_deb_is_an_ar_of_two_tars() {
    let long = format!("/usr/share/{}/{}", "d".repeat(80), "f".repeat(80));
    for packing in [Packing::Plain, Packing::Gzip, Packing::Xz, Packing::Zstd] {
        let package = libfoo()
            .hard_link("/usr/bin/goo", "/usr/bin/foo")
            .file(&long, "far")
            .dir_with_mode("/var/tmp", 0o1777);
        let deb = package.control_packing(packing).data_packing(packing).deb();
        let members = members(&deb);
        let names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
        let suffix = ["", ".gz", ".xz", ".zst"][packing as usize];
        assert_eq!(names, ["debian-binary", &format!("control.tar{suffix}"), &format!("data.tar{suffix}")]);
        let control = listing(&unpack(packing, &members[1].1));
        let names: Vec<&str> = control.iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
        assert_eq!(names, ["./", "./control 644", "./md5sums 644", "./conffiles 644", "./postinst 755"]);
        let data = listing(&unpack(packing, &members[2].1));
        assert!(
            data.contains(&"./usr/lib/x86_64-linux-gnu/libfoo.so.1 777 -> libfoo.so.1.0".into()),
            "{data:?}"
        );
        assert!(data.contains(&"./usr/bin/goo 644 -> ./usr/bin/foo".into()), "{data:?}");
        assert!(data.contains(&"./var/tmp/ 1777".into()), "{data:?}");
        assert!(data.contains(&format!(".{long} 644 3")), "{data:?}");
    }
}

fn members(mut deb: &[u8]) -> Vec<(String, Vec<u8>)> {
    deb = deb.strip_prefix(b"!<arch>\n").unwrap();
    let mut members = vec![];
    while !deb.is_empty() {
        let (header, rest) = deb.split_at(60);
        let field = |range: std::ops::Range<usize>| std::str::from_utf8(&header[range]).unwrap().trim();
        let size: usize = field(48..58).parse().unwrap();
        assert_eq!(&header[58..], b"`\n");
        members.push((field(0..16).to_owned(), rest[..size].to_vec()));
        deb = &rest[size + size % 2..];
    }
    members
}

fn unpack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    let mut plain = vec![];
    match packing {
        Packing::Plain => plain.extend(bytes),
        Packing::Gzip => drop(flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap()),
        Packing::Xz => drop(lzma_rust2::XzReader::new(bytes, false).read_to_end(&mut plain).unwrap()),
        Packing::Zstd => plain = zstd::decode_all(bytes).unwrap(),
    }
    plain
}

fn listing(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let line = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let entry = entry.unwrap();
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let (mode, size) = (entry.header().mode().unwrap(), entry.size());
        let target = entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned());
        match target.filter(|target| !target.is_empty()) {
            Some(target) => format!("{path} {mode:o} -> {target}"),
            None if path.ends_with('/') => format!("{path} {mode:o}"),
            None => format!("{path} {mode:o} {size}"),
        }
    };
    archive.entries().unwrap().map(line).collect()
}
