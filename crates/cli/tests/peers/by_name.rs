//! Programs that load by name do real work in images made of nothing but their path, after what the findings
//! say was followed.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::runtime::{Runtime, Work};
use crate::workshop::{Workshop, assert_has, at_hand};

/// How often findings may lead to others.
const ROUNDS: usize = 4;

/// What of the spec findings ask to change.
#[derive(Default)]
struct Followed {
    keep: Vec<String>,
    dlopen: Vec<String>,
    /// The texts of all findings that were met.
    texts: Vec<String>,
}

impl Followed {
    fn spec(&self, program: &str) -> String {
        format!(
            "name = \"example.com/by-name\"\n[config]\nentrypoint = [\"{program}\"]\nworkdir = \"/work\"\n\
             env = {{ HOME = \"/work\" }}\n[runtime]\nkeep = {:?}\ndlopen = {:?}\n[[dirs]]\npath = \"/work\"\nowner = \"nonroot\"\n",
            self.keep, self.dlopen
        )
    }

    /// Takes in the first fix of a finding; true if it is new.
    fn follow(&mut self, finding: &Value) -> bool {
        let text = finding["message"].as_str().unwrap().to_owned();
        let fix = finding["fixes"][0].as_str().unwrap_or_default();
        let (list, value) =
            match (fix.strip_prefix("in [runtime]: keep = "), fix.strip_prefix("in [runtime]: dlopen = ")) {
                (Some(value), _) => (&mut self.keep, value),
                (None, Some(value)) => (&mut self.dlopen, value),
                _ => panic!("no fix to follow: {finding}"),
            };
        self.texts.push(text);
        let wanted: Vec<String> = serde_json::from_str(value).unwrap();
        let new: Vec<String> = wanted.into_iter().filter(|name| !list.contains(name)).collect();
        list.extend(new.iter().cloned());
        !new.is_empty()
    }
}

/// The image is named after the spec's file, and all tests share one engine: each program needs a name of its own.
fn file_name(program: &str) -> String {
    format!("by-name-{}.toml", program.rsplit('/').next().unwrap())
}

/// Writes a spec that says no more than the program, and follows what `check` says until it says nothing.
fn followed(workshop: &Workshop, program: &str) -> (PathBuf, Followed) {
    let mut followed = Followed::default();
    for _ in 0..ROUNDS {
        let spec = workshop.write(&file_name(program), followed.spec(program));
        let output = workshop.bantam().args(["check", "--json"]).arg(&spec).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let findings = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        // Each is followed, not only the first that changes something.
        if findings.filter(|finding| followed.follow(finding)).count() == 0 {
            return (spec, followed);
        }
    }
    panic!("the findings never end: {:?}", followed.texts);
}

/// Runs steps in an image of the program as the spec says, and gives what they print.
fn runs(workshop: &Workshop, spec: &std::path::Path, steps: &[&[&str]]) -> String {
    let image = workshop.image(spec);
    let work = Work { steps, volumes: &["/work"], ..Work::default() };
    Runtime::Docker.run(workshop, &image, &work)
}

/// The spec that says no more than the program.
fn defaults(workshop: &Workshop, program: &str) -> PathBuf {
    workshop.write(&file_name(program), Followed::default().spec(program))
}

