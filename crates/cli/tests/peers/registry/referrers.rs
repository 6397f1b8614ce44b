//! What is left beside an image in a registry, and found there again.

use serde_json::Value;

use super::clients::{assert_whole, bantam, crane, digest, spec, write_payload};
use super::http::request;
use super::server::{Registry, Software};
use crate::workshop::{Workshop, at_hand, ok};

const REASONS: &str = "application/vnd.bantam.reasons.v1+json";

/// The manifests that refer to an image, where a registry with the API says it, and where others keep it.
fn referrers(registry: &Registry, software: Software, repository: &str, digest: &str) -> Vec<Value> {
    let text = match software {
        Software::Referrers => {
            let target = format!("/v2/{repository}/referrers/{digest}");
            let (status, text) = request(&registry.address, "GET", &target, b"");
            assert_eq!(status, 200, "{text}");
            text
        }
        _ => {
            let tag = digest.replace(':', "-");
            ok(&mut crane(&["manifest", &registry.name(&format!("{repository}:{tag}"))]))
        }
    };
    let index: Value = serde_json::from_str(&text).unwrap();
    index["manifests"].as_array().unwrap_or_else(|| panic!("no index: {text}")).clone()
}

fn reasons_beside_an_image(software: Software) {
    if !at_hand(&[software.program(), "crane"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), software.start());
    write_payload(&workshop, "reasons");
    workshop.write("bantam.toml", spec("reasons"));
    let name = registry.name("acme/reasons:1");
    let remote = format!("docker://{name}");
    let build = |options: &[&str]| {
        let mut build = bantam(&workshop);
        ok(build.args(["build", "-o", &remote]).args(options))
    };
    let explained = |of: &str| ok(bantam(&workshop).args(["explain", of, "/app/data"]));

    let printed = build(&[]);
    let digest = digest(&printed);
    let by_the_image_alone = explained(&remote);
    // Twice: it is there once.
    for _ in 0..2 {
        assert_eq!(build(&["--attach-reasons"]), printed);
    }
    assert_whole(&name, digest);
    let found = referrers(&registry, software, "acme/reasons", digest);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["artifactType"], REASONS, "{found:?}");
    // Where the registry keeps the list, nobody else does.
    let tags = ok(&mut crane(&["ls", &registry.name("acme/reasons")]));
    assert_eq!(tags.contains("sha256-"), software != Software::Referrers, "{tags}");
    let reference = registry.name(&format!("acme/reasons@{}", found[0]["digest"].as_str().unwrap()));
    let manifest: Value = serde_json::from_str(&ok(&mut crane(&["manifest", &reference]))).unwrap();
    assert_eq!(
        (&manifest["artifactType"], &manifest["subject"]["digest"]),
        (&REASONS.into(), &digest.into())
    );

    assert_eq!(explained(&remote), explained("bantam.toml"));
    assert_ne!(explained(&remote), by_the_image_alone);
}

#[test]
fn with_the_api() {
    reasons_beside_an_image(Software::Referrers);
}

#[test]
fn without_the_api() {
    reasons_beside_an_image(Software::DockerRegistry);
}

#[test]
fn without_the_api_in_the_newer_distribution() {
    reasons_beside_an_image(Software::Distribution);
}
