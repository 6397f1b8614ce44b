//! Images upon a base: what is taken from where, what is written anew, and how the config is merged.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use elf::testing::Elf;
use plan::{BaseConfig, explain::Basis};
use tree::{Entry, Tree, TreePath};
use world::{File, World, bytes, glibc, library, program, put, script};

const LIB: &str = "/usr/lib/x86_64-linux-gnu";

const SHOP: &str = r#"
config.entrypoint = ["/app/shop"]
[[files]]
from = "shop"
to = "/app/shop"
"#;

/// A base with a merged /usr, a C library, a shell and what distributions have beside it.
fn base() -> Tree {
    let mut tree = glibc();
    put(&mut tree, "/usr/bin/dash", program(&[]));
    tree.insert(path("/usr/bin/sh"), Entry::symlink("dash"));
    put(&mut tree, "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/x\n".into());
    put(&mut tree, "/etc/group", "root:x:0:\nwww-data:x:33:".into());
    put(&mut tree, "/etc/os-release", "ID=base\n".into());
    tree.insert(path("/tmp"), Entry::directory(0o1777));
    tree.insert(path("/srv"), Entry::directory(0o750).owned_by(7, 8));
    tree
}

fn with(mut tree: Tree, at: &str, file: impl Into<File>) -> Tree {
    put(&mut tree, at, file.into());
    tree
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn upon(tree: Tree) -> World {
    World::new(glibc()).payload("shop", program(&[])).upon(tree, BaseConfig::default())
}

#[test]
fn only_what_the_base_lacks_is_in_our_layers() {
    let image = World::new(glibc())
        .source(&format!("{LIB}/libz.so.1"), library("libz.so.1", &["libc.so.6"]))
        .source("/etc/protocols", "tcp 6\n")
        .payload("shop", program(&["libz.so.1"]))
        .upon(base(), BaseConfig::default())
        .plan(SHOP);
    insta::assert_snapshot!(image.listing(), @r"
    [base]
    -0644 0:0 /etc/group
    -0644 0:0 /etc/nsswitch.conf
    -0644 0:0 /etc/passwd
    -0644 0:0 /etc/protocols
    d0700 65532:65532 /home/nonroot
    d0700 0:0 /root
    [libs]
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libz.so.1
    [app]
    -0755 0:0 /app/shop
    ");
    assert_eq!(image.findings(), "");
    insta::assert_snapshot!(image.why(&format!("{LIB}/libc.so.6")), @r"/usr/lib/x86_64-linux-gnu/libc.so.6: of the base image oci:./base, its layer 1");
    insta::assert_snapshot!(image.reasons(&format!("{LIB}/libc.so.6")), @r"
    of the base image oci:./base, its layer 1
    needed by /app/shop as libc.so.6, found in a default directory
    needed by /usr/lib/x86_64-linux-gnu/libz.so.1 as libc.so.6, found in a default directory
    needed by /usr/lib/x86_64-linux-gnu/libgcc_s.so.1 as libc.so.6, found in a default directory
    ");
    insta::assert_snapshot!(image.why("/usr/bin/dash"), @r"/usr/bin/dash: of the base image oci:./base, its layer 1");
    insta::assert_snapshot!(image.text("/etc/passwd"), @r"
    root:x:0:0:root:/root:/bin/sh
    www-data:x:33:33::/var/www:/x
    nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
    nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
    ");
    insta::assert_snapshot!(image.text("/etc/group"), @r"
    root:x:0:
    www-data:x:33:
    nobody:x:65534:
    tty:x:5:
    staff:x:50:
    nonroot:x:65532:
    ");
}

#[test]
fn a_library_of_the_base_counts_whatever_the_source_has() {
    let old = Elf::library("libz.so.1").needs(&["libc.so.6"]).defines(&["Z_1"]).build();
    let new = Elf::library("libz.so.1").needs(&["libc.so.6"]).defines(&["Z_1", "Z_2"]).build();
    let shop = Elf::program().needs(&["libz.so.1", "libc.so.6"]).needs_versions("libz.so.1", &["Z_2"]);
    let image = World::new(glibc())
        .source(&format!("{LIB}/libz.so.1"), bytes(&new, 0o644))
        .payload("shop", bytes(&shop.build(), 0o755))
        .upon(with(base(), &format!("{LIB}/libz.so.1"), bytes(&old, 0o644)), BaseConfig::default())
        .plan(SHOP);
    insta::assert_snapshot!(image.findings(), @r"
    error B0102: /app/shop needs Z_2 of /usr/lib/x86_64-linux-gnu/libz.so.1, which offers up to Z_1; no release that bantam knows of has it
        build the program on the release that the image is made of
    ");
}

#[test]
fn a_program_of_the_base_that_the_process_starts_is_judged_and_completed() {
    let tree = with(base(), "/usr/bin/tool", program(&["libz.so.1"]));
    let world = World::new(glibc()).upon(tree, BaseConfig::default());
    let spec = "config.entrypoint = [\"tool\"]";
    insta::assert_snapshot!(world.plan(spec).findings(), @r#"
    error B0101: libz.so.1 is not to be found; /usr/bin/tool needs it
        the Debian package zlib1g has it: install it where the libraries come from
        name the file that is libz.so.1 in [[files]]
        in [policy]: allow = ["unresolved:libz.so.1"]
    "#);
    let image = world.source(&format!("{LIB}/libz.so.1"), library("libz.so.1", &["libc.so.6"])).plan(spec);
    assert_eq!(image.findings(), "");
    assert!(image.listing_below(LIB).contains("libz.so.1"), "{}", image.listing());
}

#[test]
fn what_is_wrong_with_the_base_alone_stops_nothing() {
    let tree = with(base(), "/usr/bin/tool", program(&["libnone.so.1"]));
    let tree = with(tree, "/usr/bin/broken", script("#!/usr/bin/nothing"));
    let tree = with(tree, "/usr/bin/su", bytes(&Elf::static_program().build(), 0o4755));
    let image = upon(tree).plan(SHOP);
    assert!(!image.0.is_refused());
    insta::assert_snapshot!(image.findings(), @r#"
    warning B0101: libnone.so.1 is not to be found; /usr/bin/tool needs it
        name the file that is libnone.so.1 in [[files]]
        in [policy]: allow = ["unresolved:libnone.so.1"]
    warning B0201: /usr/bin/broken starts with #!/usr/bin/nothing, which is not in the image
        install /usr/bin/nothing where the libraries come from, or name it in [[files]]
    "#);
}

#[test]
fn files_over_the_base_are_told_and_directories_never_replaced() {
    let base = with(with(base(), "/etc/shop/a", "base\n"), "/etc/motd", "hello\n");
    let image = upon(base)
        .payload("conf/same", "hello\n")
        .payload("conf/other", "mine\n")
        .payload("conf/inside", "mine\n")
        .plan(
            r#"
            config.entrypoint = ["/app/shop"]
            runtime.profile = "none"
            [[files]]
            from = "shop"
            to = "/app/shop"
            [[files]]
            from = "conf/same"
            to = "/etc/motd"
            [[files]]
            from = "conf/other"
            to = "/etc/os-release"
            [[files]]
            from = "conf/other"
            to = "/etc/shop"
            [[files]]
            from = "conf/inside"
            to = "/etc/motd/inside"
            [[files]]
            from = "conf/inside"
            to = "/srv/inside"
            owner = "nonroot"
            "#,
        );
    insta::assert_snapshot!(image.listing(), @r"
    [app]
    -0755 0:0 /app/shop
    -0644 0:0 /etc/motd
    -0644 0:0 /etc/os-release
    d0750 7:8 /srv
    -0644 65532:65532 /srv/inside
    ");
    insta::assert_snapshot!(image.findings(), @r"
    error B0406: /etc/motd/inside cannot be put below /etc/motd, which is a file
        give one of them another path
    error B0416: /etc/shop is a directory of the base image, and a file cannot take its place
        give it another path, or leave it as it is where the base's is to be replaced
    notice B0416: /etc/os-release is a file that takes the place of a file of the base image
        give it another path, or leave it as it is where the base's is to be replaced
    ");
}

#[test]
fn parents_keep_what_the_base_says_of_them_and_dirs_change_it() {
    let spec = r#"
        config.entrypoint = ["/app/shop"]
        runtime.profile = "none"
        [[files]]
        from = "shop"
        to = "/app/shop"
        [[files]]
        from = "conf/"
        to = "/srv/"
        owner = "nonroot"
        "#;
    let world = upon(base()).payload("conf/a", "a\n");
    insta::assert_snapshot!(world.plan(spec).listing_below("/srv"), @r"
    [app]
    d0750 7:8 /srv
    -0644 65532:65532 /srv/a
    ");
    let spec = format!("{spec}\n[[dirs]]\npath = \"/srv\"\nmode = \"0755\"\nowner = \"1:2\"\n");
    insta::assert_snapshot!(world.plan(&spec).listing_below("/srv"), @r"
    [app]
    d0755 1:2 /srv
    -0644 65532:65532 /srv/a
    ");
}

#[test]
fn users_are_added_and_none_is_changed() {
    let spec =
        |name: &str, uid: u32| format!("{SHOP}[[users]]\nname = \"{name}\"\nuid = {uid}\nhome = \"/app\"\n");
    let image = upon(base()).plan(&spec("shop", 1000));
    insta::assert_snapshot!(image.text("/etc/passwd"), @r"
    root:x:0:0:root:/root:/bin/sh
    www-data:x:33:33::/var/www:/x
    nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
    nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
    shop:x:1000:1000:shop:/app:/sbin/nologin
    ");
    assert_eq!(image.findings(), "");
    let image = upon(base()).plan(&spec("www-data", 33));
    assert!(!image.text("/etc/passwd").contains("/app"), "{}", image.text("/etc/passwd"));
    insta::assert_snapshot!(upon(base()).plan(&spec("www-data", 1000)).findings(), @r"
    error B0310: the user www-data is 33:33 in the base image, and 1000:1000 in the spec
        take out the [[users]], and the image has the www-data of its base; or write `uid = 33` and `gid = 33`
    ");
}

#[test]
fn the_process_runs_as_the_base_says_unless_that_is_root() {
    let who = |user: &str, spec: &str| {
        let config = BaseConfig { user: user.into(), ..BaseConfig::default() };
        let image = World::new(glibc())
            .payload("shop", program(&[]))
            .upon(base(), config)
            .plan(&format!("{spec}{SHOP}"));
        format!("{}:{} {}", image.0.process.uid, image.0.process.gid, image.findings())
    };
    for (user, spec, want) in [
        ("", "", "65532:65532 "),
        ("root", "", "65532:65532 "),
        ("0:0", "", "65532:65532 "),
        ("0", "", "65532:65532 "),
        ("www-data", "", "33:33 "),
        ("33", "", "33:33 "),
        ("1000:7", "", "1000:7 "),
        ("www-data:root", "", "33:0 "),
        ("www-data", "config.user = \"nonroot\"\n", "65532:65532 "),
        ("", "config.user = \"www-data\"\n", "33:33 "),
    ] {
        assert_eq!(who(user, spec), want, "{user} {spec}");
    }
    assert!(who("nobody-knows", "").contains("nobody-knows"));
}

#[test]
fn entrypoint_and_cmd_are_replaced_as_docker_does() {
    let config = BaseConfig {
        entrypoint: vec!["/usr/bin/dash".into(), "-e".into()],
        cmd: vec!["-c".into(), "true".into()],
        ..BaseConfig::default()
    };
    let process = |spec: &str| {
        let image = World::new(glibc()).upon(base(), config.clone()).plan(spec);
        let list = |words: &[String]| words.join(" ");
        format!("{} | {}", list(&image.0.process.entrypoint), list(&image.0.process.cmd))
    };
    for (spec, want) in [
        ("", "/usr/bin/dash -e | -c true"),
        ("config.cmd = [\"-x\"]", "/usr/bin/dash -e | -x"),
        ("config.entrypoint = [\"/usr/bin/app\"]", "/usr/bin/app | "),
        ("config.entrypoint = [\"/usr/bin/app\"]\nconfig.cmd = [\"a\"]", "/usr/bin/app | a"),
    ] {
        assert_eq!(process(spec), want, "{spec}");
    }
}

#[test]
fn the_rest_of_the_config_is_merged_and_says_from_where() {
    let set = |items: &[&str]| items.iter().map(ToString::to_string).collect();
    let map = |items: &[(&str, &str)]| {
        items.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    let config = BaseConfig {
        env: vec!["Z=1".into(), "PATH=/usr/bin:/bin".into(), "LANG=C".into(), "Z=2".into(), "odd".into()],
        workdir: "/srv/".into(),
        ports: ["80/tcp".into()].into(),
        volumes: set(&["/tmp"]),
        labels: map(&[("a", "base"), ("b", "base")]),
        annotations: map(&[("x", "base")]),
        stop_signal: "SIGQUIT".into(),
        ..BaseConfig::default()
    };
    let image = World::new(glibc()).payload("shop", program(&[])).upon(base(), config).plan(
        r#"
        [config]
        entrypoint = ["/app/shop"]
        env = { LANG = "C.UTF-8", A = "new" }
        ports = ["8080", "80"]
        labels = { b = "spec", c = "spec" }
        [[files]]
        from = "shop"
        to = "/app/shop"
        "#,
    );
    insta::assert_snapshot!(image.process(), @r"
    65532:65532 in /srv
    Z=1
    PATH=/usr/bin:/bin
    LANG=C.UTF-8
    A=new
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
    ");
    let settings = image.0.settings.iter().map(|set| format!("{} {} {:?}\n", set.key, set.value, set.origin));
    insta::assert_snapshot!(settings.collect::<String>(), @r#"
    entrypoint ["/app/shop"] Spec
    env.Z 1 Base
    env.PATH /usr/bin:/bin Base
    env.LANG C.UTF-8 SpecOverBase
    env.A new Spec
    env.SSL_CERT_FILE /etc/ssl/certs/ca-certificates.crt Default
    workdir /srv Base
    user 65532:65532 Default
    ports ["80/tcp","8080/tcp"] Both
    volumes ["/tmp"] Base
    labels.a base Base
    labels.b spec SpecOverBase
    labels.c spec Spec
    annotations.x base Base
    stop-signal SIGQUIT Base
    "#);
    assert_eq!(image.record().basis, Basis::Recorded);
}

#[test]
fn a_cache_of_the_base_is_made_anew_for_libraries_that_it_does_not_know() {
    let conf = with(base(), "/etc/ld.so.conf", "/usr/local/lib\n");
    let tree =
        with(conf, "/etc/ld.so.cache", bytes(&elf::write_cache(&[], elf::Endian::Little, "base"), 0o644));
    let image = upon(tree.clone()).plan(SHOP);
    assert!(!image.listing_below("/etc").contains("ld.so.cache"), "{}", image.listing());
    let image = World::new(glibc())
        .payload("shop", program(&["libown.so.1"]))
        .payload("libown.so.1", library("libown.so.1", &["libc.so.6"]))
        .upon(tree, BaseConfig::default())
        .plan(&format!("{SHOP}[[files]]\nfrom = \"libown.so.1\"\nto = \"/usr/local/lib/\"\n"));
    assert_eq!(image.findings(), "");
    assert!(image.listing_below("/etc").contains("ld.so.cache"), "{}", image.listing());
}

const ZLIB: &str = "Package: zlib1g\nVersion: 1.2\nArchitecture: amd64\n";
const ZLIB_SUMS: &str = "00000000000000000000000000000000  usr/lib/x86_64-linux-gnu/libz.so.1\n";

#[test]
fn packages_of_the_base_count_and_those_of_both_are_told_together() {
    let tree = with(base(), "/var/lib/dpkg/status.d/zlib1g", ZLIB);
    let tree = with(tree, "/var/lib/dpkg/status.d/zlib1g.md5sums", ZLIB_SUMS);
    let tree = with(tree, &format!("{LIB}/libz.so.1"), library("libz.so.1", &["libc.so.6"]));
    let image = World::new(glibc())
        .source(
            "/var/lib/dpkg/status",
            format!("{ZLIB}\nPackage: libm\nVersion: 3\nArchitecture: amd64\n").as_str(),
        )
        .source("/var/lib/dpkg/info/zlib1g.list", format!("{LIB}/libother.so.1\n").as_str())
        .source(
            "/var/lib/dpkg/info/zlib1g.md5sums",
            "11111111111111111111111111111111  usr/lib/x86_64-linux-gnu/libother.so.1\n",
        )
        .source("/var/lib/dpkg/info/libm.list", format!("{LIB}/libm.so.6\n").as_str())
        .source(&format!("{LIB}/libother.so.1"), library("libother.so.1", &["libc.so.6"]))
        .source(&format!("{LIB}/libm.so.6"), library("libm.so.6", &["libc.so.6"]))
        .payload("shop", program(&["libz.so.1", "libother.so.1", "libm.so.6"]))
        .upon(tree, BaseConfig::default())
        .plan(SHOP);
    assert_eq!(image.findings(), "");
    let packages: Vec<String> =
        image.0.packages.iter().map(|of| format!("{} {} {}", of.name, of.version, of.files.len())).collect();
    assert_eq!(packages, ["libm 3 1", "zlib1g 1.2 2"]);
    let sums = image.text("/var/lib/dpkg/status.d/zlib1g.md5sums");
    assert!(sums.starts_with(ZLIB_SUMS) && sums.lines().count() == 2, "{sums}");
    let listing = image.listing_below("/var/lib/dpkg");
    assert!(listing.contains("zlib1g.md5sums") && !listing.contains("zlib1g\n"), "{listing}");
}

#[test]
fn a_package_of_two_versions_is_told() {
    let said = |version: &str| {
        let tree = with(base(), "/var/lib/dpkg/status.d/zlib1g", ZLIB);
        let control = ZLIB.replace("1.2", version);
        World::new(glibc())
            .source("/var/lib/dpkg/status", control.as_str())
            .source("/var/lib/dpkg/info/zlib1g.list", format!("{LIB}/libz.so.1\n").as_str())
            .source(&format!("{LIB}/libz.so.1"), library("libz.so.1", &["libc.so.6"]))
            .payload("shop", program(&["libz.so.1"]))
            .upon(tree, BaseConfig::default())
            .plan(SHOP)
            .findings()
    };
    assert_eq!(said("1.2"), "");
    let two = said("1.3");
    assert!(two.starts_with("warning B0417: ") && two.contains("1.2") && two.contains("1.3"), "{two}");
}

#[test]
fn a_source_with_records_of_packages_gives_those_that_are_taken() {
    let image = World::new(glibc())
        .source("/var/lib/dpkg/status.d/zlib1g", ZLIB)
        .source("/var/lib/dpkg/status.d/zlib1g.md5sums", format!("{ZLIB_SUMS}0  usr/lib/none\n").as_str())
        .source("/var/lib/dpkg/status.d/other", "Package: other\nVersion: 1\n")
        .source("/usr/share/doc/zlib1g/copyright", "free\n")
        .source(&format!("{LIB}/libz.so.1"), library("libz.so.1", &["libc.so.6"]))
        .payload("shop", program(&["libz.so.1"]))
        .plan(SHOP);
    insta::assert_snapshot!(image.listing_below("/var"), @r"
    [base]
    [libs]
    -0644 0:0 /var/lib/dpkg/status.d/zlib1g
    -0644 0:0 /var/lib/dpkg/status.d/zlib1g.md5sums
    [app]
    ");
    assert_eq!(image.text("/var/lib/dpkg/status.d/zlib1g.md5sums"), ZLIB_SUMS);
    assert!(image.listing().contains("/usr/share/doc/zlib1g/copyright"));
}
