//! Checks, tests and benchmarks of this repository: `cargo xtask COMMAND`.

mod bench;
mod ci;
mod daemon;
mod edges;
mod fuzz;
mod install;
mod step;
mod suites;
mod test;

use std::process::ExitCode;

use step::Outcome;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  ci                      everything that must hold before a change is taken
  test [--long] [NAME…]   installs the peers that tests need and runs the tests, or those whose name contains a NAME;
                          --long: what takes long too, and each fuzz target for BANTAM_FUZZ_SECONDS (600)
  fuzz TARGET [SECONDS]   runs a fuzz target of fuzz/
  edges                   checks which crate uses which, and what the pure crates must not use
  bench [--full] [--write] [--rounds N] [SECTION…]
                          installs other builders and measures against them; --full: with 8 GiB, and ten times the files;
                          --write puts the tables into docs/benchmarks.md
  bench --check [--write] counts the instructions of the hot paths and compares them with xtask/instructions.txt
  suites DEBIAN-URL UBUNTU-URL  makes the table of symbol versions by release anew, from these archives' packages";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome: Outcome = match words.as_slice() {
        ["ci"] => ci::run(),
        ["test", options @ ..] => test::run(options),
        ["fuzz", options @ ..] => fuzz::run(options),
        ["edges"] => edges::run(),
        ["bench", options @ ..] => bench::run(options),
        ["suites", options @ ..] => suites::run(options),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            if !message.is_empty() {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}
