//! Directories, links, modes and owners that scripts make.

use super::accounts::is_name;
use super::enabled::enabled;
use super::shell::Call;
use crate::deb::{group_number, user_number};
use tree::TreePath;

/// Something that a script does to the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// A directory, with those above it, unless something is there.
    Directory(TreePath),
    /// A directory that goes away, if it is empty.
    Removed(TreePath),
    /// A symbolic link, unless something is there.
    Link {
        /// Where it stands.
        path: TreePath,
        /// What it says.
        target: String,
    },
    /// An empty file, unless something is there.
    Empty(TreePath),
    /// A symbolic link, unless something is at its place or nothing is where it would lead.
    Enabled {
        /// Where it stands.
        path: TreePath,
        /// What it says.
        target: String,
    },
    /// A link that enables a module of PHP.
    PhpModule {
        /// The version of PHP, as its directory is called.
        version: String,
        /// The program that loads it; none: all.
        program: Option<String>,
        /// The module.
        name: String,
    },
    /// A copy of a file that is there, with its mode, unless something is at its place.
    Copy {
        /// The file.
        from: TreePath,
        /// Where the copy stands.
        to: TreePath,
    },
    /// Permission bits of what is there.
    Mode(TreePath, u32),
    /// Permission bits that are set and cleared, of what is there.
    Bits {
        /// Where.
        path: TreePath,
        /// Those that are set.
        set: u32,
        /// Those that are cleared.
        clear: u32,
    },
    /// The owner and the group of what is there, where they are said.
    Owner(TreePath, Option<Id>, Option<Id>),
}

/// A user or a group, as a script says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    /// One that has a number.
    Number(u32),
    /// One that a package makes.
    Name(String),
}

impl Made {
    /// What a call does; none if it does something else, or not all of it is known.
    pub(super) fn of(call: &Call) -> Option<Vec<Self>> {
        let words: Option<Vec<&str>> = call.words.iter().map(Option::as_deref).collect();
        let words = words?;
        let (program, args) = words.split_first()?;
        match program.rsplit('/').next()? {
            "mkdir" => directories(args, false),
            "install" if args.iter().any(|arg| matches!(*arg, "-d" | "--directory")) => {
                directories(args, true)
            }
            "rmdir" => operands(args).into_iter().map(|text| Some(Made::Removed(path(text)?))).collect(),
            "ln" => link(args),
            "touch" => operands(args).into_iter().map(|text| Some(Made::Empty(path(text)?))).collect(),
            "cp" => copy(args, &["-p", "-a", "-f", "-n", "-L", "-pf", "-dp", "-pZ", "-aZ"]),
            // A configuration file that nobody has changed: ucf(1).
            "ucf" => copy(args, &["--three-way", "--debconf-ok", "--debconf-template"]),
            "install" => file(args),
            "chmod" => {
                let (mode, paths) = operands(args).split_first().map(|(a, b)| (*a, b.to_vec()))?;
                match octal(mode) {
                    Some(mode) => paths.into_iter().map(|text| Some(Made::Mode(path(text)?, mode))).collect(),
                    None => {
                        let (set, clear) = symbolic(mode)?;
                        let bits = |text| Some(Made::Bits { path: path(text)?, set, clear });
                        paths.into_iter().map(bits).collect()
                    }
                }
            }
            "chown" => {
                let (owner, paths) = operands(args).split_first().map(|(a, b)| (*a, b.to_vec()))?;
                let (user, group) = owner_of(owner)?;
                paths
                    .into_iter()
                    .map(|text| Some(Made::Owner(path(text)?, user.clone(), group.clone())))
                    .collect()
            }
            "chgrp" => {
                let (group, paths) = operands(args).split_first().map(|(a, b)| (*a, b.to_vec()))?;
                let group = Some(id(group, group_number)?);
                paths.into_iter().map(|text| Some(Made::Owner(path(text)?, None, group.clone()))).collect()
            }
            "a2enmod" | "a2enconf" | "a2ensite" | "php_invoke" => enabled(program, args),
            "dpkg-statoverride" if args.contains(&"--add") => {
                let [user, group, mode, text] = operands(args)[..] else { return None };
                let owner = (Some(id(user, user_number)?), Some(id(group, group_number)?));
                let path = path(text)?;
                Some(vec![Made::Owner(path.clone(), owner.0, owner.1), Made::Mode(path, octal(mode)?)])
            }
            _ => None,
        }
    }
}

fn directories(args: &[&str], is_install: bool) -> Option<Vec<Made>> {
    let (mut mode, mut user, mut group) = (None, None, None);
    let mut paths = vec![];
    let mut args = args.iter().copied();
    while let Some(arg) = args.next() {
        match arg {
            "-m" => mode = Some(octal(args.next()?)?),
            // The directory is made whether or not its owner makes sense.
            "-o" if is_install => user = id(args.next()?, user_number),
            "-g" if is_install => group = id(args.next()?, group_number),
            _ if is_install && arg.starts_with("-o") => user = id(arg.get(2..)?, user_number),
            _ if is_install && arg.starts_with("-g") => group = id(arg.get(2..)?, group_number),
            _ if arg.starts_with("--mode=") => mode = Some(octal(arg.strip_prefix("--mode=")?)?),
            _ if arg.starts_with("-m") && arg.len() > 2 => mode = Some(octal(arg.strip_prefix("-m")?)?),
            "-p" | "--parents" | "-Z" | "-pZ" | "-d" | "--directory" | "-v" | "-pv" | "-vp" | "--" => {}
            _ if arg.starts_with('-') => return None,
            _ => paths.push(path(arg)?),
        }
    }
    let mut made = vec![];
    for path in paths {
        made.push(Made::Directory(path.clone()));
        if user.is_some() || group.is_some() {
            made.push(Made::Owner(path.clone(), user.clone(), group.clone()));
        }
        made.extend(mode.map(|mode| Made::Mode(path, mode)));
    }
    Some(made)
}

