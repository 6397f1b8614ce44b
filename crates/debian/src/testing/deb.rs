//! Writes a `.deb`: an `ar` archive of `debian-binary`, `control.tar` and `data.tar`, as [deb(5)][deb] has it.
//!
//! [deb]: https://manpages.debian.org/stable/dpkg-dev/deb.5

use super::TestPackage;
use super::package::{Packing, TestEntry};
use pgp::crypto::hash::HashAlgorithm;
use std::io::Write as _;
use tar::EntryType;

/// When everything was made: 1 January 2020.
const MADE: u64 = super::key::MADE as u64;

pub(super) fn write(package: &TestPackage) -> Vec<u8> {
    let mut ar = b"!<arch>\n".to_vec();
    member(&mut ar, "debian-binary", b"2.0\n");
    let (control, data_packing) = (control(package), package.data_packing);
    let control_name = format!("control.tar{}", package.control_packing.suffix());
    member(&mut ar, &control_name, &package.control_packing.pack(&control));
    match &package.data {
        Some((name, bytes)) => member(&mut ar, name, bytes),
        None => {
            let name = format!("data.tar{}", data_packing.suffix());
            member(&mut ar, &name, &data_packing.pack(&data(package)));
        }
    }
    ar
}

impl Packing {
    fn suffix(self) -> &'static str {
        match self {
            Packing::Plain => "",
            Packing::Gzip => ".gz",
            Packing::Xz => ".xz",
            Packing::Zstd => ".zst",
        }
    }

    /// The bytes, compressed.
    pub fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Packing::Plain => bytes.into(),
            Packing::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
            Packing::Xz => {
                let options = lzma_rust2::XzOptions::with_preset(0);
                let mut writer = lzma_rust2::XzWriter::new(vec![], options).unwrap();
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap()
            }
            Packing::Zstd => zstd::encode_all(bytes, 1).unwrap(),
        }
    }
}

fn member(ar: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    let len = bytes.len();
    writeln!(ar, "{name:<16}{MADE:<12}{:<6}{:<6}{:<8}{len:<10}`", 0, 0, 100_644).unwrap();
    ar.extend(bytes);
    if len % 2 == 1 {
        ar.push(b'\n');
    }
}

fn control(package: &TestPackage) -> Vec<u8> {
    let mut tar = tar::Builder::new(vec![]);
    append(&mut tar, "./", EntryType::Directory, 0o755, b"", None);
    let size: usize = package.files.values().map(|entry| entry.bytes().len()).sum();
    let installed = format!("{}Installed-Size: {}\n", package.control(), size.div_ceil(1024));
    let mut files = vec![("control", installed, 0o644), ("md5sums", md5sums(package), 0o644)];
    if !package.conffiles.is_empty() {
        files.push(("conffiles", package.conffiles.join("\n") + "\n", 0o644));
    }
    files.extend(package.scripts.iter().map(|(name, text)| (&**name, text.clone(), 0o755)));
    for (name, text, mode) in files {
        append(&mut tar, &format!("./{name}"), EntryType::Regular, mode, text.as_bytes(), None);
    }
    tar.into_inner().unwrap()
}

fn data(package: &TestPackage) -> Vec<u8> {
    let mut tar = tar::Builder::new(vec![]);
    append(&mut tar, "./", EntryType::Directory, 0o755, b"", None);
    for (path, entry) in &package.files {
        let path = format!("./{path}");
        match entry {
            TestEntry::Directory { mode } => {
                append(&mut tar, &format!("{path}/"), EntryType::Directory, *mode, b"", None);
            }
            TestEntry::File { bytes, mode } => {
                append(&mut tar, &path, EntryType::Regular, *mode, bytes, None);
            }
            TestEntry::Link(target) => append(&mut tar, &path, EntryType::Symlink, 0o777, b"", Some(target)),
            TestEntry::HardLink(target) => {
                let target = format!("./{target}");
                append(&mut tar, &path, EntryType::Link, 0o644, b"", Some(&target));
            }
        }
    }
    tar.into_inner().unwrap()
}

/// Names longer than a header takes are written as dpkg does it, the way of GNU.
fn append(
    tar: &mut tar::Builder<Vec<u8>>,
    path: &str,
    kind: EntryType,
    mode: u32,
    bytes: &[u8],
    target: Option<&str>,
) {
    for (name, flag) in [(target.unwrap_or_default(), b'K'), (path, b'L')] {
        if name.len() > 99 {
            let mut header = header(EntryType::new(flag), 0o644, name.len() + 1);
            put(&mut header.as_old_mut().name, "././@LongLink");
            header.set_cksum();
            tar.append(&header, &[name.as_bytes(), b"\0"].concat()[..]).unwrap();
        }
    }
    let mut header = header(kind, mode, bytes.len());
    put(&mut header.as_old_mut().name, path);
    put(&mut header.as_old_mut().linkname, target.unwrap_or_default());
    header.set_cksum();
    tar.append(&header, bytes).unwrap();
}

fn header(kind: EntryType, mode: u32, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(MADE);
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root").unwrap();
    header.set_groupname("root").unwrap();
    header
}

/// As much of a name as there is place for, as it is: the setters drop a leading `./`.
fn put(field: &mut [u8; 100], name: &str) {
    let len = name.len().min(99);
    field[..len].copy_from_slice(&name.as_bytes()[..len]);
}

fn md5sums(package: &TestPackage) -> String {
    let files = package.files.iter().filter(|(_, entry)| matches!(entry, TestEntry::File { .. }));
    let line = |(path, entry): (&String, &TestEntry)| format!("{}  {path}\n", md5(entry.bytes()));
    files.map(line).collect()
}

pub(super) fn md5(bytes: &[u8]) -> String {
    let digest = HashAlgorithm::Md5.digest(bytes).unwrap();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl TestEntry {
    fn bytes(&self) -> &[u8] {
        if let TestEntry::File { bytes, .. } = self { bytes } else { &[] }
    }
}
