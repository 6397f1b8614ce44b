//! `--check`: how many instructions the hot paths take, against the counts in `xtask/instructions.txt`.
//!
//! Counts hardly differ from run to run, and not at all with how busy the machine is. They do with the compiler, the C
//! library and the vector instructions of the processor: that is what the tolerance is for.

mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::measure::remove;
use super::peers::program;
use crate::install;
use crate::step::{Outcome, output, root, succeeds, timed};

const VALGRIND: (&str, &str) = ("/usr/bin/valgrind", "valgrind");
/// By how much a count may be larger than the committed one, in percent.
const TOLERANCE: u64 = 5;

/// A run that is counted, in the folder of its world.
struct Case {
    name: &'static str,
    /// What must be gone before.
    remove: &'static [&'static str],
    /// A file that gets one line more before, and loses it after.
    change: Option<&'static str>,
    arguments: &'static [&'static str],
}

const BUILD: &[&str] = &["build", "files.toml", "-o", "oci:out:1"];

/// The order matters: the second build finds what the first has cached.
const CASES: [Case; 6] = [
    Case { name: "build-cold", remove: &["cache", "out", "files.lock"], change: None, arguments: BUILD },
    Case { name: "build-unchanged", remove: &["out"], change: None, arguments: BUILD },
    Case { name: "build-changed", remove: &["out"], change: Some(world::CHANGED), arguments: BUILD },
    Case {
        name: "check-cold",
        remove: &["cache", "program.lock"],
        change: None,
        arguments: &["check", "program.toml"],
    },
    Case { name: "check-warm", remove: &[], change: None, arguments: &["check", "program.toml"] },
    Case { name: "deps", remove: &[], change: None, arguments: &["deps", "/app/program", "--root", "root"] },
];

/// Counts, and compares with the committed counts or writes them.
pub fn run(write: bool) -> Outcome {
    install::debian(&[VALGRIND]);
    if !Path::new(VALGRIND.0).exists() {
        return Err(format!(
            "{}: it is not here and could not be installed; no instructions are counted",
            VALGRIND.0
        ));
    }
    let folder = root().join("target/bench/check");
    timed("world", || world::make(&folder))?;
    let mut counts = BTreeMap::new();
    for case in &CASES {
        counts.insert(case.name.to_owned(), timed(case.name, || counted(case, &folder))?);
    }
    let (file, machine) = (root().join("xtask/instructions.txt"), machine()?);
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    if write {
        return fs::write(&file, written(&machine, &counts)).map_err(failed);
    }
    let text = fs::read_to_string(&file).map_err(failed)?;
    let (judged, good) =
        judge(&text, &machine, &counts).map_err(|error| format!("{}: {error}", file.display()))?;
    println!("{judged}");
    if good { Ok(()) } else { Err(format!("more instructions than {} has", file.display())) }
}

