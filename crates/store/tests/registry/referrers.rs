//! Artifacts that refer to an image.

use crate::support::image;
use crate::{network, push};
use oci::{Blob, Compression, Descriptor, IndexFile, MemoryBlob, Part};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::ImageName;
use store::testing::MemoryRegistry;

fn note(subject: Option<&Descriptor>, artifact_type: &str, text: &str) -> Part {
    let blob: Arc<dyn Blob> = Arc::new(MemoryBlob::new("text/plain", text.as_bytes()));
    let annotations = BTreeMap::from([("org.example".to_string(), text.to_string())]);
    Part::artifact(artifact_type, vec![blob], subject.cloned(), annotations).unwrap()
}

#[test]
fn what_is_attached_is_found() {
    for registry in [MemoryRegistry::start(), MemoryRegistry::start_without_referrers()] {
        let artifact = image("amd64", Compression::Gzip, "one");
        let subject = &artifact.document().descriptor;
        push(&format!("docker://{}/shop:1", registry.host()), &artifact, &network()).unwrap();
        let by_tag: ImageName = format!("{}/shop:1", registry.host()).parse().unwrap();
        let name: ImageName = format!("{}/shop@{}", registry.host(), subject.digest).parse().unwrap();
        assert_eq!(store::referrers(&name, None, &network()).unwrap(), []);
        let [first, second] = [("application/a", "1"), ("application/b", "2")]
            .map(|(artifact_type, text)| note(Some(subject), artifact_type, text));
        for part in [&first, &second, &first] {
            let published = store::attach(&name, part, &network()).unwrap();
            assert_eq!(published.digest, part.document.descriptor.digest);
        }
        let found = store::referrers(&by_tag, None, &network()).unwrap();
        let mut digests: Vec<_> = found.iter().map(|entry| entry.digest).collect();
        let mut expected = [first.document.descriptor.digest, second.document.descriptor.digest];
        digests.sort();
        expected.sort();
        assert_eq!(digests, expected);
        let one = store::referrers(&name, Some("application/b"), &network()).unwrap();
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].digest, second.document.descriptor.digest);
        assert_eq!(one[0].annotations["org.example"], "2");
        assert_eq!(one[0].artifact_type.as_deref(), Some("application/b"));
    }
}

#[test]
fn the_index_under_a_tag_is_kept_only_where_it_is_needed() {
    for (registry, tags) in [(MemoryRegistry::start(), 1), (MemoryRegistry::start_without_referrers(), 2)] {
        let artifact = image("amd64", Compression::Gzip, "one");
        let subject = &artifact.document().descriptor;
        push(&format!("docker://{}/shop:1", registry.host()), &artifact, &network()).unwrap();
        let name: ImageName = format!("{}/shop", registry.host()).parse().unwrap();
        store::attach(&name, &note(Some(subject), "application/a", "1"), &network()).unwrap();
        assert_eq!(registry.tags("shop").len(), tags);
        if tags == 2 {
            let tag = format!("sha256-{}", subject.digest.hex());
            let index = IndexFile::parse(&registry.manifest("shop", &tag).unwrap()).unwrap();
            assert_eq!(index.manifests.len(), 1);
        }
    }
}

#[test]
fn what_refers_to_something_else_is_not_attached() {
    let registry = MemoryRegistry::start();
    let digest = Descriptor::of("", b"another").digest;
    let name: ImageName = format!("{}/shop@{digest}", registry.host()).parse().unwrap();
    let other = Descriptor::of("a/b", b"x");
    for part in [note(None, "a/b", "1"), note(Some(&other), "a/b", "1")] {
        let error = store::attach(&name, &part, &network()).unwrap_err();
        assert!(error.to_string().starts_with("the subject of the artifact is "), "{error}");
    }
    assert_eq!(registry.requests(), [""; 0]);
}
