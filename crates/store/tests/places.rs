//! Images published to places and read from there again.

#![allow(clippy::unwrap_used)] // a test panics when it fails

mod support;

use oci::{Artifact, Blob, Compression, Descriptor, IndexFile, validate};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;
use store::{Publication, Published, Reference, Spool, StoreError};
use support::{image, index, listing};

fn publish(reference: &str, artifact: &Artifact, names: &[&str]) -> Result<Published, StoreError> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let reference: Reference = reference.parse().unwrap();
    store::destination(&reference, &store::Network::offline())?
        .publish(&Publication { artifact, names: &names })
}

fn message(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Reads an image back: it must validate, and be the one with this digest.
fn holds(reference: &str, artifact: &Artifact) {
    let stored = store::open(&reference.parse().unwrap(), &store::Network::offline()).unwrap();
    assert_eq!(stored.document(), artifact.document(), "{reference}");
    assert_eq!(stored.images().len(), artifact.images().len());
    for (stored, image) in stored.images().iter().zip(artifact.images()) {
        assert_eq!(validate(stored), []);
        let loaded = stored.load().unwrap();
        assert_eq!((&loaded.manifest, &loaded.config), (&image.manifest, &image.config));
        assert_eq!(loaded.platform, image.platform);
        for ((descriptor, blob), (want, _)) in loaded.layers.iter().zip(&image.layers) {
            assert_eq!(descriptor, want);
            let mut bytes = vec![];
            blob.open().unwrap().read_to_end(&mut bytes).unwrap();
            assert!(Descriptor::of("", &bytes).same_blob(want));
        }
    }
}

/// An image whose second layer cannot be read.
fn broken() -> Artifact {
    struct Gone(Descriptor);
    impl Blob for Gone {
        fn descriptor(&self) -> &Descriptor {
            &self.0
        }
        fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
            Ok(Box::new(&b"other bytes"[..]))
        }
    }
    let Artifact::Image(mut image) = image("amd64", Compression::Gzip, "broken") else { unreachable!() };
    image.layers[1].1 = Arc::new(Gone(image.layers[1].0.clone()));
    Artifact::Image(image)
}

#[test]
fn every_place_gives_back_what_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let one = image("amd64", Compression::Gzip, "one");
    let plain = image("arm64", Compression::None, "plain");
    let zstd = image("amd64", Compression::Zstd, "zstd");
    let many = index();
    for (place, artifact) in [
        (format!("oci:{}", at("layout/one")), &one),
        (format!("oci:{}", at("layout/many")), &many),
        (format!("oci:{}:dev", at("layout/zstd")), &zstd),
        (format!("oci:{}:example.com/other:9", at("layout/named")), &plain),
        (format!("oci-archive:{}", at("archive/one.tar")), &one),
        (format!("oci-archive:{}:1.0", at("many.tar")), &many),
        (format!("oci-archive:{}", at("zstd.tar")), &zstd),
        (format!("docker-archive:{}", at("one-docker.tar")), &one),
        (format!("docker-archive:{}:example.com/other:9", at("plain.tar")), &plain),
    ] {
        let published = publish(&place, artifact, &["ghcr.io/acme/shop:1.4"]).unwrap();
        assert_eq!(published.digest, artifact.document().descriptor.digest);
        holds(&place, artifact);
    }
    // An archive of one platform is both kinds.
    holds(&format!("docker-archive:{}:ghcr.io/acme/shop:1.4", at("archive/one.tar")), &one);
}

