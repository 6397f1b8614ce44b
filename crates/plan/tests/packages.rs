//! What of a package enters an image, from any source that has dpkg's database.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use plan::{PackageAccounts, PackageUser, Plan, Want, finding::Problem};
use tree::TreePath;
use world::{World, bytes, glibc, library, program, script};

/// A machine on which some packages are installed: name, what it depends on, its files.
fn installed(packages: &[(&str, &str, &[&str])]) -> World {
    let mut world = World::new(glibc());
    let mut status = String::new();
    for (name, depends, files) in packages {
        let depends = if depends.is_empty() { String::new() } else { format!("Depends: {depends}\n") };
        status.push_str(&format!(
            "Package: {name}\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n{depends}\n"
        ));
        let mut list = String::from("/.\n");
        for file in *files {
            list.push_str(&format!("{file}\n"));
            world = match file {
                dir if dir.ends_with('/') => world.source_dir(dir.trim_end_matches('/')),
                so if so.ends_with(".so") || so.contains(".so.") => {
                    let soname = so.rsplit('/').next().unwrap();
                    world.source(so, library(soname, &["libc.so.6"]))
                }
                sh if sh.ends_with(".sh") => world.source(sh, script("#!/bin/sh")),
                pl if pl.ends_with(".pl") => world.source(pl, script("#!/usr/bin/perl")),
                bin if bin.contains("bin/") => world.source(bin, program(&[])),
                text => world.source(text, "text\n"),
            };
        }
        let list = list.replace("/\n", "\n");
        world = world.source(&format!("/var/lib/dpkg/info/{name}.list"), &*list);
    }
    world.source("/var/lib/dpkg/status", &*status)
}

fn shop() -> World {
    installed(&[
        (
            "shop",
            "libshop1 (>= 1), shop-data | other, debconf, perl",
            &[
                "/usr/bin/shop",
                "/usr/bin/shop-admin.pl",
                "/usr/bin/shop-start.sh",
                "/usr/lib/shop/plugin.so",
                "/usr/share/doc/shop/README",
                "/usr/share/man/man1/shop.1.gz",
                "/etc/shop/shop.conf",
                "/etc/init.d/shop",
                "/var/lib/shop/",
            ],
        ),
        ("libshop1", "", &["/usr/lib/x86_64-linux-gnu/libshop.so.1", "/usr/share/libshop/schema.xml"]),
        (
            "shop-data",
            "fonts",
            &["/usr/share/shop/logo.svg", "/usr/bin/shop-paint", "/usr/share/locale/de.mo"],
        ),
        ("fonts", "", &["/usr/share/fonts/a.ttf"]),
        ("debconf", "debconf-data", &["/usr/share/debconf/confmodule", "/usr/bin/debconf"]),
        ("debconf-data", "", &["/usr/share/other/debconf.txt"]),
        (
            "perl",
            "",
            &[
                "/usr/bin/perl",
                "/usr/lib/x86_64-linux-gnu/perl/5.36/auto/POSIX.so",
                "/usr/share/perl/POSIX.pm",
            ],
        ),
        ("dash", "", &["/bin/sh"]),
        ("meta", "shop", &["/usr/share/doc/meta/copyright"]),
    ])
}

const SPEC: &str = "[config]\nentrypoint = [\"/usr/bin/shop\"]\n[runtime]\n";

fn plan(world: &World, runtime: &str) -> Plan {
    world.plan(&format!("{SPEC}{runtime}\n")).0
}

/// What entered of the packages, without what all images have.
fn files(plan: &Plan) -> Vec<String> {
    let of_packages = ["shop", "perl", "fonts", "other", "debconf", "/bin/sh"];
    let paths = plan.tree.iter().filter(|(_, entry)| !entry.is_directory()).map(|(path, _)| path.to_string());
    paths
        .filter(|path| {
            !path.starts_with("/var/lib/dpkg") && of_packages.iter().any(|part| path.contains(part))
        })
        .collect()
}

