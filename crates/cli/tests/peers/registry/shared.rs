//! What machines share in a registry: caches, and bases.

use std::fs;

use super::clients::{assert_whole, bantam, digest, image, spec, write_payload};
use super::proxy::{Proxy, Seen};
use super::server::Software;
use crate::workshop::{Workshop, at_hand, ok};

#[test]
fn a_machine_that_starts_with_nothing_takes_layers_from_the_cache_in_a_registry() {
    if !at_hand(&["docker-registry"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    write_payload(&workshop, "cached");
    workshop.write("cached.toml", spec("cached"));
    let cache = format!("docker://{}", registry.name("ci/cache"));
    let build = |own: &str, flag: &str, cache: &str| {
        let mut bantam = bantam(&workshop);
        bantam.env("BANTAM_CACHE_DIR", workshop.path(own));
        digest(&ok(bantam.args(["build", "cached.toml", "-o", &format!("oci:{own}-out:1"), flag, cache])))
            .to_owned()
    };
    let first = build("one", "--cache-to", &cache);
    let proxy = Proxy::watching(&registry.address);
    let near = format!("docker://{}/ci/cache", proxy.address());
    assert_eq!(build("two", "--cache-from", &near), first);
    let seen = proxy.take();
    // Each layer came from there: its record, and its bytes.
    let layers = fs::read_dir(workshop.path("two/records/layers-1")).unwrap().count();
    assert!(layers >= 2, "{layers}");
    assert!(seen.iter().filter(|seen| seen.downloads()).count() >= layers, "{seen:?}");
    assert!(!seen.iter().any(Seen::uploads), "{seen:?}");
    // Two machines that write at once, and one without the registry.
    assert_eq!(build("three", "--cache-to", &cache), first);
    drop(registry);
    assert_eq!(build("four", "--cache-from", &cache), first);
}

#[test]
fn layers_of_a_base_in_the_same_registry_are_mounted() {
    if !at_hand(&["docker-registry", "crane"]) {
        return;
    }
    let (workshop, registry) = (Workshop::new(), Software::DockerRegistry.start());
    let base = image(&workshop, "base");
    ok(bantam(&workshop).args(["push", &base.oci(), &registry.name("bases/one:1")]));
    let proxy = Proxy::watching(&registry.address);
    let at_proxy = |name: &str| format!("{}/{name}", proxy.address());
    let spec = format!(
        "base = \"docker://{}\"\n[config]\nentrypoint = [\"/usr/bin/env\"]\n[runtime]\nprofile = \"none\"\n\
         [[files]]\ncontent = \"on top\"\nto = \"/app/more\"\n",
        at_proxy("bases/one:1")
    );
    workshop.write("upon.toml", spec);
    let made = at_proxy("acme/upon:1");
    let printed = ok(bantam(&workshop).args(["build", "upon.toml", "-o", &format!("docker://{made}")]));
    assert_whole(&registry.name("acme/upon:1"), digest(&printed));
    let seen = proxy.take();
    assert!(seen.iter().filter(|seen| seen.mounts()).count() >= 2, "{seen:?}");
    // One layer and the config are ours.
    assert_eq!(seen.iter().filter(|seen| seen.uploads()).count(), 2, "{seen:?}");
}
