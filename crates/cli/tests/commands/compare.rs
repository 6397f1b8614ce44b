//! Sizes of images side by side, whoever built them.

use crate::folder::Folder;
use serde_json::Value;
use std::fs;

/// Two images: one with a program and 5000 bytes of data, one with half as much data.
fn images() -> Folder {
    let folder = Folder::new();
    for (name, bytes) in [("large", 5000), ("small", 2500)] {
        folder.file(&format!("{name}.data/file.txt"), &vec![b'x'; bytes]);
        let spec = format!(
            "name = \"example.com/{name}\"\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\n[runtime]\nsource = \"none\"\n\
             profile = \"none\"\n[[files]]\nfrom = \"{name}.data/\"\nto = \"/data/\"\n"
        );
        folder.file(&format!("{name}.toml"), spec.as_bytes());
        let (code, _, words) =
            folder.bantam(&["build", &format!("{name}.toml"), "-o", &format!("oci:{name}")]);
        assert_eq!(code, 0, "{words}");
    }
    folder
}

#[test]
fn a_table_and_its_numbers() {
    let folder = images();
    let (code, out, words) =
        folder.bantam(&["compare", "oci:large", "oci:small", "--platform", "linux/amd64"]);
    assert_eq!((code, &*words), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].ends_with("small:latest"), "{out}");
    assert_eq!(
        lines[2].split_whitespace().collect::<Vec<_>>(),
        ["unpacked", "5.0", "kB", "2.5", "kB", "*", "×0.50"]
    );
    let (_, out, _) =
        folder.bantam(&["compare", "--json", "oci:large", "oci:small", "--platform", "linux/arm64"]);
    let images = &serde_json::from_str::<Value>(&out).unwrap()["images"];
    assert_eq!(images[0]["unpacked"], 5000);
    assert_eq!(images[0]["platform"], "linux/arm64");
    assert_eq!(images[1]["kinds"]["data"], 2500);
    let (_, inspected, _) = folder.bantam(&["inspect", "--json", "oci:large", "--platform", "linux/arm64"]);
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    assert_eq!(images[0]["compressed"], inspected["images"][0]["size"]);
    assert_eq!(images[0]["digest"], inspected["images"][0]["digest"]);
}

#[test]
fn charts_are_files_of_the_same_bytes() {
    let folder = images();
    let draw = |cache: &str| {
        let charts = ["chart.svg", "chart.png", "chart.html"];
        let flags = charts.iter().flat_map(|chart| ["-o", chart]);
        let images = ["compare", "oci:large", "oci:small", "--platform", "linux/amd64"];
        let arguments: Vec<&str> = images.into_iter().chain(flags).collect();
        let mut command = folder.command(&arguments);
        let (code, out, words) = crate::folder::said(command.env("BANTAM_CACHE_DIR", folder.path(cache)));
        assert_eq!(code, 0, "{words}");
        assert!(out.contains("unpacked"), "{out}");
        charts.map(|chart| fs::read(folder.path(chart)).unwrap())
    };
    let [svg, png, html] = draw("one");
    assert!(svg.starts_with(b"<svg ") && png.starts_with(b"\x89PNG") && html.starts_with(b"<!doctype html>"));
    assert_eq!(draw("two"), [svg, png, html]);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let folder = images();
    for (arguments, code, want) in [
        (
            &["compare", "oci:large", "-o", "chart.pdf"][..],
            2,
            "error: -o chart.pdf: a chart is a .svg, .html or .png file\n",
        ),
        (&["compare", "oci:large", "--platform", "linux/s390x", "-o", "x.svg"], 7, "linux/s390x"),
        (&["compare", "oci:none"], 5, "error: cannot read none\n"),
        (&["compare"], 2, "required"),
    ] {
        let (found, out, words) = folder.bantam(arguments);
        assert_eq!((found, &*out), (code, ""), "{words}");
        assert!(words.contains(want), "{words}");
    }
    assert!(!folder.path("x.svg").exists());
    let many = ["compare"].into_iter().chain(std::iter::repeat_n("oci:large", 65)).collect::<Vec<_>>();
    assert_eq!(folder.bantam(&many).0, 2);
}
