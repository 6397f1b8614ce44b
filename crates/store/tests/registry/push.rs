//! What a push sends, and what it does not.

use crate::support::{image, image_of, index};
use crate::{network, options, pull, push, told};
use fetch::Client;
use oci::{Artifact, Blob, Compression, Descriptor, MemoryBlob, Part};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use store::testing::{Fault, MemoryRegistry};
use store::{ErrorKind, Network, StoreError};

fn methods(registry: &MemoryRegistry, method: &str) -> usize {
    registry.requests().iter().filter(|request| request.starts_with(method)).count()
}

#[test]
fn an_image_is_pushed_whole_and_found_again() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/acme/shop", registry.host());
    let artifact = image("amd64", Compression::Zstd, "one");
    let published = push(&place, &artifact, &network()).unwrap();
    assert_eq!(published.digest, artifact.document().descriptor.digest);
    let named = |tag: &str| format!("{}/acme/shop:{tag}", registry.host());
    assert_eq!(published.names, [named("1.4"), named("latest")]);
    assert_eq!(registry.tags("acme/shop"), ["1.4", "latest"]);
    assert_eq!(registry.manifest("acme/shop", "1.4").unwrap(), artifact.document().bytes);
    assert_eq!(registry.blobs("acme/shop").len(), 3);
    // A tag of the reference counts before the image's own.
    let published = push(&format!("{place}:edge"), &artifact, &network()).unwrap();
    assert_eq!(published.names, [named("edge")]);
    assert_eq!(registry.tags("acme/shop"), ["1.4", "edge", "latest"]);
}

#[test]
fn the_order_is_blobs_then_manifests_then_tags() {
    let registry = MemoryRegistry::start();
    push(&format!("docker://{}/shop", registry.host()), &index(), &network()).unwrap();
    let requests = registry.requests();
    let written: Vec<&str> =
        requests.iter().map(String::as_str).filter(|line| line.starts_with("PUT")).collect();
    let is_blob = |line: &&str| line.contains("/blobs/");
    let blobs = written.iter().filter(|line| is_blob(line)).count();
    assert!(written[..blobs].iter().all(is_blob), "{written:#?}");
    let children = &written[blobs..blobs + 2];
    assert!(children.iter().all(|line| line.contains("/manifests/sha256:")), "{written:#?}");
    assert_eq!(written[blobs + 2..], ["PUT /v2/shop/manifests/1.4", "PUT /v2/shop/manifests/latest"]);
    // Of each blob once, whatever names it.
    assert_eq!(blobs, registry.blobs("shop").len());
}

#[test]
fn a_push_without_change_asks_for_the_tags_only() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop", registry.host());
    push(&place, &index(), &network()).unwrap();
    registry.forget_requests();
    push(&place, &index(), &network()).unwrap();
    let mut requests = registry.requests();
    requests.sort();
    assert_eq!(requests, ["HEAD /v2/shop/manifests/1.4", "HEAD /v2/shop/manifests/latest"]);
}

#[test]
fn another_tag_of_the_same_image_sends_no_blob() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop", registry.host());
    push(&place, &image("amd64", Compression::Gzip, "one"), &network()).unwrap();
    registry.forget_requests();
    push(&format!("{place}:2"), &image("amd64", Compression::Gzip, "one"), &network()).unwrap();
    assert_eq!((methods(&registry, "POST"), methods(&registry, "PUT")), (0, 1));
    assert_eq!(methods(&registry, "HEAD"), 4);
}

#[test]
fn blobs_that_the_registry_has_elsewhere_are_mounted() {
    let registry = MemoryRegistry::start();
    let at = |repository: &str| format!("docker://{}/{repository}", registry.host());
    let artifact = image("amd64", Compression::Gzip, "one");
    // Of one run: what was pushed to one repository.
    let network = network();
    push(&at("one"), &artifact, &network).unwrap();
    registry.forget_requests();
    push(&at("two"), &artifact, &network).unwrap();
    let posts: Vec<_> = registry.requests().into_iter().filter(|line| line.starts_with("POST")).collect();
    assert_eq!(posts.len(), 3);
    assert!(posts.iter().all(|line| line.contains("?mount=") && line.ends_with("&from=one")), "{posts:#?}");
    assert_eq!(methods(&registry, "PUT"), 2);
    // Of another: what was read from one, and none of its layers is read.
    let other = crate::network();
    let copied = pull(&at("one:1.4"), &other).unwrap().artifact().unwrap();
    registry.forget_requests();
    push(&at("three"), &copied, &other).unwrap();
    assert_eq!((methods(&registry, "PUT"), methods(&registry, "GET")), (2, 0), "{:#?}", registry.requests());
    assert_eq!(registry.blobs("three"), registry.blobs("one"));
}

