//! Running commands: each failure names the command that failed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

/// What a task ends with; the error is the text to show, empty if all is said.
pub type Outcome<T = ()> = Result<T, String>;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// The cargo that runs this, in the folder of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Prints the step's name, does it, prints how long it took.
pub fn timed<T>(name: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    eprintln!("── {name}");
    let start = Instant::now();
    let outcome = work();
    let end = if outcome.is_ok() { "done" } else { "FAILED" };
    eprintln!("── {name}: {end} in {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

/// Runs a command with the output going where ours goes.
pub fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| format!("{}: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", shown(command))) }
}

/// Runs a command and takes what it prints; what it says on stderr becomes part of the error.
pub fn output(command: &mut Command) -> Outcome<String> {
    let taken = taken(command)?;
    if !taken.status.success() {
        let said = String::from_utf8_lossy(&taken.stderr);
        return Err(format!("{}: {}\n{}", shown(command), taken.status, said.trim_end()));
    }
    String::from_utf8(taken.stdout).map_err(|error| format!("{}: {error}", shown(command)))
}

/// Whether a command ends well; it is silent.
pub fn succeeds(command: &mut Command) -> bool {
    taken(command).is_ok_and(|output| output.status.success())
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn taken(command: &mut Command) -> Outcome<Output> {
    command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", shown(command)))
}
