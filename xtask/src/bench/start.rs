//! How long it takes to know whether a program would start.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::Bench;
use super::measure::median;
use super::peers::Bantam;
use crate::step::{Outcome, cargo, output, run};

/// A program with many libraries, and the Debian package that has it.
pub const PROGRAM: (&str, &str) = ("/usr/bin/ffmpeg", "ffmpeg");
/// How often the commands are measured, which take turns.
const ROUNDS: usize = 21;
/// Where the ELF files are whose facts are read.
const FILES: &str = "/usr";

/// The section of the report.
pub fn section(bench: &mut Bench) -> Outcome<String> {
    let work = &bench.folder.join("start");
    let mut text = "## Would it start\n\n| | time | ÷ |\n|---|---:|---:|\n".to_owned();
    let mut rows = |ours: (String, f64), theirs: (String, f64)| {
        for (name, seconds) in [&ours, &theirs] {
            text.push_str(&format!("| {name} | {:.1} ms | {:.2} |\n", seconds * 1e3, seconds / theirs.1));
        }
    };
    let (files, bytes, facts, goblin) = facts()?;
    let of = format!("{files} ELF files, {:.1} GB", bytes as f64 / 1e9);
    rows((format!("the facts of {of}"), facts), ("a bare goblin lazy parse of them".into(), goblin));
    let (libraries, check, list) = check(work)?;
    let (program, _) = PROGRAM;
    rows(
        (format!("`bantam check` of {program}, {libraries} libraries"), check),
        ("`ld.so --list` of it".into(), list),
    );
    Ok(text + "\n")
}

/// Files, bytes, and the seconds of our facts and of goblin.
fn facts() -> Outcome<(u64, u64, f64, f64)> {
    let told =
        output(&mut cargo(&["bench", "--locked", "-p", "bantam-elf", "--bench", "facts", "--", FILES]))?;
    let words: Vec<&str> = told.lines().last().unwrap_or_default().split(' ').collect();
    let [files, bytes, facts, goblin] = words[..] else { return Err(format!("the bench says {told:?}")) };
    let wrong = |error: &dyn std::fmt::Display| format!("the bench says {told:?}: {error}");
    Ok((
        files.parse().map_err(|error| wrong(&error))?,
        bytes.parse().map_err(|error| wrong(&error))?,
        facts.parse().map_err(|error| wrong(&error))?,
        goblin.parse().map_err(|error| wrong(&error))?,
    ))
}

/// How many libraries the program has, and the seconds of a check and of the loader that lists them.
fn check(work: &Path) -> Outcome<(usize, f64, f64)> {
    let (program, name) = PROGRAM;
    let failed = |error: std::io::Error| format!("{}: {error}", work.display());
    fs::create_dir_all(work).map_err(failed)?;
    let spec = Bantam::spec_of(name, program, "");
    fs::write(work.join("bantam.toml"), spec).map_err(failed)?;
    let mut check = Bantam::command(work, &["check"]);
    check.current_dir(work);
    let mut list = Command::new("ld.so");
    list.args(["--list", program]);
    let libraries = output(&mut list)?.lines().count();
    list.stdout(std::process::Stdio::null());
    let mut seconds: [Vec<f64>; 2] = Default::default();
    for round in 0..=ROUNDS {
        for (command, seconds) in [&mut check, &mut list].into_iter().zip(&mut seconds) {
            let start = Instant::now();
            run(command)?;
            if round > 0 {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
    }
    let [check, list] = seconds.map(median);
    Ok((libraries, check, list))
}
