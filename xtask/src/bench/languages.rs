//! Images of applications in Python, Node.js and Java, beside what the classic images of the same content weigh, and how
//! fast they start.

mod image;
mod stand_in;
mod start;

use std::fs;
use std::path::{Path, PathBuf};

use super::Bench;
use super::measure::Rounds;
use crate::step::{Outcome, root};
use image::Image;
use stand_in::StandIn;

/// A row of the table of sizes: what is built, what it is held against, and how much of that it may have, in percent.
struct Case {
    name: &'static str,
    image: Image,
    stand_in: StandIn,
    at_most: u64,
}

/// The section of the report.
pub fn section(bench: &mut Bench) -> Outcome<String> {
    let work = bench.folder.join("languages");
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let mut text = "## Applications of languages\n\n| image | bantam | classic | of it | at most |\n|---|---:|---:|---:|---:|\n".to_owned();
    for case in cases() {
        let row = measured(&case, &work);
        let cells = match &row {
            Ok((ours, theirs)) => {
                bench.measured += 1;
                format!(
                    "{} | {} | {} % | {} %",
                    megabytes(*ours),
                    megabytes(*theirs),
                    ours * 100 / theirs.max(&1),
                    case.at_most
                )
            }
            Err(why) => {
                bench.skipped += 1;
                eprintln!("SKIPPED: {}: {why}", case.name);
                format!("SKIPPED: {} | | |", why.replace('\n', "; ").replace('|', "\\|"))
            }
        };
        text.push_str(&format!("| {} | {cells} |\n", case.name));
    }
    text.push_str(&start::rows(&work)?);
    text.push_str(&again(bench.rounds, &work)?);
    Ok(text + "\n")
}

/// The bytes of the files of both.
fn measured(case: &Case, work: &Path) -> Outcome<(u64, u64)> {
    Ok((case.image.tree(work)?.bytes, case.stand_in.tree(work)?.bytes))
}

fn cases() -> Vec<Case> {
    let python = |suite: &'static str, more: &'static str| Image::of("python", suite, "[python]\n", more);
    let flask = |table: &'static str| Image::of("flask", "trixie", table, image::FLASK);
    let requirements = "[python]\nrequirements = \"requirements.txt\"\n";
    vec![
        Case {
            name: "Python 3.13, trixie",
            image: python("trixie", ""),
            stand_in: StandIn::python_trixie(None),
            at_most: 66,
        },
        Case {
            name: "Python 3.11, bookworm",
            image: python("bookworm", ""),
            stand_in: StandIn::python_bookworm(),
            at_most: 72,
        },
        Case {
            name: "Flask with gunicorn",
            image: flask(requirements),
            stand_in: StandIn::python_trixie(Some("flask")),
            at_most: 72,
        },
        Case {
            name: "the same, `sources = \"drop\"`",
            image: flask("[python]\nrequirements = \"requirements.txt\"\nsources = \"drop\"\n"),
            stand_in: StandIn::python_trixie(Some("flask")),
            at_most: 66,
        },
        Case {
            name: "the same, and `stdlib = \"reachable\"`",
            image: flask(
                "[python]\nrequirements = \"requirements.txt\"\nsources = \"drop\"\nstdlib = \"reachable\"\n",
            ),
            stand_in: StandIn::python_trixie(Some("flask")),
            at_most: 56,
        },
        Case {
            name: "Express with Node.js 20, `strip`",
            image: Image::of(
                "express",
                "bookworm",
                "[node]\nversion = \"20\"\nstrip = true\n",
                image::EXPRESS,
            ),
            stand_in: StandIn::node(),
            at_most: 77,
        },
        Case {
            name: "a jar with java.net.http",
            image: Image::of("http-java", "bookworm", "[java]\njar = \"http.jar\"\n", ""),
            stand_in: StandIn::java(),
            at_most: 50,
        },
    ]
}

/// How long builds take that are not the first.
fn again(rounds: Rounds, work: &Path) -> Outcome<String> {
    let requirements = "[python]\nrequirements = \"requirements.txt\"\n";
    let image = Image::of("pandas", "bookworm", requirements, image::PANDAS);
    let mut text = "\n| build again, pandas and numpy | time |\n|---|---:|\n".to_owned();
    match image.again(rounds.counted, work) {
        Ok((unchanged, changed)) => {
            text.push_str(&format!("| unchanged | {:.0} ms |\n", unchanged * 1e3));
            text.push_str(&format!("| one file of the application changed | {:.0} ms |\n", changed * 1e3));
        }
        Err(why) => {
            text.push_str(&format!("| SKIPPED: {} | |\n", why.replace('\n', "; ").replace('|', "\\|")))
        }
    }
    Ok(text)
}

/// The sources of an application.
fn app(name: &str) -> PathBuf {
    root().join("testdata/apps").join(name)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}
