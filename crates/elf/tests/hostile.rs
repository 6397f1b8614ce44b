//! Real files with some of their bytes spoiled give facts or an error: no panic, no endless loop.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tree::Content;

/// Files that most machines have, with versions needed and defined, and notes.
const FILES: [&str; 4] = [
    "/lib/x86_64-linux-gnu/libz.so.1",
    "/lib64/ld-linux-x86-64.so.2",
    "/usr/bin/env",
    "/lib/x86_64-linux-gnu/libgcc_s.so.1",
];

/// Where the loader looks: the headers and the dynamic section with what it points to are in front or
/// behind, and most of the rest is code.
fn spoil(original: &[u8], changes: &[(u16, bool, u8)]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for (at, behind, value) in changes {
        let at = usize::from(*at) % bytes.len().max(1);
        let at = if *behind { bytes.len() - 1 - at } else { at };
        bytes[at] = *value;
    }
    bytes
}

#[test]
fn spoiled_files_are_read_or_refused() {
    let originals: Vec<Vec<u8>> = FILES.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    if originals.is_empty() {
        println!("SKIPPED: none of {FILES:?} is there");
        return;
    }
    let header = (0u16..1024, Just(false), any::<u8>());
    let anywhere = (any::<u16>(), any::<bool>(), prop_oneof![Just(0u8), Just(0xff), any::<u8>()]);
    let changes = prop::collection::vec(prop_oneof![header, anywhere], 1..64);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let strategy = (0..originals.len(), changes, 0usize..400_000);
    runner
        .run(&strategy, |(original, changes, end)| {
            let mut bytes = spoil(&originals[original], &changes);
            bytes.truncate(end.max(bytes.len() / 2));
            if let Ok(Some(facts)) = elf::read(&Content::bytes(bytes, "the test")) {
                prop_assert!(facts.needed.len() < 1 << 16);
            }
            Ok(())
        })
        .unwrap();
}
