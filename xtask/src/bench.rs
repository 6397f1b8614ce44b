//! Measures bantam against other builders of the same content. Times are reported, never asserted; what is asserted, by
//! `--check`, are counts of instructions.

mod check;
mod fleet;
mod guarded;
mod languages;
mod limit;
mod measure;
mod memory;
mod packages;
mod page;
mod payload;
mod peers;
mod push;
mod scale;
mod size;
mod start;
mod table;
mod trees;

use std::fs;
use std::path::PathBuf;

use crate::install;
use crate::step::{self, Outcome, cargo, root, timed};
use measure::{Rounds, Row};
use peers::Peer;

/// A section of the report: its name, whether only `--full` has it, and what makes it.
type Section = (&'static str, bool, fn(&mut Bench) -> Outcome<String>);

const SECTIONS: [Section; 11] = [
    ("many", false, trees::many),
    ("one", false, trees::one),
    ("libraries", false, trees::libraries),
    ("fleet", false, fleet::section),
    ("packages", false, packages::section),
    ("start", false, start::section),
    ("push", false, push::small),
    ("languages", false, languages::section),
    ("push-large", true, push::large),
    ("large", true, scale::large),
    ("growth", true, scale::growth),
];

/// `[--full] [--write] [--rounds N] [SECTION…]`: prints the tables, or writes them to `docs/benchmarks.md`.
/// `--check [--write]`: compares counts of instructions, or writes new ones.
pub fn run(options: &[&str]) -> Outcome {
    let options = Options::of(options)?;
    timed("build", || step::run(&mut cargo(&["build", "--release", "--locked", "--package", "bantam-cli"])))?;
    if options.check {
        return check::run(options.write);
    }
    install::debian(&[start::PROGRAM]);
    let rounds = Rounds { warm_up: options.rounds > 1, counted: options.rounds };
    let folder = root().join("target/bench");
    let mut bench = Bench { folder, peers: peers::all(), rounds, measured: 0, skipped: 0 };
    let mut report = String::new();
    for (name, _, section) in SECTIONS.iter().filter(|(name, full, _)| options.wants(name, *full)) {
        report.push_str(&timed(name, || section(&mut bench))?);
    }
    let sum = format!("{} rows measured, {} skipped", bench.measured, bench.skipped);
    let page = page::page(&bench, &report, &sum)?;
    if options.write {
        let file = root().join("docs/benchmarks.md");
        fs::write(&file, page).map_err(|error| format!("{}: {error}", file.display()))?;
    } else {
        println!("{page}");
    }
    eprintln!("{sum}");
    Ok(())
}

/// What all sections use.
struct Bench {
    folder: PathBuf,
    peers: Vec<Box<dyn Peer>>,
    rounds: Rounds,
    measured: usize,
    skipped: usize,
}

impl Bench {
    /// An empty folder for the work of a section.
    fn work(&self) -> Outcome<PathBuf> {
        let work = self.folder.join("work");
        measure::remove(&work)?;
        fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
        Ok(work)
    }

    /// Counts what cannot be measured, and shows it; the cells of its row, with so many empty ones behind.
    fn skipped_row(&mut self, name: &str, why: &str, empty: usize) -> String {
        self.skipped += 1;
        let why = why.replace('\n', "; ").replace('|', "\\|");
        eprintln!("SKIPPED: {name}: {why}");
        format!("SKIPPED: {why}{}", " |".repeat(empty))
    }

    /// Takes the rows into the sum at the end, and shows those that are missing.
    fn count(&mut self, rows: &[Row]) {
        let (measured, skipped) = table::counted(rows);
        self.measured += measured;
        self.skipped += skipped;
        for row in rows {
            if let Row::Skipped { name, why } = row {
                eprintln!("SKIPPED: {name}: {why}");
            }
        }
    }
}

struct Options {
    check: bool,
    full: bool,
    write: bool,
    rounds: usize,
    sections: Vec<String>,
}

impl Options {
    fn of(words: &[&str]) -> Outcome<Self> {
        let mut options = Self { check: false, full: false, write: false, rounds: 5, sections: vec![] };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--check" => options.check = true,
                "--full" => options.full = true,
                "--write" => options.write = true,
                "--rounds" => {
                    let number = words.next().copied().unwrap_or_default();
                    let count = number.parse().ok().filter(|count| *count > 0);
                    options.rounds = count.ok_or_else(|| format!("--rounds {number}: not a count"))?;
                }
                name if SECTIONS.iter().any(|(known, ..)| *known == name) => {
                    options.sections.push(name.to_owned());
                }
                other => return Err(format!("{other}: no such option or section of cargo xtask bench")),
            }
        }
        let partly = !options.sections.is_empty() || options.rounds < 5;
        match options {
            Self { check: true, full: true, .. } => Err("--check and --full are two things".to_owned()),
            Self { check: true, .. } if partly => Err("--check has neither sections nor rounds".to_owned()),
            Self { write: true, check: false, .. } if partly => {
                Err("the page has all sections, of at least 5 rounds".to_owned())
            }
            options => Ok(options),
        }
    }

    fn wants(&self, name: &str, only_full: bool) -> bool {
        match self.sections.is_empty() {
            true => self.full || !only_full,
            false => self.sections.iter().any(|wanted| wanted == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_wanted_by_name_or_because_it_is_not_only_of_the_full_run() {
        let wanted = |words: &[&str]| {
            let options = Options::of(words).unwrap();
            let wanted = SECTIONS.iter().filter(|(name, full, _)| options.wants(name, *full));
            wanted.map(|(name, ..)| *name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(wanted(&[]), "many one libraries fleet packages start push languages");
        assert_eq!(
            wanted(&["--full"]),
            "many one libraries fleet packages start push languages push-large large growth"
        );
        assert_eq!(wanted(&["growth", "--rounds", "1", "one"]), "one growth");
    }

    #[test]
    fn what_does_not_go_together() {
        for words in [
            &["--rounds"][..],
            &["--rounds", "0"],
            &["mony"],
            &["--write", "one"],
            &["--write", "--rounds", "2"],
            &["--check", "--full"],
            &["--check", "one"],
        ] {
            assert!(Options::of(words).is_err(), "{words:?}");
        }
        assert!(Options::of(&["--check", "--write"]).is_ok());
    }
}
