//! Measures bantam against other builders of the same tree. Numbers are reported, never asserted.

mod measure;
mod payload;
mod start;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install;
use crate::step::{self, Outcome, cargo, output, root, timed};
use measure::{Measured, Tool, interleaved};

const TOOLS: [(&str, &str); 4] =
    [("/usr/bin/umoci", "umoci"), ("/usr/bin/pigz", "pigz"), ("/usr/bin/time", "time"), start::PROGRAM];

/// The payload's spec: the same files as the others get, nothing beside them, and no check that needs a runtime.
const SPEC: &str = r#"
name = "example.com/bench"

[runtime]
source = "none"
profile = "none"

[[files]]
from = "PAYLOAD"
to = "/app/"

[policy]
allow = ["unresolved:*", "secrets", "dangling-links", "world-writable"]
"#;

/// `[--write]`: prints the tables, or writes them to `docs/benchmarks.md`.
pub fn run(options: &[&str]) -> Outcome {
    let write = match options {
        [] => false,
        ["--write"] => true,
        _ => return Err(format!("{}: no such option of cargo xtask bench", options.join(" "))),
    };
    install::debian(&TOOLS);
    timed("build", || step::run(&mut cargo(&["build", "--release", "--locked", "--package", "bantam-cli"])))?;
    let folder = root().join("target/bench");
    let many = timed("payload of many files", || payload::many_files(&folder.join("many")))?;
    let one = timed("payload of one program", || payload::one_program(&folder.join("one"), &many))?;

    let mut report = String::new();
    for payload in [&many, &one] {
        let measured = timed(&payload.title, || measure(payload, &folder.join("work")))?;
        report.push_str(&table(&payload.title, &measured));
    }
    report.push_str(&timed("would it start", || start::section(&folder.join("start")))?);
    if write {
        let file = root().join("docs/benchmarks.md");
        let text = format!("{}\n{report}{}\n{HOW}", head()?, payload::origin());
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
    } else {
        println!("{report}");
        Ok(())
    }
}

/// A tree to build an image of.
struct Payload {
    title: String,
    folder: PathBuf,
    /// A file whose change is measured too, if the payload has many.
    changed: Option<PathBuf>,
}

fn measure(payload: &Payload, work: &Path) -> Outcome<Vec<Measured>> {
    let bantam = root().join("target/release/bantam");
    let build = |name: &'static str, remove: &'static [&'static str], change: Option<PathBuf>| {
        let mut command = Command::new(&bantam);
        command.args(["build", "bantam.toml", "-o", "oci:out:1", "--quiet"]);
        command.env("BANTAM_CACHE_DIR", work.join("cache"));
        Tool { name, remove, prepare: None, change, command, layers: Some("out") }
    };
    let umoci = {
        let mut command = Command::new("umoci");
        command.args(["insert", "--rootless", "--image", "umoci:1"]).arg(&payload.folder).arg("/app");
        let prepare = "umoci init --layout umoci && umoci new --image umoci:1";
        Tool {
            name: "umoci insert",
            remove: &["umoci"],
            prepare: Some(prepare),
            change: None,
            command,
            layers: Some("umoci"),
        }
    };
    let pigz = {
        let mut command = Command::new("sh");
        command.args(["-c", r#"tar -C "$0" -cf - . | pigz -6 > tar.gz"#]).arg(&payload.folder);
        Tool { name: "tar, pigz -6", remove: &["tar.gz"], prepare: None, change: None, command, layers: None }
    };
    let mut tools = vec![
        build("bantam build, nothing cached", &["out", "cache", "bantam.lock"], None),
        build("bantam build again, unchanged", &["out"], None),
    ];
    if let Some(changed) = &payload.changed {
        tools.push(build("bantam build, one file changed", &["out"], Some(changed.clone())));
    }
    tools.extend([umoci, pigz]);

    let failed = |error: std::io::Error| format!("{}: {error}", work.display());
    if work.exists() {
        fs::remove_dir_all(work).map_err(failed)?;
    }
    fs::create_dir_all(work).map_err(failed)?;
    let spec = SPEC.replace("PAYLOAD", &format!("{}/", payload.folder.display()));
    fs::write(work.join("bantam.toml"), spec).map_err(failed)?;
    interleaved(&mut tools, work)
}

/// A table with ratios to umoci, the builder that others measure against.
fn table(title: &str, measured: &[Measured]) -> String {
    let reference = measured.iter().find(|row| row.name.starts_with("umoci"));
    let ratio = |value: f64, of: fn(&Measured) -> f64| match reference.map(of) {
        Some(reference) if reference > 0.0 => format!("{:.2}", value / reference),
        _ => "–".to_owned(),
    };
    let mut text = format!("## {title}\n\n");
    text.push_str("| | time | ÷ umoci | layers | ÷ umoci | peak memory |\n|---|---:|---:|---:|---:|---:|\n");
    for row in measured {
        text.push_str(&format!(
            "| {} | {:.3} s | {} | {:.2} MB | {} | {:.0} MB |\n",
            row.name,
            row.seconds,
            ratio(row.seconds, |row| row.seconds),
            row.layer_bytes / 1e6,
            ratio(row.layer_bytes, |row| row.layer_bytes),
            row.peak_bytes / 1e6,
        ));
    }
    text.push('\n');
    text
}

fn head() -> Outcome<String> {
    let line = |program: &str, arguments: &[&str]| -> Outcome<String> {
        let text = output(Command::new(program).args(arguments))?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    };
    let cpu_info = fs::read_to_string("/proc/cpuinfo").map_err(|error| format!("/proc/cpuinfo: {error}"))?;
    let model = cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let bantam = root().join("target/release/bantam");
    Ok(format!(
        "# Benchmarks\n\nMedians of {} rounds in which the builders take turns, with warm file caches, on {} cores of {}, {}.\n\
         Versions: {}, {}, {}.\n",
        measure::ROUNDS,
        cores,
        model.map_or("an unknown processor", |(_, model)| model),
        line("uname", &["-sr"])?,
        line(&bantam.to_string_lossy(), &["--version"])?,
        line("umoci", &["--version"])?,
        line("sh", &["-c", "pigz --version 2>&1"])?,
    ))
}

const HOW: &str = "\
Times are those of the command from start to end. Layers are the compressed layers as a registry would store them.
Peak memory is the largest resident set of one process. umoci's empty layout is made before its clock starts; it and
the pipe keep nothing between runs, so they have no other rows. Making the payload is not measured.

Facts are what a loader reads of a file: its headers, dynamic section, versions and notes. They and goblin's, which are
the headers, the dynamic section and the names in it, are read with `pread` by a program that looks at all ELF files below
`/usr` in turns. The check is of a spec that lists the program alone, and takes its libraries from the machine: closure,
symbols, packages, policy. The loader lists the libraries by mapping them.

Repeat with `cargo xtask bench`; `cargo xtask bench --write` writes this page.
";
