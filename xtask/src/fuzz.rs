//! Runs the fuzz targets of `fuzz/`: libFuzzer, built by the stable toolchain and a C++ compiler.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::step::{self, Outcome, cargo, output, root, shown};

/// The crate of the targets, which is no member of the workspace.
pub const MANIFEST: &str = "fuzz/Cargo.toml";

/// Coverage counters, as libFuzzer reads them. They are part of any compiler; only sanitizers are not.
const COUNTERS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The targets, each with the length of its longest input, in bytes.
const TARGETS: [(&str, usize); 11] = [
    ("contents", 4 << 10),
    ("deb", 32 << 10),
    ("elf_read", 20 << 10),
    ("ld_so_cache", 8 << 10),
    ("ld_so_conf", 4 << 10),
    ("notes", 4 << 10),
    ("packages", 4 << 10),
    ("postinst", 4 << 10),
    ("release", 8 << 10),
    ("shebang", 1 << 10),
    ("symbols", 20 << 10),
];

/// What holds for each input: seconds, and megabytes of memory. All inputs of these sizes take far less.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// How long each target runs, if `BANTAM_FUZZ_SECONDS` does not say.
const SECONDS: u64 = 600;
/// As many targets run at a time.
const SIDE_BY_SIDE: usize = 2;

/// `TARGET [SECONDS]`: runs one target.
pub fn run(options: &[&str]) -> Outcome {
    let names = TARGETS.map(|(name, _)| name).join(", ");
    let known = |name: &str| TARGETS.into_iter().find(|(known, _)| *known == name);
    let (target, seconds) = match options {
        [] => return Err(format!("cargo xtask fuzz takes one of {names}")),
        [name] => (known(name), seconds()?),
        [name, seconds] => (known(name), parse(seconds)?),
        _ => return Err("cargo xtask fuzz takes a target and a number of seconds".into()),
    };
    let target = target.ok_or_else(|| format!("{}: no such target; there are {names}", options.join(" ")))?;
    Fuzzer::build()?.fuzz(target, seconds)
}

