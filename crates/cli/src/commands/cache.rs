//! `bantam cache`: where it is, how much is in it, and less of that.

use crate::{
    args::{Cache as Command, Prune},
    show::{self, size::human},
};
use bantam::Error;
use cache::{Cache, EntryKind, Limits, Pruned, Usage};
use serde_json::{Map, Value, json};
use std::{process::ExitCode, time::Duration};

/// What is not used for so long goes, unless another limit is asked for.
const DEFAULT_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Shows or prunes the cache.
pub fn run(command: &Command) -> Result<ExitCode, Error> {
    let dir = super::cache();
    let cache = Cache::new(dir.clone());
    match command {
        Command::Dir => Ok(show::stdout(&format!("{}\n", dir.display()))),
        Command::Size { json: false } => Ok(show::stdout(&table(&cache.usage()?))),
        Command::Size { json: true } => {
            let mut object = object(&cache.usage()?);
            object.insert("dir".into(), json!(dir.to_string_lossy()));
            Ok(show::stdout(&format!("{:#}\n", Value::Object(object))))
        }
        Command::Prune(args) => prune(&cache, args),
    }
}

fn prune(cache: &Cache, args: &Prune) -> Result<ExitCode, Error> {
    let age = match (args.max_age, args.max_size, args.all) {
        (None, None, false) => Some(DEFAULT_AGE),
        (_, _, true) => Some(Duration::ZERO),
        (age, _, false) => age,
    };
    let images = args.images || args.all;
    let limits = Limits { max_age: age, max_bytes: args.max_size, images, dry_run: args.dry_run };
    let pruned = cache.prune(&limits)?;
    let said = if args.json {
        show::stdout(&format!("{:#}\n", report(&pruned, args.dry_run)))
    } else {
        show::stdout(&sentences(&pruned, args.dry_run))
    };
    // Each is told; the last one decides how the command ends.
    let mut failed = pruned.failed.into_iter().map(Error::Cache).collect::<Vec<_>>();
    let last = failed.pop();
    for error in &failed {
        show::error(error, None);
    }
    last.map_or(Ok(said), Err)
}

fn table(usage: &Usage) -> String {
    let line = |name: &str, (entries, bytes)| format!("{name:<10} {entries:>8} {:>10}\n", human(bytes));
    let rows: String = counts(usage).map(|(name, count)| line(name, count)).collect();
    format!("{:<10} {:>8} {:>10}\n{rows}{}", "", "entries", "size", line("total", usage.total()))
}

fn sentences(pruned: &Pruned, dry_run: bool) -> String {
    let some = |(entries, bytes): (u64, u64)| {
        format!("{entries} {}, {}", if entries == 1 { "entry" } else { "entries" }, human(bytes))
    };
    let details: Vec<String> =
        counts(&pruned.removed).map(|(name, (entries, _))| format!("{name} {entries}")).collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    let removed = if dry_run { "would remove" } else { "removed" };
    let left = if dry_run { "would be left" } else { "left" };
    let width = removed.len().max(left.len());
    let mut text = format!("{removed:<width$}  {}{details}\n", some(pruned.removed.total()));
    text.push_str(&format!("{left:<width$}  {}\n", some(pruned.kept.total())));
    if pruned.in_use > 0 {
        let count = pruned.in_use;
        text.push_str(&format!("a build is running: {count} that it may use stay beyond the limits\n"));
    }
    text
}

fn report(pruned: &Pruned, dry_run: bool) -> Value {
    json!({
        "dryRun": dry_run,
        "removed": object(&pruned.removed),
        "left": object(&pruned.kept),
        "inUse": pruned.in_use,
    })
}

fn object(usage: &Usage) -> Map<String, Value> {
    let kinds = EntryKind::ALL.map(|kind| (kind.name(), usage.of_kind(kind)));
    let counts = kinds.into_iter().chain([("total", usage.total())]);
    counts
        .map(|(name, (entries, bytes))| (name.into(), json!({"entries": entries, "bytes": bytes})))
        .collect()
}

/// What there is any of.
fn counts(usage: &Usage) -> impl Iterator<Item = (&'static str, (u64, u64))> {
    EntryKind::ALL.into_iter().map(|kind| (kind.name(), usage.of_kind(kind))).filter(|(_, count)| count.0 > 0)
}
