//! What a pull reads, and from where.

use crate::support::{image, index};
use crate::{network, options, pull, push, told};
use fetch::Client;
use oci::{Artifact, Compression, Descriptor, media_type, validate};
use std::sync::Arc;
use store::testing::{Fault, MemoryRegistry};
use store::{ErrorKind, Network};

/// Everything of an artifact, read to its end.
fn read(artifact: &Artifact) -> Vec<(Descriptor, Result<u64, String>)> {
    let blobs = artifact.blobs().map(|blob| {
        let copied = blob.open().and_then(|mut reader| std::io::copy(&mut reader, &mut std::io::sink()));
        (blob.descriptor().clone(), copied.map_err(|error| error.to_string()))
    });
    blobs.collect()
}

#[test]
fn an_index_is_pulled_byte_for_byte() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop", registry.host());
    let artifact = index();
    push(&place, &artifact, &network()).unwrap();
    let digest = artifact.document().descriptor.digest;
    for reference in
        [format!("{place}:1.4"), place.clone(), format!("{place}@{digest}"), format!("{place}:gone@{digest}")]
    {
        let stored = pull(&reference, &network()).unwrap();
        assert_eq!(stored.document(), artifact.document(), "{reference}");
        let copied = stored.artifact().unwrap();
        for (found, expected) in copied.manifests().iter().zip(artifact.manifests()) {
            assert_eq!(found.bytes, expected.bytes);
        }
        assert!(read(&copied).iter().all(|(blob, read)| *read == Ok(blob.size)));
        assert!(stored.images().iter().all(|image| validate(image).is_empty()));
    }
    assert_eq!(pull(&place, &network()).unwrap().names(), [format!("{}/shop:latest", registry.host())]);
}

#[test]
fn one_platform_costs_what_it_needs() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop:1.4", registry.host());
    push(&place, &index(), &network()).unwrap();
    registry.forget_requests();
    let arm64 = "linux/arm64".parse().unwrap();
    let image = pull(&place, &network()).unwrap().artifact_for(&[arm64]).unwrap();
    let gets = registry.requests();
    // The index, the manifest, the config; layers only when somebody reads them.
    assert_eq!(gets.len(), 3, "{gets:#?}");
    assert_eq!(image.images()[0].platform.to_string(), "linux/arm64");
}

#[test]
fn a_blob_that_breaks_off_is_gone_on_with() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop:1", registry.host());
    let text = "x".repeat(3 << 20);
    let artifact = image("amd64", Compression::None, &text);
    push(&place, &artifact, &network()).unwrap();
    let layer = artifact.images()[0].layers[1].0.clone();
    let path = format!("blobs/{}", layer.digest);
    let stored = pull(&place, &network()).unwrap().artifact().unwrap();
    registry.forget_requests();
    registry.fault(Fault::on("GET", &path).cut_answer(1_000_000));
    registry.fault(Fault::on("GET", &path).answer(503, &[("Retry-After", "7")], ""));
    registry.fault(Fault::on("GET", &path).cut_answer(10));
    let read = read(&stored);
    assert!(read.iter().all(|(blob, read)| *read == Ok(blob.size)), "{read:?}");
    let ranges: Vec<String> = registry.sent("range").into_iter().flatten().collect();
    assert_eq!(ranges, ["bytes=1000000-", "bytes=1000000-", "bytes=1000010-"]);
    // Nor must a registry know parts.
    registry.fault(Fault::on("GET", &path).cut_answer(1_000_000));
    registry.fault(Fault::on("GET", &path).header("Content-Range", "bytes 5-9/10"));
    let failed = self::read(&stored);
    assert!(failed[1].1.is_err(), "{failed:?}");
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop", registry.host());
    push(&place, &image("amd64", Compression::Gzip, "one"), &network()).unwrap();
    let error = pull(&format!("{place}:2"), &network()).unwrap_err();
    assert_eq!(told(&error), (format!("{place} has no image `2`; it has 1.4, latest"), ErrorKind::NotFound));
    let error = pull(&format!("docker://{}/other:2", registry.host()), &network()).unwrap_err();
    assert!(error.to_string().ends_with("/other has no image `2`"), "{error}");
    let wanted = Descriptor::of("", b"gone").digest;
    let error = pull(&format!("{place}@{wanted}"), &network()).unwrap_err();
    assert!(error.to_string().contains(&format!("has no image `{wanted}`")), "{error}");
}

#[test]
fn tags_come_in_pages() {
    let registry = MemoryRegistry::start();
    let name = format!("{}/shop", registry.host());
    let artifact = image("amd64", Compression::Gzip, "one");
    for tag in 0..25 {
        registry.plant_manifest(
            "shop",
            &format!("v{tag:02}"),
            media_type::MANIFEST,
            &artifact.document().bytes,
        );
    }
    registry.page(10);
    let tags = store::tags(&name.parse().unwrap(), &network()).unwrap();
    assert_eq!((tags.len(), &*tags[24]), (25, "v24"));
    assert_eq!(registry.requests().len(), 3);
    registry.page(100);
    let error = pull(&format!("docker://{name}:gone"), &network()).unwrap_err().to_string();
    assert!(error.ends_with("v19, and 5 or more others"), "{error}");
    let error = store::tags(&format!("{}/other", registry.host()).parse().unwrap(), &network()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn mirrors_are_asked_first_and_checked() {
    let [mirror, registry] = [MemoryRegistry::start(), MemoryRegistry::start()];
    let gone = "127.0.0.1:1".to_string();
    let artifact = image("amd64", Compression::Gzip, "one");
    let place = format!("docker://{}/shop:1", registry.host());
    push(&place, &artifact, &network()).unwrap();
    let mirrors = || {
        let pairs = [gone.clone(), mirror.host()].map(|mirror| (registry.host(), mirror));
        Network::new(Client::new(options(&Arc::default())), auth::Keychain::default())
            .with_mirrors(pairs.into())
    };
    // It has nothing yet.
    assert_eq!(pull(&place, &mirrors()).unwrap().document(), artifact.document());
    // It has the manifest, and one layer; and one that is another.
    let layers = &artifact.images()[0].layers;
    mirror.plant_manifest("shop", "1", media_type::MANIFEST, &artifact.document().bytes);
    mirror.plant_blob("shop", &layers[1].0.digest.to_string(), &vec![b'x'; layers[1].0.size as usize]);
    registry.forget_requests();
    let pulled = pull(&place, &mirrors()).unwrap().artifact().unwrap();
    let read = read(&pulled);
    assert_eq!(read[0].1, Ok(layers[0].0.size));
    assert!(read[1].1.as_ref().is_err_and(|error| error.contains("the bytes are sha256:")), "{read:?}");
    assert!(registry.requests().iter().all(|line| line.contains("/blobs/")), "{:?}", registry.requests());
    // A push goes to the registry itself.
    mirror.forget_requests();
    push(&format!("docker://{}/new:1", registry.host()), &artifact, &mirrors()).unwrap();
    assert_eq!(mirror.requests(), [""; 0]);
}
