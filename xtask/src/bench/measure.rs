//! Time, memory and size of commands that take turns.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::step::{Outcome, run, shown};

/// How often each command is measured; the medians are reported.
pub const ROUNDS: usize = 5;

/// A command to measure, run in the folder of the work.
pub struct Tool {
    pub name: &'static str,
    /// What of an earlier run must be gone.
    pub remove: &'static [&'static str],
    /// A shell command that comes before, unmeasured.
    pub prepare: Option<&'static str>,
    /// A file that is changed before.
    pub change: Option<PathBuf>,
    pub command: Command,
    /// The OCI layout that it writes; otherwise what it writes is `tar.gz`.
    pub layers: Option<&'static str>,
}

/// Medians of one tool.
pub struct Measured {
    pub name: &'static str,
    pub seconds: f64,
    pub layer_bytes: f64,
    pub peak_bytes: f64,
}

/// One round to warm up, then the measured rounds; in each round every tool has its turn.
pub fn interleaved(tools: &mut [Tool], work: &Path) -> Outcome<Vec<Measured>> {
    let mut rows: Vec<Vec<Measured>> = tools.iter().map(|_| Vec::new()).collect();
    for round in 0..=ROUNDS {
        for (tool, row) in tools.iter_mut().zip(&mut rows) {
            let measured = once(tool, work, round)?;
            if round > 0 {
                row.push(measured);
            }
        }
    }
    Ok(rows.iter().map(|row| medians(row)).collect())
}

fn once(tool: &mut Tool, work: &Path, round: usize) -> Outcome<Measured> {
    for name in tool.remove {
        let path = work.join(name);
        let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        if path.exists() {
            gone.map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    if let Some(script) = tool.prepare {
        run(Command::new("sh").args(["-c", script]).current_dir(work))?;
    }
    if let Some(file) = &tool.change {
        let change = |mut file: fs::File| writeln!(file, "# {round}");
        fs::File::options()
            .append(true)
            .open(file)
            .and_then(change)
            .map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let report = work.join("time");
    let mut command = Command::new("/usr/bin/time");
    command.args(["--format=%M", "--output"]).arg(&report).arg(tool.command.get_program());
    command.args(tool.command.get_args()).current_dir(work);
    command.envs(tool.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdout(std::process::Stdio::null());
    let start = Instant::now();
    run(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();

    let text = fs::read_to_string(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    let kibibytes: f64 =
        text.trim().parse().map_err(|error| format!("{}: {text:?}: {error}", shown(&command)))?;
    let layer_bytes = match tool.layers {
        Some(layout) => layers_of(&work.join(layout))?,
        None => size(&work.join("tar.gz"))?,
    };
    Ok(Measured { name: tool.name, seconds, layer_bytes, peak_bytes: kibibytes * 1024.0 })
}

/// The middle one; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn medians(measured: &[Measured]) -> Measured {
    let median = |of: fn(&Measured) -> f64| median(measured.iter().map(of).collect());
    Measured {
        name: measured.first().map_or("", |row| row.name),
        seconds: median(|row| row.seconds),
        layer_bytes: median(|row| row.layer_bytes),
        peak_bytes: median(|row| row.peak_bytes),
    }
}

/// The bytes of all layers of a layout's newest image.
fn layers_of(layout: &Path) -> Outcome<f64> {
    let index = json(&layout.join("index.json"))?;
    let manifests = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let digest = manifests.last().and_then(|manifest| manifest["digest"].as_str()).unwrap_or_default();
    let manifest = json(&layout.join("blobs").join(digest.replace(':', "/")))?;
    let layers = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(layers.iter().filter_map(|layer| layer["size"].as_f64()).sum())
}

fn json(file: &Path) -> Outcome<Value> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn size(file: &Path) -> Outcome<f64> {
    fs::metadata(file).map(|meta| meta.len() as f64).map_err(|error| format!("{}: {error}", file.display()))
}
