//! Images for tests, and directories as text.

#![allow(dead_code, clippy::unwrap_used)] // each test file uses a part of it

use oci::{
    Artifact, AssembledLayer, Compression, Digest, EntryKind, Image, ImageConfig, Index, LayerOptions,
    MemoryBlob, TarReader, assemble, write_layer,
};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Write as _};
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use store::Spool;
use tree::Tree;

fn config(architecture: &str) -> ImageConfig {
    ImageConfig { architecture: architecture.into(), os: "linux".into(), ..ImageConfig::default() }
}

fn options(compression: Compression) -> LayerOptions {
    LayerOptions { compression, level: None, threads: NonZeroUsize::MIN }
}

fn trees(text: &str) -> [Tree; 2] {
    [
        Tree::from_lines("644 0:0 /etc/passwd = root:x:0:0::/:\\n\n1777 0:0 /tmp/").unwrap(),
        Tree::from_lines(&format!("755 0:0 /app/shop = {text}")).unwrap(),
    ]
}

/// An image of two layers; the second holds `text`.
pub fn image(architecture: &str, compression: Compression, text: &str) -> Artifact {
    let layers = trees(text).into_iter().map(|tree| {
        let mut bytes = vec![];
        let layer = write_layer(&tree, &options(compression), &mut bytes, &|_| ()).unwrap();
        let blob = Arc::new(MemoryBlob::new(compression.media_type(), bytes));
        AssembledLayer { layer, blob, created_by: "bantam: test".into() }
    });
    Artifact::Image(assemble(&config(architecture), layers.collect(), BTreeMap::new()).unwrap())
}

/// The one image of an artifact.
pub fn image_of(artifact: Artifact) -> Image {
    match artifact {
        Artifact::Image(image) => image,
        _ => unreachable!(),
    }
}

/// An index of two images.
pub fn index() -> Artifact {
    let images =
        ["amd64", "arm64"].map(|architecture| image_of(image(architecture, Compression::Gzip, architecture)));
    Artifact::Index(Index::new(images.into(), BTreeMap::new()).unwrap())
}

/// An image whose layers are in a spool, and their inodes there.
pub fn spooled(spool: &Spool) -> (Artifact, Vec<u64>) {
    let mut inodes = vec![];
    let mut layers = vec![];
    for tree in trees("spooled") {
        let mut file = spool.file().unwrap();
        let layer = write_layer(&tree, &options(Compression::Gzip), &mut file, &|_| ()).unwrap();
        let blob = file.finish(&layer.descriptor).unwrap();
        let fd = blob.fd().unwrap().try_clone_to_owned().unwrap();
        inodes.push(File::from(fd).metadata().unwrap().ino());
        layers.push(AssembledLayer { layer, blob, created_by: "bantam: test".into() });
    }
    (Artifact::Image(assemble(&config("amd64"), layers, BTreeMap::new()).unwrap()), inodes)
}

/// A directory as one line a file: size, start of the digest, path.
pub fn listing(dir: &Path) -> String {
    let mut lines = vec![];
    let mut todo = vec![dir.to_path_buf()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().display().to_string();
            if path.is_dir() {
                lines.push(format!("{name}/"));
                todo.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                lines.push(format!("{name} {} {}", bytes.len(), &Digest::of(&bytes).hex()[..12]));
            }
        }
    }
    lines.sort();
    lines.join("\n")
}

/// The entries of a tar.
pub fn entries(file: File) -> String {
    let mut tar = TarReader::new(BufReader::new(file));
    let mut lines = vec![];
    while let Some(entry) = tar.next_entry().unwrap() {
        let size = match entry.kind {
            EntryKind::File { size, .. } => size.to_string(),
            kind => format!("{kind:?}"),
        };
        lines.push(format!(
            "{:o} {}:{} {} {size}",
            entry.meta.mode, entry.meta.uid, entry.meta.gid, entry.path
        ));
    }
    lines.join("\n")
}

/// An archive of these files; `->` makes a symbolic link.
pub fn archive(path: &Path, files: &[(&str, &[u8])]) {
    let mut out = vec![];
    for (name, content) in files {
        let (name, kind) = match name.split_once(" -> ") {
            Some((name, target)) => (name, oci::TarKind::Symlink(target)),
            None => (*name, oci::TarKind::File(content.len() as u64)),
        };
        oci::TarEntry { name, kind, meta: &tree::Meta::root(0o644) }.write_header(&mut out);
        out.extend_from_slice(content);
        out.resize(out.len() + oci::padding(content.len() as u64), 0);
    }
    File::create(path).unwrap().write_all(&out).unwrap();
}
