//! Copies between registries are the same bytes, whatever the image is made of.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::clients::{assert_all_there, assert_whole, bantam, digest, found, image, oci, sha256};
use super::credentials::know;
use super::proxy::{Proxy, Seen};
use super::server::{ALL, Access, Registry, Software};
use super::token::{PASSWORD, TokenServer, USER};
use crate::layout;
use crate::workshop::{Image, Workshop, at_hand, find, limited, ok, skipped};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A layout with an index as BuildKit writes it: an image, and what is attested of it; beside them an index in the
/// index, with an artifact that is no image at all. Gives its digest too.
fn attested(workshop: &Workshop, image: &Image) -> (PathBuf, String) {
    let layout = workshop.path("attested");
    ok(limited("cp").arg("-r").arg(&image.layout).arg(&layout));
    let blob = |kind: &str, bytes: &[u8]| {
        let digest = sha256(bytes);
        fs::write(layout.join("blobs").join(digest.replace(':', "/")), bytes).unwrap();
        json!({"mediaType": kind, "digest": digest, "size": bytes.len()})
    };
    let document = |kind: &str, document: Value| blob(kind, document.to_string().as_bytes());
    let manifest = |config: Value, layer: Value| {
        document(
            MANIFEST,
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}),
        )
    };

    let index = fs::read(layout.join("index.json")).unwrap();
    let mut of_image = serde_json::from_slice::<Value>(&index).unwrap()["manifests"][0].clone();
    of_image["annotations"] = json!({});
    let statement = blob("application/vnd.in-toto+json", br#"{"_type":"https://in-toto.io/Statement/v1"}"#);
    let unknown =
        json!({"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": []}});
    let mut attestation = manifest(document(CONFIG, unknown), statement);
    attestation["platform"] = json!({"architecture": "unknown", "os": "unknown"});
    attestation["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": of_image["digest"],
    });
    let chart = manifest(
        blob("application/vnd.cncf.helm.config.v1+json", b"{}"),
        blob("application/octet-stream", b"no tar, and nothing compressed"),
    );
    let inner = document(INDEX, json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [chart]}));
    // Neither the order of the keys nor the spaces are those that bantam would write.
    let text = format!(
        "{{ \"mediaType\": \"{INDEX}\",\n \"schemaVersion\": 2,\n \"manifests\": [{of_image}, {attestation}, {inner}]\n}}\n"
    );
    let mut whole = blob(INDEX, text.as_bytes());
    let digest = whole["digest"].as_str().unwrap().to_owned();
    whole["annotations"] = json!({"org.opencontainers.image.ref.name": "attested"});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [whole]});
    fs::write(layout.join("index.json"), index.to_string()).unwrap();
    (layout, digest)
}

fn references(registry: &Registry, image: &str) -> (String, String) {
    let name = registry.name(image);
    (name.rsplit_once(':').unwrap().0.to_owned(), format!("docker://{name}"))
}

