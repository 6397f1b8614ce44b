//! The grammar of scripts: XCU 2.10.

use super::lex::{Located, Part, Token, Word, tokens};
use std::rc::Rc;

/// Deeper than any script is nested.
const MAX_DEPTH: usize = 50;
/// More commands than any script joins with `&&` and `||`.
const MAX_CHAIN: usize = 200;

/// Commands one after the other.
pub type List = Vec<Node>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Simple(Simple),
    /// `if` and `elif` with what follows, then `else`.
    If {
        branches: Vec<(List, List)>,
        otherwise: List,
    },
    Case {
        word: Word,
        arms: Vec<(Vec<Word>, List)>,
    },
    /// Without `in`, the words are the arguments.
    For {
        variable: String,
        words: Option<Vec<Word>>,
        body: List,
    },
    /// `while` and `until`.
    Loop {
        condition: List,
        body: List,
    },
    Function {
        name: String,
        body: Rc<List>,
    },
    /// In braces or parentheses, with the files that it writes.
    Group(List, Vec<(usize, Word)>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Pipe(Vec<Node>),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simple {
    /// The line at which it begins, from 1.
    pub line: usize,
    pub assignments: Vec<(String, Word)>,
    pub words: Vec<Word>,
    /// The files that it writes.
    pub writes: Vec<Word>,
}

/// The commands of a script; none where it is no script.
pub fn parse(text: &str) -> Option<List> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let list = parser.list(&[])?;
    (parser.at == tokens.len()).then_some(list)
}

