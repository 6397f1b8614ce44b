//! What becomes of a push or a pull when something goes wrong: every status that the specification names for each
//! request, and every place where a connection can break.

use crate::support::image;
use crate::{Recorder, network, options, pull, push, told};
use fetch::Client;
use oci::{Artifact, Compression};
use std::sync::{Arc, LazyLock};
use store::ErrorKind::{self, Credentials, NotFound, Place, Refused};
use store::Network;
use store::testing::{Fault, MemoryRegistry};

/// An image with a layer of about 3 MB that is sent as it is.
fn large() -> Artifact {
    static LARGE: LazyLock<Artifact> =
        LazyLock::new(|| image("amd64", Compression::None, &"x".repeat(3 << 20)));
    LARGE.clone()
}

/// How a push ends that something goes wrong with.
fn pushed(fault: Fault) -> Result<MemoryRegistry, (String, ErrorKind)> {
    let registry = MemoryRegistry::start();
    registry.fault(fault);
    let artifact = large();
    let result = push(&format!("docker://{}/shop:1", registry.host()), &artifact, &network());
    match result {
        Ok(_) => {
            assert_eq!(registry.manifest("shop", "1").unwrap(), artifact.document().bytes);
            assert_eq!(registry.blobs("shop").len(), 3);
            Ok(registry)
        }
        Err(error) => {
            // Whatever happens, a tag is never there without its blobs.
            assert!(registry.tags("shop").is_empty() || registry.blobs("shop").len() == 3);
            Err(told(&error))
        }
    }
}

#[test]
fn what_a_status_means_for_a_push() {
    const HEAD_BLOB: (&str, &str) = ("HEAD", "/blobs/");
    const POST: (&str, &str) = ("POST", "/uploads/");
    const PUT: (&str, &str) = ("PUT", "/uploads/");
    const HEAD_TAG: (&str, &str) = ("HEAD", "/manifests/");
    const PUT_TAG: (&str, &str) = ("PUT", "/manifests/");
    type Row = ((&'static str, &'static str), u16, Result<(), ErrorKind>);
    let table: &[Row] = &[
        (HEAD_TAG, 404, Ok(())),
        (HEAD_TAG, 401, Err(Credentials)),
        (HEAD_TAG, 403, Err(Credentials)),
        (HEAD_TAG, 400, Err(Refused)),
        (HEAD_TAG, 429, Err(Place)),
        (HEAD_TAG, 500, Err(Place)),
        (HEAD_BLOB, 404, Ok(())),
        (HEAD_BLOB, 405, Ok(())),
        (HEAD_BLOB, 401, Err(Credentials)),
        (HEAD_BLOB, 403, Err(Credentials)),
        (HEAD_BLOB, 429, Err(Place)),
        (HEAD_BLOB, 503, Err(Place)),
        (POST, 400, Err(Refused)),
        (POST, 401, Err(Credentials)),
        (POST, 403, Err(Credentials)),
        (POST, 404, Err(Refused)),
        (POST, 405, Err(Refused)),
        (POST, 429, Err(Place)),
        (POST, 502, Err(Place)),
        (PUT, 400, Err(Refused)),
        (PUT, 401, Err(Credentials)),
        (PUT, 403, Err(Credentials)),
        (PUT, 404, Err(Refused)),
        (PUT, 405, Err(Refused)),
        (PUT, 413, Err(Refused)),
        (PUT, 416, Err(Refused)),
        (PUT, 429, Err(Place)),
        (PUT, 500, Err(Place)),
        (PUT_TAG, 400, Err(Refused)),
        (PUT_TAG, 401, Err(Credentials)),
        (PUT_TAG, 403, Err(Credentials)),
        (PUT_TAG, 404, Err(Refused)),
        (PUT_TAG, 405, Err(Refused)),
        (PUT_TAG, 409, Err(Refused)),
        (PUT_TAG, 413, Err(Refused)),
        (PUT_TAG, 429, Err(Place)),
        (PUT_TAG, 500, Err(Place)),
    ];
    for ((method, path), status, expected) in table {
        let fault = Fault::on(method, path).answer(*status, &[], "").times(usize::MAX);
        let found = pushed(fault).map(drop).map_err(|(text, kind)| {
            assert!(text.contains(&status.to_string()), "{method} {path} {status}: {text}");
            kind
        });
        assert_eq!(found, *expected, "{method} {path} {status}");
    }
}

