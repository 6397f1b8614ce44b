//! What the process's user may reach of all that is opened for the process to start.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use elf::testing::Elf;
use world::{World, bytes, glibc, library, program, script};

const LIB: &str = "/usr/lib/x86_64-linux-gnu";
const SPEC: &str = r#"
    [config]
    entrypoint = ["/app/start"]
    [[files]]
    from = "start"
    to = "/app/"
"#;

#[test]
fn a_script_needs_its_interpreter_and_what_that_loads() {
    let world = || {
        World::new(glibc())
            .payload("start", script("#!/usr/bin/env run"))
            .source("/usr/bin/run", program(&["librun.so.1"]))
            .source(&format!("{LIB}/librun.so.1"), library("librun.so.1", &["libc.so.6"]))
    };
    assert_eq!(world().plan(SPEC).findings(), "");
    // Each for itself, and all of them are told.
    let closed = world().source_mode("/usr/bin/run", 0o700).source_mode(&format!("{LIB}/librun.so.1"), 0o600);
    insta::assert_snapshot!(closed.plan(SPEC).findings(), @r#"
    error B0303: the user 65532:65532 may not execute /usr/bin/run
        in [[files]]: mode = "0755"
    error B0303: the user 65532:65532 may not read /usr/lib/x86_64-linux-gnu/librun.so.1
        in [[files]]: mode = "0644"
    "#);
}

#[test]
fn to_execute_is_not_to_read() {
    let world = World::new(glibc())
        .payload("start", script("#!/usr/bin/run"))
        .source("/usr/bin/run", program(&[]))
        .source_mode("/usr/bin/run", 0o711)
        .source_mode(&format!("{LIB}/ld-linux-x86-64.so.2"), 0o711);
    assert_eq!(world.plan(SPEC).findings(), "", "the kernel reads programs and loaders, not the user");
    let unreadable = SPEC.to_owned() + "mode = \"0711\"\n";
    insta::assert_snapshot!(world.plan(&unreadable).findings(), @r#"
    error B0303: the user 65532:65532 may not read and execute /app/start
        in [[files]]: mode = "0755"
    "#);
}

#[test]
fn a_closed_directory_is_told_once() {
    let world = World::new(glibc())
        .payload("start", program(&["libone.so.1", "libtwo.so.1"]))
        .payload("lib/libone.so.1", library("libone.so.1", &[]))
        .payload("lib/libtwo.so.1", library("libtwo.so.1", &[]));
    let spec = r#"
        [config]
        entrypoint = ["/app/start"]
        env = { LD_LIBRARY_PATH = "/opt/lib" }
        [[files]]
        from = "start"
        to = "/app/"
        [[files]]
        from = "lib/"
        to = "/opt/lib/"
        [[dirs]]
        path = "/opt"
        mode = "0750"
    "#;
    insta::assert_snapshot!(world.plan(spec).findings(), @r#"
    error B0303: the user 65532:65532 cannot reach /opt/lib/libone.so.1: it may not enter /opt
        have a [[dirs]] with path = "/opt", mode = "0755"
        have a [[dirs]] with path = "/opt", owner = "nonroot"
    "#);
    let for_group = spec.replace("/opt\"\n        mode", "/opt\"\n        owner = \"0:65532\"\n        mode");
    assert_eq!(world.plan(&for_group).findings(), "");
    assert_eq!(
        world
            .plan(&spec.replace("[config]", "[policy]\nallow = [\"root-user\"]\n[config]\nuser = \"0:0\""))
            .findings(),
        ""
    );
}

#[test]
fn a_script_of_scripts_ends() {
    let world = World::new(glibc())
        .payload("start", script("#!/app/second"))
        .payload("second", script("#!/app/start"));
    let spec = format!("{SPEC}[[files]]\nfrom = \"second\"\nto = \"/app/\"\n");
    insta::assert_snapshot!(world.plan(&spec).findings(), @r"
    error B0201: /app/second starts with #!/app/start, which cannot run it: the kernel goes through no more than 5 scripts
        write the whole path of a program behind the #!
    error B0201: /app/start starts with #!/app/second, which cannot run it: the kernel goes through no more than 5 scripts
        write the whole path of a program behind the #!
    ");
}

#[test]
fn env_is_handed_all_of_its_line_as_one_name() {
    let with = |line: &str| {
        let world = World::new(glibc()).payload("start", script(line)).source("/usr/bin/run", program(&[]));
        world.source("/opt/bin/far", program(&[])).plan(SPEC).findings()
    };
    assert_eq!(with("#!/usr/bin/env -S run -u"), "");
    assert_eq!(with("#!/usr/bin/env -S PATH=/opt/bin far -u"), "", "who says where to look is not judged");
    insta::assert_snapshot!(with("#!/usr/bin/env run -u"), @r"
    error B0202: /app/start starts with `env run -u`, and no run -u is on the image's PATH (/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
        write `env -S run -u`: the kernel hands over all that stands behind env as one name
    ");
}

#[test]
fn a_program_that_gains_rights_finds_less() {
    let spec = |extra: &str| {
        format!(
            r#"
            policy.allow = ["setuid", "root-user"]
            [config]
            entrypoint = ["/app/start"]
            {extra}
            [[files]]
            from = "libone.so.1"
            to = "/app/lib/"
            [[files]]
            from = "start"
            to = "/app/"
            "#
        )
    };
    let world = |start: Elf| {
        let start = start.needs(&["libone.so.1", "libc.so.6"]).build();
        World::new(glibc())
            .payload("start", bytes(&start, 0o755))
            .payload("libone.so.1", library("libone.so.1", &[]))
    };
    let origin = world(Elf::program().runpath("$ORIGIN/lib"));
    let caps = "caps = [\"cap_net_bind_service=ep\"]";
    assert_eq!(origin.plan(&spec("")).findings(), "");
    insta::assert_snapshot!(origin.plan(&(spec("") + caps)).findings(), @r#"
    error B0101: libone.so.1 is not to be found; /app/start needs it
        /app/start has a setuid bit or file capabilities, for which the loader takes neither LD_LIBRARY_PATH nor $ORIGIN: put libone.so.1 into a directory where it looks anyway, or link the program with the absolute path as its RUNPATH
        in [policy]: allow = ["unresolved:libone.so.1"]
    "#);
    insta::assert_snapshot!(origin.plan(&(spec("") + "mode = \"4755\"")).findings(), @r#"
    error B0101: libone.so.1 is not to be found; /app/start needs it
        /app/start has a setuid bit or file capabilities, for which the loader takes neither LD_LIBRARY_PATH nor $ORIGIN: put libone.so.1 into a directory where it looks anyway, or link the program with the absolute path as its RUNPATH
        in [policy]: allow = ["unresolved:libone.so.1"]
    "#);
    // Who has the rights already gains none.
    assert_eq!(origin.plan(&(spec("user = \"0:0\"") + caps)).findings(), "");
    assert_eq!(origin.plan(&(spec("") + "mode = \"4755\"\nowner = \"nonroot\"")).findings(), "");
    let env = "env = { LD_LIBRARY_PATH = \"/app/lib\" }";
    assert_eq!(world(Elf::program()).plan(&spec(env)).findings(), "");
    insta::assert_snapshot!(world(Elf::program()).plan(&(spec(env) + caps)).findings(), @r#"
    error B0101: libone.so.1 is not to be found; /app/start needs it
        /app/start has a setuid bit or file capabilities, for which the loader takes neither LD_LIBRARY_PATH nor $ORIGIN: put libone.so.1 into a directory where it looks anyway, or link the program with the absolute path as its RUNPATH
        in [policy]: allow = ["unresolved:libone.so.1"]
    "#);
    assert_eq!(world(Elf::program().runpath("/app/lib")).plan(&(spec("") + caps)).findings(), "");
}

#[test]
fn behind_a_slash_there_is_a_directory() {
    let world = World::new(glibc()).payload("start", program(&[]));
    insta::assert_snapshot!(world.plan(&SPEC.replace("/app/start\"", "/app/start/\"")).findings(), @r"
    error B0301: the process's program /app/start/ is not in the image
        write the path that [[files]] gives the program, or add the [[files]] that brings it
    ");
}

#[test]
fn a_volume_is_a_directory() {
    let world = World::new(glibc()).payload("start", program(&[]));
    let spec = SPEC.replace("[[files]]", "volumes = [\"/app/start\"]\n    [[files]]");
    insta::assert_snapshot!(world.plan(&spec).findings(), @r"
    error B0309: the volume /app/start is a file
        name a directory in volumes, or give what stands there another path
    ");
}
