//! Layouts made by hand, as another builder would write them.

use crate::folder::Folder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;

/// One entry of a layer.
pub enum Entry<'a> {
    Dir(&'a str, u32),
    File(&'a str, &'a str),
    Link(&'a str, &'a str),
}

/// An image of another builder, with the media types of Docker.
pub struct Foreign {
    pub layers: Vec<Vec<u8>>,
    /// The `config` of its config.
    pub config: Value,
    pub architecture: &'static str,
    /// What the config says instead of a layer's own digest.
    pub diff_id: Option<String>,
}

impl Foreign {
    pub fn new(layers: &[&[Entry<'_>]]) -> Self {
        let layers = layers.iter().map(|entries| tar(entries)).collect();
        Foreign { layers, config: json!({}), architecture: "amd64", diff_id: None }
    }

    /// Writes the layout, with one image called `latest`. Gives the digests of its layers.
    pub fn write(&self, folder: &Folder, dir: &str) -> Vec<String> {
        let blob = |bytes: &[u8]| {
            let digest = digest(bytes);
            folder.file(&format!("{dir}/blobs/{}", digest.replace(':', "/")), bytes);
            digest
        };
        let layers: Vec<String> = self.layers.iter().map(|layer| blob(layer)).collect();
        let mut diff_ids = layers.clone();
        if let (Some(last), Some(other)) = (diff_ids.last_mut(), &self.diff_id) {
            last.clone_from(other);
        }
        let empty = json!({"created": "2020-01-01T00:00:00Z", "created_by": "ENV A=1", "empty_layer": true});
        let step = |number| json!({"created": "2020-01-01T00:00:00Z", "created_by": format!("RUN {number}")});
        let history: Vec<Value> = std::iter::once(empty).chain((0..layers.len()).map(step)).collect();
        let config = json!({
            "architecture": self.architecture, "os": "linux", "docker_version": "20.10", "config": self.config,
            "history": history, "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = config.to_string().into_bytes();
        let describe = |digest: &String, bytes: &[u8], kind: &str| json!({"mediaType": format!("application/vnd.docker.{kind}"), "digest": digest, "size": bytes.len()});
        let listed: Vec<Value> = layers
            .iter()
            .zip(&self.layers)
            .map(|(digest, bytes)| describe(digest, bytes, "image.rootfs.diff.tar"))
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": describe(&blob(&config), &config, "container.image.v1+json"), "layers": listed,
        });
        let manifest = manifest.to_string().into_bytes();
        let mut entry = describe(&blob(&manifest), &manifest, "distribution.manifest.v2+json");
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": "latest"});
        let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
        folder.file(&format!("{dir}/index.json"), index.as_bytes());
        folder.file(&format!("{dir}/oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
        layers
    }
}

/// The manifest and the config of the only image of a layout.
pub fn documents(folder: &Folder, dir: &str) -> (Value, Value) {
    let json =
        |path: String| -> Value { serde_json::from_slice(&fs::read(folder.path(&path)).unwrap()).unwrap() };
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
        json(format!("{dir}/blobs/{digest}"))
    };
    let manifest = blob(&json(format!("{dir}/index.json"))["manifests"][0]);
    let config = blob(&manifest["config"]);
    (manifest, config)
}

pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A plain tar. Names are written as they are, whatever they are.
fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut tar = tar::Builder::new(vec![]);
    for entry in entries {
        let (path, kind, mode, content, link) = match entry {
            Entry::Dir(path, mode) => (path, tar::EntryType::Directory, *mode, "", ""),
            Entry::File(path, content) => (path, tar::EntryType::Regular, 0o644, *content, ""),
            Entry::Link(path, target) => (path, tar::EntryType::Symlink, 0o777, "", *target),
        };
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}
