//! What the scripts of a package would do.

use super::accounts::Account;
use super::alternatives::Alternative;
use super::files::Made;
use super::knowledge::{Knowledge, Verdict};
use super::shell::{Call, Files, Found, Script, Surroundings, calls};
use crate::pack::Pack;
use std::collections::BTreeMap;
use tree::{Kind, Tree, TreePath};

/// What a package does when it is installed, beside bringing files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// The alternatives that it offers.
    pub alternatives: Vec<Alternative>,
    /// The users and groups that it makes.
    pub accounts: Vec<Account>,
    /// Directories, links, modes and owners, in their order.
    pub made: Vec<Made>,
}

/// A line of a script that does something which is not done for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptLine {
    /// Which script.
    pub script: Script,
    /// Its number, from 1.
    pub line: usize,
    /// The line as it stands, without blanks around it.
    pub text: String,
    /// What is known to be missing without; none where nothing is known.
    pub reason: Option<String>,
}

/// The longest line that is shown, in letters.
const MAX_LINE: usize = 200;

impl Effects {
    /// What the `preinst` and `postinst` of a package do, and the lines of which nobody knows what they do. A `preinst` finds
    /// nothing but itself, as if its package were the first of all; a `postinst` finds what is in `tree`.
    pub fn of(pack: &Pack, tree: &Tree, knowledge: &Knowledge) -> (Self, Vec<ScriptLine>) {
        let nothing = Tree::new();
        let scripts = &pack.control().scripts;
        let mut all = Effects::default();
        let mut left = vec![];
        for (script, text, tree) in
            [(Script::Preinst, &scripts.preinst, &nothing), (Script::Postinst, &scripts.postinst, tree)]
        {
            let Some(text) = text else { continue };
            let (package, architecture) = (pack.name(), pack.architecture());
            let surroundings = Surroundings { script, package, architecture, files: &Disk(tree) };
            let (effects, lines) = Effects::of_script(text, &surroundings, knowledge);
            all.add(effects);
            left.extend(lines);
        }
        (all, left)
    }

    fn add(&mut self, more: Effects) {
        self.alternatives.extend(more.alternatives);
        self.made.extend(more.made);
        for account in more.accounts {
            if !self.accounts.contains(&account) {
                self.accounts.push(account);
            }
        }
    }

    /// What a script of some package does.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn of_any(
        script: &[u8],
        package: &str,
        tree: &Tree,
        knowledge: &Knowledge,
    ) -> (Self, Vec<ScriptLine>) {
        let surroundings =
            Surroundings { script: Script::Postinst, package, architecture: "amd64", files: &Disk(tree) };
        Effects::of_script(script, &surroundings, knowledge)
    }

    pub(super) fn of_script(
        script: &[u8],
        surroundings: &Surroundings<'_>,
        knowledge: &Knowledge,
    ) -> (Self, Vec<ScriptLine>) {
        let package = surroundings.package;
        let mut effects = Effects::default();
        let mut left: BTreeMap<usize, Option<&str>> = BTreeMap::new();
        let text = std::str::from_utf8(script).unwrap_or_default();
        // A script of another language, or one that cannot be followed, is a command as a whole.
        let whole = || vec![Call { line: 1, words: vec![Some(text.lines().next().unwrap_or("#!").into())] }];
        let calls = Some(text).filter(|text| is_shell(text)).and_then(|text| calls(text, surroundings));
        for call in calls.unwrap_or_else(whole) {
            if effects.take(&call, package) {
                continue;
            }
            match knowledge.verdict(package, &command(&call)) {
                Some((Verdict::Harmless | Verdict::Handled, _)) => {}
                Some((Verdict::Matters, reason)) => {
                    left.entry(call.line).or_insert(Some(reason));
                }
                None => {
                    left.insert(call.line, None);
                }
            }
        }
        let line = |(line, reason): (usize, Option<&str>)| ScriptLine {
            script: surroundings.script,
            line,
            text: text
                .lines()
                .nth(line.saturating_sub(1))
                .unwrap_or_default()
                .trim()
                .chars()
                .take(MAX_LINE)
                .collect(),
            reason: reason.map(String::from),
        };
        (effects, left.into_iter().map(line).collect())
    }

    /// Is this a call whose effects are known?
    fn take(&mut self, call: &Call, package: &str) -> bool {
        let Some(Some(program)) = call.words.first() else { return false };
        match program.rsplit('/').next().unwrap_or_default() {
            "update-alternatives" => {
                let offer = Alternative::of(call);
                let is_offer = offer.is_some();
                self.alternatives.extend(offer);
                is_offer
            }
            // It is a script of mysql-common, which offers an alternative of the configuration.
            "configure-symlinks" => {
                let offer = Alternative::of_mysql(call);
                let is_offer = offer.is_some();
                self.alternatives.extend(offer);
                is_offer
            }
            "adduser" | "addgroup" | "useradd" | "groupadd" => {
                let accounts = Account::of(call, package);
                let is_known = accounts.is_some();
                for account in accounts.into_iter().flatten() {
                    if !self.accounts.contains(&account) {
                        self.accounts.push(account);
                    }
                }
                is_known
            }
            _ => match Made::of(call) {
                Some(made) => {
                    self.made.extend(made);
                    true
                }
                None => false,
            },
        }
    }
}

/// A tree as a script finds it.
pub(super) struct Disk<'a>(pub &'a Tree);

impl Files for Disk<'_> {
    fn found(&self, path: &str) -> Found {
        let found = TreePath::parse(path).ok().and_then(|path| tree::resolve(self.0, &path).ok());
        match found.and_then(|found| found.entry) {
            Some(entry) if entry.is_directory() => Found::Directory,
            Some(entry) => Found::File {
                empty: entry.content().is_none_or(|content| content.size() == 0),
                executable: entry.is_executable(),
            },
            None => Found::Nothing,
        }
    }

    fn is_link(&self, path: &str) -> bool {
        let Ok(path) = TreePath::parse(path) else { return false };
        let above = path.parent().and_then(|above| tree::resolve(self.0, &above).ok());
        let entry = above.and_then(|above| self.0.get(&above.path.child(path.name())));
        entry.is_some_and(|entry| matches!(entry.kind, Kind::Symlink(_)))
    }
}

/// Does the first line name a shell whose language is that of POSIX?
fn is_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let Some(interpreter) = first.strip_prefix("#!") else { return false };
    let mut words = interpreter.split_ascii_whitespace();
    let mut name = words.next().unwrap_or_default();
    if name.ends_with("/env") {
        name = words.next().unwrap_or_default();
    }
    ["sh", "dash", "bash"].contains(&name.rsplit('/').next().unwrap_or_default())
}

/// A call as rules know it.
fn command(call: &Call) -> String {
    let mut words = call.words.iter().map(|word| word.as_deref().unwrap_or("…"));
    let program = words.next().unwrap_or_default();
    let program =
        if program.starts_with('#') { program } else { program.rsplit('/').next().unwrap_or_default() };
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}
