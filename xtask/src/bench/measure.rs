//! Time, memory and size of commands that take turns.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::memory::Daemon;
use super::size::Written;
use crate::step::{self, Outcome, shown};

/// How often commands are measured, and whether a round that does not count comes first.
#[derive(Clone, Copy)]
pub struct Rounds {
    pub warm_up: bool,
    pub counted: usize,
}

/// A command to measure.
pub struct Tool {
    /// What its row is called.
    pub name: String,
    /// Where it runs.
    pub folder: PathBuf,
    /// What of an earlier run, in that folder, must be gone.
    pub remove: &'static [&'static str],
    /// A command that comes before, unmeasured.
    pub prepare: Option<Command>,
    /// A file that is changed before.
    pub change: Option<PathBuf>,
    pub command: Command,
    pub written: Written,
    /// Who does the work, when the command only asks for it.
    pub daemon: Option<Daemon>,
    /// Whether its failure is ours: then nothing is measured at all, instead of a row that tells it.
    pub ours: bool,
}

impl Tool {
    /// A builder's command that needs nothing beforehand.
    pub fn new(name: impl Into<String>, folder: &Path, command: Command, written: Written) -> Self {
        Self {
            name: name.into(),
            folder: folder.to_path_buf(),
            remove: &[],
            prepare: None,
            change: None,
            command,
            written,
            daemon: None,
            ours: false,
        }
    }
}

/// A row of a table.
pub enum Row {
    Measured(Measured),
    Skipped { name: String, why: String },
}

/// Medians of one tool.
#[derive(Clone)]
pub struct Measured {
    pub name: String,
    pub seconds: f64,
    /// The layers that it wrote, if it wrote any.
    pub bytes: Option<f64>,
    pub peak_bytes: Option<f64>,
}

/// What a tool has got to.
struct Turn {
    tool: Tool,
    measured: Vec<Measured>,
    failed: Option<String>,
}

/// In each round every tool has its turn, and then `beside`. A tool that fails has no further turns, and a row that
/// tells why.
pub fn interleaved(
    tools: Vec<Tool>,
    rounds: Rounds,
    mut beside: impl FnMut() -> Outcome,
) -> Outcome<Vec<Row>> {
    let turn = |tool| Turn { tool, measured: vec![], failed: None };
    let mut turns: Vec<Turn> = tools.into_iter().map(turn).collect();
    let first = usize::from(!rounds.warm_up);
    for round in first..=rounds.counted {
        for turn in turns.iter_mut().filter(|turn| turn.failed.is_none()) {
            match once(&mut turn.tool) {
                Ok(measured) => {
                    eprintln!("   {round}: {} {:.3} s", measured.name, measured.seconds);
                    if round > 0 {
                        turn.measured.push(measured);
                    }
                }
                Err(message) if turn.tool.ours => return Err(format!("{}: {message}", turn.tool.name)),
                Err(message) => turn.failed = Some(message),
            }
        }
        if round > 0 {
            beside()?;
        }
    }
    let row = |turn: Turn| match turn.failed {
        Some(why) => Row::Skipped { name: turn.tool.name, why },
        None => Row::Measured(medians(&turn.tool.name, &turn.measured)),
    };
    Ok(turns.into_iter().map(row).collect())
}

fn once(tool: &mut Tool) -> Outcome<Measured> {
    let folder = tool.folder.as_path();
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for name in tool.remove {
        remove(&folder.join(name))?;
    }
    if let Some(prepare) = &mut tool.prepare {
        step::output(prepare.current_dir(folder))?;
    }
    if let Some(file) = &tool.change {
        change(file)?;
    }
    if let Some(daemon) = &tool.daemon {
        daemon.forget_peak()?;
    }
    let (time, said) = (folder.join("time"), folder.join("said"));
    let mut command = Command::new("/usr/bin/time");
    command.args(["--quiet", "--format=%M", "--output"]).arg(&time).arg(tool.command.get_program());
    command.args(tool.command.get_args()).current_dir(folder);
    command.envs(tool.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let stderr = File::create(&said).map_err(|error| format!("{}: {error}", said.display()))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("{}: {error}", shown(&command)))?;
    let seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        let said = fs::read(&said).unwrap_or_default();
        return Err(format!("{status}: {}", reason(&String::from_utf8_lossy(&said))));
    }
    let text = fs::read_to_string(&time).map_err(|error| format!("{}: {error}", time.display()))?;
    let kibibytes: f64 = text.trim().parse().map_err(|error| format!("{}: {text:?}: {error}", tool.name))?;
    let daemon = tool.daemon.as_ref().map_or(Ok(0.0), Daemon::peak)?;
    Ok(Measured {
        name: tool.name.clone(),
        seconds,
        bytes: tool.written.bytes(folder)?,
        peak_bytes: Some(kibibytes * 1024.0 + daemon),
    })
}

