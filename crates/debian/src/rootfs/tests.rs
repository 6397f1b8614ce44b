use super::{Options, Problem, RootFs};
use crate::deb::testing::{Tar, control, deb, file};
use crate::pack::Pack;
use cache::Cache;
use std::sync::Arc;
use tree::{Entry, Kind, TreePath, View};

/// Packages that are unpacked into a cache of their own.
struct World {
    _dir: tempfile::TempDir,
    cache: Cache,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("cache"));
        World { _dir: dir, cache }
    }

    fn pack(&self, name: &str, fields: &str, scripts: Tar, data: Tar) -> Arc<Pack> {
        let files = scripts.file("./control", &format!("{}{fields}", control(name)));
        let (deb, sha256) = file(&deb(files, data));
        Arc::new(Pack::unpack(&self.cache, &sha256, &deb, name).unwrap())
    }

    fn data(&self, name: &str, data: Tar) -> Arc<Pack> {
        self.pack(name, "", Tar::default(), data)
    }

    fn script(&self, name: &str, script: &str, data: Tar) -> Arc<Pack> {
        let script = format!("#!/bin/sh\nset -e\n{script}\n");
        self.pack(name, "", Tar::default().program("./postinst", &script), data)
    }
}

fn p(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn merged_usr() -> Options {
    Options { merged_usr: true }
}

/// All entries but those of dpkg's database, one a line, and the problems.
fn dump((root, problems): &(RootFs, Vec<Problem>)) -> String {
    let mut text = String::new();
    let is_shown = |path: &TreePath| !path.is_within(&p("/var/lib/dpkg")) && !path.is_root();
    for (path, Entry { kind, meta }) in root.tree().iter().filter(|(path, _)| is_shown(path)) {
        let kind = match kind {
            Kind::File(content) => {
                format!("= {}", String::from_utf8(content.read(1000).unwrap()).unwrap().escape_default())
            }
            Kind::Symlink(target) => format!("-> {target}"),
            _ => String::new(),
        };
        let owners: Vec<&str> = root.owners(path).map(|pack| pack.name()).collect();
        let line = format!("{:o} {}:{} {path} {kind}", meta.mode, meta.uid, meta.gid);
        text.push_str(&format!("{} [{}]\n", line.trim_end(), owners.join(" ")));
    }
    for problem in problems {
        text.push_str(&format!("! {problem}\n"));
    }
    text
}

fn read(root: &RootFs, path: &str) -> String {
    let entry = root.entry(&p(path)).unwrap().unwrap();
    String::from_utf8(entry.content().unwrap().read(100_000).unwrap()).unwrap()
}

#[test]
fn files_below_lib_land_in_a_merged_usr() {
    let world = World::new();
    let packs = vec![
        world.data(
            "libx",
            Tar::default()
                .dir("./")
                .dir("./lib/")
                .dir("./lib/x86/")
                .file("./lib/x86/libx.so.1", "x")
                .dir("./lib64/")
                .symlink("./lib64/ld.so", "/lib/x86/ld.so"),
        ),
        world.data(
            "tool",
            Tar::default()
                .dir("./bin/")
                .program("./bin/tool", "t")
                .dir("./usr/bin/")
                .program("./usr/bin/other", "o"),
        ),
        world.data("libx32", Tar::default().dir("./lib32/").file("./lib32/y", "")),
    ];
    insta::assert_snapshot!(dump(&RootFs::new(packs.clone(), &merged_usr())));
    let (split, _) = RootFs::new(packs, &Options::default());
    assert_eq!(read(&split, "/lib/x86/libx.so.1"), "x");
    assert!(split.entry(&p("/lib")).unwrap().unwrap().is_directory());
}

#[test]
fn a_package_that_brings_the_links_merges_usr() {
    let world = World::new();
    let base = Tar::default()
        .dir("./usr/")
        .dir("./usr/lib/")
        .symlink("./lib", "usr/lib")
        .symlink("./bin", "/usr/bin");
    let packs = vec![world.data("base-files", base), world.data("libx", Tar::default().file("./lib/x", "x"))];
    let (root, problems) = RootFs::new(packs, &Options::default());
    assert_eq!(problems, []);
    assert_eq!(read(&root, "/usr/lib/x"), "x");
    assert_eq!(root.resolve(&p("/lib/x")).unwrap().path, p("/usr/lib/x"));
    // A directory, or another link, at the place of a link.
    let world = World::new();
    let odd = world.data("odd", Tar::default().symlink("./lib", "/opt/lib"));
    let root = RootFs::new(vec![odd], &merged_usr());
    assert!(dump(&root).contains("! /lib is a symbolic link of the merged /usr"), "{}", dump(&root));
}

#[test]
fn packages_share_directories_and_what_is_the_same() {
    let world = World::new();
    let packs = vec![
        world.data(
            "bb",
            Tar::default()
                .raw(b'5', b"./etc/", 0o700, "1:1", b"", b"")
                .file("./etc/same", "s")
                .symlink("./etc/l", "x"),
        ),
        world.data("aa", Tar::default().dir("./etc/").file("./etc/same", "s").symlink("./etc/l", "x")),
    ];
    let there = dump(&RootFs::new(packs.clone(), &Options::default()));
    insta::assert_snapshot!(there, @"
    755 0:0 /etc [aa bb]
    777 0:0 /etc/l -> x [aa bb]
    644 0:0 /etc/same = s [aa bb]
    755 0:0 /var []
    755 0:0 /var/lib []
    ");
    // The order in which they are given does not matter, but base-files comes first.
    assert_eq!(dump(&RootFs::new(packs.iter().rev().cloned().collect(), &Options::default())), there);
    let base = Tar::default().raw(b'5', b"./etc/", 0o711, "0:0", b"", b"");
    let packs = [packs, vec![world.data("base-files", base)]].concat();
    let (root, _) = RootFs::new(packs, &Options::default());
    assert_eq!(root.entry(&p("/etc")).unwrap().unwrap().meta.mode, 0o711);
}

#[test]
fn packages_that_do_not_agree_are_told() {
    let world = World::new();
    let one = |name: &str, data: Tar| world.data(name, data);
    let cases = [
        vec![one("aa", Tar::default().file("./x", "1")), one("bb", Tar::default().file("./x", "2"))],
        vec![
            one("aa", Tar::default().file("./x", "1")),
            one("bb", Tar::default().dir("./x/").file("./x/y", "2")),
        ],
        vec![
            one("aa", Tar::default().dir("./x/").file("./x/y", "2")),
            one("bb", Tar::default().file("./x", "1")),
        ],
        // The directory is not an entry of its own.
        vec![one("aa", Tar::default().file("./x", "1")), one("bb", Tar::default().file("./x/y", "2"))],
        vec![one("aa", Tar::default().symlink("./x", "/y")), one("bb", Tar::default().file("./x/z", "2"))],
        vec![one("aa", Tar::default().symlink("./x", "y")), one("bb", Tar::default().symlink("./x", "z"))],
        vec![one("aa", Tar::default().file("./lib/x", "1").file("./usr/lib/x", "2"))],
        vec![one("aa", Tar::default().file("./x", "1")), one("aa", Tar::default().file("./x", "1"))],
    ];
    let texts = cases.map(|packs| {
        let (root, problems) = RootFs::new(packs, &merged_usr());
        root.tree().check().unwrap();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    });
    insta::assert_snapshot!(texts.join("\n"), @"
    /x is a file of aa 1.0-1 and a file of bb 1.0-1
    /x is a directory of bb 1.0-1 and a file of aa 1.0-1
    /x is a directory of aa 1.0-1 and a file of bb 1.0-1
    /x is a file of aa 1.0-1 and a directory of bb 1.0-1
    /x is a symbolic link of aa 1.0-1 and a directory of bb 1.0-1
    /x is a symbolic link of aa 1.0-1 and a symbolic link of bb 1.0-1
    /usr/lib/x is a file of aa 1.0-1 and a file of aa 1.0-1
    aa 1.0-1 stands twice among the packages
    ");
}

#[test]
fn a_package_may_replace_files_of_another() {
    let world = World::new();
    let file = |text: &str| Tar::default().file("./x", text);
    let pack = |name: &str, fields: &str, text: &str| world.pack(name, fields, Tar::default(), file(text));
    for (first, second, want) in [
        ("", "Replaces: aa\n", Some("second")),
        ("", "Replaces: other, aa (<< 1.0-2)\n", Some("second")),
        ("", "Replaces: other,\n aa (>= 1.0)\n", Some("second")),
        ("", "replaces: aa:any (= 1.0-1)\n", Some("second")),
        ("", "Replaces: aa (<< 1.0-1)\n", None),
        ("", "Replaces: aa (<< not a version)\n", None),
        ("", "Replaces: aaa\n", None),
        ("Replaces: bb\n", "", Some("first")),
        ("Replaces: bb\n", "Replaces: aa\n", Some("first")),
        ("", "", None),
    ] {
        let packs = vec![pack("aa", first, "first"), pack("bb", second, "second")];
        let (root, problems) = RootFs::new(packs, &Options::default());
        assert_eq!(problems.is_empty(), want.is_some(), "{first:?} {second:?}");
        assert_eq!(read(&root, "/x"), want.unwrap_or("first"), "{first:?} {second:?}");
        if want == Some("second") {
            let lists = |name: &str| read(&root, &format!("/var/lib/dpkg/info/{name}.list"));
            assert_eq!((lists("aa"), lists("bb")), (String::new(), "/x\n".into()));
        }
    }
}

#[test]
fn the_database_is_that_of_dpkg() {
    let world = World::new();
    let files = Tar::default()
        .file("./md5sums", "0cc175b9c0f1b6a831c399e269772661  lib/x\n")
        .file("./conffiles", "/etc/c\n");
    let data = Tar::default().dir("./").dir("./lib/").file("./lib/x", "a").file("./etc/c", "");
    let packs = vec![
        world.pack("libx", "Multi-Arch: same\nDescription: x\n more\n", files, data),
        world.data("bb", Tar::default().dir("./")),
    ];
    let (root, problems) = RootFs::new(packs, &merged_usr());
    assert_eq!(problems, []);
    assert_eq!(root.list(&p("/var/lib/dpkg/info")).unwrap(), ["bb.list", "libx.list", "libx.md5sums"]);
    insta::assert_snapshot!(read(&root, "/var/lib/dpkg/status"));
    assert_eq!(read(&root, "/var/lib/dpkg/info/libx.list"), "/.\n/etc/c\n/lib\n/lib/x\n");
    assert_eq!(read(&root, "/var/lib/dpkg/info/libx.md5sums"), "0cc175b9c0f1b6a831c399e269772661  lib/x\n");
}

#[test]
fn scripts_make_what_they_would() {
    let world = World::new();
    let packs = vec![
        world.script(
            "base-files",
            "[ -L /var/lock ] || { rmdir /var/lock; ln -s /run/lock /var/lock; }
             install -d -m 2775 -o root -g mail /var/mail
             [ -f /etc/motd ] || cp -p /usr/share/motd /etc/motd
             chmod u=rw,go= /etc/secret; chown root:shadow /etc/secret",
            Tar::default().dir("./var/lock/").file("./usr/share/motd", "hi").file("./etc/secret", "s"),
        ),
        world.script("mawk", "update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5 --slave /usr/bin/nawk nawk /usr/bin/mawk --slave /usr/m m /nowhere", Tar::default().program("./usr/bin/mawk", "m")),
        world.script("gawk", "update-alternatives --install /usr/bin/awk awk /usr/bin/gawk 10", Tar::default().program("./bin/gawk", "g")),
        world.script("ghost", "update-alternatives --install /usr/bin/awk awk /usr/bin/ghost 99", Tar::default()),
        world.script("vim", "update-alternatives --install /bin/vi vi /bin/gawk 1; update-alternatives --install /usr/bin/gawk g /bin/gawk 1", Tar::default()),
        world.script("odd", "frobnicate", Tar::default()),
    ];
    insta::assert_snapshot!(dump(&RootFs::new(packs, &merged_usr())));
}

#[test]
fn links_of_scripts_do_not_leave_the_tree_or_go_in_circles() {
    let world = World::new();
    let data = Tar::default()
        .symlink("./loop", "loop")
        .symlink("./up", "../../../..")
        .file("./file", "f")
        .symlink("./out", "/etc");
    let script = "mkdir -p /loop/x /up/tmp/y /file/z
        ln -s a /loop/x; ln -s b /file; ln -s c /out/c
        cp /loop /x1; cp /up /x2; cp /none /x3; chmod 600 /loop /out /none
        update-alternatives --install /loop/l l /file 1";
    let (root, problems) = RootFs::new(vec![world.script("pp", script, data)], &merged_usr());
    root.tree().check().unwrap();
    assert_eq!(problems, []);
    assert!(root.entry(&p("/tmp/y")).unwrap().unwrap().is_directory());
    assert!(root.entry(&p("/etc/c")).unwrap().is_some());
    for absent in ["/x1", "/x2", "/x3", "/file/z", "/loop/x", "/loop/l", "/out/c"] {
        assert!(root.entry(&p(absent)).unwrap().is_none(), "{absent}");
    }
}

#[test]
fn accounts_come_from_scripts_and_declarations() {
    let world = World::new();
    let packs = vec![
        world.script("aa", "adduser --system --group aa", Tar::default()),
        world.data(
            "bb",
            Tar::default()
                .file("./usr/lib/sysusers.d/bb.conf", "u bb 77 - /b\n")
                .file("./usr/lib/sysusers.d/README", "u no -"),
        ),
    ];
    let (root, problems) = RootFs::new(packs, &Options::default());
    assert_eq!(problems, []);
    let names: Vec<_> = root.accounts().iter().map(|a| (a.package.as_str(), a.name.as_str(), a.id)).collect();
    assert_eq!(names, [("aa", "aa", None), ("aa", "aa", None), ("bb", "bb", Some(77))]);
}

#[test]
fn what_scripts_make_is_listed_and_belongs_to_accounts_of_packages() {
    let world = World::new();
    let data =
        Tar::default().dir("./var/lib/redis/").file("./etc/redis.conf", "x").file("./usr/share/r.conf", "r");
    let script = "adduser --system --group --home /var/lib/redis redis
        install -d -o redis -g redis -m 750 /var/cache/redis
        chown redis:adm /var/lib/redis
        ucf /usr/share/r.conf /etc/r.conf";
    let (root, problems) = RootFs::new(vec![world.script("redis", script, data)], &Options::default());
    assert_eq!(problems, []);
    let number = root.numbers().user("redis").unwrap();
    let owner = |path: &str| {
        let meta = root.entry(&p(path)).unwrap().unwrap().meta;
        (meta.uid, meta.gid, meta.mode)
    };
    assert_eq!(owner("/var/lib/redis"), (number, 4, 0o755));
    assert_eq!(owner("/var/cache/redis"), (number, number, 0o750));
    let list = read(&root, "/var/lib/dpkg/info/redis.list");
    assert!(list.contains("/etc/r.conf\n") && list.contains("/var/cache/redis\n"), "{list}");
}

#[test]
fn alternatives_are_noted_as_dpkg_notes_them() {
    let world = World::new();
    let offer = |name: &str, priority| {
        let call = format!(
            "update-alternatives --install /usr/bin/awk awk /usr/bin/{name} {priority} --slave /usr/bin/nawk nawk /usr/bin/{name}"
        );
        world.script(name, &call, Tar::default().program(&format!("./usr/bin/{name}"), "a"))
    };
    let (root, _) = RootFs::new(vec![offer("mawk", 5), offer("gawk", 10)], &Options::default());
    assert_eq!(
        read(&root, "/var/lib/dpkg/alternatives/awk"),
        "auto\n/usr/bin/awk\nnawk\n/usr/bin/nawk\n\n/usr/bin/gawk\n10\n/usr/bin/gawk\n/usr/bin/mawk\n5\n/usr/bin/mawk\n\n"
    );
}

#[test]
fn modules_are_enabled_where_they_are() {
    let world = World::new();
    let php = Tar::default()
        .file("./usr/share/php/ctype.ini", "; priority=15\nextension=ctype.so\n")
        .dir("./etc/php/8.2/mods-available/");
    let script = "ucf /usr/share/php/ctype.ini /etc/php/8.2/mods-available/ctype.ini; php_invoke enmod 8.2 ALL ctype; php_invoke enmod 8.2 ALL no";
    let web = Tar::default()
        .file("./etc/apache2/mods-available/dir.load", "# Depends: core dir\nx")
        .file("./etc/apache2/mods-available/core.load", "x")
        .file("./etc/apache2/mods-available/other.load", "x")
        .dir("./etc/apache2/mods-enabled/");
    let packs = vec![
        world.script("php8.2-common", script, php),
        world.data("php8.2-cli", Tar::default().dir("./etc/php/8.2/cli/").dir("./etc/php/8.2/cli/conf.d/")),
        world.data("php8.2-fpm", Tar::default().dir("./etc/php/8.2/fpm/").dir("./etc/php/8.2/fpm/conf.d/")),
        world.script("apache2", "a2enmod -m -q dir; a2ensite -q none", web),
    ];
    let (root, problems) = RootFs::new(packs, &Options::default());
    assert_eq!(problems, []);
    let links: Vec<String> = root
        .tree()
        .iter()
        .filter_map(|(path, entry)| match &entry.kind {
            Kind::Symlink(target) => Some(format!("{path} -> {target}")),
            _ => None,
        })
        .filter(|link| link.starts_with("/etc"))
        .collect();
    assert_eq!(
        links,
        [
            "/etc/apache2/mods-enabled/core.load -> ../mods-available/core.load",
            "/etc/apache2/mods-enabled/dir.load -> ../mods-available/dir.load",
            "/etc/php/8.2/cli/conf.d/15-ctype.ini -> /etc/php/8.2/mods-available/ctype.ini",
            "/etc/php/8.2/fpm/conf.d/15-ctype.ini -> /etc/php/8.2/mods-available/ctype.ini",
        ]
    );
    assert!(
        read(&root, "/var/lib/dpkg/info/php8.2-common.list").contains("/etc/php/8.2/cli/conf.d/15-ctype.ini")
    );
}

#[test]
fn a_preinst_finds_nothing_and_is_told_by_its_name() {
    let world = World::new();
    let scripts = Tar::default()
        .program(
            "./preinst",
            "#!/bin/sh\nif [ \"$1\" = install ]; then adduser --system aa; fi\n[ -e /f ] && one\ntwo",
        )
        .program(
            "./postinst",
            "#!/bin/sh\nadduser --system aa\n[ \"$1\" = configure ] && [ -e /f ] && three",
        );
    let pack = world.pack("aa", "", scripts, Tar::default().file("./f", ""));
    let (root, problems) = RootFs::new(vec![pack], &Options::default());
    assert_eq!(root.accounts().len(), 1);
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let want = "what aa 1.0-1 does when it is installed is not known: line 4 of preinst, line 3 of postinst";
    assert_eq!(texts, [want]);
}

#[test]
fn the_bundle_has_all_certificates_in_the_order_of_their_paths() {
    let world = World::new();
    let data = Tar::default()
        .file("./usr/share/ca-certificates/mozilla/B.crt", "b\n")
        .file("./usr/share/ca-certificates/mozilla/A_x.crt", "a without an end")
        .file("./usr/share/ca-certificates/mozilla-old/C.crt", "c\n")
        .file("./usr/share/ca-certificates/mozilla/README", "no");
    let (root, problems) = RootFs::new(vec![world.data("ca-certificates", data)], &Options::default());
    assert_eq!(problems, []);
    assert_eq!(read(&root, "/etc/ssl/certs/ca-certificates.crt"), "c\na without an end\nb\n");
    let (none, _) = RootFs::new(vec![], &Options::default());
    assert!(none.entry(&p("/etc/ssl")).unwrap().is_none());
}
