//! How images grew, against one that exists.

use crate::{Error, Event, Watch, inside};
use plan::{Plan, finding::size};
use store::{Network, Reference};

/// How many of the files that grew are told.
const TOLD: usize = 10;

/// Tells by how much each image differs from the one of its platform that `baseline` names, and which
/// files grew most.
///
/// # Errors
/// When there is no such image, or it cannot be read.
pub fn tell_growth(
    baseline: &Reference,
    network: &Network,
    plans: &[Plan],
    watch: Watch<'_>,
) -> Result<(), Error> {
    let stored = inside::find(baseline, network)?;
    for plan in plans {
        let image = inside::image_for(&stored, plan.platform)?;
        let before =
            inside::files(&image)?.into_iter().filter_map(|(path, listed)| match listed.entry.kind {
                oci::EntryKind::File { size, .. } => Some((path, size)),
                _ => None,
            });
        let growth = plan::growth(&before.collect(), &plan.tree);
        let text = format!(
            "{}: {} of files before, {} now ({})",
            plan.platform,
            size(growth.before),
            size(growth.after),
            difference(growth.before, growth.after),
        );
        let grown = growth.files.iter().filter(|(_, before, after)| before < after).take(TOLD);
        let details: Vec<String> =
            grown.map(|(path, before, after)| format!("{} {path}", difference(*before, *after))).collect();
        watch(Event::Notice { text: &text, details: &details });
    }
    Ok(())
}

fn difference(before: u64, after: u64) -> String {
    let sign = if after < before { '-' } else { '+' };
    format!("{sign}{}", size(after.abs_diff(before)))
}
