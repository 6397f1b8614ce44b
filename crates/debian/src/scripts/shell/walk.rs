//! Following a script: every command that it would call, or could.

use super::condition::{Field, Files, Found, and, compare_versions, matches, or, test};
use super::lex::{Part, Word};
use super::parse::{List, Node, Simple, parse};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Where dpkg's scripts look for programs.
const PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// More commands than any script calls.
const MAX_STEPS: usize = 20_000;
/// Commands within commands, those of functions among them.
const MAX_NESTING: usize = 300;
/// The longest script that is followed, in bytes.
const MAX_SCRIPT: usize = 1 << 20;
/// Functions that call each other deeper than this are followed no further.
const MAX_CALLS: usize = 20;

/// A command that a script would call when its package is installed for the first time, or could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The line of the script, from 1.
    pub line: usize,
    /// The command and its arguments; none for what only a run could tell. A file that is written is the command
    /// `>` with the file.
    pub words: Vec<Field>,
}

/// Which script of a package it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// It runs before the package is unpacked.
    Preinst,
    /// It runs when all packages are unpacked.
    Postinst,
}

impl Script {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Script::Preinst => "preinst",
            Script::Postinst => "postinst",
        }
    }
}

/// What a script can ask for.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Which script it is.
    pub script: Script,
    /// The name of the package.
    pub package: &'a str,
    /// Its architecture, or that of the machine for a package of all.
    pub architecture: &'a str,
    /// The files that are there when it runs.
    pub files: &'a dyn Files,
}

/// The commands that `preinst install` or `postinst configure ""` calls, in their order; none where the text is no shell script that can be followed.
pub fn calls(text: &str, surroundings: &Surroundings<'_>) -> Option<Vec<Call>> {
    let list = Some(text).filter(|text| text.len() <= MAX_SCRIPT).and_then(parse)?;
    let mut walk = Walk {
        surroundings,
        state: State::default(),
        functions: BTreeMap::new(),
        calls: vec![],
        steps: 0,
        depth: 0,
        nesting: 0,
    };
    let arguments = match surroundings.script {
        Script::Preinst => &["install"][..],
        Script::Postinst => &["configure", ""],
    };
    walk.state.arguments = arguments.iter().map(|argument| Some((*argument).into())).collect();
    for (name, value) in [
        ("DPKG_ROOT", ""),
        ("DPKG_ADMINDIR", "/var/lib/dpkg"),
        ("DPKG_MAINTSCRIPT_NAME", surroundings.script.name()),
        ("DPKG_MAINTSCRIPT_PACKAGE", surroundings.package),
        ("DPKG_MAINTSCRIPT_ARCH", surroundings.architecture),
        ("DEBIAN_FRONTEND", "noninteractive"),
    ] {
        walk.state.variables.insert(name.into(), Some(value.into()));
    }
    walk.list(&list);
    (walk.steps <= MAX_STEPS).then_some(walk.calls)
}

/// What is known at a point of the script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    pub variables: BTreeMap<String, Field>,
    pub arguments: Vec<Field>,
}

pub(super) struct Walk<'a> {
    pub surroundings: &'a Surroundings<'a>,
    pub state: State,
    functions: BTreeMap<String, Rc<List>>,
    calls: Vec<Call>,
    steps: usize,
    depth: usize,
    nesting: usize,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It goes on; it succeeded or not, where that is known.
    Next(Option<bool>),
    /// The round of a loop ends.
    Continue,
    /// The loop ends.
    Break,
    /// The function ends.
    Return,
    /// The script ends.
    Exit,
}

