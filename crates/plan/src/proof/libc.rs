//! Programs that are built for one C library, in an image of the other.

use elf::{Closure, Flavor};
use tree::TreePath;

/// What to do about a program that is built for another C library than the image's.
pub(super) fn advice(program: &TreePath, built_for: Flavor) -> String {
    match built_for {
        Flavor::Musl => format!(
            "{program} is built for musl, this image is glibc: build it for a -gnu target, link it \
             statically, or take the libraries from a musl root file system"
        ),
        Flavor::Glibc => format!(
            "{program} is built for glibc, this image is musl: build it for a -musl target, or take \
             the libraries from a glibc root file system"
        ),
    }
}

/// The same about a program whose loader is there, and does not find libraries.
pub(super) fn of_missing(closure: &Closure, is_glibc_source: bool) -> Option<String> {
    let flavor = closure.loader.as_ref()?.flavor;
    (flavor == Flavor::Musl && is_glibc_source).then(|| advice(&closure.resolution.path, flavor))
}
