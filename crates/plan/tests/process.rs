//! What the process's user may reach of all that is opened for the process to start.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod world;

use world::{World, glibc, library, program, script};

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
