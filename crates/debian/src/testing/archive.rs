//! An archive to be.

use super::deb::md5;
use super::package::{Packing, TestEntry};
use super::{TestKey, TestPackage};
use sha2::{Digest as _, Sha256, Sha512};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An archive with one suite, made up in a test. Several suites are several of these, written to one directory.
#[derive(Debug, Clone)]
pub struct TestArchive {
    suite: String,
    fields: BTreeMap<String, String>,
    packages: Vec<TestPackage>,
    architectures: BTreeSet<String>,
    date: SystemTime,
    keys: Vec<TestKey>,
    clearsigned: bool,
    by_hash: bool,
    digests: Vec<&'static str>,
    flat: bool,
    faults: Vec<Fault>,
    stanzas: String,
    contents: Vec<u8>,
    listed: Vec<(String, u64)>,
}

/// What is wrong with a file of the archive, by its path from the directory of `Release`.
#[derive(Debug, Clone)]
enum Fault {
    /// `Release` gives another size.
    Size(String),
    /// `Release` gives another digest.
    Digest(String),
    /// The file ends in its middle.
    Truncated(String),
    /// The file is not there.
    Missing(String),
}

impl TestArchive {
    /// The empty suite `stable`, dated 1 January 2024, signed by [`TestKey::archive`], with all kinds of indexes.
    pub fn new() -> Self {
        TestArchive {
            suite: "stable".into(),
            fields: BTreeMap::new(),
            packages: vec![],
            architectures: ["amd64".into()].into(),
            date: UNIX_EPOCH + Duration::from_secs(1_704_067_200),
            keys: vec![TestKey::archive()],
            clearsigned: true,
            by_hash: true,
            digests: vec!["MD5Sum", "SHA256"],
            flat: false,
            faults: vec![],
            stanzas: String::new(),
            contents: vec![],
            listed: vec![],
        }
    }

    /// The same by another name, which is its directory, `Suite` and `Codename`.
    pub fn suite(self, name: &str) -> Self {
        TestArchive { suite: name.into(), ..self }
    }

    /// The same with a field of its `Release` file: `Origin`, `Label`, `Suite`, ….
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// The same with a package.
    pub fn package(mut self, package: TestPackage) -> Self {
        self.packages.push(package);
        self
    }

    /// The same with an architecture, even if no package is of it. It has `amd64` anyway.
    pub fn architecture(mut self, name: &str) -> Self {
        self.architectures.insert(name.into());
        self
    }

    /// The same, made at `date`.
    pub fn date(self, date: SystemTime) -> Self {
        TestArchive { date, ..self }
    }

    /// The same, which counts until `until`.
    pub fn valid_until(self, until: SystemTime) -> Self {
        let until = rfc2822(until);
        self.field("Valid-Until", &until)
    }

    /// The same, which counted for a week.
    pub fn expired(self) -> Self {
        let until = self.date + Duration::from_secs(7 * 86_400);
        self.valid_until(until)
    }

    /// The same, signed by another key instead.
    pub fn signed_by(self, key: TestKey) -> Self {
        TestArchive { keys: vec![key], ..self }
    }

    /// The same, signed by another key, too.
    pub fn also_signed_by(mut self, key: TestKey) -> Self {
        self.keys.push(key);
        self
    }

    /// The same with `Release` only: neither `InRelease` nor `Release.gpg`.
    pub fn unsigned(self) -> Self {
        TestArchive { keys: vec![], ..self }
    }

    /// The same with `Release` and `Release.gpg`, without `InRelease`.
    pub fn without_inrelease(self) -> Self {
        TestArchive { clearsigned: false, ..self }
    }

    /// The same, whose files cannot be had by their digests.
    pub fn without_by_hash(self) -> Self {
        TestArchive { by_hash: false, ..self }
    }

    /// The same, with digests of SHA-512 only.
    pub fn sha512_only(self) -> Self {
        TestArchive { digests: vec!["SHA512"], ..self }
    }

    /// The same, with digests of MD5 only.
    pub fn md5_only(self) -> Self {
        TestArchive { digests: vec!["MD5Sum"], ..self }
    }

    /// The same as a flat repository: all files in one directory, no components.
    pub fn flat(self) -> Self {
        TestArchive { flat: true, ..self }
    }

    /// The same, whose `Release` gives a wrong size of a file: `main/binary-amd64/Packages.xz`.
    pub fn wrong_size(self, path: &str) -> Self {
        self.fault(Fault::Size(path.into()))
    }

    /// The same, whose `Release` gives a wrong digest of a file.
    pub fn wrong_digest(self, path: &str) -> Self {
        self.fault(Fault::Digest(path.into()))
    }