/// Runs the targets whose name contains one of `names`, or all; says how many ran clean and how many did not.
pub fn all(names: &[&str]) -> (usize, usize) {
    let wanted =
        |name: &str| names.is_empty() || names.iter().any(|part| format!("fuzz::{name}").contains(part));
    let targets: Vec<_> = TARGETS.into_iter().filter(|(name, _)| wanted(name)).collect();
    if targets.is_empty() {
        return (0, 0);
    }
    let (fuzzer, seconds) = match Fuzzer::build().and_then(|fuzzer| Ok((fuzzer, seconds()?))) {
        Ok(ready) => ready,
        Err(message) => {
            println!("fuzz: FAILED\n{message}");
            return (0, targets.len());
        }
    };
    let (todo, failed) = (Mutex::new(targets.iter()), Mutex::new(0));
    let next = || todo.lock().ok()?.next();
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(target) = next() {
                    if let Err(message) = fuzzer.fuzz(*target, seconds) {
                        println!("fuzz::{}: FAILED\n{message}", target.0);
                        failed.lock().map(|mut failed| *failed += 1).unwrap_or_default();
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or(targets.len());
    (targets.len() - failed, failed)
}

/// Are the targets free of warnings?
pub fn check() -> Outcome {
    let options =
        ["clippy", "--manifest-path", MANIFEST, "--locked", "--all-targets", "--", "-D", "warnings"];
    step::run(cargo(&options).env("CARGO_TARGET_DIR", root().join("target/fuzz")))
}

/// The targets, built.
struct Fuzzer {
    programs: PathBuf,
    /// Holds `seeds`, made anew each time; `corpus`, which grows from run to run; `crashes` and `logs`.
    folder: PathBuf,
}

impl Fuzzer {
    fn build() -> Outcome<Self> {
        let folder = root().join("target/fuzz");
        let versions = output(Command::new("rustc").arg("-vV"))?;
        let host = versions.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or("rustc -vV names no host")?;
        // With a named target the counters are kept out of build scripts and macros.
        let mut build = cargo(&["build", "--release", "--locked", "--bins", "--manifest-path", MANIFEST]);
        build.args(["--target", host]).env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", COUNTERS);
        step::timed("build of the fuzz targets", || step::run(build.env_remove("CARGO_ENCODED_RUSTFLAGS")))?;
        let fuzzer = Fuzzer { programs: folder.join(host).join("release"), folder };
        fuzzer.remake("seeds")?;
        output(Command::new(fuzzer.programs.join("seeds")).arg(fuzzer.folder.join("seeds")))?;
        Ok(fuzzer)
    }

    /// Runs a target, and prints what it came to.
    fn fuzz(&self, (name, longest): (&str, usize), seconds: u64) -> Outcome {
        let [seeds, corpus, crashes, logs] =
            ["seeds", "corpus", "crashes", "logs"].map(|of| self.folder.join(of));
        let (corpus, crashes) = (corpus.join(name), crashes.join(name));
        for folder in [&corpus, &crashes, &logs] {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let log = logs.join(name);
        let failed = |error: std::io::Error| format!("{}: {error}", log.display());
        let mut fuzz = Command::new(self.programs.join(name));
        fuzz.arg(&corpus).arg(seeds.join(name)).args(LIMITS).arg(format!("-max_len={longest}"));
        fuzz.arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", crashes.display()));
        let file = File::create(&log).map_err(failed)?;
        fuzz.stdout(file.try_clone().map_err(failed)?).stderr(file);
        println!("fuzz::{name}: {seconds} s, told in {}", log.display());
        let status = fuzz.status().map_err(|error| format!("{}: {error}", shown(&fuzz)))?;
        let told = fs::read(&log).map_err(failed)?;
        let told = String::from_utf8_lossy(&told);
        if status.success() {
            println!("fuzz::{name}: {}, clean", summary(&told));
            return Ok(());
        }
        Err(crash(&told, &self.programs.join(name)).unwrap_or_else(|| format!("{}: {status}", shown(&fuzz))))
    }

    fn remake(&self, name: &str) -> Outcome {
        let folder = self.folder.join(name);
        let gone = if folder.exists() { fs::remove_dir_all(&folder) } else { Ok(()) };
        gone.map_err(|error| format!("{}: {error}", folder.display()))
    }
}

fn seconds() -> Outcome<u64> {
    std::env::var("BANTAM_FUZZ_SECONDS").map_or(Ok(SECONDS), |text| parse(&text))
}

fn parse(seconds: &str) -> Outcome<u64> {
    seconds.parse().map_err(|error| format!("`{seconds}` is no number of seconds: {error}"))
}

/// The executions and the coverage that libFuzzer told last.
fn summary(told: &str) -> String {
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let last = |before: &str| told.rsplit_once(before).map_or_else(|| "?".into(), |(_, rest)| number(rest));
    let edges = told.split_once(" modules   (").map_or_else(|| "?".into(), |(_, rest)| number(rest));
    format!("{} executions, {} of {edges} edges covered", last("\nDone "), last(" cov: "))
}

/// What went wrong, the input it went wrong with, and how to see it again.
fn crash(told: &str, program: &Path) -> Option<String> {
    let input = told.lines().find_map(|line| line.split_once("Test unit written to "))?.1;
    let about = |line: &&str| line.contains(" panicked at ") || line.starts_with("SUMMARY: ");
    let from = told.lines().skip_while(|line| !about(line)).take(4);
    let why = from.map(|line| format!("  {line}\n")).collect::<String>();
    Some(format!("{why}the input is {input}; see it again with\n  {} {input}", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "INFO: Loaded 1 modules   (12272 inline 8-bit counters): 12272 [0x1, 0x2),\n\
        #46\tINITED cov: 2374 ft: 4472 corp: 44/114Kb exec/s: 0 rss: 29Mb\n\
        #13497\tDONE   cov: 2921 ft: 7808 corp: 525/2570Kb lim: 48536 exec/s: 642 rss: 34Mb\n\
        Done 13497 runs in 21 second(s)\n";

    #[test]
    fn a_clean_run_is_summed_up() {
        assert_eq!(summary(TOLD), "13497 executions, 2921 of 12272 edges covered");
        assert_eq!(crash(TOLD, Path::new("notes")), None);
    }

    #[test]
    fn a_crash_tells_its_input() {
        let told = "thread 'main' panicked at src/notes.rs:26:5:\nno note\nnote: x\nstack\nmore\n\
            artifact_prefix='a/'; Test unit written to a/crash-94\nBase64: Iy\n";
        let text = crash(told, Path::new("target/notes")).unwrap_or_default();
        assert!(text.contains("panicked at src/notes.rs:26:5:\n  no note\n"), "{text}");
        assert!(
            text.ends_with("the input is a/crash-94; see it again with\n  target/notes a/crash-94"),
            "{text}"
        );
    }

    #[test]
    fn every_target_has_its_row() {
        let programs = fs::read_dir(root().join("fuzz/src/bin")).into_iter().flatten().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().replace(".rs", "");
        let mut programs: Vec<String> = programs.map(name).filter(|name| name != "seeds").collect();
        programs.sort();
        assert_eq!(programs, TARGETS.map(|(name, _)| name));
    }
}
