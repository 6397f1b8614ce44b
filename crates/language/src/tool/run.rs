//! Runs a build tool to its end.

use super::live::Group;
use crate::LanguageError;
use std::{
    io::{self, Read},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// No tool says more that matters, in bytes.
const MAX_ANSWER: u64 = 512 << 20;
/// So much of what a tool complained of is shown, in bytes.
const SHOWN: usize = 4 << 10;
/// So long what a tool wrote may take to arrive once it has ended: what it left behind may hold its pipes.
const ARRIVAL: Duration = Duration::from_secs(5);
/// How often it is looked whether a tool has ended.
const LOOK: Duration = Duration::from_millis(2);

/// What a tool answered.
pub(crate) struct Answer {
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: String,
}

/// Where a tool is on `PATH`.
pub(crate) fn find(tool: &str) -> Option<PathBuf> {
    find_all(tool).into_iter().next()
}

/// Every place on `PATH` where a tool is, in order.
pub(crate) fn find_all(tool: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_program = |file: &PathBuf| {
        use std::os::unix::fs::PermissionsExt as _;
        file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path).map(|dir| dir.join(tool)).filter(is_program).collect()
}

/// Runs a tool without a terminal, in a group of its own that ends with it, and gives what it wrote. `shown` is what
/// errors call it.
///
/// # Errors
/// When it cannot be started, does not end in time, or fails.
pub(crate) fn run(command: &mut Command, shown: &str, limit: Duration) -> Result<Answer, LanguageError> {
    attempt(command, limit)?.well(shown)
}

/// How a tool ended, and what it wrote.
pub(crate) struct Ended {
    /// How; none where it did not within the limit.
    status: Option<ExitStatus>,
    limit: Duration,
    /// What it wrote.
    pub answer: Answer,
}

impl Ended {
    /// Did it do what it should?
    pub fn is_well(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Its answer, if it ended well. `shown` is what errors call it.
    ///
    /// # Errors
    /// When it did not end in time, or failed.
    pub fn well(self, shown: &str) -> Result<Answer, LanguageError> {
        let status = match self.status {
            Some(status) if status.success() => return Ok(self.answer),
            Some(status) => status.to_string(),
            None => format!("it did not end within {} s", self.limit.as_secs()),
        };
        Err(LanguageError::Failed { tool: shown.into(), status, said: end_of(&self.answer.stderr) })
    }
}

/// As [`run`], for whoever wants to know how it failed.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn attempt(command: &mut Command, limit: Duration) -> Result<Ended, LanguageError> {
    let program = PathBuf::from(command.get_program());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = started(command).map_err(LanguageError::read(program))?;
    let group = Group::of(child.id());
    let reader = |pipe: Option<Box<dyn Read + Send>>| {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = vec![];
            let _ = pipe.map_or(Ok(0), |pipe| pipe.take(MAX_ANSWER).read_to_end(&mut bytes));
            // Nobody waits any longer, it may be.
            let _ = sender.send(bytes);
        });
        receiver
    };
    let stdout = reader(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let stderr = reader(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let end = Instant::now() + limit;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < end => thread::sleep(LOOK),
            _ => break None,
        }
    };
    // What it started and left behind ends, too.
    drop(group);
    let _ = child.wait();
    let taken = |bytes: mpsc::Receiver<Vec<u8>>| bytes.recv_timeout(ARRIVAL).unwrap_or_default();
    let (stdout, stderr) = (taken(stdout), String::from_utf8_lossy(&taken(stderr)).into_owned());
    Ok(Ended { status, limit, answer: Answer { stdout, stderr } })
}

/// Starts a tool. One that was just written may be open in a process that another thread starts at this moment: that passes.
fn started(command: &mut Command) -> io::Result<Child> {
    let end = Instant::now() + ARRIVAL;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < end => {
                thread::sleep(LOOK);
            }
            started => return started,
        }
    }
}

/// The end of what a tool said, from the start of a line.
fn end_of(text: &str) -> String {
    let text = text.trim_end();
    let mut start = text.len().saturating_sub(SHOWN);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let cut = &text[start..];
    let cut = if start == 0 { cut } else { cut.split_once('\n').map_or(cut, |(_, rest)| rest) };
    cut.trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_a_tool_says_is_taken() {
        let answer = run(&mut shell("echo out; echo err >&2"), "sh", Duration::from_secs(20)).unwrap();
        assert_eq!((&answer.stdout[..], &*answer.stderr), (&b"out\n"[..], "err\n"));
    }

    #[test]
    fn a_tool_that_fails_is_told_with_its_words() {
        let error =
            run(&mut shell("echo no such thing >&2; exit 3"), "sh", Duration::from_secs(20)).err().unwrap();
        assert!(error.to_string().contains("exit status: 3") && error.to_string().ends_with("no such thing"));
    }

    #[test]
    fn a_tool_that_does_not_end_is_ended_with_what_it_started() {
        let error = run(&mut shell("sleep 600 & sleep 600"), "sh", Duration::from_millis(50)).err().unwrap();
        assert!(error.to_string().contains("did not end"), "{error}");
    }
}
