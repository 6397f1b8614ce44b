//! The undefined symbols of this machine's own programs and libraries, against what its loader says
//! when it binds all of them.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use elf::{FactsMemo, Linker, UndefinedSymbol};
use source::Directory;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tree::TreePath;

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
/// Libraries and plugins are judged as if they were programs: most plugins need symbols of the program
/// that loads them, so that there is much to be undefined.
const DIRS: [&str; 6] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/python3.11/lib-dynload",
    "/usr/lib/x86_64-linux-gnu/perl-base/auto",
    "/usr/lib/apache2/modules",
];

/// A symbol, its version, and the file that needs it.
type Symbol = (String, Option<String>, PathBuf);

/// Every tenth file, or with `BANTAM_ORACLE=all` every file.
#[test]
fn symbols_are_undefined_as_the_loader_says() {
    if !Path::new(LOADER).exists() {
        println!("SKIPPED: no {LOADER} on this machine");
        return;
    }
    let step = if std::env::var("BANTAM_ORACLE").is_ok_and(|value| value == "all") { 1 } else { 10 };
    let root = Directory::host().unwrap();
    let memo = FactsMemo::default();
    let linker = Linker::new(&root, &memo);
    let (mut compared, mut undefined, mut differ) = (0, 0, 0);
    for file in files().iter().step_by(step) {
        let Some(expected) = ask_the_loader(file) else { continue };
        compared += 1;
        undefined += expected.len();
        let found = symbols(&linker, file);
        if found != expected {
            differ += 1;
            println!("{}: loader alone {:?}", file.display(), expected.difference(&found));
            println!("  found alone {:?}", found.difference(&expected));
        }
    }
    println!("compared {compared} files with {undefined} undefined symbols, {differ} differ");
    assert!(compared > 100, "only {compared} files could be compared");
    assert_eq!(differ, 0);
}

/// The real files of the directories that start as ELF files, sorted, each once.
fn files() -> Vec<PathBuf> {
    let mut files = BTreeSet::new();
    let mut dirs: Vec<PathBuf> = DIRS.iter().map(PathBuf::from).collect();
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            if entry.file_type().unwrap().is_dir() && dir.ends_with("auto")
                || dir.iter().any(|name| name == "auto")
            {
                dirs.push(entry.path());
            }
            let Ok(path) = entry.path().canonicalize() else { continue };
            let mut magic = [0; 4];
            let file = std::fs::File::open(&path);
            let read = file.and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic));
            if read.is_ok() && magic == *b"\x7fELF" && path.to_str().is_some() {
                files.insert(path);
            }
        }
    }
    files.into_iter().collect()
}

/// The symbols that are not found for the file.
fn symbols(linker: &Linker<'_>, file: &Path) -> BTreeSet<Symbol> {
    let closure = linker.closure(&TreePath::parse(file.to_str().unwrap()).unwrap()).unwrap();
    let found = linker.undefined_symbols(&closure);
    assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
    let symbol =
        |undefined: UndefinedSymbol| (undefined.symbol, undefined.version, real(undefined.object.as_str()));
    found.symbols.into_iter().map(symbol).collect()
}

/// All symbols that the loader would not find for the file; none if it refuses the file, or does not
/// find a library.
fn ask_the_loader(file: &Path) -> Option<BTreeSet<Symbol>> {
    let mut command = Command::new(LOADER);
    command.env_clear().env("LD_TRACE_LOADED_OBJECTS", "1").env("LD_WARN", "yes").env("LD_BIND_NOW", "yes");
    let output = command.args(["--glibc-hwcaps-mask", "none"]).arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || text.contains("not found") || text.contains("statically linked") {
        return None;
    }
    let mut symbols = BTreeSet::new();
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("undefined symbol: ") else { continue };
        let (symbol, object) = rest.trim_end().strip_suffix(')')?.split_once("\t(")?;
        let (symbol, version) =
            symbol.split_once(", version ").map_or((symbol, None), |(s, v)| (s, Some(v.into())));
        symbols.insert((symbol.into(), version, real(object)));
    }
    Some(symbols)
}

fn real(path: &str) -> PathBuf {
    Path::new(path).canonicalize().unwrap()
}

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

#[test]
fn libraries_that_changed_lack_what_the_loader_says() {
    let Some(built) = build_cases("gcc", LOADER) else { return };
    for (case, app, found) in built.apps() {
        assert_eq!(found, ask_the_loader(&app).unwrap(), "{}", case.name);
        let name = |(symbol, version, _): Symbol| match version {
            Some(version) => format!("{symbol}@{version}"),
            None => symbol,
        };
        let names: BTreeSet<String> = found.into_iter().map(name).collect();
        assert!(names.iter().eq(case.undefined), "{}: {names:?}", case.name);
    }
}

/// The same cases for musl, which does not look at versions.
#[test]
fn libraries_that_changed_lack_what_musl_says() {
    const MUSL: &str = "/lib/ld-musl-x86_64.so.1";
    let Some(built) = build_cases("musl-gcc", MUSL) else { return };
    for (case, app, found) in built.apps() {
        let output = Command::new(MUSL).arg("--list").arg(&app).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let symbol = |line: &str| {
            let (object, symbol) = line.strip_prefix("Error relocating ")?.split_once(": ")?;
            Some((symbol.strip_suffix(": symbol not found")?.to_owned(), real(object)))
        };
        let expected: BTreeSet<(String, PathBuf)> = text.lines().map(|line| symbol(line).unwrap()).collect();
        let found: BTreeSet<_> = found.into_iter().map(|(symbol, _, object)| (symbol, object)).collect();
        assert_eq!(found, expected, "{}", case.name);
    }
}

/// The cases, built in a folder of their own.
struct Built(tempfile::TempDir);

fn build_cases(compiler: &str, loader: &str) -> Option<Built> {
    let built = Built(tempfile::tempdir().unwrap());
    let compile = |dir: &Path, source: &str, args: &[&str]| {
        std::fs::write(dir.join("source.c"), source).unwrap();
        let output = Command::new(compiler).current_dir(dir).args(["-w", "source.c"]).args(args).output();
        output.is_ok_and(|output| output.status.success())
    };
    let empty = "int main(void) { return 0; }";
    if !Path::new(loader).exists() || !compile(built.0.path(), empty, &["-o", "empty"]) {
        println!("SKIPPED: no {compiler} and {loader}, or they do not work");
        return None;
    }
    for (number, case) in CASES.iter().enumerate() {
        let dir = built.dir(number);
        std::fs::create_dir(&dir).unwrap();
        let library = |(source, script): (&str, &str)| {
            std::fs::write(dir.join("versions"), script).unwrap();
            let mut args = vec!["-shared", "-fPIC", "-o", "libcase.so", "-Wl,-soname,libcase.so"];
            args.extend(case.flags.iter().filter(|flag| flag.starts_with("-Wl")));
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

    /// Each case with its program and the symbols that were not found for it.
    fn apps(&self) -> impl Iterator<Item = (&'static Case, PathBuf, BTreeSet<Symbol>)> {
        CASES.iter().enumerate().map(|(number, case)| {
            let app = self.dir(number).join("app");
            let (root, memo) = (Directory::host().unwrap(), FactsMemo::default());
            let found = symbols(&Linker::new(&root, &memo), &app);
            (case, app, found)
        })
    }
}
