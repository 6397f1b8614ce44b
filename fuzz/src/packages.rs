//! Indexes of packages: control data, versions, relations.

use debian::control::paragraphs;
use debian::index::{Index, IndexText};
use debian::relation::{parse_alternatives, parse_relations, text as written};
use debian::testing::{TestArchive, TestPackage};
use debian::version::Version;

/// As many names of an index are looked up.
const NAMES: usize = 50;

/// Reads the bytes as an index, and as a field of one.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    for paragraph in paragraphs(&text).flatten() {
        for (name, value) in paragraph.fields() {
            assert_eq!(paragraph.get(name), Some(*value), "{name}");
        }
    }
    if let Ok(version) = Version::parse(text.trim()) {
        assert_eq!(Version::parse(version.as_str()).ok().as_ref(), Some(&version));
        assert!(version <= version.clone());
    }
    for alternatives in parse_alternatives(&text, "amd64").unwrap_or_default() {
        let again = parse_alternatives(&written(&alternatives), "amd64");
        assert_eq!(again, Ok(vec![alternatives]), "what is written is what was read");
    }
    let _ = parse_relations(&text, "amd64");
    let texts = vec![IndexText { origin: "any".into(), suite: 0, text }];
    let Ok(index) = Index::new("amd64", texts) else { return };
    for name in index.names().take(NAMES) {
        let _ = index.candidates(name);
        let _ = index.providers(name);
    }
}

/// Indexes, relations, versions.
pub fn seeds() -> Vec<Vec<u8>> {
    let archive = TestArchive::new()
        .package(
            TestPackage::new("app")
                .version("1:2.0~rc1-3+b1")
                .depends("libfoo1 (>= 1.0), mail-agent | agent:any (<< 3) [amd64] <!nocheck>")
                .provides("web-server (= 2.0)")
                .conflicts("other")
                .multi_arch("same")
                .essential(),
        )
        .package(TestPackage::new("libfoo1").architecture("all").breaks("app (<= 1)"));
    let files = archive.files().into_iter().filter(|(path, _)| path.ends_with("/Packages"));
    let mut seeds: Vec<Vec<u8>> = files.map(|(_, bytes)| bytes).collect();
    for text in ["1:2.0~rc1-3+b1", "a (>= 1) | b:any, c [!amd64] <x y>", "a (= 1.0), b (<< 2)"] {
        seeds.push(text.as_bytes().to_vec());
    }
    seeds
}
