//! What others made is passed on byte for byte, whatever it is.

#![allow(clippy::unwrap_used)] // a test panics when it fails

mod support;

use oci::{
    Artifact, Blob, Compression, Descriptor, Document, Index, IndexFile, Manifest, MemoryBlob, Part,
    media_type,
};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use store::{Network, Publication, Reference, Stored};
use support::{image, image_of};

/// An index with everything that is met in one: images of the OCI and of Docker, one with a layer that is elsewhere, an
/// index within, what BuildKit attests, an artifact, and what is no manifest at all.
fn everything() -> Index {
    let blob = |media_type: &str, text: &str| -> Arc<dyn Blob> {
        Arc::new(MemoryBlob::new(media_type, text.as_bytes()))
    };
    let amd64 = image_of(image("amd64", Compression::Zstd, "amd64"));
    let mut docker = image_of(image("arm64", Compression::Gzip, "arm64"));
    let mut manifest = Manifest::parse(&docker.manifest.bytes).unwrap();
    let foreign = Descriptor {
        urls: vec!["https://example.com/layer".into()],
        ..Descriptor::of("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"elsewhere")
    };
    manifest.media_type = Some(media_type::DOCKER_MANIFEST.into());
    manifest.config.media_type = media_type::DOCKER_CONFIG.into();
    manifest.layers.push(foreign);
    // Docker's own way of writing it, which is not ours.
    docker.manifest = document(media_type::DOCKER_MANIFEST, serde_json::to_vec_pretty(&manifest).unwrap());
    docker.config.descriptor.media_type = media_type::DOCKER_CONFIG.into();

    let attested = blob("application/vnd.in-toto+json", "{\"predicateType\":\"x\"}");
    let config = blob(media_type::CONFIG, "{\"architecture\":\"unknown\",\"os\":\"unknown\"}");
    let attestation = part(&config, &attested);
    let chart =
        part(&blob("application/vnd.cncf.helm.config.v1+json", "{}"), &blob("application/tar", "chart"));
    let cached = blob("application/vnd.docker.image.rootfs.diff.tar.gzip", "a layer of its own");

    let mut listed = docker.manifest.descriptor.clone();
    listed.platform = Some("linux/arm64/v8".parse().unwrap());
    let inner = IndexFile::new(vec![listed.clone()]);
    let inner = document(media_type::INDEX, serde_json::to_vec_pretty(&inner).unwrap());
    let mut of_attestation = attestation.document.descriptor.clone();
    of_attestation.platform = Some("unknown/unknown".parse().unwrap());
    of_attestation.annotations.insert("vnd.docker.reference.type".into(), "attestation-manifest".into());
    let outer = IndexFile::new(vec![
        amd64.descriptor(),
        of_attestation,
        inner.descriptor.clone(),
        chart.document.descriptor.clone(),
        cached.descriptor().clone(),
        // Listed, and nowhere.
        Descriptor::of(media_type::MANIFEST, b"gone"),
    ]);
    let inner = Part { document: inner, blobs: vec![] };
    Index {
        document: document(media_type::INDEX, serde_json::to_vec_pretty(&outer).unwrap()),
        images: vec![amd64, docker],
        parts: vec![attestation, chart, inner],
        blobs: vec![cached],
    }
}

fn document(media_type: &str, bytes: Vec<u8>) -> Document {
    Document { descriptor: Descriptor::of(media_type, &bytes), bytes }
}

fn part(config: &Arc<dyn Blob>, layer: &Arc<dyn Blob>) -> Part {
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::MANIFEST,
        "config": config.descriptor(), "layers": [layer.descriptor()], "unknown": {"kept": [1, 2]},
    });
    let document = document(media_type::MANIFEST, serde_json::to_vec_pretty(&manifest).unwrap());
    Part { document, blobs: vec![Arc::clone(layer), Arc::clone(config)] }
}

fn publish(reference: &str, artifact: &Artifact) {
    let reference: Reference = reference.parse().unwrap();
    let publication = Publication { artifact, names: &["shop:1".to_string()] };
    store::destination(&reference, &Network::offline()).unwrap().publish(&publication).unwrap();
}

fn open(reference: &str) -> Stored {
    store::open(&reference.parse().unwrap(), &Network::offline()).unwrap()
}

