//! Images that others wrote, well or badly.

#![allow(clippy::unwrap_used)] // a test panics when it fails

mod support;

use oci::{Artifact, Compression, Descriptor, Digest, IndexFile, Platform, media_type, validate};
use std::fs;
use std::path::Path;
use store::{Publication, StoreError};
use support::{archive, image, index};

fn layer(text: &str) -> Vec<u8> {
    let Artifact::Image(image) = image("amd64", Compression::None, text) else { unreachable!() };
    let mut bytes = vec![];
    std::io::copy(&mut image.layers[1].1.open().unwrap(), &mut bytes).unwrap();
    bytes
}

/// The config of an image with these plain layers, as an engine writes it.
fn config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
    serde_json::to_vec(&serde_json::json!({
        "architecture": "arm", "os": "linux", "variant": "v7", "config": {"Cmd": null},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": null,
    }))
    .unwrap()
}

fn open(reference: &str) -> Result<store::Stored, String> {
    store::open(&reference.parse().unwrap(), &store::Network::offline()).map_err(|error| {
        match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        }
    })
}

#[test]
fn what_docker_save_wrote_before_25_is_an_image() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saved.tar");
    let (first, second) = (layer("first"), layer("second"));
    let config = config(&[&first, &second, &first]);
    archive(
        &path,
        &[
            ("abc.json", &config),
            ("1/layer.tar", &first),
            ("2/layer.tar", &second),
            ("3/layer.tar -> ../1/layer.tar", b""),
            (
                "manifest.json",
                br#"[{"Config":"abc.json","RepoTags":["shop:1","acme/shop:2"],
                    "Layers":["1/layer.tar","2/layer.tar","3/layer.tar"]},
                    {"Config":"abc.json","RepoTags":null,"Layers":null}]"#,
            ),
            ("repositories", b"{}"),
        ],
    );
    let reference = format!("docker-archive:{}", path.display());
    for name in ["shop:1", "docker.io/library/shop:1", "acme/shop:2", "2"] {
        let stored = open(&format!("{reference}:{name}")).unwrap();
        assert_eq!(stored.names(), ["shop:1", "acme/shop:2"]);
        let image = stored.image(None).unwrap();
        assert_eq!(validate(image), []);
        assert_eq!(image.platform().unwrap().to_string(), "linux/arm/v7");
        let layers = image.load().unwrap().layers;
        assert_eq!(layers[2].0, Descriptor::of(media_type::LAYER, &first));
    }
    // Compressed as a whole, it is the same.
    let packed = dir.path().join("saved.tar.zst");
    let plain = fs::read(&path).unwrap();
    fs::write(&packed, zstd_of(&plain)).unwrap();
    let stored = open(&format!("docker-archive:{}:shop:1", packed.display())).unwrap();
    assert_eq!(validate(stored.image(None).unwrap()), []);
}

/// A zstd frame of one raw block: enough for a test.
fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    let blocks: Vec<&[u8]> = bytes.chunks(65536).collect();
    for (number, block) in blocks.iter().enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(number + 1 == blocks.len());
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}

