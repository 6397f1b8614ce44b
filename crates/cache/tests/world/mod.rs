//! A folder with a cache in it, and ways to spoil what is there.

#![allow(dead_code)]

use cache::{Cache, RecordKind};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use tempfile::TempDir;
use tree::Sha256Digest;

/// A folder with a cache.
pub struct World(TempDir);

impl World {
    pub fn new() -> Self {
        World(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn cache(&self) -> Cache {
        Cache::new(self.path("cache"))
    }

    /// A cache by another name.
    pub fn named(&self, name: &str) -> Cache {
        Cache::new(self.path(name))
    }

    /// Stores a blob anew.
    pub fn blob(&self, bytes: &[u8]) -> Sha256Digest {
        let digest = Sha256Digest::of(bytes);
        let _ = fs::remove_file(self.blob_path(&digest));
        put(&self.cache(), bytes);
        digest
    }

    pub fn record(&self, kind: RecordKind, number: u8) -> PathBuf {
        let dir = match kind {
            RecordKind::Layer => "layers-1",
            RecordKind::Chunks => "chunks-2",
            RecordKind::Facts => "facts-2",
            RecordKind::Packages => "packages-2",
            RecordKind::Archives => "archives-1",
            RecordKind::Contents => "contents-1",
            RecordKind::Notes => "notes-1",
            RecordKind::Plain => "plain-1",
            RecordKind::Trees => "trees-2",
        };
        self.path("cache/records").join(dir).join(key(number).hex())
    }

    pub fn blob_path(&self, digest: &Sha256Digest) -> PathBuf {
        blob_path(&self.path("cache"), digest)
    }

    pub fn note_path(&self, digest: &Sha256Digest) -> PathBuf {
        self.blob_path(digest).with_extension("note")
    }

    /// The names of all files in the cache.
    pub fn files(&self) -> Vec<String> {
        files(&self.path("cache"))
    }
}

pub fn put(cache: &Cache, bytes: &[u8]) -> Sha256Digest {
    let digest = Sha256Digest::of(bytes);
    let mut file = cache.new_file().unwrap();
    file.write_all(bytes).unwrap();
    cache.put_blob(&digest, &file).unwrap();
    digest
}

pub fn files(dir: &Path) -> Vec<String> {
    let mut found = vec![];
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(at).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(path),
                _ => found.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_string()),
            }
        }
    }
    found.sort();
    found
}

pub fn blob_path(cache: &Path, digest: &Sha256Digest) -> PathBuf {
    let hex = digest.hex();
    cache.join("blobs/sha256").join(&hex[..2]).join(&hex[2..])
}

pub fn key(number: u8) -> Sha256Digest {
    Sha256Digest([number; 32])
}

pub fn read(file: Option<File>) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    file?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

pub fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

pub fn set_modified(path: &Path, time: SystemTime) {
    File::open(path).unwrap().set_modified(time).unwrap();
}

pub fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}
