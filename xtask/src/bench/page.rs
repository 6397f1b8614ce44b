//! The page around the tables: on what they were measured, how, and what they mean.

use std::fs;

use super::Bench;
use super::payload;
use super::peers::Peer;
use crate::step::{Outcome, output};

/// The whole page.
pub fn page(bench: &Bench, report: &str, sum: &str) -> Outcome<String> {
    Ok(format!("{}\n{report}{}\n{HOW}\n{sum}.\n", head(bench)?, payload::origin()))
}

fn head(bench: &Bench) -> Outcome<String> {
    let read = |file: &str| fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
    let (cpu_info, memory_info) = (read("/proc/cpuinfo")?, read("/proc/meminfo")?);
    let model = cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kibibytes =
        memory_info.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
    let memory = kibibytes.and_then(|number| number.parse::<f64>().ok()).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = output(std::process::Command::new("uname").arg("-sr"))?;
    let mut text = format!(
        "# Benchmarks\n\nMedians of {} rounds in which the builders take turns, with warm file caches, on {cores} cores of {}\n\
         with {:.0} GB, {}.\n\n",
        bench.rounds.counted,
        model.map_or("an unknown processor", |(_, model)| model),
        memory * 1024.0 / 1e9,
        kernel.trim(),
    );
    for peer in &bench.peers {
        text.push_str(&line(peer.as_ref()));
    }
    Ok(text)
}

fn line(peer: &dyn Peer) -> String {
    match peer.version() {
        Ok(version) => format!("- {version}\n"),
        Err(why) => format!("- {}: SKIPPED: {}\n", peer.name(), why.replace('\n', "; ")),
    }
}

const HOW: &str = "\
Times are those of the command from start to end; making the payload is not measured. “Nothing cached” begins with an
empty cache of that builder, in all other rows it is warm. The one file that is changed has 10 KB, or, of 8 GiB, one.
Layers are the compressed layers as a registry would store them, or the archive that holds them; those of Docker's
engine are not compressed, because it keeps files. Peak memory is the largest resident set of one process. A client
that talks to a daemon has that of all the daemon's processes added, each at its own peak since the command began,
with what they hold when idle.

umoci's empty layout is made before its clock starts. crane has no way to make a tar, so `tar` does it, on the clock.
ko is for programs in Go, and in one table only: its program holds the same bytes as the other static program, and is
compiled before; that Go finds nothing to compile is on the clock. jib starts a Java machine each time. gnoci looks
for libraries as bantam does; the others get the files that bantam took. A builder that fails or is missing has a row
that tells why.

The machine's limit is measured in the same rounds: reading every file, SHA-256 of the content and of the compressed
layer side by side, and compression by zlib-rs at level 5 in pieces of 1 MiB. No builder that has to do all of it can
be faster than the slowest part on its own, or, where all cores are busy with all of it, than their sum over the
cores.

Facts are what a loader reads of a file: its headers, dynamic section, versions and notes. They and goblin's, which
are the headers, the dynamic section and the names in it, are read with `pread` by a program that looks at all ELF
files below `/usr` in turns. The check is of a spec that lists the program alone, and takes its libraries from the
machine: closure, symbols, packages, policy. The loader lists the libraries by mapping them.

What is pushed is a layout whose layers hold noise, and the registry is an empty one each time, except for the rows in
which nothing is new: those come right after the same client's push. The registry works on the same cores as the
client. No client needs credentials.

Repeat with `cargo xtask bench`, which installs what it can (`--full`: with 8 GiB, and with ten times the files;
`--rounds N` and names of sections for a part); `cargo xtask bench --write` writes this page.
";
