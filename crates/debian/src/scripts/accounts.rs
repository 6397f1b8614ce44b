//! Users and groups that packages make: adduser(8), useradd(8).

use super::shell::Call;

/// A user or group that a package makes when it is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The package.
    pub package: String,
    /// Its name.
    pub name: String,
    /// Its number, if it is always the same: most get one when they are made.
    pub id: Option<u32>,
    /// What it is.
    pub kind: AccountKind,
}

/// What an account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountKind {
    /// A group.
    Group,
    /// A user.
    User {
        /// Its group, by name or number; none for a group of its own name, or `nogroup`.
        group: Option<String>,
        /// Its home, where it is said.
        home: Option<String>,
        /// Its shell, where it is said.
        shell: Option<String>,
    },
    /// A user that becomes a member of a group.
    Member {
        /// The group.
        group: String,
    },
}

impl Account {
    /// The accounts that a call makes; none if it is no such call, or not all that counts is known.
    pub(super) fn of(call: &Call, package: &str) -> Option<Vec<Self>> {
        let (program, rest) = call.words.split_first()?;
        let program = program.as_deref()?.rsplit('/').next()?;
        let is_user = match program {
            "adduser" | "useradd" => true,
            "addgroup" | "groupadd" => false,
            _ => return None,
        };
        let mut args = Arguments::default();
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            // An option that only a run could tell is one less; a name is not.
            let Some(word) = word.as_deref() else {
                args.unknown += 1;
                continue;
            };
            let (word, mut value) = match word.split_once('=').filter(|_| word.starts_with("--")) {
                Some((word, value)) => (word, Some(value)),
                None => (word, None),
            };
            let mut value = || value.take().or_else(|| words.next().and_then(Option::as_deref));
            match word {
                "--uid" | "-u" => args.id = Some(value()?.parse().ok()?),
                "--gid" | "-g" if !is_user => args.id = Some(value()?.parse().ok()?),
                "--gid" | "-g" | "--ingroup" => args.group = Some(value()?.into()),
                "--home" | "--home-dir" | "-d" => args.home = value().map(String::from),
                "--shell" | "-s" => args.shell = value().map(String::from),
                "--group" if program == "adduser" => args.own_group = true,
                "--user-group" | "-U" => args.own_group = true,
                "--gecos" | "--comment" | "-c" | "--firstuid" | "--lastuid" | "--conf" | "-K" | "--key"
                | "--groups" | "-G" => {
                    value();
                }
                option if option.starts_with('-') => {}
                name => args.names.push(name.into()),
            }
        }
        args.accounts(package, is_user)
    }
}

#[derive(Default)]
struct Arguments {
    names: Vec<String>,
    unknown: usize,
    id: Option<u32>,
    group: Option<String>,
    home: Option<String>,
    shell: Option<String>,
    own_group: bool,
}

impl Arguments {
    fn accounts(self, package: &str, is_user: bool) -> Option<Vec<Account>> {
        let Arguments { names, unknown, id, group, home, shell, own_group } = self;
        if names.iter().any(|name| !is_name(name)) || unknown > 0 {
            return None;
        }
        let account = |name: &str, id, kind| Account { package: package.into(), name: name.into(), id, kind };
        match &names[..] {
            [name] if is_user => {
                let mut all = vec![];
                if own_group {
                    all.push(account(name, id, AccountKind::Group));
                }
                all.push(account(name, id, AccountKind::User { group, home, shell }));
                Some(all)
            }
            [name] => Some(vec![account(name, id, AccountKind::Group)]),
            [name, group] if is_user => {
                Some(vec![account(name, None, AccountKind::Member { group: group.clone() })])
            }
            _ => None,
        }
    }
}

/// As useradd(8) takes it, and as Debian's packages name theirs.
pub(super) fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}
