//! Variables of the environment, and what they lead to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use world::{World, glibc, library, program};

const LIB: &str = "/usr/lib/x86_64-linux-gnu";

/// The findings of a program with this environment, as in `env = { … }`, and more of a spec.
fn findings_with(world: World, env: &str, more: &str) -> String {
    let world = world.payload("app", program(&[]));
    let text = format!("[[files]]\nfrom = \"app\"\nto = \"/app/\"\n{more}\n");
    let config = if more.contains("[config]") { String::new() } else { "[config]\n".to_owned() };
    world.plan(&format!("{text}{config}entrypoint = [\"/app/app\"]\nenv = {{ {env} }}\n")).findings()
}

fn findings(env: &str) -> String {
    findings_with(World::new(glibc()), env, "")
}

fn zones() -> World {
    World::new(glibc())
        .source("/usr/share/zoneinfo/Europe/Berlin", "TZif2")
        .source("/etc/ssl/certs/ca-certificates.crt", "certificates\n")
}

#[test]
fn what_is_there_is_no_finding() {
    let env = r#"HOME = "/home/nonroot", TMPDIR = "/tmp", SSL_CERT_FILE = "/etc/ssl/certs/ca-certificates.crt",
        SSL_CERT_DIR = "/etc/ssl/certs:", PYTHONPATH = ".:/app::", LD_LIBRARY_PATH = "/app;$ORIGIN/lib", TZ = "UTC",
        LANG = "C", LC_TIME = "POSIX", LC_CTYPE = "", NODE_PATH = "", RUST_LOG = "/no/such/thing""#
        .replace('\n', "");
    assert_eq!(findings_with(zones(), &env, ""), "");
}

