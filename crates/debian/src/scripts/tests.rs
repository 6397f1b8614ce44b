use super::effects::Disk;
use super::shell::{Script, Surroundings};
use super::{Account, AccountKind, Alternative, Effects, Id, Knowledge, Made, ScriptLine, sysusers, winners};
use tree::{Tree, TreePath};

fn follow(script: &str, tree: &str) -> (Effects, Vec<ScriptLine>) {
    let tree = Tree::from_lines(tree).unwrap();
    let surroundings =
        Surroundings { script: Script::Postinst, package: "pp", architecture: "amd64", files: &Disk(&tree) };
    Effects::of_script(format!("#!/bin/sh\n{script}").as_bytes(), &surroundings, Knowledge::built_in())
}

/// All effects of a script of which every line is known.
fn known(script: &str) -> Effects {
    let (effects, lines) = follow(script, "");
    assert_eq!(lines, [], "{script}");
    effects
}

fn p(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

#[test]
fn the_table_of_rules_is_well_formed() {
    Knowledge::parse(include_str!("../../data/postinst.toml")).unwrap();
    let unknown_key =
        "[[rule]]\ncommands = []\nverdict = \"harmless\"\nreason = \"\"\nsource = \"\"\nmore = 1\n";
    assert!(Knowledge::parse(unknown_key).is_err());
    let brackets = "[[rule]]\ncommands = [\"[ab]\"]\nverdict = \"harmless\"\nreason = \"\"\nsource = \"\"\n";
    assert!(Knowledge::parse(brackets).is_err());
}

#[test]
fn alternatives_are_read_as_they_are_offered() {
    let effects = known(
        "if [ \"$1\" = configure ]; then
            update-alternatives --quiet --install \"/usr/bin/awk\" awk /usr/bin/mawk 5 \\
                --slave /usr/bin/nawk nawk /usr/bin/mawk
            for i in java keytool; do
                update-alternatives --install /usr/bin/$i $i /usr/lib/jvm/bin/$i -10 $(slaves)
            done
        fi",
    );
    let offer = |name: &str, path: &str, priority, slaves| Alternative {
        name: name.into(),
        link: p(&format!("/usr/bin/{name}")),
        path: p(path),
        priority,
        slaves,
    };
    let slave = (p("/usr/bin/nawk"), "nawk".to_owned(), p("/usr/bin/mawk"));
    assert_eq!(
        effects.alternatives,
        [
            offer("awk", "/usr/bin/mawk", 5, vec![slave]),
            offer("java", "/usr/lib/jvm/bin/java", -10, vec![]),
            offer("keytool", "/usr/lib/jvm/bin/keytool", -10, vec![]),
        ]
    );
    // What is not known, or would be a path of its own, is told.
    for script in [
        "update-alternatives --install /usr/bin/x x $(which y) 5",
        "update-alternatives --install /usr/bin/x ../../x /usr/bin/y 5",
        "update-alternatives --install usr/bin/x x /usr/bin/y 5",
        "update-alternatives --install /usr/bin/x x /usr/bin/y high",
        "update-alternatives --install /usr/bin/x x",
        "update-alternatives --config x",
    ] {
        let (effects, lines) = follow(script, "");
        assert_eq!((effects, lines.len()), (Effects::default(), 1), "{script}");
    }
}

#[test]
fn of_alternatives_the_highest_priority_wins_then_the_first_path() {
    let offer = |path: &str, priority| Alternative {
        name: "x".into(),
        link: p("/usr/bin/x"),
        path: p(path),
        priority,
        slaves: vec![],
    };
    for (offers, want) in [
        (vec![offer("/b", 1), offer("/a", 2)], "/a"),
        (vec![offer("/b", 1), offer("/a", 1)], "/a"),
        (vec![offer("/a", 1), offer("/b", 1)], "/a"),
        (vec![offer("/a", -5), offer("/b", -1)], "/b"),
    ] {
        assert_eq!(winners(&offers)["x"].path, p(want));
    }
}

#[test]
fn accounts_are_read_as_they_are_made() {
    let effects = known(
        "adduser --system --quiet --home /var/lib/redis --no-create-home --gecos 'Redis, a server' \\
             --group --shell /usr/sbin/nologin redis || true
         addgroup --system --gid 42 shadow
         useradd -r -M -d /run/x -s /bin/false -g daemon -c 'a b' -u 150 xd
         groupadd --system --gid=151 xg
         adduser www-data ssl-cert
         adduser --system --uid 152 --ingroup nogroup --force-badname _x",
    );
    let text = |account: &Account| {
        let id = account.id.map_or("-".into(), |id| id.to_string());
        let kind = match &account.kind {
            AccountKind::Group => "group".into(),
            AccountKind::User { group, home, shell } => format!("user {group:?} {home:?} {shell:?}"),
            AccountKind::Member { group } => format!("member of {group}"),
        };
        format!("{} {id} {kind}", account.name)
    };
    let lines: Vec<String> = effects.accounts.iter().map(text).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    redis - group
    redis - user None Some("/var/lib/redis") Some("/usr/sbin/nologin")
    shadow 42 group
    xd 150 user Some("daemon") Some("/run/x") Some("/bin/false")
    xg 151 group
    www-data - member of ssl-cert
    _x 152 user Some("nogroup") None None
    "#);
    for script in ["adduser --system $NAME", "adduser --system ../x", "useradd", "groupadd --gid x y"] {
        assert_eq!(follow(script, "").1.len(), 1, "{script}");
    }
}

#[test]
fn declared_accounts_are_read() {
    let text = "
        # a comment
        u root 0 \"Super User\" /root
        u! messagebus - 'System Message Bus'
        u httpd 404:405 \"\" - /sbin/nologin
        g tty 5 -
        g video - -
        m messagebus video
        r - 500-900
        u ../x -
        m lonely
    ";
    let found: Vec<_> = sysusers(text, "pp").into_iter().map(|a| (a.name, a.id, a.kind)).collect();
    let user = |group: Option<&str>, home: Option<&str>, shell: Option<&str>| AccountKind::User {
        group: group.map(String::from),
        home: home.map(String::from),
        shell: shell.map(String::from),
    };
    assert_eq!(
        found,
        [
            ("root".into(), Some(0), user(None, Some("/root"), None)),
            ("messagebus".into(), None, user(None, None, None)),
            ("httpd".into(), Some(404), user(Some("405"), None, Some("/sbin/nologin"))),
            ("tty".into(), Some(5), AccountKind::Group),
            ("video".into(), None, AccountKind::Group),
            ("messagebus".into(), None, AccountKind::Member { group: "video".into() }),
        ]
    );
}

#[test]
fn files_are_made_as_scripts_make_them() {
    let directory = |path| Made::Directory(p(path));
    let link = |path, target: &str| Made::Link { path: p(path), target: target.into() };
    let owner = |user: Option<u32>, group: Option<u32>| {
        Made::Owner(p("/a"), user.map(Id::Number), group.map(Id::Number))
    };
    let redis = || Some(Id::Name("redis".into()));
    let enabled = |path, target: &str| Made::Enabled { path: p(path), target: target.into() };
    for (script, want) in [
        ("mkdir -p /a /b/c", vec![directory("/a"), directory("/b/c")]),
        ("mkdir -m 0700 \"$DPKG_ROOT/a\"", vec![directory("/a"), Made::Mode(p("/a"), 0o700)]),
        (
            "install -d -m 2750 -o root -g adm /a",
            vec![directory("/a"), owner(Some(0), Some(4)), Made::Mode(p("/a"), 0o2750)],
        ),
        ("install -d -oredis /a", vec![directory("/a"), Made::Owner(p("/a"), redis(), None)]),
        (
            "a2enmod -m -q dir",
            vec![
                enabled("/etc/apache2/mods-enabled/dir.load", "../mods-available/dir.load"),
                enabled("/etc/apache2/mods-enabled/dir.conf", "../mods-available/dir.conf"),
            ],
        ),
        (
            "a2ensite -q 000-default",
            vec![enabled(
                "/etc/apache2/sites-enabled/000-default.conf",
                "../sites-available/000-default.conf",
            )],
        ),
        (
            "php_invoke enmod 8.2 ALL ctype",
            vec![Made::PhpModule { version: "8.2".into(), program: None, name: "ctype".into() }],
        ),
        ("ln -sf ../b /a/c", vec![link("/a/c", "../b")]),
        ("ln -s /x/y /a/", vec![link("/a/y", "/x/y")]),
        ("chmod 644 /a /b", vec![Made::Mode(p("/a"), 0o644), Made::Mode(p("/b"), 0o644)]),
        ("chmod g-w,o=r /a", vec![Made::Bits { path: p("/a"), set: 0o004, clear: 0o023 }]),
        ("chown root:shadow /a", vec![owner(Some(0), Some(42))]),
        ("chown :7 /a", vec![owner(None, Some(7))]),
        ("chgrp mail /a", vec![owner(None, Some(8))]),
        (
            "dpkg-statoverride --update --add root mail 2755 /a",
            vec![owner(Some(0), Some(8)), Made::Mode(p("/a"), 0o2755)],
        ),
        ("cp -p /x /a", vec![Made::Copy { from: p("/x"), to: p("/a") }]),
        ("ucf --three-way /x/y.conf /etc/", vec![Made::Copy { from: p("/x/y.conf"), to: p("/etc/y.conf") }]),
        ("touch /a", vec![Made::Empty(p("/a"))]),
        ("[ -e /a ] || rmdir /b", vec![Made::Removed(p("/b"))]),
        ("chown -R redis:redis /var/lib/redis", vec![Made::Owner(p("/var/lib/redis"), redis(), redis())]),
    ] {
        assert_eq!(known(script).made, want, "{script}");
    }
    for script in [
        "mkdir ../a",
        "a2enmod ../x",
        "php_invoke enmod 8.2 ALL ../x",
        "mkdir -p /a/../../b",
        "ln -s x",
        "ln -s a b c",
        "chmod u+s /a",
        "mkdir \"$X\"",
        "cp a b c",
    ] {
        let (effects, lines) = follow(script, "");
        assert_eq!((effects.made, lines.len()), (vec![], 1), "{script}");
    }
}

#[test]
fn what_no_rule_knows_is_told_by_line() {
    let script = "set -e
        deb-systemd-helper unmask 'x.service' >/dev/null || true
        if [ -x /usr/bin/frob ]; then
            frobnicate --all
        fi
        $HOOK run
        echo x > /etc/generated
        setcap cap_net_raw+ep /usr/bin/ping
        #DEBHELPER#";
    let told = |lines: Vec<ScriptLine>| {
        let line = |line: ScriptLine| format!("{} {} {}", line.line, line.text, line.reason.is_some());
        lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let (effects, lines) = follow(script, "755 0:0 /usr/bin/frob");
    assert_eq!(effects, Effects::default());
    insta::assert_snapshot!(told(lines), @"
    5 frobnicate --all false
    7 $HOOK run false
    8 echo x > /etc/generated false
    9 setcap cap_net_raw+ep /usr/bin/ping true
    ");
    // Without the program, what is done with it is not.
    assert_eq!(follow(script, "").1.len(), 3);
}

#[test]
fn scripts_that_are_no_shell_are_told_as_a_whole() {
    let tree = Tree::new();
    let surroundings =
        Surroundings { script: Script::Postinst, package: "pp", architecture: "amd64", files: &Disk(&tree) };
    let cases: [&[u8]; 5] =
        [b"#!/usr/bin/perl -w\nunlink '/';\n", b"\x7fELF\x02\xff", b"", b"#!/bin/sh\nif x; then", b"echo x"];
    for script in cases {
        let (effects, lines) = Effects::of_script(script, &surroundings, Knowledge::built_in());
        let found: Vec<_> = lines.iter().map(|line| line.line).collect();
        assert_eq!((effects, found), (Effects::default(), vec![1]), "{script:?}");
    }
}