#[test]
fn the_same_image_is_the_same_files() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let names = &["ghcr.io/acme/shop:1.4", "ghcr.io/acme/shop:latest"];
    for round in ["a", "b"] {
        let image = image("amd64", Compression::Gzip, "one");
        publish(&format!("oci:{}", at(&format!("{round}/layout"))), &image, names).unwrap();
        publish(&format!("oci-archive:{}", at(&format!("{round}/oci.tar"))), &image, names).unwrap();
        publish(&format!("docker-archive:{}", at(&format!("{round}/docker.tar"))), &image, names).unwrap();
    }
    let (a, b) = (listing(&dir.path().join("a")), listing(&dir.path().join("b")));
    assert_eq!(a, b);
    insta::assert_snapshot!(a, @"
docker.tar 7680 60f530bd3c4c
layout/
layout/blobs/
layout/blobs/sha256/
layout/blobs/sha256/0fca8caa402f8eb72a40079d992761c3d3447105347bc5c2179ac24b2dcf6682 555 0fca8caa402f
layout/blobs/sha256/36355456d166fdeb08532b7b9906be8e523aabe0be01ea11e382c736b76a349f 160 36355456d166
layout/blobs/sha256/83389bd0f475daef9ef4151f00d3a1be985b23a10cc0f4da5b7598c611e07512 121 83389bd0f475
layout/blobs/sha256/94327dbefd01262c292bb026ef20460f31448b55107d37b983d7c18b2641ffb3 408 94327dbefd01
layout/index.json 715 18f733896bcf
layout/oci-layout 30 18f0797eab35
oci.tar 10240 3ca00c519aa1
");
    assert_eq!(fs::metadata(dir.path().join("a/oci.tar")).unwrap().permissions().mode() & 0o7133, 0);
    let tar = fs::File::open(dir.path().join("a/oci.tar")).unwrap();
    insta::assert_snapshot!(support::entries(tar), @"
755 0:0 /blobs Directory
755 0:0 /blobs/sha256 Directory
644 0:0 /blobs/sha256/0fca8caa402f8eb72a40079d992761c3d3447105347bc5c2179ac24b2dcf6682 555
644 0:0 /blobs/sha256/36355456d166fdeb08532b7b9906be8e523aabe0be01ea11e382c736b76a349f 160
644 0:0 /blobs/sha256/83389bd0f475daef9ef4151f00d3a1be985b23a10cc0f4da5b7598c611e07512 121
644 0:0 /blobs/sha256/94327dbefd01262c292bb026ef20460f31448b55107d37b983d7c18b2641ffb3 408
644 0:0 /index.json 715
644 0:0 /manifest.json 327
644 0:0 /oci-layout 30
");
    let tar = fs::File::open(dir.path().join("a/docker.tar")).unwrap();
    insta::assert_snapshot!(support::entries(tar), @"
755 0:0 /blobs Directory
755 0:0 /blobs/sha256 Directory
644 0:0 /blobs/sha256/0fca8caa402f8eb72a40079d992761c3d3447105347bc5c2179ac24b2dcf6682 555
644 0:0 /blobs/sha256/36355456d166fdeb08532b7b9906be8e523aabe0be01ea11e382c736b76a349f 160
644 0:0 /blobs/sha256/83389bd0f475daef9ef4151f00d3a1be985b23a10cc0f4da5b7598c611e07512 121
644 0:0 /blobs/sha256/94327dbefd01262c292bb026ef20460f31448b55107d37b983d7c18b2641ffb3 408
644 0:0 /manifest.json 327
");
    insta::assert_snapshot!(fs::read_to_string(dir.path().join("a/layout/index.json")).unwrap(), @r#"{"manifests":[{"annotations":{"io.containerd.image.name":"ghcr.io/acme/shop:1.4","org.opencontainers.image.ref.name":"1.4"},"digest":"sha256:0fca8caa402f8eb72a40079d992761c3d3447105347bc5c2179ac24b2dcf6682","mediaType":"application/vnd.oci.image.manifest.v1+json","platform":{"architecture":"amd64","os":"linux"},"size":555},{"annotations":{"io.containerd.image.name":"ghcr.io/acme/shop:latest","org.opencontainers.image.ref.name":"latest"},"digest":"sha256:0fca8caa402f8eb72a40079d992761c3d3447105347bc5c2179ac24b2dcf6682","mediaType":"application/vnd.oci.image.manifest.v1+json","platform":{"architecture":"amd64","os":"linux"},"size":555}],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}"#);
}

#[test]
fn a_layout_keeps_other_tags_and_moves_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let layout = format!("oci:{}", dir.path().join("layout").display());
    let (first, second) = (image("amd64", Compression::Gzip, "1"), image("amd64", Compression::Gzip, "2"));
    publish(&layout, &first, &["shop:1", "shop:latest"]).unwrap();
    publish(&layout, &second, &["shop:2", "shop:latest"]).unwrap();
    publish(&layout, &second, &["shop:2"]).unwrap();
    holds(&format!("{layout}:1"), &first);
    holds(&format!("{layout}:2"), &second);
    holds(&format!("{layout}:latest"), &second);
    holds(&format!("{layout}:shop:1"), &first);
    holds(&format!("{layout}:docker.io/library/shop:2"), &second);
    let tags =
        |text: &str| fs::read_to_string(dir.path().join("layout/index.json")).unwrap().matches(text).count();
    assert_eq!(tags("ref.name"), 3);
    let error = store::open(&layout.parse().unwrap(), &store::Network::offline()).unwrap_err();
    assert!(matches!(error, StoreError::SeveralImages { .. }), "{error}");
    let error = store::open(&format!("{layout}:3").parse().unwrap(), &store::Network::offline()).unwrap_err();
    assert!(error.to_string().ends_with(
        ":3 has no image `3`; it has docker.io/library/shop:1, docker.io/library/shop:latest, docker.io/library/shop:2"
    ));
}

#[test]
fn a_tag_of_another_repository_is_not_taken_away() {
    let temp = tempfile::tempdir().unwrap();
    let place = format!("oci:{}", temp.path().join("out").display());
    let [one, two, three] = ["one", "two", "three"].map(|text| image("amd64", Compression::Gzip, text));
    publish(&place, &one, &["acme/one:latest"]).unwrap();
    publish(&place, &two, &["acme/two:latest"]).unwrap();
    holds(&format!("{place}:latest"), &one);
    holds(&format!("{place}:acme/two:latest"), &two);
    // Building the second again moves its own name only.
    publish(&place, &three, &["acme/two:latest"]).unwrap();
    holds(&format!("{place}:latest"), &one);
    holds(&format!("{place}:acme/two:latest"), &three);
}

#[test]
fn what_others_wrote_into_an_index_stays() {
    let dir = tempfile::tempdir().unwrap();
    let layout = format!("oci:{}", dir.path().join("layout").display());
    publish(&layout, &image("amd64", Compression::Gzip, "1"), &["shop:1"]).unwrap();
    let path = dir.path().join("layout/index.json");
    let mut index = IndexFile::parse(&fs::read(&path).unwrap()).unwrap();
    let mut foreign = Descriptor::of("application/vnd.example+json", b"{}");
    foreign.artifact_type = Some("application/vnd.example".into());
    foreign.annotations.insert("org.example".into(), "kept".into());
    foreign.urls = vec!["https://example.com/".into()];
    index.manifests.insert(0, foreign.clone());
    index.annotations.insert("org.example".into(), "kept too".into());
    fs::write(&path, index.document().unwrap().bytes).unwrap();
    publish(&layout, &image("amd64", Compression::Gzip, "2"), &["shop:2"]).unwrap();
    let after = IndexFile::parse(&fs::read(&path).unwrap()).unwrap();
    assert_eq!((&after.manifests[0], after.manifests.len()), (&foreign, 3));
    assert_eq!(after.annotations, index.annotations);
}

#[test]
fn concurrent_writers_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let layout = format!("oci:{}", dir.path().join("new/layout").display());
    let images: Vec<Artifact> =
        (0..12).map(|number| image("amd64", Compression::Gzip, &format!("image {number}"))).collect();
    std::thread::scope(|scope| {
        for (number, image) in images.iter().enumerate() {
            let layout = &layout;
            scope.spawn(move || publish(layout, image, &[&format!("shop:{number}")]).unwrap());
        }
    });
    for (number, image) in images.iter().enumerate() {
        holds(&format!("{layout}:{number}"), image);
    }
    let left: Vec<_> = fs::read_dir(dir.path().join("new")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn nothing_is_left_of_what_failed() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    let good = image("amd64", Compression::Gzip, "good");
    let at = |name: &str| dir.path().join(name).display().to_string();
    publish(&format!("oci:{}", at("layout")), &good, &["shop:1"]).unwrap();
    publish(&format!("oci-archive:{}", at("oci.tar")), &good, &["shop:1"]).unwrap();
    let before = listing(dir.path());
    for place in ["oci:layout", "oci:new", "oci:empty", "oci-archive:oci.tar", "docker-archive:new.tar"] {
        let (scheme, name) = place.split_once(':').unwrap();
        let error = publish(&format!("{scheme}:{}", at(name)), &broken(), &["shop:1"]).unwrap_err();
        assert!(matches!(error, StoreError::Mismatch { .. }), "{error}");
        assert_eq!(listing(dir.path()), before, "{place}");
    }
    // The empty directory is still good for an image.
    publish(&format!("oci:{}", at("empty")), &good, &["shop:1"]).unwrap();
    holds(&format!("oci:{}", at("empty")), &good);
}

#[test]
fn what_a_killed_run_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let layout = dir.path().join("layout");
    let good = image("amd64", Compression::Gzip, "good");
    publish(&format!("oci:{}", layout.display()), &good, &["shop:1"]).unwrap();
    let left = [".bantam-1-0.tmp", "layout/.bantam-1-1.tmp", "layout/blobs/sha256/.bantam-1-2.tmp"];
    for name in left {
        fs::write(dir.path().join(name), "half").unwrap();
    }
    fs::create_dir_all(dir.path().join(".bantam-7-7.tmp/blobs/sha256")).unwrap();
    publish(&format!("oci:{}", layout.display()), &good, &["shop:2"]).unwrap();
    publish(&format!("oci-archive:{}", dir.path().join("x.tar").display()), &good, &["shop:2"]).unwrap();
    for name in left.iter().chain(&[".bantam-7-7.tmp"]) {
        assert!(!dir.path().join(name).exists(), "{name}");
    }
}

#[test]
fn a_damaged_blob_of_a_layout_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let layout = format!("oci:{}", dir.path().display());
    let good = image("amd64", Compression::Gzip, "good");
    publish(&layout, &good, &["shop:1"]).unwrap();
    let image = &good.images()[0];
    let of_right_size = |digest: &oci::Digest| {
        let path = dir.path().join("blobs/sha256").join(digest.hex());
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.last_mut().unwrap();
        *last = !*last;
        (path, bytes)
    };
    let (layer, flipped) = of_right_size(&image.layers[0].0.digest);
    let (config, other) = of_right_size(&image.config.descriptor.digest);
    for (path, damaged) in [(&layer, &b"cut"[..]), (&layer, &flipped), (&config, &other), (&layer, b"")] {
        fs::write(path, damaged).unwrap();
        publish(&layout, &good, &["shop:1"]).unwrap();
        holds(&layout, &good);
    }
    // What stands in the place of a blob and is no file is none either.
    fs::remove_file(&layer).unwrap();
    symlink("nowhere", &layer).unwrap();
    publish(&layout, &good, &["shop:1"]).unwrap();
    holds(&layout, &good);
}

