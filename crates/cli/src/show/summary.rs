//! What was built, at the end.

use super::{size::human, stderr};
use bantam::{Built, Summary};
use std::time::Duration;

/// Prints the closing summary of one build.
pub fn print(built: &Built, took: Duration, get: &str) {
    let mut text = String::new();
    for image in &built.images {
        let (compressed, unpacked) = sizes(image);
        text.push_str(&format!(
            "{} for {}: {} files of {} packages, {} ({} unpacked)\n",
            built.name,
            image.platform,
            image.files,
            image.packages.len(),
            human(compressed),
            human(unpacked)
        ));
        for (name, compressed, unpacked) in &image.layers {
            text.push_str(&format!("  {name:<8} {:>10}  {:>10}\n", human(*compressed), human(*unpacked)));
        }
    }
    text.push_str(&format!("{} in {:.2} s\n", built.reference(), took.as_secs_f64()));
    text.push_str(get);
    stderr(&text);
}

/// The same as a table for a job's summary.
pub fn markdown(built: &[Built]) -> String {
    let mut text = String::from("| image | platform | files | packages | compressed | unpacked |\n");
    text.push_str("|---|---|---:|---:|---:|---:|\n");
    for built in built {
        for image in &built.images {
            let (compressed, unpacked) = sizes(image);
            text.push_str(&format!(
                "| `{}` | {} | {} | {} | {} | {} |\n",
                built.reference(),
                image.platform,
                image.files,
                image.packages.len(),
                human(compressed),
                human(unpacked)
            ));
        }
    }
    text
}

fn sizes(image: &Summary) -> (u64, u64) {
    image.layers.iter().fold((0, 0), |(a, b), (_, compressed, unpacked)| (a + compressed, b + unpacked))
}