fn begins(workshop: &Workshop, file: &str, magic: &[u8]) {
    let bytes = fs::read(workshop.path(&format!("open/work/{file}"))).unwrap();
    assert!(bytes.starts_with(magic), "{file}: {:?}", &bytes[..bytes.len().min(16)]);
    assert!(bytes.len() > 500, "{file} has {} bytes", bytes.len());
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

#[test]
fn dot_draws() {
    if !at_hand(&["docker", "gcc", "/usr/bin/dot"]) {
        return;
    }
    let workshop = Workshop::new();
    let spec = defaults(&workshop, "/usr/bin/dot");
    let draw = |format: &'static str, to: &'static str| ["dot", format, "-o", to, "/work/graph.dot"];
    let said = runs(
        &workshop,
        &spec,
        &[
            &["@write", "/work/graph.dot", "digraph { shop -> till [label=pays] }"],
            &draw("-Tpng", "/work/graph.png"),
            &draw("-Tsvg", "/work/graph.svg"),
            &draw("-Tpdf", "/work/graph.pdf"),
            &["dot", "-Kneato", "-Tplain", "/work/graph.dot"],
        ],
    );
    assert_has(&said, &["graph 1", "pays"]);
    begins(&workshop, "graph.png", PNG);
    begins(&workshop, "graph.svg", b"<?xml");
    begins(&workshop, "graph.pdf", b"%PDF");
}

#[test]
fn convert_draws() {
    if !at_hand(&["docker", "gcc", "/usr/bin/convert"]) {
        return;
    }
    let workshop = Workshop::new();
    let spec = defaults(&workshop, "/usr/bin/convert");
    runs(
        &workshop,
        &spec,
        &[
            &["convert", "rose:", "/work/rose.png"],
            &["convert", "/work/rose.png", "-resize", "200%", "-blur", "0x2", "/work/rose.jpg"],
            &["convert", "/work/rose.jpg", "/work/rose.gif"],
        ],
    );
    begins(&workshop, "rose.png", PNG);
    begins(&workshop, "rose.jpg", &[0xff, 0xd8, 0xff]);
    begins(&workshop, "rose.gif", b"GIF8");
}

#[test]
fn openssl_lists_its_providers() {
    if !at_hand(&["docker", "gcc", "openssl"]) {
        return;
    }
    let workshop = Workshop::new();
    let list: &[&str] = &["openssl", "list", "-providers"];
    let plain = defaults(&workshop, "/usr/bin/openssl");
    let request: &[&str] = &[
        "openssl",
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=a",
        "-keyout",
        "/work/key",
        "-out",
        "/work/request",
    ];
    assert_has(&runs(&workshop, &plain, &[list, request]), &["default", "status: active"]);
    begins(&workshop, "request", b"-----BEGIN CERTIFICATE REQUEST");
    let (spec, met) = followed(&workshop, "/usr/bin/openssl");
    assert_has(&met.texts.join("\n"), &["legacy provider"]);
    let legacy: &[&str] = &["openssl", "list", "-providers", "-provider", "legacy", "-provider", "default"];
    assert_has(&runs(&workshop, &spec, &[legacy]), &["OpenSSL Legacy Provider", "OpenSSL Default Provider"]);
}

#[test]
fn perl_uses_its_modules() {
    if !at_hand(&["docker", "gcc", "perl"]) {
        return;
    }
    let workshop = Workshop::new();
    let plain = defaults(&workshop, "/usr/bin/perl");
    let base =
        "use strict; use warnings; use POSIX qw(floor); use File::Spec; print 'floor ', floor(7.9), qq(\\n)";
    assert_has(&runs(&workshop, &plain, &[&["perl", "-e", base]]), &["floor 7"]);
    let (spec, met) = followed(&workshop, "/usr/bin/perl");
    assert_has(&met.texts.join("\n"), &["such as Encode"]);
    let all = r#"
        use Encode; use POSIX; use Storable qw(freeze thaw); use Digest::SHA qw(sha256_hex); use JSON::PP; use Time::Local;
        print "bytes ", length(encode("UTF-8", "\x{20ac}")), ", ", length(encode("iso-8859-15", "\x{20ac}")), "\n";
        print "sha ", sha256_hex(""), " ", encode_json({ a => thaw(freeze([1, 2]))->[1] }), "\n";
    "#;
    let said = runs(&workshop, &spec, &[&["perl", "-Mstrict", "-e", all]]);
    assert_has(&said, &["bytes 3, 1", "sha e3b0c442", "{\"a\":2}"]);
}

#[test]
fn gdb_runs_a_batch() {
    if !at_hand(&["docker", "gcc", "/usr/bin/gdb"]) {
        return;
    }
    let workshop = Workshop::new();
    let spec = defaults(&workshop, "/usr/bin/gdb");
    let python = "python import json, re; print(json.dumps({'parts': re.split(',', 'a,b')}), gdb.VERSION[0].isdigit())";
    let batch = &[
        "gdb",
        "--batch",
        "-ex",
        "print 6 * 7",
        "-ex",
        python,
        "-ex",
        "catch syscall openat",
        "-ex",
        "info functions ^main$",
        "/steps",
    ];
    let said = runs(&workshop, &spec, &[batch]);
    assert_has(&said, &["$1 = 42", "{\"parts\": [\"a\", \"b\"]} True", "syscall 'openat'", "main"]);
}

#[test]
fn git_clones_once_it_has_its_shell() {
    if !at_hand(&["docker", "gcc", "git"]) {
        return;
    }
    let workshop = Workshop::new();
    let (spec, met) = followed(&workshop, "/usr/bin/git");
    assert_has(&met.texts.join("\n"), &["to clone local paths", "by the shell"]);
    assert!(met.keep.iter().any(|kept| kept == "/bin/sh"), "{:?}", met.keep);
    let commit = &[
        "git",
        "-C",
        "/work/one",
        "-c",
        "user.name=A User",
        "-c",
        "user.email=user@example.com",
        "commit",
        "--quiet",
        "--message=a change",
    ];
    let said = runs(
        &workshop,
        &spec,
        &[
            &["git", "init", "--quiet", "--initial-branch=main", "/work/one"],
            &["@write", "/work/one/file", "one line\n"],
            &["git", "-C", "/work/one", "add", "file"],
            commit,
            &["git", "clone", "--quiet", "/work/one", "/work/two"],
            &["git", "clone", "--quiet", "file:///work/one", "/work/three"],
            &["git", "-C", "/work/two", "push", "--quiet", "origin", "HEAD:refs/heads/pushed"],
            &["git", "-C", "/work/three", "log", "--format=%an: %s"],
            &["git", "-C", "/work/one", "branch"],
        ],
    );
    assert_has(&said, &["A User: a change", "pushed"]);
}
