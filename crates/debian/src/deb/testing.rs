//! Packages for tests, well-formed and otherwise.

use std::io::Write as _;
use tree::Sha256Digest;

/// A tar that is being made.
#[derive(Default, Clone)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    /// An entry as it stands: type, name as written, mode, owner, link target, content.
    pub fn raw(mut self, flag: u8, name: &[u8], mode: u32, owner: &str, link: &[u8], body: &[u8]) -> Self {
        let (user, group) = owner.split_once(':').unwrap();
        let mut header = tar::Header::new_gnu();
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name);
        old.linkname[..link.len()].copy_from_slice(link);
        header.set_entry_type(tar::EntryType::new(flag));
        header.set_mode(mode);
        header.set_mtime(0);
        for (text, is_user) in [(user, true), (group, false)] {
            let number = text.parse().unwrap_or(1000);
            let name = if text.parse::<u64>().is_ok() { "" } else { text };
            if is_user {
                header.set_uid(number);
                header.set_username(name).unwrap();
            } else {
                header.set_gid(number);
                header.set_groupname(name).unwrap();
            }
        }
        header.set_size(body.len() as u64);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(body);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(self, name: &str, text: &str) -> Self {
        self.raw(b'0', name.as_bytes(), 0o644, "0:0", b"", text.as_bytes())
    }

    pub fn program(self, name: &str, text: &str) -> Self {
        self.raw(b'0', name.as_bytes(), 0o755, "0:0", b"", text.as_bytes())
    }

    pub fn dir(self, name: &str) -> Self {
        self.raw(b'5', name.as_bytes(), 0o755, "0:0", b"", b"")
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.raw(b'2', name.as_bytes(), 0o777, "0:0", target.as_bytes(), b"")
    }

    pub fn hard_link(self, name: &str, target: &str) -> Self {
        self.raw(b'1', name.as_bytes(), 0o644, "0:0", target.as_bytes(), b"")
    }

    /// The tar with its end, filled up as GNU tar does it.
    pub fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0.resize(self.0.len().next_multiple_of(10240), 0);
        self.0
    }
}

/// An `ar` archive of these members.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, body) in members {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100644, body.len()).unwrap();
        bytes.extend(*body);
        if body.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// Something that compresses.
pub type Compress = fn(&[u8]) -> Vec<u8>;

/// The smallest control file.
pub fn control(package: &str) -> String {
    format!("Package: {package}\nVersion: 1.0-1\nArchitecture: amd64\nMaintainer: nobody\n")
}

/// A package, not compressed.
pub fn deb(control_files: Tar, data: Tar) -> Vec<u8> {
    let (control, data) = (control_files.end(), data.end());
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", &data)])
}

/// A package of this name with these files.
pub fn package(name: &str, data: Tar) -> Vec<u8> {
    deb(Tar::default().file("./control", &control(name)), data)
}

/// The bytes in a file without a name, and their digest.
pub fn file(bytes: &[u8]) -> (std::fs::File, Sha256Digest) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    (file, Sha256Digest::of(bytes))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut encoder = lzma_rust2::XzWriter::new(vec![], options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}
