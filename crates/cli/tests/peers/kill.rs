//! A build that is killed at any moment leaves an old or a new image, never a part of one.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::layout;
use crate::workshop::{Workshop, bantam, is_long, limited, ok, peers_folder};

const SPEC: &str = r#"
name = "example.com/killed"

[config]
entrypoint = ["/usr/bin/env"]

[runtime]
keep = ["/usr/bin/env"]

[[files]]
from = "payload/"
to = "/app/"
"#;

/// Some files that compress, some that do not; a build of them takes a fraction of a second.
fn write_inputs(workshop: &Workshop) {
    workshop.write("bantam.toml", SPEC);
    let mut state = 1u64;
    for number in 0..12 {
        let noise = (0..200_000).map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> if number % 2 == 0 { 56 } else { 60 }) as u8
        });
        workshop.write(&format!("payload/{number}.bin"), noise.collect::<Vec<u8>>());
    }
}

/// Kills a build at each of many moments. After each, `check` looks at what is in the folder `out` and says whether
/// an image is there; then the next build, with the cache that the killed one left, must give the same as ever.
fn killed_at_many_moments(destination: &str, check: impl Fn(&Workshop) -> bool) {
    let workshop = Workshop::new();
    write_inputs(&workshop);
    let build = |killed_after| build(&workshop, &["-o", destination], killed_after);
    let start = Instant::now();
    let expected = build(None);
    let whole = start.elapsed();
    let moments = moments();
    let mut cut_short = 0;
    for moment in 0..moments {
        workshop.remove("cache");
        workshop.remove("out");
        // The last moments are past the end of most builds.
        build(Some(whole * moment / moments * 11 / 10));
        cut_short += u32::from(!check(&workshop));
        assert_eq!(build(None), expected, "after moment {moment} of {moments}");
        assert!(check(&workshop));
    }
    println!("{cut_short} of {moments} builds were cut short");
    assert!(cut_short > moments / 4, "only {cut_short} of {moments} builds were cut short");
}

fn moments() -> u32 {
    match (is_long(), peers_folder()) {
        (true, _) => 400,
        (false, Some(_)) => 100,
        // `cargo test` alone is for those who wait for it.
        (false, None) => 20,
    }
}

/// Builds, and says what was built; or kills the build after so long.
fn build(workshop: &Workshop, options: &[&str], killed_after: Option<Duration>) -> String {
    fs::create_dir_all(workshop.path("out")).unwrap();
    // Without the wrapper that limits the time: it would be killed in place of the build.
    let mut command = std::process::Command::new(bantam());
    workshop.prepare(&mut command);
    command.args(["build", "bantam.toml"]).args(options).stdin(Stdio::null());
    let Some(moment) = killed_after else { return ok(&mut command) };
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap();
    String::new()
}

/// Each build has other files than the one before, and its own and a shared cache full of what killed builds left.
/// At last a machine that has the shared cache alone builds it all again.
#[test]
fn caches_of_killed_builds_give_the_same_image() {
    let workshop = Workshop::new();
    write_inputs(&workshop);
    let shared = ["-o", "oci:out/layout:1", "--cache-from", "shared", "--cache-to", "shared"];
    let alone = |options: &[&str]| {
        ["cache", "out", "bantam.lock"].into_iter().for_each(|name| workshop.remove(name));
        build(&workshop, options, None)
    };
    let start = Instant::now();
    alone(&shared);
    let whole = start.elapsed();
    let moments = moments() * 2;
    let step = if moments > 100 { 20 } else { 10 };
    for moment in 0..moments {
        workshop.write("payload/3.bin", format!("at moment {moment}").repeat(20_000));
        workshop.remove("out");
        build(&workshop, &shared, Some(whole * moment / moments));
        if moment % step == 0 {
            let left = build(&workshop, &shared, None);
            layout::assert_whole(&workshop.path("out/layout"));
            assert_eq!(alone(&shared), left, "with the shared cache alone, after moment {moment}");
            layout::assert_whole(&workshop.path("out/layout"));
            assert_eq!(alone(&["-o", "oci:out/layout:1"]), left, "without any cache, after moment {moment}");
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_archive_is_absent_or_complete() {
    killed_at_many_moments("oci-archive:out/image.tar:1", |workshop| {
        let found = names(&workshop.path("out"));
        assert!(found.is_empty() || found == ["image.tar"], "strays: {found:?}");
        let is_there = !found.is_empty();
        if is_there {
            let unpacked = workshop.path("unpacked");
            fs::create_dir(&unpacked).unwrap();
            ok(limited("tar").arg("-C").arg(&unpacked).arg("-xf").arg(workshop.path("out/image.tar")));
            layout::assert_whole(&unpacked);
            fs::remove_dir_all(unpacked).unwrap();
        }
        is_there
    });
}

#[test]
fn a_layout_names_no_image_or_a_complete_one() {
    killed_at_many_moments("oci:out/layout:1", |workshop| {
        let is_there = workshop.path("out/layout/index.json").exists();
        if is_there {
            layout::assert_whole(&workshop.path("out/layout"));
        }
        is_there
    });
}