#[test]
fn time_zones() {
    let tz = |value: &str| findings_with(zones(), &format!("TZ = \"{value}\""), "");
    for value in ["UTC", "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3", ":EST5EDT", "/etc/services"] {
        assert_eq!(tz(value), "", "{value}");
    }
    insta::assert_snapshot!(tz("Europe/Berlin"), @r#"
    warning B0308: TZ is `Europe/Berlin` (the time zone), and /usr/share/zoneinfo/Europe/Berlin is not in the image
        in [runtime]: keep = ["/usr/share/zoneinfo/Europe/Berlin"]
        bring it with a [[files]], or take TZ out of env
    "#);
    insta::assert_snapshot!(tz(":Europe/Berlni"), @r"
    warning B0308: TZ is `:Europe/Berlni` (the time zone), and /usr/share/zoneinfo/Europe/Berlni is not in the image
        write a name that /usr/share/zoneinfo of the source has (Debian's tzdata-legacy has the old ones); `Berlin` is near
        bring it with a [[files]], or take TZ out of env
    ");
    insta::assert_snapshot!(tz("/etc/ssl"), @r"
    warning B0308: TZ is `/etc/ssl` (the time zone), and /etc/ssl is a directory
        write a name that /usr/share/zoneinfo of the source has (Debian's tzdata-legacy has the old ones); `ssl` is near
        bring it with a [[files]], or take TZ out of env
    ");
    let kept = "[runtime]\nkeep = [\"/usr/share/zoneinfo/Europe/Berlin\"]\n";
    assert_eq!(findings_with(zones(), "TZ = \"Europe/Berlin\"", kept), "");
    let elsewhere = "TZ = \"Berlin\", TZDIR = \"/usr/share/zoneinfo/Europe\"";
    assert_eq!(findings_with(zones(), elsewhere, kept), "");
}

#[test]
fn locales() {
    let source = || {
        World::new(glibc())
            .source("/usr/lib/locale/C.utf8/LC_CTYPE", "")
            .source("/usr/lib/locale/de_DE.utf8/LC_CTYPE", "")
            .source("/usr/lib/locale/de_DE.utf8/LC_TIME", "")
    };
    let lang = |value: &str| findings_with(source(), &format!("LANG = \"{value}\""), "");
    // C.UTF-8 is not built into glibc.
    insta::assert_snapshot!(lang("C.UTF-8"), @r#"
    warning B0308: LANG is `C.UTF-8` (the language), and the image has no such locale
        in [runtime]: keep = ["/usr/lib/locale/C.utf8"]
        bring it with a [[files]], or take LANG out of env
    "#);
    insta::assert_snapshot!(lang("de_DE.UTF-8"), @r#"
    warning B0308: LANG is `de_DE.UTF-8` (the language), and the image has no such locale
        in [runtime]: keep = ["/usr/lib/locale/de_DE.utf8"]
        bring it with a [[files]], or take LANG out of env
    "#);
    insta::assert_snapshot!(lang("sv_SE.UTF-8"), @r"
    warning B0308: LANG is `sv_SE.UTF-8` (the language), and the image has no such locale
        the Debian package locales-all has it: install it where the libraries come from
        bring it with a [[files]], or take LANG out of env
    ");
    let kept = "[runtime]\nkeep = [\"/usr/lib/locale/de_DE.utf8\"]\n";
    assert_eq!(findings_with(source(), "LANG = \"de_DE.UTF-8\", LC_TIME = \"de_DE.utf8\"", kept), "");
    insta::assert_snapshot!(findings_with(source(), "LC_MONETARY = \"de_DE.UTF-8\"", kept), @r"
    warning B0308: LC_MONETARY is `de_DE.UTF-8` (how amounts are written), and the image has no such locale
        the Debian package locales-all has it: install it where the libraries come from
        bring it with a [[files]], or take LC_MONETARY out of env
    ");
    let overruled = "LANG = \"sv_SE.UTF-8\", LC_TIME = \"x\", LC_ALL = \"de_DE.UTF-8\"";
    assert_eq!(findings_with(source(), overruled, kept), "", "LC_ALL alone counts");
}

#[test]
fn each_missing_element_of_a_list_once() {
    insta::assert_snapshot!(findings(r#"PYTHONPATH = "/app:/a::/b:lib:/a""#), @r"
    warning B0308: PYTHONPATH is `/app:/a::/b:lib:/a` (where Python looks for modules), and /a is not in the image
        bring it with a [[files]], or take PYTHONPATH out of env
    warning B0308: PYTHONPATH is `/app:/a::/b:lib:/a` (where Python looks for modules), and /b is not in the image
        bring it with a [[files]], or take PYTHONPATH out of env
    ");
}

#[test]
fn relative_paths_are_seen_from_the_working_directory() {
    let world = || World::new(glibc()).payload("lib/x.py", "");
    let more = "[[files]]\nfrom = \"lib/\"\nto = \"/srv/lib/\"\n[config]\nworkdir = \"/srv\"\n";
    assert_eq!(findings_with(world(), r#"PYTHONPATH = "lib:.""#, more), "");
    insta::assert_snapshot!(findings_with(world(), r#"PYTHONPATH = "../nolib""#, more), @r"
    warning B0308: PYTHONPATH is `../nolib` (where Python looks for modules), and /nolib is not in the image
        bring it with a [[files]], or take PYTHONPATH out of env
    ");
}

#[test]
fn what_is_written_while_running_may_be_missing() {
    let more = r#"
        [[dirs]]
        path = "/data"
        owner = "nonroot"
        [config]
        volumes = ["/models"]
    "#;
    let env = r#"HOME = "/data/home", TESSDATA_PREFIX = "/models", GEM_PATH = "/models/a:/run/gems", TMPDIR = "/tmp/x""#;
    let found = findings_with(World::new(glibc()), env, more);
    assert!(!found.contains("B0308"), "{found}");
}

#[test]
fn a_home_is_made_and_never_taken_from_who_builds() {
    let world = World::new(glibc()).source("/home/joe/.profile", "secret");
    insta::assert_snapshot!(findings_with(world, r#"HOME = "/home/joe""#, ""), @r#"
    warning B0308: HOME is `/home/joe` (the user's home), and /home/joe is not in the image
        have a [[dirs]] with path = "/home/joe", owner = "nonroot"
        bring it with a [[files]], or take HOME out of env
    "#);
}

#[test]
fn files_where_directories_are_wanted_and_what_the_user_may_not_read() {
    let more = r#"
        [[files]]
        content = "x"
        to = "/etc/own.pem"
        mode = "0600"
        [config]
    "#;
    insta::assert_snapshot!(findings_with(World::new(glibc()), r#"SSL_CERT_FILE = "/etc/own.pem""#, more), @r"
    warning B0308: SSL_CERT_FILE is `/etc/own.pem` (certificates to trust servers by), and /etc/own.pem cannot be used by the user 65532:65532
        bring it with a [[files]], or take SSL_CERT_FILE out of env
    ");
    insta::assert_snapshot!(findings(r#"OPENSSL_MODULES = "/etc/services", CURL_CA_BUNDLE = "/etc/ssl""#), @r"
    warning B0308: CURL_CA_BUNDLE is `/etc/ssl` (certificates to trust servers by), and /etc/ssl is a directory
        bring it with a [[files]], or take CURL_CA_BUNDLE out of env
    warning B0308: OPENSSL_MODULES is `/etc/services` (the providers of OpenSSL), and /etc/services is a file
        bring it with a [[files]], or take OPENSSL_MODULES out of env
    ");
}

#[test]
fn java_is_below_its_home() {
    let world = || World::new(glibc()).source("/usr/lib/jvm/java-17/bin/java", program(&[]));
    insta::assert_snapshot!(findings_with(world(), r#"JAVA_HOME = "/usr/lib/jvm/java-17""#, ""), @r#"
    warning B0308: JAVA_HOME is `/usr/lib/jvm/java-17` (the Java runtime), and /usr/lib/jvm/java-17/bin/java is not in the image
        in [runtime]: keep = ["/usr/lib/jvm/java-17"]
        bring it with a [[files]], or take JAVA_HOME out of env
    "#);
    let kept = "[runtime]\nkeep = [\"/usr/lib/jvm/java-17\"]\n";
    assert_eq!(findings_with(world(), r#"JAVA_HOME = "/usr/lib/jvm/java-17/""#, kept), "");
}

#[test]
fn a_path_of_directories_that_are_not() {
    assert_eq!(findings(r#"PATH = "/nosuch:/app""#), "");
    insta::assert_snapshot!(findings(r#"PATH = "/nosuch:/neither""#), @r"
    warning B0308: PATH is `/nosuch:/neither` (where programs are looked for), and none of its directories is in the image
        bring it with a [[files]], or take PATH out of env
    ");
}

#[test]
fn libraries_that_the_loader_puts_first() {
    let world = || {
        World::new(glibc())
            .source(&format!("{LIB}/libjemalloc.so.2"), library("libjemalloc.so.2", &["libc.so.6"]))
    };
    let preload =
        |value: &str, more: &str| findings_with(world(), &format!("LD_PRELOAD = \"{value}\""), more);
    insta::assert_snapshot!(preload("libjemalloc.so.2 /app/own.so", ""), @r#"
    warning B0308: LD_PRELOAD is `libjemalloc.so.2 /app/own.so` (libraries that the loader puts before all others), and the loader does not find libjemalloc.so.2
        in [runtime]: dlopen = ["libjemalloc.so.2"]
        bring it with a [[files]], or take LD_PRELOAD out of env
    warning B0308: LD_PRELOAD is `libjemalloc.so.2 /app/own.so` (libraries that the loader puts before all others), and /app/own.so is not in the image
        bring it with a [[files]], or take LD_PRELOAD out of env
    "#);
    insta::assert_snapshot!(preload("libtcmalloc.so.4", ""), @r"
    warning B0308: LD_PRELOAD is `libtcmalloc.so.4` (libraries that the loader puts before all others), and the loader does not find libtcmalloc.so.4
        the Debian package libgoogle-perftools4 has it: install it where the libraries come from
        bring it with a [[files]], or take LD_PRELOAD out of env
    ");
    let taken = "[runtime]\ndlopen = [\"libjemalloc.so.2\"]\n";
    assert_eq!(preload("libjemalloc.so.2", taken), "");
    assert_eq!(preload(&format!("{LIB}/libjemalloc.so.2"), taken), "");
}

#[test]
fn a_relative_library_path_is_searched_from_the_working_directory() {
    let world = World::new(glibc())
        .payload("lib/libown.so.1", library("libown.so.1", &["libc.so.6"]))
        .payload("shop", program(&["libown.so.1"]));
    let image = world.plan(
        r#"
        config.entrypoint = ["./shop"]
        config.workdir = "/srv"
        config.env = { LD_LIBRARY_PATH = "lib" }
        [[files]]
        from = "lib/"
        to = "/srv/lib/"
        [[files]]
        from = "shop"
        to = "/srv/"
        "#,
    );
    assert_eq!(image.findings(), "");
}

#[test]
fn a_finding_points_to_the_line_of_its_variable() {
    let image = World::new(glibc()).payload("app", program(&[])).plan(
        r#"
        [[files]]
        from = "app"
        to = "/app/"
        [config]
        entrypoint = ["/app/app"]
        [config.env]
        RUST_LOG = "info"
        OPENSSL_CONF = "/nosuch.cnf"
        "#,
    );
    assert_eq!(image.lines(), [("B0308", 9)]);
}
