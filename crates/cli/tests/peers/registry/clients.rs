//! Who talks to the registries: bantam, and others that tell whether it did well.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::workshop::{Image, Workshop, limited, ok};

/// A program of every machine, with some content that no other image has.
pub fn image(workshop: &Workshop, name: &str) -> Image {
    write_payload(workshop, name);
    workshop.image_of(name, &spec(name))
}

/// The content that only the image of this name has.
pub fn write_payload(workshop: &Workshop, name: &str) {
    let seed = name.bytes().fold(0u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
    workshop.write(&format!("{name}-payload/data"), noise(seed, 300_000));
}

/// The spec of such an image.
pub fn spec(name: &str) -> String {
    format!(
        r#"
name = "example.com/{name}"

[config]
entrypoint = ["/usr/bin/env"]
env = {{ GREETING = "hello from {name}" }}

[runtime]
keep = ["/usr/bin/env"]

[[files]]
from = "{name}-payload/"
to = "/app/"
"#
    )
}

/// Bytes that do not compress; the same for the same seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random(seed);
    (0..length).map(|_| random.below(256) as u8).collect()
}

/// A linear congruential generator: the same numbers everywhere.
pub struct Random(pub u64);

impl Random {
    /// A number from 0 on, smaller than `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

impl Image {
    /// The layout, as a reference.
    pub fn oci(&self) -> String {
        format!("oci:{}:test", self.layout.display())
    }

    pub fn digest(&self) -> &str {
        digest(&self.reference)
    }
}

/// bantam, without anything of this machine that would let it in somewhere.
pub fn bantam(workshop: &Workshop) -> Command {
    let mut command = workshop.bantam();
    alone(workshop, &mut command);
    command
}

/// Gives a command a home of its own, and no other place to find credentials and certificates.
pub fn alone(workshop: &Workshop, command: &mut Command) {
    command.env("HOME", workshop.path("home")).env("DOCKER_CONFIG", workshop.path("docker"));
    for variable in [
        "DOCKER_AUTH_CONFIG",
        "REGISTRY_AUTH_FILE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
    ] {
        command.env_remove(variable);
    }
}

/// The digest of a line `name@sha256:…`, the only one that was printed.
pub fn digest(printed: &str) -> &str {
    assert_eq!(printed.lines().count(), 1, "{printed}");
    printed.split_once('@').unwrap_or_else(|| panic!("no name@digest: {printed}")).1
}

/// crane with these arguments. It speaks plain HTTP to this machine by itself.
pub fn crane(arguments: &[&str]) -> Command {
    let mut crane = limited("crane");
    crane.args(arguments);
    crane
}

/// The digest of an image in a registry, if the image is there.
pub fn found(name: &str) -> Option<String> {
    let output = crane(&["digest", name]).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

/// Asserts that an image in a registry has this digest, and that all of it is there: every layer is read, unpacked and
/// compared with what manifest and config say of it.
pub fn assert_whole(name: &str, digest: &str) {
    let manifest = crane(&["manifest", name]).output().unwrap();
    assert!(manifest.status.success(), "{name}: {}", String::from_utf8_lossy(&manifest.stderr));
    assert_eq!(sha256(&manifest.stdout), digest, "{name}");
    assert_eq!(found(name).as_deref(), Some(digest), "{name}");
    ok(&mut crane(&["validate", "--remote", name]));
}

/// Asserts that everything below an index or manifest is in a registry and has the digest that it should have. For
/// images that hold what [`assert_whole`] has no idea of.
pub fn assert_all_there(repository: &str, digest: &str) {
    let bytes = crane(&["manifest", &format!("{repository}@{digest}")]).output().unwrap().stdout;
    assert_eq!(sha256(&bytes), digest, "{repository}");
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    for child in document["manifests"].as_array().into_iter().flatten() {
        assert_all_there(repository, child["digest"].as_str().unwrap());
    }
    for blob in document["layers"].as_array().into_iter().flatten().chain(document.get("config")) {
        let digest = blob["digest"].as_str().unwrap();
        let bytes = crane(&["blob", &format!("{repository}@{digest}")]).output().unwrap().stdout;
        assert_eq!((sha256(&bytes).as_str(), Value::from(bytes.len())), (digest, blob["size"].clone()));
    }
}

/// The digest of bytes, as registries write it.
pub fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// `skopeo copy`, everything as it is.
pub fn skopeo_copy(from: &str, to: &str) -> Command {
    let mut skopeo = limited("skopeo");
    skopeo.args(["--insecure-policy", "copy", "--all", "--preserve-digests"]);
    skopeo.args(["--src-tls-verify=false", "--dest-tls-verify=false", from, to]);
    skopeo
}

/// A layout as a reference.
pub fn oci(layout: &Path, tag: &str) -> String {
    format!("oci:{}:{tag}", layout.display())
}
