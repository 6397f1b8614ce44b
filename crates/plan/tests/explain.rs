//! Why files are in an image.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use plan::explain::{self, Asked, Branch, Chain, Finished, Graph, PlaceKind, Record};
use std::{collections::BTreeMap, fmt::Write as _};
use tree::TreePath;
use world::{World, glibc, library, program, script};

const LIB: &str = "/usr/lib/x86_64-linux-gnu";

/// Two programs that share a library, a script, a library loaded by name, and one off the usual places.
fn shop() -> World {
    World::new(glibc())
        .payload("dist/shop", program(&["libz.so.1", "libown.so"]))
        .payload("dist/tool", program(&["libpng.so.16"]))
        .payload("dist/run", script("#!/bin/lua"))
        .source("/usr/bin/lua5.4", program(&["libz.so.1"]))
        .source_link("/usr/bin/lua", "lua5.4")
        .source(&format!("{LIB}/libz.so.1.3"), library("libz.so.1", &["libc.so.6"]))
        .source_link(&format!("{LIB}/libz.so.1"), "libz.so.1.3")
        .source(&format!("{LIB}/libpng.so.16"), library("libpng.so.16", &["libz.so.1", "libc.so.6"]))
        .source(&format!("{LIB}/libgomp.so.1"), library("libgomp.so.1", &["libc.so.6"]))
        .source("/etc/ld.so.conf", "/opt/own/lib\n")
        .source("/opt/own/lib/libown.so", library("libown.so", &["libc.so.6"]))
}

const SHOP: &str = r#"
config.entrypoint = ["/app/shop"]
runtime.profile = "none"
runtime.dlopen = ["libgomp.so.1"]
[[files]]
from = "dist/"
to = "/app/"
"#;

/// The same as a machine of dpkg has it.
fn debian() -> World {
    let status = "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.3\n\n\
                  Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36\n";
    shop()
        .source("/var/lib/dpkg/status", status)
        .source("/var/lib/dpkg/info/zlib1g.list", "/.\n/lib/x86_64-linux-gnu/libz.so.1.3\n/usr/share/doc/zlib1g/copyright\n/usr/share/doc/zlib1g/changelog\n")
        .source("/var/lib/dpkg/info/zlib1g.md5sums", "0123  lib/x86_64-linux-gnu/libz.so.1.3\n4567  usr/share/doc/zlib1g/copyright\n")
        .source("/usr/share/doc/zlib1g/copyright", "free\n")
        .source("/var/lib/dpkg/info/libc6.list", "/.\n/lib/x86_64-linux-gnu/libc.so.6\n")
}

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn lines(chain: &Chain<'_>, record: &Record) -> String {
    let steps = chain.iter().map(|step| format!("{} <- {}\n", step.path, step.words(record)));
    steps.collect()
}

fn chain(record: &Record, at: &str) -> String {
    lines(&Graph::new(record).chain(&path(at)), record)
}

fn chains(record: &Record, at: &str, limit: usize) -> String {
    let found = Graph::new(record).chains(&path(at), limit);
    let mut text: String = found.chains.iter().map(|chain| lines(chain, record) + "\n").collect();
    if found.more {
        text.push_str("and more\n");
    }
    text
}

