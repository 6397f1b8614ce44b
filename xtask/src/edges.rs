//! Which crate may use which, and what the pure crates must not touch. See `ARCHITECTURE.md` for the reasons.

mod graph;
mod source;

use crate::step::{Outcome, cargo, output, root};
use graph::Graph;

/// For each crate of the workspace, by folder name: the crates of the workspace that it may use.
const EDGES: [(&str, &[&str]); 14] = [
    ("tree", &[]),
    ("fetch", &[]),
    ("auth", &["fetch"]),
    ("elf", &["tree"]),
    ("plan", &["tree", "elf"]),
    ("oci", &["tree"]),
    ("cache", &["tree"]),
    ("source", &["oci", "tree", "fetch", "cache"]),
    ("debian", &["oci", "tree", "fetch", "cache"]),
    ("store", &["oci", "tree", "fetch", "auth", "cache"]),
    ("attest", &["oci", "tree"]),
    ("language", &["tree", "elf", "plan", "oci", "cache", "fetch", "source"]),
    (
        "bantam",
        &[
            "tree", "fetch", "auth", "elf", "plan", "oci", "cache", "source", "debian", "store", "attest",
            "language",
        ],
    ),
    (
        "cli",
        &[
            "tree", "fetch", "auth", "elf", "plan", "oci", "cache", "source", "debian", "store", "attest",
            "language", "bantam",
        ],
    ),
];

/// Crates that only compute.
const PURE: [&str; 4] = ["tree", "elf", "plan", "oci"];

/// What a pure crate must not reach, however indirectly: the disk, the network, a runtime.
const IMPURE: [&str; 5] = ["tokio", "reqwest", "rustix", "walkdir", "tempfile"];

/// What only the command may reach.
const COMMAND_LINE: [&str; 2] = ["clap", "indicatif"];

/// Checks all rules and reports every break at once.
pub fn run() -> Outcome {
    let metadata = output(&mut cargo(&["metadata", "--format-version", "1", "--locked"]))?;
    let graph = Graph::from_metadata(&metadata)?;
    let mut broken = broken_edges(&graph);
    broken.extend(broken_bans(&graph));
    for name in PURE {
        broken.extend(source::impure_lines(&root().join("crates").join(name).join("src"))?);
    }
    if graph.has_feature("serde_json", "preserve_order") {
        let who =
            output(&mut cargo(&["tree", "--workspace", "--edges", "features", "--invert", "serde_json"]))?;
        broken.push(format!(
            "serde_json has the feature preserve_order, which reorders hashed documents:\n{who}"
        ));
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

fn broken_edges(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, id) in graph.members() {
        if name == "xtask" {
            continue;
        }
        let Some((_, allowed)) = EDGES.iter().find(|(crate_name, _)| *crate_name == name) else {
            broken.push(format!("{name}: no row in the table of edges"));
            continue;
        };
        for used in graph.members_used_by(id) {
            if !allowed.contains(&used) {
                broken.push(format!("{name} → {used}: {name} may use {allowed:?}"));
            }
        }
    }
    broken
}

fn broken_bans(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, id) in graph.members() {
        let impure = IMPURE.iter().filter(|_| PURE.contains(&name));
        let command_line = COMMAND_LINE.iter().filter(|_| name != "cli");
        for banned in impure.chain(command_line) {
            if let Some(chain) = graph.chain(id, banned) {
                broken.push(format!("{name} must not reach {banned}: {}", chain.join(" → ")));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_edge_and_a_forbidden_chain_are_both_named() {
        let graph = Graph::of(&[
            ("tree", &["globset"]),
            ("globset", &["walkdir"]),
            ("walkdir", &[]),
            ("elf", &["tree", "oci"]),
            ("oci", &["tree"]),
            ("cli", &["clap", "elf"]),
            ("clap", &[]),
        ]);
        assert_eq!(broken_edges(&graph), ["elf → oci: elf may use [\"tree\"]"]);
        assert_eq!(
            broken_bans(&graph),
            [
                "elf must not reach walkdir: elf → tree → globset → walkdir",
                "oci must not reach walkdir: oci → tree → globset → walkdir",
                "tree must not reach walkdir: tree → globset → walkdir",
            ]
        );
    }

    #[test]
    fn only_the_command_reaches_clap() {
        let graph = Graph::of(&[("store", &["clap"]), ("clap", &[]), ("cli", &["clap"])]);
        assert_eq!(broken_bans(&graph), ["store must not reach clap: store → clap"]);
    }

    #[test]
    fn a_crate_without_a_row_is_reported() {
        let graph = Graph::of(&[("util", &[])]);
        assert_eq!(broken_edges(&graph), ["util: no row in the table of edges"]);
    }
}
