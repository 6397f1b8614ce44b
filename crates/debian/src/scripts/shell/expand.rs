//! Words and what stands for them: XCU 2.6.

use super::condition::Field;
use super::lex::{Otherwise, Part, Word};
use super::parse::{Node, Simple, assignment, parse};
use super::walk::Walk;

/// More words than any command has.
const MAX_WORDS: usize = 1000;
/// The longest value of a variable that is followed, in bytes.
const MAX_VALUE: usize = 1 << 12;

impl Walk<'_> {
    /// A word as one text: no blanks part it.
    pub fn one(&self, word: &Word) -> Field {
        let mut text = String::new();
        for part in word {
            match part {
                Part::Text { text: more, .. } => text.push_str(more),
                Part::Variable { name, otherwise, .. } => match self.value(name, otherwise) {
                    Value::Known(more) if more.len() + text.len() < MAX_VALUE => text.push_str(&more),
                    _ => return None,
                },
                Part::Command(command) => text.push_str(&self.printed(command)?),
                Part::Unknown => return None,
            }
        }
        Some(text)
    }

    /// What a command prints, of those few that always print the same.
    fn printed(&self, command: &str) -> Field {
        let list = parse(command)?;
        let [Node::Simple(Simple { words, assignments, writes, .. })] = &list[..] else { return None };
        if !assignments.is_empty() || !writes.is_empty() {
            return None;
        }
        let words: Vec<String> = words.iter().map(|word| self.one(word)).collect::<Option<_>>()?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let architecture = self.surroundings.architecture;
        match words[..] {
            ["dpkg", "--print-architecture"] if !architecture.is_empty() => Some(architecture.into()),
            // Nothing is diverted.
            ["dpkg-divert", "--truename", path] => Some(path.into()),
            ["echo", text] => Some(text.trim_end_matches('\n').into()),
            ["dirname", path] => Some(match path.trim_end_matches('/').rsplit_once('/') {
                Some(("", _)) => "/".into(),
                Some((above, _)) => above.into(),
                None => ".".into(),
            }),
            ["basename", path] => Some(path.trim_end_matches('/').rsplit('/').next()?.into()),
            _ => None,
        }
    }

    /// Words as the fields that a command gets.
    pub fn fields(&self, words: &[Word]) -> Vec<Field> {
        let mut fields = vec![];
        let mut words_of_declaration = false;
        for word in words {
            match &word[..] {
                [Part::Variable { name, .. }] if name == "@" => fields.extend(self.state.arguments.clone()),
                [Part::Variable { name, otherwise, quoted: false }] => match self.value(name, otherwise) {
                    Value::Known(text) => {
                        fields.extend(text.split_ascii_whitespace().map(|field| Some(field.into())));
                    }
                    Value::Unknown => fields.push(None),
                },
                // `local name="$unknown"` is a declaration of something unknown.
                _ if words_of_declaration && assignment(word).is_some() => {
                    if let Some((name, value)) = assignment(word) {
                        fields.push(self.one(&value).map(|value| format!("{name}={value}")));
                    }
                }
                _ => fields.push(self.one(word)),
            }
            if fields.len() > MAX_WORDS {
                return vec![None];
            }
            words_of_declaration |= matches!(fields.first(), Some(Some(name)) if name == "local");
        }
        fields
    }

    fn value(&self, name: &str, otherwise: &Otherwise) -> Value {
        let known = match name.parse::<usize>() {
            Ok(0) => return Value::Unknown,
            Ok(number) => match self.state.arguments.get(number - 1) {
                Some(value) => Some(value.clone()),
                // Arguments that are not given are empty, if it is known how many there are.
                None if self.state.arguments.iter().all(Option::is_some) => Some(Some(String::new())),
                None => Some(None),
            },
            Err(_) if name == "@" || name == "*" => {
                let all: Option<Vec<String>> = self.state.arguments.iter().cloned().collect();
                Some(all.map(|all| all.join(" ")))
            }
            Err(_) => self.state.variables.get(name).cloned(),
        };
        match (known, otherwise) {
            (Some(Some(text)), Otherwise::Default(default)) if text.is_empty() => {
                Value::Known(default.clone())
            }
            (Some(Some(text)), Otherwise::Alternative) if !text.is_empty() => Value::Unknown,
            (Some(Some(text)), _) => Value::Known(text),
            // What nobody has set may come from the environment or a file that was read.
            _ => Value::Unknown,
        }
    }
}

enum Value {
    Known(String),
    Unknown,
}
