//! Specs that are fine, and the places that describe a spec: schema and documentation.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use plan::spec::{self, Spec, SpecErrorCode};
use proptest::prelude::*;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Every key that this version takes, at once.
const FULL: &str = r#"
format = 1
name = "ghcr.io/acme/shop"
tags = ["1.4.2", "latest"]
platforms = ["linux/amd64", "linux/arm64", "linux/arm"]

[config]
entrypoint = ["/app/shop"]
cmd = ["--port", "8080"]
env = { RUST_LOG = "info", EMPTY = "" }
workdir = "/app/"
user = "shop:0"
ports = ["8080", "53/udp", "9000-9002"]
volumes = ["/data"]
labels = { "org.opencontainers.image.source" = "https://example.com/shop" }
annotations = { "org.opencontainers.image.version" = "1.4.2" }
stop-signal = "2"

[runtime]
source = "debian:bookworm@20260801T000000Z"
profile = "base-nossl"
packages = ["libpq5", "tzdata=2026a-0+deb12u1"]
mirrors = ["https://mirror.example.com/${timestamp}/debian", "file:/srv/debian"]
keyring = "keys/corp.gpg"
ca = ["corp-root.pem"]
dlopen = ["libgomp.so.1"]
keep = ["/usr/lib/*/gconv/UTF-16.so"]
drop = ["/usr/share/zoneinfo/right/**"]
whole-packages = true
variant = "debug"

[[repositories]]
url = "https://packages.example.com/debian"
suite = "bookworm"
components = ["main", "contrib"]
keyring = "example.gpg"
architectures = ["amd64"]

[[files]]
from = "dist/${arch}/"
to = "/app/"
exclude = ["**/*.map", "!keep.map"]
ignore-file = ".dockerignore"
owner = "1000:1000"
mode = "0555"
caps = ["cap_net_bind_service=ep"]
links = "follow"
layer = "static-1"

[[files]]
content = "${not} expanded\n"
to = "/etc/shop-${variant}.conf"

[[dirs]]
path = "/data"
owner = "nonroot"
mode = "0750"
volume = true

[[links]]
path = "/usr/bin/tool"
to = "../../app/tool"

[[users]]
name = "shop"
uid = 1000

[[users]]
name = "ops"
uid = 1001
gid = 0
home = "/srv"

[layers]
compression = "zstd"
level = 22
split = "single"

[limits]
compressed = "30 MB"
unpacked = 83886080
files = 2000
packages = 0

[python]
project = "pyproject.toml"
stdlib = "reachable"
sources = "drop"
shed = ["tests", "docs"]

[node]
project = "web"
version = "22.11"
strip = true
shed = ["types", "source-maps"]

[java]
jar = "target/app-${arch}.jar"
modules = ["java.base", "java.net.http"]

[policy]
allow = ["shell", "setuid", "secrets", "secrets:/app/tests/**", "world-writable", "dangling-links", "root-user", "unresolved:libcuda.so.*"]
"#;

fn read(text: &str) -> Spec {
    spec::parse(text).unwrap_or_else(|errors| panic!("{}", spec::render(&errors, "spec", text, false)))
}

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The specs of the project itself.
fn own_specs() -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join("specs")).unwrap().map(|entry| entry.unwrap().path());
    let specs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    specs.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The blocks of TOML in a page.