impl Walk<'_> {
    fn list(&mut self, list: &List) -> End {
        let mut end = End::Next(Some(true));
        for node in list {
            end = self.node(node);
            if !matches!(end, End::Next(_)) {
                break;
            }
        }
        end
    }

    fn node(&mut self, node: &Node) -> End {
        self.steps += 1;
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            self.steps = MAX_STEPS + 1;
        }
        if self.steps > MAX_STEPS {
            return End::Exit;
        }
        let end = self.node_within(node);
        self.nesting -= 1;
        end
    }

    fn node_within(&mut self, node: &Node) -> End {
        match node {
            Node::Simple(simple) => self.simple(simple),
            Node::If { branches, otherwise } => self.conditional(branches, otherwise),
            Node::Case { word, arms } => self.case(word, arms),
            Node::For { variable, words, body } => self.for_loop(variable, words.as_deref(), body),
            Node::Loop { condition, body } => self.repeat(&[condition, body]),
            Node::Function { name, body } => {
                self.functions.insert(name.clone(), Rc::clone(body));
                End::Next(Some(true))
            }
            Node::Group(list, writes) => {
                let end = self.list(list);
                for (line, word) in writes {
                    self.write(*line, word);
                }
                end
            }
            Node::Not(node) => match self.node(node) {
                End::Next(status) => End::Next(status.map(|is| !is)),
                end => end,
            },
            Node::And(left, right) => self.then(left, right, true),
            Node::Or(left, right) => self.then(left, right, false),
            Node::Pipe(nodes) => {
                // Each runs in a shell of its own.
                let before = self.fork();
                for node in nodes {
                    self.node(node);
                }
                self.state = before;
                End::Next(None)
            }
        }
    }

    /// `left && right`, or `left || right`.
    fn then(&mut self, left: &Node, right: &Node, is_and: bool) -> End {
        let status = match self.node(left) {
            End::Next(status) => status,
            end => return end,
        };
        match status {
            Some(is) if is != is_and => End::Next(status),
            Some(_) => self.node(right),
            None => match self.maybe(|walk| walk.node(right)) {
                End::Next(second) => End::Next(if is_and { and(None, second) } else { or(None, second) }),
                _ => End::Next(None),
            },
        }
    }

    fn conditional(&mut self, branches: &[(List, List)], otherwise: &List) -> End {
        let mut ways: Vec<(State, End)> = vec![];
        for (condition, body) in branches {
            let taken = match self.list(condition) {
                End::Next(status) => status,
                end => return self.join(ways, end),
            };
            if let Some(end) = self.branch(taken, body, &mut ways) {
                return self.join(ways, end);
            }
        }
        let end = self.list(otherwise);
        self.join(ways, end)
    }

    fn case(&mut self, word: &Word, arms: &[(Vec<Word>, List)]) -> End {
        let subject = self.one(word);
        let mut ways = vec![];
        for (patterns, body) in arms {
            let fits = patterns.iter().map(|pattern| {
                let text = self.one(pattern)?;
                if text == "*" { Some(true) } else { matches(&text, subject.as_deref()?) }
            });
            let taken = fits.reduce(or).flatten();
            if let Some(end) = self.branch(taken, body, &mut ways) {
                return self.join(ways, end);
            }
        }
        self.join(ways, End::Next(Some(true)))
    }

    /// Takes a branch that is surely taken, and gives how it ends; one that may be taken becomes one of the ways.
    fn branch(&mut self, taken: Option<bool>, body: &List, ways: &mut Vec<(State, End)>) -> Option<End> {
        match taken {
            Some(false) => None,
            Some(true) => Some(self.list(body)),
            None => {
                let before = self.fork();
                let end = self.list(body);
                ways.push((std::mem::replace(&mut self.state, before), end));
                None
            }
        }
    }

    fn for_loop(&mut self, variable: &str, words: Option<&[Word]>, body: &List) -> End {
        let fields = match words {
            Some(words) => self.fields(words),
            None => self.state.arguments.clone(),
        };
        // What a pattern stands for is not looked up.
        let is_pattern = |part: &Part| matches!(part, Part::Text { text, quoted: false } if text.contains(['*', '?', '[']));
        let has_pattern = words.unwrap_or_default().iter().flatten().any(is_pattern);
        if has_pattern || fields.iter().any(Option::is_none) {
            self.state.variables.insert(variable.into(), None);
            return self.repeat(&[body]);
        }
        for field in fields {
            self.state.variables.insert(variable.into(), field);
            match self.list(body) {
                End::Next(_) | End::Continue => {}
                End::Break => break,
                end => return end,
            }
        }
        End::Next(None)
    }

    /// What may be done any number of times: what it changes is unknown before and after.
    fn repeat(&mut self, lists: &[&List]) -> End {
        let run = |walk: &mut Self| {
            walk.maybe(|walk| {
                for list in lists {
                    walk.list(list);
                }
                End::Next(None)
            })
        };
        let count = self.calls.len();
        run(self);
        // What was called with values of a first round is forgotten.
        self.calls.truncate(count);
        run(self);
        End::Next(None)
    }

    /// What is known here, to be compared with what is known later. Its size counts as steps.
    fn fork(&mut self) -> State {
        self.steps += self.state.variables.len() / 8;
        self.state.clone()
    }

    /// Something that may happen or not.
    fn maybe(&mut self, run: impl FnOnce(&mut Self) -> End) -> End {
        let before = self.fork();
        let end = run(self);
        self.join(vec![(before, End::Next(None))], end)
    }

    /// Goes on from several ways: what they do not agree on is unknown.
    fn join(&mut self, ways: Vec<(State, End)>, end: End) -> End {
        if ways.is_empty() {
            return end;
        }
        let last = (std::mem::take(&mut self.state), end);
        let all: Vec<(State, End)> = ways.into_iter().chain([last]).collect();
        let goes_on = |(_, end): &&(State, End)| matches!(end, End::Next(_));
        let mut going = all.iter().filter(goes_on).map(|(state, _)| state);
        let Some(first) = going.next() else {
            self.state = all.first().map(|(state, _)| state.clone()).unwrap_or_default();
            return all.first().map_or(End::Exit, |(_, end)| *end);
        };
        let mut joined = first.clone();
        for state in going {
            for (name, value) in &state.variables {
                let known = joined.variables.entry(name.clone()).or_insert(None);
                if known != value {
                    *known = None;
                }
            }
            for (name, value) in &mut joined.variables {
                if !state.variables.contains_key(name) {
                    *value = None;
                }
            }
            if joined.arguments != state.arguments {
                joined.arguments = vec![None];
            }
        }
        self.state = joined;
        End::Next(None)
    }

    fn simple(&mut self, simple: &Simple) -> End {
        for (name, word) in &simple.assignments {
            let value = self.one(word);
            self.state.variables.insert(name.clone(), value);
        }
        let words = self.fields(&simple.words);
        for word in &simple.writes {
            self.write(simple.line, word);
        }
        if words.is_empty() {
            let is_command = |part: &Part| matches!(part, Part::Command(_));
            let is_plain = simple.assignments.iter().all(|(_, word)| !word.iter().any(is_command));
            return End::Next(is_plain.then_some(true));
        }
        self.command(simple.line, &words)
    }

    fn command(&mut self, line: usize, words: &[Field]) -> End {
        let Some((Some(name), args)) = words.split_first() else {
            self.call(line, words);
            return End::Next(None);
        };
        if let Some(body) = self.functions.get(name).cloned() {
            return self.function(&body, args);
        }
        match (name.as_str(), args) {
            ("[", [args @ .., Some(end)]) if end == "]" => End::Next(test(args, self.surroundings.files)),
            ("test", args) => End::Next(test(args, self.surroundings.files)),
            ("true" | ":", _) => End::Next(Some(true)),
            ("false", _) => End::Next(Some(false)),
            ("exit", _) => End::Exit,
            ("return", [Some(status), ..]) if self.depth > 0 => {
                // The status is what the caller sees.
                self.state.variables.insert(STATUS.into(), Some(status.clone()));
                End::Return
            }
            ("return", _) => {
                self.state.variables.insert(STATUS.into(), None);
                if self.depth > 0 { End::Return } else { End::Exit }
            }
            ("break", _) => End::Break,
            ("continue", _) => End::Continue,
            ("echo" | "printf" | "umask" | "trap" | "wait" | "type" | "sleep" | "cd", _) => End::Next(None),
            ("set", args) => {
                if let Some(at) = args.iter().position(|arg| arg.as_deref() == Some("--")) {
                    self.state.arguments = args.get(at + 1..).unwrap_or_default().to_vec();
                }
                End::Next(Some(true))
            }
            ("shift", _) => {
                if !self.state.arguments.is_empty() {
                    self.state.arguments.remove(0);
                }
                End::Next(Some(true))
            }
            ("local" | "export" | "readonly", args) => {
                for arg in args.iter().flatten() {
                    if let Some((name, value)) = arg.split_once('=') {
                        self.state.variables.insert(name.into(), Some(value.into()));
                    }
                }
                End::Next(Some(true))
            }
            ("unset", args) => {
                for name in args.iter().flatten() {
                    self.state.variables.insert(name.clone(), Some(String::new()));
                }
                End::Next(Some(true))
            }
            ("read" | "getopts", args) => {
                for name in args.iter().flatten() {
                    self.state.variables.insert(name.clone(), None);
                }
                End::Next(None)
            }
            ("which", [Some(name)]) if !name.starts_with('-') => End::Next(Some(self.is_program(name))),
            ("command", [Some(option), Some(name)]) if option == "-v" || option == "-V" => {
                End::Next(Some(self.is_program(name)))
            }
            ("exec" | "command" | "builtin", []) => End::Next(Some(true)),
            ("exec" | "command" | "builtin", args) if args.first().is_some_and(|arg| !is_option(arg)) => {
                self.command(line, args)
            }
            ("dpkg", [Some(option), rest @ ..]) if option == "--compare-versions" => {
                End::Next(compare_versions(rest))
            }
            _ => {
                self.call(line, words);
                End::Next(None)
            }
        }
    }

    /// Is there a program of this name where scripts look for it?
    fn is_program(&self, name: &str) -> bool {
        let is_there =
            |path: &str| matches!(self.surroundings.files.found(path), Found::File { executable: true, .. });
        match name.contains('/') {
            true => is_there(name),
            false => PATH.iter().any(|dir| is_there(&format!("{dir}/{name}"))),
        }
    }

    fn function(&mut self, body: &List, args: &[Field]) -> End {
        if self.depth >= MAX_CALLS {
            return End::Next(None);
        }
        let arguments = std::mem::replace(&mut self.state.arguments, args.to_vec());
        self.depth += 1;
        let end = self.list(body);
        self.depth -= 1;
        self.state.arguments = arguments;
        match end {
            End::Exit => End::Exit,
            End::Return => {
                let status = self.state.variables.get(STATUS).cloned().flatten();
                End::Next(status.map(|status| status == "0"))
            }
            // Statuses of what a function does last are not followed.
            _ => End::Next(None),
        }
    }

    fn write(&mut self, line: usize, word: &Word) {
        let file = self.one(word);
        if !file.as_deref().is_some_and(|file| file.starts_with("/dev/")) {
            self.call(line, &[Some(">".into()), file]);
        }
    }

    fn call(&mut self, line: usize, words: &[Field]) {
        self.calls.push(Call { line, words: words.to_vec() });
    }
}

/// The status of the function that ended last: no variable of a script has this name.
const STATUS: &str = " status";

fn is_option(arg: &Field) -> bool {
    arg.as_deref().is_none_or(|arg| arg.starts_with('-'))
}
