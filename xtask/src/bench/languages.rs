//! Images of applications in Python, Node.js and Java, beside what the classic images of the same content weigh, and how
//! fast they start.

mod image;
mod stand_in;
mod start;

use std::fs;
use std::path::Path;

use super::Bench;
use crate::step::Outcome;
use image::Image;
use stand_in::StandIn;

/// A row of the table of sizes: what is built, what it is held against, and how much of that it may have, in percent: more
/// is a failure.
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
    let mut over = vec![];
    for case in cases() {
        let cells = match measured(&case, &work) {
            Ok((ours, theirs)) => {
                bench.measured += 1;
                let part = ours as f64 * 100.0 / theirs.max(1) as f64;
                if ours * 100 > theirs * case.at_most {
                    over.push(format!(
                        "{}: {part:.1} % of the classic image, at most {} %",
                        case.name, case.at_most
                    ));
                }
                format!("{} | {} | {part:.1} % | {} %", megabytes(ours), megabytes(theirs), case.at_most)
            }
            Err(why) => bench.skipped_row(case.name, &why, 3),
        };
        text.push_str(&format!("| {} | {cells} |\n", case.name));
    }
    if !over.is_empty() {
        return Err(over.join("\n"));
    }
    text.push_str(&start::rows(bench, &work));
    text.push_str(&again(bench, &work));
    Ok(text + "\n")
}

/// The bytes of the files of both.
fn measured(case: &Case, work: &Path) -> Outcome<(u64, u64)> {
    Ok((case.image.tree(work)?.bytes, case.stand_in.tree(work)?.bytes))
}

const REQUIREMENTS: &str = "[python]\nrequirements = \"requirements.txt\"\n";
const DROPPED: &str = "[python]\nrequirements = \"requirements.txt\"\nsources = \"drop\"\n";
const REACHABLE: &str =
    "[python]\nrequirements = \"requirements.txt\"\nsources = \"drop\"\nstdlib = \"reachable\"\n";

fn cases() -> Vec<Case> {
    let python = |suite: &'static str| Image::of(&image::NONE, suite, "[python]\n");
    let flask = |name: &'static str, table: &'static str, at_most: u64| Case {
        name,
        image: Image::of(&image::FLASK, "trixie", table),
        stand_in: StandIn::python_trixie(Some(&image::FLASK)),
        at_most,
    };
    vec![
        Case {
            name: "Python 3.13, trixie",
            image: python("trixie"),
            stand_in: StandIn::python_trixie(None),
            at_most: 66,
        },
        Case {
            name: "Python 3.11, bookworm",
            image: python("bookworm"),
            stand_in: StandIn::python_bookworm(),
            at_most: 72,
        },
        flask("Flask with gunicorn", REQUIREMENTS, 72),
        flask("the same, `sources = \"drop\"`", DROPPED, 66),
        flask("the same, and `stdlib = \"reachable\"`", REACHABLE, 56),
        Case {
            name: "Express with Node.js 20, `strip`",
            image: Image::of(&image::EXPRESS, "bookworm", "[node]\nversion = \"20\"\nstrip = true\n"),
            stand_in: StandIn::node(&image::EXPRESS),
            at_most: 77,
        },
        Case {
            name: "a jar with java.net.http",
            image: Image::of(&image::JAVA, "bookworm", "[java]\njar = \"shop.jar\"\n"),
            stand_in: StandIn::java(),
            at_most: 50,
        },
    ]
}

/// How long builds take that are not the first.
fn again(bench: &mut Bench, work: &Path) -> String {
    let image = Image::of(&image::NUMBERS, "bookworm", REQUIREMENTS);
    let mut text = "\n| build again, numpy, pandas and scipy | time |\n|---|---:|\n".to_owned();
    match image.again(bench.rounds.counted, work) {
        Ok((unchanged, changed)) => {
            bench.measured += 1;
            text.push_str(&format!("| unchanged | {:.0} ms |\n", unchanged * 1e3));
            text.push_str(&format!("| one file of the application changed | {:.0} ms |\n", changed * 1e3));
        }
        Err(why) => text.push_str(&format!("| {} |\n", bench.skipped_row("build again", &why, 1))),
    }
    text
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}
