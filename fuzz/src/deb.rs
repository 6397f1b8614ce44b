//! Binary packages of Debian.

use debian::deb::DebKind;
use debian::testing::{Packing, TestPackage, read_deb};

/// Reads a package; what it has holds together.
pub fn run(bytes: &[u8]) {
    let Ok((entries, files)) = read_deb(bytes) else { return };
    let mut end = 0;
    for file in &files {
        assert_eq!(file.offset, end, "files stand one after the other");
        end += file.size;
    }
    for (path, entry) in &entries {
        assert!(!path.as_str().contains(['\n', '\0']), "{path:?}");
        if let DebKind::File(number) = entry.kind {
            assert!(files.get(number as usize).is_some(), "{path} has content");
        }
        let parents = entries.iter().filter(|(above, _)| path.is_within(above) && *above != path);
        for (above, entry) in parents {
            assert_eq!(entry.kind, DebKind::Directory, "{path} stands below {above}");
        }
    }
}

/// Small packages, compressed in every way.
pub fn seeds() -> Vec<Vec<u8>> {
    let package = || {
        TestPackage::new("libfoo1")
            .depends("libc6 (>= 2.36)")
            .file("/usr/lib/libfoo.so.1.0", "x")
            .link("/usr/lib/libfoo.so.1", "libfoo.so.1.0")
            .hard_link("/usr/lib/libfoo.so.2", "/usr/lib/libfoo.so.1.0")
            .dir_with_mode("/var/tmp", 0o1777)
            .conffile("/etc/foo.conf", "a")
            .script("postinst", "#!/bin/sh\nldconfig\n")
    };
    let long = TestPackage::new("a").file(&format!("/usr/{}", "d".repeat(120)), "x");
    let packings = [Packing::Plain, Packing::Gzip, Packing::Xz, Packing::Zstd];
    let all = packings.map(|packing| package().control_packing(packing).data_packing(packing).deb());
    let long = long.control_packing(Packing::Plain).data_packing(Packing::Plain).deb();
    all.into_iter().chain([long]).collect()
}
