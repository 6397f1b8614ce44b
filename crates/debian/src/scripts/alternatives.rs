//! Alternatives: update-alternatives(1).

use super::shell::Call;
use std::collections::BTreeMap;
use tree::TreePath;

/// What a call of `update-alternatives --install` offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The name, which is that of the link in `/etc/alternatives`.
    pub name: String,
    /// The link that programs use.
    pub link: TreePath,
    /// What it would lead to.
    pub path: TreePath,
    /// The highest counts.
    pub priority: i64,
    /// Links that change along: link, name, path.
    pub slaves: Vec<(TreePath, String, TreePath)>,
}

impl Alternative {
    /// The offer in a call; none if it is no such call, or
    /// the link, the name, the path or the priority is not known.
    pub(super) fn of(call: &Call) -> Option<Self> {
        let mut rest = call.words.iter().skip(1);
        let mut found: Option<Alternative> = None;
        while let Some(word) = rest.next() {
            let mut next = || rest.next().and_then(Option::as_deref);
            match word.as_deref() {
                Some("--install") => {
                    let (link, name, path) = (next()?, next()?, next()?);
                    found = Some(Alternative {
                        name: checked(name)?,
                        link: absolute(link)?,
                        path: absolute(path)?,
                        priority: next()?.parse().ok()?,
                        slaves: vec![],
                    });
                }
                Some("--slave") => {
                    let (link, name, path) = (next()?, next()?, next()?);
                    found.as_mut()?.slaves.push((absolute(link)?, checked(name)?, absolute(path)?));
                }
                Some("--quiet" | "--force" | "--verbose" | "--debug") => {}
                // Slaves, of which only a run could tell whether they are there: manual pages, in all of Debian.
                None if found.is_some() => {}
                _ => return None,
            }
        }
        found
    }

    /// The offer in a call of `/usr/share/mysql-common/configure-symlinks install NAME FILE`.
    pub(super) fn of_mysql(call: &Call) -> Option<Self> {
        let words: Option<Vec<&str>> = call.words.iter().skip(1).map(Option::as_deref).collect();
        let ["install", _, path] = words?[..] else { return None };
        Some(Alternative {
            name: "my.cnf".into(),
            link: absolute("/etc/mysql/my.cnf")?,
            path: absolute(path)?,
            priority: 200,
            slaves: vec![],
        })
    }
}

/// Of all offers of a name, the one that dpkg takes: the highest priority, and of those the path that sorts first.
pub(crate) fn winners<'a>(
    offers: impl IntoIterator<Item = &'a Alternative>,
) -> BTreeMap<&'a str, &'a Alternative> {
    let mut best: BTreeMap<&str, &Alternative> = BTreeMap::new();
    for offer in offers {
        let rank = |offer: &Alternative| (std::cmp::Reverse(offer.priority), offer.path.as_str().to_owned());
        match best.get(offer.name.as_str()) {
            Some(found) if rank(found) <= rank(offer) => {}
            _ => {
                best.insert(&offer.name, offer);
            }
        }
    }
    best
}

fn absolute(text: &str) -> Option<TreePath> {
    TreePath::parse(text).ok()
}

/// Names become names of files.
fn checked(name: &str) -> Option<String> {
    let is_right = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0', '\n', ' ']);
    (is_right && name.len() < 256).then(|| name.into())
}
