//! The dependency graph as `cargo metadata` gives it, normal dependencies only.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::step::Outcome;

/// Packages by id. Members of the workspace are called by their folder, the rest by their package name.
#[derive(Default)]
pub struct Graph {
    packages: BTreeMap<String, Package>,
}

#[derive(Default)]
struct Package {
    name: String,
    member: bool,
    features: Vec<String>,
    uses: BTreeSet<String>,
}

impl Graph {
    /// Reads the output of `cargo metadata --format-version 1`.
    pub fn from_metadata(text: &str) -> Outcome<Self> {
        let metadata: Value =
            serde_json::from_str(text).map_err(|error| format!("the output of cargo metadata: {error}"))?;
        let members: BTreeSet<String> = strings(&metadata["workspace_members"]).collect();
        let mut graph = Self::default();
        for package in array(&metadata["packages"]) {
            let id = string(&package["id"]);
            let member = members.contains(&id);
            let name = if member { folder(&package["manifest_path"]) } else { string(&package["name"]) };
            graph.packages.insert(id, Package { name, member, ..Package::default() });
        }
        for node in array(&metadata["resolve"]["nodes"]) {
            if let Some(package) = graph.packages.get_mut(&string(&node["id"])) {
                package.features = strings(&node["features"]).collect();
                package.uses = array(&node["deps"])
                    .iter()
                    .filter(|dep| is_normal(dep))
                    .map(|dep| string(&dep["pkg"]))
                    .collect();
            }
        }
        if graph.members().next().is_none() {
            return Err("cargo metadata names no member of the workspace".into());
        }
        Ok(graph)
    }

    /// Folder name and id of each crate of the workspace.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        let members = self.packages.iter().filter(|(_, package)| package.member);
        members.map(|(id, package)| (package.name.as_str(), id.as_str()))
    }

    /// Folder names of the workspace crates that one names in its manifest.
    pub fn members_used_by(&self, id: &str) -> Vec<&str> {
        let used = self.packages.get(id).into_iter().flat_map(|package| &package.uses);
        let members = used.filter_map(|id| self.packages.get(id)).filter(|package| package.member);
        members.map(|package| package.name.as_str()).collect()
    }

    /// Whether any version of a package is built with a feature.
    pub fn has_feature(&self, name: &str, feature: &str) -> bool {
        let named = self.packages.values().filter(|package| package.name == name);
        named.flat_map(|package| &package.features).any(|on| on == feature)
    }

    /// The shortest way from a package to one of the given name.
    pub fn chain(&self, from: &str, to: &str) -> Option<Vec<&str>> {
        let mut reached_from = BTreeMap::from([(from, None)]);
        let mut queue = VecDeque::from([from]);
        while let Some(id) = queue.pop_front() {
            let package = self.packages.get(id)?;
            if package.name == to {
                let steps = std::iter::successors(Some(id), |at| reached_from.get(at).copied().flatten());
                let mut names: Vec<&str> =
                    steps.filter_map(|at| Some(self.packages.get(at)?.name.as_str())).collect();
                names.reverse();
                return Some(names);
            }
            for used in &package.uses {
                if !reached_from.contains_key(used.as_str()) {
                    reached_from.insert(used, Some(id));
                    queue.push_back(used);
                }
            }
        }
        None
    }

    /// A graph written down; crates that have a folder in this workspace's design, and `util`, are its members.
    #[cfg(test)]
    pub fn of(rows: &[(&str, &[&str])]) -> Self {
        let members = super::EDGES.map(|(name, _)| name);
        let packages = rows.iter().map(|(name, uses)| {
            let uses = uses.iter().map(|used| used.to_string()).collect();
            let member = members.contains(name) || *name == "util";
            (name.to_string(), Package { name: name.to_string(), member, features: Vec::new(), uses })
        });
        Self { packages: packages.collect() }
    }
}

fn is_normal(dependency: &Value) -> bool {
    array(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null())
}

fn folder(manifest: &Value) -> String {
    string(manifest).rsplit('/').nth(1).unwrap_or_default().to_owned()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn strings(value: &Value) -> impl Iterator<Item = String> {
    array(value).iter().map(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "workspace_members": ["path+file:///w/crates/oci#bantam-oci@0.1.0"],
        "packages": [
            {"id": "path+file:///w/crates/oci#bantam-oci@0.1.0", "name": "bantam-oci", "manifest_path": "/w/crates/oci/Cargo.toml"},
            {"id": "serde_json 1", "name": "serde_json", "manifest_path": "/r/serde_json/Cargo.toml"},
            {"id": "tempfile 3", "name": "tempfile", "manifest_path": "/r/tempfile/Cargo.toml"}
        ],
        "resolve": {"nodes": [
            {"id": "path+file:///w/crates/oci#bantam-oci@0.1.0", "features": [], "deps": [
                {"pkg": "serde_json 1", "dep_kinds": [{"kind": "dev"}, {"kind": null}]},
                {"pkg": "tempfile 3", "dep_kinds": [{"kind": "dev"}]}
            ]},
            {"id": "serde_json 1", "features": ["std", "preserve_order"], "deps": []},
            {"id": "tempfile 3", "features": [], "deps": []}
        ]}
    }"#;

    #[test]
    fn dependencies_of_tests_are_not_edges() {
        let graph = Graph::from_metadata(METADATA).unwrap();
        let (name, id) = graph.members().next().unwrap();
        assert_eq!(name, "oci");
        assert_eq!(graph.chain(id, "serde_json"), Some(vec!["oci", "serde_json"]));
        assert_eq!(graph.chain(id, "tempfile"), None);
    }

    #[test]
    fn a_feature_is_seen() {
        let graph = Graph::from_metadata(METADATA).unwrap();
        assert!(graph.has_feature("serde_json", "preserve_order"));
        assert!(!graph.has_feature("serde_json", "raw_value"));
    }

    #[test]
    fn metadata_without_members_is_an_error() {
        assert!(Graph::from_metadata("{}").is_err());
    }
}
