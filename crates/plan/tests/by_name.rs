//! What programs load by name while running: taken or told, and judged where it is loaded.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test may fail, and not every helper is used"
)]

mod world;

use elf::testing::Elf;
use world::{World, bytes, glibc, library, program, script};

const LIB: &str = "/usr/lib/x86_64-linux-gnu";
const APP: &str = "config.entrypoint = [\"/app/app\"]\n[[files]]\nfrom = \"app\"\nto = \"/app/app\"\n";

/// Graphviz as Debian has it, with a plugin that needs a library of its own.
fn graphviz() -> World {
    let dir = format!("{LIB}/graphviz");
    World::new(glibc())
        .payload("app", program(&["libgvc.so.6"]))
        .source(&format!("{LIB}/libgvc.so.6.0.0"), library("libgvc.so.6", &["libc.so.6"]))
        .source_link(&format!("{LIB}/libgvc.so.6"), "libgvc.so.6.0.0")
        .source(&format!("{dir}/config6a"), "libgvplugin_core.so.6 core {}\n")
        .source(&format!("{dir}/libgvplugin_core.so.6.0.0"), library("libgvplugin_core.so.6", &["libown.so"]))
        .source_link(&format!("{dir}/libgvplugin_core.so.6"), "libgvplugin_core.so.6.0.0")
        .source(&format!("{dir}/libgvplugin_xlib.so.6"), library("libgvplugin_xlib.so.6", &["libX11.so.6"]))
}

