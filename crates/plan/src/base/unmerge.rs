//! What of a finished image's config is its own, and what it has of its base: [`merge`](super::merge) the other way.

use super::BaseConfig;
use crate::{
    accounts::Accounts,
    process::DEFAULT_PATH,
    profile::CA_BUNDLE,
    spec::{Config, Id, UserRef},
};
use std::collections::{BTreeMap, BTreeSet};
use tree::TreePath;

/// Variables that an image has unless somebody says otherwise.
const DEFAULTS: [(&str, &str); 2] = [("PATH", DEFAULT_PATH), ("SSL_CERT_FILE", CA_BUNDLE)];

/// What `image` says that its base does not, nor bantam by itself. `accounts` are those of the image upon that base.
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
    let volumes = image.volumes.difference(&base.volumes).filter_map(|volume| root.join(volume).ok());
    Config {
        entrypoint,
        cmd,
        env: image.env.iter().filter_map(split).filter(is_own).collect(),
        workdir: Some(workdir(image)).filter(|own| *own != workdir(base)),
        user: own_user(&image.user, &base.user, accounts),
        ports: image.ports.difference(&base.ports).cloned().collect(),
        volumes: volumes.collect::<BTreeSet<_>>().into_iter().collect(),
        labels: own(&image.labels, &base.labels),
        annotations: own(&image.annotations, &base.annotations),
        stop_signal: Some(image.stop_signal.clone()).filter(|own| *own != base.stop_signal),
        ..Config::default()
    }
}

/// Who an image says that it is run by, unless that is what its base says, or what bantam says where the base says root.
/// Root is nobody's by default: an image of root asked for it. A name that nobody knows stays what it is.
fn own_user(image: &str, base: &str, accounts: &Accounts) -> Option<UserRef> {
    let (own, below) = (who(image), who(base));
    let numbers = |user: &UserRef| accounts.numbers(user).ok();
    let is_of_base = match (numbers(&own), numbers(&below)) {
        (Some(own), Some((0, _))) => Some(own) == numbers(&UserRef::nonroot()),
        (Some(own), Some(below)) => own == below,
        _ => image == base,
    };
    (!is_of_base).then_some(own)
}

fn who(user: &str) -> UserRef {
    if user.is_empty() {
        return UserRef::root();
    }
    UserRef::read(user).unwrap_or_else(|| UserRef { user: Id::Name(user.into()), group: None })
}

fn own(image: &BTreeMap<String, String>, base: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let own = image.iter().filter(|(name, value)| base.get(*name) != Some(value));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::merge, *};

    fn accounts() -> Accounts {
        Accounts::upon("root:x:0:0::/:/x\nweb:x:33:34::/srv:/x\n".into(), String::new())
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ').filter(|word| !word.is_empty()).map(String::from).collect()
    }

    fn base(user: &str) -> BaseConfig {
        BaseConfig {
            entrypoint: words("/old"),
            cmd: words("a b"),
            env: words("PATH=/x LANG=C"),
            workdir: "/srv/".into(),
            user: user.into(),
            ports: ["80/tcp".to_string()].into(),
            labels: BTreeMap::from([("a".into(), "base".into())]),
            ..BaseConfig::default()
        }
    }

    /// The config of an image that was built upon `base`.
    fn built(own: &Config, base: &BaseConfig) -> BaseConfig {
        let merged = merge(own, base, &accounts()).config;
        let (uid, gid) = accounts().numbers(&merged.user()).unwrap();
        BaseConfig {
            entrypoint: merged.entrypoint.clone(),
            cmd: merged.cmd.clone(),
            env: merged.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            workdir: merged.workdir().to_string(),
            user: format!("{uid}:{gid}"),
            ports: merged.ports.into_iter().collect(),
            volumes: merged.volumes.iter().map(ToString::to_string).collect(),
            labels: merged.labels,
            annotations: merged.annotations,
            stop_signal: merged.stop_signal.unwrap_or_default(),
        }
    }

    #[test]
    fn what_was_merged_is_taken_apart() {
        let own = Config {
            entrypoint: words("/app"),
            env: BTreeMap::from([("LANG".into(), "de".into()), ("A".into(), "1".into())]),
            workdir: TreePath::parse("/app").ok(),
            user: UserRef::read("7:8"),
            ports: words("8080/tcp"),
            volumes: TreePath::parse("/data").into_iter().collect(),
            labels: BTreeMap::from([("b".into(), "own".into())]),
            stop_signal: Some("SIGINT".into()),
            ..Config::default()
        };
        let root = Config { user: UserRef::read("0:0"), ..Config::default() };
        let only_cmd = Config { cmd: words("c"), ..Config::default() };
        for (own, user) in [
            (&own, "root"),
            (&own, "web"),
            (&only_cmd, "web"),
            (&Config::default(), ""),
            (&Config::default(), "web"),
            (&Config::default(), "0:0"),
            (&root, ""),
            (&root, "0"),
            (&root, "web"),
        ] {
            let base = base(user);
            let found = unmerge(&built(own, &base), &base, &accounts());
            assert_eq!(format!("{found:?}"), format!("{own:?}"), "{user}");
        }
    }

    #[test]
    fn a_user_is_of_the_base_only_where_that_is_sure() {
        let unknown = |name: &str| Some(UserRef { user: Id::Name(name.into()), group: None });
        for (image, base, want) in [
            ("65532:65532", "", None),
            ("nonroot", "root", None),
            ("", "", Some(UserRef::root())),
            ("", "web", Some(UserRef::root())),
            ("root", "0", UserRef::read("root")),
            ("0:0", "root", UserRef::read("0:0")),
            ("33:34", "web", None),
            ("web", "33:34", None),
            ("33:33", "web", UserRef::read("33:33")),
            ("who", "who", None),
            ("who", "whom", unknown("who")),
            ("who", "", unknown("who")),
            ("33:34", "whom", UserRef::read("33:34")),
            ("a b", "a:b:c", unknown("a b")),
        ] {
            assert_eq!(own_user(image, base, &accounts()), want, "{image} upon {base}");
        }
    }

    #[test]
    fn what_bantam_sets_by_itself_is_nobodys() {
        let image = BaseConfig {
            env: vec![format!("PATH={DEFAULT_PATH}"), format!("SSL_CERT_FILE={CA_BUNDLE}"), "A=1".into()],
            ..BaseConfig::default()
        };
        let own = unmerge(&image, &BaseConfig::default(), &accounts());
        assert_eq!(own.env.keys().collect::<Vec<_>>(), ["A"]);
    }
}