fn blobs(layout: &Path) -> BTreeSet<(String, Vec<u8>)> {
    let entries = fs::read_dir(layout.join("blobs/sha256")).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn an_index_is_passed_on_with_all_that_is_below_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let first = Artifact::Index(everything());
    publish(&format!("oci:{}", at("first")), &first);
    // 4 documents of images with 2 layers each that share one, 2 of 2 parts with a blob each, 2 indexes, a lone blob.
    assert_eq!(blobs(&dir.path().join("first")).len(), 4 + 4 + 2 * 3 + 2 + 1);
    for (from, to) in [("oci", "oci"), ("oci", "oci-archive"), ("oci-archive", "oci")] {
        let from = format!("{from}:{}", at(if from == "oci" { "first" } else { "then" }));
        let copied = open(&from).artifact().unwrap();
        assert_eq!(copied.document(), first.document());
        assert_eq!(copied.manifests().last().unwrap().bytes, first.document().bytes);
        publish(&format!("{to}:{}", at(if to == "oci" { "last" } else { "then" })), &copied);
        if to == "oci" {
            assert_eq!(blobs(&dir.path().join("first")), blobs(&dir.path().join("last")));
            fs::remove_dir_all(dir.path().join("last")).unwrap();
        }
    }
}

#[test]
fn children_stand_before_what_names_them() {
    let dir = tempfile::tempdir().unwrap();
    let place = format!("oci:{}", dir.path().display());
    publish(&place, &Artifact::Index(everything()));
    let artifact = open(&place).artifact().unwrap();
    let manifests = artifact.manifests();
    let position = |descriptor: &Descriptor| {
        manifests.iter().position(|document| document.descriptor.digest == descriptor.digest)
    };
    for (number, document) in manifests.iter().enumerate() {
        if media_type::is_index(&document.descriptor.media_type) {
            let listed = IndexFile::parse(&document.bytes).unwrap().manifests;
            assert!(listed.iter().filter_map(position).all(|child| child < number));
        }
    }
    assert_eq!(manifests.len(), 6);
}

#[test]
fn platforms_of_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let place = format!("oci:{}", dir.path().display());
    let whole = everything();
    publish(&place, &Artifact::Index(whole.clone()));
    let stored = open(&place);
    let [amd64, arm64] = ["linux/amd64", "linux/arm64"].map(|text| text.parse().unwrap());
    let one = stored.artifact_for(std::slice::from_ref(&arm64)).unwrap();
    assert_eq!(one.document(), &whole.images[1].manifest);
    let both = stored.artifact_for(&[arm64, amd64]).unwrap();
    let listed = IndexFile::parse(&both.document().bytes).unwrap().manifests;
    let digests: Vec<_> = listed.iter().map(|entry| entry.digest).collect();
    assert_eq!(digests, [0, 1].map(|number: usize| whole.images[number].manifest.descriptor.digest));
    assert_eq!(listed[1].media_type, media_type::DOCKER_MANIFEST);
    assert_eq!(stored.artifact_for(&[]).unwrap().document(), &whole.document);
    assert!(stored.artifact_for(&["linux/s390x".parse().unwrap()]).is_err());
}

#[test]
fn what_is_no_image_is_passed_on_and_refused_by_docker() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let chart = everything().parts.swap_remove(1);
    publish(&format!("oci:{}", at("first")), &Artifact::Other(chart.clone()));
    let copied = open(&format!("oci:{}", at("first"))).artifact().unwrap();
    assert!(matches!(&copied, Artifact::Other(part) if part.document == chart.document));
    publish(&format!("oci:{}", at("second")), &copied);
    assert_eq!(blobs(&dir.path().join("first")), blobs(&dir.path().join("second")));
    publish(&format!("oci:{}", at("third")), &Artifact::Image(everything().images.swap_remove(1)));
    let foreign = open(&format!("oci:{}", at("third"))).artifact().unwrap();
    for (artifact, expected) in [
        (copied, "takes images only, and this is something else"),
        (
            foreign,
            &*format!(
                "takes no layers that others give out, as {} is",
                Descriptor::of("", b"elsewhere").digest
            ),
        ),
    ] {
        let reference: Reference = format!("docker-archive:{}", at("x.tar")).parse().unwrap();
        let destination = store::destination(&reference, &Network::offline()).unwrap();
        let error = destination.publish(&Publication { artifact: &artifact, names: &[] }).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
    }
}

#[test]
fn too_much_below_an_index_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let place = format!("oci:{}", dir.path().display());
    let part = |number: u8| Part {
        document: document(media_type::MANIFEST, [vec![number], vec![b' '; 15 << 20]].concat()),
        blobs: vec![],
    };
    let parts: Vec<Part> = (0..5).map(part).collect();
    let listed = parts.iter().map(|part| part.document.descriptor.clone()).collect();
    let document = IndexFile::new(listed).document().unwrap();
    publish(&place, &Artifact::Index(Index { document, images: vec![], parts, blobs: vec![] }));
    let error = open(&place).artifact().err().unwrap().to_string();
    assert!(error.contains("at most 67108864 bytes together"), "{error}");
}
