//! Words and operators of a script: XCU 2.3.

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it stands. `quoted` text is no pattern and no keyword.
    Text { text: String, quoted: bool },
    /// `$name`; `quoted` ones are one word whatever is in them.
    Variable { name: String, otherwise: Otherwise, quoted: bool },
    /// What a command prints.
    Command(String),
    /// What only a run could tell: arithmetic, a pattern taken away.
    Unknown,
}

/// What stands for a variable that is empty, or is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Otherwise {
    Nothing,
    /// `${name:-default}`.
    Default(String),
    /// `${name:+text}`: something, unless the variable is empty.
    Alternative,
}

/// A word: parts that stand together.
pub type Word = Vec<Part>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Word(Word),
    /// `;` `&` `&&` `||` `|` `(` `)` `;;`, and a line feed.
    Operator(&'static str),
    /// A redirection to a file, which is written; those that are read or lead to descriptors are left out.
    Write(Word),
}

/// A token and its line, from 1.
pub type Located = (usize, Token);

/// The tokens of a script; none where quotes or the like do not end.
pub fn tokens(text: &str) -> Option<Vec<Located>> {
    let mut lexer = Lexer { text: text.chars().collect(), at: 0, line: 1, documents: vec![] };
    let mut tokens = vec![];
    while let Some(token) = lexer.token()? {
        tokens.push(token);
    }
    Some(tokens)
}

/// Longest first.
const OPERATORS: [&str; 9] = [";;", "&&", "||", ";", "&", "|", "(", ")", "\n"];

