//! What the base image says of the process, and what the spec says, as one. `docs/base-images.md` has the rules.

use super::BaseConfig;
use crate::{
    accounts::Accounts,
    spec::{Config, UserRef},
};
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// The merged config.
#[derive(Debug)]
pub(crate) struct Merged {
    /// The spec's config, with what is taken from the base.
    pub config: Config,
    /// The names of the base's variables, in its order.
    pub env_order: Vec<String>,
}

/// Lays the spec's config over that of a base.
///
/// A user of the base is kept only where it is not root: an image of ours runs as root when the spec says so.
pub(crate) fn merge(spec: &Config, base: &BaseConfig, accounts: &Accounts) -> Merged {
    let mut config = spec.clone();
    if spec.entrypoint.is_empty() {
        config.entrypoint.clone_from(&base.entrypoint);
        if spec.cmd.is_empty() {
            config.cmd.clone_from(&base.cmd);
        }
    }
    let mut env_order = vec![];
    for (name, value) in variables(base) {
        // Of a name that stands there twice, a process gets the first.
        if !env_order.iter().any(|known| known == name) {
            config.env.entry(name.into()).or_insert_with(|| value.into());
            env_order.push(name.to_owned());
        }
    }
    if spec.workdir.is_none() && !base.workdir.is_empty() {
        config.workdir = TreePath::root().join(&base.workdir).ok();
    }
    if spec.user.is_none() {
        let user = UserRef::read(&base.user);
        let is_root = |user: &UserRef| accounts.numbers(user).is_ok_and(|(uid, _)| uid == 0);
        config.user = user.filter(|user| !is_root(user));
    }
    // What the spec adds comes after what is there, each once.
    let ports: BTreeSet<&String> = base.ports.iter().chain(&spec.ports).collect();
    config.ports = ports.into_iter().cloned().collect();
    let volumes = base.volumes.iter().filter_map(|volume| TreePath::root().join(volume).ok());
    let volumes: BTreeSet<TreePath> = volumes.chain(spec.volumes.iter().cloned()).collect();
    config.volumes = volumes.into_iter().collect();
    config.labels = united(&base.labels, &spec.labels);
    config.annotations = united(&base.annotations, &spec.annotations);
    if spec.stop_signal.is_none() && !base.stop_signal.is_empty() {
        config.stop_signal = Some(base.stop_signal.clone());
    }
    Merged { config, env_order }
}

/// The names and values of a base's variables.
pub(super) fn variables(base: &BaseConfig) -> impl Iterator<Item = (&str, &str)> {
    base.env.iter().filter_map(|variable| variable.split_once('='))
}

/// The value of a base's variable: of a name that stands there twice, a process gets the first.
pub(crate) fn variable<'b>(base: &'b BaseConfig, name: &str) -> Option<&'b str> {
    variables(base).find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn united(base: &BTreeMap<String, String>, spec: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    base.iter().chain(spec).map(|(name, value)| (name.clone(), value.clone())).collect()
}
