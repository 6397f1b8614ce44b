//! Images as a whole: put together, held against the specification, validated.

#![allow(clippy::unwrap_used)] // a test panics when it fails

use oci::{
    Artifact, AssembledLayer, Blob, Compression, Descriptor, Digest, DocumentError, Image, ImageConfig,
    ImageSource, Index, Layer, LayerOptions, MemoryBlob, Mismatch, Own, Part, assemble, assemble_rebased,
    assemble_upon, media_type, validate, write_layer,
};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tree::Tree;

fn layer(text: &str, compression: Compression) -> AssembledLayer {
    let tree = Tree::from_lines(text).unwrap();
    let options = LayerOptions { compression, level: None, threads: NonZeroUsize::MIN };
    let mut bytes = vec![];
    let layer = write_layer(&tree, &options, &mut bytes, &|_| ()).unwrap();
    let blob = Arc::new(MemoryBlob::new(compression.media_type(), bytes));
    AssembledLayer { layer, blob, created_by: format!("bantam: {}", text.split('/').nth(1).unwrap()) }
}

fn config(architecture: &str, variant: Option<&str>) -> ImageConfig {
    ImageConfig {
        architecture: architecture.into(),
        os: "linux".into(),
        variant: variant.map(String::from),
        created: 1_700_000_000,
        user: "65532:65532".into(),
        exposed_ports: ["8080/tcp", "53/udp"].map(String::from).into(),
        env: vec!["PATH=/usr/bin".into(), "A=b=c \u{e9}\u{1f600}\n\"".into()],
        entrypoint: vec!["/app/shop".into()],
        cmd: vec!["--port".into(), "8080".into()],
        volumes: ["/data".to_string()].into(),
        working_dir: "/app".into(),
        labels: BTreeMap::from([("z".into(), "1".into()), ("a.b".into(), "2".into())]),
        stop_signal: "SIGINT".into(),
    }
}

fn image(config: &ImageConfig) -> Image {
    let layers = vec![
        layer("644 0:0 /etc/passwd = root", Compression::Gzip),
        layer("755 0:0 /app/shop = ELF", Compression::Zstd),
        layer("755 0:0 /tools/x = x", Compression::None),
    ];
    assemble(config, layers, BTreeMap::from([("org.example.note".into(), "yes".into())])).unwrap()
}

/// Holds a document against its schema.
fn conforms(schema: &str, bytes: &[u8]) {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let descriptor = jsonschema::Resource::from_contents(parse(include_str!("schema/descriptor.json")));
    let registry = jsonschema::Registry::new()
        .add("https://bantam.invalid/descriptor.json", descriptor)
        .unwrap()
        .prepare()
        .unwrap();
    let validator = jsonschema::options().with_registry(&registry).build(&parse(schema)).unwrap();
    let document = serde_json::from_slice(bytes).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{}", String::from_utf8_lossy(bytes));
}

#[test]
fn documents_are_as_the_specification_says() {
    let smallest = ImageConfig { architecture: "amd64".into(), os: "linux".into(), ..ImageConfig::default() };
    for config in [config("arm", Some("v7")), smallest] {
        let image = image(&config);
        conforms(include_str!("schema/config.json"), &image.config.bytes);
        conforms(include_str!("schema/manifest.json"), &image.manifest.bytes);
    }
    let images = vec![image(&config("arm", Some("v7"))), image(&config("amd64", None))];
    let index = Index::new(images, BTreeMap::new()).unwrap();
    conforms(include_str!("schema/index.json"), &index.document.bytes);
}

#[test]
fn another_reader_sees_the_same_documents() {
    let image = image(&config("arm64", None));
    let manifest = oci_spec::image::ImageManifest::from_reader(&image.manifest.bytes[..]).unwrap();
    assert_eq!(manifest.layers().len(), 3);
    assert_eq!(manifest.config().digest().to_string(), Digest::of(&image.config.bytes).to_string());
    assert_eq!(manifest.layers()[1].media_type().to_string(), media_type::LAYER_ZSTD);
    let config = oci_spec::image::ImageConfiguration::from_reader(&image.config.bytes[..]).unwrap();
    assert_eq!(config.architecture().to_string(), "arm64");
    assert_eq!(config.history().as_ref().unwrap().len(), config.rootfs().diff_ids().len());
    let run = config.config().as_ref().unwrap();
    assert_eq!(run.env().as_ref().unwrap()[1], "A=b=c \u{e9}\u{1f600}\n\"");
    assert_eq!(run.entrypoint().as_deref().unwrap(), ["/app/shop"]);
    let index = Index::new(vec![image], BTreeMap::new()).unwrap();
    let index = oci_spec::image::ImageIndex::from_reader(&index.document.bytes[..]).unwrap();
    assert_eq!(index.manifests()[0].platform().as_ref().unwrap().architecture().to_string(), "arm64");
}

