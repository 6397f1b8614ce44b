//! Programs whose library is another one than they were linked with, against what the loaders of glibc,
//! for any architecture, and musl say.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod said;

use elf::{FactsMemo, Linker};
use source::Directory;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tree::{Overlay, TreePath};

/// A program, and its library as it was when the program was linked and as it is when it is run: C
/// source, and a version script where the library has one.
struct Case {
    name: &'static str,
    program: &'static str,
    flags: &'static [&'static str],
    before: (&'static str, &'static str),
    after: (&'static str, &'static str),
    /// What is undefined then.
    undefined: &'static [&'static str],
}

const FEW: &str = "int here(void) { return 1; }";
const BOTH: &str = "int here(void) { return 1; } int gone(void) { return 2; }";
const CALL: &str = "int here(void), gone(void); int main(void) { return here() + gone(); }";
const V1: &str = "V1 { global: here; gone; local: *; };";
const V2: &str = "V1 { global: here; local: *; }; V2 { global: gone; } V1;";

const CASES: [Case; 13] = [
    Case {
        name: "nothing",
        program: CALL,
        flags: &[],
        before: (BOTH, ""),
        after: (BOTH, ""),
        undefined: &[],
    },
    Case {
        name: "missing",
        program: CALL,
        flags: &[],
        before: (BOTH, ""),
        after: (FEW, ""),
        undefined: &["gone"],
    },
    Case {
        name: "old hash table",
        program: CALL,
        flags: &["-Wl,--hash-style=sysv"],
        before: (BOTH, ""),
        after: (FEW, ""),
        undefined: &["gone"],
    },
    Case {
        name: "weak",
        program: "int here(void); int gone(void) __attribute__((weak)); int main(void) { return gone ? gone() : here(); }",
        flags: &[],
        before: (BOTH, ""),
        after: (FEW, ""),
        undefined: &[],
    },
    Case {
        name: "another version",
        program: CALL,
        flags: &[],
        before: (BOTH, V1),
        after: (BOTH, V2),
        undefined: &["gone@V1"],
    },
    Case {
        name: "no version",
        program: CALL,
        flags: &[],
        before: (BOTH, ""),
        after: (BOTH, V2),
        undefined: &[],
    },
    Case {
        name: "a version that is gone",
        program: CALL,
        flags: &[],
        before: (BOTH, V1),
        after: (FEW, V1),
        undefined: &["gone@V1"],
    },
    Case {
        name: "hidden",
        program: CALL,
        flags: &[],
        before: (BOTH, ""),
        after: (
            "int here(void) { return 1; } __attribute__((visibility(\"hidden\"))) int gone(void) { return 2; }",
            "",
        ),
        undefined: &["gone"],
    },
    Case {
        name: "defined in the program",
        program: "int gone(void) { return 3; } int here(void); int main(void) { return here(); }",
        flags: &["-rdynamic"],
        before: (BOTH, ""),
        after: ("int gone(void); int here(void) { return gone(); }", ""),
        undefined: &[],
    },
    Case {
        name: "the library wants something new",
        program: "int here(void); int main(void) { return here(); }",
        flags: &[],
        before: (BOTH, ""),
        after: ("int more(void); int here(void) { return more(); }", ""),
        undefined: &["more"],
    },
    Case {
        name: "a copied variable",
        program: "extern int data, here; int main(void) { return data + here; }",
        flags: &["-no-pie", "-fno-pie"],
        before: ("int data = 1; int here = 2;", ""),
        after: ("int here = 2;", ""),
        undefined: &["data"],
    },
    Case {
        name: "the address of a function",
        program: "int here(void), gone(void); int (*volatile f)(void); int main(void) { f = gone; return here() + gone(); }",
        flags: &["-no-pie", "-fno-pie"],
        before: (BOTH, ""),
        after: ("int gone(void); int (*g)(void) = gone; int here(void) { return gone(); }", ""),
        undefined: &["gone"],
    },
    Case {
        name: "a variable of each thread",
        program: "extern __thread int here, gone; int main(void) { return here + gone; }",
        flags: &["-Wl,--hash-style=sysv"],
        before: ("__thread int here = 1; __thread int gone;", ""),
        after: ("__thread int here = 1;", ""),
        undefined: &["gone"],
    },
];

/// A symbol, its version, and the name of the file that needs it.
type Symbol = (String, Option<String>, String);

#[test]
fn the_loader_of_this_machine_says_the_same() {
    const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
    let Some(built) = build("gcc", LOADER) else { return };
    for (number, case) in CASES.iter().enumerate() {
        let found = built.find("/", number);
        assert_eq!(found, trace(Command::new(LOADER).arg(built.app(number))), "{}", case.name);
        let name = |(symbol, version, _): Symbol| match version {
            Some(version) => format!("{symbol}@{version}"),
            None => symbol,
        };
        let names: BTreeSet<String> = found.into_iter().map(name).collect();
        assert!(names.iter().eq(case.undefined), "{}: {names:?}", case.name);
    }
}