#[test]
fn what_a_status_means_for_a_pull() {
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop:1", registry.host());
    push(&place, &image("amd64", Compression::Gzip, "one"), &network()).unwrap();
    for (path, status, expected) in [
        ("/manifests/", 404, NotFound),
        ("/manifests/", 401, Credentials),
        ("/manifests/", 403, Credentials),
        ("/manifests/", 400, Refused),
        ("/manifests/", 429, Place),
        ("/manifests/", 500, Place),
        ("/blobs/", 404, NotFound),
        ("/blobs/", 401, Credentials),
        ("/blobs/", 403, Credentials),
        ("/blobs/", 416, Refused),
        ("/blobs/", 429, Place),
        ("/blobs/", 500, Place),
    ] {
        registry.fault(Fault::on("GET", path).answer(status, &[], "").times(100));
        let found = pull(&place, &network()).and_then(|stored| stored.artifact().map(drop)).unwrap_err();
        assert_eq!(found.kind(), expected, "{path} {status}: {found}");
        while registry.take_faults() {}
    }
}

#[test]
fn what_may_pass_is_waited_for() {
    let passing: &[(&str, Fault)] = &[
        ("a tag asked for", Fault::on("HEAD", "/manifests/").answer(429, &[("Retry-After", "5")], "")),
        ("a blob asked for", Fault::on("HEAD", "/blobs/").answer(503, &[("Retry-After", "5")], "")),
        ("an upload begun", Fault::on("POST", "/uploads/").answer(429, &[("Retry-After", "5")], "")),
        ("a blob sent", Fault::on("PUT", "/uploads/").answer(429, &[("Retry-After", "5")], "")),
        ("a blob sent", Fault::on("PUT", "/uploads/").answer(500, &[("Retry-After", "5")], "")),
        ("a manifest sent", Fault::on("PUT", "/manifests/").answer(503, &[("Retry-After", "5")], "")),
    ];
    for (what, fault) in passing {
        let registry = MemoryRegistry::start();
        registry.fault(fault.clone());
        let pace = Arc::<Recorder>::default();
        let network = Network::new(Client::new(options(&pace)), auth::Keychain::default());
        push(&format!("docker://{}/shop:1", registry.host()), &large(), &network).unwrap();
        assert_eq!(*pace.waits.lock().unwrap(), [5000], "{what}");
        assert_eq!(registry.tags("shop"), ["1"]);
    }
}

#[test]
fn an_upload_that_breaks_off_is_gone_on_with() {
    // The registry has a part of it, and says so.
    let registry = pushed(Fault::on("PUT", "/uploads/").longer_than(1 << 20).cut_body(1 << 20)).unwrap();
    let ranges: Vec<String> = registry.sent("content-range").into_iter().flatten().collect();
    assert_eq!(ranges.len(), 1, "{ranges:?}");
    assert!(ranges[0].starts_with("1048576-"), "{ranges:?}");
    // The connection breaks before, or after, or it forgets: it is begun anew where that must be.
    for (what, fault, uploads) in [
        ("closed", Fault::on("PUT", "/uploads/"), 3),
        ("forgotten", Fault::on("PUT", "/uploads/").forget(), 4),
        ("elsewhere", Fault::on("PUT", "/uploads/").answer(416, &[("Range", "0-0")], ""), 4),
        ("answer lost", Fault::on("PUT", "/uploads/").cut_answer(0).header("Content-Length", "5"), 3),
        ("no word of it", Fault::on("GET", "/uploads/").answer(404, &[], ""), 3),
        ("lost at its begin", Fault::on("POST", "/uploads/"), 3),
    ] {
        let registry = pushed(fault).unwrap_or_else(|(error, _)| panic!("{what}: {error}"));
        let posts = registry.requests().iter().filter(|line| line.starts_with("POST")).count();
        assert!(posts >= 3 && posts <= uploads + 1, "{what}: {posts}");
    }
}

#[test]
fn what_is_too_large_as_a_whole_is_sent_in_parts() {
    let registry = MemoryRegistry::start();
    // A proxy that takes a megabyte at most.
    registry.limit_bodies(1 << 20);
    let artifact = large();
    push(&format!("docker://{}/shop:1", registry.host()), &artifact, &network()).unwrap();
    assert_eq!(registry.manifest("shop", "1").unwrap(), artifact.document().bytes);
    let patches = registry.requests().iter().filter(|line| line.starts_with("PATCH")).count();
    assert!((3..8).contains(&patches), "{patches}");
    // One that takes nothing at all ends it.
    registry.limit_bodies(100);
    let other = image("amd64", Compression::None, &"y".repeat(3 << 20));
    let error = push(&format!("docker://{}/shop:2", registry.host()), &other, &network()).unwrap_err();
    assert!(told(&error).0.contains("413"), "{error}");
}