/// The bytes of format 1: a change here changes the digest of every image that anybody has built.
#[test]
fn the_documents_are_pinned() {
    let image = image(&config("arm", Some("v7")));
    insta::assert_snapshot!(String::from_utf8(image.config.bytes.clone()).unwrap(), @r#"{"architecture":"arm","config":{"Cmd":["--port","8080"],"Entrypoint":["/app/shop"],"Env":["PATH=/usr/bin","A=b=c é😀\n\""],"ExposedPorts":{"53/udp":{},"8080/tcp":{}},"Labels":{"a.b":"2","z":"1"},"StopSignal":"SIGINT","User":"65532:65532","Volumes":{"/data":{}},"WorkingDir":"/app"},"created":"2023-11-14T22:13:20Z","history":[{"created":"2023-11-14T22:13:20Z","created_by":"bantam: etc"},{"created":"2023-11-14T22:13:20Z","created_by":"bantam: app"},{"created":"2023-11-14T22:13:20Z","created_by":"bantam: tools"}],"os":"linux","rootfs":{"diff_ids":["sha256:cf991e54663f2fc5eba19d53c8af6016a8fd64d8ad10e1319c39acfbd4fe9842","sha256:e26047a6003ae93e265cda52b4916ce9b3e9a338d0c8b65bd59286c4602c9c40","sha256:071a5ffebbb0d2c8ab697a458fe75c3f1d8359b969a953fdd0119360d00969ac"],"type":"layers"},"variant":"v7"}"#);
    insta::assert_snapshot!(image.manifest.descriptor.digest, @"sha256:d0b477a1f84206d4b34ff23f77a4488fc0200bff9356cd6a56e8823102317507");
    let index = Index::new(vec![image], BTreeMap::new()).unwrap();
    insta::assert_snapshot!(String::from_utf8(index.document.bytes).unwrap(), @r#"{"manifests":[{"digest":"sha256:d0b477a1f84206d4b34ff23f77a4488fc0200bff9356cd6a56e8823102317507","mediaType":"application/vnd.oci.image.manifest.v1+json","platform":{"architecture":"arm","os":"linux","variant":"v7"},"size":746}],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}"#);
}

#[test]
fn an_artifact_says_what_it_is_and_what_it_is_about() {
    let subject = image(&config("arm64", None)).descriptor();
    let blob: Arc<dyn Blob> = Arc::new(MemoryBlob::new("text/plain", &b"a note"[..]));
    for blobs in [vec![blob], vec![]] {
        let part =
            Part::artifact("application/vnd.example", blobs, Some(subject.clone()), BTreeMap::new()).unwrap();
        let manifest = oci_spec::image::ImageManifest::from_reader(&part.document.bytes[..]).unwrap();
        assert_eq!(manifest.artifact_type().as_ref().unwrap().to_string(), "application/vnd.example");
        let about = manifest.subject().as_ref().unwrap();
        assert_eq!((about.digest().to_string(), about.size()), (subject.digest.to_string(), subject.size));
        let named =
            manifest.layers().iter().chain([manifest.config()]).map(|named| named.digest().to_string());
        let mut has: Vec<String> =
            part.blobs.iter().map(|blob| blob.descriptor().digest.to_string()).collect();
        let mut named: Vec<String> = named.collect();
        has.sort();
        named.sort();
        assert_eq!(has, named);
    }
}

#[test]
fn an_index_does_not_depend_on_the_order_of_its_images() {
    let images = ["amd64", "arm64", "s390x"].map(|architecture| image(&config(architecture, None)));
    let digest = |order: [usize; 3]| {
        let index = Index::new(order.map(|at| images[at].clone()).into(), BTreeMap::new()).unwrap();
        assert_eq!(index.images[0].platform.to_string(), "linux/amd64");
        Artifact::Index(index).document().descriptor.digest
    };
    assert_eq!(digest([0, 1, 2]), digest([2, 0, 1]));
    let error = Index::new(vec![images[0].clone(), images[0].clone()], BTreeMap::new()).err().unwrap();
    assert_eq!(error.to_string(), "two images are for linux/amd64");
}

#[test]
fn what_cannot_be_an_image_is_refused() {
    let refuse = |config: &ImageConfig, layers| assemble(config, layers, BTreeMap::new()).err().unwrap();
    let good = || layer("644 0:0 /etc/passwd = root", Compression::Gzip);
    assert!(matches!(refuse(&config("amd64", None), vec![]), DocumentError::NoLayers));
    let wrong = AssembledLayer { blob: layer("644 0:0 /x", Compression::Gzip).blob, ..good() };
    assert!(matches!(refuse(&config("amd64", None), vec![wrong]), DocumentError::WrongBlob { .. }));
    let late = ImageConfig { created: i64::MAX, ..config("amd64", None) };
    assert!(matches!(refuse(&late, vec![good()]), DocumentError::Time(i64::MAX)));
}

/// An image whose blobs may be other than they should be.
struct Source {
    descriptor: Descriptor,
    manifest: Vec<u8>,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Source {
    fn of(image: &Image) -> Self {
        let mut blobs = BTreeMap::from([(image.config.descriptor.digest, image.config.bytes.clone())]);
        for (descriptor, blob) in &image.layers {
            let mut bytes = vec![];
            blob.open().unwrap().read_to_end(&mut bytes).unwrap();
            blobs.insert(descriptor.digest, bytes);
        }
        Source {
            descriptor: image.manifest.descriptor.clone(),
            manifest: image.manifest.bytes.clone(),
            blobs,
        }
    }

    /// Writes a config and manifest that `change` has had its way with.
    fn changed(image: &Image, change: impl FnOnce(&mut serde_json::Value, &mut serde_json::Value)) -> Self {
        let mut source = Source::of(image);
        let mut config = serde_json::from_slice(&image.config.bytes).unwrap();
        let mut manifest = serde_json::from_slice(&image.manifest.bytes).unwrap();
        change(&mut config, &mut manifest);
        let config = serde_json::to_vec(&config).unwrap();
        manifest["config"]["digest"] = Digest::of(&config).to_string().into();
        manifest["config"]["size"] = config.len().into();
        source.blobs.insert(Digest::of(&config), config);
        source.manifest = serde_json::to_vec(&manifest).unwrap();
        source.descriptor = Descriptor::of(media_type::MANIFEST, &source.manifest);
        source
    }
}

impl ImageSource for Source {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
    fn manifest(&self) -> io::Result<Vec<u8>> {
        Ok(self.manifest.clone())
    }
    fn open(&self, descriptor: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        match self.blobs.get(&descriptor.digest) {
            Some(bytes) => Ok(Box::new(&bytes[..])),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "it is gone")),
        }
    }
}

fn told(source: &Source) -> String {
    let mismatches = validate(source);
    let shorten = |text: String| match text.find("sha256:") {
        Some(_) => text
            .split(' ')
            .map(|word| {
                word.strip_prefix("sha256:").map_or(word.to_string(), |hex| format!("sha256:{}…", &hex[..4]))
            })
            .collect::<Vec<_>>()
            .join(" "),
        None => text,
    };
    mismatches.iter().map(Mismatch::to_string).map(shorten).collect::<Vec<_>>().join("\n")
}

#[test]
fn any_image_validates() {
    for config in [config("arm", Some("v7")), config("amd64", None)] {
        assert_eq!(told(&Source::of(&image(&config))), "");
    }
}

#[test]
fn every_broken_law_is_told_at_once() {
    let image = image(&config("amd64", None));
    let mut damaged = Source::of(&image);
    damaged.descriptor.size += 1;
    let digests: Vec<Digest> = image.layers.iter().map(|(layer, _)| layer.digest).collect();
    damaged.blobs.get_mut(&digests[0]).unwrap()[20] ^= 1;
    damaged.blobs.remove(&digests[1]);
    damaged.blobs.get_mut(&digests[2]).unwrap().push(0);
    let config = image.config.descriptor.digest;
    *damaged.blobs.get_mut(&config).unwrap() = b"{}".to_vec();
    insta::assert_snapshot!(told(&damaged), @"
the manifest: the size is 746, not 747
the config: the size is 2, not 795
the config: the digest is sha256:4413… not sha256:07c8…
the config: the number of diff_ids is 0, not 3
the config: the platform is /, not a system and a processor
layer 1: the digest is sha256:4eac… not sha256:d0ee…
layer 1: cannot read the layer: corrupt deflate stream
layer 2: it is gone
layer 3: the size is 2561, not 2560
layer 3: the digest is sha256:5e0e… not sha256:071a…
");
}

#[test]
fn a_config_and_a_manifest_must_agree() {
    let image = image(&config("amd64", None));
    let source = Source::changed(&image, |config, manifest| {
        config["rootfs"]["diff_ids"].as_array_mut().unwrap().swap(0, 1);
        config["rootfs"]["diff_ids"].as_array_mut().unwrap().pop();
        config["rootfs"]["type"] = "other".into();
        config["history"][0]["empty_layer"] = true.into();
        config["os"] = "".into();
        manifest["layers"][0]["mediaType"] = media_type::LAYER.into();
        manifest["layers"][1]["mediaType"] = "application/json".into();
        manifest["mediaType"] = media_type::INDEX.into();
        manifest["schemaVersion"] = 1.into();
        manifest["config"]["mediaType"] = "application/vnd.example".into();
    });
    insta::assert_snapshot!(told(&source), @"
the manifest: the schema version is 1, not 2
the manifest: the media type is application/vnd.oci.image.index.v1+json, not application/vnd.oci.image.manifest.v1+json
the config: the media type is application/vnd.example, not application/vnd.oci.image.config.v1+json
the config: the number of diff_ids is 2, not 3
the config: the type of the rootfs is other, not layers
the config: the number of layers in its history is 2, not 3
the config: the platform is /amd64, not a system and a processor
layer 1: the media type says compression none, the bytes are gzip
layer 2: the media type is application/json, not that of a layer
layer 2: the diff_id is sha256:e260… not sha256:cf99…
");
    let nothing = Source { manifest: b"[]".to_vec(), ..Source::of(&image) };
    insta::assert_snapshot!(told(&nothing), @"
the manifest: the size is 2, not 746
the manifest: the digest is sha256:4f53… not sha256:aef1…
the manifest: the manifest is not as the image specification says: invalid length 0, expected struct Manifest with 7 elements at line 1 column 2
");
}

#[test]
fn a_layer_knows_its_blob() {
    let AssembledLayer { layer, blob, .. } = layer("644 0:0 /etc/passwd = root", Compression::Gzip);
    let Layer { descriptor, tar_size, unpacked_size, .. } = layer;
    assert_eq!(&descriptor, blob.descriptor());
    assert_eq!((tar_size, unpacked_size), (512 + 512 + 512 + 1024, 4));
}

/// A base with this `config`, and history of its first layer only.
fn base(run: &str, history: &str) -> Image {
    let mut base = image(&config("amd64", None));
    let bytes = String::from_utf8(base.config.bytes).unwrap();
    let (_, rootfs) = bytes.split_once("\"rootfs\":").unwrap();
    let bytes = format!(
        "{{\"architecture\":\"amd64\",\"config\":{run},\"history\":{history},\"os\":\"linux\",\"rootfs\":{rootfs}"
    );
    base.config.descriptor = Descriptor::of(media_type::CONFIG, bytes.as_bytes());
    base.config.bytes = bytes.into_bytes();
    base
}

#[test]
fn an_image_upon_a_base_has_its_layers_first_and_what_else_its_config_says() {
    let run = r#"{"Healthcheck":{"Test":["NONE"],"Interval":5000000000},"OnBuild":["RUN x"],"Shell":null,"Cmd":["old"]}"#;
    let history = r#"[{"created_by":"ENV","empty_layer":true},{"created_by":"one"}]"#;
    let base = base(run, history);
    let own = vec![layer("755 0:0 /app/new = ELF", Compression::Gzip)];
    let image = assemble_upon(&base, &config("amd64", None), own, BTreeMap::new()).unwrap();
    let below: Vec<&Descriptor> = base.layers.iter().map(|(layer, _)| layer).collect();
    assert_eq!(image.layers[..3].iter().map(|(layer, _)| layer).collect::<Vec<_>>(), below);
    let said = oci::ConfigFile::parse(&image.config.bytes).unwrap();
    let steps: Vec<Option<&str>> = said.history.iter().map(|step| step.created_by.as_deref()).collect();
    assert_eq!(steps, [Some("ENV"), Some("one"), None, None, Some("bantam: app")]);
    assert_eq!(said.rootfs.diff_ids.len(), 4);
    assert_eq!(said.config.other.keys().collect::<Vec<_>>(), ["Healthcheck"]);
    assert_eq!(said.config.cmd, ["--port", "8080"]);
    // Nothing of its own but the config.
    let plain = assemble_upon(&base, &config("amd64", None), vec![], BTreeMap::new()).unwrap();
    assert_eq!(plain.layers.len(), 3);
}

#[test]
fn a_base_whose_documents_do_not_go_together_is_refused() {
    let mut base = base("{}", "[]");
    base.layers.pop();
    let refused = assemble_upon(&base, &config("amd64", None), vec![], BTreeMap::new()).err().unwrap();
    assert_eq!(refused.to_string(), "the base image has 2 layers, and its config knows 3");
}

/// What an image has in its own right: the same config with other words.
fn changed(image: &Image, from: &str, to: &str) -> Image {
    let text = String::from_utf8(image.config.bytes.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    let bytes = text.replace(from, to);
    let mut changed = image.clone();
    changed.config.descriptor = Descriptor::of(media_type::CONFIG, bytes.as_bytes());
    changed.config.bytes = bytes.into_bytes();
    changed
}

#[test]
fn what_an_image_says_beside_its_base_lies_over_the_next_base() {
    let run = |test: &str| format!(r#"{{"Healthcheck":{{"Test":["{test}"]}},"Shell":["{test}"]}}"#);
    let history = r#"[{"created_by":"ENV","empty_layer":true},{"created_by":"one"}]"#;
    let old = base(&run("old"), history);
    let own = vec![layer("755 0:0 /app/new = ELF", Compression::Gzip)];
    let image = assemble_upon(&old, &config("amd64", None), own, BTreeMap::new()).unwrap();
    let image = changed(&image, r#""Healthcheck":{"Test":["old"]}"#, r#""Healthcheck":{"Test":["own"]}"#);
    let image = changed(
        &image,
        r#"{"created":"2023-11-14T22:13:20Z","created_by":"bantam: app"}"#,
        r#"{"author":"me","comment":"why","created":"2001-01-01T00:00:00Z","created_by":"app"},{"created_by":"CMD","empty_layer":true}"#,
    );
    let image = changed(&image, r#""architecture""#, r#""author":"me","architecture""#);
    let new = changed(&base(&run("new"), "[]"), r#""architecture""#, r#""author":"they","architecture""#);
    let own = Own::of(&image, &old).unwrap().unwrap();
    assert_eq!(own.told(), ["app"]);
    let moved = assemble_rebased(&new, &config("amd64", None), own, BTreeMap::new()).unwrap();
    let said = oci::ConfigFile::parse(&moved.config.bytes).unwrap();
    assert_eq!(said.author.as_deref(), Some("me"));
    assert_eq!(said.config.other["Healthcheck"]["Test"][0], "own");
    assert_eq!(said.config.other["Shell"][0], "new");
    let step = &said.history[3];
    let words = (step.author.as_deref(), step.comment.as_deref(), step.created.as_deref());
    assert_eq!(words, (Some("me"), Some("why"), Some("2001-01-01T00:00:00Z")));
    assert_eq!((said.history.len(), said.history[4].created_by.as_deref()), (5, Some("CMD")));
    // Upon the base that it has, nothing changes.
    let own = Own::of(&image, &old).unwrap().unwrap();
    let same = assemble_rebased(&old, &config("amd64", None), own, BTreeMap::new()).unwrap();
    let parsed = |image: &Image| oci::ConfigFile::parse(&image.config.bytes).unwrap();
    assert_eq!(parsed(&same), parsed(&image));
    // What has other layers below is not upon that base.
    let other =
        assemble(&config("amd64", None), vec![layer("644 0:0 /x = x", Compression::Gzip)], BTreeMap::new());
    assert!(Own::of(&image, &other.unwrap()).unwrap().is_none());
}
