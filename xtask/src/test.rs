//! All tests, with the peers they talk to, and one line that sums them up.

use std::io::{BufRead, BufReader, Write};
use std::process::Command;

use crate::daemon::Peers;
use crate::fuzz;
use crate::install;
use crate::step::{self, Outcome, cargo, root, timed};

/// `[--long] [NAME…]`: installs what is missing, builds, starts the peers, tests, and ends what it started.
pub fn run(options: &[&str]) -> Outcome {
    let (flags, names): (Vec<&str>, Vec<&str>) = options.iter().partition(|option| option.starts_with('-'));
    if let Some(unknown) = flags.iter().find(|flag| **flag != "--long") {
        return Err(format!("{unknown}: no such option of cargo xtask test"));
    }
    install::peers(!flags.is_empty());
    timed("cargo build", || step::run(&mut cargo(&["build", "--release", "--locked", "--bin", "bantam"])))?;
    let peers = Peers::start(&std::env::temp_dir().join(format!("bantam-test-{}", std::process::id())))?;
    let engine = timed("Docker engine", || peers.await_engine());
    let mut tests = cargo(&["test", "--workspace", "--locked", "--no-fail-fast", "--"]);
    tests.args(&names);
    tests.env("PATH", search_path()?);
    tests.env("BANTAM_TEST_PEERS", peers.folder());
    tests.env("BANTAM_TEST_BIN", root().join("target/release/bantam"));
    if !flags.is_empty() {
        tests.env("BANTAM_TEST_LONG", "1");
    }
    match engine {
        Ok(()) => {
            tests.env("DOCKER_HOST", peers.docker_host()).env("BANTAM_TEST_CONTAINERD", peers.containerd());
        }
        Err(message) => eprintln!("{message}"),
    }
    let (mut tally, ended_well) = timed("cargo test", || counted(tests))?;
    drop(peers);
    if !flags.is_empty() {
        let (clean, failed) = fuzz::all(&names);
        tally.ended_well += clean;
        tally.failed += failed;
    }
    // The last line, whatever happened.
    println!("{tally}");
    if ended_well && tally.failed == 0 && tally.passed() > 0 { Ok(()) } else { Err(String::new()) }
}

/// What the test programs said of themselves, summed up.
///
/// A test that lacks its peer says `SKIPPED: ` and the reason, and its program counts it among those that passed.
#[derive(Default)]
struct Tally {
    ended_well: usize,
    failed: usize,
    ignored: usize,
    said_skipped: usize,
}

impl Tally {
    /// Takes in a line of output.
    fn add(&mut self, line: &str) {
        self.said_skipped += usize::from(line.contains("SKIPPED: "));
        let Some((_, result)) = line.split_once("test result: ") else { return };
        let count = |what: &str| {
            let part = result.split(['.', ';']).find(|part| part.trim_end().ends_with(what));
            part.and_then(|part| part.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0)
        };
        self.ended_well += count("passed");
        self.failed += count("failed");
        self.ignored += count("ignored");
    }

    fn passed(&self) -> usize {
        self.ended_well.saturating_sub(self.said_skipped)
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let skipped = self.said_skipped + self.ignored;
        write!(f, "{} passed, {} failed, {skipped} skipped", self.passed(), self.failed)
    }
}

/// Runs the tests, shows their output as it comes, and counts; the second value is whether all ended well.
fn counted(mut tests: Command) -> Outcome<(Tally, bool)> {
    let failed = |error: std::io::Error| format!("the tests' output: {error}");
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    tests.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let mut child = tests.spawn().map_err(|error| format!("{}: {error}", step::shown(&tests)))?;
    // The command holds our ends of the pipe open.
    drop(tests);
    let mut tally = Tally::default();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(failed)?;
        let line = String::from_utf8_lossy(&line);
        tally.add(&line);
        writeln!(std::io::stdout(), "{line}").map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    Ok((tally, status.success()))
}

/// Programs that we built first; then, because a plain user's path may lack it, `/usr/sbin`.
fn search_path() -> Outcome<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        [install::programs()].into_iter().chain(std::env::split_paths(&path)).chain(["/usr/sbin".into()]);
    std::env::join_paths(folders).map_err(|error| format!("PATH: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed_and_skips_are_not_passes() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "SKIPPED: git::docker: no Docker engine",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.20s",
        ] {
            tally.add(line);
        }
        assert_eq!(tally.to_string(), "6 passed, 2 failed, 2 skipped");
    }
}
