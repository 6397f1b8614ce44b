//! A page about a code: its shape, and the example on it.

use plan::{finding::Code, spec};
use std::{env, fs};

/// Where the pages are.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/findings");

/// The headings of a page, in order.
const SECTIONS: [&str; 5] = ["What it means", "At run time", "Example", "What to do", "When it is fine"];

/// Pages are read on terminals too: no line of theirs is longer, but those of programs.
const WIDTH: usize = 80;

/// A page, with the example on it.
pub struct Page {
    file: String,
    text: String,
    /// The spec of the example.
    pub spec: String,
    /// What the page says that bantam prints.
    shown: String,
}

/// Are pages to be written anew?
pub fn may_write() -> bool {
    env::var_os("BANTAM_WRITE_PAGES").is_some_and(|value| value == "1")
}

impl Page {
    /// Reads the page of a code; what is wrong with its shape is told in words.
    pub fn read(code: &Code) -> Result<Self, String> {
        let Code { id, name, severity, title } = code;
        let file = format!("docs/findings/{id}.md");
        let head = format!("# {id}: {name}\n\n**{}**: {title}.\n\n", severity.word());
        let text = fs::read_to_string(format!("{FOLDER}/{id}.md")).map_err(|_| {
            let sections: String = SECTIONS.iter().map(|section| format!("## {section}\n\n…\n\n")).collect();
            format!("{id} has no page: write {file}, as its neighbours are written:\n\n{head}{sections}")
        })?;
        if !text.starts_with(&head) {
            return Err(format!("{file} does not begin with\n\n{head}"));
        }
        let sections: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        if sections != SECTIONS {
            return Err(format!("{file} has the sections {sections:?}, and should have {SECTIONS:?}"));
        }
        for block in text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```\n").next()) {
            if let Err(errors) = spec::parse(block) {
                return Err(spec::render(&errors, &file, block, false));
            }
        }
        let (_, example) = text.split_once("## Example\n").ok_or("no example")?;
        let (_, rest) = example.split_once("```toml\n").ok_or_else(|| format!("{file}: no ```toml"))?;
        let (spec, rest) = rest.split_once("```\n").ok_or_else(|| format!("{file}: no end of ```toml"))?;
        let (_, rest) =
            rest.split_once("```text\n").ok_or_else(|| format!("{file}: no ```text behind it"))?;
        let (shown, _) = rest.split_once("```\n").ok_or_else(|| format!("{file}: no end of ```text"))?;
        let prose = text.split("```").step_by(2).flat_map(str::lines);
        if let Some(long) = prose.into_iter().find(|line| line.chars().count() > WIDTH) {
            return Err(format!("{file} has a line of more than {WIDTH} letters:\n{long}"));
        }
        let (spec, shown) = (spec.to_owned(), shown.to_owned());
        Ok(Page { file, text, spec, shown })
    }

    /// The page must show exactly this; else it is told what to write, or written.
    pub fn must_show(self, want: &str) -> Result<(), String> {
        let want = format!("{want}\n");
        if self.shown == want {
            return Ok(());
        }
        if may_write() {
            let block = |shown: &str| format!("```text\n{shown}```\n");
            let text = self.text.replacen(&block(&self.shown), &block(&want), 1);
            fs::write(format!("{FOLDER}/../../{}", self.file), text).map_err(|error| error.to_string())?;
        }
        Err(format!(
            "{} shows another finding than its spec gives:\n{}it gives:\n{want}(BANTAM_WRITE_PAGES=1 writes it)",
            self.file, self.shown
        ))
    }
}
