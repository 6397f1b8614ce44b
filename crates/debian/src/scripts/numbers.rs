//! Numbers of the users and groups that packages make.
//!
//! adduser(8) gives the next free number of the machine, so that it tells which packages were installed before. Here a name
//! has a number of its own, from its hash, as systemd gives them to `DynamicUser=`, and out of the same range: whoever else
//! is in an image does not change it, and files in a volume keep their owner.

use super::accounts::{Account, AccountKind};
use crate::deb::{group_number, user_number};
use std::collections::{BTreeMap, BTreeSet};
use tree::Sha256Digest;

/// The range of systemd's dynamic users: systemd.exec(5).
const FIRST: u32 = 61184;
const COUNT: u32 = 65519 - FIRST + 1;

/// Users that processes of containers run as, of those that every machine has, with their homes.
const OF_EVERY_SYSTEM: &[(&str, u32, &str)] = &[
    ("daemon", 1, "/usr/sbin"),
    ("games", 5, "/usr/games"),
    ("man", 6, "/var/cache/man"),
    ("lp", 7, "/var/spool/lpd"),
    ("mail", 8, "/var/mail"),
    ("news", 9, "/var/spool/news"),
    ("uucp", 10, "/var/spool/uucp"),
    ("proxy", 13, "/bin"),
    ("www-data", 33, "/var/www"),
    ("backup", 34, "/var/backups"),
    ("list", 38, "/var/list"),
    ("irc", 39, "/run/ircd"),
];

/// The accounts of packages, with numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbered {
    /// Name, user number, group number, home; by name.
    pub users: Vec<(String, u32, u32, String)>,
    /// Name and number, by name.
    pub groups: Vec<(String, u32)>,
}

/// Gives every account a number: that which its package says, that which Debian gives to all, or that of its name.
pub fn numbered(accounts: &[Account]) -> Numbered {
    let named = |is_wanted: &dyn Fn(&AccountKind) -> bool| {
        let mut known: BTreeMap<&str, Option<u32>> = BTreeMap::new();
        for account in accounts.iter().filter(|account| is_wanted(&account.kind)) {
            let id = known.entry(&account.name).or_default();
            *id = id.or(account.id);
        }
        known
    };
    let users = named(&|kind| matches!(kind, AccountKind::User { .. }));
    let groups = named(&|kind| matches!(kind, AccountKind::Group));
    let given = |name: &str, id: Option<u32>, lookup: fn(&[u8]) -> Option<u32>| {
        id.or_else(|| lookup(name.as_bytes()))
    };
    let mut taken: BTreeSet<u32> = BTreeSet::new();
    taken.extend(users.iter().filter_map(|(name, id)| given(name, *id, user_number)));
    taken.extend(groups.iter().filter_map(|(name, id)| given(name, *id, group_number)));
    // A user and the group of its name have the same number.
    let names: BTreeSet<&str> = users.keys().chain(groups.keys()).copied().collect();
    let mut own: BTreeMap<&str, u32> = BTreeMap::new();
    for name in names {
        let of_name = number_of(name);
        let mut free = (0..COUNT).map(|step| FIRST + (of_name - FIRST + step) % COUNT);
        let number = free.find(|number| !taken.contains(number)).unwrap_or(of_name);
        taken.insert(number);
        own.insert(name, number);
    }
    let own = |name: &str| own.get(name).copied().unwrap_or_else(|| number_of(name));
    let uid = |name: &str, id| given(name, id, user_number).unwrap_or_else(|| own(name));
    let gid = |name: &str, id| given(name, id, group_number).unwrap_or_else(|| own(name));
    let mut all_groups: BTreeMap<String, u32> =
        groups.iter().map(|(name, id)| ((*name).to_owned(), gid(name, *id))).collect();
    let mut numbered = Numbered::default();
    for (name, id) in &users {
        let of_name = accounts.iter().filter(|account| account.name == *name);
        let said: Vec<_> = of_name
            .filter_map(|account| match &account.kind {
                AccountKind::User { group, home, .. } => Some((group.as_deref(), home.as_deref())),
                _ => None,
            })
            .collect();
        let group = said.iter().find_map(|(group, _)| *group);
        let home = said.iter().find_map(|(_, home)| *home).unwrap_or("/nonexistent");
        let group = match group {
            Some(number) if number.parse::<u32>().is_ok() => number.parse().unwrap_or_default(),
            Some(group) => {
                let number = gid(group, groups.get(group).copied().flatten());
                all_groups.entry(group.into()).or_insert(number);
                number
            }
            None => {
                // A user of whom no group is told has one of its own; adduser's is nogroup, which owns nothing.
                let number = gid(name, groups.get(name).copied().flatten().or(*id));
                all_groups.entry((*name).into()).or_insert(number);
                number
            }
        };
        numbered.users.push(((*name).into(), uid(name, *id), group, home.into()));
    }
    numbered.groups = all_groups.into_iter().collect();
    numbered
}

fn number_of(name: &str) -> u32 {
    let digest = Sha256Digest::of(name.as_bytes()).hex();
    let first = digest.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
    FIRST + first % COUNT
}

impl Numbered {
    /// The users that every machine has: `passwd.master` of base-passwd.
    pub fn of_every_system() -> Self {
        let user = |(name, uid, home): &(&str, u32, &str)| {
            let gid = group_number(name.as_bytes()).unwrap_or(*uid);
            ((*name).to_owned(), *uid, gid, (*home).to_owned())
        };
        Numbered { users: OF_EVERY_SYSTEM.iter().map(user).collect(), groups: vec![] }
    }

    /// The number of a user.
    pub fn user(&self, name: &str) -> Option<u32> {
        self.users.iter().find(|(known, ..)| known == name).map(|(_, uid, ..)| *uid)
    }

    /// The number of a group.
    pub fn group(&self, name: &str) -> Option<u32> {
        self.groups.iter().find(|(known, _)| known == name).map(|(_, gid)| *gid)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sysusers;
    use super::*;

    #[test]
    fn a_name_has_a_number_of_its_own() {
        let declared = |text: &str| numbered(&sysusers(text, "pp"));
        let alone = declared("u redis - - /var/lib/redis\n");
        let (name, uid, gid, home) = alone.users[0].clone();
        assert_eq!((&*name, &*home), ("redis", "/var/lib/redis"));
        assert_eq!(uid, gid);
        assert!((FIRST..FIRST + COUNT).contains(&uid), "{uid}");
        assert_eq!(alone.groups, [("redis".to_owned(), gid)]);
        // Others do not change it; given numbers and those of all Debian systems count.
        let more = declared(
            "u aa - -\nu redis - - /var/lib/redis\ng redis - -\nu web 77:www-data - /web\nu www-data - -\n",
        );
        assert_eq!(more.user("redis"), Some(uid));
        assert_eq!(
            (more.user("web"), more.user("www-data"), more.group("www-data")),
            (Some(77), Some(33), Some(33))
        );
        assert_eq!(more.users.iter().find(|user| user.0 == "web").unwrap().2, 33);
    }

    #[test]
    fn a_number_that_is_taken_goes_to_one_only() {
        let one = number_of("aa");
        let taken = numbered(&sysusers(&format!("u aa - -\nu bb {one} -\n"), "pp"));
        assert_eq!(taken.user("bb"), Some(one));
        assert_ne!(taken.user("aa"), Some(one));
    }
}
