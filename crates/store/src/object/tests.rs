//! What is done with an object store, against one in memory that can be made to fail.

#![allow(clippy::unwrap_used)]

use super::archive::ObjectArchive;
use super::layout::ObjectLayout;
use super::testing::{Store, bucket, get, keys, put};
use crate::destination::{Destination as _, Publication, Published};
use crate::error::{ErrorKind, StoreError};
use crate::stored::Stored;
use crate::stored::object::{open_in, select_in};
use oci::{Artifact, AssembledLayer, Compression, ImageConfig, LayerOptions, MemoryBlob};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tree::Tree;

/// An image with a layer of about this many bytes.
fn image(size: usize) -> Artifact {
    let text = format!("755 0:0 /app = {}", "x".repeat(size));
    let options = LayerOptions { compression: Compression::None, level: None, threads: NonZeroUsize::MIN };
    let mut bytes = vec![];
    let layer = oci::write_layer(&Tree::from_lines(&text).unwrap(), &options, &mut bytes, &|_| ()).unwrap();
    let blob = Arc::new(MemoryBlob::new(Compression::None.media_type(), bytes));
    let layers = vec![AssembledLayer { layer, blob, created_by: "test".into() }];
    let config = ImageConfig { architecture: "amd64".into(), os: "linux".into(), ..ImageConfig::default() };
    Artifact::Image(oci::assemble(&config, layers, BTreeMap::new()).unwrap())
}

fn archive(store: &Arc<Store>) -> ObjectArchive {
    let place = "s3://bucket/a/shop.tar".into();
    ObjectArchive { bucket: bucket(store), key: "a/shop.tar".into(), name: None, place }
}

fn layout(store: &Arc<Store>) -> ObjectLayout {
    ObjectLayout {
        bucket: bucket(store),
        prefix: "images/".into(),
        name: None,
        place: "s3://bucket/images/".into(),
    }
}

fn publish(to: &dyn crate::Destination, artifact: &Artifact, name: &str) -> Result<Published, StoreError> {
    to.publish(&Publication { artifact, names: &[name.to_owned()] })
}

fn read(store: &Arc<Store>, tag: Option<&str>) -> Result<Stored, StoreError> {
    let name = tag.map(|tag| tag.parse().unwrap());
    select_in(layout(store), name.as_ref(), "s3://bucket/images/".into())
}

fn read_archive(store: &Arc<Store>) -> Result<Stored, StoreError> {
    open_in(&bucket(store), "a/shop.tar", None, "s3://bucket/a/shop.tar".into())
}

