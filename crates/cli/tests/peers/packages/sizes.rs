//! How large the images of programs are, beside images of the whole packages: `docs/sizes.md`, which a long run
//! writes anew where `BANTAM_WRITE_SIZES` is set.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::case::{Case, PLACES, Place, cache, names};
use crate::workshop::{Workshop, at_hand, is_long, ok, repository};

const HEAD: &str = "\
# Sizes

Programs of Debian, taken wholly from packages. *Unpacked* is the sum of all files, hard links once, as Docker counts an
image; *compressed* is what a registry keeps. *Whole* is the same program with every file of the same packages and of all that
they depend on, but for those that only maintainer scripts need.

The specs are those of [`testdata/packaged`](../testdata/packaged/README.md). The table is written by

```sh
BANTAM_WRITE_SIZES=1 cargo xtask test --long sizes_of_programs
```

";

/// What is in an image.
struct Size {
    unpacked: u64,
    compressed: u64,
    files: u64,
    packages: usize,
}

#[test]
fn sizes_of_programs() {
    if !is_long() || !at_hand(&["skopeo"]) {
        return;
    }
    let mut text = String::from(HEAD);
    for place in PLACES.iter().filter(|place| place.architecture == "amd64") {
        let _ = writeln!(
            text,
            "## {}\n\n| program | unpacked | compressed | packages | files | whole, unpacked | of it |\n|---|---|---|---|---|---|---|",
            place.name()
        );
        let names: BTreeSet<String> = names().into_iter().collect();
        for name in &names {
            let row = row(name, place);
            print!("{row}");
            text.push_str(&row);
        }
        text.push('\n');
    }
    if std::env::var_os("BANTAM_WRITE_SIZES").is_some() {
        fs::write(repository().join("docs/sizes.md"), format!("{}\n", text.trim_end())).unwrap();
    }
}

fn row(name: &str, place: &Place) -> String {
    let case = Case::read(name);
    let workshop = Workshop::new();
    let Some(own) = size(&workshop, "own", &case.spec(place, None, &[], &[])) else {
        return format!("| {name} | – | – | – | – | – | – |\n");
    };
    let lock: toml::Table = fs::read_to_string(workshop.path("own.lock")).unwrap().parse().unwrap();
    let packages = packages_of(&lock);
    let allow = ["shell", "setuid", "world-writable", "dangling-links", "secrets", "unresolved:*"];
    let whole = case.spec(place, Some(&packages), &[("whole-packages", true.into())], &allow);
    let whole = size(&workshop, "whole", &whole);
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let (whole, part) = match whole {
        Some(whole) => {
            (megabytes(whole.unpacked), format!("{} %", own.unpacked * 100 / whole.unpacked.max(1)))
        }
        None => ("–".into(), "–".into()),
    };
    let (unpacked, compressed) = (megabytes(own.unpacked), megabytes(own.compressed));
    format!("| {name} | {unpacked} | {compressed} | {} | {} | {whole} | {part} |\n", own.packages, own.files)
}

/// The names of the packages of a lock's first platform.
fn packages_of(lock: &toml::Table) -> Vec<String> {
    let platforms = lock["packages"].as_table().unwrap();
    platforms.values().next().and_then(toml::Value::as_table).unwrap().keys().cloned().collect()
}

fn size(workshop: &Workshop, name: &str, spec: &str) -> Option<Size> {
    let file = workshop.write(&format!("{name}.toml"), spec);
    let layout = workshop.path(&format!("{name}.oci"));
    let mut build = workshop.bantam();
    build.env("BANTAM_CACHE_DIR", cache()).arg("build").arg(file);
    let built = build.args(["-o", &format!("oci:{}:test", layout.display())]).output().unwrap();
    if !built.status.success() {
        println!("{}", String::from_utf8_lossy(&built.stderr));
        return None;
    }
    let listed = ok(workshop.bantam().args(["ls", "--json"]).arg(format!("oci:{}:test", layout.display())));
    let entries: Vec<Value> = listed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let files = entries.iter().filter(|entry| entry["type"] == "file");
    let unpacked = files.clone().filter_map(|entry| entry["size"].as_u64()).sum();
    let status = entries.iter().filter_map(|entry| entry["path"].as_str());
    let status =
        status.filter(|path| path.starts_with("/var/lib/dpkg/status.d/") && !path.ends_with(".md5sums"));
    Some(Size { unpacked, compressed: blobs(&layout), files: files.count() as u64, packages: status.count() })
}

fn blobs(layout: &Path) -> u64 {
    let blobs = fs::read_dir(layout.join("blobs/sha256")).unwrap();
    blobs.map(|blob| blob.unwrap().metadata().unwrap().len()).sum()
}
