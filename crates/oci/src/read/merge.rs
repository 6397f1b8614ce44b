//! Several layers seen as one, as a runtime stacks them.

use crate::{EntryKind, LayerEntry};
use std::collections::BTreeMap;
use tree::TreePath;

/// What stands at a path in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The layer it comes from, counted from 0 at the base.
    pub layer: usize,
    /// The entry.
    pub entry: LayerEntry,
}

/// Stacks layers, base first. A whiteout takes away what lower layers have; anything but a directory
/// over a directory hides all that is below.
pub fn merge(layers: impl IntoIterator<Item = Vec<LayerEntry>>) -> BTreeMap<TreePath, Listed> {
    let mut listing: BTreeMap<TreePath, Listed> = BTreeMap::new();
    for (layer, entries) in layers.into_iter().enumerate() {
        // Whiteouts mean lower layers only, wherever in the layer they stand.
        let (gone, entries): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| matches!(entry.kind, EntryKind::Whiteout | EntryKind::Opaque));
        for entry in gone {
            remove_below(&mut listing, &entry.path);
            if entry.kind == EntryKind::Whiteout {
                listing.remove(&entry.path);
            }
        }
        for entry in entries {
            if entry.kind != EntryKind::Directory {
                remove_below(&mut listing, &entry.path);
            }
            listing.insert(entry.path.clone(), Listed { layer, entry });
        }
    }
    listing
}

/// A directory is followed by all that is below it, so the search ends at the first that is not.
fn remove_below(listing: &mut BTreeMap<TreePath, Listed>, dir: &TreePath) {
    let below: Vec<TreePath> = listing
        .range(dir.clone()..)
        .map(|(path, _)| path)
        .take_while(|path| path.is_within(dir))
        .filter(|path| *path != dir)
        .cloned()
        .collect();
    for path in below {
        listing.remove(&path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tree::Meta;

    fn layer(text: &str) -> Vec<LayerEntry> {
        let entry = |line: &str| {
            let (kind, path) = line.split_once(' ').unwrap();
            let kind = match kind {
                "d" => EntryKind::Directory,
                "f" => EntryKind::File { size: 0, offset: 0, digest: None },
                "w" => EntryKind::Whiteout,
                "o" => EntryKind::Opaque,
                other => panic!("{other}"),
            };
            LayerEntry { path: path.parse().unwrap(), kind, meta: Meta::root(0o755) }
        };
        text.split(", ").map(entry).collect()
    }

    fn merged(layers: &[&str]) -> String {
        let listing = merge(layers.iter().map(|text| layer(text)));
        listing.iter().map(|(path, listed)| format!("{}:{path}", listed.layer)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn layers_stack_as_a_runtime_does_it() {
        let base = "d /etc, f /etc/passwd, f /etc/group, d /var, d /var/lib, f /var/lib/x";
        for (upper, want) in [
            ("f /etc/passwd", "0:/etc 0:/etc/group 1:/etc/passwd 0:/var 0:/var/lib 0:/var/lib/x"),
            ("w /etc/passwd", "0:/etc 0:/etc/group 0:/var 0:/var/lib 0:/var/lib/x"),
            ("w /var", "0:/etc 0:/etc/group 0:/etc/passwd"),
            ("f /var", "0:/etc 0:/etc/group 0:/etc/passwd 1:/var"),
            (
                "d /var/lib, f /var/lib/y, o /var/lib",
                "0:/etc 0:/etc/group 0:/etc/passwd 0:/var 1:/var/lib 1:/var/lib/y",
            ),
            ("f /var/x, w /var, d /var", "0:/etc 0:/etc/group 0:/etc/passwd 1:/var 1:/var/x"),
            ("o /", ""),
        ] {
            assert_eq!(merged(&[base, upper]), want, "{upper}");
        }
    }
}