fn message(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// What is read is the image: its documents and every byte of its layers.
fn assert_same(stored: &Stored, artifact: &Artifact) {
    assert_eq!(stored.document(), artifact.document());
    for (stored, image) in stored.images().iter().zip(artifact.images()) {
        assert_eq!(oci::validate(stored), []);
        let loaded = stored.load().unwrap();
        assert_eq!((&loaded.manifest, &loaded.config), (&image.manifest, &image.config));
        for (_, blob) in &loaded.layers {
            blob.open().unwrap().read_to_end(&mut vec![]).unwrap();
        }
    }
}

#[test]
fn an_archive_goes_there_in_one_put_and_comes_back() {
    let store = Arc::new(Store::default());
    let image = image(1000);
    let published = publish(&archive(&store), &image, "acme/shop:1").unwrap();
    assert_eq!(published.names, ["acme/shop:1"]);
    assert_eq!(store.took(), ["put a/shop.tar"]);
    let stored = read_archive(&store).unwrap();
    assert_eq!(stored.names(), ["docker.io/acme/shop:1"]);
    assert_same(&stored, &image);
}

#[test]
fn a_large_archive_goes_there_in_parts_and_only_what_is_wanted_is_read() {
    let store = Arc::new(Store::default());
    let image = image(20 << 20);
    publish(&archive(&store), &image, "shop:1").unwrap();
    let log = store.took();
    let part = format!("part {}", 8 << 20);
    assert_eq!(log[..3], ["start a/shop.tar", &part, &part]);
    assert!(log[3].starts_with("part 4") && log[4..] == ["complete"], "{log:?}");
    let size = get(&store, "a/shop.tar").len();
    store.fetched.store(0, Relaxed);
    let stored = read_archive(&store).unwrap();
    stored.images()[0].load().unwrap();
    let (requests, fetched) = (store.took().len(), store.fetched.load(Relaxed));
    assert!(requests <= 12 && fetched < size / 10, "{requests} requests for {fetched} bytes of {size}");
    assert_same(&stored, &image);
}

#[test]
fn an_archive_that_fails_is_taken_back_and_what_was_there_stays() {
    let store = Arc::new(Store { bad_part: 2, ..Store::default() });
    put(&store, "a/shop.tar", b"before");
    let error = publish(&archive(&store), &image(40 << 20), "shop:1").unwrap_err();
    assert_eq!(
        message(&error),
        "cannot write s3://bucket/a/shop.tar: the server answered 500 Internal Server Error"
    );
    let log = store.took();
    assert_eq!(log.last().unwrap(), "abort");
    assert!(!log.contains(&"complete".to_owned()));
    assert_eq!(get(&store, "a/shop.tar"), b"before");
    // The same where it is the image that cannot be read.
    let store = Arc::new(Store::default());
    let mut upload_log = vec![];
    {
        let bucket = bucket(&store);
        let mut upload = bucket.upload("a/shop.tar", 20 << 20).unwrap();
        upload.write_all(&vec![0; 9 << 20]).unwrap();
        let error = upload.abort(StoreError::PublishDigest("x".into()));
        assert!(matches!(error, StoreError::PublishDigest(_)));
        upload_log.extend(store.took());
    }
    assert_eq!(upload_log.last().unwrap(), "abort");
    assert_eq!(keys(&store), [""; 0]);
}

#[test]
fn an_archive_that_is_replaced_while_it_is_read_is_noticed() {
    let store = Arc::new(Store::default());
    publish(&archive(&store), &image(1000), "shop:1").unwrap();
    let stored = read_archive(&store).unwrap();
    publish(&archive(&store), &image(1001), "shop:1").unwrap();
    let error = stored.images()[0].load().err().unwrap();
    assert!(message(&error).contains("cannot read s3://bucket/a/shop.tar"), "{}", message(&error));
}

#[test]
fn what_is_no_archive_is_told_and_what_is_not_there_too() {
    let store = Arc::new(Store::default());
    let error = read_archive(&store).unwrap_err();
    assert_eq!(message(&error), "cannot read s3://bucket/a/shop.tar: it is not there");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    put(&store, "a/shop.tar", b"no tar");
    assert!(
        read_archive(&store)
            .unwrap_err()
            .to_string()
            .starts_with("s3://bucket/a/shop.tar is no image archive")
    );
    let store = Arc::new(Store { forbidden: true, ..Store::default() });
    let error = read_archive(&store).unwrap_err();
    assert_eq!(
        message(&error),
        "cannot read s3://bucket/a/shop.tar: the server answered 403 Forbidden (AccessDenied)"
    );
    assert_eq!(error.kind(), ErrorKind::Credentials);
    // Who may only write may not look; and the write tells.
    archive(&store).probe().unwrap();
    assert_eq!(publish(&archive(&store), &image(1), "shop:1").unwrap_err().kind(), ErrorKind::Credentials);
}

#[test]
fn a_compressed_archive_is_read_too() {
    let store = Arc::new(Store::default());
    let image = image(1000);
    publish(&archive(&store), &image, "shop:1").unwrap();
    let mut compressed = vec![];
    let tar = get(&store, "a/shop.tar");
    // One member of stored blocks is gzip, too.
    compressed.extend(gzip_stored(&tar));
    put(&store, "a/shop.tar", &compressed);
    assert_same(&read_archive(&store).unwrap(), &image);
}

/// Bytes as gzip that compresses nothing.
fn gzip_stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let chunks = bytes.chunks(0xffff).collect::<Vec<_>>();
    for (at, chunk) in chunks.iter().enumerate() {
        let len = u16::try_from(chunk.len()).unwrap();
        out.push(u8::from(at + 1 == chunks.len()));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(*chunk);
    }
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    out.extend((!crc).to_le_bytes());
    out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
    out
}