fn copy(args: &[&str], options: &[&str]) -> Option<Vec<Made>> {
    let (given, paths): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| arg.starts_with('-'));
    let [from, text] = paths[..] else { return None };
    let from = path(from)?;
    // A copy into a directory has the file's name.
    let to = if text.ends_with('/') { path(text)?.child(from.name()) } else { path(text)? };
    given.iter().all(|option| options.contains(option)).then(|| vec![Made::Copy { from, to }])
}

/// `install -m 644 FILE PLACE`: a copy with its own mode and owner.
fn file(args: &[&str]) -> Option<Vec<Made>> {
    let (mut mode, mut user, mut group) = (0o755, Id::Number(0), Id::Number(0));
    let mut paths = vec![];
    let mut args = args.iter().copied();
    while let Some(arg) = args.next() {
        match arg {
            "-m" => mode = octal(args.next()?)?,
            "-o" => user = id(args.next()?, user_number)?,
            "-g" => group = id(args.next()?, group_number)?,
            "-p" | "-D" => {}
            _ if arg.starts_with("-m") && arg.len() > 2 => mode = octal(arg.strip_prefix("-m")?)?,
            _ if arg.starts_with('-') => return None,
            _ => paths.push(arg),
        }
    }
    let mut made = copy(&paths, &[])?;
    let Some(Made::Copy { to, .. }) = made.first() else { return None };
    let to = to.clone();
    made.extend([Made::Owner(to.clone(), Some(user), Some(group)), Made::Mode(to, mode)]);
    Some(made)
}

fn link(args: &[&str]) -> Option<Vec<Made>> {
    let is_symbolic = |arg: &&str| {
        *arg == "--symbolic" || (arg.starts_with('-') && !arg.starts_with("--") && arg.contains('s'))
    };
    let is_relative = |arg: &&str| *arg == "-r" || *arg == "--relative" || *arg == "-sr";
    if !args.iter().any(is_symbolic) || args.iter().any(is_relative) {
        return None;
    }
    let [target, text] = operands(args)[..] else { return None };
    let place = path(text)?;
    // `ln -s TARGET DIRECTORY/` puts a link of the target's name into it.
    let place = if text.ends_with('/') { place.child(path(target)?.name()) } else { place };
    let is_right = !target.is_empty() && !target.contains(['*', '?', '\n', '\0']);
    is_right.then(|| vec![Made::Link { path: place, target: target.into() }])
}

/// What is no option.
fn operands<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().filter(|arg| !arg.starts_with('-')).collect()
}

/// A path that stands for itself, and is not the root.
fn path(text: &str) -> Option<TreePath> {
    let is_plain = !text.contains(['*', '?', '[', '\n', '~']) && !text.split('/').any(|name| name == "..");
    TreePath::parse(text).ok().filter(|path| is_plain && !path.is_root())
}

fn octal(text: &str) -> Option<u32> {
    let is_octal = !text.is_empty() && text.bytes().all(|byte| (b'0'..b'8').contains(&byte));
    u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= 0o7777)
}

/// `u+rw,go-x`: the bits that are set and cleared. None for those that make a program run as another: whether they
/// are set is no guess to make.
fn symbolic(text: &str) -> Option<(u32, u32)> {
    let (mut set, mut clear) = (0, 0);
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, rest) = clause.split_at_checked(at)?;
        let (sign, permissions) = rest.split_at_checked(1)?;
        let class = |letter| match letter {
            'u' => Some(0o700),
            'g' => Some(0o070),
            'o' => Some(0o007),
            'a' => Some(0o777),
            _ => None,
        };
        let right = |letter| match letter {
            'r' => Some(0o444),
            'w' => Some(0o222),
            'x' => Some(0o111),
            _ => None,
        };
        let mask = who.chars().try_fold(0, |mask, letter| Some(mask | class(letter)?))?;
        let mask = if who.is_empty() { 0o777 } else { mask };
        let bits = mask & permissions.chars().try_fold(0, |bits, letter| Some(bits | right(letter)?))?;
        let (more, less) = match sign {
            "+" => (bits, 0),
            "-" => (0, bits),
            _ => (bits, mask & !bits),
        };
        set = (set & !less) | more;
        clear = (clear & !more) | less;
    }
    Some((set, clear))
}

fn owner_of(text: &str) -> Option<(Option<Id>, Option<Id>)> {
    let (user, group) = match text.split_once([':', '.']) {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let user = if user.is_empty() { None } else { Some(id(user, user_number)?) };
    let group = group.map(|group| id(group, group_number));
    match group {
        Some(None) => None,
        group => Some((user, group.flatten())),
    }
}

fn id(text: &str, lookup: fn(&[u8]) -> Option<u32>) -> Option<Id> {
    let number = text.parse().ok().or_else(|| lookup(text.as_bytes()));
    match number {
        Some(number) => Some(Id::Number(number)),
        None => is_name(text).then(|| Id::Name(text.into())),
    }
}
