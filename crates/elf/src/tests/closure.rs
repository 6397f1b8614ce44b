//! The rules of glibc.

use super::{closure_as_is, closure_of, debian, path, tell};
use crate::testing::{Elf, link, put, text, tree};
use crate::{CacheEntry, Endian, FactsMemo, Linker, Variant, write_cache};
use insta::assert_snapshot;

const LIB: &str = "/lib/x86_64-linux-gnu";

fn cache_entry(soname: &str, at: &str, flags: u32) -> CacheEntry {
    CacheEntry { soname: soname.into(), path: path(at), flags, variant: Variant::Baseline }
}

#[test]
fn libraries_load_breadth_first_and_once() {
    let tree = debian(&[
        ("/bin/app", Elf::program().needs(&["liba.so.1", "libb.so.1", "libc.so.6"])),
        ("/lib/x86_64-linux-gnu/liba.so.1", Elf::library("liba.so.1").needs(&["libd.so.1", "libc.so.6"])),
        ("/usr/lib/x86_64-linux-gnu/libb.so.1", Elf::library("libb.so.1").needs(&["libd.so.1", "liba.so.1"])),
        ("/usr/lib/libd.so.1", Elf::library("libd.so.1").needs(&["libb.so.1"])),
    ]);
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    liba.so.1 => /lib/x86_64-linux-gnu/liba.so.1 (default) < /bin/app /usr/lib/x86_64-linux-gnu/libb.so.1
    libb.so.1 => /usr/lib/x86_64-linux-gnu/libb.so.1 (default) < /bin/app /usr/lib/libd.so.1
    libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (default) < /bin/app /lib/x86_64-linux-gnu/liba.so.1
    libd.so.1 => /usr/lib/libd.so.1 (default) < /lib/x86_64-linux-gnu/liba.so.1 /usr/lib/x86_64-linux-gnu/libb.so.1
    ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (interpreter) < /lib/x86_64-linux-gnu/libc.so.6
    ");
}

