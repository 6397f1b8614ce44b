//! Mirrors that have what a test gives them, and releases that are signed by saying so.

use cache::Cache;
use debian::archive::{
    Access, Archive, ArchiveConfig, ArchiveError, Asked, Keys, ListedFile, Listing, Mirrors, Origin,
    Repository, Signed, Verify,
};
use fetch::{Client, Digest, Options, Pace, Retry, Wait};
use sha2::{Digest as _, Sha256, Sha512};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// What a mirror does when it is asked for a file.
#[derive(Clone)]
pub enum Answer {
    Body(Vec<u8>),
    /// Says that it has all of it, and gives the first bytes.
    Cut(Vec<u8>, usize),
    Status(u16),
}

/// A mirror: its files by path, each with what it answers first, then, and from then on.
#[derive(Clone)]
pub struct Mirror {
    port: u16,
    files: Arc<Mutex<BTreeMap<String, Vec<Answer>>>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    pub fn new(files: &Files) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mirror = Mirror { port, files: Arc::default(), log: Arc::default() };
        for (path, bytes) in &files.0 {
            mirror.put(path, vec![Answer::Body(bytes.clone())]);
        }
        let serving = mirror.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let serving = serving.clone();
                thread::spawn(move || {
                    let mut head = vec![];
                    let mut byte = [0];
                    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                        head.push(byte[0]);
                    }
                    let head = String::from_utf8(head).unwrap();
                    let _ = stream.write_all(&serving.answer(&head));
                });
            }
        });
        mirror
    }

    /// Where nobody answers.
    pub fn down() -> String {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        format!("http://127.0.0.1:{port}/debian")
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/debian", self.port)
    }

    pub fn put(&self, path: &str, answers: Vec<Answer>) {
        self.files.lock().unwrap().insert(path.into(), answers);
    }

    pub fn remove(&self, path: &str) {
        self.files.lock().unwrap().remove(path);
    }

    /// What was asked for since this was last asked, and how many times.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.log.lock().unwrap());
        asked.sort();
        asked
    }

    fn answer(&self, head: &str) -> Vec<u8> {
        let path = head.split(' ').nth(1).unwrap_or_default().replace("%2b", "+");
        let path = match path.strip_prefix("/debian-security/") {
            Some(path) => format!("!{path}"),
            None => path.trim_start_matches("/debian/").to_owned(),
        };
        self.log.lock().unwrap().push(path.clone());
        let mut files = self.files.lock().unwrap();
        let answer = match files.get_mut(&path) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
            None => Answer::Status(404),
        };
        let (status, len, body) = match answer {
            Answer::Body(body) => (200, body.len(), body),
            Answer::Cut(body, len) => (200, body.len(), body[..len].to_vec()),
            Answer::Status(status) => (status, 0, vec![]),
        };
        let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n");
        [head.as_bytes(), &body].concat()
    }
}

/// Files of an archive by their paths. Those of the security archive have a `!` before them.
#[derive(Clone, Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    pub fn with(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.0.insert(path.into(), bytes.as_ref().into());
        self
    }

    /// A suite whose release lists these files, beside them; and some words for the release.
    pub fn suite(mut self, dir: &str, words: &str, files: &[(&str, &[u8])]) -> Self {
        let mut release = format!("{words}\n");
        for (path, bytes) in files {
            let bytes = packed(path, bytes);
            release +=
                &format!("file {path} {} {}\n", bytes.len(), Digest::Sha256(Sha256::digest(&bytes).into()));
            self.0.insert(format!("{dir}/{path}").trim_start_matches('/').into(), bytes);
        }
        self.with(format!("{dir}/InRelease").trim_start_matches('/'), release + "signed by debian\n")
    }
}

