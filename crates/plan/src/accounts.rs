//! Users and groups of the image.

use crate::{
    error::PlanError,
    spec::{Id, User, UserRef},
};
use std::{collections::BTreeSet, fmt::Write as _};
use tree::{Entry, Tree, TreePath, View};

/// The user that a process runs as unless the spec says otherwise.
pub const NONROOT: u32 = 65532;
const NOBODY: u32 = 65534;
/// Longer than the passwd and group of any image, in bytes.
pub(crate) const MAX_ACCOUNTS: u64 = 256 << 10;

/// The users and groups that the packages of a source make when they are installed, with numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageAccounts {
    /// The users.
    pub users: Vec<PackageUser>,
    /// The groups: name and number.
    pub groups: Vec<(String, u32)>,
    /// Users that every machine of the distribution has: one stands in an image whose process runs as it.
    pub of_all: Vec<PackageUser>,
}

/// A user that a package makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageUser {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
    /// Its home.
    pub home: String,
}

/// The users and groups that names stand for.
#[derive(Debug, Clone)]
pub struct Accounts {
    users: Vec<Account>,
    groups: Vec<(String, u32)>,
    /// Are there some of packages?
    of_packages: bool,
    /// The passwd and group of the base image, which are added to.
    passwd_of_base: String,
    group_of_base: String,
}

#[derive(Debug, Clone)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

impl Accounts {
    /// The accounts of every image, upon a base with this passwd and group (empty where there is none). What the base
    /// knows keeps its meaning.
    pub fn upon(passwd: String, group: String) -> Self {
        let mut accounts = Accounts::of_every_image();
        accounts.read_passwd(&passwd);
        accounts.read_group(&group);
        Accounts { passwd_of_base: passwd, group_of_base: group, ..accounts }
    }

    /// The same, with passwd and group of a tree.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn of(tree: &Tree) -> Result<Self, PlanError> {
        let read = |path: &str| -> Result<String, PlanError> {
            let Ok(path) = TreePath::parse(path) else { return Ok(String::new()) };
            let found = tree.follow(&path)?.entry;
            let content = found.as_ref().and_then(Entry::content);
            let bytes = content.map(|content| content.read(MAX_ACCOUNTS)).transpose()?;
            Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
        };
        Ok(Accounts::upon(read("/etc/passwd")?, read("/etc/group")?))
    }

    /// Adds a user of the spec.
    pub fn add(&mut self, user: &User) {
        if !self.users.iter().any(|known| known.name == user.name) {
            let (name, home) = (user.name.clone(), user.home.to_string());
            self.users.push(Account { name, uid: user.uid, gid: user.gid, home });
        }
        if !self.groups.iter().any(|(_, gid)| *gid == user.gid) {
            self.groups.push((user.name.clone(), user.gid));
        }
    }

    /// The numbers of a user by its name.
    pub fn user(&self, name: &str) -> Option<(u32, u32)> {
        self.users.iter().find(|user| user.name == name).map(|user| (user.uid, user.gid))
    }

    fn of_every_image() -> Self {
        let account =
            |name: &str, uid, gid, home: &str| Account { name: name.into(), uid, gid, home: home.into() };
        Accounts {
            users: vec![
                account("root", 0, 0, "/root"),
                account("nobody", NOBODY, NOBODY, "/nonexistent"),
                account("nonroot", NONROOT, NONROOT, "/home/nonroot"),
            ],
            groups: [("root", 0), ("nobody", NOBODY), ("tty", 5), ("staff", 50), ("nonroot", NONROOT)]
                .map(|(name, gid)| (name.into(), gid))
                .to_vec(),
            of_packages: false,
            passwd_of_base: String::new(),
            group_of_base: String::new(),
        }
    }

    /// Adds those of packages; a name or a number that is known keeps its meaning. `process` is who the process runs as.
    pub fn add_packages(&mut self, packages: &PackageAccounts, process: &UserRef) {
        let is_process = |user: &&PackageUser| process.user == Id::Name(user.name.clone());
        for user in packages.users.iter().chain(packages.of_all.iter().filter(is_process)) {
            let PackageUser { name, uid, gid, home } = user.clone();
            if self.users.iter().any(|known| known.name == name || known.uid == uid) {
                continue;
            }
            self.of_packages = true;
            if !self.groups.iter().any(|(_, known)| *known == gid) {
                let group = packages.groups.iter().find(|(_, known)| *known == gid);
                self.groups.push((group.map_or(&name, |(group, _)| group).clone(), gid));
            }
            self.users.push(Account { name, uid, gid, home });
        }
        for (name, gid) in &packages.groups {
            if !self.groups.iter().any(|(known, number)| known == name || number == gid) {
                self.of_packages = true;
                self.groups.push((name.clone(), *gid));
            }
        }
    }

    /// Are there some that packages make?
    pub fn has_some_of_packages(&self) -> bool {
        self.of_packages
    }

    /// `/etc/passwd`.
    pub fn passwd(&self) -> String {
        let mut text = with_newline(&self.passwd_of_base);
        let known = names_in(&self.passwd_of_base);
        for Account { name, uid, gid, home } in self.users.iter().filter(|user| !known.contains(&*user.name))
        {
            let _ = writeln!(text, "{name}:x:{uid}:{gid}:{name}:{home}:/sbin/nologin");
        }
        text
    }

    /// `/etc/group`.
    pub fn group(&self) -> String {
        let mut text = with_newline(&self.group_of_base);
        let known = names_in(&self.group_of_base);
        for (name, gid) in self.groups.iter().filter(|(name, _)| !known.contains(&**name)) {
            let _ = writeln!(text, "{name}:x:{gid}:");
        }
        text
    }

    /// Adds what a payload's own passwd says; a name that is known keeps its meaning there.
    pub fn read_passwd(&mut self, text: &str) {
        for line in text.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, _, home, ..] = fields[..] else { continue };
            let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) else { continue };
            self.users.retain(|user| user.name != name);
            self.users.push(Account { name: name.into(), uid, gid, home: home.into() });
        }
    }

    /// Adds what a payload's own group file says.
    pub fn read_group(&mut self, text: &str) {
        for line in text.lines() {
            let mut fields = line.split(':');
            let (Some(name), Some(Ok(gid))) = (fields.next(), fields.nth(1).map(str::parse)) else {
                continue;
            };
            self.groups.retain(|(known, _)| known != name);
            self.groups.push((name.into(), gid));
        }
    }

    /// The numbers of a user and its group. A user by number that no passwd knows has the group of
    /// the same number.
    ///
    /// # Errors
    /// The name that is not known.
    pub fn numbers(&self, who: &UserRef) -> Result<(u32, u32), String> {
        let (uid, own_group) = match &who.user {
            Id::Number(uid) => {
                (*uid, self.users.iter().find(|user| user.uid == *uid).map_or(*uid, |user| user.gid))
            }
            Id::Name(name) => {
                let user = self.users.iter().find(|user| user.name == *name).ok_or_else(|| name.clone())?;
                (user.uid, user.gid)
            }
        };
        let gid = match &who.group {
            None => own_group,
            Some(Id::Number(gid)) => *gid,
            Some(Id::Name(name)) => {
                self.groups.iter().find(|(known, _)| known == name).ok_or_else(|| name.clone())?.1
            }
        };
        Ok((uid, gid))
    }

    /// The names that are known, for messages.
    pub fn names(&self) -> Vec<&str> {
        self.users.iter().map(|user| &*user.name).collect()
    }
}