#[test]
fn plugins_come_along_and_bring_what_they_need() {
    let image = graphviz().source(&format!("{LIB}/libown.so"), library("libown.so", &[])).plan(APP);
    assert_eq!(image.findings(), "");
    insta::assert_snapshot!(image.listing_below(&format!("{LIB}/graphviz")), @r"
    [base]
    [libs]
    -0644 0:0 /usr/lib/x86_64-linux-gnu/graphviz/config6a
    l0777 0:0 /usr/lib/x86_64-linux-gnu/graphviz/libgvplugin_core.so.6 -> libgvplugin_core.so.6.0.0
    -0644 0:0 /usr/lib/x86_64-linux-gnu/graphviz/libgvplugin_core.so.6.0.0
    [app]
    ");
    insta::assert_snapshot!(image.why(&format!("{LIB}/libown.so")), @r"
    /usr/lib/x86_64-linux-gnu/libown.so: needed by /usr/lib/x86_64-linux-gnu/graphviz/libgvplugin_core.so.6.0.0 as libown.so, found in a default directory
    /usr/lib/x86_64-linux-gnu/graphviz/libgvplugin_core.so.6.0.0: loaded by name by /usr/lib/x86_64-linux-gnu/libgvc.so.6.0.0, to lay out graphs, and to write them in any format
    /usr/lib/x86_64-linux-gnu/libgvc.so.6.0.0: needed by /app/app as libgvc.so.6, found in a default directory
    /app/app: named in line 2 of the spec
    ");
}

#[test]
fn what_a_plugin_needs_is_found_by_the_program_that_loads_it() {
    let elf = Elf::program().rpath("/opt/own").needs(&["libgvc.so.6", "libc.so.6"]).build();
    let world =
        graphviz().payload("app", bytes(&elf, 0o755)).source("/opt/own/libown.so", library("libown.so", &[]));
    let image = world.plan(APP);
    assert_eq!(image.findings(), "");
    assert!(image.listing().contains("/opt/own/libown.so"), "{}", image.listing());
}

#[test]
fn a_plugin_without_its_library_stays_out_as_it_could_not_be_loaded_on_the_source() {
    insta::assert_snapshot!(graphviz().plan(APP).findings(), @r#"
    notice B0116: libown.so is not to be found, so that /usr/lib/x86_64-linux-gnu/graphviz/libgvplugin_core.so.6.0.0 stays out
        in [runtime]: drop = ["/usr/lib/x86_64-linux-gnu/graphviz/libgvplugin_core.so.6.0.0"]
    "#);
    let drop = format!("runtime.drop = [\"{LIB}/graphviz/**\"]\n{APP}");
    assert_eq!(graphviz().plan(&drop).findings(), "");
}

#[test]
fn what_the_payload_brings_looks_elsewhere() {
    let own = "[[files]]\nfrom = \"libgvc.so.6\"\nto = \"/usr/lib/x86_64-linux-gnu/\"\n";
    let world = graphviz().payload("libgvc.so.6", library("libgvc.so.6", &["libc.so.6"]));
    let image = world.plan(&format!("{APP}{own}"));
    assert_eq!(image.findings(), "");
    assert_eq!(image.listing_below(&format!("{LIB}/graphviz")), "[base]\n[app]\n");
}

#[test]
fn what_some_would_miss_is_told_until_they_decide() {
    let world = World::new(glibc())
        .source("/usr/bin/perl", program(&[]))
        .source(&format!("{LIB}/perl-base/strict.pm"), "1;\n")
        .source(&format!("{LIB}/perl-base/perl5db.pl"), script("#!/usr/bin/perl"))
        .source(&format!("{LIB}/perl-base/debug.sh"), script("#!/bin/sh"))
        .source(&format!("{LIB}/perl/5.36.0/Encode.pm"), "1;\n")
        .source(&format!("{LIB}/perl/5.36.0/auto/Encode.so"), library("Encode.so", &["libc.so.6"]))
        .source_link(&format!("{LIB}/perl/5.36"), "5.36.0");
    let spec = "config.entrypoint = [\"/usr/bin/perl\"]\n";
    let image = world.plan(spec);
    insta::assert_snapshot!(image.findings(), @r#"
    notice B0113: /usr/bin/perl looks by name for files that are not in the image; it needs them for the rest of Perl's own modules, such as Encode and Storable
        in [runtime]: keep = ["/usr/lib/x86_64-linux-gnu/perl/5.*"]
    "#);
    insta::assert_snapshot!(image.listing_below(&format!("{LIB}/perl-base")), @r"
    [base]
    [libs]
    -0755 0:0 /usr/lib/x86_64-linux-gnu/perl-base/perl5db.pl
    -0644 0:0 /usr/lib/x86_64-linux-gnu/perl-base/strict.pm
    ");
    let kept = world.plan(&format!("runtime.keep = [\"{LIB}/perl/5.*\"]\n{spec}"));
    assert_eq!(kept.findings(), "");
    insta::assert_snapshot!(kept.listing_below(&format!("{LIB}/perl")), @r"
    [base]
    [libs]
    l0777 0:0 /usr/lib/x86_64-linux-gnu/perl/5.36 -> 5.36.0
    -0644 0:0 /usr/lib/x86_64-linux-gnu/perl/5.36.0/Encode.pm
    -0644 0:0 /usr/lib/x86_64-linux-gnu/perl/5.36.0/auto/Encode.so
    ");
    let dropped = world.plan(&format!("runtime.drop = [\"{LIB}/perl/5.*/**\"]\n{spec}"));
    assert_eq!(dropped.findings(), "");
}

/// A program with a note of what it loads by name, on a source that has `libnoted.so.1`.
fn noted(priority: &str) -> World {
    let note = format!(
        r#"[{{"soname":["libnone.so.2","libnoted.so.1"],"feature":"notes","priority":"{priority}"}}]"#
    );
    let elf = Elf::program().needs(&["libc.so.6"]).dlopen_note(&note).build();
    World::new(glibc())
        .payload("app", bytes(&elf, 0o755))
        .source(&format!("{LIB}/libnoted.so.1"), library("libnoted.so.1", &["libdeep.so.1"]))
        .source(&format!("{LIB}/libdeep.so.1"), library("libdeep.so.1", &[]))
}

#[test]
fn what_a_note_requires_is_taken_with_what_it_needs() {
    let image = noted("required").plan(APP);
    assert_eq!(image.findings(), "");
    insta::assert_snapshot!(image.why(&format!("{LIB}/libdeep.so.1")), @r"
    /usr/lib/x86_64-linux-gnu/libdeep.so.1: needed by /usr/lib/x86_64-linux-gnu/libnoted.so.1 as libdeep.so.1, found in a default directory
    /usr/lib/x86_64-linux-gnu/libnoted.so.1: loaded by name by /app/app, for notes
    /app/app: named in line 2 of the spec
    ");
}

#[test]
fn what_a_note_recommends_is_told_and_what_it_suggests_is_not() {
    let image = noted("recommended").plan(APP);
    insta::assert_snapshot!(image.findings(), @r#"
    notice B0117: /app/app recommends libnoted.so.1, which it loads by name
        in [runtime]: dlopen = ["libnoted.so.1"]
    "#);
    assert!(!image.listing().contains("libnoted"), "{}", image.listing());
    let listed = format!("runtime.dlopen = [\"libnoted.so.1\"]\n{APP}");
    assert_eq!(noted("recommended").plan(&listed).findings(), "");
    assert_eq!(noted("suggested").plan(APP).findings(), "");
}

#[test]
fn constants_that_read_like_libraries_are_told_and_nothing_is_taken() {
    let elf = Elf::program().needs(&["libc.so.6"]).tail(b"\0libnoted.so.1\0libfar.so.3\0libc.so.6\0").build();
    let image = noted("suggested").payload("app", bytes(&elf, 0o755)).plan(APP);
    insta::assert_snapshot!(image.findings(), @r#"
    notice B0115: /app/app mentions libnoted.so.1, libfar.so.3, and may load it by name; the image has none
        in [runtime]: dlopen = ["libnoted.so.1"]
    "#);
    assert!(!image.listing().contains("libnoted"), "{}", image.listing());
}

#[test]
fn a_static_glibc_is_no_mention_of_a_shared_one() {
    let mentions = |elf: Elf| {
        let elf = elf.tail(b"\0libc.so.6\0libnoted.so.1\0").build();
        World::new(glibc()).payload("app", bytes(&elf, 0o755)).plan(APP).findings()
    };
    let found = mentions(Elf::static_program());
    assert!(found.contains("mentions libnoted.so.1, and"), "{found}");
}
