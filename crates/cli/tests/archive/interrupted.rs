//! Builds that are ended at any moment, and caches that cannot be written.

use crate::world::{Folder, Server, archive, said};
use debian::testing::TestPackage;
use std::{fs, os::unix::fs::PermissionsExt, process::Stdio, thread, time::Duration};

/// A package whose files take a while to unpack.
fn large() -> TestPackage {
    let bytes = |seed: u32| -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..100_000).map(|_| next()).collect()
    };
    (0..20).fold(TestPackage::new("large"), |package, number| {
        package.file(&format!("/usr/share/large/{number}"), bytes(number))
    })
}

#[test]
fn ended_at_any_moment() {
    let (folder, server) = (Folder::new(), Server::of(&archive().package(large())));
    folder.spec(&[server.url("debian")], "packages = [\"large\"]");
    let start = std::time::Instant::now();
    let digest = folder.build(&[]);
    let whole = start.elapsed();
    let lock = folder.read("bantam.lock");
    let long = std::env::var_os("BANTAM_TEST_LONG").is_some();
    let moments = if long { 100 } else { 20 };
    for moment in 0..moments {
        // Sometimes with what others left behind, sometimes from nothing.
        if moment % 4 == 0 {
            folder.forget();
        }
        let _ = fs::remove_file(folder.path("bantam.lock"));
        let mut command = folder.command(&["build"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(whole * moment / moments + Duration::from_millis(1));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Ok(text) = fs::read_to_string(folder.path("bantam.lock")) {
            assert_eq!(text, lock, "at moment {moment}");
        }
        assert_eq!(folder.build(&[]), digest, "at moment {moment}");
        assert_eq!(folder.read("bantam.lock"), lock, "at moment {moment}");
    }
    server.asked();
    assert_eq!(folder.build(&["--offline", "--locked"]), digest);
}

#[test]
fn a_damaged_cache_is_never_believed() {
    let (folder, server) = (Folder::new(), Server::of(&archive().package(large())));
    folder.spec(&[server.url("debian")], "packages = [\"large\"]");
    let digest = folder.build(&[]);
    // The layout of the images is what was asked for, and no part of what is kept for the next time.
    let images = folder.path("cache/images");
    let mut files = crate::world::files_below(&folder.path("cache"));
    files.retain(|path| !path.starts_with(&images));
    assert!(files.len() > 10, "{files:?}");
    for path in files {
        let bytes = fs::read(&path).unwrap();
        if bytes.is_empty() {
            continue;
        }
        // One byte in the middle, or the end is gone.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut wrong = bytes.clone();
        let at = wrong.len() / 2;
        wrong[at] ^= 1;
        fs::write(&path, wrong).unwrap();
        assert_eq!(folder.build(&[]), digest, "{}", path.display());
        if fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).is_ok() {
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }
        assert_eq!(folder.build(&[]), digest, "{}", path.display());
    }
}

#[test]
fn a_cache_that_cannot_be_written() {
    let (folder, server) = (Folder::new(), Server::of(&archive()));
    folder.spec(&[server.url("debian")], "");
    let digest = folder.build(&["-o", "oci:out"]);
    folder.forget();
    folder.write("cache", "a file stands there");
    for arguments in [&["build", "-o", "oci:out"][..], &["build"]] {
        let (code, out, err) = said(&mut folder.command(arguments));
        assert!(code == 0 && out == digest || code == 5 && err.contains("error:"), "{code} {out}{err}");
        if code == 5 {
            assert!(err.contains("cache"), "{err}");
        }
    }
}