#[test]
fn from_each_registry_to_each() {
    let installed = |software: &Software| find(software.program()).is_some();
    let software: Vec<Software> = ALL.into_iter().filter(installed).collect();
    if !at_hand(&["crane", "skopeo"]) || software.len() < 2 {
        return skipped("two registries are needed");
    }
    let workshop = Workshop::new();
    let image = image(&workshop, "everywhere");
    let (layout, index) = attested(&workshop, &image);
    let registries: Vec<(Software, Registry)> =
        software.into_iter().map(|software| (software, software.start())).collect();
    for (from_kind, from) in &registries {
        let (_, attested) = references(from, "acme/attested:1");
        // From a layout, by bantam.
        let said = ok(bantam(&workshop).args(["copy", &oci(&layout, "attested"), &attested]));
        assert_eq!(digest(&said), index, "{from_kind:?}");
        let (_, schema2) = references(from, "acme/schema2:1");
        let convert = ["--insecure-policy", "copy", "--format=v2s2", "--dest-tls-verify=false"];
        ok(limited("skopeo").args(convert).args([&image.oci(), &schema2]));
        for (to_kind, to) in registries.iter().filter(|(kind, _)| kind != from_kind) {
            let pair = format!("{from_kind:?} to {to_kind:?}");
            for (source, image) in [(&attested, "attested"), (&schema2, "schema2")] {
                let expected = found(source.strip_prefix("docker://").unwrap()).unwrap();
                let from_where = format!("{from_kind:?}").to_lowercase();
                let (repository, place) = references(to, &format!("copied/{image}-of-{from_where}:1"));
                let said = ok(bantam(&workshop).args(["copy", source, &place]));
                assert_eq!(digest(&said), expected, "{pair}: {image}");
                assert_eq!(found(&format!("{repository}:1")), Some(expected.clone()), "{pair}: {image}");
                assert_all_there(&repository, &expected);
            }
        }
    }
    // Into a layout, and from there.
    let (_, first) = references(&registries[0].1, "acme/attested:1");
    let said = ok(bantam(&workshop).args(["copy", &first, "oci:copied:1"]));
    assert_eq!(digest(&said), index);
    let seen = fs::read(workshop.path("copied/blobs").join(index.replace(':', "/"))).unwrap();
    assert_eq!(sha256(&seen), index);
}

#[test]
fn one_platform_of_an_index_with_attestations() {
    if !at_hand(&["docker-registry", "crane"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let image = image(&workshop, "platform");
    let (layout, _) = attested(&workshop, &image);
    let name = registry.name("acme/one:1");
    let architecture = layout::config(&image.layout)["architecture"].as_str().unwrap().to_owned();
    let platform = format!("linux/{architecture}");
    let copy = ["copy", &oci(&layout, "attested"), &format!("docker://{name}"), "--platform", &platform];
    assert_eq!(digest(&ok(bantam(&workshop).args(copy))), image.digest());
    assert_whole(&name, image.digest());
    let pull = ["pull", &name, "oci:pulled:1"];
    assert_eq!(digest(&ok(bantam(&workshop).args(pull))), image.digest());
}

/// Blobs that the registry has in another repository are not sent through here.
#[test]
fn within_a_registry_no_layer_is_moved() {
    if !at_hand(&["docker-registry", "crane"]) {
        return;
    }
    let (workshop, tokens) = (Workshop::new(), TokenServer::start());
    let image = image(&workshop, "mounted");
    let blobs = layout::manifest(&image.layout)["layers"].as_array().unwrap().len() + 1;
    let open = Software::DockerRegistry.start();
    let locked = Software::DockerRegistry.start_with(Access::Token(&tokens), None);
    for (registry, is_locked) in [(&open, false), (&locked, true)] {
        let proxy = Proxy::watching(&registry.address);
        know(&workshop, &proxy.address(), USER, PASSWORD);
        let name = |image: &str| format!("{}/{image}", proxy.address());
        ok(bantam(&workshop).args(["push", &image.oci(), &name("here/mounted:1")]));
        proxy.take();
        ok(bantam(&workshop).args(["copy", &name("here/mounted:1"), &name("there/mounted:1")]));
        let seen = proxy.take();
        let count = |what: fn(&Seen) -> bool| seen.iter().filter(|seen| what(seen)).count();
        assert_eq!(count(Seen::uploads), 0, "{seen:?}");
        // The config may be read.
        assert!(count(Seen::downloads) <= 1, "{seen:?}");
        assert!(count(Seen::mounts) >= blobs - 1, "{seen:?}");
        if !is_locked {
            assert_whole(&registry.name("there/mounted:1"), image.digest());
        }
    }
    let both = tokens.asked().into_iter().find(|asked| asked.scopes.len() == 2);
    let both = both.unwrap_or_else(|| panic!("no token for two repositories: {:?}", tokens.asked()));
    assert_eq!(both.account, USER);
    assert_eq!(both.scopes, ["repository:here/mounted:pull", "repository:there/mounted:pull,push"]);
}