#[test]
fn wrong_archives_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    type Files = &'static [(&'static str, &'static [u8])];
    let files: &[(&str, Files)] = &[
        ("nothing", &[]),
        ("no-json", &[("manifest.json", b"{")]),
        ("empty-list", &[("manifest.json", b"[]")]),
        ("no-config", &[("manifest.json", br#"[{"Config":"x","RepoTags":["a:b"],"Layers":[]}]"#)]),
        ("climbs", &[("manifest.json", br#"[{"Config":"../../etc/passwd","Layers":[]}]"#)]),
        ("loops", &[("a -> b", b""), ("b -> a", b""), ("manifest.json", br#"[{"Config":"a"}]"#)]),
        ("far -> ../../../etc/passwd", &[("a -> ../../../etc/passwd", b"")]),
        ("index", &[("index.json", b"[1]")]),
        (
            "no-blob",
            &[(
                "index.json",
                br#"{"schemaVersion":2,"manifests":[{"mediaType":"a/b","size":2,
            "digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}"#,
            )],
        ),
    ];
    let mut answers = vec![];
    for (name, files) in files {
        let path = dir.path().join("x.tar");
        archive(&path, files);
        for scheme in ["docker-archive", "oci-archive"] {
            let error = open(&format!("{scheme}:{}", path.display())).unwrap_err();
            answers.push(format!("{name}: {error}"));
        }
    }
    for (name, content) in [("text", "x".repeat(2000)), ("gzip", "\u{1f}\u{8b}".into())] {
        let path = dir.path().join("x.tar");
        fs::write(&path, content).unwrap();
        answers.push(format!("{name}: {}", open(&format!("oci-archive:{}", path.display())).unwrap_err()));
    }
    let text = answers.join("\n").replace(&dir.path().display().to_string(), "HERE");
    insta::assert_snapshot!(text, @"
nothing: docker-archive:HERE/x.tar has no manifest.json
nothing: oci-archive:HERE/x.tar has no index.json
no-json: docker-archive:HERE/x.tar: manifest.json is not as the image specification says
no-json: oci-archive:HERE/x.tar has no index.json
empty-list: docker-archive:HERE/x.tar has no image
empty-list: oci-archive:HERE/x.tar has no index.json
no-config: docker-archive:HERE/x.tar has no x
no-config: oci-archive:HERE/x.tar has no index.json
climbs: docker-archive:HERE/x.tar has no ../../etc/passwd
climbs: oci-archive:HERE/x.tar has no index.json
loops: docker-archive:HERE/x.tar has no a
loops: oci-archive:HERE/x.tar has no index.json
far -> ../../../etc/passwd: HERE/x.tar is no image archive: the tar holds a name that is no path
far -> ../../../etc/passwd: HERE/x.tar is no image archive: the tar holds a name that is no path
index: docker-archive:HERE/x.tar has no image
index: oci-archive:HERE/x.tar has no image
no-blob: cannot read the blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a: entity not found
no-blob: cannot read the blob sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a: entity not found
text: HERE/x.tar is no image archive: byte 512 of the tar: the field checksum is no number
gzip: HERE/x.tar is no image archive: byte 0 of the tar: the tar ends too early
");
}

/// Publishes to a layout, then lets `change` have its way with the directory.
fn layout(
    artifact: &Artifact,
    change: impl FnOnce(&Path),
) -> (tempfile::TempDir, Result<store::Stored, StoreError>) {
    let dir = tempfile::tempdir().unwrap();
    let reference = store::Reference::layout(dir.path());
    let names = ["shop:1".to_string()];
    store::destination(&reference, &store::Network::offline())
        .unwrap()
        .publish(&Publication { artifact, names: &names })
        .unwrap();
    change(dir.path());
    let stored = store::open(&reference, &store::Network::offline());
    (dir, stored)
}

#[test]
fn damage_is_told_when_it_is_read() {
    let artifact = image("amd64", Compression::Gzip, "x");
    let image = &artifact.images()[0];
    let blob = |dir: &Path, digest: Digest| dir.join("blobs/sha256").join(digest.hex());
    for (digest, subject) in
        [(image.manifest.descriptor.digest, "the manifest"), (image.config.descriptor.digest, "the config")]
    {
        let (_dir, stored) = layout(&artifact, |dir| fs::write(blob(dir, digest), "{}").unwrap());
        let stored = stored.unwrap();
        let error = stored.image(None).unwrap().load().err().unwrap();
        assert!(error.to_string().starts_with(&format!("{subject} is sha256:44136fa355")), "{error}");
        assert_ne!(validate(stored.image(None).unwrap()), []);
    }
    let layer = &image.layers[0].0;
    let (_dir, stored) = layout(&artifact, |dir| {
        fs::write(blob(dir, layer.digest), vec![0; usize::try_from(layer.size).unwrap()]).unwrap();
    });
    let loaded = stored.unwrap().image(None).unwrap().load().unwrap();
    let error = std::io::copy(&mut loaded.layers[0].1.open().unwrap(), &mut std::io::sink()).unwrap_err();
    assert!(error.to_string().ends_with(&format!("not {} of {} bytes", layer.digest, layer.size)), "{error}");
    let (_dir, stored) = layout(&artifact, |dir| fs::remove_file(dir.join("index.json")).unwrap());
    assert!(matches!(stored.unwrap_err(), StoreError::Read { .. }));
}

#[test]
fn an_image_is_chosen_by_platform() {
    let (_dir, stored) = layout(&index(), |_| ());
    let stored = stored.unwrap();
    let wanted = |text: &str| text.parse::<Platform>().unwrap();
    let arm = stored.image(Some(&wanted("linux/arm64/v8"))).unwrap();
    assert_eq!(arm.platform(), Some(&wanted("linux/arm64")));
    let error = stored.image(Some(&wanted("linux/s390x"))).unwrap_err().to_string();
    assert!(error.ends_with("has no image for linux/s390x; it has linux/amd64, linux/arm64"), "{error}");
    let error = stored.image(None).unwrap_err().to_string();
    assert!(error.ends_with("has images for several platforms: linux/amd64, linux/arm64"), "{error}");
}

#[test]
fn an_index_may_name_what_is_not_there_and_what_is_no_image() {
    let artifact = index();
    let gone = artifact.images()[1].manifest.descriptor.digest.hex();
    let (dir, _) = layout(&artifact, |dir| fs::remove_file(dir.join("blobs/sha256").join(gone)).unwrap());
    let stored = store::open(&store::Reference::layout(dir.path()), &store::Network::offline()).unwrap();
    assert_eq!(stored.images().len(), 1);
    assert_eq!(stored.image(None).unwrap().platform().unwrap().to_string(), "linux/amd64");

    // An attestation, as BuildKit lists it, and an index within the index.
    let mut attestation = artifact.images()[0].manifest.descriptor.clone();
    attestation.platform = Some("unknown/unknown".parse().unwrap());
    let inner = artifact.document().descriptor.clone();
    let outer = IndexFile::new(vec![attestation, inner]).document().unwrap();
    let root = IndexFile::new(vec![outer.descriptor.clone()]).document().unwrap();
    fs::write(dir.path().join("blobs/sha256").join(outer.descriptor.digest.hex()), &outer.bytes).unwrap();
    fs::write(dir.path().join("index.json"), &root.bytes).unwrap();
    let stored = store::open(&store::Reference::layout(dir.path()), &store::Network::offline()).unwrap();
    assert_eq!(stored.images().len(), 1);
    assert_eq!(stored.document().descriptor.digest, outer.descriptor.digest);
}
