//! What languages bring to an image, and what a plan makes of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use plan::{BaseConfig, Brought, BroughtFile, BroughtLayer, PackedNeed, reason::Reason};
use tree::{Content, Entry, Tree, TreePath};
use world::{World, glibc, library, program};

const SPEC: &str = r#"
[runtime]
profile = "none"

[[files]]
from = "app"
to = "/app/"
"#;

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn file(at: &str, entry: Entry, layer: BroughtLayer) -> BroughtFile {
    let reason = Reason::OfDependency { language: "python".into(), dependency: "shop 1.0".into(), line: 3 };
    BroughtFile { path: path(at), entry, layer, of_source: false, reason }
}

fn text(text: &str) -> Entry {
    Entry::file(Content::bytes(text, "a test"), 0o644)
}

fn elf(file: world::File) -> Entry {
    let mut tree = tree::Tree::new();
    world::put(&mut tree, "/f", file);
    tree.get(&path("/f")).unwrap().clone()
}

#[test]
fn files_go_to_their_layers_and_bring_what_they_need() {
    let brought = Brought {
        files: vec![
            file("/opt/run/bin/run", elf(program(&["libz.so.1"])), BroughtLayer::Runtime),
            file("/opt/run/site/dep.py", text("import os\n"), BroughtLayer::Dependencies),
            file("/app/main.pyc", text("code\n"), BroughtLayer::App),
        ],
        replaced: [path("/app/main.py")].into(),
        entrypoint: vec!["run".into(), "/app/main.pyc".into()],
        path: vec!["/opt/run/bin".into()],
        env: [("LANG".to_owned(), "C.UTF-8".to_owned())].into(),
        ..Brought::default()
    };
    let image = World::new(glibc())
        .payload("app/main.py", "import dep\n")
        .payload("app/page.html", "<html>\n")
        .source("/usr/lib/x86_64-linux-gnu/libz.so.1", library("libz.so.1", &["libc.so.6"]))
        .bringing(brought)
        .plan(SPEC);
    insta::assert_snapshot!(image.listing(), @r"
    [base]
    l0777 0:0 /lib -> usr/lib
    l0777 0:0 /lib64 -> usr/lib64
    -0755 0:0 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    -0755 0:0 /usr/lib/x86_64-linux-gnu/libc.so.6
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
    l0777 0:0 /usr/lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    [libs]
    -0644 0:0 /usr/lib/x86_64-linux-gnu/libz.so.1
    [runtime]
    -0755 0:0 /opt/run/bin/run
    [deps]
    -0644 0:0 /opt/run/site/dep.py
    [app]
    -0644 0:0 /app/main.pyc
    -0644 0:0 /app/page.html
    ");
    let config = &image.0.config;
    assert_eq!(config.env["LANG"], "C.UTF-8");
    assert!(config.env["PATH"].starts_with("/opt/run/bin:/usr/local/sbin:"), "{}", config.env["PATH"]);
    assert_eq!(config.entrypoint, ["run", "/app/main.pyc"]);
}

#[test]
fn what_an_archive_has_packed_needs_libraries_too() {
    let need = |soname: &str| PackedNeed {
        program: path("/opt/run/bin/run"),
        archive: path("/app/shop.jar"),
        object: "native/libx.so".into(),
        soname: soname.into(),
    };
    let world = || {
        let needs = ["ld-linux-x86-64.so.2", "libz.so.1", "libgone.so.1"];
        let brought = Brought {
            files: vec![
                file("/opt/run/bin/run", elf(program(&[])), BroughtLayer::Runtime),
                file("/app/shop.jar", text("a jar\n"), BroughtLayer::App),
            ],
            packed: needs.map(need).into(),
            entrypoint: vec!["/opt/run/bin/run".into()],
            ..Brought::default()
        };
        World::new(glibc())
            .payload("app/x", "x\n")
            .source("/usr/lib/x86_64-linux-gnu/libz.so.1", library("libz.so.1", &["libm.so.6"]))
            .source("/usr/lib/x86_64-linux-gnu/libm.so.6", library("libm.so.6", &["libc.so.6"]))
            .bringing(brought)
    };
    let image = world().plan(SPEC);
    for taken in ["libz.so.1", "libm.so.6"] {
        assert!(image.listing().contains(&format!("/{taken}\n")), "{taken}: {}", image.listing());
    }
    assert!(!image.0.is_refused());
    let missing = "libgone.so.1 is not to be found; /app/shop.jar needs it";
    assert!(image.findings().contains(missing), "{}", image.findings());
    assert!(!image.findings().contains("ld-linux"), "{}", image.findings());
    assert!(image.0.wants().contains(&plan::Want::Library("libgone.so.1".into())));
    let spec = format!("policy.allow = [\"unresolved:libgone.so.*\"]\n{SPEC}");
    let image = world().plan(&spec);
    assert!(!image.findings().contains("libgone"), "{}", image.findings());
}

#[test]
fn the_spec_has_the_last_word() {
    let brought = Brought {
        files: vec![file("/app/run", elf(program(&["libnone.so.1"])), BroughtLayer::App)],
        entrypoint: vec!["/app/other".into()],
        env: [("LANG".to_owned(), "C.UTF-8".to_owned())].into(),
        path: vec!["/opt/bin".into()],
        ..Brought::default()
    };
    let spec = format!(
        "config.entrypoint = [\"/app/run\"]\nconfig.env = {{ LANG = \"de_DE.UTF-8\", PATH = \"/app\" }}\n{SPEC}"
    );
    let image = World::new(glibc()).payload("app/run", program(&[])).bringing(brought).plan(&spec);
    assert!(!image.findings().contains("libnone"), "{}", image.findings());
    let config = &image.0.config;
    assert_eq!((&*config.env["LANG"], &*config.env["PATH"]), ("de_DE.UTF-8", "/app"));
    assert_eq!(config.entrypoint, ["/app/run"]);
}

#[test]
fn the_process_of_a_base_gives_way_to_that_of_a_language() {
    let brought = || Brought {
        files: vec![file("/opt/run/bin/run", elf(program(&[])), BroughtLayer::Runtime)],
        entrypoint: vec!["run".into(), "/app/x".into()],
        path: vec!["/opt/run/bin".into()],
        env: [("LANG".to_owned(), "C.UTF-8".to_owned())].into(),
        ..Brought::default()
    };
    let config = BaseConfig {
        cmd: vec!["/usr/bin/true".into()],
        env: vec!["PATH=/base/bin".into(), "LANG=de_DE.UTF-8".into(), "TEAM=shop".into()],
        ..BaseConfig::default()
    };
    let world = || World::new(glibc()).payload("app/x", "x\n").upon(Tree::new(), config.clone());
    let image = world().bringing(brought()).plan(SPEC);
    let config = &image.0.config;
    assert_eq!(
        (&config.entrypoint[..], &config.cmd[..]),
        (&["run".to_owned(), "/app/x".into()][..], &[][..])
    );
    assert_eq!(config.env["PATH"], "/opt/run/bin:/base/bin");
    assert_eq!((&*config.env["LANG"], &*config.env["TEAM"]), ("C.UTF-8", "shop"));
    let spec = format!("config.cmd = [\"/usr/bin/app\"]\n{SPEC}");
    let image = world().bringing(brought()).plan(&spec);
    assert_eq!(image.0.config.cmd, ["/usr/bin/app"]);
    assert!(image.0.config.entrypoint.is_empty());
}

#[test]
fn what_is_of_the_application_has_no_secrets_and_nothing_takes_files_away() {
    let brought = Brought {
        files: vec![
            file("/app/packages/a/id_rsa", text("-----BEGIN RSA PRIVATE KEY-----\n"), BroughtLayer::App),
            file(
                "/opt/site/tests/id_rsa",
                text("-----BEGIN RSA PRIVATE KEY-----\n"),
                BroughtLayer::Dependencies,
            ),
            file("/opt/site/.wh.dep.py", text(""), BroughtLayer::Dependencies),
        ],
        ..Brought::default()
    };
    let image = World::new(glibc()).payload("app/x", "x\n").bringing(brought).plan(SPEC);
    let mut lines = image.lines();
    lines.retain(|(code, _)| *code != "B0304");
    assert_eq!(lines, [("B0404", 3), ("B0501", 3)]);
    assert!(!image.listing().contains(".wh."), "{}", image.listing());
}

#[test]
fn what_a_program_loads_is_judged_in_its_scope() {
    // The module asks for a library that only the search path of the program finds.
    let run = elf::testing::Elf::program().needs(&["libc.so.6"]).rpath("/opt/run/lib").build();
    let with = |loads: &[&str]| {
        let files = vec![
            file("/opt/run/bin/run", elf(world::bytes(&run, 0o755)), BroughtLayer::Runtime),
            file(
                "/opt/run/lib/libpriv.so.1",
                elf(library("libpriv.so.1", &["libc.so.6"])),
                BroughtLayer::Runtime,
            ),
            file(
                "/opt/run/site/mod.so",
                elf(library("mod.so", &["libpriv.so.1", "libc.so.6"])),
                BroughtLayer::Runtime,
            ),
        ];
        let loads = loads.iter().map(|at| path(at)).collect();
        let loads = [(path("/opt/run/bin/run"), loads)].into();
        let brought =
            Brought { files, loads, entrypoint: vec!["/opt/run/bin/run".into()], ..Brought::default() };
        World::new(glibc()).payload("app/x", "x\n").bringing(brought).plan(SPEC).findings()
    };
    assert!(with(&[]).contains("libpriv.so.1"), "{}", with(&[]));
    assert_eq!(with(&["/opt/run/site/mod.so"]), "");
}

#[test]
fn a_directory_that_a_language_manages_gives_nothing_by_itself() {
    let brought = Brought {
        managed: [path("/usr/lib/run")].into(),
        files: vec![BroughtFile {
            of_source: true,
            ..file("/usr/lib/run/a.txt", text("a\n"), BroughtLayer::Runtime)
        }],
        ..Brought::default()
    };
    let spec = format!(
        "runtime.keep = [\"/usr/lib/run/**\"]\n{}",
        SPEC.replace("[runtime]\nprofile = \"none\"\n", "")
    );
    let image = World::new(glibc())
        .payload("app/x", "x\n")
        .source("/usr/lib/run/a.txt", "a\n")
        .source("/usr/lib/run/b.txt", "b\n")
        .bringing(brought)
        .plan(&spec);
    let listing = image.listing_below("/usr/lib/run");
    assert!(listing.contains("a.txt") && !listing.contains("b.txt"), "{listing}");
    assert!(image.0.taken.contains_key(&path("/usr/lib/run/a.txt")));
}

#[test]
fn a_package_of_which_others_stand_in_stays_listed() {
    let brought = Brought {
        files: vec![file("/usr/lib/run/a.pyc", text("code\n"), BroughtLayer::Runtime)],
        stand_ins: [(path("/usr/lib/run/a.py"), path("/usr/lib/run/a.pyc"))].into(),
        ..Brought::default()
    };
    let image = World::new(glibc())
        .payload("app/x", "x\n")
        .source("/usr/lib/run/a.py", "import b\n")
        .source(
            "/var/lib/dpkg/status",
            "Package: run\nStatus: install ok installed\nVersion: 1.0\nArchitecture: all\n",
        )
        .source("/var/lib/dpkg/info/run.list", "/usr/lib/run/a.py\n")
        .source("/usr/share/doc/run/copyright", "free\n")
        .bringing(brought)
        .plan(&SPEC.replace("profile = \"none\"", "profile = \"auto\""));
    let [package] = &image.0.packages[..] else { panic!("{:?}", image.0.packages) };
    assert_eq!((&*package.name, &*package.version), ("run", "1.0"));
    assert!(image.listing().contains("/usr/share/doc/run/copyright"), "{}", image.listing());
}
