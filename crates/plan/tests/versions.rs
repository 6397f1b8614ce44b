//! Symbol versions that a library of the image lacks, and who would have them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use elf::testing::Elf;
use plan::{Brought, BroughtFile, BroughtLayer, reason::Reason};
use tree::{Tree, TreePath};
use world::{File, World, bytes, glibc, put};

const LIB: &str = "/usr/lib/x86_64-linux-gnu";
const SPEC: &str = r#"
    config.entrypoint = ["/app/shop"]
    [[files]]
    from = "shop"
    to = "/app/"
"#;

/// A program that needs these versions: library, version.
fn shop(needs: &[(&str, &str)]) -> File {
    let mut libraries: Vec<&str> = needs.iter().map(|(library, _)| *library).collect();
    libraries.dedup();
    let mut program = Elf::program().needs(&libraries);
    for (library, version) in needs {
        program = program.needs_versions(library, &[version]);
    }
    bytes(&program.build(), 0o755)
}

/// The findings for a program with these needs.
fn findings(needs: &[(&str, &str)]) -> String {
    World::new(glibc()).payload("shop", shop(needs)).plan(SPEC).findings()
}

#[test]
fn a_version_is_told_with_what_there_is_and_who_has_it() {
    insta::assert_snapshot!(findings(&[("libc.so.6", "GLIBC_2.34")]), @"");
    insta::assert_snapshot!(findings(&[("libc.so.6", "GLIBC_2.38")]), @r"
    error B0102: /app/shop needs GLIBC_2.38 of /usr/lib/x86_64-linux-gnu/libc.so.6, which offers up to GLIBC_2.34; Debian 13 (trixie) has it
        take the libraries from Debian 13 (trixie) or newer: build there, or name its root file system as [runtime] source
        build the program on the release that the image is made of
    ");
}

#[test]
fn versions_are_numbers() {
    // As texts, 2.4 would come after 2.34.
    insta::assert_snapshot!(findings(&[("libc.so.6", "GLIBC_2.4")]), @r"
    error B0102: /app/shop needs GLIBC_2.4 of /usr/lib/x86_64-linux-gnu/libc.so.6, which offers others up to GLIBC_2.34, but not this one; Debian 11 (bullseye) has it
        take the libraries from Debian 11 (bullseye) or newer: build there, or name its root file system as [runtime] source
        build the program on the release that the image is made of
    ");
}

#[test]
fn one_release_is_advised_for_all_that_is_missing() {
    let needs = [("libc.so.6", "GLIBC_2.35"), ("libc.so.6", "GLIBC_2.38")];
    insta::assert_snapshot!(findings(&needs), @r"
    error B0102: /app/shop needs GLIBC_2.35 of /usr/lib/x86_64-linux-gnu/libc.so.6, which offers up to GLIBC_2.34; Debian 12 (bookworm) has it
        take the libraries from Debian 13 (trixie) or newer: build there, or name its root file system as [runtime] source
        build the program on the release that the image is made of
    error B0102: /app/shop needs GLIBC_2.38 of /usr/lib/x86_64-linux-gnu/libc.so.6, which offers up to GLIBC_2.34; Debian 13 (trixie) has it
        take the libraries from Debian 13 (trixie) or newer: build there, or name its root file system as [runtime] source
        build the program on the release that the image is made of
    ");
}

#[test]
fn a_version_that_no_release_has() {
    insta::assert_snapshot!(findings(&[("libc.so.6", "GLIBC_2.99")]), @r"
    error B0102: /app/shop needs GLIBC_2.99 of /usr/lib/x86_64-linux-gnu/libc.so.6, which offers up to GLIBC_2.34; no release that bantam knows of has it
        build the program on the release that the image is made of
    ");
}

#[test]
fn a_feature_of_the_c_library() {
    insta::assert_snapshot!(findings(&[("libc.so.6", "GLIBC_ABI_DT_RELR")]), @r"
    error B0102: /app/shop needs GLIBC_ABI_DT_RELR of /usr/lib/x86_64-linux-gnu/libc.so.6, which offers up to GLIBC_2.34; Debian 12 (bookworm) has it
        take the libraries from Debian 12 (bookworm) or newer: build there, or name its root file system as [runtime] source
        link the program with -Wl,-z,nopack-relative-relocs
        build the program on the release that the image is made of
    ");
}

#[test]
fn a_mixed_c_library() {
    insta::assert_snapshot!(findings(&[("libc.so.6", "GLIBC_PRIVATE")]), @r"
    error B0102: /app/shop needs GLIBC_PRIVATE of /usr/lib/x86_64-linux-gnu/libc.so.6, which offers up to GLIBC_2.34; only files of one and the same build share GLIBC_PRIVATE
        take /app/shop and /usr/lib/x86_64-linux-gnu/libc.so.6 from one source: the files of one package, in one version
    ");
}

#[test]
fn a_library_of_somebody_else() {
    let curl = |library: Elf| {
        World::new(glibc())
            .payload("shop", shop(&[("libcurl.so.4", "CURL_OPENSSL_4"), ("libc.so.6", "GLIBC_2.34")]))
            .source(&format!("{LIB}/libcurl.so.4"), bytes(&library.build(), 0o644))
            .plan(SPEC)
            .findings()
    };
    // Other versions, no versions of symbols at all, and a table without definitions.
    insta::assert_snapshot!(curl(Elf::library("libcurl.so.4").defines(&["CURL_GNUTLS_3"])), @r"
    error B0102: /app/shop needs CURL_OPENSSL_4 of /usr/lib/x86_64-linux-gnu/libcurl.so.4, which offers only others: CURL_GNUTLS_3; Debian 11 (bullseye) has it
        take the libraries from Debian 11 (bullseye) or newer: build there, or name its root file system as [runtime] source
        build it against /usr/lib/x86_64-linux-gnu/libcurl.so.4 itself
    ");
    insta::assert_snapshot!(curl(Elf::library("libcurl.so.4")), @r"
    error B0102: /app/shop needs CURL_OPENSSL_4 of /usr/lib/x86_64-linux-gnu/libcurl.so.4, which offers no symbol versions; Debian 11 (bullseye) has it
        take the libraries from Debian 11 (bullseye) or newer: build there, or name its root file system as [runtime] source
        build it against /usr/lib/x86_64-linux-gnu/libcurl.so.4 itself
    ");
    insta::assert_snapshot!(curl(Elf::library("libcurl.so.4").version_table()), @r"
    warning B0110: /usr/lib/x86_64-linux-gnu/libcurl.so.4 defines no symbol versions, of which /app/shop needs some: the loader warns at every start
        take the libcurl.so.4 that the program was linked with
    ");
}

#[test]
fn weak_needs_are_no_needs() {
    let shop = Elf::program().needs(&["libc.so.6"]).wants_versions("libc.so.6", &["GLIBC_2.99"]);
    let image = World::new(glibc()).payload("shop", bytes(&shop.build(), 0o755)).plan(SPEC);
    assert_eq!(image.findings(), "");
}

#[test]
fn the_image_of_another_distribution() {
    let ubuntu = "ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\n";
    let image = World::new(glibc())
        .source("/usr/lib/os-release", ubuntu)
        .payload("shop", shop(&[("libc.so.6", "GLIBC_2.38")]))
        .plan(SPEC);
    insta::assert_snapshot!(image.findings(), @r"
    error B0102: /app/shop needs GLIBC_2.38 of /usr/lib/x86_64-linux-gnu/libc.so.6, which offers up to GLIBC_2.34; Ubuntu 24.04 (noble) and Debian 13 (trixie) have it
        take the libraries from Ubuntu 24.04 (noble), Debian 13 (trixie) or newer: build there, or name its root file system as [runtime] source
        build the program on Ubuntu 22.04.5 LTS, as the image is
    ");
}

#[test]
fn an_extension_of_a_dependency() {
    let module = "/site/_fast.so";
    let image = |more: &str| {
        let elf = Elf::library("_fast.so")
            .needs(&["libssl.so.3"])
            .needs_versions("libssl.so.3", &["OPENSSL_3.2.0"]);
        let mut tree = Tree::new();
        put(&mut tree, "/f", bytes(&elf.build(), 0o644));
        let path = TreePath::parse(module).unwrap();
        let brought = Brought {
            files: vec![BroughtFile {
                path: path.clone(),
                entry: tree.get(&TreePath::parse("/f").unwrap()).unwrap().clone(),
                layer: BroughtLayer::Dependencies,
                of_source: false,
                reason: Reason::OfDependency {
                    language: "python".into(),
                    dependency: "fast 1.0".into(),
                    line: 3,
                },
            }],
            loads: [(TreePath::parse("/app/shop").unwrap(), [path].into())].into(),
            ..Brought::default()
        };
        let ssl = Elf::library("libssl.so.3").defines(&["OPENSSL_3.0.0"]);
        World::new(glibc())
            .payload("shop", shop(&[]))
            .source(&format!("{LIB}/libssl.so.3.0.9"), bytes(&ssl.build(), 0o644))
            .source_link(&format!("{LIB}/libssl.so.3"), "libssl.so.3.0.9")
            .bringing(brought)
            .plan(&format!("{SPEC}\n{more}"))
    };
    insta::assert_snapshot!(image("").findings(), @r#"
    error B0102: /site/_fast.so needs OPENSSL_3.2.0 of /usr/lib/x86_64-linux-gnu/libssl.so.3.0.9, which offers up to OPENSSL_3.0.0; Debian 13 (trixie) has it
        take the libraries from Debian 13 (trixie) or newer: build there, or name its root file system as [runtime] source
        name another version of fast 1.0, whose files need less
        in [runtime]: drop = ["/site/_fast.so"]
        in [policy]: allow = ["unresolved:libssl.so.3"]
    "#);
    assert_eq!(image("[policy]\nallow = [\"unresolved:libssl.so.3\"]").findings(), "");
    let dropped = image("[runtime]\ndrop = [\"/**/_fast.*\"]");
    assert_eq!(dropped.findings(), "");
    assert!(dropped.0.tree.get(&TreePath::parse(module).unwrap()).is_none());
}