#[test]
fn what_cannot_be_mounted_is_uploaded() {
    for (status, posts) in [(202, 3), (404, 6), (403, 6), (401, 6), (405, 6)] {
        let registry = MemoryRegistry::start();
        let at = |repository: &str| format!("docker://{}/{repository}", registry.host());
        let network = network();
        push(&at("one"), &image("amd64", Compression::Gzip, "one"), &network).unwrap();
        let fault = Fault::on("POST", "mount=").times(3);
        if status == 202 {
            // The session that it gives is used.
            registry.fault(fault.times(0));
            registry.forget_requests();
            let gone = registry.host();
            let elsewhere = Network::new(Client::new(options(&Arc::default())), auth::Keychain::default());
            let copied = pull(&format!("docker://{gone}/one:1.4"), &elsewhere).unwrap().artifact().unwrap();
            let other = MemoryRegistry::start();
            push(&format!("docker://{}/two", other.host()), &copied, &elsewhere).unwrap();
            assert_eq!(methods(&other, "POST"), posts);
            assert_eq!(other.blobs("two"), registry.blobs("one"));
            continue;
        }
        registry.fault(fault.answer(status, &[], ""));
        registry.forget_requests();
        push(&at("two"), &image("amd64", Compression::Gzip, "one"), &network).unwrap();
        assert_eq!(methods(&registry, "POST"), posts, "{status}");
        assert_eq!(registry.blobs("two"), registry.blobs("one"));
    }
}

#[test]
fn bytes_that_are_others_are_never_tagged() {
    struct Other(Descriptor, usize);
    impl Blob for Other {
        fn descriptor(&self) -> &Descriptor {
            &self.0
        }
        fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
            match self.1 {
                0 => Err(io::Error::other("it is gone")),
                length => Ok(Box::new(io::repeat(b'x').take(length as u64))),
            }
        }
    }
    let good = image_of(image("amd64", Compression::Gzip, "one"));
    let size = good.layers[1].0.size as usize;
    for (length, expected) in
        [(size, "the blob is sha256:"), (size - 1, "the blob is sha256:"), (0, "it is gone")]
    {
        let registry = MemoryRegistry::start();
        let mut image = good.clone();
        image.layers[1].1 = Arc::new(Other(image.layers[1].0.clone(), length));
        let place = format!("docker://{}/shop", registry.host());
        let error = push(&place, &Artifact::Image(image), &network()).unwrap_err();
        assert!(told(&error).0.contains(expected), "{length}: {}", told(&error).0);
        assert_eq!(registry.tags("shop"), [""; 0]);
        assert!(
            registry.blobs("shop").iter().all(|(digest, _)| *digest != good.layers[1].0.digest.to_string())
        );
    }
}

#[test]
fn layers_that_others_give_out_are_not_given_on() {
    let registry = MemoryRegistry::start();
    let foreign = Descriptor {
        urls: vec!["https://example.com/layer".into()],
        ..Descriptor::of("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"elsewhere")
    };
    let mut image = image_of(image("amd64", Compression::Gzip, "one"));
    let mut manifest = oci::Manifest::parse(&image.manifest.bytes).unwrap();
    manifest.layers.push(foreign.clone());
    image.manifest = manifest.document().unwrap();
    image.layers.push((foreign.clone(), Arc::new(MemoryBlob::new(&foreign.media_type, &b"elsewhere"[..]))));
    let place = format!("docker://{}/shop:1", registry.host());
    push(&place, &Artifact::Image(image), &network()).unwrap();
    assert_eq!(registry.blobs("shop").len(), 3);
    // And not taken either, on the way to another place.
    let copied = pull(&place, &network()).unwrap().artifact().unwrap();
    let dir = tempfile::tempdir().unwrap();
    push(&format!("oci:{}", dir.path().display()), &copied, &network()).unwrap();
    assert!(!dir.path().join("blobs/sha256").join(foreign.digest.hex()).exists());
}

#[test]
fn what_is_no_image_is_pushed_too() {
    let registry = MemoryRegistry::start();
    let blob: Arc<dyn Blob> = Arc::new(MemoryBlob::new("text/plain", &b"a note"[..]));
    let part = Part::artifact("application/vnd.example", vec![blob], None, BTreeMap::new()).unwrap();
    let place = format!("docker://{}/notes:1", registry.host());
    push(&place, &Artifact::Other(part.clone()), &network()).unwrap();
    let copied = pull(&place, &network()).unwrap().artifact().unwrap();
    assert!(matches!(&copied, Artifact::Other(found) if found.document == part.document));
}

#[test]
fn a_probe_writes_nothing() {
    let registry = MemoryRegistry::start();
    let reference = format!("docker://{}/shop:1", registry.host()).parse().unwrap();
    let network = network();
    store::destination(&reference, &network).unwrap().probe().unwrap();
    assert!(registry.requests().iter().all(|line| line.starts_with("GET /v2/") || line.starts_with("HEAD")));
    for (fault, kind) in [
        (Fault::on("HEAD", "manifests").answer(403, &[], ""), ErrorKind::Credentials),
        (Fault::on("HEAD", "manifests").answer(401, &[], ""), ErrorKind::Credentials),
        (Fault::on("GET", "/v2/").answer(404, &[], "<html>"), ErrorKind::Refused),
        (Fault::on("GET", "/v2/").answer(503, &[], "").times(3), ErrorKind::Place),
    ] {
        registry.fault(fault);
        let error = store::destination(&reference, &network).unwrap().probe().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    let nobody = "docker://127.0.0.1:1/shop:1".parse().unwrap();
    let error = store::destination(&nobody, &network).unwrap().probe().unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    let offline = store::destination(&nobody, &Network::offline()).unwrap().probe().unwrap_err();
    assert!(told(&offline).0.ends_with("offline"), "{}", told(&offline).0);
}