#[test]
fn rpath_is_inherited_and_runpath_is_not() {
    let files = |app: Elf| {
        debian(&[
            ("/app/bin/app", app.needs(&["liba.so.1"])),
            ("/app/lib/liba.so.1", Elf::library("liba.so.1").needs(&["libb.so.1"])),
            ("/app/lib/libb.so.1", Elf::library("libb.so.1")),
        ])
    };
    let program = Elf::program;
    assert_snapshot!(closure_of(&files(program().rpath("$ORIGIN/../lib")), "/app/bin/app"), @r"
    liba.so.1 => /app/lib/liba.so.1 (rpath) < /app/bin/app
    libb.so.1 => /app/lib/libb.so.1 (rpath) < /app/lib/liba.so.1
    ");
    assert_snapshot!(closure_of(&files(program().runpath("${ORIGIN}/../lib")), "/app/bin/app"), @r"
    liba.so.1 => /app/lib/liba.so.1 (runpath) < /app/bin/app
    missing libb.so.1 < /app/lib/liba.so.1
    ");
    // A RUNPATH beside it turns the RPATH off, even where it leads nowhere.
    assert_snapshot!(closure_of(&files(program().rpath("/app/lib").runpath("/nowhere")), "/app/bin/app"), @"missing liba.so.1 < /app/bin/app");
}

#[test]
fn an_object_with_runpath_does_not_inherit() {
    let tree = debian(&[
        ("/app/app", Elf::program().rpath("/app/lib").needs(&["liba.so.1", "libb.so.1"])),
        ("/app/lib/liba.so.1", Elf::library("liba.so.1").runpath("/other").needs(&["libc.so.1"])),
        ("/app/lib/libb.so.1", Elf::library("libb.so.1").rpath("/own").needs(&["libd.so.1"])),
        ("/app/lib/libc.so.1", Elf::library("libc.so.1")),
        ("/app/lib/libd.so.1", Elf::library("libd.so.1")),
        ("/own/libd.so.1", Elf::library("libd.so.1")),
    ]);
    assert_snapshot!(closure_of(&tree, "/app/app"), @r"
    liba.so.1 => /app/lib/liba.so.1 (rpath) < /app/app
    libb.so.1 => /app/lib/libb.so.1 (rpath) < /app/app
    libd.so.1 => /own/libd.so.1 (rpath) < /app/lib/libb.so.1
    missing libc.so.1 < /app/lib/liba.so.1
    ");
}

#[test]
fn the_environment_comes_between_rpath_and_runpath() {
    let of = |app: Elf| {
        let memo = FactsMemo::default();
        let tree = debian(&[
            ("/app/app", app.needs(&["liba.so.1"])),
            ("/own/liba.so.1", Elf::library("liba.so.1")),
            ("/env/liba.so.1", Elf::library("liba.so.1")),
        ]);
        let linker = Linker::new(&tree, &memo).ld_library_path("/absent:;$ORIGIN/../env");
        linker.closure(&path("/app/app")).unwrap().libraries[0].rule.as_str()
    };
    assert_eq!(of(Elf::program().rpath("/own")), "rpath");
    assert_eq!(of(Elf::program().runpath("/own")), "LD_LIBRARY_PATH");
}

#[test]
fn tokens_are_replaced() {
    let tree =
        debian(&[
            (
                "/app/bin/app",
                Elf::program()
                    .runpath("$ORIGINAL:relative::/opt/$LIB:/opt/${PLATFORM}:$ORIGIN/../lib")
                    .needs(&["liblib.so", "libplatform.so", "liborigin.so", "$ORIGIN/plugins/libpath.so"]),
            ),
            ("/opt/lib/x86_64-linux-gnu/liblib.so", Elf::library("")),
            ("/opt/x86_64/libplatform.so", Elf::library("")),
            ("/app/lib/liborigin.so", Elf::library("")),
            ("/app/bin/plugins/libpath.so", Elf::library("")),
        ]);
    assert_snapshot!(closure_of(&tree, "/app/bin/app"), @r"
    liblib.so => /opt/lib/x86_64-linux-gnu/liblib.so (runpath) < /app/bin/app
    libplatform.so => /opt/x86_64/libplatform.so (runpath) < /app/bin/app
    liborigin.so => /app/lib/liborigin.so (runpath) < /app/bin/app
    $ORIGIN/plugins/libpath.so => /app/bin/plugins/libpath.so (path) < /app/bin/app
    ");
}

/// `$ORIGIN` of a program is where its file is; of a library, where it was opened. `..` goes up from
/// where links lead.
#[test]
fn origins_are_real_for_programs_and_as_opened_for_libraries() {
    let mut tree = debian(&[
        ("/opt/app-1/bin/app", Elf::program().runpath("$ORIGIN/../lib").needs(&["liba.so.1"])),
        ("/opt/app-1/lib/real/liba.so.1", Elf::library("liba.so.1").runpath("$ORIGIN").needs(&["libb.so.1"])),
        ("/opt/app-1/lib/libb.so.1", Elf::library("libb.so.1")),
        ("/opt/app-1/lib/real/libb.so.1", Elf::library("libb.so.1")),
    ]);
    link(&mut tree, "/usr/bin/app", "/opt/app/bin/app");
    link(&mut tree, "/opt/app", "app-1");
    link(&mut tree, "/opt/app-1/lib/liba.so.1", "real/liba.so.1");
    assert_snapshot!(closure_of(&tree, "/usr/bin/app"), @r"
    liba.so.1 => /opt/app-1/lib/liba.so.1 (runpath) < /usr/bin/app; /opt/app-1/lib/liba.so.1 -> /opt/app-1/lib/real/liba.so.1
    libb.so.1 => /opt/app-1/lib/libb.so.1 (runpath) < /opt/app-1/lib/liba.so.1
    ");

    let mut tree = debian(&[
        ("/app", Elf::program().runpath("/link/../lib").needs(&["liba.so.1"])),
        ("/deep/lib/liba.so.1", Elf::library("liba.so.1")),
        ("/lib/liba.so.1", Elf::library("liba.so.1")),
    ]);
    link(&mut tree, "/link", "deep/dir");
    assert_snapshot!(closure_of(&tree, "/app"), @"liba.so.1 => /lib/liba.so.1 (default) < /app");
    put(&mut tree, "/deep/dir/x", &Elf::library(""));
    assert_snapshot!(closure_of(&tree, "/app"), @"liba.so.1 => /deep/lib/liba.so.1 (runpath) < /app; /link -> /deep/lib/liba.so.1");
}

#[test]
fn the_cache_comes_before_built_in_directories() {
    let mut tree = debian(&[
        ("/bin/app", Elf::program().needs(&["liba.so.1", "libb.so.1", "libc.so.6"])),
        ("/opt/lib/liba.so.1", Elf::library("liba.so.1")),
        ("/lib/x86_64-linux-gnu/liba.so.1", Elf::library("liba.so.1")),
        ("/lib/libb.so.1", Elf::library("libb.so.1")),
    ]);
    let entries = [
        cache_entry("liba.so.1", "/lib/i386-linux-gnu/liba.so.1", 3),
        cache_entry("liba.so.1", "/opt/lib/liba.so.1", 0x303),
        cache_entry("libb.so.1", "/opt/gone/libb.so.1", 0x303),
    ];
    text(&mut tree, "/etc/ld.so.cache", write_cache(&entries, Endian::Little, ""));
    // The cache is what counts, not what it was made from.
    text(&mut tree, "/etc/ld.so.conf", "/nowhere\n");
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    liba.so.1 => /opt/lib/liba.so.1 (ld.so.conf) < /bin/app
    libb.so.1 => /lib/libb.so.1 (default) < /bin/app
    libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (default) < /bin/app
    ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (interpreter) < /lib/x86_64-linux-gnu/libc.so.6
    ");
    // A damaged cache is to the loader as none.
    text(&mut tree, "/etc/ld.so.cache", "glibc-ld.so.cache1.1");
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    liba.so.1 => /lib/x86_64-linux-gnu/liba.so.1 (default) < /bin/app
    libb.so.1 => /lib/libb.so.1 (default) < /bin/app
    libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (default) < /bin/app
    ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (interpreter) < /lib/x86_64-linux-gnu/libc.so.6
    ");
}

#[test]
fn the_conf_stands_in_for_a_cache_unless_it_is_an_image() {
    let mut tree = debian(&[
        ("/bin/app", Elf::program().needs(&["liba.so.1", "libb.so.1", "libplain.so"])),
        ("/opt/lib/liba.so.1", Elf::library("liba.so.1")),
        // Found by a cache only under its soname.
        ("/opt/lib/libb.so.1", Elf::library("libother.so.1")),
        ("/opt/lib/libplain.so", Elf::library("")),
    ]);
    text(&mut tree, "/etc/ld.so.conf", "/opt/lib\n");
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    liba.so.1 => /opt/lib/liba.so.1 (ld.so.conf) < /bin/app
    libplain.so => /opt/lib/libplain.so (ld.so.conf) < /bin/app
    missing libb.so.1 < /bin/app
    ");
    assert_snapshot!(closure_as_is(&tree, "/bin/app"), @r"
    missing liba.so.1 < /bin/app
    missing libb.so.1 < /bin/app
    missing libplain.so < /bin/app
    ");
}

#[test]
fn nodeflib_closes_the_built_in_directories() {
    let mut tree = debian(&[
        ("/bin/app", Elf::program().flags_1(0x0800_0800).needs(&["liba.so.1", "libb.so.1"])),
        ("/lib/x86_64-linux-gnu/liba.so.1", Elf::library("liba.so.1")),
        ("/opt/libb.so.1", Elf::library("libb.so.1")),
    ]);
    let entries = [
        cache_entry("liba.so.1", &format!("{LIB}/liba.so.1"), 0x303),
        cache_entry("libb.so.1", "/opt/libb.so.1", 0x303),
    ];
    text(&mut tree, "/etc/ld.so.cache", write_cache(&entries, Endian::Little, ""));
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    libb.so.1 => /opt/libb.so.1 (ld.so.conf) < /bin/app
    missing liba.so.1 < /bin/app
    ");
}

#[test]
fn files_of_other_machines_are_passed_over_and_told() {
    let mut tree = debian(&[
        ("/bin/app", Elf::program().runpath("/a:/b").needs(&["libx.so", "liby.so", "libz.so", "libw.so"])),
        ("/a/libx.so", Elf::library("").on("i686")),
        ("/b/libx.so", Elf::library("")),
        ("/a/liby.so", Elf::library("").on("aarch64")),
        ("/b/libz.so", Elf::library("")),
        ("/a/libw.so", Elf::program().no_interpreter().flags_1(0x0800_0000)),
        ("/b/libw.so", Elf::library("")),
    ]);
    text(&mut tree, "/a/libz.so", "/* GNU ld script */ INPUT ( libz.so.1 )");
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    libx.so => /b/libx.so (runpath) < /bin/app
    missing liby.so < /bin/app; /a/liby.so: it is for AArch64
    missing libz.so < /bin/app; /a/libz.so: it is not an ELF file
    missing libw.so < /bin/app; /a/libw.so: it is a static program
    ");
}

#[test]
fn one_file_under_two_names_is_one_library() {
    let mut tree = debian(&[
        ("/bin/app", Elf::program().needs(&["liba.so", "liba.so.1", "/opt/liba.so.1.0", "libx.so"])),
        ("/lib/liba.so.1.0", Elf::library("liba.so.1")),
        ("/lib/libx.so", Elf::library("").needs(&["liba.so.1"])),
    ]);
    for name in ["/lib/liba.so", "/lib/liba.so.1", "/opt/liba.so.1.0"] {
        link(&mut tree, name, "/lib/liba.so.1.0");
    }
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    liba.so => /lib/liba.so (default) < /bin/app /lib/libx.so; /lib/liba.so -> /lib/liba.so.1.0
    libx.so => /lib/libx.so (default) < /bin/app
    ");
}

#[test]
fn a_library_missing_for_one_may_be_found_for_another() {
    let tree = debian(&[
        ("/bin/app", Elf::program().needs(&["liba.so", "libx.so", "libnone.so"])),
        ("/lib/liba.so", Elf::library("").needs(&["libx.so", "libnone.so"]).runpath("/opt")),
        ("/opt/libx.so", Elf::library("")),
    ]);
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    liba.so => /lib/liba.so (default) < /bin/app
    libx.so => /opt/libx.so (runpath) < /lib/liba.so
    missing libx.so < /bin/app
    missing libnone.so < /bin/app /lib/liba.so
    ");
}

#[test]
fn filters_are_needed_and_auxiliaries_are_not() {
    let tree = debian(&[
        ("/bin/app", Elf::program().needs(&["liba.so"])),
        ("/lib/liba.so", Elf::library("").filters("libf.so").auxiliary("libg.so").auxiliary("libnone.so")),
        ("/lib/libg.so", Elf::library("")),
    ]);
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    liba.so => /lib/liba.so (default) < /bin/app
    libg.so => /lib/libg.so (default) < /lib/liba.so
    missing libf.so < /lib/liba.so
    ");
}

#[test]
fn interpreters_are_judged() {
    let program = || Elf::program().needs(&["libc.so.6"]);
    let mut tree = debian(&[
        ("/bin/foreign", program().interpreter("/lib/ld-foreign.so.1")),
        ("/bin/absent", program().interpreter("/lib/ld-absent.so.1")),
        ("/bin/text", program().interpreter("/lib/ld-text.so.1")),
        ("/bin/musl", program().interpreter("/lib/ld-musl-x86_64.so.1")),
        ("/bin/program", program().interpreter("/bin/absent")),
        ("/bin/library", program().interpreter("/lib/x86_64-linux-gnu/libc.so.6")),
        ("/bin/needy", program().interpreter("/lib/needy.so")),
        ("/lib/needy.so", Elf::library("needy.so").needs(&["libc.so.6"])),
        ("/lib/ld-foreign.so.1", Elf::library("").on("s390x")),
    ]);
    text(&mut tree, "/lib/ld-text.so.1", "text");
    assert_snapshot!(closure_of(&tree, "/bin/foreign"), @r"
    interpreter /lib/ld-foreign.so.1: it is for z/Architecture (s390x)
    libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (default) < /bin/foreign
    ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (default) < /lib/x86_64-linux-gnu/libc.so.6
    ");
    assert_snapshot!(closure_of(&tree, "/bin/absent"), @r"
    interpreter /lib/ld-absent.so.1: nothing there
    libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (default) < /bin/absent
    ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (default) < /lib/x86_64-linux-gnu/libc.so.6
    ");
    assert_snapshot!(closure_of(&tree, "/bin/text"), @r"
    interpreter /lib/ld-text.so.1: it is not an ELF file
    libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (default) < /bin/text
    ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (default) < /lib/x86_64-linux-gnu/libc.so.6
    ");
    let first = |program: &str| closure_of(&tree, program).lines().next().unwrap().to_owned();
    let lines = ["/bin/program", "/bin/library", "/bin/needy"].map(first).join("\n");
    assert_snapshot!(lines, @r"
    interpreter /bin/absent: it is a program, and no loader
    interpreter /lib/x86_64-linux-gnu/libc.so.6: it is a shared object, and no loader
    interpreter /lib/needy.so: it is a shared object, and no loader
    ");
    assert_snapshot!(closure_of(&tree, "/bin/musl"), @"interpreter /lib/ld-musl-x86_64.so.1: nothing there");
}

#[test]
fn a_shared_object_alone_is_judged_by_the_usual_loader() {
    let tree = debian(&[("/opt/plugin.so", Elf::library("").needs(&["libc.so.6", "libnone.so"]))]);
    assert_snapshot!(closure_of(&tree, "/opt/plugin.so"), @r"
    no interpreter
    libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (default) < /opt/plugin.so
    ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (interpreter) < /lib/x86_64-linux-gnu/libc.so.6
    missing libnone.so < /opt/plugin.so
    ");
    assert_snapshot!(closure_of(&tree, "/lib/x86_64-linux-gnu/libc.so.6"), @r"
    no interpreter
    ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (interpreter) < /lib/x86_64-linux-gnu/libc.so.6
    ");
}

#[test]
fn a_static_program_loads_nothing() {
    let tree = tree(&[("/app", Elf::static_program())]);
    assert_snapshot!(closure_of(&tree, "/app"), @"no interpreter");
}

#[test]
fn a_plugin_is_resolved_in_the_scope_of_its_program() {
    let tree = debian(&[
        ("/app/app", Elf::program().rpath("/app/lib").needs(&["liba.so.1"])),
        ("/app/lib/liba.so.1", Elf::library("liba.so.1")),
        ("/app/plugin.so", Elf::library("").needs(&["liba.so.1", "libb.so.1"])),
        ("/app/lib/libb.so.1", Elf::library("libb.so.1")),
    ]);
    assert_snapshot!(closure_of(&tree, "/app/plugin.so"), @r"
    no interpreter
    missing liba.so.1 < /app/plugin.so
    missing libb.so.1 < /app/plugin.so
    ");
    let memo = FactsMemo::default();
    let names = ["/app/plugin.so".into(), "libnone.so.1".into()];
    let closure = Linker::new(&tree, &memo).closure_with(&path("/app/app"), &names).unwrap();
    assert_snapshot!(tell(&closure), @r"
    liba.so.1 => /app/lib/liba.so.1 (rpath) < /app/app /app/plugin.so
    /app/plugin.so => /app/plugin.so (path) < /app/app
    libb.so.1 => /app/lib/libb.so.1 (rpath) < /app/plugin.so
    missing libnone.so.1 < /app/app
    ");
}

#[test]
fn versions_are_those_of_the_bound_library() {
    let tree = debian(&[
        (
            "/bin/app",
            Elf::program()
                .needs(&["libc.so.6", "liba.so.1", "libbare.so.1", "libtable.so.1", "libgone.so.1"])
                .needs_versions("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.38"])
                .wants_versions("libc.so.6", &["GLIBC_2.99"])
                .needs_versions("libbare.so.1", &["BARE_1"])
                .needs_versions("libtable.so.1", &["TABLE_1"])
                .needs_versions("libgone.so.1", &["GONE_1"])
                .needs_versions("libunheard.so.1", &["UNHEARD_1"]),
        ),
        (
            "/lib/liba.so.1",
            Elf::library("liba.so.1").needs(&["libc.so.6"]).needs_versions("libc.so.6", &["GLIBC_2.38"]),
        ),
        ("/lib/libbare.so.1", Elf::library("libbare.so.1")),
        ("/lib/libtable.so.1", Elf::library("libtable.so.1").version_table()),
    ]);
    assert_snapshot!(closure_of(&tree, "/bin/app"), @r"
    libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (default) < /bin/app /lib/liba.so.1
    liba.so.1 => /lib/liba.so.1 (default) < /bin/app
    libbare.so.1 => /lib/libbare.so.1 (default) < /bin/app
    libtable.so.1 => /lib/libtable.so.1 (default) < /bin/app
    ld-linux-x86-64.so.2 => /lib64/ld-linux-x86-64.so.2 (interpreter) < /lib/x86_64-linux-gnu/libc.so.6
    missing libgone.so.1 < /bin/app
    missing libunheard.so.1 < /bin/app
    no GLIBC_2.38 in /lib/x86_64-linux-gnu/libc.so.6 < /bin/app /lib/liba.so.1
    no BARE_1 in /lib/libbare.so.1 without a table < /bin/app
    no versions in /lib/libtable.so.1 < /bin/app
    ");
}

#[test]
fn other_machines_work_the_same() {
    for uname in ["s390x", "armv7l", "riscv64", "ppc64le", "mips64el", "i686", "aarch64"] {
        let interpreter = crate::Machine::from_uname(uname).unwrap().loader_candidates()[0];
        let loader = Elf::glibc_loader(path(interpreter).name(), &["/lib/", "/usr/lib/"]).on(uname);
        let library = Elf::library("libc.so.6").on(uname).defines(&["GLIBC_2.17"]);
        let program = Elf::program().on(uname).interpreter(interpreter).needs(&["libc.so.6", "libnone.so"]);
        let program = program.needs_versions("libc.so.6", &["GLIBC_2.17", "GLIBC_2.99"]);
        let tree = tree(&[("/app", program), (interpreter, loader), ("/usr/lib/libc.so.6", library)]);
        assert_eq!(
            closure_of(&tree, "/app"),
            "libc.so.6 => /usr/lib/libc.so.6 (default) < /app\n\
            missing libnone.so < /app\n\
            no GLIBC_2.99 in /usr/lib/libc.so.6 < /app\n",
            "{uname}"
        );
    }
}

#[test]
fn what_is_no_program_is_an_error() {
    let mut tree = tree(&[("/object.o", Elf::library("").of_type(1))]);
    text(&mut tree, "/script", "#!/bin/sh\n");
    text(&mut tree, "/cut", &b"\x7fELF\x02\x01\x01"[..]);
    link(&mut tree, "/loop", "loop");
    let memo = FactsMemo::default();
    let linker = Linker::new(&tree, &memo);
    for (file, message) in [
        ("/absent", "/absent: no such file"),
        ("/", "/ is a directory, not an ELF program or shared object"),
        ("/object.o", "/object.o is an object file, not an ELF program or shared object"),
        ("/script", "/script is some other file, not an ELF program or shared object"),
        ("/cut", "/cut is a damaged ELF file: it ends within its header"),
        ("/loop", "/loop: too many levels of symbolic links"),
    ] {
        assert_eq!(linker.closure(&path(file)).unwrap_err().to_string(), message);
    }
}

/// Files of another class or machine are passed over. Whatever else is wrong with the first file of the
/// name ends the search.
#[test]
fn what_is_wrong_with_a_header_decides_whether_the_search_goes_on() {
    let found = |file: Vec<u8>| {
        let mut tree = debian(&[
            ("/app", Elf::program().runpath("/first").needs(&["liba.so.1"])),
            ("/lib/x86_64-linux-gnu/liba.so.1", Elf::library("liba.so.1")),
        ]);
        text(&mut tree, "/first/liba.so.1", file);
        closure_of(&tree, "/app")
    };
    let on = |uname: &str| Elf::library("liba.so.1").on(uname).build();
    let spoiled = |at: usize, byte: u8| {
        let mut bytes = on("x86_64");
        bytes[at] = byte;
        bytes
    };
    let second = "liba.so.1 => /lib/x86_64-linux-gnu/liba.so.1 (default) < /app\n";
    assert_eq!(["i686", "aarch64", "armv7l", "s390x"].map(|uname| found(on(uname))), [second; 4]);
    let lines = [spoiled(7, 9), spoiled(8, 1), spoiled(9, 1), spoiled(20, 2)].map(found).concat();
    assert_snapshot!(lines, @r"
    missing liba.so.1 < /app; /first/liba.so.1: its header says that it is for another system than Linux
    missing liba.so.1 < /app; /first/liba.so.1: its header says that it needs a newer loader
    missing liba.so.1 < /app; /first/liba.so.1: its header has something where nothing should be
    missing liba.so.1 < /app; /first/liba.so.1: its header is of a version that no loader knows
    ");
}

/// A library with another floating point unit in mind is passed over on MIPS.
#[test]
fn mips_passes_over_other_floats() {
    const LOADER: &str = "/lib64/ld.so.1";
    let flags = |fp_abi: u8| [&[0, 0, 64, 2, 2, 2, 0, fp_abi][..], &[0; 16]].concat();
    let mips = |elf: Elf, fp_abi: u8| elf.on("mips64el").segment(0x7000_0003, 8, &flags(fp_abi));
    let tree = tree(&[
        ("/app", mips(Elf::program().interpreter(LOADER).runpath("/a:/b").needs(&["liba.so", "libb.so"]), 1)),
        ("/a/liba.so", mips(Elf::library("liba.so"), 3)),
        ("/b/liba.so", mips(Elf::library("liba.so"), 0)),
        ("/a/libb.so", mips(Elf::library("libb.so"), 3)),
        (LOADER, Elf::glibc_loader("ld.so.1", &["/lib64/"]).on("mips64el")),
    ]);
    assert_snapshot!(closure_of(&tree, "/app"), @r"
    liba.so => /b/liba.so (runpath) < /app
    missing libb.so < /app; /a/libb.so: it is for little-endian 64-bit MIPS (soft float)
    ");
}

/// Where a loader of a program that gains rights looks: `AT_SECURE` of getauxval(3).
#[test]
fn a_program_that_gains_rights_is_not_trusted() {
    let files = |own: Elf, interpreter: Elf| {
        tree(&[
            ("/app/app", own.needs(&["liba.so.1"])),
            ("/app/lib/liba.so.1", Elf::library("liba.so.1").runpath("$ORIGIN").needs(&["libb.so.1"])),
            ("/app/lib/libb.so.1", Elf::library("libb.so.1")),
            ("/lib64/ld-linux-x86-64.so.2", interpreter),
        ])
    };
    let glibc = || Elf::glibc_loader("ld-linux-x86-64.so.2", &["/lib64/", "/app/lib/"]);
    let none = || Elf::glibc_loader("ld-linux-x86-64.so.2", &["/lib64/"]);
    let rule = |tree: &tree::Tree, env: &str| {
        let memo = FactsMemo::default();
        let closure =
            Linker::new(tree, &memo).ld_library_path(env).secure().closure(&path("/app/app")).unwrap();
        let rules: Vec<&str> = closure.libraries.iter().map(|library| library.rule.as_str()).collect();
        rules.join(" ")
    };
    // What libraries say counts, and so does a path that depends on nothing.
    assert_eq!(rule(&files(Elf::program().runpath("/app/lib"), none()), ""), "runpath runpath");
    assert_eq!(rule(&files(Elf::program().rpath("/app/lib"), none()), ""), "rpath runpath");
    for own in ["$ORIGIN/lib", "${ORIGIN}/lib", "/nowhere:$ORIGIN/lib"] {
        assert_eq!(rule(&files(Elf::program().runpath(own), none()), ""), "", "{own}");
        assert_eq!(rule(&files(Elf::program().rpath(own), none()), ""), "", "{own}");
    }
    assert_eq!(rule(&files(Elf::program(), none()), "/app/lib"), "", "LD_LIBRARY_PATH");
    // Built-in directories are trusted however they are named.
    assert_eq!(rule(&files(Elf::program().runpath("$ORIGIN/lib"), glibc()), ""), "runpath runpath");
}