#[test]
fn a_layout_has_blobs_first_and_its_index_last_and_none_is_put_twice() {
    let store = Arc::new(Store::default());
    let image = image(1000);
    publish(&layout(&store), &image, "acme/shop:1").unwrap();
    let puts: Vec<String> = store.took().into_iter().filter(|line| line.starts_with("put")).collect();
    assert_eq!(puts.len(), 5);
    assert_eq!((&puts[0][..], &puts[4][..]), ("put images/oci-layout", "put images/index.json"));
    publish(&layout(&store), &image, "acme/shop:2").unwrap();
    let puts: Vec<String> = store.took().into_iter().filter(|line| line.starts_with("put")).collect();
    assert_eq!(puts, ["put images/index.json"]);
    assert_eq!(keys(&store).len(), 5);
    for tag in ["1", "2"] {
        assert_same(&read(&store, Some(tag)).unwrap(), &image);
    }
    assert_eq!(read(&store, Some("3")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn of_writers_side_by_side_none_loses_its_tag() {
    let store = Arc::new(Store::default());
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..4 {
                    publish(&layout(store), &image(writer), &format!("shop:{writer}.{round}")).unwrap();
                }
            });
        }
    });
    for writer in 0..8 {
        for round in 0..4 {
            assert_same(&read(&store, Some(&format!("{writer}.{round}"))).unwrap(), &image(writer));
        }
    }
}

#[test]
fn a_store_without_conditions_loses_no_tags_in_silence() {
    let store = Arc::new(Store { unconditional: true, ..Store::default() });
    let error = publish(&layout(&store), &image(1), "shop:1").unwrap_err();
    assert_eq!(
        message(&error),
        "cannot write s3://bucket/images/index.json: it does not do this: conditional put"
    );
    assert_eq!(error.kind(), ErrorKind::Refused);
    // An archive needs none.
    publish(&archive(&store), &image(1), "shop:1").unwrap();
}

#[test]
fn what_is_no_layout_is_left_alone() {
    let store = Arc::new(Store::default());
    put(&store, "images/holiday.jpg", b"x");
    let error = publish(&layout(&store), &image(1), "shop:1").unwrap_err();
    assert_eq!(message(&error), "s3://bucket/images/ is not empty, and no OCI image layout");
    assert_eq!(keys(&store), ["images/holiday.jpg"]);
    put(&store, "images/oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#);
    let error = publish(&layout(&store), &image(1), "shop:1").unwrap_err();
    assert_eq!(message(&error), "s3://bucket/images/: the layout's version is `2.0.0`, not 1.0.0");
    let error = read(&Arc::new(Store::default()), None).unwrap_err();
    assert_eq!(message(&error), "cannot read s3://bucket/images/: it is not there");
}

#[test]
fn a_damaged_or_missing_blob_is_told_with_its_name() {
    let store = Arc::new(Store::default());
    let image = image(1000);
    publish(&layout(&store), &image, "shop:1").unwrap();
    let layer = &image.images()[0].layers[0].0;
    let key = format!("images/blobs/sha256/{}", layer.digest.hex());
    put(&store, &key, &vec![0; usize::try_from(layer.size).unwrap()]);
    let read_layer = || {
        let loaded = read(&store, None).unwrap().images()[0].load().unwrap();
        let outcome = loaded.layers[0].1.open().and_then(|mut reader| reader.read_to_end(&mut vec![]));
        outcome.map_err(|error| error.to_string())
    };
    assert!(read_layer().unwrap_err().starts_with("the bytes are sha256:"));
    put(&store, &key, b"short");
    assert!(read_layer().unwrap_err().contains("of 5 bytes, not"));
    // What has not its length is put again.
    publish(&layout(&store), &image, "shop:1").unwrap();
    assert_eq!(read_layer().unwrap() as u64, layer.size);
}
