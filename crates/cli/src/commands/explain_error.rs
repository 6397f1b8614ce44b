//! `bantam explain-error`: what a code means.

use crate::{args::ExplainError, pages::page, show};
use bantam::Error;
use plan::finding::{CODES, Code};
use std::process::ExitCode;

pub fn run(args: &ExplainError) -> Result<ExitCode, Error> {
    let text = match &args.code {
        None => list(),
        Some(asked) => {
            let code = Code::find(asked).ok_or_else(|| unknown(asked))?;
            show::markdown::text(page(code), &|heading| show::painted_out(heading, show::BOLD))
        }
    };
    Ok(show::stdout(&text))
}

fn list() -> String {
    let longest = CODES.iter().map(|code| code.name.len()).max().unwrap_or(0);
    let line = |code: &Code| format!("{}  {:longest$}  {}\n", code.id, code.name, code.title);
    CODES.iter().map(line).collect()
}

fn unknown(asked: &str) -> Error {
    let near: Vec<String> =
        Code::near(asked).iter().map(|code| format!("{} ({})", code.id, code.name)).collect();
    let near = match &near[..] {
        [] => "`bantam explain-error` lists all".to_owned(),
        [one] => format!("near it is {one}"),
        several => format!("near it are {}", several.join(", ")),
    };
    Error::Usage(format!("no finding has the code `{}`; {near}", show::plain(asked)))
}