#[test]
fn a_spooled_layer_is_linked_into_layouts() {
    let dir = tempfile::tempdir().unwrap();
    let layouts = ["a", "b"].map(|name| Reference::layout(dir.path().join(name)));
    let spool = Spool::for_places(&layouts, Path::new("/dev/null")).unwrap();
    let (artifact, inodes) = support::spooled(&spool);
    for layout in &layouts {
        publish(&layout.to_string(), &artifact, &["shop:1"]).unwrap();
        holds(&layout.to_string(), &artifact);
    }
    let inode = |layout: &str| {
        let layer = artifact.images()[0].layers[0].0.digest.hex();
        fs::metadata(dir.path().join(layout).join("blobs/sha256").join(layer)).unwrap().ino()
    };
    assert_eq!([inode("a"), inode("b")], [inodes[0]; 2]);
}

#[test]
fn places_refuse_what_they_cannot_take() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    fs::create_dir(dir.path().join("old")).unwrap();
    fs::write(dir.path().join("old/oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    fs::write(dir.path().join("file"), "a file").unwrap();
    let (zstd, many) = (image("amd64", Compression::Zstd, "zstd"), index());
    let good = image("amd64", Compression::Gzip, "good");
    let digest = format!("oci:x:ghcr.io/acme/shop@{}", good.document().descriptor.digest);
    let here = dir.path().display();
    let answers = [
        (format!("oci:{here}"), &good, "shop:1"),
        (format!("oci:{here}/old"), &good, "shop:1"),
        (format!("oci:{here}/file"), &good, "shop:1"),
        (format!("oci-archive:{here}/old"), &good, "shop:1"),
        (format!("docker-archive:{here}/x.tar"), &zstd, "shop:1"),
        (format!("docker-archive:{here}/x.tar"), &many, "shop:1"),
        (format!("oci:{here}/new"), &good, "My Folder:1"),
        ("ghcr.io/acme/shop:1".into(), &good, "shop:1"),
        ("s3://bucket/key".into(), &good, "shop:1"),
        (digest, &good, "shop:1"),
    ]
    .map(|(place, artifact, name)| {
        let error = publish(&place, artifact, &[name]).unwrap_err();
        format!("{:?}: {}", error.kind(), message(&error))
    });
    let text = answers.join("\n").replace(&here.to_string(), "HERE");
    insta::assert_snapshot!(text, @"
Place: HERE is not empty, and no OCI image layout
Place: HERE/old: the layout's version is `2.0.0`, not 1.0.0
Place: cannot read HERE/file/oci-layout: Not a directory (os error 20)
Place: cannot write HERE/old: Is a directory (os error 21)
Usage: docker-archive:HERE/x.tar takes no layers in zstd, as sha256:8c05b3c97fef69434001811a1f946c1dbf145a99aa4814f1e999f42a48e20e2b is
Usage: docker-archive:HERE/x.tar takes an image of one platform, not of 2
Usage: oci:HERE/new cannot take the image by its own name: `My Folder:1` is no image name: `My Folder` has upper-case letters
Place: docker://ghcr.io/acme/shop:1 cannot be reached: https://ghcr.io/v2/acme/shop/manifests/1 was not fetched: offline
Place: s3://bucket/key cannot be reached: s3://bucket/key was not fetched: offline
Usage: oci:x:ghcr.io/acme/shop@sha256:f819e35d11b714e61cab2fd3479b2b031c15da3da9a029c3be90cbc8a1786408: an image is published under a tag, not under a digest
");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[test]
fn an_image_without_names_is_there_once() {
    let dir = tempfile::tempdir().unwrap();
    let good = image("amd64", Compression::Gzip, "good");
    for place in ["oci:layout", "oci:layout", "oci-archive:x.tar", "docker-archive:y.tar"] {
        let (scheme, name) = place.split_once(':').unwrap();
        let place = format!("{scheme}:{}", dir.path().join(name).display());
        publish(&place, &good, &[]).unwrap();
        holds(&place, &good);
    }
    let index = fs::read(dir.path().join("layout/index.json")).unwrap();
    assert_eq!(IndexFile::parse(&index).unwrap().manifests.len(), 1);
}

#[test]
fn links_and_pipes_stay_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let good = image("amd64", Compression::Gzip, "good");
    fs::create_dir(at("real")).unwrap();
    fs::write(at("real/x.tar"), "old").unwrap();
    symlink("real/x.tar", at("link.tar")).unwrap();
    symlink("real", at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    for (place, want) in [
        (format!("oci-archive:{}", at("link.tar").display()), "real/x.tar"),
        (format!("oci:{}", at("link/layout").display()), "real/layout/index.json"),
    ] {
        publish(&place, &good, &["shop:1"]).unwrap();
        holds(&place, &good);
        assert!(at(want).exists() && at("link.tar").is_symlink());
    }
    let error = publish(&format!("oci:{}", at("dangling").display()), &good, &["shop:1"]).unwrap_err();
    assert!(matches!(error, StoreError::Write { .. }), "{error}");

    publish("docker-archive:/dev/null", &good, &["shop:1"]).unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let pipe = at("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let (reference, copy) = (format!("oci-archive:{}", pipe.display()), at("copy.tar"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            io::copy(&mut fs::File::open(&pipe).unwrap(), &mut fs::File::create(&copy).unwrap()).unwrap()
        });
        publish(&reference, &good, &["shop:1"]).unwrap();
    });
    holds(&format!("oci-archive:{}", copy.display()), &good);
    assert!(!fs::metadata(&pipe).unwrap().is_file());
}
