//! How long a Python application takes to import what it serves with.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::image::{self, Image, Unpacked};
use super::stand_in::StandIn;
use crate::bench::Bench;
use crate::bench::measure::median;
use crate::step::{Outcome, output};

/// How often each is measured, in turns.
const ROUNDS: usize = 11;
const IMPORT: &str = "import shop, gunicorn.app.wsgiapp";

/// The table.
pub fn rows(bench: &mut Bench, work: &Path) -> String {
    let mut text = "\n| import of Flask and gunicorn | time | ÷ classic |\n|---|---:|---:|\n".to_owned();
    match measured(work) {
        Ok((ours, theirs)) => {
            bench.measured += 1;
            for (name, seconds) in [("bantam", ours), ("classic", theirs)] {
                text.push_str(&format!("| {name} | {:.0} ms | {:.2} |\n", seconds * 1e3, seconds / theirs));
            }
        }
        Err(why) => text.push_str(&format!("| {} |\n", bench.skipped_row("import of Flask", &why, 2))),
    }
    text
}

fn measured(work: &Path) -> Outcome<(f64, f64)> {
    let ours = Image::of(&image::FLASK, "trixie", super::REQUIREMENTS).tree(work)?;
    let theirs = StandIn::python_trixie(Some(&image::FLASK)).tree(work)?;
    let mut seconds: [Vec<f64>; 2] = Default::default();
    for round in 0..=ROUNDS {
        for ((tree, path), seconds) in [(&ours, "/app"), (&theirs, "/site")].into_iter().zip(&mut seconds) {
            let mut command = import(tree, path);
            let start = Instant::now();
            output(&mut command)?;
            if round > 0 {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
    }
    let [ours, theirs] = seconds.map(median);
    Ok((ours, theirs))
}

/// The interpreter of a tree, in it.
fn import(tree: &Unpacked, path: &str) -> Command {
    let mut command = Command::new("chroot");
    command.arg(&tree.dir).args(["/usr/bin/python3.13", "-c", IMPORT]);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("PYTHONPATH", path);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
