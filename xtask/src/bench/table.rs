//! Rows as a table of Markdown.

use super::measure::Row;

/// Ratios are to the first measured row whose name starts with `to`, and which the head calls `short`.
pub fn table(title: &str, rows: &[Row], to: &str, short: &str) -> String {
    let reference = rows.iter().find_map(|row| match row {
        Row::Measured(row) if row.name.starts_with(to) => Some(row),
        _ => None,
    });
    let ratio = |value: Option<f64>, reference: Option<f64>| match (value, reference) {
        (Some(value), Some(reference)) if reference > 0.0 => format!("{:.2}", value / reference),
        _ => "–".to_owned(),
    };
    let mut text = format!(
        "## {title}\n\n| | time | ÷ {short} | layers | ÷ {short} | peak memory |\n|---|---:|---:|---:|---:|---:|\n"
    );
    for row in rows {
        text.push_str(&match row {
            Row::Skipped { name, why } => {
                format!("| {} | SKIPPED: {} | | | | |\n", cell(name), cell(why))
            }
            Row::Measured(row) => format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                cell(&row.name),
                time(row.seconds),
                ratio(Some(row.seconds), reference.map(|row| row.seconds)),
                row.bytes.map_or("–".to_owned(), |bytes| format!("{:.2} MB", bytes / 1e6)),
                ratio(row.bytes, reference.and_then(|row| row.bytes)),
                row.peak_bytes.map_or("–".to_owned(), |bytes| format!("{:.0} MB", bytes / 1e6)),
            ),
        });
    }
    text.push('\n');
    text
}

/// How many rows were measured and how many not, for the line at the end.
pub fn counted(rows: &[Row]) -> (usize, usize) {
    let skipped = rows.iter().filter(|row| matches!(row, Row::Skipped { .. })).count();
    (rows.len() - skipped, skipped)
}

fn time(seconds: f64) -> String {
    if seconds < 0.1 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.3} s") }
}

/// Text that stays inside its cell.
fn cell(text: &str) -> String {
    text.replace('\n', "; ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::super::measure::Measured;
    use super::*;

    #[test]
    fn measured_and_skipped_rows() {
        let row = |name: &str, seconds, bytes, peak_bytes| {
            Row::Measured(Measured { name: name.to_owned(), seconds, bytes, peak_bytes })
        };
        let rows = [
            row("bantam build", 0.05, Some(1e6), Some(2e6)),
            row("umoci insert", 0.2, Some(2e6), Some(4e6)),
            row("walk", 1.0, None, None),
            Row::Skipped { name: "tar | other".to_owned(), why: "no such\nprogram".to_owned() },
        ];
        assert_eq!(
            table("A tree", &rows, "umoci", "umoci"),
            "## A tree\n\n\
             | | time | ÷ umoci | layers | ÷ umoci | peak memory |\n|---|---:|---:|---:|---:|---:|\n\
             | bantam build | 50.0 ms | 0.25 | 1.00 MB | 0.50 | 2 MB |\n\
             | umoci insert | 0.200 s | 1.00 | 2.00 MB | 1.00 | 4 MB |\n\
             | walk | 1.000 s | 5.00 | – | – | – |\n\
             | tar \\| other | SKIPPED: no such; program | | | | |\n\n"
        );
        assert_eq!(counted(&rows), (3, 1));
    }

    #[test]
    fn without_the_reference_there_is_no_ratio() {
        let rows = [Row::Skipped { name: "umoci".to_owned(), why: "it is missing".to_owned() }];
        assert!(!table("", &rows, "umoci", "umoci").contains("1.00"));
    }
}
