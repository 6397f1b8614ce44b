//! An image of a distribution's packages, the network apart: from a directory that holds them.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Bench;
use super::measure::{Row, Tool, interleaved};
use super::peers::Bantam;
use super::size::Written;
use super::table::table;
use crate::step::{Outcome, output, run};

/// What is built: the classic profile for programs in C++, and nothing else.
const SPEC: &str = "\
name = \"example.com/cc\"
platforms = [\"linux/amd64\"]

[runtime]
source = \"debian:bookworm\"
profile = \"cc\"
";
const COLD: &str = "bantam build, nothing cached";

/// The section of the report.
pub fn section(bench: &mut Bench) -> Outcome<String> {
    let work = bench.work()?;
    let file = work.join("bantam.toml");
    fs::write(&file, SPEC).map_err(|error| format!("{}: {error}", file.display()))?;
    let rows = match run(Bantam::command(&work, &["vendor", "vendored"]).current_dir(&work)) {
        Ok(()) => interleaved(tools(&work)?, bench.rounds, || Ok(()))?,
        Err(why) => vec![Row::Skipped { name: COLD.into(), why }],
    };
    bench.count(&rows);
    super::measure::remove(&work)?;
    Ok(table(
        "the profile cc of Debian's packages, which lie in a directory",
        &rows,
        UNPACKED,
        "unpacking them",
    ))
}

const UNPACKED: &str = "dpkg-deb unpacks the packages into nothing, one after the other";

fn tools(work: &Path) -> Outcome<Vec<Tool>> {
    let mirror = format!("file:{}", work.join("vendored/debian").display());
    let build = |name: &str, remove| {
        let mut command = Bantam::command(work, &["build", "--locked", "--offline", "-o", "oci:out"]);
        command.env("BANTAM_MIRROR", &mirror);
        Tool { remove, ..Bantam::tool(name, work, command, Written::Layout("out", false)) }
    };
    let packages = output(Command::new("find").arg(work.join("vendored")).args(["-name", "*.deb"]))?;
    let mut unpack = Command::new("sh");
    unpack
        .args(["-c", "for deb; do dpkg-deb --fsys-tarfile \"$deb\" > /dev/null; done", "sh"])
        .args(packages.lines());
    Ok(vec![
        build("build, nothing cached", &["out", "cache"]),
        build("build again, unchanged", &["out"]),
        Tool::new(UNPACKED, work, unpack, Written::Nothing),
    ])
}
