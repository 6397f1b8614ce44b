//! Images side by side, as a table and as JSON.

use super::{plain, size::human};
use bantam::{Compared, Kind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An image with the name of its column.
pub struct Column<'a> {
    pub name: String,
    pub image: &'a Compared,
}

/// A line of the table.
pub struct Row {
    pub name: &'static str,
    pub cells: Vec<Cell>,
}

/// What a line says of an image.
pub struct Cell {
    pub text: String,
    value: Option<u64>,
    /// How it is to the first image; none of the first, and where there is nothing to say.
    pub ratio: Option<String>,
    /// Is nothing smaller, and something larger?
    pub is_smallest: bool,
}

/// Stands where nothing is known.
const UNKNOWN: &str = "\u{2013}";

/// Names for the columns: an image's own name without its registry and folder, if that tells all apart; else its
/// whole name; else the reference that it was found by.
pub fn columns(images: &[Compared]) -> Vec<Column<'_>> {
    let name = |image: &Compared| image.name.clone().unwrap_or_else(|| image.reference.clone());
    let short = |image: &Compared| {
        let name = name(image);
        name.rsplit('/').next().map_or(name.clone(), String::from)
    };
    let reference = |image: &Compared| image.reference.clone();
    let ways: [&dyn Fn(&Compared) -> String; 2] = [&short, &name];
    let are_apart = |way: &&&dyn Fn(&Compared) -> String| {
        let mut names: Vec<String> = images.iter().map(way).collect();
        names.sort();
        names.windows(2).all(|pair| pair[0] != pair[1])
    };
    let way = ways.iter().find(are_apart).copied().unwrap_or(&reference);
    images.iter().map(|image| Column { name: plain(&way(image)), image }).collect()
}

/// The lines of the table.
pub fn rows(columns: &[Column<'_>]) -> Vec<Row> {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let size = |name, value: &dyn Fn(&Compared) -> Option<u64>| row(name, columns, value, &human);
    let count = |name, value: &dyn Fn(&Compared) -> Option<u64>| {
        row(name, columns, value, &|number| number.to_string())
    };
    let mut rows = vec![
        size("compressed", &Compared::compressed).with_ratios().with_mark(),
        size("unpacked", &|image| Some(image.unpacked())).with_ratios().with_mark(),
        count("files", &|image| Some(number(image.files))).with_mark(),
        count("packages", &|image| image.packages.map(number)).with_mark(),
        count("layers", &|image| Some(number(image.layers.len()))),
    ];
    for kind in Kind::ALL {
        if columns.iter().any(|column| column.image.kinds.contains_key(&kind)) {
            let bytes = |image: &Compared| Some(image.kinds.get(&kind).copied().unwrap_or(0));
            rows.push(size(kind.name(), &bytes));
        }
    }
    rows
}

/// The table, a column for each image.
pub fn table(columns: &[Column<'_>]) -> String {
    let rows = rows(columns);
    let first = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut lines = vec![format!("{:first$}", "")];
    lines.extend(rows.iter().map(|row| format!("{:first$}", row.name)));
    let width = |text: &str| text.chars().count();
    for (at, column) in columns.iter().enumerate() {
        let cells: Vec<&Cell> = rows.iter().filter_map(|row| row.cells.get(at)).collect();
        let widest =
            |part: &dyn Fn(&Cell) -> String| cells.iter().map(|cell| width(&part(cell))).max().unwrap_or(0);
        // Values, marks and ratios stand below each other.
        let (text, mark, ratio) = (widest(&|cell| cell.text.clone()), widest(&mark), widest(&ratio_of));
        let whole = (text + mark + ratio).max(width(&column.name));
        let shown = cells
            .iter()
            .map(|cell| format!("{:>text$}{:mark$}{:ratio$}", cell.text, self::mark(cell), ratio_of(cell)));
        for (line, cell) in lines.iter_mut().zip([column.name.clone()].into_iter().chain(shown)) {
            line.push_str(&format!("   {cell:>whole$}"));
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The JSON object.
pub fn document(columns: &[Column<'_>]) -> Value {
    let image = |column: &Column<'_>| {
        let Compared { reference, name, platform, digest, layers, kinds, files, packages } = column.image;
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| {
                json!({
                    "digest": layer.digest,
                    "compressed": layer.compressed,
                    "unpacked": layer.unpacked,
                    "createdBy": layer.created_by,
                })
            })
            .collect();
        let kinds: BTreeMap<&str, u64> = kinds.iter().map(|(kind, bytes)| (kind.name(), *bytes)).collect();
        json!({
            "reference": reference,
            "name": name,
            "platform": platform,
            "digest": digest,
            "compressed": column.image.compressed(),
            "unpacked": column.image.unpacked(),
            "files": files,
            "packages": packages,
            "layers": layers,
            "kinds": kinds,
        })
    };
    json!({ "images": columns.iter().map(image).collect::<Vec<_>>() })
}

/// How a size is to another: `×1.44`.
#[allow(clippy::cast_precision_loss, reason = "shown with two digits")]
pub fn ratio(value: u64, to: u64) -> String {
    format!("\u{d7}{:.2}", value as f64 / to as f64)
}

fn row(
    name: &'static str,
    columns: &[Column<'_>],
    value: &dyn Fn(&Compared) -> Option<u64>,
    shown: &dyn Fn(u64) -> String,
) -> Row {
    let cell = |column: &Column<'_>| {
        let value = value(column.image);
        let text = value.map_or_else(|| UNKNOWN.into(), shown);
        Cell { text, value, ratio: None, is_smallest: false }
    };
    Row { name, cells: columns.iter().map(cell).collect() }
}

impl Row {
    /// With how each image is to the first.
    fn with_ratios(mut self) -> Self {
        let first = self.cells.first().and_then(|cell| cell.value).filter(|first| *first > 0);
        for cell in self.cells.iter_mut().skip(1) {
            cell.ratio = cell.value.zip(first).map(|(value, first)| ratio(value, first));
        }
        self
    }

    /// With a mark at what nothing is smaller than, if something is larger.
    fn with_mark(mut self) -> Self {
        let known = || self.cells.iter().filter_map(|cell| cell.value);
        let smallest = known().min().filter(|smallest| known().any(|value| value > *smallest));
        for cell in &mut self.cells {
            cell.is_smallest = smallest.is_some() && cell.value == smallest;
        }
        self
    }
}

fn mark(cell: &Cell) -> String {
    if cell.is_smallest { " *".into() } else { String::new() }
}

fn ratio_of(cell: &Cell) -> String {
    cell.ratio.as_ref().map(|ratio| format!("  {ratio}")).unwrap_or_default()
}

#[cfg(test)]
pub mod tests;