fn tree(branches: &[Branch<'_>], record: &Record, downwards: bool) -> String {
    let mut text = String::new();
    for branch in branches {
        let _ = match branch {
            Branch::Step { depth, step, again } => {
                let mark = if *again { " (again)" } else { "" };
                let from = if downwards { format!("{}: ", step.path) } else { String::new() };
                writeln!(text, "{}{from}{}{mark}", "  ".repeat(*depth), step.words(record))
            }
            Branch::Files { depth, count, below, .. } => {
                writeln!(text, "{}{count} files below {below}", "  ".repeat(*depth))
            }
        };
    }
    text
}

fn upwards(record: &Record, at: &str) -> String {
    tree(&Graph::new(record).upwards(&path(at)), record, false)
}

fn downwards(record: &Record, all: bool) -> String {
    let mut text = String::new();
    for group in Graph::new(record).downwards(all) {
        let _ = writeln!(text, "[{}]", group.step.words(record));
        text.push_str(&tree(&group.branches, record, true));
    }
    text
}

fn without(record: &Record, removed: &[&str]) -> String {
    let without = record.without(removed.iter().map(|at| path(at)).collect());
    let mut text = String::new();
    for (path, _) in without.gone.iter().filter(|(_, place)| place.kind != PlaceKind::Directory) {
        let _ = writeln!(text, "gone {path}");
    }
    for path in &without.programs {
        let _ = writeln!(text, "would not start: {path}");
    }
    for path in &without.others {
        let _ = writeln!(text, "would not load: {path}");
    }
    for missed in &without.missed {
        let _ = writeln!(text, "{} would miss {}, {}", missed.who, missed.path, missed.purpose);
    }
    let _ = writeln!(text, "process stops: {}", without.stops_process);
    text
}

fn asked(record: &Record, text: &str) -> String {
    match explain::find(record, text) {
        Asked::Places(subjects) => subjects
            .iter()
            .map(|subject| {
                let links: String = subject.links.iter().map(|link| format!("{link} -> ")).collect();
                format!("{links}{}\n", subject.path)
            })
            .collect(),
        Asked::Package(package) => format!("package {package}\n"),
        Asked::Nothing => format!("nothing; nearest: {:?}\n", explain::nearest_to(record, text)),
    }
}

#[test]
fn every_edge_is_recorded() {
    let image = shop().plan(SHOP);
    assert_eq!(image.findings(), "");
    insta::assert_snapshot!(image.reasons(&format!("{LIB}/libz.so.1.3")), @r"
    needed by /app/shop as libz.so.1, found in a default directory
    needed by /usr/lib/x86_64-linux-gnu/libpng.so.16 as libz.so.1, found in a default directory
    needed by /usr/bin/lua5.4 as libz.so.1, found in a default directory
    ");
    insta::assert_snapshot!(image.reasons("/lib"), @r"
    leads to /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    leads to /usr/lib/x86_64-linux-gnu/libz.so.1.3
    leads to /usr/lib/x86_64-linux-gnu/libc.so.6
    leads to /usr/lib/x86_64-linux-gnu/libpng.so.16
    leads to /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
    leads to /usr/lib/x86_64-linux-gnu/libgomp.so.1
    ");
    // Loaded by name is not needed: neither the program nor the loader asks for it to start.
    insta::assert_snapshot!(image.reasons(&format!("{LIB}/libgomp.so.1")), @"named in line 4 of the spec");
    insta::assert_snapshot!(image.reasons(&format!("{LIB}/libgcc_s.so.1")), @"loaded by name by the C library, to cancel threads and to walk the stack");
    insta::assert_snapshot!(image.reasons(&format!("{LIB}/ld-linux-x86-64.so.2")), @r"
    starts /app/shop
    needed by /usr/lib/x86_64-linux-gnu/libc.so.6 as ld-linux-x86-64.so.2, which is the loader itself
    starts /app/tool
    starts /usr/bin/lua5.4
    ");
    insta::assert_snapshot!(image.reasons("/usr/bin/lua"), @"leads to /usr/bin/lua5.4");
    insta::assert_snapshot!(image.reasons("/etc/ld.so.cache"), @"lets the loader find /opt/own/lib/libown.so");
}

#[test]
fn the_shortest_chain_ends_in_the_spec() {
    let record = debian().plan(&SHOP.replace("profile = \"none\"", "profile = \"auto\"")).record();
    insta::assert_snapshot!(chain(&record, &format!("{LIB}/libz.so.1")), @r#"
    /usr/lib/x86_64-linux-gnu/libz.so.1 <- leads to /usr/lib/x86_64-linux-gnu/libz.so.1.3
    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /app/shop as libz.so.1, found in a default directory
    /app/shop <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    insta::assert_snapshot!(chain(&record, &format!("{LIB}/libpng.so.16")), @r#"
    /usr/lib/x86_64-linux-gnu/libpng.so.16 <- needed by /app/tool as libpng.so.16, found in a default directory
    /app/tool <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    insta::assert_snapshot!(chain(&record, "/usr/bin/lua"), @r#"
    /usr/bin/lua <- leads to /usr/bin/lua5.4
    /usr/bin/lua5.4 <- starts /app/run
    /app/run <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    insta::assert_snapshot!(chain(&record, "/var/lib/dpkg/status.d/zlib1g"), @r#"
    /var/lib/dpkg/status.d/zlib1g <- says that files of the package zlib1g are here: /usr/lib/x86_64-linux-gnu/libz.so.1.3
    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /app/shop as libz.so.1, found in a default directory
    /app/shop <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    insta::assert_snapshot!(chain(&record, "/usr/share/doc/zlib1g/copyright"), @r#"
    /usr/share/doc/zlib1g/copyright <- says that files of the package zlib1g are here: /usr/lib/x86_64-linux-gnu/libz.so.1.3
    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /app/shop as libz.so.1, found in a default directory
    /app/shop <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    insta::assert_snapshot!(chain(&record, "/etc/ld.so.cache"), @r#"
    /etc/ld.so.cache <- lets the loader find /opt/own/lib/libown.so
    /opt/own/lib/libown.so <- needed by /app/shop as libown.so, found by ld.so.conf
    /app/shop <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    insta::assert_snapshot!(chain(&record, &format!("{LIB}/libgcc_s.so.1")), @r#"
    /usr/lib/x86_64-linux-gnu/libgcc_s.so.1 <- loaded by name by the C library, to cancel threads and to walk the stack
    /usr/lib/x86_64-linux-gnu/libc.so.6 <- needed by /app/shop as libc.so.6, found in a default directory
    /app/shop <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    insta::assert_snapshot!(chain(&record, "/opt/own"), @r#"
    /opt/own <- holds /opt/own/lib
    /opt/own/lib <- holds /opt/own/lib/libown.so
    /opt/own/lib/libown.so <- needed by /app/shop as libown.so, found by ld.so.conf
    /app/shop <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    insta::assert_snapshot!(chain(&record, "/etc/passwd"), @"/etc/passwd <- profile auto: names of users");
    insta::assert_snapshot!(chain(&record, "/app/shop"), @r#"
    /app/shop <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    assert_eq!(chain(&record, "/nowhere"), "");
}

#[test]
fn every_path_of_an_image_is_explained_to_its_end() {
    for world in [shop(), debian()] {
        let record = world.plan(&SHOP.replace("profile = \"none\"", "profile = \"auto\"")).record();
        let graph = Graph::new(&record);
        for path in record.places.keys() {
            let chain = graph.chain(path);
            assert!(chain.first().is_some_and(|step| step.path == path), "{path}");
            for pair in chain.windows(2) {
                assert_eq!(pair[0].because, Some(pair[1].path), "{path}");
            }
            assert_eq!(chain.last().unwrap().because, None, "{path}");
            // No chain is shorter, and each of all is a chain of its own.
            let all = graph.chains(path, 1000);
            assert!(!all.more, "{path}");
            assert_eq!(all.chains[0].len(), chain.len(), "{path}");
            assert!(all.chains.is_sorted_by_key(Vec::len), "{path}");
            for (index, one) in all.chains.iter().enumerate() {
                assert!(!all.chains[..index].contains(one), "{path}");
            }
        }
    }
}

#[test]
fn all_chains_come_the_shortest_first_and_no_more_than_asked_for() {
    let record = shop().plan(SHOP).record();
    insta::assert_snapshot!(chains(&record, &format!("{LIB}/libz.so.1.3"), 10), @r#"
    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /app/shop as libz.so.1, found in a default directory
    /app/shop <- named in bantam.toml:5: [[files]] from = "dist/"

    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /app/shop as libz.so.1, found in a default directory
    /app/shop <- the process starts with it, bantam.toml:2: [config] entrypoint = ["/app/shop"]

    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /usr/bin/lua5.4 as libz.so.1, found in a default directory
    /usr/bin/lua5.4 <- starts /app/run
    /app/run <- named in bantam.toml:5: [[files]] from = "dist/"

    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /usr/lib/x86_64-linux-gnu/libpng.so.16 as libz.so.1, found in a default directory
    /usr/lib/x86_64-linux-gnu/libpng.so.16 <- needed by /app/tool as libpng.so.16, found in a default directory
    /app/tool <- named in bantam.toml:5: [[files]] from = "dist/"
    "#);
    insta::assert_snapshot!(chains(&record, &format!("{LIB}/libz.so.1.3"), 1), @r#"
    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /app/shop as libz.so.1, found in a default directory
    /app/shop <- named in bantam.toml:5: [[files]] from = "dist/"

    and more
    "#);
    assert_eq!(chains(&record, "/nowhere", 10), "");
}

#[test]
fn a_tree_shows_each_reason_once() {
    let record = shop().plan(SHOP).record();
    insta::assert_snapshot!(upwards(&record, &format!("{LIB}/libc.so.6")), @r#"
    needed by /app/shop as libc.so.6, found in a default directory
      named in bantam.toml:5: [[files]] from = "dist/"
      the process starts with it, bantam.toml:2: [config] entrypoint = ["/app/shop"]
    needed by /app/tool as libc.so.6, found in a default directory
      named in bantam.toml:5: [[files]] from = "dist/"
    needed by /usr/lib/x86_64-linux-gnu/libgomp.so.1 as libc.so.6, found in a default directory
      named in bantam.toml:4: [runtime] dlopen = ["libgomp.so.1"]
    needed by /opt/own/lib/libown.so as libc.so.6, found in a default directory
      needed by /app/shop as libown.so, found by ld.so.conf (again)
    needed by /usr/bin/lua5.4 as libc.so.6, found in a default directory
      starts /app/run
        named in bantam.toml:5: [[files]] from = "dist/"
    needed by /usr/lib/x86_64-linux-gnu/libpng.so.16 as libc.so.6, found in a default directory
      needed by /app/tool as libpng.so.16, found in a default directory (again)
    needed by /usr/lib/x86_64-linux-gnu/libz.so.1.3 as libc.so.6, found in a default directory
      needed by /app/shop as libz.so.1, found in a default directory (again)
      needed by /usr/bin/lua5.4 as libz.so.1, found in a default directory (again)
      needed by /usr/lib/x86_64-linux-gnu/libpng.so.16 as libz.so.1, found in a default directory (again)
    needed by /usr/lib/x86_64-linux-gnu/libgcc_s.so.1 as libc.so.6, found in a default directory
      loaded by name by the C library, to cancel threads and to walk the stack (again)
    "#);
    insta::assert_snapshot!(downwards(&record, false), @r#"
    [named in bantam.toml:4: [runtime] dlopen = ["libgomp.so.1"]]
    /usr/lib/x86_64-linux-gnu/libgomp.so.1: named in bantam.toml:4: [runtime] dlopen = ["libgomp.so.1"]
      /lib: leads to /usr/lib/x86_64-linux-gnu/libgomp.so.1
    [named in bantam.toml:5: [[files]] from = "dist/"]
    /app/run: named in bantam.toml:5: [[files]] from = "dist/"
      /usr/bin/lua5.4: starts /app/run
        /bin: leads to /usr/bin/lua5.4
        /usr/bin/lua: leads to /usr/bin/lua5.4
    /app/shop: named in bantam.toml:5: [[files]] from = "dist/"
      /opt/own/lib/libown.so: needed by /app/shop as libown.so, found by ld.so.conf
        /etc/ld.so.cache: lets the loader find /opt/own/lib/libown.so
        /etc/ld.so.conf: lets the loader find /opt/own/lib/libown.so
      /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2: starts /app/shop
        /lib64: leads to /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
        /usr/lib64/ld-linux-x86-64.so.2: leads to /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
      /usr/lib/x86_64-linux-gnu/libc.so.6: needed by /app/shop as libc.so.6, found in a default directory
        /usr/lib/x86_64-linux-gnu/libgcc_s.so.1: loaded by name by the C library, to cancel threads and to walk the stack
      /usr/lib/x86_64-linux-gnu/libz.so.1.3: needed by /app/shop as libz.so.1, found in a default directory
        /usr/lib/x86_64-linux-gnu/libz.so.1: leads to /usr/lib/x86_64-linux-gnu/libz.so.1.3
    /app/tool: named in bantam.toml:5: [[files]] from = "dist/"
      /usr/lib/x86_64-linux-gnu/libpng.so.16: needed by /app/tool as libpng.so.16, found in a default directory
    "#);
}

#[test]
fn many_files_that_are_alike_are_one_line() {
    let mut world = shop();
    for number in 0..20 {
        world = world.payload(&format!("dist/assets/{number}.css"), "x");
    }
    let record = world.plan(SHOP).record();
    insta::assert_snapshot!(downwards(&record, false).lines().skip(3).take(5).collect::<Vec<_>>().join("\n"), @r#"
    [named in bantam.toml:5: [[files]] from = "dist/"]
    20 files below /app/assets
    /app/run: named in bantam.toml:5: [[files]] from = "dist/"
      /usr/bin/lua5.4: starts /app/run
        /bin: leads to /usr/bin/lua5.4
    "#);
    let all = downwards(&record, true);
    assert!(all.contains("/app/assets/7.css: ") && all.contains("/usr/lib: holds"), "{all}");
}

#[test]
fn what_would_go_and_what_would_miss_it() {
    let record = debian().plan(SHOP).record();
    insta::assert_snapshot!(without(&record, &[&format!("{LIB}/libz.so.1.3")]), @r"
    gone /usr/lib/x86_64-linux-gnu/libz.so.1
    gone /usr/lib/x86_64-linux-gnu/libz.so.1.3
    would not start: /app/run
    would not start: /app/shop
    would not start: /app/tool
    would not start: /usr/bin/lua5.4
    process stops: true
    ");
    insta::assert_snapshot!(without(&record, &["/app/tool"]), @r"
    gone /app/tool
    gone /usr/lib/x86_64-linux-gnu/libpng.so.16
    process stops: false
    ");
    insta::assert_snapshot!(without(&record, &["/app/run"]), @r"
    gone /app/run
    gone /bin
    gone /usr/bin/lua
    gone /usr/bin/lua5.4
    process stops: false
    ");
    insta::assert_snapshot!(without(&record, &["/app/shop"]), @r"
    gone /app/shop
    gone /etc/ld.so.cache
    gone /etc/ld.so.conf
    gone /opt/own/lib/libown.so
    process stops: true
    ");
    insta::assert_snapshot!(without(&record, &[&format!("{LIB}/libgcc_s.so.1")]), @r"
    gone /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
    the C library would miss /usr/lib/x86_64-linux-gnu/libgcc_s.so.1, to cancel threads and to walk the stack
    process stops: false
    ");
    insta::assert_snapshot!(without(&record, &["/nowhere"]), @"process stops: false");
}

#[test]
fn what_is_asked_about_is_found_by_any_of_its_names() {
    let record = debian().plan(&SHOP.replace("profile = \"none\"", "profile = \"auto\"")).record();
    let found = |texts: &[&str]| {
        texts.iter().map(|text| format!("{text}: {}", asked(&record, text))).collect::<String>()
    };
    insta::assert_snapshot!(found(&[
        "/app/shop",
        "app/shop",
        "/lib/x86_64-linux-gnu/libz.so.1",
        "/lib64/ld-linux-x86-64.so.2",
        "/lib",
        "/",
        "/bin/lua",
        "lua",
        "libz.so.1",
        "libz.so.1.3",
        "zlib1g",
        "package:zlib1g",
        "package:zlib",
        "libpng.so.1",
        "/app/shopp",
        "/usr/lib/libz.so.1",
        "/opt/shop",
        "x",
    ]), @r#"
    /app/shop: /app/shop
    app/shop: /app/shop
    /lib/x86_64-linux-gnu/libz.so.1: /usr/lib/x86_64-linux-gnu/libz.so.1 -> /usr/lib/x86_64-linux-gnu/libz.so.1.3
    /lib64/ld-linux-x86-64.so.2: /usr/lib64/ld-linux-x86-64.so.2 -> /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    /lib: /lib -> /usr/lib
    /: nothing; nearest: []
    /bin/lua: /usr/bin/lua -> /usr/bin/lua5.4
    lua: /usr/bin/lua -> /usr/bin/lua5.4
    libz.so.1: /usr/lib/x86_64-linux-gnu/libz.so.1 -> /usr/lib/x86_64-linux-gnu/libz.so.1.3
    libz.so.1.3: /usr/lib/x86_64-linux-gnu/libz.so.1.3
    zlib1g: package zlib1g
    package:zlib1g: package zlib1g
    package:zlib: nothing; nearest: ["package:zlib1g"]
    libpng.so.1: nothing; nearest: ["libpng.so.16"]
    /app/shopp: nothing; nearest: ["/app/shop"]
    /usr/lib/libz.so.1: nothing; nearest: ["/usr/lib/x86_64-linux-gnu/libz.so.1"]
    /opt/shop: nothing; nearest: ["/app/shop"]
    x: nothing; nearest: []
    "#);
}

#[test]
fn a_document_reads_back_as_what_was_written() {
    let records = [shop().plan(SHOP).record(), debian().plan(&SHOP.replace("none", "auto")).record()];
    let bytes = explain::write(&records);
    assert_eq!(explain::read(&bytes).unwrap(), records);
    assert_eq!(explain::write(&explain::read(&bytes).unwrap()), bytes);
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value.to_string().as_bytes(), bytes);
    insta::assert_snapshot!(format!("{:#}", value["images"][1]["paths"][format!("{LIB}/libz.so.1.3")]), @r#"
    {
      "kind": "file",
      "layer": "libs",
      "packages": [
        "zlib1g"
      ],
      "reasons": [
        {
          "by": "/app/shop",
          "kind": "needed-by",
          "rule": "default",
          "soname": "libz.so.1"
        },
        {
          "by": "/usr/lib/x86_64-linux-gnu/libpng.so.16",
          "kind": "needed-by",
          "rule": "default",
          "soname": "libz.so.1"
        },
        {
          "by": "/usr/bin/lua5.4",
          "kind": "needed-by",
          "rule": "default",
          "soname": "libz.so.1"
        }
      ],
      "size": 288
    }
    "#);
}

#[test]
fn a_document_that_cannot_be_is_refused() {
    let image = |paths: &str| {
        format!(
            r#"{{"format":1,"images":[{{"name":"x","platform":"linux/amd64","search_path":"","packages":{{}},"paths":{{{paths}}}}}]}}"#
        )
    };
    let refused = |text: &str| {
        let error = explain::read(text.as_bytes()).unwrap_err();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}\n")
    };
    assert!(explain::read(image("").as_bytes()).is_ok());
    let texts = [
        String::new(),
        "[]".into(),
        r#"{"format":2,"images":"new"}"#.into(),
        r#"{"format":1,"images":[],"more":1}"#.into(),
        image(r#""/a/../b":{"kind":"directory","reasons":[]}"#),
        image(r#""/":{"kind":"directory","reasons":[]}"#),
        image(r#""/a":{"kind":"file","reasons":[]}"#),
        image(r#""/a":{"kind":"directory","reasons":[{"kind":"whim"}]}"#),
        image(r#""/a":{"kind":"directory","reasons":[{"kind":"leads-to","to":"/b","of":"/b"}]}"#),
        image(r#""/a":{"kind":"directory","reasons":[{"kind":"linked","from":"b"}]}"#),
        image(r#""/a":{"kind":"directory","packages":["x"],"reasons":[]}"#),
    ];
    insta::assert_snapshot!(texts.iter().map(|text| refused(text)).collect::<String>(), @r"
    it is no document of reasons: EOF while parsing a value at line 1 column 0
    it is no document of reasons: invalid length 0, expected struct Head with 1 element at line 1 column 2
    its format is 2, and this bantam knows 1
    it is no document of reasons: unknown field `more`, expected `format` or `images` at line 1 column 30
    /a/../b: a path is written the shortest way, and is not the root
    /: a path is written the shortest way, and is not the root
    /a: it is a `directory`, a `file` with its `size`, or a `link` with its `target`
    it is no document of reasons: unknown variant `whim`, expected one of `listed`, `entrypoint`, `needed-by`, `interprets`, `loaded-by-name`, `linked`, `leads-to`, `variant`, `parent`, `profile`, `of-package`, `data-of`, `of-dependency`, `package`, `loader-cache`, `made-of`, `base`, `layer` at line 1 column 149
    it is no document of reasons: unknown field `of`, expected `to` at line 1 column 175
    it is no document of reasons: `b` is not an absolute path at line 1 column 164
    /a: its package is not among the packages
    ");
}

#[test]
fn a_finished_image_says_most_of_it_itself() {
    let image = debian().plan(&SHOP.replace("profile = \"none\"", "profile = \"auto\""));
    let layers: BTreeMap<TreePath, usize> = image
        .tree()
        .iter()
        .map(|(path, _)| (path.clone(), usize::from(path.as_str().starts_with("/app"))))
        .collect();
    let finished = Finished {
        name: "example.com/shop".into(),
        platform: "linux/amd64".into(),
        tree: image.tree(),
        layers,
        history: vec!["bantam: base".into(), "COPY dist/ /app/".into()],
        command: vec!["/app/shop".into()],
        env: vec![],
        workdir: TreePath::root(),
    };
    let record = explain::derive(&finished).unwrap();
    let graph = Graph::new(&record);
    for path in record.places.keys() {
        assert!(graph.is_explained(path), "{path}");
    }
    insta::assert_snapshot!(chain(&record, &format!("{LIB}/libz.so.1")), @r"
    /usr/lib/x86_64-linux-gnu/libz.so.1 <- leads to /usr/lib/x86_64-linux-gnu/libz.so.1.3
    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /app/shop as libz.so.1, found by ld.so.conf
    /app/shop <- the process starts with it
    ");
    insta::assert_snapshot!(chain(&record, "/usr/bin/lua"), @r"
    /usr/bin/lua <- leads to /usr/bin/lua5.4
    /usr/bin/lua5.4 <- starts /app/run
    /app/run <- in layer 2: COPY dist/ /app/
    ");
    insta::assert_snapshot!(chain(&record, "/var/lib/dpkg/status.d/zlib1g"), @r"
    /var/lib/dpkg/status.d/zlib1g <- says that files of the package zlib1g are here: /usr/lib/x86_64-linux-gnu/libz.so.1.3
    /usr/lib/x86_64-linux-gnu/libz.so.1.3 <- needed by /app/shop as libz.so.1, found by ld.so.conf
    /app/shop <- the process starts with it
    ");
    insta::assert_snapshot!(chain(&record, "/etc/ld.so.cache"), @r"
    /etc/ld.so.cache <- lets the loader find /opt/own/lib/libown.so
    /opt/own/lib/libown.so <- needed by /app/shop as libown.so, found by ld.so.conf
    /app/shop <- the process starts with it
    ");
    insta::assert_snapshot!(chain(&record, "/tmp"), @"/tmp <- in layer 1: bantam: base");
    insta::assert_snapshot!(chain(&record, &format!("{LIB}/libgcc_s.so.1")), @r"
    /usr/lib/x86_64-linux-gnu/libgcc_s.so.1 <- loaded by name by the C library, to cancel threads and to walk the stack
    /usr/lib/x86_64-linux-gnu/libc.so.6 <- needed by /app/shop as libc.so.6, found by ld.so.conf
    /app/shop <- the process starts with it
    ");
    insta::assert_snapshot!(chain(&record, &format!("{LIB}/libgomp.so.1")), @"/usr/lib/x86_64-linux-gnu/libgomp.so.1 <- in layer 1: bantam: base");
    assert_eq!(record.places[&path(&format!("{LIB}/libz.so.1.3"))].packages.first().unwrap(), "zlib1g");
}
