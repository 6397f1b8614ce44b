//! What the image config says in the end, and who said it.

use super::{BaseConfig, merge::variables};
use crate::{process::Process, spec::Config};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One thing that the image config says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The key as a spec has it: `entrypoint`, `env.PATH`.
    pub key: String,
    /// Its value; a list as JSON.
    pub value: String,
    /// Who said it.
    pub origin: Origin,
}

/// Who said something of the image config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The base image.
    Base,
    /// The spec.
    Spec,
    /// The spec, instead of something else that the base image says.
    SpecOverBase,
    /// Both: a part of it each.
    Both,
    /// Neither: it is so in every image.
    Default,
}

/// All that the config of an image upon a base says. `spec` is the config as the spec has it, `merged` with what the base adds.
pub(crate) fn settings(spec: &Config, base: &BaseConfig, merged: &Config, process: &Process) -> Vec<Setting> {
    let mut all = vec![];
    let mut add = |key: String, value: String, origin| all.push(Setting { key, value, origin });
    let list = |words: &[String]| Value::from(words).to_string();
    let entrypoint = origin(!spec.entrypoint.is_empty(), !base.entrypoint.is_empty());
    if !process.entrypoint.is_empty() {
        add("entrypoint".into(), list(&process.entrypoint), entrypoint);
    }
    if !process.cmd.is_empty() {
        add("cmd".into(), list(&process.cmd), origin(!spec.cmd.is_empty(), !base.cmd.is_empty()));
    }
    let known: BTreeMap<&str, &str> = variables(base).collect();
    for (name, value) in process.env.iter().filter_map(|variable| variable.split_once('=')) {
        let is_same = known.get(name) == Some(&value);
        let by = origin(spec.env.contains_key(name) && !is_same, known.contains_key(name));
        add(format!("env.{name}"), value.into(), by);
    }
    add(
        "workdir".into(),
        process.workdir.to_string(),
        origin(spec.workdir.is_some(), !base.workdir.is_empty()),
    );
    // The root of a base is not taken over.
    let of_base = !base.user.is_empty() && (spec.user.is_some() || merged.user.is_some());
    add("user".into(), format!("{}:{}", process.uid, process.gid), origin(spec.user.is_some(), of_base));
    if !merged.ports.is_empty() {
        add("ports".into(), list(&merged.ports), union(!spec.ports.is_empty(), !base.ports.is_empty()));
    }
    if !process.volumes.is_empty() {
        let volumes: Vec<String> = process.volumes.iter().map(ToString::to_string).collect();
        let adds = volumes.iter().any(|volume| !base.volumes.contains(volume));
        add("volumes".into(), list(&volumes), union(adds, !base.volumes.is_empty()));
    }
    for (key, merged, spec, base) in [
        ("labels", &merged.labels, &spec.labels, &base.labels),
        ("annotations", &merged.annotations, &spec.annotations, &base.annotations),
    ] {
        for (name, value) in merged {
            let by =
                origin(spec.contains_key(name) && base.get(name) != Some(value), base.contains_key(name));
            add(format!("{key}.{name}"), value.clone(), by);
        }
    }
    if let Some(signal) = &merged.stop_signal {
        let by = origin(spec.stop_signal.is_some(), !base.stop_signal.is_empty());
        add("stop-signal".into(), signal.clone(), by);
    }
    all
}

/// Who said what only one of them can say.
fn origin(of_spec: bool, of_base: bool) -> Origin {
    match (of_spec, of_base) {
        (true, true) => Origin::SpecOverBase,
        (true, false) => Origin::Spec,
        (false, true) => Origin::Base,
        (false, false) => Origin::Default,
    }
}

/// Who said what both add to.
fn union(of_spec: bool, of_base: bool) -> Origin {
    if of_spec && of_base { Origin::Both } else { origin(of_spec, of_base) }
}