/// The names of a passwd or group.
fn names_in(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.split(':').next()).collect()
}

/// A text that more can stand behind.
fn with_newline(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.into() } else { format!("{text}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_every_image() -> Accounts {
        Accounts::upon(String::new(), String::new())
    }

    fn who(user: &str, group: Option<u32>) -> UserRef {
        UserRef { user: Id::Name(user.into()), group: group.map(Id::Number) }
    }

    #[test]
    fn the_files_of_every_image() {
        let accounts = of_every_image();
        assert_eq!(
            accounts.passwd(),
            "root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
"
        );
        assert_eq!(accounts.group(), "root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n");
    }

    #[test]
    fn users_of_the_spec_are_known_by_name_and_number() {
        let shop = User {
            name: "shop".into(),
            uid: 1000,
            gid: 2000,
            home: TreePath::parse("/app").unwrap(),
            line: 1,
        };
        let mut accounts = of_every_image();
        accounts.add(&shop);
        assert!(accounts.passwd().ends_with("shop:x:1000:2000:shop:/app:/sbin/nologin\n"));
        assert!(accounts.group().ends_with("shop:x:2000:\n"));
        assert_eq!(accounts.numbers(&who("shop", None)), Ok((1000, 2000)));
        assert_eq!(accounts.numbers(&who("shop", Some(5))), Ok((1000, 5)));
        assert_eq!(accounts.numbers(&UserRef { user: Id::Number(1000), group: None }), Ok((1000, 2000)));
        assert_eq!(accounts.numbers(&UserRef { user: Id::Number(7), group: None }), Ok((7, 7)));
        assert_eq!(accounts.numbers(&who("nosuch", None)), Err("nosuch".into()));
    }

    #[test]
    fn packages_add_accounts_and_change_none() {
        let user = |name: &str, uid, gid| PackageUser { name: name.into(), uid, gid, home: "/h".into() };
        let packages = PackageAccounts {
            users: vec![user("redis", 61200, 61200), user("root", 7, 7), user("zero", 0, 0)],
            groups: vec![("redis".into(), 61200), ("ssl-cert".into(), 61300), ("tty".into(), 9)],
            of_all: vec![user("www-data", 33, 33), user("games", 5, 60)],
        };
        let mut accounts = of_every_image();
        accounts.add_packages(&packages, &who("www-data", None));
        let added = |text: String, known: String| text.strip_prefix(&*known).unwrap().to_owned();
        let every = of_every_image();
        assert_eq!(
            added(accounts.passwd(), every.passwd()),
            "redis:x:61200:61200:redis:/h:/sbin/nologin\nwww-data:x:33:33:www-data:/h:/sbin/nologin\n"
        );
        assert_eq!(
            added(accounts.group(), every.group()),
            "redis:x:61200:\nwww-data:x:33:\nssl-cert:x:61300:\n"
        );
        assert!(accounts.has_some_of_packages() && !every.has_some_of_packages());
    }

    #[test]
    fn a_payload_may_bring_its_own_passwd() {
        let mut accounts = of_every_image();
        accounts.read_passwd("root:x:0:0::/:/x\nweb:x:33:34::/srv:/x\nbroken\nbad:x:a:b::/:\n");
        accounts.read_group("www:x:34:\nnonsense\n");
        assert_eq!(accounts.numbers(&who("web", None)), Ok((33, 34)));
        assert_eq!(
            accounts.numbers(&UserRef { user: Id::Number(1), group: Some(Id::Name("www".into())) }),
            Ok((1, 34))
        );
    }
}
