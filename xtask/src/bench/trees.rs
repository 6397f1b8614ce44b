//! The sections in which every builder gets the same tree.

use super::Bench;
use super::limit::Limit;
use super::measure::{Row, interleaved};
use super::payload::{self, Payload};
use super::table::table;
use crate::step::{Outcome, timed};

/// Many files of a Python service.
pub fn many(bench: &mut Bench) -> Outcome<String> {
    let payload = many_files(bench)?;
    section(bench, &payload)
}

/// One static program.
pub fn one(bench: &mut Bench) -> Outcome<String> {
    let many = many_files(bench)?;
    let payload = payload::one_program(&bench.folder.join("one"), &many)?;
    section(bench, &payload)
}

/// A program with its libraries: builders that look for them themselves are given the program.
pub fn libraries(bench: &mut Bench) -> Outcome<String> {
    let payload = payload::closure::with_libraries(&bench.folder.join("libraries"))?;
    section(bench, &payload)
}

fn many_files(bench: &Bench) -> Outcome<Payload> {
    timed("payload of many files", || payload::many_files(&bench.folder.join("many")))
}

fn section(bench: &mut Bench, payload: &Payload) -> Outcome<String> {
    let work = bench.work()?;
    let (mut tools, mut missing) = (vec![], vec![]);
    for (number, peer) in bench.peers.iter().enumerate() {
        let found = peer.version().and_then(|_| peer.tools(payload, &work.join(number.to_string())));
        match found {
            Ok(found) => tools.extend(found),
            Err(why) => missing.push(Row::Skipped { name: peer.name().to_owned(), why }),
        }
    }
    let mut limit = Limit::of(payload)?;
    let mut rows = interleaved(tools, bench.rounds, || limit.round())?;
    rows.extend(missing);
    rows.extend(limit.rows());
    bench.count(&rows);
    super::measure::remove(&work)?;
    Ok(table(&payload.title, &rows, "umoci", "umoci"))
}
