//! What of a finished image's config is its own, and what it has of its base: [`merge`](super::merge) the other way.

use super::BaseConfig;
use crate::{
    accounts::Accounts,
    process::DEFAULT_PATH,
    profile::CA_BUNDLE,
    spec::{Config, UserRef},
};
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// Variables that an image has unless somebody says otherwise.
const DEFAULTS: [(&str, &str); 2] = [("PATH", DEFAULT_PATH), ("SSL_CERT_FILE", CA_BUNDLE)];

/// What `image` says that its base does not, nor bantam by itself. `accounts` are those of the image.
pub(crate) fn unmerge(image: &BaseConfig, base: &BaseConfig, accounts: &Accounts) -> Config {
    let (entrypoint, cmd) = if image.entrypoint != base.entrypoint {
        (image.entrypoint.clone(), image.cmd.clone())
    } else if image.cmd != base.cmd {
        (vec![], image.cmd.clone())
    } else {
        (vec![], vec![])
    };
    let split = |variable: &'_ String| {
        variable.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let of_base: BTreeMap<String, String> = base.env.iter().filter_map(split).collect();
    let is_own = |(name, value): &(String, String)| match of_base.get(name) {
        Some(known) => known != value,
        None => !DEFAULTS.contains(&(name, value)),
    };
    let root = TreePath::root();
    let workdir = |config: &BaseConfig| root.join(&config.workdir).unwrap_or_else(|_| TreePath::root());
    let numbers = |user: &str| UserRef::read(user).and_then(|user| accounts.numbers(&user).ok());
    let user = numbers(&image.user);
    let default = accounts.numbers(&UserRef::nonroot()).ok();
    let is_of_base = user == numbers(&base.user) || user == default && is_root(&base.user, &numbers);
    let volumes = image.volumes.difference(&base.volumes).filter_map(|volume| root.join(volume).ok());
    Config {
        entrypoint,
        cmd,
        env: image.env.iter().filter_map(split).filter(is_own).collect(),
        workdir: Some(workdir(image)).filter(|own| *own != workdir(base)),
        user: UserRef::read(&image.user).filter(|_| !is_of_base),
        ports: image.ports.difference(&base.ports).cloned().collect(),
        volumes: volumes.collect::<BTreeSet<_>>().into_iter().collect(),
        labels: own(&image.labels, &base.labels),
        annotations: own(&image.annotations, &base.annotations),
        stop_signal: Some(image.stop_signal.clone()).filter(|own| *own != base.stop_signal),
        ..Config::default()
    }
}

fn is_root(user: &str, numbers: &dyn Fn(&str) -> Option<(u32, u32)>) -> bool {
    user.is_empty() || numbers(user).is_some_and(|(uid, _)| uid == 0)
}

fn own(image: &BTreeMap<String, String>, base: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let own = image.iter().filter(|(name, value)| base.get(*name) != Some(value));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}
