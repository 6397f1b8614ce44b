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

/// What a classic image is held against, and the images that are: how much of it each may have, in percent. More is a
/// failure.
struct Case {
    stand_in: StandIn,
    images: Vec<(&'static str, Image, u64)>,
}

/// The section of the report.
pub fn section(bench: &mut Bench) -> Outcome<String> {
    let work = bench.folder.join("languages");
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let mut text = "## Applications of languages\n\n| image | bantam | classic | of it | at most |\n|---|---:|---:|---:|---:|\n".to_owned();
    let mut over = vec![];
    for Case { stand_in, images } in cases() {
        let theirs = stand_in.tree(&work);
        for (name, image, at_most) in images {
            let sizes = theirs.as_ref().map_err(String::clone);
            let sizes = sizes.and_then(|theirs| Ok((image.tree(&work)?.bytes, theirs.bytes)));
            let cells = match sizes {
                Ok((ours, theirs)) => {
                    bench.measured += 1;
                    let part = ours as f64 * 100.0 / theirs.max(1) as f64;
                    if ours * 100 > theirs * at_most {
                        over.push(format!("{name}: {part:.1} % of the classic image, at most {at_most} %"));
                    }
                    format!("{} | {} | {part:.1} % | {at_most} %", megabytes(ours), megabytes(theirs))
                }
                Err(why) => bench.skipped_row(name, &why, 3),
            };
            text.push_str(&format!("| {name} | {cells} |\n"));
        }
    }
    if !over.is_empty() {
        return Err(over.join("\n"));
    }
    text.push_str(&start::rows(bench, &work));
    text.push_str(&again(bench, &work));
    Ok(text + "\n")
}

const REQUIREMENTS: &str = "[python]\nrequirements = \"requirements.txt\"\n";
const DROPPED: &str = "[python]\nrequirements = \"requirements.txt\"\nsources = \"drop\"\n";
const REACHABLE: &str =
    "[python]\nrequirements = \"requirements.txt\"\nsources = \"drop\"\nstdlib = \"reachable\"\n";

fn cases() -> Vec<Case> {
    let python = |suite: &'static str| Image::of(&image::NONE, suite, "[python]\n");
    let flask = |table: &'static str| Image::of(&image::FLASK, "trixie", table);
    let express = Image::of(&image::EXPRESS, "bookworm", "[node]\nversion = \"20\"\nstrip = true\n");
    let java = Image::of(&image::JAVA, "bookworm", "[java]\njar = \"shop.jar\"\n");
    vec![
        Case {
            stand_in: StandIn::python_trixie(None),
            images: vec![("Python 3.13, trixie", python("trixie"), 66)],
        },
        Case {
            stand_in: StandIn::python_bookworm(),
            images: vec![("Python 3.11, bookworm", python("bookworm"), 72)],
        },
        Case {
            stand_in: StandIn::python_trixie(Some(&image::FLASK)),
            images: vec![
                ("Flask with gunicorn", flask(REQUIREMENTS), 72),
                ("the same, `sources = \"drop\"`", flask(DROPPED), 66),
                ("the same, and `stdlib = \"reachable\"`", flask(REACHABLE), 56),
            ],
        },
        Case {
            stand_in: StandIn::node(&image::EXPRESS),
            images: vec![("Express with Node.js 20, `strip`", express, 77)],
        },
        Case { stand_in: StandIn::java(), images: vec![("a jar with java.net.http", java, 50)] },
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
