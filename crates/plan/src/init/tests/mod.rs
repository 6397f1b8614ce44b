#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod compiled;
mod interpreted;

use super::*;
use crate::spec::SpecError;

/// What is wrong with a spec.
fn wrong(spec: &str) -> Vec<SpecError> {
    crate::spec::parse(spec).err().unwrap_or_default()
}

fn machine(uname: &str) -> elf::Machine {
    elf::Machine::from_uname(uname).unwrap()
}

/// A project of these files. A text that begins with `ELF` makes a program: `ELF static`, `ELF dynamic`, and
/// `ELF foreign`, which is static and of another machine. `JAR` makes a jar, with what its manifest has: `main`, `path`.
fn project(files: &[(&str, &str)]) -> Project {
    let file = |text: &str| match text {
        "ELF static" => ProjectFile::Program { is_static: true, machine: machine("x86_64") },
        "ELF dynamic" => ProjectFile::Program { is_static: false, machine: machine("x86_64") },
        "ELF foreign" => ProjectFile::Program { is_static: true, machine: machine("aarch64") },
        "" => ProjectFile::Other,
        jar if jar.starts_with("JAR") => {
            ProjectFile::Jar { has_main: jar.contains("main"), has_class_path: jar.contains("path") }
        }
        text => ProjectFile::Text(text.into()),
    };
    Project {
        name: "shop".into(),
        files: files.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect(),
        release: Some("debian:bookworm".into()),
        machine: Some(machine("x86_64")),
        workspace: None,
    }
}

/// The best that is recognised; whatever is, is a spec.
fn best(files: &[(&str, &str)]) -> Recognised {
    let found = recognise(&project(files));
    for Recognised { spec, .. } in &found {
        assert!(wrong(spec).is_empty(), "{:?}\n{spec}", wrong(spec));
    }
    found.into_iter().next().unwrap_or_else(|| panic!("nothing is recognised in {files:?}"))
}

/// Asserts what it is, lines of its spec, and the first command before it can be built.
fn is(files: &[(&str, &str)], what: &str, lines: &[&str], before: Option<&str>) {
    let found = best(files);
    assert_eq!(found.what, what, "{}", found.spec);
    for line in lines {
        assert!(found.spec.lines().any(|has| has == *line), "no line `{line}` in\n{}", found.spec);
    }
    assert_eq!(found.before.first().map(String::as_str), before, "{}", found.spec);
}

pub(super) const GO: &str = "package main\n\nfunc main() { http.ListenAndServe(\":8080\", nil) }\n";

#[test]
fn a_dockerfile_tells_arguments_variables_and_ports() {
    let dockerfile = "FROM golang AS build\nENV CGO_ENABLED=0\nFROM scratch\nENV LOG=debug PATH=/x PIP_NO_CACHE_DIR=1\nEXPOSE 9090\n\
        ENTRYPOINT [\"/usr/bin/shop\", \"serve\"]\nCMD [\"--verbose\"]\n";
    is(
        &[("go.mod", "module shop"), ("main.go", GO), ("shop", "ELF static"), ("Dockerfile", dockerfile)],
        "a Go program",
        &[
            "entrypoint = [\"/app/shop\", \"serve\"]",
            "cmd = [\"--verbose\"]",
            "env = { LOG = \"debug\" }",
            "ports = [\"9090\"]  # EXPOSE of the Dockerfile",
        ],
        None,
    );
}

#[test]
fn the_most_specific_language_wins() {
    let languages = |files: &[(&str, &str)]| {
        recognise(&project(files)).iter().map(|found| found.language).collect::<Vec<_>>()
    };
    let page = ("package.json", r#"{"main": "index.js"}"#);
    for (files, want) in [
        (
            &[("go.mod", "module shop"), ("main.go", GO), page, ("index.js", "x")][..],
            &[Language::Go, Language::Node][..],
        ),
        (&[page, ("index.js", "x"), ("tool.py", "x")], &[Language::Node, Language::Python]),
        (
            &[page, ("server.js", "x"), ("app.py", "app = Flask(x)"), ("requirements.txt", "flask")],
            &[Language::Python, Language::Node],
        ),
        (&[("x/prog", "ELF static"), ("README.md", "")], &[Language::Program]),
        (&[("a\nb", "ELF static"), (" ", "ELF static")], &[]),
        (&[("prog", "ELF foreign")], &[]),
        (&[("README.md", "")], &[]),
        (&[], &[]),
    ] {
        assert_eq!(languages(files), want, "{files:?}");
    }
}

#[test]
fn what_is_looked_at() {
    for (path, is_dir, want) in [
        ("go.mod", false, Wanted::Text),
        ("cmd/x/main.go", false, Wanted::Text),
        ("cmd/x/main_test.go", false, Wanted::Look),
        ("tests/a.py", false, Wanted::Look),
        ("shop", false, Wanted::Look),
        ("node_modules", true, Wanted::Nothing),
        ("a/.git", true, Wanted::Nothing),
        (".venv", true, Wanted::Look),
        (".venv/pyvenv.cfg", false, Wanted::Look),
        (".venv/lib/x.py", false, Wanted::Nothing),
        ("target/release/shop", false, Wanted::Look),
        ("target/debug/shop", false, Wanted::Nothing),
        ("target/a.jar", false, Wanted::Manifest),
        ("app/build/libs/a.jar", false, Wanted::Manifest),
        ("target/quarkus-app/quarkus-run.jar", false, Wanted::Manifest),
        ("target/quarkus-app/app/a.jar", false, Wanted::Look),
        ("target/a-sources.jar", false, Wanted::Look),
        ("lib/a.jar", false, Wanted::Look),
        (".next/standalone/server.js", false, Wanted::Look),
        ("a/b/c/d/e/f/g/h", true, Wanted::Nothing),
        ("requirements-dev.txt", false, Wanted::Text),
        ("tests/server.key", false, Wanted::Text),
        (".output/server/index.mjs", false, Wanted::Look),
        (".output/server/package.json", false, Wanted::Text),
    ] {
        assert_eq!(wanted(path, is_dir), want, "{path}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(6))]

    #[test]
    fn whatever_the_files_say_the_spec_is_one(
        text in "[a-z\"'\\\\#=:\\[\\]{}<>$ \n]{0,80}",
        name in "[a-z\"'#$ .*{}\n]{1,12}",
    ) {
        // No file is called so.
        proptest::prop_assume!(![".", ".."].contains(&name.as_str()));
        for file in ["Dockerfile", "package.json", "Cargo.toml", "go.mod", "pyproject.toml", "requirements.txt", "pom.xml", "CMakeLists.txt", "Makefile"] {
            let files = [
                (file, text.as_str()),
                (name.as_str(), "ELF static"),
                ("main.py", text.as_str()),
                ("index.js", "x"),
                ("main.c", text.as_str()),
            ];
            let known = recognise(&Project { name: name.clone(), ..project(&files) });
            for found in known {
                let wrong = wrong(&found.spec);
                proptest::prop_assert!(wrong.is_empty(), "{:?}
{}", wrong, found.spec);
            }
        }
    }
}
