//! Why files are in an image.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

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

#[test]
fn every_edge_is_recorded() {
    let image = shop().plan(SHOP);
    assert_eq!(image.findings(), "");
    insta::assert_snapshot!(image.reasons(&format!("{LIB}/libz.so.1.3")), @r"
    /app/shop needs libz.so.1, found by default
    /usr/lib/x86_64-linux-gnu/libpng.so.16 needs libz.so.1, found by default
    /usr/bin/lua5.4 needs libz.so.1, found by default
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
    insta::assert_snapshot!(image.reasons(&format!("{LIB}/libgcc_s.so.1")), @"the C library loads it by name to cancel threads and to walk the stack");
    insta::assert_snapshot!(image.reasons(&format!("{LIB}/ld-linux-x86-64.so.2")), @r"
    starts /app/shop
    /usr/lib/x86_64-linux-gnu/libc.so.6 needs ld-linux-x86-64.so.2, found by interpreter
    starts /app/tool
    starts /usr/bin/lua5.4
    ");
    insta::assert_snapshot!(image.reasons("/usr/bin/lua"), @"leads to /usr/bin/lua5.4");
    insta::assert_snapshot!(image.reasons("/etc/ld.so.cache"), @"lets the loader find /opt/own/lib/libown.so");
}
