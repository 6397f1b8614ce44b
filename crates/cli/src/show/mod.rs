//! Words on stderr and results on stdout.

pub mod findings;
pub mod progress;
pub mod size;
pub mod summary;

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
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Shows an error with its causes and a hint.
pub fn error(error: &Error, hint: Option<&str>) {
    if let Error::SpecErrors { file, text, errors } = error {
        let file = file.display().to_string();
        stderr(&plan::spec::render(errors, &file, text, colour()));
        if crate::github::is_here() {
            for error in errors {
                stderr(&crate::github::annotation("error", &file, error.line, &error.message));
            }
        }
    }
    let mut text = format!("{} {error}", painted("error:", RED));
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!("\n  because: {error}"));
        cause = error.source();
    }
    if let Some(hint) = hint {
        text.push_str(&format!("\n  {} {hint}", painted("hint:", CYAN)));
    }
    stderr(&text);
}

/// Red, for errors.
pub const RED: &str = "1;31";
/// Yellow, for warnings.
pub const YELLOW: &str = "1;33";
/// Cyan, for what helps.
pub const CYAN: &str = "1;36";

/// `text` in a colour, where stderr has them.
pub fn painted(text: &str, colour_code: &str) -> String {
    if colour() { format!("\x1b[{colour_code}m{text}\x1b[0m") } else { text.into() }
}
