//! The pages, and the command that prints them.

use crate::folder::{Folder, SPEC, faulty, said};
use std::{fs, path::Path};

/// The page of a code, from the repository.
fn page(code: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/findings");
    fs::read_to_string(folder.join(format!("{code}.md"))).unwrap()
}

fn block<'a>(text: &'a str, fence: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("```{fence}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn pages_show_what_the_command_prints() {
    for code in ["B0304", "B0401", "B0403", "B0405", "B0406", "B0408", "B0501", "B0504", "B0505", "B0601"] {
        let page = page(code);
        let (_, example) = page.split_once("## Example\n").unwrap();
        let folder = Folder::new();
        folder.file("bantam.toml", block(example, "toml").as_bytes());
        for file in ["conf/shop.toml", "conf/log.toml", "state.json"] {
            folder.file(file, b"one");
        }
        match code {
            "B0405" => folder.file("dist/shop.toml", b"another"),
            "B0408" => folder.link("dist/latest", "../v2"),
            "B0501" => folder.file("dist/.env", b"PASSWORD=x"),
            "B0601" => ["dist/a", "dist/b", "dist/c"].iter().for_each(|file| folder.file(file, b"x")),
            "B0401" => folder.file("web/dist/shop.map", b"x"),
            _ => folder.file("dist/index.html", b"x"),
        }
        let (exit, out, words) = folder.bantam(&["check", "--platform", "linux/amd64"]);
        let want = block(example, "text");
        assert!(words.starts_with(want), "{code}: the page shows\n{want}and the command prints\n{words}");
        assert_eq!((exit, &*out), (i32::from(!want.starts_with("warning")), ""), "{code}");
    }
}

#[test]
fn a_page_is_printed_by_its_code_or_name() {
    let folder = Folder::new();
    let (exit, page, words) = folder.bantam(&["explain-error", "B0101"]);
    assert_eq!((exit, &*words), (0, ""));
    assert!(page.starts_with("B0101: missing-library\n\nerror: A library that"), "{page}");
    assert!(page.contains("\n    [[files]]\n") && !page.contains("```") && !page.contains('\x1b'), "{page}");
    for other in ["b0101", "101", "0101", "missing-library"] {
        assert_eq!(folder.bantam(&["explain-error", other]), (0, page.clone(), String::new()), "{other}");
    }
}

#[test]
fn all_codes_are_listed_and_unknown_ones_have_neighbours() {
    let folder = Folder::new();
    let (exit, list, words) = folder.bantam(&["explain-error"]);
    assert_eq!((exit, &*words), (0, ""));
    for line in list.lines() {
        let id = line.split(' ').next().unwrap();
        assert!(page(id).starts_with(&format!("# {id}: ")), "{line}");
    }
    assert!(list.lines().count() > 30, "{list}");
    for (code, want) in [
        ("B0299", "no finding has the code `B0299`; near it are B0201 (missing-script-interpreter), "),
        ("mising-libary", "no finding has the code `mising-libary`; near it is B0101 (missing-library)\n"),
        ("B9999", "no finding has the code `B9999`; `bantam explain-error` lists all\n"),
        ("a\nb", "no finding has the code `a\\nb`; `bantam explain-error` lists all\n"),
    ] {
        let (exit, out, words) = folder.bantam(&["explain-error", code]);
        assert_eq!((exit, &*out), (2, ""), "{words}");
        assert!(words.starts_with(&format!("error: {want}")), "{words}");
    }
}

#[test]
fn where_more_is_said_is_told_once() {
    let folder = faulty();
    folder.file("two.toml", SPEC.replace("\"linux/amd64\"", "\"linux/amd64\", \"linux/arm64\"").as_bytes());
    for command in [&["check", "two.toml"][..], &["build", "two.toml", "-o", "oci:out"]] {
        let (_, _, words) = folder.bantam(command);
        assert_eq!(words.matches("hint: `bantam explain-error B0").count(), 1, "{words}");
    }
    for quiet in
        [&["--quiet"][..], &["--progress", "quiet"], &["--progress", "json"], &["--json"], &["--sarif"]]
    {
        let (_, _, words) = folder.bantam(&[&["check"], quiet].concat());
        assert!(!words.contains("explain-error"), "{words}");
    }
    let (_, _, words) = said(folder.command(&["check", "--quiet"]).env("GITHUB_ACTIONS", "true"));
    assert!(!words.contains("explain-error"), "{words}");
}
