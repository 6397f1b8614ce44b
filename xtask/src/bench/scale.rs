//! How memory and time grow with the content.

use super::Bench;
use super::measure::{Measured, Rounds, Row, Tool, interleaved, remove};
use super::payload::{Kind, Payload, generated, once};
use super::peers::{Bantam, Peer, Umoci};
use super::table::table;
use crate::step::Outcome;

/// The large payload, in GiB.
const LARGE: usize = 8;
/// Files of the small tree, how much larger the other is, and the bytes of a file in the middle.
const FILES: usize = 20_000;
const TIMES: usize = 10;
const FILE_BYTES: usize = 3_000;

/// Peak memory for a payload that is larger than the memory of many machines.
pub fn large(bench: &mut Bench) -> Outcome<String> {
    let folder = bench.folder.join("large");
    once(&folder, |unfinished| generated::large(unfinished, LARGE))?;
    let work = bench.work()?;
    let title = format!("{LARGE} files, {LARGE} GiB: peak memory");
    let changed = Some(folder.join("0.bin"));
    let payload = Payload { title, folder, changed, kind: Kind::Tree };
    let mut tools = Bantam.tools(&payload, &work.join("bantam"))?;
    tools.extend(Umoci.tools(&payload, &work.join("umoci"))?);
    // Peaks hardly differ from run to run, and a run takes minutes.
    let rows = interleaved(tools, Rounds { warm_up: false, counted: 1 }, || Ok(()))?;
    bench.count(&rows);
    remove(&work)?;
    Ok(table(&payload.title, &rows, "umoci", "umoci"))
}

/// Time for a tree and for one with ten times the files.
pub fn growth(bench: &mut Bench) -> Outcome<String> {
    let work = bench.work()?;
    let mut tools: Vec<Tool> = vec![];
    for count in [FILES, FILES * TIMES] {
        let folder = bench.folder.join(format!("files-{count}"));
        once(&folder, |unfinished| generated::files(unfinished, count, FILE_BYTES))?;
        let payload = Payload { title: String::new(), folder, changed: None, kind: Kind::Tree };
        let named = |tool: Tool| Tool { name: format!("{count} files: {}", tool.name), ..tool };
        tools.extend(Bantam.tools(&payload, &work.join(count.to_string()))?.into_iter().map(named));
    }
    let rows = interleaved(tools, bench.rounds, || Ok(()))?;
    bench.count(&rows);
    remove(&work)?;
    let title = format!("{FILES} small files, and {TIMES} times as many");
    let first = format!("{FILES} files: bantam build, nothing cached");
    Ok(format!("{}{}\n\n", table(&title, &rows, &first, "first row"), ratios(&rows)))
}

/// The rows of the larger tree divided by those of the smaller.
fn ratios(rows: &[Row]) -> String {
    let (small, large) = rows.split_at(rows.len() / 2);
    let measured = |row: &'_ Row| match row {
        Row::Measured(row) => Some(row.clone()),
        Row::Skipped { .. } => None,
    };
    let pairs =
        small.iter().zip(large).filter_map(|(small, large)| Some((measured(small)?, measured(large)?)));
    let ratio = |(small, large): (Measured, Measured)| {
        let what = small.name.split_once(": ").map_or(small.name.as_str(), |(_, what)| what);
        format!("{:.1} times the time for {what}", large.seconds / small.seconds)
    };
    let ratios: Vec<String> = pairs.map(ratio).collect();
    format!("{TIMES} times the files take {}.", ratios.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_larger_tree_by_its_own() {
        let row = |name: &str, seconds| {
            Row::Measured(Measured { name: name.to_owned(), seconds, bytes: None, peak_bytes: None })
        };
        let rows = [
            row("2 files: cold", 1.0),
            row("2 files: walk", 0.1),
            row("20 files: cold", 9.5),
            row("20 files: walk", 1.2),
        ];
        assert_eq!(
            ratios(&rows),
            "10 times the files take 9.5 times the time for cold; 12.0 times the time for walk."
        );
    }
}