struct Lexer {
    text: Vec<char>,
    at: usize,
    line: usize,
    /// Ends of the here-documents that begin after this line, and whether tabs before them are left out.
    documents: Vec<(String, bool)>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek(0)?;
        self.at += 1;
        self.line += usize::from(letter == '\n');
        Some(letter)
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, letter)| self.peek(ahead) == Some(letter))
    }

    /// Some(None) at the end, None where the text is no script.
    fn token(&mut self) -> Option<Option<Located>> {
        loop {
            match self.peek(0) {
                None => return Some(None),
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.peek(1) == Some('\n') => {
                    self.next();
                    self.next();
                }
                Some('#') => {
                    while self.peek(0).is_some_and(|letter| letter != '\n') {
                        self.at += 1;
                    }
                }
                Some(_) => break,
            }
        }
        let line = self.line;
        if let Some(operator) = OPERATORS.into_iter().find(|operator| self.starts_with(operator)) {
            operator.chars().for_each(|_| {
                self.next();
            });
            if operator == "\n" {
                self.skip_documents();
            }
            return Some(Some((line, Token::Operator(operator))));
        }
        let digits = (0..).take_while(|ahead| self.peek(*ahead).is_some_and(|c| c.is_ascii_digit())).count();
        if matches!(self.peek(digits), Some('<' | '>')) {
            self.at += digits;
            return self.redirection(line);
        }
        let word = self.word()?;
        Some(Some((line, Token::Word(word))))
    }

    fn redirection(&mut self, line: usize) -> Option<Option<Located>> {
        let sign = self.next()?;
        if sign == '<' && self.peek(0) == Some('<') {
            self.next();
            let strip = self.peek(0) == Some('-');
            if strip {
                self.next();
            }
            self.blanks();
            let end: String = self
                .word()?
                .into_iter()
                .map(|part| match part {
                    Part::Text { text, .. } => text,
                    Part::Variable { name, .. } => name,
                    Part::Command(_) | Part::Unknown => String::new(),
                })
                .collect();
            self.documents.push((end, strip));
            return self.token();
        }
        let to_descriptor = self.peek(0) == Some('&');
        if matches!(self.peek(0), Some('&' | '>' | '|')) {
            self.next();
        }
        self.blanks();
        let word = self.word()?;
        let goes_nowhere = to_descriptor
            || sign == '<'
            || matches!(&word[..], [Part::Text { text, .. }] if text.starts_with("/dev/"));
        if goes_nowhere { self.token() } else { Some(Some((line, Token::Write(word)))) }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    fn skip_documents(&mut self) {
        for (end, strip) in std::mem::take(&mut self.documents) {
            while self.peek(0).is_some() {
                let mut line = String::new();
                while let Some(letter) = self.next().filter(|letter| *letter != '\n') {
                    line.push(letter);
                }
                let line = if strip { line.trim_start_matches('\t') } else { &line };
                if line == end {
                    break;
                }
            }
        }
    }

    fn word(&mut self) -> Option<Word> {
        let mut word = vec![];
        let start = self.at;
        while let Some(letter) = self.peek(0) {
            match letter {
                ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    self.next();
                    let mut text = String::new();
                    loop {
                        match self.next()? {
                            '\'' => break,
                            letter => text.push(letter),
                        }
                    }
                    push(&mut word, &text, true);
                }
                '"' => {
                    self.next();
                    push(&mut word, "", true);
                    while self.peek(0)? != '"' {
                        self.part(&mut word, true)?;
                    }
                    self.next();
                }
                _ => self.part(&mut word, false)?,
            }
        }
        // An operator where a word should be would be read for ever.
        (self.at > start).then_some(word)
    }

    /// A letter, or what a `$`, a backslash or a backquote begins.
    fn part(&mut self, word: &mut Word, quoted: bool) -> Option<()> {
        match self.next()? {
            '\\' => match self.next()? {
                '\n' => {}
                letter if quoted && !"$`\"\\".contains(letter) => {
                    push(word, &format!("\\{letter}"), true);
                }
                letter => push(word, letter.encode_utf8(&mut [0; 4]), true),
            },
            '`' => {
                let mut text = String::new();
                loop {
                    match self.next()? {
                        '`' => break,
                        '\\' => text.push(self.next()?),
                        letter => text.push(letter),
                    }
                }
                word.push(Part::Command(text));
            }
            '$' => self.dollar(word, quoted)?,
            letter => push(word, letter.encode_utf8(&mut [0; 4]), quoted),
        }
        Some(())
    }

    fn dollar(&mut self, word: &mut Word, quoted: bool) -> Option<()> {
        match self.peek(0) {
            Some('(') => {
                self.next();
                let start = self.at;
                self.parentheses()?;
                let text = self.text.get(start..self.at.saturating_sub(1)).unwrap_or_default();
                let is_arithmetic = text.first() == Some(&'(');
                word.push(if is_arithmetic { Part::Unknown } else { Part::Command(text.iter().collect()) });
            }
            Some('{') => {
                self.next();
                let mut inner = String::new();
                let mut depth = 1;
                loop {
                    let letter = self.next()?;
                    depth += i32::from(letter == '{') - i32::from(letter == '}');
                    if depth == 0 {
                        break;
                    }
                    inner.push(letter);
                }
                word.push(parameter(&inner, quoted));
            }
            Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => {
                let mut name = String::new();
                while let Some(letter) = self.peek(0).filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(letter);
                    self.at += 1;
                }
                word.push(Part::Variable { name, otherwise: Otherwise::Nothing, quoted });
            }
            Some(letter) if letter.is_ascii_digit() || "@*".contains(letter) => {
                self.at += 1;
                word.push(Part::Variable { name: letter.into(), otherwise: Otherwise::Nothing, quoted });
            }
            Some('?' | '#' | '$' | '!' | '-') => {
                self.at += 1;
                word.push(Part::Unknown);
            }
            _ => push(word, "$", quoted),
        }
        Some(())
    }

    /// Passes over a command substitution: parentheses and quotes are counted.
    fn parentheses(&mut self) -> Option<()> {
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                '(' => depth += 1,
                ')' => depth -= 1,
                '\\' => {
                    self.next()?;
                }
                '\'' => while self.next()? != '\'' {},
                '"' => loop {
                    match self.next()? {
                        '"' => break,
                        '\\' => {
                            self.next()?;
                        }
                        '$' if self.peek(0) == Some('(') => {
                            self.next();
                            self.nested()?;
                        }
                        _ => {}
                    }
                },
                _ => {}
            }
        }
        Some(())
    }

    /// A substitution within quotes within a substitution: no deeper than any script goes.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
        }
        Some(())
    }
}

/// What stands in braces: `name`, `name:-default`; anything else is left to a run.
fn parameter(inner: &str, quoted: bool) -> Part {
    let end =
        inner.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(inner.len());
    let (name, rest) = inner.split_at_checked(end).unwrap_or_default();
    let plain = |text: &str| !text.contains(['$', '`', '\'', '"', '\\']);
    let default = rest.strip_prefix(":-").or_else(|| rest.strip_prefix(":="));
    let otherwise = match default {
        _ if name.is_empty() => return Part::Unknown,
        None if rest.is_empty() => Otherwise::Nothing,
        None if rest.starts_with(":+") => Otherwise::Alternative,
        Some(text) if plain(text) => Otherwise::Default(text.into()),
        _ => return Part::Unknown,
    };
    Part::Variable { name: name.into(), otherwise, quoted }
}

fn push(word: &mut Word, more: &str, is_quoted: bool) {
    match word.last_mut() {
        Some(Part::Text { text, quoted }) if *quoted == is_quoted => text.push_str(more),
        _ => word.push(Part::Text { text: more.into(), quoted: is_quoted }),
    }
}
