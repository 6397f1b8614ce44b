//! The one door: all that must hold, in the order in which a mistake is cheapest to find.

use crate::step::{self, Outcome, cargo, timed};
use crate::{edges, fuzz, test};

/// Stops at the first step that fails.
pub fn run() -> Outcome {
    timed("format", || {
        step::run(&mut cargo(&["fmt", "--all", "--check"]))?;
        step::run(&mut cargo(&["fmt", "--manifest-path", fuzz::MANIFEST, "--check"]))
    })?;
    timed("edges", edges::run)?;
    timed("clippy", || {
        step::run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    })?;
    timed("test", || test::run(&[]))?;
    // With a C++ compiler, which the tests install.
    timed("fuzz targets", fuzz::check)?;
    timed("doc", || {
        step::run(cargo(&["doc", "--no-deps", "--workspace", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))
    })
}
