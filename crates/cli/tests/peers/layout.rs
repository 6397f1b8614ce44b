//! Reads an OCI layout by hand, so that what bantam writes is not judged by bantam's own reader.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::workshop::limited;

/// One entry of a layer.
#[derive(Debug)]
pub struct Entry {
    /// As it stands in the tar.
    pub path: String,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub is_directory: bool,
    pub mtime: u64,
    pub link: Option<String>,
    pub content: Vec<u8>,
}

/// The only manifest of a layout.
pub fn manifest(layout: &Path) -> Value {
    let index = json(&layout.join("index.json"));
    let manifests = index["manifests"].as_array().unwrap();
    assert_eq!(manifests.len(), 1, "{index}");
    json(&blob(layout, &manifests[0]))
}

/// Asserts that the only image of a layout is whole: every blob is there, with the size and digest it is said to have.
pub fn assert_whole(layout: &Path) {
    let index = json(&layout.join("index.json"));
    let manifest = manifest(layout);
    for descriptor in [&index["manifests"][0], &manifest["config"]]
        .into_iter()
        .chain(manifest["layers"].as_array().unwrap())
    {
        let blob = fs::read(blob(layout, descriptor)).unwrap();
        let digest: String = Sha256::digest(&blob).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(format!("sha256:{digest}"), descriptor["digest"], "{descriptor}");
        assert_eq!(blob.len(), descriptor["size"], "{descriptor}");
    }
}

/// The manifest of one platform, of a layout with one image or an index of several.
pub fn manifest_for(layout: &Path, platform: &str) -> Value {
    let index = json(&layout.join("index.json"));
    let inner = json(&blob(layout, &index["manifests"][0]));
    if inner["layers"].is_array() {
        return inner;
    }
    let is_it = |found: &&Value| {
        let words = ["os", "architecture", "variant"].map(|key| found["platform"][key].as_str());
        let words: Vec<&str> = words.into_iter().flatten().collect();
        let found = words.join("/");
        found == platform || found == format!("{platform}/v8")
    };
    let manifests = inner["manifests"].as_array().unwrap();
    let found = manifests.iter().find(is_it).unwrap_or_else(|| panic!("no {platform} in {inner}"));
    json(&blob(layout, found))
}

/// The image config of one platform.
pub fn config_for(layout: &Path, platform: &str) -> Value {
    json(&blob(layout, &manifest_for(layout, platform)["config"]))
}

/// The entries of each layer of one platform, lowest first.
pub fn layers_for(layout: &Path, platform: &str) -> Vec<Vec<Entry>> {
    let manifest = manifest_for(layout, platform);
    manifest["layers"].as_array().unwrap().iter().map(|layer| entries(&blob(layout, layer))).collect()
}

/// The image config of a layout with one image.
pub fn config(layout: &Path) -> Value {
    json(&blob(layout, &manifest(layout)["config"]))
}

/// The entries of each layer, lowest first.
pub fn layers(layout: &Path) -> Vec<Vec<Entry>> {
    let manifest = manifest(layout);
    manifest["layers"].as_array().unwrap().iter().map(|layer| entries(&blob(layout, layer))).collect()
}

/// All entries of all layers.
pub fn files(layout: &Path) -> Vec<Entry> {
    layers(layout).into_iter().flatten().collect()
}

/// The entry of a path, written without the leading `/`; a trailing `/` is not looked at.
pub fn entry<'a>(files: &'a [Entry], path: &str) -> &'a Entry {
    let found = files.iter().find(|entry| entry.path.trim_end_matches('/') == path);
    found.unwrap_or_else(|| {
        panic!("{path} is not among {:?}", files.iter().map(|f| &f.path).collect::<Vec<_>>())
    })
}

/// The file of a blob.
pub fn blob(layout: &Path, descriptor: &Value) -> PathBuf {
    layout.join("blobs").join(descriptor["digest"].as_str().unwrap().replace(':', "/"))
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn entries(blob: &Path) -> Vec<Entry> {
    let unpacked = limited("gzip").arg("--decompress").arg("--stdout").arg(blob).output().unwrap();
    assert!(unpacked.status.success(), "{}: not gzip", blob.display());
    let mut archive = tar::Archive::new(unpacked.stdout.as_slice());
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let header = entry.header();
        Entry {
            path: text(&entry.path_bytes()),
            mode: header.mode().unwrap(),
            uid: header.uid().unwrap(),
            gid: header.gid().unwrap(),
            is_directory: header.entry_type().is_dir(),
            mtime: header.mtime().unwrap(),
            link: entry.link_name_bytes().map(|bytes| text(&bytes)),
            content,
        }
    };
    archive.entries().unwrap().map(read).collect()
}