/// Runs a case, and tells how many instructions it took.
fn counted(case: &Case, folder: &Path) -> Outcome<u64> {
    for name in case.remove {
        remove(&folder.join(name))?;
    }
    let changed = case.change.map(|name| folder.join(name));
    let before = changed.as_deref().map(with_a_line_more).transpose()?;
    let log = folder.join(format!("{}.log", case.name));
    // Where code and stack lie is the same each time, where that is allowed.
    let fixed = succeeds(Command::new("setarch").args(["-R", "true"]));
    let mut command = Command::new(if fixed { "setarch" } else { VALGRIND.0 });
    if fixed {
        command.args(["-R", VALGRIND.0]);
    }
    command.args(["--tool=callgrind", "--fair-sched=yes"]);
    command.arg(format!("--callgrind-out-file={}.callgrind", case.name));
    command.arg(format!("--log-file={}", log.display()));
    command.arg(program()).args(case.arguments).args(["--quiet", "--jobs", "1"]);
    command.current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    command.env("BANTAM_CACHE_DIR", "cache").env("HOME", "home").env("TMPDIR", "/tmp");
    let done = output(&mut command);
    if let (Some(file), Some(text)) = (&changed, before) {
        fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    done?;
    let text = fs::read_to_string(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    collected(&text).ok_or_else(|| format!("{}: it has no count", log.display()))
}

/// The bytes that the file had.
fn with_a_line_more(file: &Path) -> Outcome<Vec<u8>> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let before = fs::read(file).map_err(failed)?;
    fs::write(file, [before.as_slice(), b"one line more\n"].concat()).map_err(failed)?;
    Ok(before)
}

/// The count in what callgrind says.
fn collected(log: &str) -> Option<u64> {
    let line = log.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.split_whitespace().next()?.parse().ok()
}

/// What counts depend on beside the code.
fn machine() -> Outcome<String> {
    let compiler = output(Command::new("rustc").arg("--version"))?;
    Ok(format!("{}, {}", std::env::consts::ARCH, compiler.trim()))
}

fn written(machine: &str, counts: &BTreeMap<String, u64>) -> String {
    let mut text = "# Instructions of the hot paths, as `cargo xtask bench --check` counts them.\n\
                    # A change that makes them fewer, or more with good reason: `cargo xtask bench --check --write`.\n"
        .to_owned();
    text.push_str(&format!("# {machine}\n"));
    for (name, count) in counts {
        text.push_str(&format!("{name} {count}\n"));
    }
    text
}

/// A table of both, and whether nothing has grown beyond the tolerance.
fn judge(committed: &str, machine: &str, counts: &BTreeMap<String, u64>) -> Outcome<(String, bool)> {
    let mut known = BTreeMap::new();
    for line in committed.lines().filter(|line| !line.starts_with('#')) {
        let (name, count) =
            line.split_once(' ').ok_or_else(|| format!("{line:?}: not a name and a count"))?;
        known.insert(name, count.parse::<u64>().map_err(|error| format!("{line:?}: {error}"))?);
    }
    let mut text = String::new();
    let of = committed.lines().filter_map(|line| line.strip_prefix("# ")).next_back().unwrap_or_default();
    let architecture = |machine: &str| machine.split(',').next().unwrap_or_default().to_owned();
    if architecture(of) != architecture(machine) {
        return Err(format!("its counts are of {of}, this is {machine}"));
    }
    if of != machine {
        text.push_str(&format!("these counts are of {machine}, the committed ones of {of}\n"));
    }
    let mut good = true;
    for (name, count) in counts {
        let Some(before) = known.remove(name.as_str()) else {
            text.push_str(&format!("{name}: {count}, not among the committed counts\n"));
            good = false;
            continue;
        };
        let percent = (*count as f64 / before.max(1) as f64 - 1.0) * 100.0;
        let word = if *count > before + before * TOLERANCE / 100 {
            good = false;
            "  TOO MANY"
        } else if *count < before - before * TOLERANCE / 100 {
            "  fewer: --check --write keeps it so"
        } else {
            ""
        };
        text.push_str(&format!("{name}: {count}, {percent:+.2} % of {before}{word}\n"));
    }
    for name in known.keys() {
        text.push_str(&format!("{name}: no longer counted\n"));
        good = false;
    }
    Ok((text.trim_end().to_owned(), good))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(list: &[(&str, u64)]) -> BTreeMap<String, u64> {
        list.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn what_is_written_is_read_and_good() {
        let counts = counts(&[("build", 1000), ("check", 50)]);
        let (text, good) = judge(&written("m", &counts), "m", &counts).unwrap();
        assert_eq!(text, "build: 1000, +0.00 % of 1000\ncheck: 50, +0.00 % of 50");
        assert!(good);
    }

    #[test]
    fn too_many_fewer_new_and_gone() {
        let good = |list: &[(&str, u64)]| judge("# m\nbuild 1000\n", "m", &counts(list)).unwrap();
        assert!(good(&[("build", 1050)]).1);
        assert!(!good(&[("build", 1051)]).1);
        let (text, fewer) = good(&[("build", 900)]);
        assert!(fewer && text.contains("fewer"), "{text}");
        assert!(!good(&[("build", 1000), ("new", 1)]).1);
        assert!(!good(&[]).1);
    }

    #[test]
    fn another_compiler_is_told_another_machine_and_a_broken_line_are_errors() {
        let told = judge("# x86_64, a 1\n", "x86_64, a 2", &counts(&[])).unwrap().0;
        assert_eq!(told, "these counts are of x86_64, a 2, the committed ones of x86_64, a 1");
        assert!(judge("# x86_64, a 1\n", "aarch64, a 1", &counts(&[])).is_err());
        assert!(judge("build\n", "m", &counts(&[])).is_err());
        assert!(judge("build x\n", "m", &counts(&[])).is_err());
    }

    #[test]
    fn the_count_of_a_log() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 12345\n"), Some(12345));
        assert_eq!(collected("==7== nothing\n"), None);
    }
}