/// Machines differ in relocations, in the size of hash tables, and MIPS in much more. One of them, or with
/// `BANTAM_ORACLE=all` every one.
#[test]
fn the_loaders_of_other_machines_say_the_same() {
    let is_long = std::env::var("BANTAM_ORACLE").is_ok_and(|value| value == "all");
    let targets = [
        ("s390x-linux-gnu", "s390x", "ld64.so.1"),
        ("aarch64-linux-gnu", "aarch64", "ld-linux-aarch64.so.1"),
        ("arm-linux-gnueabihf", "arm", "ld-linux-armhf.so.3"),
        ("i686-linux-gnu", "i386", "ld-linux.so.2"),
        ("mips64el-linux-gnuabi64", "mips64el", "ld.so.1"),
        ("mipsel-linux-gnu", "mipsel", "ld.so.1"),
        ("powerpc64le-linux-gnu", "ppc64le", "ld64.so.2"),
        ("riscv64-linux-gnu", "riscv64", "ld-linux-riscv64-lp64d.so.1"),
    ];
    for (target, qemu, loader) in targets.into_iter().take(if is_long { targets.len() } else { 1 }) {
        let root = [format!("/usr/{target}"), format!("/usr/{}", target.replace("i686", "i386"))];
        let lib = |root: &&String| {
            ["lib", "lib64"].iter().any(|lib| Path::new(root).join(lib).join(loader).exists())
        };
        let Some(root) = root.iter().find(lib) else {
            println!("SKIPPED: no {loader} in {}", root[0]);
            continue;
        };
        let qemu = format!("/usr/bin/qemu-{qemu}-static");
        let Some(built) = build(&format!("{target}-gcc"), &qemu) else { continue };
        for (number, case) in CASES.iter().enumerate() {
            let mut emulator = Command::new(&qemu);
            emulator.args(["-L", root]).arg(built.app(number));
            assert_eq!(built.find(root, number), trace(&mut emulator), "{target}, {}", case.name);
        }
    }
}

/// musl does not look at versions.
#[test]
fn musl_says_the_same() {
    const MUSL: &str = "/lib/ld-musl-x86_64.so.1";
    let Some(built) = build("musl-gcc", MUSL) else { return };
    for (number, case) in CASES.iter().enumerate() {
        let output = Command::new(MUSL).arg("--list").arg(built.app(number)).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let symbol = |line: &str| {
            let (object, symbol) = line.strip_prefix("Error relocating ")?.split_once(": ")?;
            Some((symbol.strip_suffix(": symbol not found")?.to_owned(), name(object)))
        };
        let expected: BTreeSet<_> = text.lines().map(|line| symbol(line).unwrap()).collect();
        let found = built.find("/", number).into_iter().map(|(symbol, _, object)| (symbol, object));
        assert_eq!(found.collect::<BTreeSet<_>>(), expected, "{}", case.name);
    }
}

/// What glibc's loader does not find when the command traces a program.
fn trace(command: &mut Command) -> BTreeSet<Symbol> {
    for (key, value) in [("LD_TRACE_LOADED_OBJECTS", "1"), ("LD_WARN", "yes"), ("LD_BIND_NOW", "yes")] {
        command.env(key, value);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("libcase.so => /"), "{command:?}: {text}");
    said::undefined(&text).map(|(symbol, version, object)| (symbol, version, name(object))).collect()
}

fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap().into()
}

/// The cases, each built in a folder of its own.
struct Built(tempfile::TempDir);

fn build(compiler: &str, peer: &str) -> Option<Built> {
    let built = Built(tempfile::tempdir().unwrap());
    let compile = |dir: &Path, source: &str, args: &[&str]| {
        std::fs::write(dir.join("source.c"), source).unwrap();
        let output = Command::new(compiler).current_dir(dir).args(["-w", "source.c"]).args(args).output();
        output.is_ok_and(|output| output.status.success())
    };
    let empty = "int main(void) { return 0; }";
    if !Path::new(peer).exists() || !compile(built.0.path(), empty, &["-o", "empty"]) {
        println!("SKIPPED: no {compiler} and {peer}, or they do not work");
        return None;
    }
    for (number, case) in CASES.iter().enumerate() {
        let dir = built.dir(number);
        std::fs::create_dir(&dir).unwrap();
        // MIPS keeps to the older hash table by itself.
        let is_for_all = |flag: &&str| flag.starts_with("-Wl") && !compiler.starts_with("mips");
        let library = |(source, script): (&str, &str)| {
            std::fs::write(dir.join("versions"), script).unwrap();
            let mut args = vec!["-shared", "-fPIC", "-o", "libcase.so", "-Wl,-soname,libcase.so"];
            args.extend(case.flags.iter().copied().filter(is_for_all));
            args.extend((!script.is_empty()).then_some("-Wl,--version-script=versions"));
            compile(&dir, source, &args)
        };
        let app = [case.flags, &["-o", "app", "-L.", "-lcase", "-Wl,-rpath,$ORIGIN,--no-as-needed"]].concat();
        let is_built = library(case.before) && compile(&dir, case.program, &app) && library(case.after);
        assert!(is_built, "{}: cannot be built with {compiler}", case.name);
    }
    Some(built)
}

impl Built {
    fn dir(&self, number: usize) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(number.to_string())
    }

    fn app(&self, number: usize) -> PathBuf {
        self.dir(number).join("app")
    }

    /// The symbols that are not found for the program of a case, with the libraries of a root.
    fn find(&self, root: &str, number: usize) -> BTreeSet<Symbol> {
        let upper = Directory::open(self.0.path()).unwrap();
        let lower = Directory::open(Path::new(root)).unwrap();
        let (view, memo) = (Overlay { upper: &upper, lower: &lower }, FactsMemo::default());
        let linker = Linker::new(&view, &memo);
        let closure = linker.closure(&TreePath::parse(&format!("/{number}/app")).unwrap()).unwrap();
        assert!(closure.is_complete(), "{closure:?}");
        let found = linker.undefined_symbols(&closure);
        assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
        let symbols = found.symbols.into_iter();
        symbols.map(|symbol| (symbol.symbol, symbol.version, name(symbol.object.as_str()))).collect()
    }
}
