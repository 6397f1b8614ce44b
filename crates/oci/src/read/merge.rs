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
    /// Of a hard link what it is another name of; none where that is nothing.
    pub linked: Option<Linked>,
}

/// What a hard link names, as it was when the link's own layer lay on top: a layer above that has something else there
/// does not change what the link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The layer that the content is in, counted from 0 at the base.
    pub layer: usize,
    /// What it is; no hard link.
    pub kind: EntryKind,
}

impl Listed {
    /// The layer that its content is in, and what it is, hard links resolved; none where one names nothing.
    pub fn content(&self) -> Option<(usize, &EntryKind)> {
        match (&self.entry.kind, &self.linked) {
            (EntryKind::HardLink(_), linked) => linked.as_ref().map(|linked| (linked.layer, &linked.kind)),
            (kind, _) => Some((self.layer, kind)),
        }
    }
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
        // A link may stand before what it names.
        let mut early = vec![];
        for entry in entries {
            if entry.kind != EntryKind::Directory {
                remove_below(&mut listing, &entry.path);
            }
            let linked = linked(&listing, &entry);
            if linked.is_none() && matches!(entry.kind, EntryKind::HardLink(_)) {
                early.push(entry.path.clone());
            }
            listing.insert(entry.path.clone(), Listed { layer, entry, linked });
        }
        for path in early {
            let linked = listing.get(&path).and_then(|listed| linked(&listing, &listed.entry));
            if let Some(listed) = listing.get_mut(&path) {
                listed.linked = linked;
            }
        }
    }
    listing
}

/// What a hard link names among all that is there.
fn linked(listing: &BTreeMap<TreePath, Listed>, entry: &LayerEntry) -> Option<Linked> {
    let EntryKind::HardLink(target) = &entry.kind else { return None };
    let (layer, kind) = listing.get(target)?.content()?;
    (*kind != EntryKind::Directory).then(|| Linked { layer, kind: kind.clone() })
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
                "h" => {
                    let (path, target) = path.split_once('=').unwrap();
                    let kind = EntryKind::HardLink(target.parse().unwrap());
                    return LayerEntry { path: path.parse().unwrap(), kind, meta: Meta::root(0o644) };
                }
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

    #[test]
    fn a_hard_link_is_what_it_named_in_its_own_layer() {
        let from = |layers: &[&str]| {
            let listing = merge(layers.iter().map(|text| layer(text)));
            listing[&"/link".parse().unwrap()].content().map(|(layer, _)| layer)
        };
        let link = "h /link=/file";
        for (layers, want) in [
            (&["f /file, h /link=/file"][..], Some(0)),
            (&["h /link=/file, f /file"], Some(0)),
            (&["f /file, h /link=/file", "w /file"], Some(0)),
            (&["f /file, h /link=/file", "f /file"], Some(0)),
            (&["f /file", link, "f /file"], Some(0)),
            (&["f /file", "f /file", link], Some(1)),
            (&["f /file, h /other=/file", "h /link=/other", "w /other"], Some(0)),
            (&[link, "f /file"], None),
            (&["w /file, h /link=/file"], None),
            (&["d /file, h /link=/file"], None),
            (&["h /link=/link"], None),
        ] {
            assert_eq!(from(layers), want, "{layers:?}");
        }
    }
}