fn blocks(page: &str) -> Vec<&str> {
    page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn every_key_has_its_meaning() {
    insta::assert_debug_snapshot!(read(FULL));
}

#[test]
fn what_is_not_said_is_the_default() {
    insta::assert_debug_snapshot!(read("\u{feff}# nothing\r\n"));
}

#[test]
fn the_project_s_own_specs_are_fine() {
    let specs = own_specs();
    assert!(!specs.is_empty());
    specs.iter().for_each(|text| drop(read(text)));
}

#[test]
fn a_mistake_has_its_place() {
    let errors = spec::parse("name = \"shop\"\n[config]\n  # ü\n  env = { \"Ü\" = 1 }\n").unwrap_err();
    let [error] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!((error.line, error.column, error.code), (4, 17, SpecErrorCode::WrongType));
    assert_eq!(error.to_string(), "4:17: `config.env.Ü` takes a string, and this is an integer");
}

#[test]
fn colours_are_only_for_terminals() {
    let text = "format = 2\n";
    let errors = spec::parse(text).unwrap_err();
    assert!(spec::render(&errors, "bantam.toml", text, true).contains("\u{1b}["));
    assert!(!spec::render(&errors, "bantam.toml", text, false).contains('\u{1b}'));
}

#[test]
fn a_spec_that_is_too_large_is_refused() {
    let errors = spec::parse(&"#\n".repeat(3 << 20)).unwrap_err();
    assert_eq!(errors.len(), 1);
}

#[test]
fn the_schema_takes_what_is_fine_and_refuses_what_has_another_shape() {
    let schema: Value = serde_json::from_str(&spec::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let json = |text: &str| serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    for text in own_specs().iter().map(String::as_str).chain([FULL, ""]) {
        let errors: Vec<_> = validator.iter_errors(&json(text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
    }
    for text in [
        "entrypoint = []",
        "name = 1",
        "tags = []",
        "[config]\nentrypoint = \"a\"",
        "[[files]]\nfrom = \"a\"",
        "[[files]]\nto = \"/a\"",
        "[[files]]\nto = \"/a\"\nfrom = \"a\"\ncontent = \"b\"",
        "[[files]]\nto = \"/a\"\nfrom = \"a\"\nlinks = \"x\"",
        "[[files]]\nto = \"/a\"\nfrom = \"a\"\nmode = \"rwx\"",
        "[[users]]\nname = \"a\"\nuid = -1",
        "[limits]\ncompressed = true",
        "[java]\nmodules = 1",
        "[python]\nstdlib = \"some\"",
    ] {
        assert!(!validator.is_valid(&json(text)), "{text}");
        assert!(spec::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_schema_is_pinned() {
    insta::assert_snapshot!(spec::schema());
}

/// `heading` and key of each row of the reference, against those of the schema.
#[test]
fn the_reference_names_every_key() {
    let page = file("docs/spec.md");
    let mut documented = BTreeSet::new();
    let mut heading = "";
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.trim_matches(['`', '[', ']']);
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let ["", key, _, _, meaning, ""] = cells[..]
            && let Some(key) = key.strip_prefix('`').and_then(|key| key.strip_suffix('`'))
        {
            assert!(!meaning.is_empty(), "{line}");
            documented.insert((heading.to_owned(), key.to_owned()));
        }
    }

    let schema: Value = serde_json::from_str(&spec::schema()).unwrap();
    let top = schema["properties"].as_object().unwrap();
    let mut wanted: BTreeSet<_> = top.keys().map(|key| ("The top level".to_owned(), key.clone())).collect();
    for (name, table) in top {
        let keys = table["properties"].as_object().or_else(|| table["items"]["properties"].as_object());
        wanted.extend(keys.into_iter().flatten().map(|(key, _)| (name.clone(), key.clone())));
    }
    assert_eq!(documented, wanted);
}

#[test]
fn the_examples_of_the_reference_are_fine() {
    let page = file("docs/spec.md");
    let blocks = blocks(&page);
    assert!(blocks.len() > 5);
    blocks.into_iter().for_each(|block| drop(read(block)));
}

#[test]
fn the_example_of_a_lock_is_one() {
    let page = file("docs/lock.md");
    let [files, base, packages, languages] = blocks(&page)[..] else { panic!("four blocks") };
    assert_eq!(plan::lock::Lock::parse(files).unwrap().to_text(), files);
    // The others begin as the first.
    let head = files.split_inclusive('\n').take(2).collect::<String>();
    for other in [base, packages, languages] {
        assert_eq!(plan::lock::Lock::parse(other).unwrap().to_text(), format!("{head}{other}"));
    }
}

proptest! {
    /// Whatever stands in a spec, there is an answer, and it can be shown.
    #[test]
    fn no_text_panics(at in 0..FULL.len(), len in 0..40usize, put in "[\\[\\]\"'=a-c0{},\n#\\\\$ü\u{0}-]{0,6}") {
        let start = FULL.floor_char_boundary(at);
        let end = FULL.floor_char_boundary((start + len).min(FULL.len()));
        let text = format!("{}{put}{}", &FULL[..start], &FULL[end..]);
        if let Err(errors) = spec::parse(&text) {
            prop_assert!(!errors.is_empty());
            for error in &errors {
                prop_assert!(text.get(error.span.clone()).is_some(), "{error:?}");
                prop_assert!(!error.message.is_empty());
            }
            prop_assert!(errors.is_sorted_by_key(|error| error.span.start));
            prop_assert!(spec::render(&errors, "spec", &text, false).contains("spec:"));
        }
    }

    #[test]
    fn no_lines_panic(lines in prop::collection::vec(prop::sample::select(FULL.lines().collect::<Vec<_>>()), 0..12)) {
        let text = lines.join("\n");
        if let Err(errors) = spec::parse(&text) {
            spec::render(&errors, "spec", &text, true);
        }
    }
}
