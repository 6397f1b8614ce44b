//! The world in which the spec on each page is planned: the files that it takes and finds.

use crate::world::{World, bytes, glibc, library, program, put, script};
use elf::testing::Elf;
use plan::{BaseConfig, Brought, finding::Problem};
use tree::{Tree, TreePath};

const LIB: &str = "/usr/lib/x86_64-linux-gnu";

/// The world of the example of a code; none if nobody wrote one yet.
pub fn world(code: &str) -> Option<World> {
    let world = World::new(glibc());
    // What most specs on the pages take: a program that needs the C library only.
    let shop = || World::new(glibc()).payload("target/release/shop", program(&[]));
    let with = |elf: Elf| World::new(glibc()).payload("target/release/shop", bytes(&elf.build(), 0o755));
    let elf = || Elf::program().needs(&["libc.so.6"]);
    let base = || {
        let mut tree = Tree::new();
        put(&mut tree, "/etc/motd", "hello\n".into());
        put(&mut tree, "/etc/passwd", "www-data:x:33:33::/var/www:/usr/sbin/nologin\n".into());
        tree
    };
    Some(match code {
        "B0101" => world.payload("target/release/shop", program(&["libpq.so.5"])),
        "B0102" => with(elf().needs_versions("libc.so.6", &["GLIBC_2.38"])),
        "B0103" => with(elf().interpreter("/lib/ld-musl-x86_64.so.1")),
        "B0104" => with(elf().on("aarch64").interpreter("/lib/ld-linux-aarch64.so.1")),
        "B0105" => shop()
            .payload("dist/plugins/pay.so", library("pay.so", &["libmoney.so.1"]))
            .payload("dist/plugins/private/libmoney.so.1", library("libmoney.so.1", &[])),
        "B0106" => {
            let whole = elf().build();
            world.payload("target/release/shop", bytes(&whole[..whole.len() / 4], 0o755))
        }
        "B0107" => shop(),
        "B0108" => shop().without_source(&format!("{LIB}/libgcc_s.so.1")),
        "B0109" => world.source("/usr/bin/python3.11", program(&[])).payload("shop.py", "print('shop')\n"),
        "B0110" => {
            let plain = Elf::library("libmoney.so.1").version_table().build();
            let shop = elf().needs(&["libmoney.so.1"]).needs_versions("libmoney.so.1", &["MONEY_1"]);
            with(shop).source(&format!("{LIB}/libmoney.so.1"), bytes(&plain, 0o644))
        }
        "B0111" => {
            ["/usr/share/zoneinfo/UTC", "/etc/ethertypes", "/etc/rpc", "/etc/protocols", "/etc/host.conf"]
                .iter()
                .fold(shop(), |world, path| world.source(path, "text\n"))
        }
        "B0112" => {
            let elf = elf().needs(&["libmoney.so.1"]).imports(&["money_round"]);
            let old = Elf::library("libmoney.so.1").exports(&["money_add"]).build();
            with(elf).source(&format!("{LIB}/libmoney.so.1"), bytes(&old, 0o644))
        }
        "B0113" => world
            .source("/usr/bin/perl", program(&[]))
            .source(&format!("{LIB}/perl-base/strict.pm"), "1;\n")
            .source(&format!("{LIB}/perl/5.36.0/Encode.pm"), "1;\n")
            .payload("shop.pl", "use Encode;\n"),
        "B0114" => with(elf().dlopen_note(
            r#"[{"soname":["libpcap.so.1","libpcap.so.0.8"],"feature":"capture","priority":"required"}]"#,
        )),
        "B0115" => with(elf().tail(b"\0libvips.so.42\0"))
            .source(&format!("{LIB}/libvips.so.42"), library("libvips.so.42", &["libc.so.6"])),
        "B0117" => with(
            elf().dlopen_note(r#"[{"soname":["liblz4.so.1"],"feature":"lz4","priority":"recommended"}]"#),
        )
        .source(&format!("{LIB}/liblz4.so.1"), library("liblz4.so.1", &["libc.so.6"])),
        "B0116" => {
            let dir = format!("{LIB}/graphviz");
            let plugin = |soname: &str, needs: &str| library(soname, &[needs, "libc.so.6"]);
            world
                .source("/usr/bin/dot", program(&["libgvc.so.6"]))
                .source(&format!("{LIB}/libgvc.so.6"), library("libgvc.so.6", &["libc.so.6"]))
                .source(
                    &format!("{dir}/libgvplugin_core.so.6"),
                    plugin("libgvplugin_core.so.6", "libgvc.so.6"),
                )
                .source(&format!("{dir}/libgvplugin_gd.so.6"), plugin("libgvplugin_gd.so.6", "libgd.so.3"))
        }
        "B0118" => with(elf().isa_level(2)),
        "B0201" => world.payload("deploy/start.py", script("#!/usr/bin/python3")),
        "B0202" => world.payload("dist/server.js", script("#!/usr/bin/env node")),
        "B0301" | "B0302" | "B0303" | "B0304" | "B0305" | "B0306" | "B0307" | "B0309" => shop(),
        "B0311" => {
            world.source("/usr/bin/node", program(&["libc.so.6"])).payload("dist/server.js", "listen();\n")
        }
        "B0310" => shop().upon(base(), BaseConfig::default()),
        "B0416" => shop().payload("motd", "Welcome\n").upon(base(), BaseConfig::default()),
        "B0417" => {
            let control = |version: &str| {
                format!(
                    "Package: libc6\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\n"
                )
            };
            let mut base = base();
            put(&mut base, "/var/lib/dpkg/status.d/libc6", control("2.36-9").as_str().into());
            shop()
                .source("/var/lib/dpkg/status", control("2.36-10").as_str())
                .source("/var/lib/dpkg/info/libc6.list", format!("{LIB}/libc.so.6\n").as_str())
                .upon(base, BaseConfig::default())
        }
        "B0308" => shop().source("/usr/share/zoneinfo/Europe/Madrid", "TZif"),
        "B0401" => shop().payload("web/dist/shop.map", "map\n"),
        "B0410" => shop(),
        "B0411" => {
            shop().source("/var/lib/dpkg/status", "Package: tzdata\nVersion: 2026a\nArchitecture: all\n")
        }
        "B0412" => shop().payload("corp-root.pem", "0\u{82}corp\n"),
        "B0413" => shop(),
        "B0414" => shop().source("/etc/shop.conf", "[shop]\n").knowing(Problem::PackagesClash {
            path: TreePath::parse("/etc/shop.conf").ok()?,
            packages: ["shop-common".into(), "shop-extra".into()],
        }),
        "B0415" => shop()
            .source(
                "/var/lib/dpkg/status",
                "Package: libc6\nStatus: install ok installed\nVersion: 2.36\nArchitecture: amd64\n",
            )
            .source("/var/lib/dpkg/info/libc6.list", format!("{LIB}/libc.so.6\n").as_str())
            .knowing(Problem::ScriptNotRun {
                package: "libc6".into(),
                commands: vec!["make-registry /var/lib/registry".into()],
            }),
        "B0402" => shop().source("/usr/share/zoneinfo/Europe/Madrid", "TZif"),
        "B0403" => shop().payload("conf/shop.toml", "[shop]\n").payload("conf/log.toml", "[log]\n"),
        "B0404" => shop().payload("dist/.wh.old.css", ""),
        "B0405" => {
            shop().payload("conf/shop.toml", "debug = true\n").payload("dist/shop.toml", "debug = false\n")
        }
        "B0406" => shop().payload("dist/index.html", "<html>\n"),
        "B0407" => shop().payload("run/index.html", "<html>\n").payload_special("run/shop.sock", "a socket"),
        "B0408" => shop().payload("dist/v2/shop.css", "css\n").payload_link("dist/latest", "../v2"),
        "B0409" => shop().payload("dist/v2/shop.css", "css\n").payload_link("dist/latest", "v2"),
        "B0501" => shop().payload("dist/index.html", "<html>\n").payload("dist/.env", "PASSWORD=x\n"),
        "B0502" => shop().payload("tools/bash", program(&[])),
        "B0503" | "B0504" => shop().payload("state.json", "{}\n"),
        "B0505" => shop(),
        "B0601" => ["a.css", "b.css", "c.css"]
            .iter()
            .fold(with(Elf::static_program()), |world, name| world.payload(&format!("dist/{name}"), "css\n")),
        // What languages find wrong is told to the planner; these are their words.
        "B0701" => shop().bringing(wrong(Problem::NoRuntime {
            language: "Python",
            what: "python3".into(),
            packages: vec!["python3".into()],
            fix: None,
            line: 4,
        })),
        "B0702" => shop().bringing(wrong(Problem::UnfitPackage {
            package: "numpy 2.3.1".into(),
            why: "it is built for CPython 3.12, and the image has Python 3.11".into(),
            fix: "make .venv with the Python of the image: uv venv --python 3.11".into(),
            line: 5,
        })),
        "B0703" => shop().bringing(wrong(Problem::NotPrebuilt {
            package: "mysqlclient 2.2.7".into(),
            why: "it has no wheel for Python 3.11 on linux/amd64".into(),
            fix: "take a version that has one, or name a wheel that you built in requirements.txt".into(),
            line: 5,
        })),
        "B0704" => shop().bringing(wrong(Problem::DamagedPackage {
            package: "shop_tools-1.0-py3-none-any.whl".into(),
            why: "shop_tools/core.py has another digest than RECORD says".into(),
            line: 5,
        })),
        "B0705" => shop().bringing(wrong(Problem::StaleLock {
            file: "package-lock.json".into(),
            why: "does not have express, which package.json asks for".into(),
            fix: "run `npm install`, and keep the lock that it writes".into(),
            line: 4,
        })),
        "B0706" => shop().bringing(wrong(Problem::NewerClasses {
            jar: "target/shop.jar".into(),
            class: "com/acme/Shop.class".into(),
            needs: 21,
            has: 17,
            line: 5,
        })),
        "B0707" => shop().bringing(wrong(Problem::MissingModule {
            sort: "module",
            module: "java.sqll".into(),
            needed_by: "modules".into(),
            fix: "write java.sql, if that is meant".into(),
            line: 5,
        })),
        "B0708" => shop().bringing(wrong(Problem::Shed {
            language: "python",
            sorts: vec![("stubs", 112, 640_000), ("tests", 1, 4_096)],
            line: 5,
        })),
        "B0712" => shop()
            .payload("package.json", r#"{"scripts": {"start": "NODE_ENV=production node src/server"}}"#)
            .payload("src/server.js", "x"),
        "B0709" => shop().bringing(wrong(Problem::InstallScript {
            package: "cypress 14.0.0".into(),
            script: "node index.js --exec install".into(),
            line: 4,
        })),
        "B0713" => shop().bringing(wrong(Problem::LeftOutOfLibrary {
            modules: vec!["turtle".into()],
            mode: "pruned",
            line: 4,
        })),
        "B0714" => shop().bringing(wrong(Problem::ProgramOfSource {
            program: "gunicorn".into(),
            path: TreePath::parse("/usr/bin/gunicorn").unwrap_or_else(|_| TreePath::root()),
            line: 1,
        })),
        "B0710" => shop().bringing(wrong(Problem::MissingClass {
            class: "com.acme.Shop".into(),
            named_by: "the manifest of shop.jar".into(),
            jar: "shop.jar".into(),
            line: 5,
        })),
        "B0711" => shop().bringing(wrong(Problem::MissingPackages {
            jar: "shop.jar".into(),
            used_by: "com.acme.Shop".into(),
            packages: vec!["com.google.gson".into(), "org.slf4j".into()],
            line: 5,
        })),
        _ => return None,
    })
}

/// What a language brings that found something wrong.
fn wrong(problem: Problem) -> Brought {
    Brought { problems: vec![problem], ..Brought::default() }
}
