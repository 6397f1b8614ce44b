//! What is stripped runs as before, is as small as binutils make it, and keeps what is loaded where it is.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use elf::strip;
use proptest::prelude::*;
use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
};
use tree::Content;

/// A program with a thread-local variable, a symbol that plugins find, and a constructor.
const SOURCE: &str = r#"
#include <stdio.h>
static _Thread_local int count = 20;
static int made;
__attribute__((constructor)) static void make(void) { made = 22; }
int seen_by_plugins(int more) { return count + more; }
int main(void) { return printf("%d\n", seen_by_plugins(made)) == 3 ? 0 : 1; }
"#;

fn stripped(file: &Path) -> Vec<u8> {
    strip(&Content::bytes(fs::read(file).unwrap(), "the test")).unwrap()
}

/// Compiles the program; none without a compiler for these options.
fn compiled(dir: &Path, name: &str, compiler: &str, options: &[&str]) -> Option<PathBuf> {
    let (source, to) = (dir.join("source.c"), dir.join(name));
    fs::write(&source, SOURCE).unwrap();
    let made = Command::new(compiler).arg("-g").args(options).arg(&source).arg("-o").arg(&to).output();
    made.is_ok_and(|made| made.status.success()).then_some(to)
}

fn run(program: &Path) -> String {
    let output = loop {
        match Command::new(program).output() {
            // Another test starts a program, which has the file open for a moment.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
            output => break output.unwrap(),
        }
    };
    assert!(output.status.success(), "{}: {}", program.display(), output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn readelf(options: &[&str], file: &Path) -> String {
    let output = Command::new("readelf").arg("--wide").args(options).arg(file).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_program_runs_as_before_and_is_as_small_as_binutils_make_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for (name, compiler, options) in [
        ("pie", "gcc", &["-rdynamic"][..]),
        ("fixed", "gcc", &["-no-pie"]),
        ("static", "gcc", &["-static"]),
        ("small", "gcc", &["-m32"]),
        ("compressed", "gcc", &["-gz"]),
    ] {
        let Some(program) = compiled(dir.path(), name, compiler, options) else {
            println!("SKIPPED: {compiler} does not compile with {options:?}");
            continue;
        };
        let ours = dir.path().join(format!("{name}.ours"));
        fs::write(&ours, stripped(&program)).unwrap();
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(run(&ours), run(&program), "{name}");
        let sections = readelf(&["--sections"], &ours);
        assert!(!sections.contains(".symtab") && !sections.contains(".debug"), "{sections}");
        let of_loader = ["--segments", "--dynamic", "--dyn-syms", "--relocs"];
        assert_eq!(
            readelf(&of_loader[1..], &ours),
            readelf(&of_loader[1..], &program),
            "{name}: what is loaded has changed"
        );
        assert_eq!(readelf(&["--segments"], &ours), readelf(&["--segments"], &program), "{name}");
        assert_eq!(stripped(&ours), fs::read(&ours).unwrap(), "{name}: stripped twice");
        let theirs = dir.path().join(format!("{name}.theirs"));
        let done = Command::new("strip").args(["-s", "-o"]).arg(&theirs).arg(&program).status();
        if done.is_ok_and(|done| done.success()) {
            let size = |file: &Path| fs::metadata(file).unwrap().len() as f64;
            let (ours, theirs) = (size(&ours), size(&theirs));
            assert!((ours - theirs).abs() <= theirs / 100.0, "{name}: {ours} bytes, binutils {theirs}");
            compared += 1;
        }
    }
    println!("compared {compared} programs with what binutils make of them");
}

#[test]
fn both_byte_orders_and_widths_are_written_as_they_were_read() {
    let dir = tempfile::tempdir().unwrap();
    let compilers = ["s390x-linux-gnu-gcc", "aarch64-linux-gnu-gcc", "arm-linux-gnueabihf-gcc"];
    for source in compilers {
        let name = source;
        let Some(program) = compiled(dir.path(), name, source, &[]) else {
            println!("SKIPPED: no {source}");
            continue;
        };
        let ours = dir.path().join("ours");
        fs::write(&ours, stripped(&program)).unwrap();
        let dynamic = ["--dynamic", "--dyn-syms", "--relocs"];
        assert_eq!(readelf(&dynamic, &ours), readelf(&dynamic, &program), "{name}");
        assert_eq!(readelf(&["--segments"], &ours), readelf(&["--segments"], &program), "{name}");
        assert!(!readelf(&["--sections"], &ours).contains(".symtab"), "{name}");
    }
}

#[test]
fn spoiled_files_are_stripped_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let Some(program) = compiled(dir.path(), "program", "gcc", &[]) else {
        println!("SKIPPED: no gcc");
        return;
    };
    let original = fs::read(program).unwrap();
    let headers = original.len() - 64 * 64;
    let at = prop_oneof![0usize..64, headers..original.len(), 0..original.len()];
    let value = prop_oneof![Just(0u8), Just(0xff), Just(0x7f), Just(1), any::<u8>()];
    let changes = prop::collection::vec((at, value), 1..24);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&changes, |changes| {
            let mut bytes = original.clone();
            for (at, value) in changes {
                bytes[at] = value;
            }
            if let Ok(stripped) = strip(&Content::bytes(bytes, "the test")) {
                prop_assert!(stripped.len() <= original.len() + (1 << 21));
            }
            Ok(())
        })
        .unwrap();
}
