//! The image cut into layers.

use crate::{
    draft::{APP, BASE, Draft, LIBS},
    spec::Split,
};
use std::collections::BTreeMap;
use tree::Tree;

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
    let mut order: Vec<&str> = vec![BASE, LIBS];
    order.extend(named.iter().map(String::as_str).filter(|name| *name != APP));
    order.push(APP);
    let mut trees: BTreeMap<usize, Tree> = BTreeMap::new();
    for (path, layer) in &draft.layer {
        let Some(entry) = draft.tree.get(path) else { continue };
        let index = match split {
            Split::Single => order.len() - 1,
            Split::Auto => order.iter().position(|name| name == layer).unwrap_or(order.len() - 1),
        };
        let tree = trees.entry(index).or_default();
        tree.insert(path.clone(), entry.clone());
        for dir in path.ancestors() {
            if dir.is_root() || tree.get(&dir).is_some() {
                break;
            }
            if let Some(entry) = draft.tree.get(&dir) {
                tree.insert(dir, entry.clone());
            }
        }
    }
    trees.into_iter().map(|(index, tree)| LayerPlan { name: order[index].into(), tree }).collect()
}