    /// The same, with a file that ends in its middle.
    pub fn truncated(self, path: &str) -> Self {
        self.fault(Fault::Truncated(path.into()))
    }

    /// The same, without a file that `Release` lists.
    pub fn missing(self, path: &str) -> Self {
        self.fault(Fault::Missing(path.into()))
    }

    /// The same with more at the end of each `Packages`, as it stands.
    pub fn stanza(mut self, text: &str) -> Self {
        self.stanzas.push_str(text);
        self
    }

    /// The same with more at the end of each `Contents`, as it stands.
    pub fn contents_lines(mut self, bytes: &[u8]) -> Self {
        self.contents.extend(bytes);
        self
    }

    /// The same, whose `Release` lists one more file, which is not there; or another size of one that is.
    pub fn listed(mut self, path: &str, size: u64) -> Self {
        self.listed.push((path.into(), size));
        self
    }

    /// A keyring with the certificates of those who signed, armored.
    pub fn keyring(&self) -> String {
        self.keys.iter().map(TestKey::armored).collect()
    }

    /// All files of the mirror, by their paths from its root: for a server that has them in memory.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let root = if self.flat { String::new() } else { format!("dists/{}/", self.suite) };
        let mut files = BTreeMap::new();
        for package in &self.packages {
            files.insert(self.filename(package), package.deb());
        }
        let indexes = self.indexes();
        let release = self.release(&indexes);
        for (path, bytes) in indexes {
            let mut names = vec![path.clone()];
            if self.by_hash {
                let dir = path.rsplit_once('/').map(|(dir, _)| format!("{dir}/")).unwrap_or_default();
                let digests = self.digests.iter().filter(|name| **name != "MD5Sum");
                names.extend(
                    digests.map(|name| format!("{dir}by-hash/{name}/{}", self.digest(name, &path, &bytes))),
                );
            }
            let is_missing = |fault: &Fault| matches!(fault, Fault::Missing(at) if *at == path);
            let is_cut = |fault: &Fault| matches!(fault, Fault::Truncated(at) if *at == path);
            if self.faults.iter().any(is_missing) {
                continue;
            }
            let len = if self.faults.iter().any(is_cut) { bytes.len() / 2 } else { bytes.len() };
            for name in names {
                files.insert(format!("{root}{name}"), bytes[..len].to_vec());
            }
        }
        if !self.keys.is_empty() {
            let signatures = self.keys.iter().map(|key| key.sign(release.as_bytes(), self.date));
            files.insert(format!("{root}Release.gpg"), signatures.collect::<String>().into());
            if self.clearsigned {
                files.insert(
                    format!("{root}InRelease"),
                    super::key::clearsign(&self.keys, &release, self.date).into(),
                );
            }
        }
        files.insert(format!("{root}Release"), release.into());
        files
    }

    /// Writes the mirror to a directory, which may have other suites already.
    pub fn write_to(&self, dir: &Path) {
        for (path, bytes) in self.files() {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Where a package's `.deb` is.
    fn filename(&self, package: &TestPackage) -> String {
        let (name, deb) = (package.name(), package.deb_name());
        let prefix = if name.starts_with("lib") { 4 } else { 1 };
        let prefix = &name[..name.len().min(prefix)];
        if self.flat { deb } else { format!("pool/{}/{prefix}/{name}/{deb}", package.component) }
    }

    /// `Packages` and `Contents`, by their paths from the directory of `Release`.
    fn indexes(&self) -> BTreeMap<String, Vec<u8>> {
        let mut indexes = BTreeMap::new();
        let mut add = |path: String, text: &[u8], packings: &[(Packing, &str)]| {
            for (packing, suffix) in packings {
                indexes.insert(format!("{path}{suffix}"), packing.pack(text));
            }
        };
        let all = [(Packing::Plain, ""), (Packing::Gzip, ".gz"), (Packing::Xz, ".xz")];
        if self.flat {
            add("Packages".into(), self.stanzas(|_| true).as_bytes(), &all);
            return indexes;
        }
        for component in self.components() {
            let here = |package: &TestPackage| package.component == component;
            for architecture in self.architectures() {
                let own = |package: &TestPackage| here(package) && package.architecture == architecture;
                let path = format!("{component}/Contents-{architecture}");
                let contents = [self.contents(own).as_bytes(), &self.contents].concat();
                add(path, &contents, &[(Packing::Gzip, ".gz")]);
                if architecture != "all" {
                    let usable = |package: &TestPackage| {
                        own(package) || here(package) && package.architecture == "all"
                    };
                    let path = format!("{component}/binary-{architecture}/Packages");
                    add(path, self.stanzas(usable).as_bytes(), &all);
                }
            }
        }
        indexes
    }

    fn stanzas(&self, wanted: impl Fn(&TestPackage) -> bool) -> String {
        let stanza = |package: &TestPackage| {
            let (deb, filename) = (package.deb(), self.filename(package));
            let filename = if self.flat { format!("./{filename}") } else { filename };
            let (size, md5, sha256) = (deb.len(), md5(&deb), hex(&Sha256::digest(&deb)));
            let control = package.control();
            format!("{control}Filename: {filename}\nSize: {size}\nMD5sum: {md5}\nSHA256: {sha256}\n\n")
        };
        let stanzas: String = self.packages.iter().filter(|package| wanted(package)).map(stanza).collect();
        stanzas + &self.stanzas
    }

    fn contents(&self, wanted: impl Fn(&TestPackage) -> bool) -> String {
        let mut owners: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for package in self.packages.iter().filter(|package| wanted(package)) {
            let files =
                package.files.iter().filter(|(_, entry)| !matches!(entry, TestEntry::Directory { .. }));
            for (path, _) in files {
                let owner = format!("{}/{}", package.qualified_section(), package.name());
                owners.entry(path).or_default().push(owner);
            }
        }
        owners.into_iter().map(|(path, owners)| format!("{path:<55} {}\n", owners.join(","))).collect()
    }

    fn release(&self, indexes: &BTreeMap<String, Vec<u8>>) -> String {
        let words = |words: BTreeSet<&str>| words.into_iter().collect::<Vec<_>>().join(" ");
        let mut fields: BTreeMap<String, String> = [
            ("Origin", "Test".into()),
            ("Label", "Test".into()),
            ("Suite", self.suite.clone()),
            ("Codename", self.suite.clone()),
            ("Date", rfc2822(self.date)),
            ("Architectures", words(self.architectures())),
            ("Components", words(self.components())),
        ]
        .map(|(name, value): (&str, String)| (name.into(), value))
        .into();
        if self.by_hash {
            fields.insert("Acquire-By-Hash".into(), "yes".into());
        }
        if self.architectures().contains("all") {
            fields.insert("No-Support-for-Architecture-all".into(), "Packages".into());
        }
        fields.extend(self.fields.clone());
        let mut text: String = fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        for name in &self.digests {
            text.push_str(&format!("{name}:\n"));
            for (path, bytes) in indexes {
                let is_wrong = |fault: &Fault| matches!(fault, Fault::Size(at) if at == path);
                let listed = self.listed.iter().find(|(at, _)| at == path).map(|(_, size)| *size);
                let size = bytes.len() as u64 + u64::from(self.faults.iter().any(is_wrong));
                let size = listed.unwrap_or(size);
                text.push_str(&format!(" {} {size:>8} {path}\n", self.digest(name, path, bytes)));
            }
            for (path, size) in self.listed.iter().filter(|(path, _)| !indexes.contains_key(path)) {
                text.push_str(&format!(" {} {size:>8} {path}\n", self.digest(name, path, b"")));
            }
        }
        text
    }

    /// The digest that `Release` gives.
    fn digest(&self, name: &str, path: &str, bytes: &[u8]) -> String {
        let is_wrong = |fault: &Fault| matches!(fault, Fault::Digest(at) if at == path);
        let bytes = if self.faults.iter().any(is_wrong) { &b"something else"[..] } else { bytes };
        match name {
            "SHA512" => hex(&Sha512::digest(bytes)),
            "SHA256" => hex(&Sha256::digest(bytes)),
            _ => md5(bytes),
        }
    }

    fn components(&self) -> BTreeSet<&str> {
        let components = self.packages.iter().map(|package| &*package.component);
        components.chain(["main"]).collect()
    }

    fn architectures(&self) -> BTreeSet<&str> {
        let of_packages = self.packages.iter().map(|package| &*package.architecture);
        of_packages.chain(self.architectures.iter().map(String::as_str)).collect()
    }
}

impl Default for TestArchive {
    fn default() -> Self {
        TestArchive::new()
    }
}

/// A date as `Release` files have it.
fn rfc2822(time: SystemTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = i64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let iso = oci::rfc3339(seconds).unwrap();
    let month = MONTHS[iso[5..7].parse::<usize>().unwrap() - 1];
    // 1 January 1970 was a Thursday.
    let weekday =
        ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(seconds / 86_400 % 7).unwrap()];
    format!("{weekday}, {} {month} {} {} UTC", &iso[8..10], &iso[..4], &iso[11..19])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
