//! The users and groups that every Debian system has under the same numbers.
//!
//! dpkg looks for the owner's name of an entry first, and takes its number only where no such name is. The
//! numbers below 100 are given out by Debian for all: policy 9.2.2, `passwd.master` and `group.master` of
//! base-passwd.

/// The number of a user, where it is one of all.
pub fn user_number(name: &[u8]) -> Option<u32> {
    lookup(USERS, name)
}

/// The number of a group, where it is one of all.
pub fn group_number(name: &[u8]) -> Option<u32> {
    lookup(GROUPS, name)
}

fn lookup(table: &[(&str, u32)], name: &[u8]) -> Option<u32> {
    table.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, number)| *number)
}

const USERS: &[(&str, u32)] = &[
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("sync", 4),
    ("games", 5),
    ("man", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("proxy", 13),
    ("www-data", 33),
    ("backup", 34),
    ("list", 38),
    ("irc", 39),
    ("_apt", 42),
    ("nobody", 65534),
];

const GROUPS: &[(&str, u32)] = &[
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("tty", 5),
    ("disk", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("man", 12),
    ("proxy", 13),
    ("kmem", 15),
    ("dialout", 20),
    ("fax", 21),
    ("voice", 22),
    ("cdrom", 24),
    ("floppy", 25),
    ("tape", 26),
    ("sudo", 27),
    ("audio", 29),
    ("dip", 30),
    ("www-data", 33),
    ("backup", 34),
    ("operator", 37),
    ("list", 38),
    ("irc", 39),
    ("src", 40),
    ("shadow", 42),
    ("utmp", 43),
    ("video", 44),
    ("sasl", 45),
    ("plugdev", 46),
    ("staff", 50),
    ("games", 60),
    ("users", 100),
    ("nogroup", 65534),
];
