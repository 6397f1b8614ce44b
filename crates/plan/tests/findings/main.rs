//! Every code has a page in `docs/findings`, and every page shows what really happens: the spec on it
//! is planned in a world of its own (`cases.rs`), and must give exactly the finding on it.
//!
//! After words have changed, `BANTAM_WRITE_PAGES=1 cargo test -p bantam-plan --test findings` writes the
//! findings of the pages and the table of their index anew; what is said around them stays yours.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod cases;
mod page;
#[path = "../world/mod.rs"]
mod world;

use page::{FOLDER, Page};
use plan::finding::{CODES, Code, Finding};
use std::{collections::BTreeSet, fmt::Write as _, fs};

/// What specs are called on the pages.
const SPEC: &str = "bantam.toml";

#[test]
fn every_code_has_a_page_with_a_real_example() {
    let wrong: Vec<String> = CODES.iter().filter_map(|code| check(code).err()).collect();
    assert!(wrong.is_empty(), "\n\n{}\n", wrong.join("\n\n"));
}

#[test]
fn the_index_lists_every_code() {
    let mut table = String::from("| code | name | usually | what it means |\n|---|---|---|---|\n");
    for Code { id, name, severity, title } in CODES {
        let _ = writeln!(table, "| [{id}]({id}.md) | `{name}` | {} | {title} |", severity.word());
    }
    let file = format!("{FOLDER}/README.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("| code |").unwrap();
    let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
    let want = format!("{before}{table}\n{after}");
    if page::may_write() {
        fs::write(&file, &want).unwrap();
    }
    assert!(text == want, "docs/findings/README.md has another table than this:\n\n{table}");
}

#[test]
fn every_page_has_its_code() {
    let pages = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<String> = pages.filter(|name| name != "README.md").collect();
    let codes: BTreeSet<String> = CODES.iter().map(|code| format!("{}.md", code.id)).collect();
    let orphans: Vec<&String> = pages.difference(&codes).collect();
    assert!(orphans.is_empty(), "pages of codes that are not: {orphans:?}");
}

#[test]
fn every_page_is_in_the_binary() {
    let list = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/src/pages.rs")).unwrap();
    let absent: Vec<&str> =
        CODES.iter().map(|code| code.id).filter(|id| !list.contains(&format!("\"{id}\""))).collect();
    assert!(absent.is_empty(), "list the pages of {absent:?} in `pages!` of crates/cli/src/pages.rs");
}

/// Is the page of a code there, in the shape of the others, and true?
fn check(code: &Code) -> Result<(), String> {
    let id = code.id;
    let page = Page::read(code)?;
    let world = cases::world(id).ok_or_else(|| {
        format!(
            "{id} has no case: add an arm to `world` in crates/plan/tests/findings/cases.rs, with the files \
             that the spec on docs/findings/{id}.md needs to give this finding"
        )
    })?;
    let findings = world.plan(&page.spec).0.findings;
    let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.problem.code()).collect();
    let shown: Vec<String> = findings.iter().map(shown).collect();
    let shown = shown.join("\n");
    if codes != BTreeSet::from([id]) {
        return Err(format!("the spec on docs/findings/{id}.md gives {codes:?}, not {id} alone:\n{shown}"));
    }
    for finding in &findings {
        if finding.problem.fixes().is_empty() {
            return Err(format!("{id} says not what to do about it: see `Problem::fixes`"));
        }
        if finding.severity != code.severity {
            return Err(format!("the example of {id} has another severity than usual: take a usual one"));
        }
    }
    page.must_show(&shown)
}

/// A finding as `bantam check` prints it; `cli/tests/findings.rs` holds it against the command.
fn shown(finding: &Finding) -> String {
    let lines = finding.lines(SPEC).into_iter().map(|(label, text)| format!("{label} {text}"));
    lines.collect::<Vec<_>>().join("\n  ")
}
