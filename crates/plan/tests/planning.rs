//! From a spec and trees in memory to an image as a value.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use elf::testing::Elf;
use world::{World, bytes, glibc, library, program, script};

#[test]
fn a_program_brings_its_libraries_its_loader_and_the_links_to_them() {
    let world = World::new(glibc())
        .payload("dist/shop", program(&["libz.so.1"]))
        .source("/usr/lib/x86_64-linux-gnu/libz.so.1.3", library("libz.so.1", &["libc.so.6"]))
        .source_link("/usr/lib/x86_64-linux-gnu/libz.so.1", "libz.so.1.3");
    let image = world.plan(
        r#"
        config.entrypoint = ["/app/shop"]
        runtime.profile = "none"
        [[files]]
        from = "dist/shop"
        to = "/app/shop"
        "#,
    );
    insta::assert_snapshot!(image.listing(), @r"
    [base]
    l0777 0:0 /lib -> usr/lib
    l0777 0:0 /lib64 -> usr/lib64
    -0755 0:0 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    -0755 0:0 /usr/lib/x86_64-linux-gnu/libc.so.6
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
    l0777 0:0 /usr/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    [libs]
    l0777 0:0 /usr/lib/x86_64-linux-gnu/libz.so.1 -> libz.so.1.3
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libz.so.1.3
    [app]
    -0755 0:0 /app/shop
    ");
    insta::assert_snapshot!(image.why("/usr/lib/x86_64-linux-gnu/libc.so.6"), @r"
    /usr/lib/x86_64-linux-gnu/libc.so.6: needed by /app/shop as libc.so.6, found in a default directory
    /app/shop: named in line 4 of the spec
    ");
    assert_eq!(image.findings(), "");
}

#[test]
fn what_every_image_contains() {
    let world = World::new(glibc()).payload("app", program(&[]));
    let image = world.plan(
        r#"
        config.entrypoint = ["/app/app"]
        [[files]]
        from = "app"
        to = "/app/"
        [[users]]
        name = "shop"
        uid = 1000
        "#,
    );
    insta::assert_snapshot!(image.listing(), @r"
    [base]
    -0644 0:0 /etc/nsswitch.conf
    l0777 0:0 /etc/os-release -> ../usr/lib/os-release
    -0644 0:0 /etc/services
    -0644 0:0 /etc/ssl/certs/ca-certificates.crt
    d0700 65532:65532 /home/nonroot
    l0777 0:0 /lib -> usr/lib
    l0777 0:0 /lib64 -> usr/lib64
    d0700 0:0 /root
    d1777 0:0 /tmp
    -0644 0:0 /usr/lib/os-release
    -0755 0:0 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    -0755 0:0 /usr/lib/x86_64-linux-gnu/libc.so.6
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
    l0777 0:0 /usr/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    [app]
    -0755 0:0 /app/app
    -0644 0:0 /etc/group
    -0644 0:0 /etc/passwd
    d0700 1000:1000 /home/shop
    ");
    insta::assert_snapshot!(image.process(), @r"
    65532:65532 in /
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
    ");
    assert_eq!(image.findings(), "");
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let world = World::new(glibc())
        .payload("bin/a", program(&["libz.so.1", "libown.so"]))
        .payload("bin/b", program(&["libz.so.1", "libpq.so.5"]))
        .payload("bin/run", script("#!/usr/bin/env node"))
        .payload("bin/tool", script("#!/usr/bin/ruby3.1 -w"))
        .source("/usr/lib/x86_64-linux-gnu/libpq.so.5", library("libpq.so.5", &["libldap.so.2"]));
    let image = world.plan(
        r#"
        config.entrypoint = ["/app/missing"]
        config.workdir = "/srv"
        [[files]]
        from = "bin"
        to = "/app"
        "#,
    );
    insta::assert_snapshot!(image.findings(), @r#"
    error B0101: libldap.so.2 is not to be found; /usr/lib/x86_64-linux-gnu/libpq.so.5 needs it (in the image for /app/b)
        name the file that is libldap.so.2 in [[files]]
        in [policy]: allow = ["unresolved:libldap.so.2"]
    error B0101: libown.so is not to be found; /app/a needs it
        name the file that is libown.so in [[files]]
        in [policy]: allow = ["unresolved:libown.so"]
    error B0101: libz.so.1 is not to be found; /app/a, /app/b need it
        the Debian package zlib1g has it: install it where the libraries come from
        name the file that is libz.so.1 in [[files]]
        in [policy]: allow = ["unresolved:libz.so.1"]
    error B0201: /app/tool starts with #!/usr/bin/ruby3.1, which is not in the image
        install /usr/bin/ruby3.1 where the libraries come from, or name it in [[files]]
    error B0202: /app/run starts with `env node`, and no node is on the image's PATH (/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
        install node where the libraries come from, or add the folder that it is in to PATH
    error B0301: the process's program /app/missing is not in the image
        write the path that [[files]] gives the program, or add the [[files]] that brings it
    error B0305: the working directory /srv is not in the image
        have a [[dirs]] with path = "/srv"
    "#);
}

#[test]
fn an_unresolved_library_may_be_allowed_by_name() {
    let world = World::new(glibc()).payload("a", program(&["libcuda.so.1", "libz.so.1"]));
    let image = world.plan(
        r#"
        config.entrypoint = ["/a"]
        policy.allow = ["unresolved:libcuda.*"]
        [[files]]
        from = "a"
        to = "/a"
        "#,
    );
    insta::assert_snapshot!(image.findings(), @r#"
    error B0101: libz.so.1 is not to be found; /a needs it
        the Debian package zlib1g has it: install it where the libraries come from
        name the file that is libz.so.1 in [[files]]
        in [policy]: allow = ["unresolved:libz.so.1"]
    "#);
}

#[test]
fn a_plugin_that_no_program_is_known_to_load_is_judged_mildly() {
    let world = World::new(glibc())
        .payload("lib/plugin.so", library("plugin.so", &["libhost.so", "libnowhere.so", "libc.so.6"]))
        .payload("lib/private/libhost.so", library("libhost.so", &[]));
    let image = world.plan(
        r#"
        [[files]]
        from = "lib"
        to = "/app/lib"
        "#,
    );
    insta::assert_snapshot!(image.findings(), @r#"
    error B0101: libnowhere.so is not to be found; /app/lib/plugin.so needs it
        name the file that is libnowhere.so in [[files]]
        in [policy]: allow = ["unresolved:libnowhere.so"]
    warning B0105: /app/lib/private/libhost.so is in the image, but no loader of it looks there for libhost.so, which /app/lib/plugin.so needs
        in [config]: env = { LD_LIBRARY_PATH = "/app/lib/private" }
    warning B0304: no entrypoint and no cmd: the image says no process to run
        in [config]: entrypoint = ["/path/of/the/program"]
    "#);
}

#[test]
fn a_library_outside_of_the_loaders_directories_brings_a_cache() {
    let world = World::new(glibc())
        .payload("a", program(&["libblas.so.3"]))
        .source("/usr/lib/x86_64-linux-gnu/blas/libblas.so.3", library("libblas.so.3", &[]))
        .source("/etc/ld.so.conf", "/usr/lib/x86_64-linux-gnu/blas\n");
    let image = world.plan(
        r#"
        config.entrypoint = ["/a"]
        runtime.profile = "none"
        [[files]]
        from = "a"
        to = "/a"
        "#,
    );
    insta::assert_snapshot!(image.listing(), @r"
    [base]
    l0777 0:0 /lib -> usr/lib
    l0777 0:0 /lib64 -> usr/lib64
    -0755 0:0 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    -0755 0:0 /usr/lib/x86_64-linux-gnu/libc.so.6
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
    l0777 0:0 /usr/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    [libs]
    -0644 0:0 /etc/ld.so.cache
    -0644 0:0 /etc/ld.so.conf
    -0644 0:0 /usr/lib/x86_64-linux-gnu/blas/libblas.so.3
    [app]
    -0755 0:0 /a
    ");
    assert_eq!(image.findings(), "");
}

#[test]
fn scripts_bring_their_interpreter_and_a_shell_only_if_the_payload_asks() {
    let world = World::new(glibc())
        .payload("start.sh", script("#!/bin/sh -e"))
        .source("/usr/bin/dash", program(&[]))
        .source_link("/usr/bin/sh", "dash");
    let image = world.plan(
        r#"
        config.entrypoint = ["/start.sh"]
        runtime.profile = "none"
        [[files]]
        from = "start.sh"
        to = "/start.sh"
        "#,
    );
    insta::assert_snapshot!(image.listing(), @r"
    [base]
    l0777 0:0 /bin -> usr/bin
    l0777 0:0 /lib -> usr/lib
    l0777 0:0 /lib64 -> usr/lib64
    -0755 0:0 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    -0755 0:0 /usr/lib/x86_64-linux-gnu/libc.so.6
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
    l0777 0:0 /usr/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    [libs]
    -0755 0:0 /usr/bin/dash
    l0777 0:0 /usr/bin/sh -> dash
    [app]
    -0755 0:0 /start.sh
    ");
    assert_eq!(image.findings(), "");

    let world = World::new(glibc())
        .source("/usr/lib/git-core/git-x", script("#!/bin/sh"))
        .source("/usr/bin/dash", program(&[]))
        .source_link("/usr/bin/sh", "dash");
    let image = world
        .plan("runtime.keep = [\"/usr/lib/git-core/**\"]\nconfig.entrypoint = [\"/usr/lib/git-core/git-x\"]");
    insta::assert_snapshot!(image.findings(), @r#"
    error B0502: /usr/bin/dash is a shell, in the image because of /usr/lib/git-core/git-x
        leave it out: with exclude in [[files]], or drop in [runtime] if it is the source's
        in [policy]: allow = ["shell"]
    "#);
}

#[test]
fn the_policy_is_kept() {
    let world = World::new(glibc())
        .payload("p/.env", "PASSWORD=x")
        .payload("p/.git/config", "[core]")
        .payload("p/key.pem", "-----BEGIN PRIVATE KEY-----\nMII")
        .payload("p/app", program(&[]))
        .payload_link("p/link", "/nowhere")
        .source("/usr/bin/su", program(&[]))
        .source_mode("/usr/bin/su", 0o4755);
    let spec = r#"
        config.entrypoint = ["/app/app"]
        config.user = "root"
        runtime.keep = ["/usr/bin/su", "/usr/bin/none*"]
        limits.files = 3
        limits.unpacked = "1 kB"
        limits.packages = 0
        [[files]]
        from = "p"
        to = "/app"
        mode = "0757"
        "#;
    insta::assert_snapshot!(world.plan(spec).findings(), @r#"
    error B0402: `/usr/bin/none*` of [runtime] keep matches no file
        write a glob that matches a file of the [runtime] source, or take it out of keep
    error B0408: /app/link is a link to `/nowhere`, which is not in the image
        take what it leads to along, in [runtime] keep or a [[files]]: /nowhere
        in [policy]: allow = ["dangling-links"]
    error B0501: /app/.env looks like a secret: the environment of a process, with its passwords
        leave it out with exclude or ignore-file
        in [policy]: allow = ["secrets:/app/.env"]
    error B0501: /app/.git looks like a secret: the history of a repository, with its configuration
        leave it out with exclude or ignore-file
        in [policy]: allow = ["secrets:/app/.git"]
    error B0501: /app/key.pem looks like a secret: a private key
        leave it out with exclude or ignore-file
        in [policy]: allow = ["secrets:/app/key.pem"]
    error B0503: /usr/bin/su runs with the rights of its owner or group (mode 4755)
        if it is yours, give it the mode 0755
        leave it out: with exclude in [[files]], or drop in [runtime] if it is the source's
        in [policy]: allow = ["setuid"]
    error B0504: everybody may change /app/.env (mode 0757)
        give it the mode 0755, and an owner that writes it
        in [policy]: allow = ["world-writable"]
    error B0504: everybody may change /app/.git/config (mode 0757)
        give it the mode 0755, and an owner that writes it
        in [policy]: allow = ["world-writable"]
    error B0504: everybody may change /app/app (mode 0757)
        give it the mode 0755, and an owner that writes it
        in [policy]: allow = ["world-writable"]
    error B0504: everybody may change /app/key.pem (mode 0757)
        give it the mode 0755, and an owner that writes it
        in [policy]: allow = ["world-writable"]
    error B0505: the process runs as root
        in [config]: user = "nonroot"
        in [policy]: allow = ["root-user"]
    error B0601: 2.4 kB unpacked are more than the 1.0 kB allowed; largest: 469 B /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2, 448 B /usr/lib/x86_64-linux-gnu/libc.so.6, 368 B /app/app, 368 B /usr/bin/su, 296 B /usr/lib/x86_64-linux-gnu/libgcc_s.so.1, 149 B /etc/passwd, 132 B /etc/nsswitch.conf, 64 B /etc/group, 31 B /app/key.pem, 13 B /etc/ssl/certs/ca-certificates.crt
        leave out what is large and not needed: exclude, drop, another profile
        in [limits]: unpacked = "3 kB"
    error B0601: 19 files are more than the 3 allowed; largest: 5 /etc, 4 /app, 3 /usr/lib/x86_64-linux-gnu, 2 /, 1 /app/.git, 1 /etc/ssl/certs, 1 /usr/bin, 1 /usr/lib, 1 /usr/lib64
        leave out what is large and not needed: exclude, drop, another profile
        in [limits]: files = 19
    "#);
    let allowed = spec.replace(
        "limits.files = 3",
        r#"policy.allow = ["secrets", "setuid", "world-writable", "dangling-links", "root-user"]"#,
    );
    let allowed = allowed.replace(r#", "/usr/bin/none*""#, "").replace("1 kB", "1 MB");
    assert_eq!(world.plan(&allowed).findings(), "");
}

#[test]
fn the_user_must_be_able_to_start_the_process() {
    let world = World::new(glibc()).payload("app", program(&[])).payload("data", "x");
    let image = world.plan(
        r#"
        config.entrypoint = ["/private/app"]
        config.workdir = "/private"
        config.volumes = ["/data"]
        [[files]]
        from = "app"
        to = "/private/app"
        [[dirs]]
        path = "/private"
        mode = "0700"
        [[dirs]]
        path = "/own"
        owner = "nonroot"
        volume = true
        "#,
    );
    insta::assert_snapshot!(image.findings(), @r#"
    error B0303: the user 65532:65532 cannot reach /private/app: it may not enter /private
        have a [[dirs]] with path = "/private", mode = "0755"
        have a [[dirs]] with path = "/private", owner = "nonroot"
    error B0303: the user 65532:65532 may not enter /private
        have a [[dirs]] with path = "/private", mode = "0755"
        have a [[dirs]] with path = "/private", owner = "nonroot"
    warning B0307: the user 65532:65532 may not write the volume /data
        have a [[dirs]] with path = "/data", owner = "nonroot", volume = true
    "#);
    let image = world.plan("config.entrypoint = [\"/data\"]\n[[files]]\nfrom = \"data\"\nto = \"/data\"");
    insta::assert_snapshot!(image.findings(), @r#"
    error B0302: the process's program /data cannot be executed: its mode has no execute bit
        in [[files]]: mode = "0755"
    "#);
}

#[test]
fn the_payload_joins_a_merged_usr() {
    let world = World::new(glibc()).payload("tool", program(&[]));
    let image = world.plan(
        r#"
        config.entrypoint = ["/bin/tool"]
        runtime.profile = "none"
        [[files]]
        from = "tool"
        to = "/bin/tool"
        "#,
    );
    insta::assert_snapshot!(image.listing(), @r"
    [base]
    l0777 0:0 /bin -> usr/bin
    l0777 0:0 /lib -> usr/lib
    l0777 0:0 /lib64 -> usr/lib64
    -0755 0:0 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    -0755 0:0 /usr/lib/x86_64-linux-gnu/libc.so.6
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
    l0777 0:0 /usr/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    [app]
    -0755 0:0 /usr/bin/tool
    ");
    assert_eq!(image.findings(), "");
}

#[test]
fn conflicts_are_told_and_agreement_is_not() {
    let world = World::new(glibc()).payload("a/x", "one").payload("b/x", "two").payload("c/x", "one");
    let spec = |other: &str| {
        format!(
            "config.entrypoint = [\"/usr/bin/app\"]\n[[files]]\nfrom = \"a\"\nto = \"/d\"\n[[files]]\nfrom = \"{other}\"\nto = \"/d\"\n[[files]]\ncontent = \"x\"\nto = \"/d/x/below\"\n"
        )
    };
    insta::assert_snapshot!(world.plan(&spec("b")).findings(), @r"
    error B0405: the spec puts two different things at /d/x
        leave one of them out with exclude, or give it another `to`
    error B0406: /d/x/below cannot be put below /d/x, which is a file
        give one of them another path
    ");
    insta::assert_snapshot!(world.plan(&spec("c")).findings(), @r"
    error B0406: /d/x/below cannot be put below /d/x, which is a file
        give one of them another path
    ");
}

#[test]
fn packages_of_which_files_are_kept_are_listed() {
    let world = World::new(glibc())
        .payload("a", program(&["libz.so.1"]))
        .source("/usr/lib/x86_64-linux-gnu/libz.so.1.3", library("libz.so.1", &[]))
        .source_link("/usr/lib/x86_64-linux-gnu/libz.so.1", "libz.so.1.3")
        .source("/usr/share/doc/zlib1g-base/copyright", "free\n")
        .source_link("/usr/share/doc/zlib1g", "zlib1g-base")
        .source(
            "/var/lib/dpkg/status",
            "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.3\nConffiles:\n /etc/z 00\nDescription: z\n more\n\nPackage: zlib1g-base\nArchitecture: all\nVersion: 1.3\n\nPackage: other\nVersion: 1\n",
        )
        .source(
            "/var/lib/dpkg/info/zlib1g:amd64.list",
            "/.\n/lib/x86_64-linux-gnu/libz.so.1\n/lib/x86_64-linux-gnu/libz.so.1.3\n/usr/share/doc/zlib1g\n",
        )
        .source("/var/lib/dpkg/info/zlib1g:amd64.md5sums", "00  lib/x86_64-linux-gnu/libz.so.1.3\n11  usr/share/man/z.gz\n")
        .source("/var/lib/dpkg/info/zlib1g-base.list", "/usr/share/doc/zlib1g-base/copyright\n")
        .source("/var/lib/dpkg/info/zlib1g-base.md5sums", "22  usr/share/doc/zlib1g-base/copyright\n")
        .source("/var/lib/dpkg/info/other.list", "/usr/bin/other\n");
    let image = world.plan("config.entrypoint = [\"/a\"]\n[[files]]\nfrom = \"a\"\nto = \"/a\"");
    insta::assert_snapshot!(image.listing_below("/usr/share/doc"), @r"
    [base]
    [libs]
    l0777 0:0 /usr/share/doc/zlib1g -> zlib1g-base
    -0644 0:0 /usr/share/doc/zlib1g-base/copyright
    [app]
    ");
    insta::assert_snapshot!(image.text("/var/lib/dpkg/status.d/zlib1g"), @r"
    Package: zlib1g
    Architecture: amd64
    Version: 1.3
    Description: z
     more
    ");
    insta::assert_snapshot!(image.text("/var/lib/dpkg/status.d/zlib1g.md5sums"), @"00  lib/x86_64-linux-gnu/libz.so.1.3");
    insta::assert_snapshot!(image.text("/var/lib/dpkg/status.d/zlib1g-base.md5sums"), @"22  usr/share/doc/zlib1g-base/copyright");
    assert!(!image.listing().contains("status.d/other"));
    assert_eq!(image.findings(), "");
}

#[test]
fn the_order_of_the_spec_does_not_matter() {
    let world = World::new(glibc())
        .payload("a", program(&["libz.so.1"]))
        .payload("b", program(&["libm.so.6"]))
        .source("/usr/lib/x86_64-linux-gnu/libz.so.1", library("libz.so.1", &["libm.so.6"]))
        .source("/usr/lib/x86_64-linux-gnu/libm.so.6", library("libm.so.6", &["libc.so.6"]));
    let files = |name: &str| format!("[[files]]\nfrom = \"{name}\"\nto = \"/app/{name}\"\n");
    let head = "config.entrypoint = [\"/app/a\"]\n";
    let one = world.plan(&format!("{head}{}{}", files("a"), files("b")));
    let two = world.plan(&format!("{head}{}{}", files("b"), files("a")));
    assert_eq!(one.listing(), two.listing());
}

#[test]
fn what_is_dropped_is_as_good_as_absent() {
    let world = World::new(glibc())
        .payload("a", program(&["libz.so.1"]))
        .source("/usr/lib/x86_64-linux-gnu/libz.so.1", library("libz.so.1", &[]));
    let image = world.plan(
        "config.entrypoint = [\"/a\"]\nruntime.drop = [\"/usr/lib/*/libz.so.*\"]\n[[files]]\nfrom = \"a\"\nto = \"/a\"",
    );
    insta::assert_snapshot!(image.findings(), @r#"
    error B0101: libz.so.1 is not to be found; /a needs it
        the Debian package zlib1g has it: install it where the libraries come from
        name the file that is libz.so.1 in [[files]]
        in [policy]: allow = ["unresolved:libz.so.1"]
    "#);
}

const APP: &str = "config.entrypoint = [\"/app/app\"]\n[[files]]\nfrom = \"app\"\nto = \"/app/app\"\n";

#[test]
fn what_a_runtime_mounts_is_never_seen() {
    let world = World::new(glibc()).payload("app", program(&[])).source("/proc/1/exe", program(&[]));
    let image = world.plan(&format!(
        "{APP}[[links]]\npath = \"/log\"\nto = \"/proc/1/exe\"\n[[links]]\npath = \"/x\"\nto = \"/process/1\"\n"
    ));
    assert!(!image.listing_below("/proc").contains("exe"), "{}", image.listing());
    insta::assert_snapshot!(image.findings(), @r#"
    error B0408: /x is a link to `/process/1`, which is not in the image
        take what it leads to along, in [runtime] keep or a [[files]]: /process/1
        in [policy]: allow = ["dangling-links"]
    "#);
}

#[test]
fn a_loader_that_is_not_told_does_not_know() {
    // A configuration without a cache says nothing to the loader; with it, bantam makes the cache.
    let world = World::new(glibc())
        .payload("app", program(&["libown.so"]))
        .payload("own/libown.so", library("libown.so", &[]))
        .payload("own/real.conf", "/opt/own\n")
        .payload_link("own/ld.so.conf", "/opt/own/real.conf");
    let own = "[[files]]\nfrom = \"own/\"\nto = \"/opt/own/\"\n";
    insta::assert_snapshot!(world.plan(&format!("{APP}{own}")).findings(), @r#"
    error B0101: libown.so is not to be found; /app/app needs it
        name the file that is libown.so in [[files]]
        in [policy]: allow = ["unresolved:libown.so"]
    "#);
    let told = format!("{APP}{own}[[links]]\npath = \"/etc/ld.so.conf\"\nto = \"/opt/own/real.conf\"\n");
    let image = world.plan(&told);
    assert_eq!(image.findings(), "");
    assert!(image.listing().contains("/etc/ld.so.cache"));
}

#[test]
fn a_loader_that_cannot_be_used_is_told() {
    let elf = |path: &str| elf::testing::Elf::program().interpreter(path).needs(&["libc.so.6"]).build();
    let world = World::new(glibc())
        .payload("app", program(&[]))
        .payload("odd", bytes(&elf("/app/ld"), 0o755))
        .payload("lost", bytes(&elf("/lib/ld-musl-x86_64.so.1"), 0o755))
        .payload("ld", bytes(&elf::testing::Elf::glibc_loader("ld.so", &["/lib/"]).build(), 0o644));
    let files: String = ["odd", "lost", "ld"]
        .map(|name| format!("[[files]]\nfrom = \"{name}\"\nto = \"/app/{name}\"\n"))
        .concat();
    insta::assert_snapshot!(world.plan(&format!("{APP}{files}")).findings(), @r#"
    error B0101: libc.so.6 is not to be found; /app/odd needs it
        the Debian package libc6 has it: install it where the libraries come from
        name the file that is libc.so.6 in [[files]]
        in [policy]: allow = ["unresolved:libc.so.6"]
    error B0103: /app/lost starts with the loader /lib/ld-musl-x86_64.so.1, which is not in the image
        /app/lost is built for musl, this image is glibc: build it for a -gnu target, link it statically, or take the libraries from a musl root file system
    error B0103: /app/odd starts with the loader /app/ld, which cannot load it: its mode has no execute bit
        bring a loader of the program's machine, with mode 0755, to /app/ld
    "#);
}

#[test]
fn the_way_to_the_program_counts_too() {
    let world = World::new(glibc())
        .payload("app", program(&["libown.so"]))
        .payload("own/libown.so", library("libown.so", &[]))
        .payload("start", script("#!/app/app"));
    let private = "[[dirs]]\npath = \"/secret\"\nmode = \"0700\"\n[[links]]\npath = \"/secret/app\"\nto = \"/app/app\"\n";
    let own = "[[files]]\nfrom = \"own/\"\nto = \"/usr/lib/\"\n";
    let plan = |spec: String| world.plan(&spec).findings();
    insta::assert_snapshot!(plan(format!("{APP}{own}{private}").replacen("/app/app", "/secret/app", 1)), @r#"
    error B0303: the user 65532:65532 cannot reach /secret/app: it may not enter /secret
        have a [[dirs]] with path = "/secret", mode = "0755"
        have a [[dirs]] with path = "/secret", owner = "nonroot"
    "#);
    insta::assert_snapshot!(plan(format!("{APP}{own}mode = \"0600\"\n")), @r#"
    error B0303: the user 65532:65532 may not read /usr/lib/libown.so
        in [[files]]: mode = "0644"
    "#);
    let script = "[[files]]\nfrom = \"start\"\nto = \"/start\"\nmode = \"0711\"\n";
    insta::assert_snapshot!(plan(format!("{APP}{own}{script}").replacen("/app/app", "/start", 1)), @r#"
    error B0303: the user 65532:65532 may not read and execute /start
        in [[files]]: mode = "0755"
    "#);
}

#[test]
fn a_payload_may_bring_a_merged_usr_itself() {
    let world = World::new(glibc())
        .payload("root/usr/bin/app", program(&[]))
        .payload("root/sbin/tool", program(&[]))
        .payload_link("root/bin", "usr/bin");
    let image = world.plan(
        "config.entrypoint = [\"/bin/app\"]\nruntime.profile = \"none\"\n[[files]]\nfrom = \"root\"\nto = \"/\"\n",
    );
    assert_eq!(image.findings(), "");
    insta::assert_snapshot!(image.listing(), @r"
    [base]
    l0777 0:0 /lib -> usr/lib
    l0777 0:0 /lib64 -> usr/lib64
    l0777 0:0 /sbin -> usr/sbin
    -0755 0:0 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    -0755 0:0 /usr/lib/x86_64-linux-gnu/libc.so.6
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
    l0777 0:0 /usr/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    [app]
    l0777 0:0 /bin -> usr/bin
    -0755 0:0 /usr/bin/app
    -0755 0:0 /usr/sbin/tool
    ");
}

#[test]
fn standard_directories_keep_their_modes() {
    let world = World::new(glibc()).payload("root/tmp/x", "x").payload("root/app", program(&[]));
    let image = world.plan(
        "config.entrypoint = [\"/home/nonroot/app\"]\n[[files]]\nfrom = \"root/app\"\nto = \"/home/nonroot/\"\n[[files]]\nfrom = \"root\"\nto = \"/\"\n",
    );
    insta::assert_snapshot!(image.listing_below("/tmp"), @r"
    [base]
    [app]
    d1777 0:0 /tmp
    -0644 0:0 /tmp/x
    ");
    insta::assert_snapshot!(image.listing_below("/home"), @r"
    [base]
    d0700 65532:65532 /home/nonroot
    [app]
    d0700 65532:65532 /home/nonroot
    -0755 0:0 /home/nonroot/app
    ");
}

#[test]
fn links_on_the_way_are_kept_and_links_to_folders_are_told() {
    let world = World::new(glibc())
        .payload("app", program(&[]))
        .payload_link("zones", "/usr/share/zoneinfo")
        .source("/usr/share/zoneinfo/UTC", "TZif")
        .source("/usr/sbin/ldconfig", program(&[]));
    let image = world.plan(&format!(
        "runtime.keep = [\"/sbin/ldconfi*\"]\n{APP}[[files]]\nfrom = \"zones\"\nto = \"/zones\"\n"
    ));
    assert!(image.listing().contains("/sbin -> usr/sbin"), "{}", image.listing());
    insta::assert_snapshot!(image.findings(), @r#"
    error B0408: /zones is a link to `/usr/share/zoneinfo`, which is not in the image
        take what it leads to along, in [runtime] keep or a [[files]]: /usr/share/zoneinfo
        in [policy]: allow = ["dangling-links"]
    "#);
}

#[test]
fn the_name_of_a_package_is_no_path() {
    let world = World::new(glibc())
        .payload("app", program(&[]))
        .source("/var/lib/dpkg/status", "Package: ..\nVersion: 1\n\nPackage: \nVersion: 1\n")
        .source("/var/lib/dpkg/info/...list", "/etc/services\n")
        .source("/var/lib/dpkg/info/.list", "/etc/services\n");
    let image = world.plan(APP);
    assert!(!image.listing().contains("status.d"), "{}", image.listing());
}

#[test]
fn a_shell_is_allowed_when_keep_names_it_and_not_when_it_comes_along() {
    let world = World::new(glibc())
        .payload("app", program(&[]))
        .payload("tools/bash", program(&[]))
        .source("/usr/bin/dash", program(&[]))
        .source_link("/usr/bin/sh", "dash");
    assert_eq!(world.plan(&format!("runtime.keep = [\"/bin/sh\"]\n{APP}")).findings(), "");
    let along = format!("{APP}[[files]]\nfrom = \"tools\"\nto = \"/tools\"\n");
    insta::assert_snapshot!(world.plan(&along).findings(), @r#"
    error B0502: /tools/bash is a shell
        leave it out: with exclude in [[files]], or drop in [runtime] if it is the source's
        in [policy]: allow = ["shell"]
    "#);
}

#[test]
fn links_in_circles_are_findings() {
    let world = World::new(glibc())
        .payload("app", program(&[]))
        .payload("run", script("#!/app/loop"))
        .payload_link("loop", "loop");
    let files = ["run", "loop"].map(|name| format!("[[files]]\nfrom = \"{name}\"\nto = \"/app/{name}\"\n"));
    let spec = format!("{APP}{}", files.concat()).replacen("/app/app", "/app/loop", 1);
    insta::assert_snapshot!(world.plan(&spec).findings(), @r#"
    error B0201: /app/run starts with #!/app/loop, which is not in the image
        install /app/loop where the libraries come from, or name it in [[files]]
    error B0301: the process's program /app/loop is not in the image
        write the path that [[files]] gives the program, or add the [[files]] that brings it
    error B0408: /app/loop is a link to `loop`, which is not in the image
        take what it leads to along, in [runtime] keep or a [[files]]: /app/loop
        in [policy]: allow = ["dangling-links"]
    "#);
}

#[test]
fn a_library_loaded_by_name_brings_its_own_in_the_scope_of_the_program() {
    let elf = elf::testing::Elf::program().rpath("/opt/own").needs(&["libc.so.6"]).build();
    let world = World::new(glibc())
        .payload("app", bytes(&elf, 0o755))
        .source("/opt/own/libaa.so", library("libaa.so", &["libbb.so"]))
        .source("/opt/own/libbb.so", library("libbb.so", &[]));
    let image = world.plan(&format!("runtime.dlopen = [\"libaa.so\", \"libcc.so\"]\n{APP}"));
    assert!(image.listing().contains("/opt/own/libbb.so"));
    insta::assert_snapshot!(image.findings(), @r"
    error B0107: libcc.so of [runtime] dlopen is not to be found
        name the file that is libcc.so in [[files]], or take it out of dlopen
    ");
}

#[test]
fn the_owner_of_a_folder_is_that_of_the_files_it_names_in_any_order() {
    let world = World::new(glibc())
        .payload("dist/app", program(&[]))
        .payload("dist/sub/x", "x")
        .payload("data/y", "y");
    let dist = "[[files]]\nfrom = \"dist\"\nto = \"/app\"\n";
    let data = "[[files]]\nfrom = \"data\"\nto = \"/app/sub\"\nowner = \"nonroot\"\n";
    let head = "config.entrypoint = [\"/app/app\"]\n";
    let one = world.plan(&format!("{head}{dist}{data}"));
    let two = world.plan(&format!("{head}{data}{dist}"));
    assert_eq!(one.findings(), "");
    assert_eq!(one.listing(), two.listing());
    insta::assert_snapshot!(one.listing_below("/app"), @r"
    [base]
    [app]
    -0755 0:0 /app/app
    d0755 65532:65532 /app/sub
    -0644 0:0 /app/sub/x
    -0644 65532:65532 /app/sub/y
    ");
}

#[test]
fn the_process_must_be_a_program() {
    let world = World::new(glibc())
        .payload("text", bytes(b"echo hello\n", 0o755))
        .payload("empty", bytes(b"", 0o755))
        .payload("bare", bytes(b"#!\n", 0o755))
        .payload("lib.so", bytes(&elf::testing::Elf::library("lib.so").build(), 0o755));
    let through = |program: &str| APP.replace("[\"/app/app\"]", &format!("[\"{program}\", \"/app/empty\"]"));
    let through = |program: &str| world.plan(&through(program).replace("\"app\"", "\"empty\"")).findings();
    assert_eq!(through("/lib64/ld-linux-x86-64.so.2"), "");
    let findings: String = ["text", "empty", "bare", "lib.so"]
        .map(|name| {
            let spec =
                APP.replace("\"app\"", &format!("\"{name}\"")).replace("/app/app", &format!("/app/{name}"));
            world.plan(&spec).findings()
        })
        .concat();
    insta::assert_snapshot!(findings, @r#"
    error B0302: the process's program /app/text cannot be executed: it is neither an ELF program nor a script that begins with #! and a path
        in [config]: entrypoint = ["/path/of/a/program"]
    error B0302: the process's program /app/empty cannot be executed: it is neither an ELF program nor a script that begins with #! and a path
        in [config]: entrypoint = ["/path/of/a/program"]
    error B0302: the process's program /app/bare cannot be executed: it is neither an ELF program nor a script that begins with #! and a path
        in [config]: entrypoint = ["/path/of/a/program"]
    error B0302: the process's program /app/lib.so cannot be executed: it is a shared object
        in [config]: entrypoint = ["/path/of/a/program"]
    "#);
}

#[test]
fn a_link_brings_programs_of_the_source_and_nothing_else() {
    let world = World::new(glibc())
        .payload("app", program(&[]))
        .payload_link("venv/bin/python3", "/usr/bin/env")
        .payload_link("venv/shadow", "/etc/services")
        .payload_link("venv/up", "../../../../root/.bashrc")
        .source("/root/.bashrc", "secret");
    let image =
        world.plan(&format!("runtime.profile = \"none\"\n{APP}[[files]]\nfrom = \"venv\"\nto = \"/venv\"\n"));
    insta::assert_snapshot!(image.findings(), @r#"
    error B0408: /venv/shadow is a link to `/etc/services`, which is not in the image
        take what it leads to along, in [runtime] keep or a [[files]]: /etc/services
        in [policy]: allow = ["dangling-links"]
    error B0408: /venv/up is a link to `../../../../root/.bashrc`, which is not in the image
        take what it leads to along, in [runtime] keep or a [[files]]: ../../../../root/.bashrc
        in [policy]: allow = ["dangling-links"]
    "#);
    assert!(image.listing().contains("-0755 0:0 /usr/bin/env"));
    assert!(!image.listing_below("/etc").contains("services"), "{}", image.listing());
}

#[test]
fn a_script_is_told_what_its_interpreter_lacks() {
    let world = World::new(glibc())
        .payload("text", bytes(b"neither\n", 0o755))
        .payload("locked", bytes(b"neither\n", 0o644))
        .payload("itself", script("#!/app/itself"))
        .payload("windows", script("#!/usr/bin/env app\r"))
        .payload("one", script("#!/usr/bin/app"))
        .payload("two", script("#!/app/one"))
        .payload("three", script("#!/app/two"))
        .payload("four", script("#!/app/three"))
        .payload("five", script("#!/app/four"))
        .payload("six", script("#!/app/five"))
        .payload("of-text", script("#!/app/text"))
        .payload("of-locked", script("#!/app/locked"))
        .payload("of-folder", script("#!/app"));
    let spec = "runtime.profile = \"none\"\nconfig.entrypoint = [\"/app/five\"]\n[[files]]\nfrom = \".\"\nto = \"/app/\"\n";
    insta::assert_snapshot!(world.plan(spec).findings(), @r#"
    error B0201: /app/itself starts with #!/app/itself, which cannot run it: the kernel goes through no more than 5 scripts
        write the whole path of a program behind the #!
    error B0201: /app/of-folder starts with #!/app, which cannot run it: it is no regular file
        write the whole path of a program behind the #!
    error B0201: /app/of-locked starts with #!/app/locked, which cannot run it: its mode has no execute bit
        in [[files]]: mode = "0755"
    error B0201: /app/of-text starts with #!/app/text, which cannot run it: it is neither an ELF program nor a script that begins with #! and a path
        write the whole path of a program behind the #!
    error B0201: /app/six starts with #!/app/five, which cannot run it: the kernel goes through no more than 5 scripts
        write the whole path of a program behind the #!
    error B0202: /app/windows starts with `env app\r`, and no app\r is on the image's PATH (/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
        the file has the line ends of Windows: convert it
    "#);
}

#[test]
fn the_user_must_be_able_to_start_the_interpreter_of_a_script() {
    let world = World::new(glibc())
        .payload("start", script("#!/opt/run"))
        .payload("by-env", script("#!/usr/bin/env run"))
        .payload("run", program(&["libown.so"]))
        .payload("libown.so", library("libown.so", &[]));
    let plan = |start: &str, run: &str, own: &str| {
        let spec = format!(
            "runtime.profile = \"none\"\n[config]\nentrypoint = [\"/app/{start}\"]\nenv = {{ PATH = \"/opt\" }}\n\
             [[files]]\nfrom = \"{start}\"\nto = \"/app/\"\n[[files]]\nfrom = \"run\"\nto = \"/opt/run\"\nmode = \"{run}\"\n\
             [[files]]\nfrom = \"libown.so\"\nto = \"/lib/\"\nmode = \"{own}\"\n"
        );
        world.plan(&spec).findings()
    };
    insta::assert_snapshot!(plan("start", "0744", "0644"), @r#"
    error B0303: the user 65532:65532 may not execute /opt/run
        in [[files]]: mode = "0755"
    "#);
    insta::assert_snapshot!(plan("by-env", "0755", "0600"), @r#"
    error B0303: the user 65532:65532 may not read /usr/lib/libown.so
        in [[files]]: mode = "0644"
    "#);
    assert_eq!(plan("start", "0711", "0644"), "");
}

/// Such helpers are in packages as a matter of course; a program of the payload is another thing.
#[test]
fn files_of_the_source_for_what_the_processors_also_run_are_told() {
    let of = |elf: Elf, mode| bytes(&elf.on("i686").build(), mode);
    let world = World::new(glibc())
        .source("/usr/libexec/tool-x86", of(Elf::static_program(), 0o755))
        .source("/usr/libexec/tool-x86.so", of(Elf::library("tool.so").needs(&["libc.so.6"]), 0o644))
        .source("/usr/libexec/loaded-x86", of(Elf::program().interpreter("/lib/ld-linux.so.2"), 0o755))
        .source("/usr/libexec/tool-arm", bytes(&Elf::static_program().on("armv7l").build(), 0o755))
        .source("/usr/bin/tool.js", script("#!/usr/bin/env node"))
        .payload("app", of(Elf::static_program(), 0o755));
    let spec = format!("{APP}[runtime]\nkeep = [\"/usr/libexec/**\", \"/usr/bin/tool.js\"]");
    insta::assert_snapshot!(world.plan(&spec).findings(), @r#"
    error B0104: /app/app is for 32-bit x86, and the image is for x86-64
        take the file that is built for x86-64; ${arch} in `from` names the one for each platform
        build for the platform of the file: platforms, or --platform
        leave it out with exclude, if nothing in the image uses it
    error B0104: /usr/libexec/loaded-x86 is for 32-bit x86, and the image is for x86-64
        in [runtime]: drop = ["/usr/libexec/loaded-x86"]
    error B0104: /usr/libexec/tool-arm is for 32-bit ARM (hard float), and the image is for x86-64
        in [runtime]: drop = ["/usr/libexec/tool-arm"]
    error B0202: /usr/bin/tool.js starts with `env node`, and no node is on the image's PATH (/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
        in [runtime]: drop = ["/usr/bin/tool.js"]
    warning B0104: /usr/libexec/tool-x86 is for 32-bit x86, and the image is for x86-64
        in [runtime]: drop = ["/usr/libexec/tool-x86"]
    warning B0104: /usr/libexec/tool-x86.so is for 32-bit x86, and the image is for x86-64
        in [runtime]: drop = ["/usr/libexec/tool-x86.so"]
    "#);
}

#[test]
fn a_program_of_the_other_c_library_is_told_so() {
    let elf = |elf: elf::testing::Elf| bytes(&elf.build(), 0o755);
    let musl = || elf::testing::Elf::program().interpreter("/lib/ld-musl-x86_64.so.1");
    let world = World::new(glibc())
        .payload("app", elf(musl().needs(&["libc.so", "libz.so.1", "libown.so"]).imports(&["own"])))
        .payload(
            "own/libown.so",
            elf(elf::testing::Elf::library("libown.so").needs(&["libc.so.6"]).imports(&["__printf_chk"])),
        )
        .source("/usr/lib/ld-musl-x86_64.so.1", elf(elf::testing::Elf::musl_loader("x86_64")));
    let own = "[[files]]\nfrom = \"own/\"\nto = \"/usr/local/lib/\"\n";
    insta::assert_snapshot!(world.plan(&format!("{APP}{own}")).findings(), @r#"
    error B0101: libz.so.1 is not to be found; /app/app needs it
        /app/app is built for musl, this image is glibc: build it for a -gnu target, link it statically, or take the libraries from a musl root file system
        in [policy]: allow = ["unresolved:libz.so.1"]
    "#);
    // Where nothing is missing, symbols tell it.
    let world = world.payload("app", elf(musl().needs(&["libc.so", "libown.so"])));
    insta::assert_snapshot!(world.plan(&format!("{APP}{own}")).findings(), @r"
    warning B0112: /usr/local/lib/libown.so needs the symbol __printf_chk, which nothing that /app/app loads defines: it ends at start
        /usr/local/lib/libown.so is built for glibc, the program for musl: take one that is built for musl
    ");
}

#[test]
fn a_loader_must_be_one() {
    let elf = |path: &str| bytes(&elf::testing::Elf::program().interpreter(path).build(), 0o755);
    let world = World::new(glibc())
        .payload("app", elf("/usr/bin/env"))
        .payload("other", elf("/lib/x86_64-linux-gnu/libc.so.6"));
    let other = "[[files]]\nfrom = \"other\"\nto = \"/app/other\"\n";
    insta::assert_snapshot!(world.plan(&format!("{APP}{other}")).findings(), @r"
    error B0103: /app/app starts with the loader /usr/bin/env, which cannot load it: it is a program, and no loader
        bring a loader of the program's machine, with mode 0755, to /usr/bin/env
    error B0103: /app/other starts with the loader /lib/x86_64-linux-gnu/libc.so.6, which cannot load it: it is a shared object, and no loader
        bring a loader of the program's machine, with mode 0755, to /lib/x86_64-linux-gnu/libc.so.6
    ");
}

/// Floats of `linux/arm/v6` are as the files have them, those of v7 and v5 are not; both byte orders of
/// MIPS have one name.
#[test]
fn platforms_have_machines() {
    use elf::Machine;
    use plan::spec::{Architecture, Platform};
    let machine = |uname: &str| Machine::from_uname(uname).unwrap();
    let fits = |platform: &str, uname: &str| {
        let platform: Platform = platform.parse().unwrap();
        platform.architecture.machine().unwrap().matches(&machine(uname))
    };
    assert!(fits("linux/arm/v7", "armv7l") && !fits("linux/arm/v7", "armv6l"));
    assert!(fits("linux/arm/v6", "armv7l") && fits("linux/arm/v6", "armv6l"));
    assert!(!fits("linux/arm/v5", "armv7l") && fits("linux/arm/v5", "armv6l"));
    assert!(fits("linux/386", "i686") && !fits("linux/386", "x86_64"));
    assert!(fits("linux/mips64le", "mips64el") && !fits("linux/mips64le", "mips64"));
    assert!(Architecture::all().all(|architecture| architecture.machine().is_some()));
}

#[test]
fn links_may_lead_to_what_comes_at_run_time() {
    let spec = |target: &str| {
        format!(
            r#"
            [[dirs]]
            path = "/data"
            owner = "nonroot"
            volume = true
            [[links]]
            path = "/app/cache"
            to = "{target}"
            "#
        )
    };
    let findings = |target: &str| World::new(glibc()).plan(&spec(target)).findings();
    let dangling = |target: &str| findings(target).contains("B0408");
    for target in ["/tmp/cache", "../var/tmp/a/b", "/data/cache", "/run/shop"] {
        assert!(!dangling(target), "{target}");
    }
    for target in ["/tmpfs/cache", "/database", "/srv/cache", "cache"] {
        assert!(dangling(target), "{target}");
    }
}

#[test]
fn code_for_a_graphics_card_is_data() {
    let mut code = Elf::library("").build();
    code[18] = 224;
    let world = World::new(glibc()).payload("app/kernel.hsaco", bytes(&code, 0o755));
    let spec = "[[files]]\nfrom = \"app/\"\nto = \"/app/\"\n";
    let start = |name: &str| format!("config.entrypoint = [\"/app/{name}\"]\n{spec}");
    let world = world.payload("app/shop", program(&[]));
    assert_eq!(world.plan(&start("shop")).findings(), "");
    insta::assert_snapshot!(world.plan(&start("kernel.hsaco")).findings(), @r#"
    error B0302: the process's program /app/kernel.hsaco cannot be executed: it is for an unknown machine
        in [config]: entrypoint = ["/path/of/a/program"]
    "#);
    // A program of a machine that is not known to run Linux, but names a loader, is not.
    code = Elf::program().build();
    code[18] = 224;
    let world = world.payload("app/other", bytes(&code, 0o755));
    insta::assert_snapshot!(world.plan(&start("shop")).findings(), @r"
    error B0104: /app/other is for machine number 224, and the image is for x86-64
        take the file that is built for x86-64; ${arch} in `from` names the one for each platform
        build for the platform of the file: platforms, or --platform
        leave it out with exclude, if nothing in the image uses it
    ");
}

#[test]
fn the_cache_says_that_the_ldconfig_of_its_c_library_wrote_it() {
    let said = |banner: &str| {
        let mut libc = elf::testing::Elf::library("libc.so.6").defines(&["GLIBC_2.2.5"]).build();
        libc.extend_from_slice(banner.as_bytes());
        let world = World::new(glibc())
            .payload("app", program(&["libown.so"]))
            .source("/usr/lib/x86_64-linux-gnu/libc.so.6", bytes(&libc, 0o755))
            .source("/etc/ld.so.conf", "/opt/own\n")
            .source("/opt/own/libown.so", library("libown.so", &[]));
        let image = world.plan(APP);
        let at = tree::TreePath::parse("/etc/ld.so.cache").unwrap();
        let cache = image.tree().get(&at).unwrap().content().unwrap().read(1 << 20).unwrap();
        let text = String::from_utf8_lossy(&cache).into_owned();
        ["ldconfig (Debian GLIBC 2.36-9) stable release version 2.36", "bantam"]
            .into_iter()
            .find(|generator| text.ends_with(generator))
            .map(String::from)
    };
    let banner = "\0GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\nCopyright";
    assert_eq!(said(banner).as_deref(), Some("ldconfig (Debian GLIBC 2.36-9) stable release version 2.36"));
    for other in ["", "\0GNU C Library (", "\0GNU C Library (x) without an end\n"] {
        assert_eq!(said(other).as_deref(), Some("bantam"), "{other:?}");
    }
}
