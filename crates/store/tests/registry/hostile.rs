//! Registries that mean no good.

use crate::script::endless;
use crate::support::{image, index};
use crate::{network, pull, push, told};
use oci::{Compression, Descriptor, IndexFile, media_type};
use store::ErrorKind;
use store::testing::{Fault, MemoryRegistry};

#[test]
fn manifests_that_no_registry_may_give() {
    let registry = MemoryRegistry::start();
    let manifest = image("amd64", Compression::Gzip, "one").document().bytes.clone();
    let both = br#"{"schemaVersion":2,"config":{},"layers":[],"manifests":[]}"#;
    let schema_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let spaces = vec![b' '; 17 << 20];
    for (tag, media_type, bytes, expected) in [
        ("long", media_type::MANIFEST, &spaces[..], "longer than 16777216 bytes"),
        ("text", media_type::MANIFEST, b"<html>", "is not as the image specification says"),
        ("both", media_type::MANIFEST, both, "a manifest and an index at once"),
        ("claims", media_type::INDEX, &manifest, "the manifest's media type is"),
        ("old", schema_1, br#"{"schemaVersion":1}"#, "an image of Docker's schema 1"),
        (
            "other",
            "application/json",
            br#"{"schemaVersion":2,"mediaType":"a/b\u001b[31m"}"#,
            "`a/b [31m`, which is no manifest",
        ),
    ] {
        registry.plant_manifest("shop", tag, media_type, bytes);
        let error = pull(&format!("docker://{}/shop:{tag}", registry.host()), &network()).unwrap_err();
        assert!(told(&error).0.contains(expected), "{tag}: {}", told(&error).0);
    }
    // An inner one neither.
    let outer = IndexFile::new(vec![Descriptor::of(media_type::MANIFEST, both)]).document().unwrap();
    registry.plant_manifest("shop", "outer", media_type::INDEX, &outer.bytes);
    let pulled = pull(&format!("docker://{}/shop:outer", registry.host()), &network());
    let error = pulled.and_then(|stored| stored.artifact().map(drop)).unwrap_err();
    assert!(told(&error).0.contains("a manifest and an index at once"), "{}", told(&error).0);
    // Without a word on what it is, it is what is in it.
    registry.plant_manifest("shop", "plain", "text/plain", br#"{"schemaVersion":2,"manifests":[]}"#);
    let plain = pull(&format!("docker://{}/shop:plain", registry.host()), &network()).unwrap();
    assert_eq!(plain.document().descriptor.media_type, media_type::INDEX);
}

#[test]
fn digests_that_are_not_so() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop", registry.host());
    let artifact = index();
    push(&place, &artifact, &network()).unwrap();
    let other = format!("sha256:{}", "0".repeat(64));
    registry.fault(Fault::on("GET", "/manifests/1.4").header("Docker-Content-Digest", &other));
    let error = pull(&format!("{place}:1.4"), &network()).unwrap_err();
    assert!(error.to_string().contains(&format!("is {}", other)), "{error}");
    // A document by its digest that is another, at each place where there is one.
    let image = &artifact.images()[0];
    for digest in [
        artifact.document().descriptor.digest,
        image.manifest.descriptor.digest,
        image.config.descriptor.digest,
    ] {
        let answer = Fault::on("GET", &digest.to_string()).answer(200, &[], "{\"schemaVersion\":2}");
        registry.fault(answer.times(2));
        let error = pull(&format!("{place}@{}", artifact.document().descriptor.digest), &network())
            .and_then(|stored| stored.artifact().map(drop))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Place, "{error}");
        while registry.take_faults() {}
    }
}

#[test]
fn indexes_without_end() {
    let registry = MemoryRegistry::start();
    let mut inner = IndexFile::new(vec![]).document().unwrap();
    for depth in 0..6 {
        registry.plant_manifest("shop", &format!("d{depth}"), media_type::INDEX, &inner.bytes);
        inner = IndexFile::new(vec![inner.descriptor]).document().unwrap();
    }
    pull(&format!("docker://{}/shop:d3", registry.host()), &network()).unwrap();
    let error = pull(&format!("docker://{}/shop:d5", registry.host()), &network()).unwrap_err();
    assert!(error.to_string().ends_with("has no index of at most 4 levels and 1000 manifests"), "{error}");
    let entry = Descriptor::of(media_type::MANIFEST, b"x");
    let wide = IndexFile::new(vec![entry; 1001]).document().unwrap();
    registry.plant_manifest("shop", "wide", media_type::INDEX, &wide.bytes);
    assert!(pull(&format!("docker://{}/shop:wide", registry.host()), &network()).is_err());
}

#[test]
fn blobs_that_are_others() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop:1.4", registry.host());
    let artifact = image("amd64", Compression::Gzip, "one");
    push(&place, &artifact, &network()).unwrap();
    let layer = artifact.images()[0].layers[0].0.clone();
    let size = layer.size as usize;
    let read = || {
        let pulled = pull(&place, &network()).unwrap().artifact().unwrap();
        let blob = pulled.blobs().next().unwrap();
        let mut bytes = vec![];
        let read = blob.open().and_then(|mut reader| std::io::Read::read_to_end(&mut reader, &mut bytes));
        read.map(|_| bytes).map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<store::StoreError>());
            inner.map_or_else(|| error.to_string(), |inner| told(inner).0)
        })
    };
    assert_eq!(read().unwrap().len(), size);
    for (bytes, expected) in [
        (vec![b'x'; size], "the bytes are sha256:"),
        (vec![b'x'; size + 1], " bytes, not "),
        (vec![b'x'; size - 1], " bytes, not "),
        (vec![], " bytes, not "),
    ] {
        registry.plant_blob("shop", &layer.digest.to_string(), &bytes);
        let error = read().unwrap_err();
        assert!(error.contains(expected), "{}: {error}", bytes.len());
    }
    // Sent elsewhere, to where no end comes.
    let path = format!("blobs/{}", layer.digest);
    for location in [endless("x"), endless("")] {
        registry.fault(Fault::on("GET", &path).answer(307, &[("Location", &location)], "").times(9));
        let error = read().unwrap_err();
        assert!(error.contains("the bytes are more than"), "{error}");
        while registry.take_faults() {}
    }
}

#[test]
fn what_comes_drop_by_drop_ends() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop:1.4", registry.host());
    push(&place, &image("amd64", Compression::Gzip, "one"), &network()).unwrap();
    registry.fault(Fault::on("GET", "/manifests/").drip().times(9));
    let error = pull(&place, &network()).unwrap_err();
    assert!(told(&error).0.contains("it came too slowly: "), "{}", told(&error).0);
}

#[test]
fn what_a_registry_says_is_fit_to_be_shown() {
    let registry = MemoryRegistry::start();
    let body = format!(
        "{{\"errors\":[{{\"code\":\"DENIED\",\"message\":\"\\u001b]0;x\\u0007{}\"}}]}}",
        "y".repeat(5000)
    );
    registry.fault(Fault::on("GET", "/manifests/").answer(403, &[], &body));
    let error = pull(&format!("docker://{}/shop:1", registry.host()), &network()).unwrap_err().to_string();
    assert!(error.len() < 800 && !error.contains('\u{1b}') && error.contains("DENIED: ]0;x yyy"), "{error}");
}
