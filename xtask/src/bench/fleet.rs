//! Many images that share a runtime, in one run.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Bench;
use super::measure::{Tool, interleaved};
use super::payload::closure::PROGRAM;
use super::peers::Bantam;
use super::size::Written;
use super::table::table;
use crate::step::Outcome;

/// How many images; `BANTAM_BENCH_IMAGES` sets another number.
const IMAGES: usize = 100;

/// The section of the report.
pub fn section(bench: &mut Bench) -> Outcome<String> {
    let count = match std::env::var("BANTAM_BENCH_IMAGES") {
        Ok(text) => text.parse().map_err(|error| format!("BANTAM_BENCH_IMAGES={text}: {error}"))?,
        Err(_) => IMAGES,
    };
    let work = bench.work()?;
    let specs: Vec<String> = (0..count).map(|number| format!("services/{number:03}/bantam.toml")).collect();
    for (number, spec) in specs.iter().enumerate() {
        write_spec(&work.join(spec), number)?;
    }
    let first = specs.get(..1).unwrap_or_default();
    let cold = &["out", "cache"][..];
    let tools = vec![
        tool(ONE, &work, first, cold),
        tool("1 image again, unchanged", &work, first, &["out"]),
        tool(&format!("{count} images, nothing cached"), &work, &specs, cold),
        tool(&format!("{count} images again, unchanged"), &work, &specs, &["out"]),
    ];
    let rows = interleaved(tools, bench.rounds, || Ok(()))?;
    bench.count(&rows);
    super::measure::remove(&work)?;
    let title = format!("{count} images with {PROGRAM} and its libraries, each with a file of its own");
    Ok(table(&title, &rows, ONE, "1 image"))
}

const ONE: &str = "1 image, nothing cached";

fn tool(name: &str, work: &Path, specs: &[String], remove: &'static [&'static str]) -> Tool {
    let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
    let command = Bantam::command(work, &[&["build"], specs.as_slice(), &["-o", "oci:out"]].concat());
    let mut prepare = Command::new("find");
    prepare.args(["services", "-name", "bantam.lock", "-delete"]);
    // Every image's layers are among the blobs, the shared ones once.
    let tool = Bantam::tool(name, work, command, Written::Layout("out", true));
    let prepare = remove.contains(&"cache").then_some(prepare);
    Tool { name: name.to_owned(), remove, prepare, ..tool }
}

fn write_spec(file: &Path, number: usize) -> Outcome {
    let own = format!("\n[[files]]\ncontent = \"service {number}\\n\"\nto = \"/app/service.conf\"\n");
    let spec = Bantam::spec_of(&format!("service-{number}"), PROGRAM, &own);
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, spec))
        .map_err(|error| format!("{}: {error}", file.display()))
}