struct Parser<'a> {
    tokens: &'a [Located],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |(line, _)| *line)
    }

    fn keyword(&self) -> Option<&'a str> {
        match self.peek()? {
            Token::Word(word) => plain(word),
            _ => None,
        }
    }

    fn is_operator(&self, operator: &str) -> bool {
        matches!(self.peek(), Some(Token::Operator(found)) if *found == operator)
    }

    fn take_operator(&mut self, operator: &str) -> bool {
        let is = self.is_operator(operator);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, keyword: &str) -> Option<()> {
        self.lines();
        (self.keyword()? == keyword).then(|| self.at += 1)
    }

    fn lines(&mut self) {
        while self.take_operator("\n") {}
    }

    /// Commands until one of these keywords, a `)` or `;;`, which stay.
    fn list(&mut self, ends: &[&str]) -> Option<List> {
        self.deeper()?;
        let mut list = vec![];
        loop {
            while ["\n", ";", "&"].iter().any(|operator| self.take_operator(operator)) {}
            let is_end = self.keyword().is_some_and(|word| ends.contains(&word));
            if self.peek().is_none() || is_end || self.is_operator(")") || self.is_operator(";;") {
                break;
            }
            list.push(self.and_or()?);
        }
        self.depth -= 1;
        Some(list)
    }

    /// One level more; whoever comes back takes it away again.
    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    fn and_or(&mut self) -> Option<Node> {
        let mut left = self.pipe()?;
        for _ in 0..MAX_CHAIN {
            let is_and = self.take_operator("&&");
            if !is_and && !self.take_operator("||") {
                return Some(left);
            }
            self.lines();
            let right = Box::new(self.pipe()?);
            left = if is_and { Node::And(Box::new(left), right) } else { Node::Or(Box::new(left), right) };
        }
        None
    }

    fn pipe(&mut self) -> Option<Node> {
        if self.keyword() == Some("!") {
            self.at += 1;
            self.deeper()?;
            let node = self.pipe()?;
            self.depth -= 1;
            return Some(Node::Not(Box::new(node)));
        }
        let first = self.command()?;
        if !self.is_operator("|") {
            return Some(first);
        }
        let mut nodes = vec![first];
        while self.take_operator("|") {
            self.lines();
            nodes.push(self.command()?);
        }
        Some(Node::Pipe(nodes))
    }

    fn command(&mut self) -> Option<Node> {
        if self.take_operator("(") {
            let list = self.list(&[])?;
            return self.take_operator(")").then(|| self.group(list));
        }
        match self.keyword() {
            Some("{") => {
                self.at += 1;
                let list = self.list(&["}"])?;
                self.expect("}")?;
                Some(self.group(list))
            }
            Some("if") => self.conditional(),
            Some("case") => self.case(),
            Some("for") => self.for_loop(),
            Some("while" | "until") => {
                self.at += 1;
                let condition = self.list(&["do"])?;
                let body = self.body()?;
                let node = Node::Loop { condition, body };
                Some(self.group_if_written(node))
            }
            Some("function") => {
                self.at += 1;
                let name = self.keyword()?.to_owned();
                self.at += 1;
                self.function(name)
            }
            _ => self.simple(),
        }
    }

    /// The files that a compound command writes.
    fn group(&mut self, list: List) -> Node {
        let mut writes = vec![];
        while let Some(Token::Write(word)) = self.peek() {
            writes.push((self.line(), word.clone()));
            self.at += 1;
        }
        Node::Group(list, writes)
    }

    fn group_if_written(&mut self, node: Node) -> Node {
        match self.group(vec![node]) {
            Node::Group(mut list, writes) if writes.is_empty() && list.len() == 1 => {
                list.pop().unwrap_or(Node::Group(vec![], vec![]))
            }
            group => group,
        }
    }

    fn conditional(&mut self) -> Option<Node> {
        let mut branches = vec![];
        let mut otherwise = vec![];
        self.at += 1;
        loop {
            let condition = self.list(&["then"])?;
            self.expect("then")?;
            let body = self.list(&["elif", "else", "fi"])?;
            branches.push((condition, body));
            match self.keyword()? {
                "elif" => self.at += 1,
                "else" => {
                    self.at += 1;
                    otherwise = self.list(&["fi"])?;
                    break;
                }
                _ => break,
            }
        }
        self.expect("fi")?;
        Some(self.group_if_written(Node::If { branches, otherwise }))
    }

    fn case(&mut self) -> Option<Node> {
        self.at += 1;
        let Token::Word(word) = self.peek()? else { return None };
        self.at += 1;
        self.expect("in")?;
        let mut arms = vec![];
        loop {
            self.lines();
            if self.keyword() == Some("esac") {
                break;
            }
            self.take_operator("(");
            let mut patterns = vec![];
            loop {
                let Token::Word(pattern) = self.peek()? else { return None };
                patterns.push(pattern.clone());
                self.at += 1;
                if !self.take_operator("|") {
                    break;
                }
            }
            if !self.take_operator(")") {
                return None;
            }
            arms.push((patterns, self.list(&["esac"])?));
            if !self.take_operator(";;") {
                self.lines();
                break;
            }
        }
        self.expect("esac")?;
        Some(self.group_if_written(Node::Case { word: word.clone(), arms }))
    }

    fn for_loop(&mut self) -> Option<Node> {
        self.at += 1;
        let variable = self.keyword()?.to_owned();
        self.at += 1;
        self.lines();
        let words = if self.keyword() == Some("in") {
            self.at += 1;
            let mut words = vec![];
            while let Some(Token::Word(word)) = self.peek() {
                words.push(word.clone());
                self.at += 1;
            }
            Some(words)
        } else {
            None
        };
        self.take_operator(";");
        let body = self.body()?;
        Some(self.group_if_written(Node::For { variable, words, body }))
    }

    fn body(&mut self) -> Option<List> {
        self.expect("do")?;
        let body = self.list(&["done"])?;
        self.expect("done")?;
        Some(body)
    }

    fn function(&mut self, name: String) -> Option<Node> {
        if self.take_operator("(") && !self.take_operator(")") {
            return None;
        }
        self.lines();
        self.deeper()?;
        let body = Rc::new(vec![self.command()?]);
        self.depth -= 1;
        Some(Node::Function { name, body })
    }

    fn simple(&mut self) -> Option<Node> {
        let mut simple = Simple { line: self.line(), ..Simple::default() };
        let start = self.at;
        loop {
            match self.peek() {
                Some(Token::Word(word)) => {
                    match assignment(word).filter(|_| simple.words.is_empty()) {
                        Some(assignment) => simple.assignments.push(assignment),
                        None => simple.words.push(word.clone()),
                    }
                    self.at += 1;
                }
                Some(Token::Write(word)) => {
                    simple.writes.push(word.clone());
                    self.at += 1;
                }
                Some(Token::Operator("(")) => {
                    let [word] = &simple.words[..] else { return None };
                    return self.function(plain(word)?.to_owned());
                }
                _ => break,
            }
        }
        (self.at > start).then_some(Node::Simple(simple))
    }
}

/// The text of a word without quotes or variables: keywords are such.
fn plain(word: &Word) -> Option<&str> {
    match &word[..] {
        [Part::Text { text, quoted: false }] => Some(text),
        _ => None,
    }
}

/// `NAME=value`.
pub fn assignment(word: &Word) -> Option<(String, Word)> {
    let (Part::Text { text, quoted: false }, rest) = word.split_first()? else { return None };
    let (name, value) = text.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let start = (!value.is_empty()).then(|| Part::Text { text: value.into(), quoted: false });
    is_name.then(|| (name.to_owned(), start.into_iter().chain(rest.iter().cloned()).collect()))
}