/// What of a failed command's words tells why: from its first error on, or the last line.
fn reason(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.take_while(|line| !line.starts_with("Stack backtrace")).collect();
    let error = lines.iter().position(|line| line.to_lowercase().contains("error"));
    let from = error.unwrap_or(lines.len().saturating_sub(1));
    let some: Vec<&str> = lines.into_iter().skip(from).take(4).collect();
    if some.is_empty() { "it says nothing".to_owned() } else { some.join("; ") }
}

/// Removes a file or folder, if it is there.
pub fn remove(path: &Path) -> Outcome {
    let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match gone {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Puts other bytes, as many as before, at the end of a file: ones that no cache has seen.
fn change(file: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mark = format!("\n# {:030}\n", now.as_nanos());
    let mut file = File::options().write(true).open(file).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(mark.len() as u64))).map_err(failed)?;
    file.write_all(mark.as_bytes()).map_err(failed)
}

/// The middle one; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn medians(name: &str, measured: &[Measured]) -> Measured {
    let some = |of: fn(&Measured) -> Option<f64>| {
        let values: Vec<f64> = measured.iter().filter_map(of).collect();
        (!values.is_empty()).then(|| median(values))
    };
    Measured {
        name: name.to_owned(),
        seconds: some(|row| Some(row.seconds)).unwrap_or_default(),
        bytes: some(|row| row.bytes),
        peak_bytes: some(|row| row.peak_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str, folder: &Path, script: &str) -> Tool {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Tool::new(name, folder, command, Written::File("out"))
    }

    #[test]
    fn who_fails_has_a_row_that_tells_why_and_the_others_are_measured() {
        let folder = std::env::temp_dir().join(format!("bantam-xtask-measure-{}", std::process::id()));
        let tools = vec![
            shell("good", &folder, "printf 12345 > out"),
            shell("bad", &folder, "echo first >&2; echo the reason >&2; exit 3"),
        ];
        let rows = interleaved(tools, Rounds { warm_up: true, counted: 2 }, || Ok(()));
        fs::remove_dir_all(&folder).unwrap();
        match rows.unwrap().as_slice() {
            [Row::Measured(good), Row::Skipped { name, why }] => {
                assert_eq!((good.name.as_str(), good.bytes), ("good", Some(5.0)));
                assert!(good.peak_bytes.unwrap() > 100_000.0);
                assert_eq!((name.as_str(), why.as_str()), ("bad", "exit status: 3: the reason"));
            }
            rows => panic!("{} rows", rows.len()),
        }
    }

    #[test]
    fn a_change_keeps_the_length_and_is_never_the_same_twice() {
        let file = std::env::temp_dir().join(format!("bantam-xtask-change-{}", std::process::id()));
        fs::write(&file, "x".repeat(100)).unwrap();
        let mut seen = vec![];
        for _ in 0..2 {
            change(&file).unwrap();
            seen.push(fs::read_to_string(&file).unwrap());
        }
        fs::remove_file(&file).unwrap();
        assert!(seen.iter().all(|text| text.len() == 100 && text.starts_with("xxx")), "{seen:?}");
        assert_ne!(seen.first(), seen.last());
    }

    #[test]
    fn the_reason_is_what_the_first_error_says() {
        assert_eq!(
            reason("one\nError: no image\n\nCaused by:\n 0: x\n\nStack backtrace:\n 0: y"),
            "Error: no image; Caused by:; 0: x"
        );
        assert_eq!(reason("one\ntwo\n\n"), "two");
        assert_eq!(reason("\n"), "it says nothing");
    }

    #[test]
    fn the_middle_of_five() {
        assert_eq!(median(vec![9.0, 1.0, 5.0, 4.0, 6.0]), 5.0);
    }
}