#[test]
fn own_files_of_a_named_package_and_data_of_what_it_depends_on() {
    let plan = plan(&shop(), "packages = [\"shop\"]");
    insta::assert_snapshot!(files(&plan).join("\n"), @r#"
/etc/shop/shop.conf
/usr/bin/perl
/usr/bin/shop
/usr/bin/shop-admin.pl
/usr/lib/shop/plugin.so
/usr/lib/x86_64-linux-gnu/perl/5.36/auto/POSIX.so
/usr/share/fonts/a.ttf
/usr/share/libshop/schema.xml
/usr/share/perl/POSIX.pm
/usr/share/shop/logo.svg
"#);
    let dir = |path: &str| plan.tree.get(&tree::TreePath::parse(path).unwrap()).is_some();
    assert!(dir("/var/lib/shop") && !dir("/usr/share/doc/shop/README"));
    let left_out: Vec<String> =
        plan.left_out.iter().map(|left| format!("{}: {}", left.package, left.why)).collect();
    assert_eq!(left_out, ["debconf: it asks questions when packages are installed"]);
}

#[test]
fn a_package_that_owns_nothing_stands_for_what_it_depends_on() {
    let world = shop();
    assert_eq!(files(&plan(&world, "packages = [\"meta\"]")), files(&plan(&world, "packages = [\"shop\"]")));
}

#[test]
fn scripts_for_a_shell_enter_where_a_shell_does() {
    let world = shop();
    let has_script = |text: &str| {
        let plan = plan(&world, text);
        (files(&plan).contains(&"/usr/bin/shop-start.sh".into()), plan.is_refused())
    };
    assert_eq!(has_script("packages = [\"shop\"]"), (false, false));
    assert_eq!(has_script("packages = [\"shop\"]\nkeep = [\"/bin/sh\"]"), (true, false));
    assert_eq!(has_script("packages = [\"shop\"]\n[policy]\nallow = [\"shell\"]"), (true, false));
}

#[test]
fn whole_packages_are_whole() {
    let plan = plan(&shop(), "packages = [\"shop\"]\nwhole-packages = true\n[policy]\nallow = [\"shell\"]");
    let files = files(&plan);
    for path in ["/usr/share/doc/shop/README", "/etc/init.d/shop", "/usr/bin/shop-start.sh"] {
        assert!(files.iter().any(|file| file == path), "{path}: {files:?}");
    }
    assert!(!files.iter().any(|file| file == "/usr/bin/shop-paint"));
}

#[test]
fn a_script_of_a_whole_package_brings_no_shell_and_need_not_run() {
    let whole = "packages = [\"shop\"]\nwhole-packages = true";
    let told = |plan: &Plan| {
        let lines = plan.findings.iter().map(|finding| finding.lines("x").remove(0));
        lines.map(|(label, text)| format!("{label} {text}\n")).collect::<String>()
    };
    // The source has a shell, but nobody asked for it.
    let kept = plan(&shop(), whole);
    assert!(files(&kept).contains(&"/usr/bin/shop-start.sh".into()));
    assert!(!files(&kept).contains(&"/bin/sh".into()));
    let warning = "warning[B0201]: /usr/bin/shop-start.sh starts with #!/bin/sh, which is not in the image\n";
    assert_eq!(told(&kept), warning);

    // Without perl its script is kept, too; neither is looked for in an archive, nor is what a link leads to.
    let world =
        installed(&[("shop", "", &["/usr/bin/shop", "/usr/bin/shop-admin.pl", "/usr/bin/shop-start.sh"])]);
    let world = world.source_link("/usr/share/shop/zone", "/etc/localtime");
    let list = "/usr/bin/shop\n/usr/bin/shop-admin.pl\n/usr/bin/shop-start.sh\n/usr/share/shop/zone\n";
    let world = world.source("/var/lib/dpkg/info/shop.list", list);
    let kept = plan(&world, whole);
    assert!(files(&kept).contains(&"/usr/share/shop/zone".into()));
    assert!(!kept.is_refused(), "{}", told(&kept));
    assert_eq!(kept.wants().into_iter().collect::<Vec<_>>(), []);

    // The process is to run.
    let started =
        world.plan(&format!("{SPEC}{whole}\n").replace("/usr/bin/shop\"", "/usr/bin/shop-start.sh\"")).0;
    assert!(told(&started).starts_with("error[B0201]: /usr/bin/shop-start.sh"), "{}", told(&started));
    assert_eq!(started.wants().len(), 1);
}

#[test]
fn classic_profiles_are_whole_packages_by_the_names_that_a_release_has() {
    // Older and newer: what OpenSSL depends on, where the time zones are, which compiler.
    let of_older: &[(&str, &str, &[&str])] = &[
        ("base-files", "awk", &["/usr/share/doc/base-files/FAQ", "/etc/debian_version"]),
        ("netbase", "", &["/etc/rpc"]),
        ("tzdata", "debconf", &["/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/right/UTC"]),
        ("media-types", "", &["/etc/mime.types"]),
        ("ca-certificates", "openssl", &["/usr/share/ca-certificates/one.crt"]),
        ("libc6", "libgcc-s1", &["/usr/share/doc/libc6/README"]),
        ("libssl3", "libc6 (>= 2.34)", &["/usr/lib/x86_64-linux-gnu/engines-3/padlock.so"]),
        ("libgomp1", "gcc-12-base (= 12), libc6", &["/usr/lib/x86_64-linux-gnu/libgomp.so.1"]),
        ("libstdc++6", "gcc-12-base (= 12)", &["/usr/lib/x86_64-linux-gnu/libstdc++.so.6"]),
        ("libgcc-s1", "gcc-12-base (= 12), libc6", &["/usr/lib/x86_64-linux-gnu/libgcc.so"]),
        ("gcc-12-base", "", &["/usr/share/doc/gcc-12-base/README"]),
        ("gcc-13-base", "", &["/usr/share/doc/gcc-13-base/README"]),
        ("zlib1g", "", &["/usr/share/doc/zlib1g/changelog.gz"]),
    ];
    let whole = |packages: &[(&str, &str, &[&str])], profile: &str| {
        let text = format!("[runtime]\nprofile = \"{profile}\"\nwhole-packages = true\n");
        let plan = installed(packages).plan(&text).0;
        let enters = |(name, _, files): &&(&str, &str, &[&str])| {
            let path = tree::TreePath::parse(files.last().unwrap()).unwrap();
            (*name != "shop" && plan.tree.get(&path).is_some()).then_some(())
        };
        let names = packages.iter().filter(|package| enters(package).is_some()).map(|(name, ..)| *name);
        let told = plan.findings.iter().filter(|finding| finding.problem.code() == "B0411").count();
        format!("{} ({told})", names.collect::<Vec<_>>().join(" "))
    };
    let of_static = "base-files netbase tzdata media-types";
    for (profile, want) in [
        ("static", of_static.to_owned()),
        ("base-nossl", format!("{of_static} libc6")),
        ("base", format!("{of_static} libc6 libssl3")),
        ("cc", format!("{of_static} libc6 libssl3 libgomp1 libstdc++6 libgcc-s1 gcc-12-base")),
    ] {
        assert_eq!(whole(of_older, profile), format!("{want} (0)"), "{profile}");
    }
    let mut of_newer = of_older.to_vec();
    of_newer[6] = ("libssl3t64", "libc6, zlib1g (>= 1:1.1.4)", of_older[6].2);
    of_newer.push(("tzdata-legacy", "tzdata", &["/usr/share/zoneinfo/US/Eastern"]));
    let want = format!("{of_static} libc6 libssl3t64 zlib1g tzdata-legacy (0)");
    assert_eq!(whole(&of_newer, "base"), want);
    // What is not there is told.
    assert_eq!(whole(&of_older[..1], "static"), "base-files (3)");
}

#[test]
fn a_package_that_is_nowhere_is_told_with_the_nearest() {
    let told = |world: &World, text: &str| {
        let plan = plan(world, text);
        plan.findings
            .iter()
            .flat_map(|finding| finding.lines("bantam.toml"))
            .map(|(label, text)| format!("{label} {text}"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(told(&shop(), "packages = [\"shop-dat\"]"), @r#"
error[B0411]: the package shop-dat is wanted, and the source does not have it
at: bantam.toml:4
fix: write shop-data, if that is meant
or: install shop-dat where the libraries come from
or: take it out of `packages`
"#);
    insta::assert_snapshot!(told(&World::new(glibc()).source("/usr/bin/shop", program(&[])), "packages = [\"shop\"]"), @r#"
error[B0411]: the package shop is wanted, and the source has no packages
at: bantam.toml:4
fix: take the libraries from an archive: source = "debian:SUITE" in [runtime]
or: name the files themselves in `keep`
"#);
}

#[test]
fn what_is_wanted_is_known() {
    let world = World::new(glibc())
        .source("/usr/bin/shop", program(&["libpq.so.5"]))
        .payload("run", script("#!/usr/bin/env node"))
        .payload("start", script("#!/usr/bin/python3"));
    let text = format!(
        "{SPEC}dlopen = [\"libgomp.so.1\"]\nkeep = [\"/usr/bin/git\", \"/usr/share/x*\"]\n\
         [[files]]\nfrom = \"run\"\nto = \"/app/run\"\n[[files]]\nfrom = \"start\"\nto = \"/app/start\"\n"
    );
    let wants = world.plan(&text).0.wants();
    let path = |text: &str| Want::Path(tree::TreePath::parse(text).unwrap());
    let want = [
        Want::Library("libgomp.so.1".into()),
        Want::Library("libpq.so.5".into()),
        path("/usr/bin/git"),
        path("/usr/bin/python3"),
        Want::Program("node".into()),
    ];
    // The interpreter `env` itself is looked for before what it looks for.
    let with_env = wants.contains(&path("/usr/bin/env"));
    assert!(
        want[..4].iter().all(|want| wants.contains(want)) && (with_env || wants.contains(&want[4])),
        "{wants:?}"
    );
    assert_eq!(wants.len(), 5, "{wants:?}");
}

#[test]
fn the_debug_variant_has_busybox_on_the_same_lower_layers() {
    let busybox = elf::testing::Elf::static_program().tail(b"\0[\0[[\0ash\0cat\0sh\0\x01").build();
    let world = shop().source("/usr/bin/busybox", bytes(&busybox, 0o755));
    let release = plan(&world, "packages = [\"shop\"]");
    let debug = plan(&world, "packages = [\"shop\"]\nvariant = \"debug\"");
    assert!(!debug.is_refused(), "{:?}", debug.findings);
    let names = |plan: &Plan| plan.layers.iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&debug), [&names(&release)[..], &["debug".into()]].concat());
    for (lower, same) in release.layers.iter().zip(&debug.layers) {
        assert_eq!(lower.tree.dump().unwrap(), same.tree.dump().unwrap());
    }
    insta::assert_snapshot!(debug.layers.last().unwrap().tree.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>().join(" "), @"/ /busybox /busybox/[ /busybox/[[ /busybox/ash /busybox/busybox /busybox/cat /busybox/sh");
    assert!(debug.process.env[0].ends_with(":/bin:/busybox"), "{:?}", debug.process.env);
    let none = plan(&shop(), "packages = [\"shop\"]\nvariant = \"debug\"");
    assert!(none.findings.iter().any(|finding| finding.problem.code() == "B0413"));
}

#[test]
fn directories_of_state_enter_with_dependencies_too() {
    let world = installed(&[
        ("web", "web-common", &["/usr/bin/web"]),
        (
            "web-common",
            "",
            &["/var/log/web/", "/etc/web/enabled/", "/usr/share/web/empty/", "/etc/web/web.conf"],
        ),
    ]);
    let spec = "[config]\nentrypoint = [\"/usr/bin/web\"]\n[runtime]\npackages = [\"web\"]\n";
    let plan = world.plan(spec).0;
    let has = |path: &str| plan.tree.get(&TreePath::parse(path).unwrap()).is_some();
    assert!(has("/var/log/web") && has("/etc/web/enabled") && has("/etc/web/web.conf"));
    assert!(!has("/usr/share/web/empty"));
}

#[test]
fn links_of_alternatives_enter_with_a_named_package() {
    let world = installed(&[
        ("draw", "paint", &["/usr/bin/draw-7", "/usr/bin/draw-admin.sh", "/usr/share/man/man1/draw-7.1"]),
        ("paint", "", &["/usr/bin/paint-2"]),
    ]);
    let world = world
        .source("/var/lib/dpkg/alternatives/draw", "auto\n/usr/bin/draw\ndraw.1\n/usr/share/man/man1/draw.1\n\n/usr/bin/draw-7\n10\n/usr/share/man/man1/draw-7.1\n\n")
        .source("/var/lib/dpkg/alternatives/admin", "auto\n/usr/bin/admin\n\n/usr/bin/draw-admin.sh\n1\n\n")
        .source("/var/lib/dpkg/alternatives/paint", "auto\n/usr/bin/paint\n\n/usr/bin/paint-2\n1\n\n");
    let mut world = world;
    for (name, link, file) in [
        ("draw", "/usr/bin/draw", "/usr/bin/draw-7"),
        ("draw.1", "/usr/share/man/man1/draw.1", "/usr/share/man/man1/draw-7.1"),
        ("admin", "/usr/bin/admin", "/usr/bin/draw-admin.sh"),
        ("paint", "/usr/bin/paint", "/usr/bin/paint-2"),
    ] {
        let chosen = format!("/etc/alternatives/{name}");
        world = world.source_link(link, &chosen).source_link(&chosen, file);
    }
    let spec = "[config]\nentrypoint = [\"/usr/bin/draw-7\"]\n[runtime]\npackages = [\"draw\"]\n";
    let has = |plan: &Plan, path: &str| plan.tree.get(&TreePath::parse(path).unwrap()).is_some();
    let plan = world.plan(spec).0;
    assert!(has(&plan, "/usr/bin/draw") && has(&plan, "/etc/alternatives/draw"));
    // A manual page, a script without its shell, a program of a dependency.
    for absent in ["/usr/share/man/man1/draw.1", "/usr/bin/admin", "/usr/bin/draw-admin.sh", "/usr/bin/paint"]
    {
        assert!(!has(&plan, absent), "{absent}");
    }
}

#[test]
fn a_link_to_a_script_for_a_shell_waits_as_the_script_does() {
    let world = installed(&[
        ("tool", "dash", &["/usr/bin/tool", "/usr/bin/toolctl.sh"]),
        ("dash", "", &["/bin/sh"]),
        ("other", "", &["/usr/share/doc/other/copyright"]),
    ]);
    let list = "/.\n/usr/bin/tool\n/usr/bin/toolctl.sh\n/usr/bin/toolctl\n";
    let world =
        world.source("/var/lib/dpkg/info/tool.list", list).source_link("/usr/bin/toolctl", "toolctl.sh");
    let spec = "[config]\nentrypoint = [\"/usr/bin/tool\"]\n[runtime]\npackages = [\"tool\"]\n";
    let has = |plan: &Plan, path: &str| plan.tree.get(&TreePath::parse(path).unwrap()).is_some();
    let plan = world.plan(spec).0;
    assert!(!has(&plan, "/bin/sh") && !has(&plan, "/usr/bin/toolctl") && !has(&plan, "/usr/bin/toolctl.sh"));
    let plan = world.plan(&format!("{spec}[policy]\nallow = [\"shell\"]\n")).0;
    assert!(has(&plan, "/bin/sh") && has(&plan, "/usr/bin/toolctl") && has(&plan, "/usr/bin/toolctl.sh"));
}

#[test]
fn modules_that_are_programs_too_enter_without_their_interpreter() {
    let world = installed(&[
        ("shell", "libpython3.11-stdlib", &["/usr/bin/shell"]),
        ("libpython3.11-stdlib", "", &["/usr/lib/python3.11/base64.pl", "/usr/share/tools/run.pl"]),
        ("perl", "", &["/usr/bin/perl"]),
    ]);
    let spec = "[config]\nentrypoint = [\"/usr/bin/shell\"]\n[runtime]\npackages = [\"shell\"]\n";
    let plan = world.plan(spec).0;
    let has = |path: &str| plan.tree.get(&TreePath::parse(path).unwrap()).is_some();
    assert!(has("/usr/lib/python3.11/base64.pl"));
    assert!(!has("/usr/bin/perl") && !has("/usr/share/tools/run.pl"));
}

#[test]
fn accounts_of_packages_are_known_by_name() {
    let mut world = shop();
    world.accounts = PackageAccounts {
        users: vec![PackageUser { name: "redis".into(), uid: 61200, gid: 61200, home: "/r".into() }],
        ..PackageAccounts::default()
    };
    let plan = world.plan("[config]\nentrypoint = [\"/usr/bin/shop\"]\nuser = \"redis\"\n[runtime]\npackages = [\"shop\"]\n").0;
    assert_eq!((plan.process.uid, plan.process.gid), (61200, 61200));
    let passwd = plan
        .tree
        .get(&TreePath::parse("/etc/passwd").unwrap())
        .unwrap()
        .content()
        .unwrap()
        .read(9999)
        .unwrap();
    assert!(String::from_utf8(passwd).unwrap().contains("redis:x:61200:61200:"));
}

#[test]
fn scripts_of_packages_that_bring_data_only_are_not_told() {
    let world = shop().knowing(Problem::ScriptNotRun { package: "fonts".into(), commands: vec!["x".into()] });
    let world =
        world.knowing(Problem::ScriptNotRun { package: "libshop1".into(), commands: vec!["y".into()] });
    let told = |runtime: &str| -> Vec<String> {
        let findings = plan(&world, runtime).findings;
        let package = |problem: &Problem| match problem {
            Problem::ScriptNotRun { package, .. } => Some(package.clone()),
            _ => None,
        };
        findings.iter().filter_map(|finding| package(&finding.problem)).collect()
    };
    assert_eq!(told("packages = [\"shop\"]"), Vec::<String>::new());
    assert_eq!(told("packages = [\"shop\", \"fonts\"]"), ["fonts"]);
    assert_eq!(told("packages = [\"shop\", \"libshop1\"]"), ["libshop1"]);
}

#[test]
fn plugins_of_the_same_source_enter_with_a_named_package() {
    let so = "/usr/lib/web/modules/mod_dir.so";
    let other = "/usr/lib/other/plugins/a.so";
    let beside = "/usr/lib/x86_64-linux-gnu/libbeside.so";
    let mut world = installed(&[
        ("web", "web-bin, other", &["/etc/web/web.conf"]),
        ("web-bin", "", &["/usr/bin/web", so, beside]),
        ("other", "", &[other]),
    ]);
    let stanza = |name: &str, more: &str| {
        format!("Package: {name}\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n{more}\n")
    };
    let status = [
        stanza("web", "Depends: web-bin, other\n"),
        stanza("web-bin", "Source: web (1.0)\n"),
        stanza("other", ""),
    ];
    world = world.source("/var/lib/dpkg/status", &*status.concat());
    let plan = world.plan("[config]\nentrypoint = [\"/usr/bin/web\"]\n[runtime]\npackages = [\"web\"]\n").0;
    let has = |path: &str| plan.tree.get(&TreePath::parse(path).unwrap()).is_some();
    assert!(has(so) && has("/usr/bin/web"));
    assert!(!has(other) && !has(beside));
}

#[test]
fn profiles_with_the_c_library_have_its_loader() {
    for (profile, has) in
        [("auto", false), ("static", false), ("base-nossl", true), ("base", true), ("cc", true)]
    {
        let image = World::new(glibc()).plan(&format!("[runtime]\nprofile = \"{profile}\"\n"));
        let loader = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
        for path in [loader, "/usr/lib64/ld-linux-x86-64.so.2", "/lib64"] {
            let found = image.tree().get(&tree::TreePath::parse(path).unwrap()).is_some();
            assert_eq!(found, has, "{profile}: {path}");
        }
    }
}

#[test]
fn scripts_of_whole_packages_without_their_interpreter_are_a_warning() {
    let world = installed(&[("tool", "", &["/usr/bin/tool", "/usr/share/tool/run.pl"])]);
    let spec = "[config]\nentrypoint = [\"/usr/bin/tool\"]\n[runtime]\nwhole-packages = true\npackages = [\"tool\"]\n";
    let plan = world.plan(spec).0;
    assert!(!plan.is_refused());
    let problems = plan.findings.iter().map(|finding| &finding.problem);
    assert_eq!(
        problems.filter(|problem| matches!(problem, Problem::MissingScriptInterpreter { .. })).count(),
        1
    );
}
