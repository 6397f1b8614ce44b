//! Every spec in `testdata/broken-specs`, and what is said about it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::{collections::BTreeSet, fs, path::Path};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/broken-specs");

/// The names in the folder with this extension, without it, in order.
fn stems(extension: &str) -> BTreeSet<String> {
    let files = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let wanted = files.filter(|path| path.extension().is_some_and(|found| found == extension));
    wanted.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_said_about_broken_specs() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(FOLDER);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for stem in stems("toml") {
            let file = format!("{stem}.toml");
            let text = fs::read_to_string(Path::new(FOLDER).join(&file)).unwrap();
            let errors = plan::spec::parse(&text).expect_err(&file);
            insta::assert_snapshot!(stem, plan::spec::render(&errors, &file, &text, false));
        }
    });
}

#[test]
fn every_snapshot_has_its_spec() {
    let orphans: Vec<_> = stems("snap").difference(&stems("toml")).cloned().collect();
    assert!(orphans.is_empty(), "{orphans:?}");
    assert!(stems("toml").len() >= 40);
}