/// The bytes, compressed as the name says.
pub fn packed(path: &str, bytes: &[u8]) -> Vec<u8> {
    match path.rsplit('.').next() {
        // Whatever the bytes: the tests have no encoder for xz.
        Some("xz") => include_bytes!("packages.xz").to_vec(),
        Some("gz") => {
            let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Some("zst") => zstd::encode_all(bytes, 1).unwrap(),
        _ => bytes.into(),
    }
}

/// Believes who says that he signed.
pub struct Trusting;

impl Verify for Trusting {
    fn verify(
        &self,
        signed: &Signed,
        asked: &Asked<'_>,
    ) -> Result<Listing, Box<dyn std::error::Error + Send + Sync>> {
        let text = match signed {
            Signed::Inline(text) => text.clone(),
            Signed::Detached { text, signatures } => [&text[..], signatures].concat(),
        };
        let text = String::from_utf8(text)?;
        let key = match asked.keys {
            Keys::Builtin(Origin::Debian) => "debian".into(),
            Keys::Builtin(Origin::Ubuntu) => "ubuntu".into(),
            Keys::Given(key) => String::from_utf8_lossy(key).into_owned(),
        };
        if !text.ends_with(&format!("signed by {key}\n")) {
            return Err(format!("it is not signed by {key}").into());
        }
        let mut listing = Listing::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["by-hash"] => listing.by_hash = true,
                ["architectures", ref names @ ..] => {
                    listing.architectures = names.iter().map(ToString::to_string).collect();
                }
                ["without-all"] => listing.without_all = true,
                ["expired"] if asked.check_valid_until => return Err("it is no longer valid".into()),
                ["file", path, size, digest] => {
                    let file = ListedFile { size: size.parse()?, digest: read_digest(digest) };
                    listing.files.insert(path.into(), file);
                }
                _ => {}
            }
        }
        Ok(listing)
    }
}

fn read_digest(text: &str) -> Digest {
    let (sort, hex) = text.split_once(':').unwrap();
    let bytes: Vec<u8> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..][..2], 16).unwrap()).collect();
    match sort {
        "sha256" => Digest::Sha256(bytes.try_into().unwrap()),
        _ => Digest::Sha512(bytes.try_into().unwrap()),
    }
}

pub fn sha512(bytes: &[u8]) -> String {
    Digest::Sha512(Sha512::digest(bytes).into()).to_string()
}

/// A cache, and a client that waits for nothing.
pub struct World {
    dir: TempDir,
    pub cache: Cache,
    pub client: Client,
}

struct Hurry;

impl Pace for Hurry {
    fn wait(&self, _: Duration) -> Wait {
        Box::pin(std::future::ready(()))
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn chance(&self) -> f64 {
        1.0
    }
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("cache"));
        let retry = Retry { tries: 2, ..Retry::default() };
        let options = Options { proxies: false, retry, pace: Arc::new(Hurry), ..Options::default() };
        World { dir, cache, client: Client::new(options) }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    pub fn access(&self) -> Access<'_> {
        Access::new(&self.client, &self.cache)
    }

    pub fn open(&self, config: &ArchiveConfig) -> Result<Archive, ArchiveError> {
        Archive::open(config, self.access(), &Trusting, SystemTime::UNIX_EPOCH)
    }

    /// The texts of the indexes, each with the number of its suite; or the error.
    pub fn texts(&self, config: &ArchiveConfig) -> String {
        match self.open(config) {
            Ok(mut archive) => {
                let indexes = archive.take_indexes().into_iter();
                indexes.map(|index| format!("{}: {}", index.suite, index.text)).collect::<Vec<_>>().join("\n")
            }
            Err(error) => format!("{error}"),
        }
    }
}

pub fn config(suite: &str, mirrors: &[String]) -> ArchiveConfig {
    ArchiveConfig {
        origin: Origin::Debian,
        suite: suite.into(),
        architecture: "amd64".into(),
        mirrors: Mirrors::new(mirrors),
        keyring: None,
        repositories: vec![],
    }
}

pub fn repository(url: &str, suite: &str, components: &[&str]) -> Repository {
    Repository {
        url: url.into(),
        suite: suite.into(),
        components: components.iter().map(ToString::to_string).collect(),
        keyring: b"vendor".to_vec(),
        architectures: vec![],
    }
}