#[test]
fn a_registry_that_does_not_come_on_is_given_up() {
    let nothing = |method| Fault::on(method, "/uploads/").header("Range", "0-0").times(usize::MAX);
    // What it says of its own accord may be wrong; what it answers when it is asked counts.
    for (faults, expected) in [
        (vec![nothing("PATCH")], Ok(())),
        (vec![nothing("PATCH"), nothing("GET")], Err(())),
        (
            vec![nothing("GET"), Fault::on("PATCH", "/uploads/").answer(500, &[], "").times(usize::MAX)],
            Err(()),
        ),
    ] {
        let registry = MemoryRegistry::start();
        registry.limit_bodies(1 << 20);
        faults.into_iter().for_each(|fault| registry.fault(fault));
        let pushed = push(&format!("docker://{}/shop:1", registry.host()), &large(), &network());
        assert_eq!(pushed.map(drop).map_err(drop), expected);
    }
}

#[test]
fn addresses_of_uploads_are_taken_as_they_are_given() {
    let registry = MemoryRegistry::start();
    let absolute = |id: u32| format!("http://{}/v2/shop/blobs/uploads/upload-{id}?_state=0", registry.host());
    for id in 1..=3 {
        registry.fault(Fault::on("POST", "/uploads/").header("Location", &absolute(id)));
    }
    push(
        &format!("docker://{}/shop:1", registry.host()),
        &image("amd64", Compression::Gzip, "1"),
        &network(),
    )
    .unwrap();
    let puts: Vec<_> =
        registry.requests().into_iter().filter(|line| line.starts_with("PUT /v2/shop/blobs")).collect();
    assert!(puts.iter().all(|line| line.contains("?_state=0&digest=sha256")), "{puts:?}");
    for (location, expected) in
        [("", "no `Location`"), ("ftp://example.com/x", "leaves TLS for ftp"), ("http://[", "no URL")]
    {
        let (text, kind) =
            pushed(Fault::on("POST", "/uploads/").header("Location", location).times(9)).err().unwrap();
        assert!(text.contains(expected) && kind == Place, "{text}");
    }
}

#[test]
fn the_digest_that_a_registry_tells_must_be_ours() {
    let other = format!("sha256:{}", "0".repeat(64));
    for (method, path) in [("PUT", "/uploads/"), ("PUT", "/manifests/")] {
        let fault = Fault::on(method, path).header("Docker-Content-Digest", &other);
        let (text, kind) = pushed(fault).err().unwrap();
        assert!(text.contains(&format!("is {other}, not sha256:")) && kind == Place, "{text}");
    }
    // One that tells none, or one that is not known, is believed.
    for value in ["", "sha512:abc"] {
        for path in ["/uploads/", "/manifests/"] {
            pushed(Fault::on("PUT", path).header("Docker-Content-Digest", value).times(9)).unwrap();
        }
    }
}

#[test]
fn a_tag_that_cannot_be_moved_says_so() {
    let said = |code: &str, message: &str| {
        format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"{message}\"}}]}}")
    };
    for (status, body) in [
        (
            400,
            said(
                "TAG_INVALID",
                "The image tag '1' already exists in the 'shop' repository and cannot be overwritten because the tag is immutable.",
            ),
        ),
        (412, said("PRECONDITION", "configured as immutable.")),
        (409, said("CONFLICT", "tag cannot be overwritten")),
        (403, said("DENIED", "repository has enabled tag immutability")),
    ] {
        let (text, kind) = pushed(Fault::on("PUT", "/manifests/").answer(status, &[], &body)).err().unwrap();
        assert!(text.contains(":1: the tag stands for another image and cannot be moved: "), "{text}");
        assert_eq!(kind, Refused);
    }
    // Words of other requests are not about a tag.
    let answer = Fault::on("POST", "/uploads/").answer(409, &[], &said("CONFLICT", "already exists"));
    let (text, kind) = pushed(answer).err().unwrap();
    assert!(text.contains("the registry refused the begin of an upload (409)") && kind == Refused, "{text}");
    // The same image again is no move.
    let registry = MemoryRegistry::start();
    let place = format!("docker://{}/shop:1", registry.host());
    push(&place, &large(), &network()).unwrap();
    registry
        .fault(Fault::on("PUT", "/manifests/").answer(400, &[], &said("TAG_INVALID", "immutable")).times(9));
    push(&place, &large(), &network()).unwrap();
}
