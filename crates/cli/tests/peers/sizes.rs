//! How large images are, as `docker images` counts: the sum of the files. The base of classic distroless images
//! for C++ and Rust programs is 23.7 MB.

use std::path::{Path, PathBuf};

use crate::runtime::{docker, load};
use crate::workshop::{Workshop, at_hand, compiled, ok, repository};

const DISTROLESS_CC: f64 = 23.7e6;

fn size(spec: &Path) -> f64 {
    let workshop = Workshop::new();
    let image = workshop.image(spec);
    let name = load(docker(), &image.archive);
    let size: f64 = ok(docker().args(["image", "inspect", "--format={{.Size}}", &name])).parse().unwrap();
    println!("{}: {:.2} MB", spec.display(), size / 1e6);
    size
}

fn spec(name: &str) -> PathBuf {
    repository().join(format!("specs/programs/{name}.toml"))
}

#[test]
fn a_cpp_program_takes_a_quarter_of_the_classic_base() {
    if !at_hand(&["docker", "g++"]) {
        return;
    }
    compiled("cpp");
    let size = size(&spec("cpp"));
    assert!(size <= 0.26 * DISTROLESS_CC, "{size} bytes");
}

#[test]
fn a_rust_program_with_openssl_takes_a_third_of_the_classic_base() {
    if !at_hand(&["docker", "/usr/include/openssl/ssl.h"]) {
        return;
    }
    compiled("rust");
    let size = size(&spec("rust"));
    assert!(size <= 0.37 * DISTROLESS_CC, "{size} bytes");
}

#[test]
fn the_openssl_command_takes_nine_megabytes() {
    if !at_hand(&["docker", "openssl"]) {
        return;
    }
    let size = size(&spec("openssl"));
    assert!(size <= 9.2e6, "{size} bytes");
}
