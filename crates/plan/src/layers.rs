//! The image cut into layers.

use crate::{
    debug::DEBUG,
    draft::{APP, BASE, DEPENDENCIES, Draft, LIBS, RUNTIME},
    spec::Split,
};
use std::collections::{BTreeMap, HashSet};
use tree::{Entry, Tree, TreePath};

/// One layer: its name, and a tree that stands by itself, with every parent and its final metadata.
#[derive(Debug, Clone)]
pub struct LayerPlan {
    /// What the layer is called in the spec and in the history.
    pub name: String,
    /// What is in it.
    pub tree: Tree,
}

/// Cuts the draft into layers, the one that changes least first. A layer that nothing goes to is not
/// made. The order of the layers that the spec names is that of `named`.
pub(crate) fn cut(draft: &Draft, split: Split, named: &[String]) -> Vec<LayerPlan> {
    let mut order: Vec<&str> = vec![BASE, LIBS, RUNTIME, DEPENDENCIES];
    let known = order.clone();
    let others = named.iter().map(String::as_str).filter(|name| *name != APP && !known.contains(name));
    order.extend(others);
    let app = order.len();
    order.extend([APP, DEBUG]);
    let mut layers: BTreeMap<usize, Layer> = BTreeMap::new();
    // Both have the same order.
    let mut entries = draft.tree.iter().peekable();
    for (path, layer) in &draft.layer {
        while entries.next_if(|(known, _)| *known < path).is_some() {}
        let Some((_, entry)) = entries.next_if(|(known, _)| *known == path) else { continue };
        let index = match split {
            Split::Single if **layer != *DEBUG => app,
            Split::Single => app + 1,
            Split::Auto => order.iter().position(|name| *name == &**layer).unwrap_or(app),
        };
        layers.entry(index).or_default().add(path, entry, draft);
    }
    let plan = |(index, layer): (usize, Layer)| LayerPlan {
        name: order[index].into(),
        tree: layer.entries.into_iter().collect(),
    };
    layers.into_iter().map(plan).collect()
}

/// A layer that is being filled, in order.
#[derive(Default)]
struct Layer {
    entries: Vec<(TreePath, Entry)>,
    dirs: HashSet<TreePath>,
}

impl Layer {
    fn add(&mut self, path: &TreePath, entry: &Entry, draft: &Draft) {
        let missing: Vec<TreePath> =
            path.ancestors().take_while(|dir| !dir.is_root() && !self.dirs.contains(dir)).collect();
        // The parents that are not there yet come after all that was put before.
        for dir in missing.into_iter().rev() {
            if let Some(entry) = draft.tree.get(&dir) {
                self.entries.push((dir.clone(), entry.clone()));
            }
            self.dirs.insert(dir);
        }
        if entry.is_directory() {
            self.dirs.insert(path.clone());
        }
        self.entries.push((path.clone(), entry.clone()));
    }
}
