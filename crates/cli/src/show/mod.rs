//! Words on stderr and results on stdout.

pub mod chart;
pub mod compare;
pub mod findings;
pub mod markdown;
pub mod progress;
pub mod reasons;
pub mod sarif;
pub mod size;
pub mod summary;

use crate::exit;
use crate::github::Annotation;
use bantam::Error;
use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

/// Writes a line of words. A closed stderr is nobody's loss.
pub fn stderr(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end_matches('\n'));
}

/// Writes a result. A reader that has gone away has what it wanted.
pub fn stdout(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            stderr(&format!("error: cannot write the result: {error}"));
            ExitCode::from(5)
        }
    }
}

/// May stderr have colours?
pub fn colour() -> bool {
    io::stderr().is_terminal() && wants_colour()
}

fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Text of others for a terminal or a log, in one line: control characters are escaped, so that a
/// file's name can neither move a cursor nor begin a line of its own.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        // Beside the control characters, those that break a line or turn its direction.
        match letter {
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(letter.escape_unicode());
            }
            letter if letter.is_control() => out.extend(letter.escape_default()),
            letter => out.push(letter),
        }
    }
    out
}

/// A number of things: `1 package`, `2 packages`.
pub fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Lines of such text.
pub fn plain_lines(lines: &[String]) -> String {
    lines.iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n")
}

/// What others said, which may be of several lines: none of them can be taken for one of ours.
fn quoted(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n    | ")
}

/// Shows an error with its causes and a hint.
pub fn error(error: &Error, hint: Option<&str>) {
    if let Error::SpecErrors { file, text, errors } = error {
        let file = file.display().to_string();
        stderr(&plan::spec::render(errors, &file, text, colour()));
        for error in errors {
            let help = error.help.iter().map(|help| format!("help: {}", plain(help)));
            let lines: Vec<String> = std::iter::once(plain(&error.message)).chain(help).collect();
            let (title, text) = (findings::spec_code(error), lines.join("\n"));
            let (title, text, line, column) = (&*title, &*text, error.line, error.column);
            Annotation { level: "error", title, file: &file, line, column, text }.print();
        }
    }
    let mut text = plain_lines(&error.lines());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!("\n  because: {}", quoted(&error.to_string())));
        cause = error.source();
    }
    for looked in exit::trace(error) {
        text.push_str(&format!("\n  looked at: {}", plain(&looked.to_string())));
    }
    let mut shown = format!("{} {text}", painted("error:", RED));
    if let Some(hint) = hint {
        shown.push_str(&format!("\n  {} {hint}", painted("hint:", CYAN)));
    }
    stderr(&shown);
    Annotation { level: "error", text: &text, ..Annotation::default() }.print();
}

/// Red, for errors.
pub const RED: &str = "1;31";
/// Yellow, for warnings.
pub const YELLOW: &str = "1;33";
/// Cyan, for what helps.
pub const CYAN: &str = "1;36";

/// Bold, for headings.
pub const BOLD: &str = "1";

/// `text` in a colour, where stdout has them.
pub fn painted_out(text: &str, colour_code: &str) -> String {
    let colour = io::stdout().is_terminal() && wants_colour();
    if colour { format!("\x1b[{colour_code}m{text}\x1b[0m") } else { text.into() }
}

/// `text` in a colour, where stderr has them.
pub fn painted(text: &str, colour_code: &str) -> String {
    if colour() { format!("\x1b[{colour_code}m{text}\x1b[0m") } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::{plain, quoted};

    #[test]
    fn lines_of_others_are_marked() {
        assert_eq!(quoted("error: no\n::add-mask::x\r\n"), "error: no\n    | ::add-mask::x");
    }

    #[test]
    fn text_of_others_stays_in_its_line() {
        for (text, want) in [
            ("/app/ü €", "/app/ü €"),
            ("a\n::add-mask::x", "a\\n::add-mask::x"),
            ("\x1b[2Jx\r\t", "\\u{1b}[2Jx\\r\\t"),
            ("\u{9b}1m\u{7f}", "\\u{9b}1m\\u{7f}"),
            ("a\u{202e}b\u{2028}", "a\\u{202e}b\\u{2028}"),
        ] {
            assert_eq!(plain(text), want);
        }
    }
}
